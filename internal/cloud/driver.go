package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// patience is how long a machine is watched that is changing while no job tells
// of it, when Options name no bound.
const patience = time.Hour

// Options steer a Driver.
type Options struct {
	// Scope is the fleet whose machines the driver may touch.
	Scope planner.Scope
	// Secrets holds the values of secrets by spec.Text.Path.
	Secrets map[string]string
	// StepTimeout is how long the server may work on one step. Zero leaves that
	// to the server: its jobs are followed as long as it says that they may take.
	StepTimeout time.Duration
	// RunID and Host name the run on the machines that it makes. Without a run
	// id they are not named.
	RunID, Host string
	// Anew is the command that plans and applies anew, which hints begin with.
	Anew string
	// Resumes is the id of the run whose rest this run does, or empty.
	Resumes string
}

// Driver carries out the steps of a plan on a ZStack server. It is safe for
// concurrent use.
type Driver struct {
	client  *zstack.Client
	scope   planner.Scope
	secrets map[string]string
	timeout time.Duration // of a step; zero: the server's own
	pace    pace
	hosts   lookups[string]
	images  lookups[system]
	runner  runner
	anew    string
	taken   sync.Map // job UUIDs of announced stops that this run has on record
	began   sync.Map // by ID of the steps for which a request may have left: how the last one got lost, or a nil *executor.Failure
}

// pace holds the driver's waits.
type pace struct {
	look      time.Duration // between two looks at a machine that is changing
	invisible time.Duration // before a UUID that is taken, but by nothing visible, is tried again
	settle    time.Duration // for a machine to go or to settle after its create failed
	tags      time.Duration // for the tags of a machine that was just created to appear
	margin    time.Duration // beyond the step's time, for a job that fails by it to say so
	peek      time.Duration // between two looks at what a job that does not end has done
	insist    time.Duration // for a server that does not answer what decides an outcome
}

var _ executor.Driver = (*Driver)(nil)

// NewDriver returns a driver that works through client.
func NewDriver(client *zstack.Client, opts Options) *Driver {
	return &Driver{
		client:  client,
		scope:   opts.Scope,
		secrets: opts.Secrets,
		timeout: max(opts.StepTimeout, 0),
		runner:  newRunner(opts.Scope, opts),
		anew:    opts.Anew,
		pace: pace{
			look: 2 * time.Second, invisible: 30 * time.Second, settle: 2 * time.Minute, tags: 10 * time.Second, margin: 5 * time.Minute, peek: time.Minute,
			insist: 5 * time.Minute,
		},
	}
}

// Perform carries out one step; see executor.Driver. No outcome holds a secret,
// whatever the server quotes.
func (d *Driver) Perform(ctx context.Context, step planner.Step, rec executor.Recorder) executor.Outcome {
	outcome := d.perform(ctx, step, rec)
	if outcome.Failure != nil {
		hideSecrets(outcome.Failure, d.secretsFor(step.Op))
	}
	return outcome
}

func (d *Driver) perform(ctx context.Context, step planner.Step, rec executor.Recorder) executor.Outcome {
	t := &task{Driver: d, step: step, rec: rec, begun: time.Now()}
	switch op := step.Op.(type) {
	case planner.CreateVM:
		return t.create(ctx, op)
	case planner.TagDisks:
		return t.tagDisks(ctx, op)
	case planner.UpdateVM:
		return t.update(ctx, op)
	case planner.ChangeOffering:
		return t.changeOffering(ctx, op)
	case planner.SetHostname:
		return t.setHostname(ctx, op)
	case planner.SetConsolePassword:
		return t.setConsolePassword(ctx, op)
	case planner.StopVM:
		return t.stop(ctx)
	case planner.StartVM:
		return t.start(ctx)
	case planner.DestroyVM:
		return t.destroy(ctx, op)
	case planner.DeleteDisk:
		return t.deleteDisk(ctx, op)
	case planner.AddTag:
		return t.addTag(ctx, op)
	case planner.RemoveTag:
		return t.removeTag(ctx, op)
	case planner.AttachTag:
		return t.attachTag(ctx, op)
	case planner.DetachTag:
		return t.detachTag(ctx, op)
	}
	return failed(&executor.Failure{
		Class:   classInternal,
		Message: fmt.Sprintf("this version of zfleet cannot carry out a step of type %T", step.Op),
		Hint:    "use the version of zfleet that made the plan",
	})
}

