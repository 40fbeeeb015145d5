package zstack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// verdict is what an answer says about its request.
type verdict int

const (
	done      verdict = iota // 200: the body is the result
	accepted                 // 202, or a job of that UUID exists: a job does the work
	failed                   // the server executed the call, it failed
	skewed                   // the access key's clock is off, nothing was executed
	throttled                // something in between asks for patience
	refused                  // turned away, nothing was executed
	lost                     // no word of the server: the request may have been executed
)

func (a *answer) verdict() (verdict, ErrorCode) {
	if a.status == http.StatusServiceUnavailable {
		if code, ok := decodeError(a.body); ok {
			return failed, code
		}
		return lost, ErrorCode{}
	}
	if a.status == http.StatusOK || a.status == http.StatusAccepted {
		switch {
		case !a.isObject():
			return lost, ErrorCode{}
		case a.status == http.StatusOK:
			return done, ErrorCode{}
		}
		return accepted, ErrorCode{}
	}
	switch text := strings.ToLower(a.text()); {
	case a.status == http.StatusBadRequest && strings.Contains(text, "duplicate job uuid"):
		return accepted, ErrorCode{}
	case a.status == http.StatusForbidden && strings.Contains(text, "requesttimetooskewed"):
		return skewed, ErrorCode{}
	case a.status == http.StatusTooManyRequests:
		return throttled, ErrorCode{}
	case a.status == http.StatusRequestTimeout:
		return lost, ErrorCode{}
	case a.status >= 300 && a.status < 500:
		return refused, ErrorCode{}
	}
	return lost, ErrorCode{}
}

// readTries is how often a query is sent before it is given up.
const readTries = 5

// newBackoff returns waits with full jitter whose mean grows from first to most.
func newBackoff(first, most time.Duration) *backoff.ExponentialBackOff {
	waits := &backoff.ExponentialBackOff{
		InitialInterval: first, RandomizationFactor: 1, Multiplier: 2, MaxInterval: most,
	}
	waits.Reset()
	return waits
}

// read sends a request that changes nothing until it is answered, and returns
// the body. Failures in between are tried again, a stale session is renewed.
func (c *Client) read(ctx context.Context, r *request) ([]byte, error) {
	body, err := backoff.Retry(ctx, func() ([]byte, error) { return c.readOnce(ctx, r) },
		backoff.WithBackOff(newBackoff(250*time.Millisecond, 5*time.Second)),
		backoff.WithMaxTries(readTries), backoff.WithMaxElapsedTime(0))
	var lost *lostError
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		err = permanent.Unwrap()
	}
	switch {
	case errors.As(err, &lost):
		return nil, &UnknownError{Operation: r.operation, Err: lost.err}
	case err != nil && !isOurs(err):
		return nil, &UnknownError{Operation: r.operation, Err: err}
	}
	return body, err
}

// isOurs reports whether an error is of one of the package's exported types.
func isOurs(err error) bool {
	var (
		api     *APIError
		refused *RefusedError
		notSent *NotSentError
		unknown *UnknownError
		auth    *AuthError
	)
	return errors.As(err, &api) || errors.As(err, &refused) || errors.As(err, &notSent) ||
		errors.As(err, &unknown) || errors.As(err, &auth)
}

func (c *Client) readOnce(ctx context.Context, r *request) ([]byte, error) {
	for {
		answer, generation, err := c.send(ctx, r)
		var lostErr *lostError
		switch {
		case errors.As(err, &lostErr) && ctx.Err() == nil:
			return nil, err
		case isUntrusted(err):
			return nil, backoff.Permanent(err) // it will not be trusted in a second either
		case err != nil && isDialFailure(r, err) && ctx.Err() == nil:
			return nil, err
		case err != nil:
			return nil, backoff.Permanent(err)
		}
		switch v, code := answer.verdict(); v {
		case done:
			return answer.body, nil
		case failed, skewed:
			if v == failed && code.isPassing() {
				return nil, answer.failure(r, code)
			}
			if !r.signed || v == failed && !c.cred.stale(code) {
				return nil, backoff.Permanent(answer.failure(r, code))
			}
			if err := c.cred.renew(ctx, generation); err != nil {
				return nil, backoff.Permanent(err)
			}
		case refused:
			return nil, backoff.Permanent(answer.failure(r, code))
		default:
			return nil, &lostError{answer.unusable()}
		}
	}
}

// isDialFailure reports whether the request itself, and not the login before
// it, found no connection.
func isDialFailure(r *request, err error) bool {
	var notSent *NotSentError
	return errors.As(err, &notSent) && notSent.Operation == r.operation && !errors.Is(err, errReadOnly)
}

// send authorizes a request and exchanges it once. The generation names the
// credentials used.
func (c *Client) send(ctx context.Context, r *request) (*answer, string, error) {
	if err := c.permit(ctx, r); err != nil {
		return nil, "", err
	}
	var header http.Header
	var generation string
	if r.signed {
		var err error
		if header, generation, err = c.cred.authorize(ctx, r.method, r.path); err != nil {
			return nil, "", err
		}
	}
	answer, err := c.exchange(ctx, r, header)
	return answer, generation, err
}

// failure is the error of an answer that is the server's last word.
func (a *answer) failure(r *request, code ErrorCode) error {
	if a.status != http.StatusServiceUnavailable {
		return &RefusedError{r.operation, a.status, a.text()}
	}
	return &APIError{Operation: r.operation, Status: a.status, Code: code}
}
