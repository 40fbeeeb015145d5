package zstack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Codes that the client itself acts on.
const (
	codeSessionExpired = "ID.1001"
	codeWrongPassword  = "ID.1000"
	codeManySessions   = "ID.1006"
)

// passing are the codes of a server that cannot do its work just now: it is
// starting, a node of it left, or a message inside it got lost.
var passing = []string{"SYS.1009", "SYS.1010", "SYS.1011", "SYS.1012", "PORTAL.1002"}

// maxErrorDepth bounds how deep nested causes are read. Real ones nest fewer
// than ten deep; a hostile answer must not cost more than that.
const maxErrorDepth = 64

// ErrorCode is what the server says about a failed call. Code is stable;
// Description is English; Details and Elaboration are in the server's language
// and must only be shown, never matched.
type ErrorCode struct {
	Code        string
	Description string
	Details     string
	Elaboration string
	Location    string // the internal workflow step that failed, not a URL
	Cost        string
	Opaque      map[string]any
	Cause       *ErrorCode
	Causes      []ErrorCode // of batch operations
}

// Chain is the code and everything below it, outermost first; a code's Cause
// comes before its Causes.
func (e ErrorCode) Chain() []ErrorCode {
	var chain []ErrorCode
	e.walk(0, func(code ErrorCode, _ int) { chain = append(chain, code) })
	return chain
}

// Deepest is the code that tells most: the deepest one that is not generic
// (SYS.*), or the deepest one where all are. Of codes equally deep the first
// counts.
func (e ErrorCode) Deepest() ErrorCode {
	best, bestDepth, bestSpecific := e, -1, false
	e.walk(0, func(code ErrorCode, depth int) {
		specific := code.Code != "" && !strings.HasPrefix(code.Code, "SYS.")
		better := specific && !bestSpecific || specific == bestSpecific && depth > bestDepth
		if better {
			best, bestDepth, bestSpecific = code, depth, specific
		}
	})
	return best
}

func (e ErrorCode) walk(depth int, visit func(code ErrorCode, depth int)) {
	visit(e, depth)
	if e.Cause != nil {
		e.Cause.walk(depth+1, visit)
	}
	for _, cause := range e.Causes {
		cause.walk(depth+1, visit)
	}
}

// decodeError reads the error of a failed call or job. It is lenient about
// everything inside, so that an unexpected field never hides a failure; false
// means that the body is no answer of the server at all.
func decodeError(body []byte) (ErrorCode, bool) {
	var envelope map[string]any
	if err := json.Unmarshal(body, &envelope); err != nil {
		return ErrorCode{}, false
	}
	fields, ok := envelope["error"].(map[string]any)
	if !ok {
		return ErrorCode{}, false
	}
	return errorCodeOf(fields, 0), true
}

func errorCodeOf(fields map[string]any, depth int) ErrorCode {
	code := ErrorCode{
		Code:        textOf(fields["code"]),
		Description: textOf(fields["description"]),
		Details:     textOf(fields["details"]),
		Elaboration: textOf(fields["elaboration"]),
		Location:    textOf(fields["location"]),
		Cost:        textOf(fields["cost"]),
	}
	code.Opaque, _ = fields["opaque"].(map[string]any)
	if depth == maxErrorDepth {
		return code
	}
	if cause, ok := fields["cause"].(map[string]any); ok {
		nested := errorCodeOf(cause, depth+1)
		code.Cause = &nested
	}
	causes, _ := fields["causes"].([]any)
	for _, cause := range causes {
		if nested, ok := cause.(map[string]any); ok {
			code.Causes = append(code.Causes, errorCodeOf(nested, depth+1))
		}
	}
	return code
}

func textOf(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// isSessionExpired reports whether the call failed because the session was
// unknown to the server. That is checked before anything is done.
func (e ErrorCode) isSessionExpired() bool { return e.Deepest().Code == codeSessionExpired }

// isPassing reports whether the same question may soon be answered.
func (e ErrorCode) isPassing() bool { return slices.Contains(passing, e.Deepest().Code) }

// isAboutLogin reports whether the account itself was turned away.
func (e ErrorCode) isAboutLogin() bool {
	return slices.ContainsFunc(e.Chain(), func(code ErrorCode) bool {
		return strings.HasPrefix(code.Code, "ID.") || strings.HasPrefix(code.Code, "LOGIN_CONTROL.")
	})
}
