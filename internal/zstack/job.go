package zstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// recoverTime is how long a job is asked for after its call's answer was lost:
	// longer than a management server takes to restart behind its proxy.
	recoverTime = 5 * time.Minute
	// followMargin is added to the server's timeout: a job that fails by it
	// takes a while to say so.
	followMargin = 5 * time.Minute
	// defaultAPITimeout is the server's for most calls.
	defaultAPITimeout = 30 * time.Minute
)

// serverTimeout is the server's default for a call. It counts only where the answer is lost that says the timeout in force.
func serverTimeout(operation string) time.Duration {
	switch operation {
	case "CreateVmInstance":
		return 12 * time.Hour
	case "CreateVmInstanceFromVolume", "CreateVmInstanceFromVolumeSnapshot":
		return 72 * time.Hour
	}
	return defaultAPITimeout
}

// jobLimit is how long the job of a call is followed.
func (call *Call) jobLimit() time.Duration {
	timeout := call.Timeout
	if timeout <= 0 {
		timeout = serverTimeout(call.Operation)
	}
	return timeout + followMargin
}

// Follow waits for a job that was sent earlier, at most limit long, and returns
// the body of its result. Its errors are *APIError, when the job failed, and
// *UnknownError.
func (c *Client) Follow(ctx context.Context, jobUUID, operation string, limit time.Duration) (json.RawMessage, error) {
	if !isUUID(jobUUID) {
		return nil, &NotSentError{operation, errors.New("the job UUID must be 32 lower-case hexadecimal digits")}
	}
	job := followed{client: c, operation: operation, uuid: jobUUID, limit: limit}
	return job.follow(ctx)
}

// followed is a job on its way.
type followed struct {
	client     *Client
	operation  string
	uuid       string
	generation string // of the credentials that sent it; empty: sent earlier
	limit      time.Duration
	unanswered func(why error) // see Call; may be nil
	silent     bool            // no answer to the last question
}

// heard tells when answers begin to fail, and when they come again.
func (j *followed) heard(why error) {
	if silent := why != nil; silent != j.silent {
		j.silent = silent
		if j.unanswered != nil {
			j.unanswered(why)
		}
	}
}

// accept takes over what a 202 says. Of the job's address only the UUID counts:
// the host in it is the server's own view of itself.
func (j *followed) accept(a *answer, timeout time.Duration) {
	var reply struct {
		Location   string `json:"location"`
		APITimeout int64  `json:"apiTimeout"` // milliseconds
	}
	if json.Unmarshal(a.body, &reply) != nil {
		return
	}
	if uuid := reply.Location[strings.LastIndexByte(reply.Location, '/')+1:]; isUUID(uuid) {
		j.uuid = uuid
	}
	const longest = 30 * 24 * time.Hour
	if timeout <= 0 && reply.APITimeout > 0 {
		j.limit = min(time.Duration(min(reply.APITimeout, longest.Milliseconds()))*time.Millisecond, longest) + followMargin
	}
}

// jobState is what a poll of a job says.
type jobState int

const (
	jobUnclear jobState = iota // no word of the server
	jobRunning
	jobEnded // with a result or an error
	jobMissing
	jobRefused // the poll itself is turned away
)

// poll asks for the job. For an ended job it returns the result or its error, for
// all but a running one the reason.
//
// A server that is starting, or loses a node, answers every question with an
// error, which looks like a job's. It is the job's only if the server answers
// something else meanwhile, and the same once more.
func (j *followed) poll(ctx context.Context) (jobState, json.RawMessage, error) {
	state, body, err := j.pollOnce(ctx)
	if !isPassing(err) {
		return state, body, err
	}
	if !j.client.isUp(ctx) {
		return jobUnclear, nil, err
	}
	return j.pollOnce(ctx)
}

// isPassing reports whether an error may be that of a server which cannot do its
// work just now.
func isPassing(err error) bool {
	api, ok := errors.AsType[*APIError](err)
	return ok && api.Code.isPassing()
}

// isUp asks a question that every server answers unless it cannot do its work
// just now.
func (c *Client) isUp(ctx context.Context) bool {
	answer, err := c.exchange(ctx, versionRequest(), nil)
	if err != nil {
		return false
	}
	v, code := answer.verdict()
	return v != lost && v != throttled && (v != failed || !code.isPassing())
}