// task is one performance of a step.
type task struct {
	*Driver
	step  planner.Step
	rec   executor.Recorder
	begun time.Time
	doubt bool // what became of a mutating request is not known
}

// left is how long the server may still work on the step; never less than a
// moment, so that a call that is already out gets its answer. Zero leaves it to
// the server.
func (t *task) left() time.Duration {
	if t.timeout == 0 {
		return 0
	}
	return max(time.Until(t.begun.Add(t.timeout)), time.Second)
}

// watchUntil is until when a machine that is changing is watched from now on.
func (t *task) watchUntil() time.Time {
	if t.timeout == 0 {
		return time.Now().Add(patience)
	}
	return t.begun.Add(t.timeout)
}

// announcer makes the job UUID of a request known before the request leaves.
type announcer func(ctx context.Context, job string) executor.Outcome

// unannouncedError says that a request did not leave because its announcement
// did not succeed.
type unannouncedError struct{ outcome executor.Outcome }

func (e *unannouncedError) Error() string {
	return "not sent: its announcement " + string(e.outcome.Status)
}

// maxRenewals bounds how often one request is sent again because its session
// had ended when the server came to it.
const maxRenewals = 3

// send sends a mutating request and waits for its job. Each try has a job UUID
// of its own, drawn from the recorder. A request that only met an expired
// session did nothing and is sent again at once. done looks whether the cloud is
// as the request wants it, in case the job never ends. announce, if any, is told
// the job UUID before the request leaves.
func (t *task) send(ctx context.Context, call zstack.Call, done look, announce announcer) (json.RawMessage, error) {
	for renewals := 0; ; renewals++ {
		job, err := t.rec.Attempt(call.Operation)
		if err != nil {
			return nil, &attemptError{err}
		}
		call.JobUUID = job
		if announce != nil {
			if outcome := announce(ctx, job); outcome.Status != executor.Succeeded {
				return nil, &unannouncedError{outcome}
			}
		}
		if call.Again == nil {
			call.Again = func(ctx context.Context) bool {
				reached, err := done(ctx)
				return err == nil && !reached
			}
		}
		call.Timeout = t.left()
		call.Unanswered = t.silence
		body, err := t.do(ctx, call, done)
		if zstack.IsSessionExpired(err) && renewals < maxRenewals {
			continue
		}
		t.doubt = err != nil && mayHaveArrived(err)
		if api := (*zstack.APIError)(nil); err == nil || t.doubt || errors.As(err, &api) {
			var lost *executor.Failure
			if t.doubt {
				lost, _ = failureOf(call.Operation, err)
			}
			t.began.Store(t.step.ID, lost)
		}
		return body, err
	}
}

// silence tells eyes that a step waits for a server that does not answer.
func (t *task) silence(why error) {
	if why == nil {
		t.rec.Phase("waiting for the server, which answers again")
		return
	}
	t.rec.Phase("waiting for the server, which does not answer: " + oneLine(why.Error()))
}

// mayHaveArrived reports whether a request that ended in err may have been
// carried out, in whole or in part.
func mayHaveArrived(err error) bool {
	if _, ok := isUnknown(err); ok {
		return true
	}
	var (
		api     *zstack.APIError
		refused *zstack.RefusedError
		notSent *zstack.NotSentError
		auth    *zstack.AuthError
		attempt *attemptError
	)
	return !errors.As(err, &api) && !errors.As(err, &refused) && !errors.As(err, &notSent) &&
		!errors.As(err, &auth) && !errors.As(err, &attempt)
}

// edit sends a request that is safe to repeat. done looks at the cloud and
// reports whether what the request is for has been reached; it decides when the
// answer was lost, and when the server reports a failure: somebody else may have
// done the same at the same time, which the server refuses to do twice.
func (t *task) edit(ctx context.Context, call zstack.Call, done look) executor.Outcome {
	return t.editAnnounced(ctx, call, done, nil)
}

