package simulator

import (
	"errors"
	"fmt"
)

// An apiError is the error object of a 503 answer.
type apiError struct {
	code    string
	details string
	cause   *apiError
	raw     record // the whole object, when a fault brings it
}

func (e *apiError) Error() string { return e.code + ": " + e.details }

// fail returns an error with the code's own description and this text. The
// texts are Chinese, as a server with its default locale writes them, except
// those of internal errors.
func fail(code, format string, args ...any) *apiError {
	return &apiError{code: code, details: fmt.Sprintf(format, args...)}
}

// because returns an error that wraps another one.
func because(code string, cause error, format string, args ...any) *apiError {
	outer := fail(code, format, args...)
	outer.cause = asAPIError(cause)
	return outer
}

// asAPIError gives every other error the code of an internal one.
func asAPIError(err error) *apiError {
	var known *apiError
	if errors.As(err, &known) {
		return known
	}
	var query queryError
	if errors.As(err, &query) {
		return &apiError{code: query.code, details: query.details}
	}
	return fail("SYS.1000", "%s", err.Error())
}

// record returns the error as the API writes it.
func (e *apiError) record() record {
	if e.raw != nil {
		return e.raw
	}
	r := record{
		"code":        e.code,
		"description": descriptions[e.code],
		"details":     cut(e.details, 4096),
		"causes":      []any{},
	}
	if e.cause != nil {
		r["cause"] = e.cause.record()
	}
	return r
}

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	if characters := []rune(s); len(characters) > n {
		return string(characters[:n])
	}
	return s
}

// descriptions is the server's catalogue: English whatever the locale.
var descriptions = map[string]string{
	"SYS.1000":             "An internal error happened in system",
	"SYS.1001":             "An operation timeout happened",
	"SYS.1002":             "Unable to create resource",
	"SYS.1003":             "Resource cannot be found",
	"SYS.1004":             "Unable to delete resource",
	"SYS.1005":             "Unable to change resource state",
	"SYS.1006":             "Unable to perform the operation",
	"SYS.1007":             "One or more API argument is invalid",
	"SYS.1008":             "Unknown message",
	"SYS.1012":             "The management node is unavailable",
	"ID.1000":              "Failed to login",
	"ID.1001":              "Session expired",
	"ID.1002":              "Permission denied",
	"ID.1003":              "Quota exceeding",
	"ID.1006":              "Too many concurrent sessions",
	"VM.1000":              "Failed to create vm",
	"VM.1001":              "Failed to start vm",
	"VM.1002":              "Failed to stop vm",
	"VM.1003":              "Failed to reboot vm",
	"VM.1004":              "Failed to destroy vm",
	"VM.1005":              "Failed to attach volume",
	"VM.1006":              "Failed to detach volume",
	"VM.1009":              "Failed to allocate MAC address",
	"VM.1010":              "VM is not in correct state for the operation",
	"HOST_ALLOCATION.1000": "No available host",
	"PS.1000":              "Failed to allocate primary storage",
	"L3.1000":              "Failed to allocate IP",
}
