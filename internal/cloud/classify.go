package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"zfleet/executor"
	"zfleet/internal/zstack"
)

// Classes of failures, as executor.Failure writes them.
const (
	classTransient = "transient"
	classCapacity  = "capacity"
	classQuota     = "quota"
	classInput     = "input"
	classAuth      = "auth"
	classNotFound  = "not-found"
	classInternal  = "internal"
	classTransport = "transport"
)

// codeInternal is what the server answers to a UUID that is taken, and to
// everything that it did not foresee.
const codeInternal = "SYS.1000"

// verdict is what an error code means for a run.
type verdict struct {
	class string
	words string // for people, where the server's description is empty
	hint  string
}

// Hints that several codes share.
const (
	hintAgain    = "run the command again; it looks at the machine first"
	hintRoom     = "free some room or spread the machines over other clusters, then run the command again"
	hintInput    = "correct the fleet file and run the command again"
	hintLogin    = "check the credentials and the rights of the account, then run the command again"
	hintOperator = "ask the operator of the cloud with the job's UUID from the journal, then run the command again"
	hintState    = "wait until the machine has settled, then run the command again"
)

// verdicts are by code, or by the part before the dot for whole families. A
// server that is starting is as good as none: it takes nothing on yet, and a run
// that keeps asking would spend the tries of all its steps before it is there.
var verdicts = map[string]verdict{
	"SYS.1000":             {classInternal, "the server failed inside", hintOperator},
	"SYS.1001":             {classTransient, "the operation took too long inside the server", hintAgain},
	"SYS.1003":             {classNotFound, "something that the request names does not exist", "plan again to see which reference is gone"},
	"SYS.1004":             {classInternal, "the deletion failed", hintOperator},
	"SYS.1006":             {classInput, "the server's rules refuse the operation", "see the details; change the fleet file or the machine and run the command again"},
	"SYS.1007":             {classInput, "the server refuses an argument", hintInput},
	"SYS.1008":             {classInput, "this edition of the server does not have the operation", "use another source for the machine, or an edition that has the operation"},
	"SYS.1009":             {classTransient, "the server cannot reach the part that does this", hintAgain},
	"SYS.1010":             {classTransport, "the management server is starting", hintAgain},
	"SYS.1011":             {classTransient, "a message inside the server got lost", hintAgain},
	"SYS.1012":             {classTransient, "the management node left", hintAgain},
	"SYS.1013":             {classInput, "the resource does not support the operation", hintInput},
	"SYS.1014":             {classInput, "the server has not implemented the operation", hintInput},
	"SYS":                  {classInternal, "the server failed", hintOperator},
	"ID.1003":              {classQuota, "the account's quota is used up", "raise the quota or delete machines, then run the command again"},
	"ID.1004":              {classQuota, "the account's quota does not allow it", "raise the quota, then run the command again"},
	"ID":                   {classAuth, "the server refuses the account", hintLogin},
	"LOGIN_CONTROL":        {classAuth, "the server refuses the login", hintLogin},
	"LICENSE":              {classQuota, "the server's licence does not allow it", "ask the operator of the cloud about the licence"},
	"HOST_ALLOCATION.1000": {classCapacity, "no host has room for the machine", hintRoom},
	"HOST_ALLOCATION":      {classCapacity, "no host fits the machine", hintRoom},
	"HOST.1004":            {classCapacity, "no host can take the machine", hintRoom},
	"HOST.1010":            {classInternal, "the host lost its connection", hintOperator},
	"HOST":                 {classInternal, "the host failed", hintOperator},
	"PS.1000":              {classCapacity, "no primary storage has room for the disk", hintRoom},
	"PS":                   {classInternal, "the primary storage failed", hintOperator},
	"L3.1000":              {classCapacity, "the network has no such address free", "choose another address or enlarge the network's range, then run the command again"},
	"L3":                   {classInput, "the network refuses the operation", hintInput},
	"VM.1010":              {classInput, "the machine is in a state that does not allow it", hintState},
	"VM":                   {classInternal, "the operation on the machine failed", hintOperator},
	"VOLUME":               {classInput, "the volume does not allow it", hintState},
	"VOLUME_SNAPSHOT":      {classInput, "the snapshot does not allow it", hintState},
	"TAG":                  {classInput, "the tag is there already", hintAgain},
	"PORTAL.1002":          {classTransport, "the management server is starting", hintAgain},
	"PORTAL":               {classInput, "the server does not know the operation", hintInput},
}

// verdictOf looks a code up, then its family; unknown codes are internal.
func verdictOf(code string) verdict {
	if v, ok := verdicts[code]; ok {
		return v
	}
	family, _, _ := strings.Cut(code, ".")
	if v, ok := verdicts[family]; ok {
		return v
	}
	return verdict{classInternal, "the server failed", hintOperator}
}

// attemptError says that the recorder gave no job UUID, so nothing was sent.
type attemptError struct{ err error }

func (e *attemptError) Error() string { return "the attempt cannot be recorded: " + e.err.Error() }
func (e *attemptError) Unwrap() error { return e.err }