// pollOnce asks for the job once, and takes the answer as it stands.
func (j *followed) pollOnce(ctx context.Context) (jobState, json.RawMessage, error) {
	r := &request{operation: "poll " + j.operation, method: http.MethodGet, path: "/api-jobs/" + j.uuid}
	answer, err := j.client.exchange(ctx, r, nil)
	if err != nil {
		return jobUnclear, nil, reasonOf(err)
	}
	switch v, code := answer.verdict(); {
	case v == accepted:
		return jobRunning, nil, nil
	case v == done && answer.isResult():
		return jobEnded, answer.body, nil
	case v == done:
		return jobUnclear, nil, errors.New("status 200: the answer is no result of a job")
	case v == failed:
		return jobEnded, nil, &APIError{Operation: j.operation, JobUUID: j.uuid, Status: answer.status, Code: code}
	case answer.status == http.StatusNotFound && !answer.isPage():
		return jobMissing, nil, answer.unusable()
	case answer.status == http.StatusNotFound, v == lost, v == throttled:
		return jobUnclear, nil, answer.unusable()
	default:
		return jobRefused, nil, answer.unusable()
	}
}

// isResult reports whether an object is what a job may have come to: nothing, or
// some of the members that results have. Other servers answer in JSON too, such
// as one that stands in while the management server is being maintained.
func (a *answer) isResult() bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(a.body, &members) != nil {
		return false
	}
	for _, name := range []string{"inventory", "inventories", "results", "success", "schema"} {
		if _, ok := members[name]; ok {
			return true
		}
	}
	return len(members) == 0
}

// reasonOf is what is inside an error of an exchange. That the poll was not sent
// says nothing about the call, so that type must not show.
func reasonOf(err error) error {
	var notSent *NotSentError
	if errors.As(err, &notSent) {
		return notSent.Err
	}
	return err
}

// follow polls the job until it has ended, is unknown, or its time is up.
func (j *followed) follow(ctx context.Context) (json.RawMessage, error) {
	deadline := time.Now().Add(j.limit)
	waits := newBackoff(200*time.Millisecond, 3*time.Second)
	waits.RandomizationFactor = 0.3
	lastErr := error(nil)
	for {
		if err := sleep(ctx, waits.NextBackOff()); err != nil {
			return nil, &UnknownError{Operation: j.operation, JobUUID: j.uuid, Err: err, Last: lastErr}
		}
		if time.Now().After(deadline) {
			return nil, &UnknownError{Operation: j.operation, JobUUID: j.uuid, Err: overdue(j.limit, lastErr), Running: lastErr == nil}
		}
		state, body, err := j.poll(ctx)
		switch state {
		case jobEnded:
			return j.end(ctx, body, err)
		case jobMissing:
			return nil, j.unknown(err, true)
		case jobRefused:
			return nil, j.unknown(err, false)
		case jobUnclear, jobRunning:
			if ctx.Err() == nil { // a poll that the caller cut off says nothing of the server
				lastErr = err
				j.heard(err)
			}
		}
	}
}

func overdue(limit time.Duration, lastErr error) error {
	if lastErr != nil {
		return fmt.Errorf("the job was not seen to end within %s, at last: %w", limit, lastErr)
	}
	return fmt.Errorf("the job did not end within %s", limit)
}

// recover finds out whether a call whose answer was lost was accepted, and if so
// follows its job.
func (j *followed) recover(ctx context.Context, cause error) (json.RawMessage, error) {
	deadline := time.Now().Add(recoverTime)
	waits := newBackoff(500*time.Millisecond, 5*time.Second)
	for {
		if ctx.Err() != nil {
			return nil, j.unknown(ctx.Err(), false)
		}
		state, body, err := j.poll(ctx)
		switch state {
		case jobEnded:
			return j.end(ctx, body, err)
		case jobRunning:
			j.heard(nil)
			return j.follow(ctx)
		case jobMissing:
			return nil, &UnknownError{Operation: j.operation, JobUUID: j.uuid, JobUnknown: true, unseen: true, Err: cause}
		case jobRefused:
			return nil, j.unknown(fmt.Errorf("%w; asking for the job: %w", cause, err), false)
		case jobUnclear:
			if ctx.Err() == nil {
				j.heard(err)
			}
		}
		wait := waits.NextBackOff()
		if time.Now().Add(wait).After(deadline) {
			return nil, j.unknown(fmt.Errorf("%w; asking for the job: %w", cause, err), false)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, j.unknown(err, false)
		}
	}
}

// end is a job's result. Where it failed for the session only, the session is
// renewed before the error is returned.
func (j *followed) end(ctx context.Context, body json.RawMessage, err error) (json.RawMessage, error) {
	if err != nil && IsSessionExpired(err) && j.generation != "" {
		if renewErr := j.client.cred.renew(ctx, j.generation); renewErr != nil {
			return nil, renewErr
		}
	}
	return body, err
}

func (j *followed) unknown(err error, jobUnknown bool) error {
	return &UnknownError{Operation: j.operation, JobUUID: j.uuid, JobUnknown: jobUnknown, Err: err}
}

// sleep waits, or returns the context's error when that comes first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
