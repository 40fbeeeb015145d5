package zstack

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// APIError says that the server took the call and reports that it failed.
type APIError struct {
	Operation string
	JobUUID   string // empty for a call that failed without a job
	Status    int
	Code      ErrorCode
}

func (e *APIError) Error() string {
	deepest := e.Deepest()
	text := fmt.Sprintf("%s: the server reports %s", cmp.Or(e.Operation, "call"), codeText(deepest))
	if deepest.Code != e.Code.Code {
		text += " under " + codeName(e.Code)
	}
	if e.JobUUID != "" {
		text += "; its log has more under job " + e.JobUUID
	}
	return text
}

// Chain is the server's error and its causes, outermost first.
func (e *APIError) Chain() []ErrorCode { return e.Code.Chain() }

// Deepest is the code that tells most, see [ErrorCode.Deepest].
func (e *APIError) Deepest() ErrorCode { return e.Code.Deepest() }

func codeName(code ErrorCode) string {
	return cmp.Or(oneLine(code.Code), "an error without a code")
}

func codeText(code ErrorCode) string {
	name := codeName(code)
	description := strings.TrimRight(oneLine(code.Description), ". ")
	if description == "" {
		return name
	}
	return name + " (" + description + ")"
}

// RefusedError says that the request was turned away before it became a call:
// nothing was executed.
type RefusedError struct {
	Operation string
	Status    int
	Text      string // the answer's text, one line, at most 200 characters
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: refused with status %d: %s; nothing was done, check the endpoint and the request",
		cmp.Or(e.Operation, "call"), e.Status, cmp.Or(e.Text, "no text"))
}

// NotSentError says that certainly nothing of the call reached the server.
type NotSentError struct {
	Operation string
	Err       error
}

func (e *NotSentError) Error() string {
	advice := "check the endpoint and run again"
	if isUntrusted(e) {
		advice = "check the endpoint, or name the authority that vouches for it with the CA file"
	}
	return fmt.Sprintf("%s: not sent: %s; %s", cmp.Or(e.Operation, "call"), oneLine(e.Err.Error()), advice)
}

// isUntrusted reports whether a server showed a certificate that nobody vouches for.
func isUntrusted(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted
}

func (e *NotSentError) Unwrap() error { return e.Err }

// UnknownError says that the call may have been executed and that how it ended
// could not be learned.
type UnknownError struct {
	Operation string
	JobUUID   string // empty for a query
	// JobUnknown: the server answers that it has no such job. The call may
	// still have been executed: jobs are purged, and not every call has one.
	JobUnknown bool
	unseen     bool // and it had not answered the call itself
	Running    bool // the server says that the job goes on, but its time is up
	Err        error
	Last       error // why the last question for the job told nothing, if it did not
}

func (e *UnknownError) Error() string {
	operation, reason := cmp.Or(e.Operation, "call"), oneLine(e.Err.Error())
	if e.JobUUID == "" {
		return fmt.Sprintf("%s: no usable answer: %s; check the endpoint and run again", operation, reason)
	}
	if e.Last != nil {
		reason += "; asking for the job: " + oneLine(e.Last.Error())
	}
	if e.JobUnknown {
		reason += "; the server does not know the job"
	}
	return fmt.Sprintf("%s: the outcome of job %s is unknown: %s; look at the resource before you repeat it", operation, e.JobUUID, reason)
}

func (e *UnknownError) Unwrap() error { return e.Err }

// AuthError says that the account, the password or the access key was not
// accepted, or that sessions end faster than they can be renewed. The call was
// not executed.
type AuthError struct {
	Operation string
	Reason    string // one line: what was refused
	Advice    string // one line: what to do
	Code      ErrorCode
}

func (e *AuthError) Error() string {
	text := cmp.Or(e.Operation, "LogIn") + ": " + e.Reason
	if e.Code.Code != "" {
		text += " (" + codeName(e.Code.Deepest()) + ")"
	}
	return text + "; " + e.Advice
}

// IsSessionExpired reports whether a call failed only because its session had
// ended. Nothing was executed and the session has been renewed: the caller may
// send the call again under a new job UUID.
func IsSessionExpired(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.Code.isSessionExpired()
}

// maxQuoted is how many characters of a foreign text an error shows.
const maxQuoted = 200

// oneLine makes a text fit for one line of an error: white space and control
// characters become single spaces, and what is too long is cut.
func oneLine(text string) string {
	var b strings.Builder
	space, n := false, 0
	for _, r := range text {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		if n >= maxQuoted {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