// failureOf turns an error of a request into a failure. retry reports whether
// the error proves that the request did nothing and may go well later; for a
// server's own verdict that holds only where the operation is repeat-safe.
func failureOf(operation string, err error) (failure *executor.Failure, retry bool) {
	var (
		api     *zstack.APIError
		refused *zstack.RefusedError
		notSent *zstack.NotSentError
		unknown *zstack.UnknownError
		auth    *zstack.AuthError
		attempt *attemptError
		secret  *missingSecretError
	)
	f := &executor.Failure{Operation: operation, Message: oneLine(err.Error()), Hint: hintAgain}
	switch {
	case errors.As(err, &attempt):
		f.Class, f.Hint = classInternal, "see that the run directory is there, can be written and has room, then run the command again"
	case errors.As(err, &auth):
		f.Class, f.Code, f.Hint = classAuth, auth.Code.Code, hintLogin
		f.Message = oneLine(fmt.Sprintf("%s: %s", cmp.Or(auth.Operation, operation), auth.Reason))
		if auth.Advice != "" {
			f.Hint = auth.Advice + "; then run the command again"
		}
	case errors.As(err, &api):
		return apiFailure(operation, api)
	case errors.As(err, &refused):
		f.Class, f.Hint = classInput, "the server did not carry the request out; "+hintInput
		f.Message = oneLine(fmt.Sprintf("%s: refused with status %d: %s", operation, refused.Status, cmp.Or(refused.Text, "no text")))
		if refused.Status < 400 || refused.Status == http.StatusNotFound || strings.HasPrefix(refused.Text, "<") {
			f.Hint = "something other than the API answered: check the endpoint and what stands before it, then run the command again"
		}
	case errors.As(err, &notSent):
		f.Class, f.Hint = classTransport, "check the endpoint, the server and the network, then run the command again"
		f.Message = oneLine(fmt.Sprintf("%s: not sent: %v", operation, notSent.Err))
		return f, !isContextError(err)
	case errors.As(err, &unknown):
		f.Class, f.Message = classTransport, unknownMessage(operation, unknown)
		if overdue := (*overdueError)(nil); errors.As(err, &overdue) && unknown.Last == nil {
			f.Class = classTransient // the server answers, it is only slow
		}
		return f, false
	case errors.As(err, &secret):
		f.Class, f.Hint = classInput, "give the fleet file that the plan was made from"
	case isContextError(err):
		f.Class = classTransport
		if errors.Is(err, context.Canceled) {
			f.Message = "the run was left before the outcome was known"
		}
	default:
		f.Class = classInternal
	}
	return f, false
}

// unknownMessage says what is not known; what to do about it is zfleet's to
// decide, so that the error's own advice stays out.
func unknownMessage(operation string, e *zstack.UnknownError) string {
	reason := e.Err.Error()
	if errors.Is(e.Err, context.Canceled) {
		reason = "the run was left before the answer came"
	}
	if e.Last != nil {
		reason += "; asking for the job: " + e.Last.Error()
	}
	switch {
	case e.JobUUID == "":
		return oneLine(fmt.Sprintf("%s: no usable answer: %s", operation, reason))
	case e.JobUnknown:
		return oneLine(fmt.Sprintf("%s: no usable answer: %s; the server has no job %s", operation, reason, e.JobUUID))
	}
	return oneLine(fmt.Sprintf("%s: the outcome of job %s is unknown: %s", operation, e.JobUUID, reason))
}

// apiFailure says an error of the server in one line, by the code that tells
// most, and keeps all that the server said.
func apiFailure(operation string, err *zstack.APIError) (*executor.Failure, bool) {
	deepest := err.Deepest()
	v := verdictOf(deepest.Code)
	f := &executor.Failure{
		Class:       v.class,
		Operation:   operation,
		Code:        err.Code.Code,
		Description: err.Code.Description,
		Details:     err.Code.Details,
		Message:     sentence(deepest, v),
		Hint:        v.hint,
	}
	for _, cause := range err.Chain() {
		f.Chain = append(f.Chain, executor.Cause{Code: cause.Code, Description: cause.Description, Details: cause.Details})
	}
	return f, v.class == classTransient || v.class == classTransport
}

// sentence is our words for a code, then the code and the server's description,
// which is English; details follow the server's language and stay out.
func sentence(code zstack.ErrorCode, v verdict) string {
	description := strings.TrimRight(oneLine(code.Description), ". ")
	if description == "" {
		return fmt.Sprintf("%s (%s)", v.words, cmp.Or(code.Code, "no code"))
	}
	return fmt.Sprintf("%s (%s: %s)", v.words, cmp.Or(code.Code, "no code"), description)
}

// hasCode reports whether the outermost or the deepest code of a server's error
// is the given one.
func hasCode(err error, code string) bool {
	var api *zstack.APIError
	return errors.As(err, &api) && (api.Code.Code == code || api.Deepest().Code == code)
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func isUnknown(err error) (jobUnknown, ok bool) {
	var unknown *zstack.UnknownError
	if errors.As(err, &unknown) {
		return unknown.JobUnknown, true
	}
	return false, false
}

// oneLine joins the words of a text by single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
