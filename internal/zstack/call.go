package zstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Headers of a mutating call.
const (
	headerJobUUID    = "X-Job-UUID"
	headerAPITimeout = "X-API-Timeout"
)

// Call is a request other than a query of rows.
type Call struct {
	Operation    string     // API name, like CreateVmInstance; for errors
	Method, Path string     // the path below /v1, like /vm-instances
	Query        url.Values // optional
	Body         any        // encoded as JSON; nil: none

	// JobUUID names the call on the server: 32 lower-case hexadecimal digits,
	// new for each call. Required unless Method is GET.
	JobUUID string

	// Timeout is how long the server may take; it is sent in whole seconds, and
	// the job is followed that long and five minutes more. 0: none is sent, and
	// the server's own timeout counts.
	Timeout time.Duration

	// Again, if any, is asked when the answer is lost and the server does not know
	// the job: whether the same request is to leave once more, under the same
	// JobUUID. The server carries out one request of a JobUUID, so that one which
	// was only held up on the way does nothing when it comes in after all. A new
	// call gives no such safety: a stop that comes in late would stop a machine
	// that has been started since.
	Again func(context.Context) bool

	// Sent, if any, is called once, when the request is about to leave.
	Sent func()

	// Unanswered, if any, is called when the question for the job gets no answer
	// for the first time, with the reason, and with nil when it gets one again.
	Unanswered func(why error)
}

// Do sends a call, follows its job if it has one, and returns the body of the
// result. Its errors are *APIError, *RefusedError, *NotSentError, *UnknownError
// and *AuthError; each says whether the call was executed.
//
// A GET is repeated when no answer comes. Any other call leaves once, or as often
// as Again allows: when its answer is lost, or is none of the server's, Do asks
// for the job under JobUUID. Where an *APIError satisfies
// [IsSessionExpired], the session has been renewed and the call may be sent
// again under a new JobUUID.
func (c *Client) Do(ctx context.Context, call Call) (json.RawMessage, error) {
	r, err := newRequest(call)
	if err != nil {
		return nil, &NotSentError{call.Operation, err}
	}
	if call.Method == http.MethodGet {
		return c.read(ctx, r)
	}
	return c.mutateAgain(ctx, r, call)
}

// maxResends is how often a request that the server has not seen is sent again.
const maxResends = 2

// mutateAgain sends a call until the server has seen it, as far as call.Again
// allows.
func (c *Client) mutateAgain(ctx context.Context, r *request, call Call) (json.RawMessage, error) {
	waits := newBackoff(500*time.Millisecond, 5*time.Second)
	earlier := error(nil)
	for resends := 0; ; resends++ {
		body, err := c.mutate(ctx, r, call)
		var notSent *NotSentError
		if earlier != nil && errors.As(err, &notSent) {
			return nil, earlier // that this one did not leave says nothing about the one before
		}
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !unknown.unseen || call.Again == nil || resends == maxResends {
			return body, err
		}
		if sleep(ctx, waits.NextBackOff()) != nil || !call.Again(ctx) {
			return body, err
		}
		earlier = err
	}
}

func newRequest(call Call) (*request, error) {
	r := &request{
		operation: call.Operation, method: call.Method, path: call.Path, query: call.Query,
		header: http.Header{}, signed: true, sent: call.Sent,
	}
	if !isCallPath(call.Path) {
		return nil, fmt.Errorf("%q is no path of a call", oneLine(call.Path))
	}
	switch call.Method {
	case http.MethodGet:
		return r, nil
	case http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		return nil, fmt.Errorf("%q is no method of the API", oneLine(call.Method))
	}
	if !isUUID(call.JobUUID) {
		return nil, errors.New("the job UUID must be 32 lower-case hexadecimal digits")
	}
	r.header.Set(headerJobUUID, call.JobUUID)
	if call.Timeout > 0 {
		seconds := (call.Timeout + time.Second - 1) / time.Second
		r.header.Set(headerAPITimeout, strconv.FormatInt(int64(seconds), 10))
	}
	if call.Body == nil {
		return r, nil
	}
	body, err := json.Marshal(call.Body)
	if err != nil {
		return nil, fmt.Errorf("the body cannot be encoded: %w", err)
	}
	r.body = body
	return r, nil
}

// isCallPath reports whether a path is one that the server matches as it is
// written. An empty segment, left by an empty UUID, could match another call.
func isCallPath(path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return false
	}
	for segment := range strings.SplitSeq(rest, "/") {
		if !isSegment(segment) {
			return false
		}
	}
	return true
}

func isSegment(text string) bool {
	plain := strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == ""
	return plain && text != "" && text != "." && text != ".."
}

var errNoJob = errors.New("status 200: the answer names no job")

// mutate sends a call that may change something. It sends again only after the
// server has said that it turned the request away for its credentials.
func (c *Client) mutate(ctx context.Context, r *request, call Call) (json.RawMessage, error) {
	for {
		answer, generation, err := c.send(ctx, r)
		if err != nil {
			return c.afterSendError(ctx, r, call, generation, err)
		}
		job := followed{client: c, operation: call.Operation, uuid: call.JobUUID, generation: generation, limit: call.jobLimit(), unanswered: call.Unanswered}
		switch v, code := answer.verdict(); v {
		case done:
			// What changes something runs as a job, and the server's own answer
			// names it. Something on the way may have made this one up.
			return job.recover(ctx, errNoJob)
		case accepted:
			job.accept(answer, call.Timeout)
			return job.follow(ctx)
		case failed, skewed:
			if v == failed && !c.cred.stale(code) {
				return nil, answer.failure(r, code)
			}
			if err := c.cred.renew(ctx, generation); err != nil {
				return nil, err
			}
		case throttled:
			return nil, &NotSentError{call.Operation, answer.unusable()}
		case refused:
			return nil, answer.failure(r, code)
		default:
			return job.recover(ctx, answer.unusable())
		}
	}
}

// afterSendError tells a request that never left from one whose answer was lost.
func (c *Client) afterSendError(ctx context.Context, r *request, call Call, generation string, err error) (json.RawMessage, error) {
	var lost *lostError
	if !errors.As(err, &lost) {
		return nil, err
	}
	job := followed{client: c, operation: r.operation, uuid: call.JobUUID, generation: generation, limit: call.jobLimit(), unanswered: call.Unanswered}
	return job.recover(ctx, lost.err)
}