// editAnnounced is edit for a request whose job UUID is told to others first.
func (t *task) editAnnounced(ctx context.Context, call zstack.Call, done look, announce announcer) executor.Outcome {
	_, err := t.send(ctx, call, done, announce)
	if err == nil {
		return executor.Outcome{Status: executor.Succeeded}
	}
	if unannounced, ok := errors.AsType[*unannouncedError](err); ok {
		return unannounced.outcome
	}
	failure, retry := failureOf(call.Operation, err)
	jobUnknown, _ := isUnknown(err)
	arrived := mayHaveArrived(err)
	var api *zstack.APIError
	over := errors.As(err, &api) && failure.Class != classAuth // the job is over and failed
	switch {
	case arrived && ctx.Err() != nil:
		return undecided(failure)
	case !arrived && !over:
		return executor.Outcome{Status: executor.Failed, Retry: retry, Failure: failure}
	}
	t.rec.Phase("looking whether it was done")
	var reached bool
	lookErr := t.insist(ctx, func() (err error) {
		reached, err = done(ctx)
		return err
	})
	switch {
	case lookErr == nil && reached && arrived:
		t.doubt = false
		return executor.Outcome{Status: executor.Succeeded, Note: "the answer was lost, but it is done"}
	case lookErr == nil && reached:
		return executor.Outcome{Status: executor.Succeeded, Note: "the server reported a failure, but it is done"}
	case arrived && (lookErr != nil || !jobUnknown):
		return undecided(failure)
	}
	return executor.Outcome{Status: executor.Failed, Retry: retry || jobUnknown, Failure: failure}
}

// insist repeats a read that decides what became of a request while the server
// gives it no answer. A server that restarts takes minutes, and is no reason to
// leave a machine's outcome open that it will tell.
func (t *task) insist(ctx context.Context, read func() error) error {
	for until := time.Now().Add(t.pace.insist); ; {
		err := read()
		if err == nil {
			return nil
		}
		_, unanswered := isUnknown(err)
		if _, passing := failureOf("", err); !passing && !unanswered || time.Now().After(until) || wait(ctx, t.pace.look) != nil {
			return err
		}
	}
}

// undecided is the outcome of a step whose request may have been carried out.
func undecided(failure *executor.Failure) executor.Outcome {
	failure.Hint = hintAgain
	return executor.Outcome{Status: executor.Indeterminate, Failure: failure}
}

// readFailed is the outcome of a step that could not go on because something
// could not be read. What was sent before is known to be done, unless there is
// doubt about it; so the read's lost answer may be retried.
func (t *task) readFailed(err error) executor.Outcome {
	failure, retry := failureOf("QueryVmInstance", err)
	if t.doubt {
		return undecided(failure)
	}
	if isContextError(err) {
		if last, sent := t.began.Load(t.step.ID); sent && last.(*executor.Failure) != nil {
			// The server knew nothing of that request. That it never comes is not known.
			lost := *last.(*executor.Failure)
			return failed(&lost)
		}
		failure.Message = "stopped before the step was done; nothing of it is in flight"
		return failed(failure)
	}
	_, unknown := isUnknown(err)
	return executor.Outcome{Status: executor.Failed, Retry: retry || unknown, Failure: failure}
}

// wait sleeps, or returns the context's error when that comes first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func failed(failure *executor.Failure) executor.Outcome {
	return executor.Outcome{Status: executor.Failed, Failure: failure}
}

func blocked(failure *executor.Failure) executor.Outcome {
	return executor.Outcome{Status: executor.Blocked, Failure: failure}
}

// action is a PUT on a VM's actions.
func (t *task) action(operation, name string, fields any) zstack.Call {
	return zstack.Call{
		Operation: operation,
		Method:    http.MethodPut,
		Path:      "/vm-instances/" + t.step.UUID + "/actions",
		Body:      map[string]any{name: fields},
	}
}

// userTags reads the user tags of one resource.
func (d *Driver) userTags(ctx context.Context, uuid string) ([]zstack.Tag, error) {
	of, _ := zstack.Where("resourceUuid", "=", uuid)
	return zstack.List[zstack.Tag](ctx, d.client, "/user-tags", of)
}

func hasTag(tags []zstack.Tag, text string) bool {
	return slices.ContainsFunc(tags, func(tag zstack.Tag) bool { return tag.Tag == text })
}
