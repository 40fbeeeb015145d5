package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zfleet/executor"
	"zfleet/internal/zstack"
)

// stop stops the VM if it still is the fleet's machine. Before the request
// leaves, a tag of the run's own says under which job UUID: the fleet's restart
// tag goes when any run ends its update, and a run that is cut off now would
// leave the machine stopped for good.
func (t *task) stop(ctx context.Context) executor.Outcome {
	t.rec.Phase("looking at the VM")
	vm, found, err := t.atRest(ctx)
	if err != nil {
		return t.readFailed(err)
	}
	if !found || gone(vm.State) {
		return blocked(t.lost(found))
	}
	if vm.State == stateStopped {
		return t.withFacts(ctx, t.already("was already stopped"))
	}
	tags, err := t.userTags(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	if reason := notOurs(t.scope, t.step, tags); reason != nil {
		return blocked(reason)
	}
	if outcome, stopped := t.stopAsAnnounced(ctx, tags); stopped || outcome.Status != executor.Succeeded {
		return t.withFacts(ctx, outcome)
	}
	t.rec.Phase("stopping")
	outcome := t.withFacts(ctx, t.editAnnounced(ctx, t.stopCall(), t.comesToRestAs(stateStopped), t.announceStop))
	if outcome.Status == executor.Succeeded && outcome.Facts != nil && outcome.Facts.State == stateRunning {
		return blocked(&executor.Failure{
			Class:   classInput,
			Message: fmt.Sprintf("machine %s was stopped and runs again: another run of zfleet, or the server's high availability, has started it", t.step.Key),
			Hint:    "see that nobody else changes the machine, then run the command again",
		})
	}
	return outcome
}

func (t *task) stopCall() zstack.Call {
	return t.action("StopVmInstance", "stopVmInstance", map[string]string{"type": "grace"})
}

// announceStop puts a tag on the VM that says who stops it, and how.
func (t *task) announceStop(ctx context.Context, job string) executor.Outcome {
	tag := t.scope.RestartTag()
	if t.runner.id != "" {
		tag = t.scope.RestartTagOf(t.runner.id, t.runner.host, job)
	}
	t.taken.Store(job, nil)
	return t.userTag(ctx, typeVM, t.step.UUID, tag)
}

// stopAsAnnounced sends a stop that was announced before, by an earlier try or
// by another run, unless the server has had it: the server carries out one request
// of a job UUID, so that the other one stops nothing more when it is still on its
// way. It reports whether the VM is stopped now.
func (t *task) stopAsAnnounced(ctx context.Context, tags []zstack.Tag) (executor.Outcome, bool) {
	for _, tag := range tags {
		job := t.scope.JobOfRestart(tag.Tag)
		if job == "" {
			continue
		}
		had, outcome := t.had(ctx, job)
		if outcome.Status != executor.Succeeded {
			return outcome, false
		}
		if had {
			continue
		}
		t.rec.Phase("stopping")
		if outcome := t.sendAs(ctx, t.stopCall(), job, t.comesToRestAs(stateStopped)); outcome.Status != executor.Succeeded {
			return outcome, false
		}
		vm, found, err := t.atRest(ctx)
		if err != nil {
			return t.readFailed(err), false
		}
		if found && vm.State == stateStopped {
			return executor.Outcome{Status: executor.Succeeded}, true
		}
	}
	return executor.Outcome{Status: executor.Succeeded}, false
}

// isOwnRestart reports whether a tag is one by which this run has announced a stop.
func (t *task) isOwnRestart(tag string) bool {
	job := t.scope.JobOfRestart(tag)
	return t.runner.id != "" && job != "" && tag == t.scope.RestartTagOf(t.runner.id, t.runner.host, job)
}

func (t *task) start(ctx context.Context) executor.Outcome {
	t.rec.Phase("looking at the VM")
	vm, found, err := t.atRest(ctx)
	if err != nil {
		return t.readFailed(err)
	}
	if !found || gone(vm.State) {
		return blocked(t.lost(found))
	}
	if vm.State == stateRunning {
		return t.withFacts(ctx, t.already("was already running"))
	}
	t.rec.Phase("starting")
	return t.withFacts(ctx, t.edit(ctx, t.startCall(), t.comesToRestAs(stateRunning)))
}

func (t *task) startCall() zstack.Call {
	return t.action("StartVmInstance", "startVmInstance", struct{}{})
}

// removeRestartTag takes a restart tag off the VM: with the fleet's own those of
// this run, and that of another run not before its stop can do no more harm.
func (t *task) removeRestartTag(ctx context.Context, text string) executor.Outcome {
	t.rec.Phase("removing a tag")
	tags, err := t.userTags(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	tags = slices.DeleteFunc(tags, func(tag zstack.Tag) bool {
		return tag.Tag != text && (text != t.scope.RestartTag() || !t.isOwnRestart(tag.Tag))
	})
	if len(tags) == 0 {
		return t.already("the tag was already gone")
	}
	job := t.scope.JobOfRestart(text)
	if outcome := t.revoke(ctx, job); outcome.Status != executor.Succeeded {
		return outcome
	}
	vm, found, err := t.atRest(ctx)
	switch {
	case err != nil:
		return t.readFailed(err)
	case found && vm.State == stateStopped && job == "":
		// Another run may have stopped the machine again, and relies on the tag.
		return blocked(&executor.Failure{
			Class:   classInput,
			Message: fmt.Sprintf("machine %s was stopped again by somebody else, so its tag %s stays", t.step.Key, text),
			Hint:    "run the command again: it starts the machine",
		})
	case found && vm.State == stateStopped:
		if outcome := t.edit(ctx, t.startCall(), t.comesToRestAs(stateRunning)); outcome.Status != executor.Succeeded {
			return outcome
		}
	}
	for _, tag := range tags {
		if outcome := t.deleteTag(ctx, tag); outcome.Status != executor.Succeeded {
			return outcome
		}
	}
	return executor.Outcome{Status: executor.Succeeded}
}

// revoke sees to it that the stop which another run has announced, and which may
// still be on its way, stops nothing any more: unless the server has had it, a
// start, which does nothing to a machine that runs, takes its job UUID.
func (t *task) revoke(ctx context.Context, job string) executor.Outcome {
	if job == "" {
		return executor.Outcome{Status: executor.Succeeded}
	}
	t.rec.Phase("making sure that the stop of an earlier run does nothing any more")
	had, outcome := t.had(ctx, job)
	if had || outcome.Status != executor.Succeeded {
		return outcome
	}
	return t.sendAs(ctx, t.startCall(), job, t.comesToRestAs(stateRunning))
}

// had reports whether the server has had a stop that was announced, and waits for
// its end. A job that has gone on for minutes is one that the server lost in a
// restart: it never ends, and does nothing. An ended session is the job's end too:
// the question for a job takes none.
func (t *task) had(ctx context.Context, job string) (bool, executor.Outcome) {
	done := executor.Outcome{Status: executor.Succeeded}
	_, err := t.client.Follow(ctx, job, t.stopCall().Operation, t.pace.settle)
	unknown, ok := errors.AsType[*zstack.UnknownError](err)
	switch {
	case ok && unknown.JobUnknown:
		return false, done
	case ok && !unknown.Running:
		return false, t.readFailed(err)
	}
	return true, done
}

// sendAs sends a request under a job UUID that was drawn before, for a stop. It
// succeeds when the server has a request of that UUID, and that is over, whichever
// of the two it is.
func (t *task) sendAs(ctx context.Context, call zstack.Call, job string, done look) executor.Outcome {
	if _, again := t.taken.Load(job); !again {
		if err := t.rec.AttemptAs(call.Operation, job); err != nil {
			failure, retry := failureOf(call.Operation, &attemptError{err})
			return executor.Outcome{Status: executor.Failed, Retry: retry, Failure: failure}
		}
		t.taken.Store(job, nil)
	}
	call.JobUUID, call.Timeout, call.Unanswered = job, t.left(), t.silence
	call.Again = func(context.Context) bool { return true }
	_, err := t.do(ctx, call, done)
	if zstack.IsSessionExpired(err) {
		_, err = t.do(ctx, call, done) // with a fresh session it is the job's own end
	}
	if api := (*zstack.APIError)(nil); err == nil || errors.As(err, &api) || errors.Is(err, errStuck) {
		return executor.Outcome{Status: executor.Succeeded}
	}
	failure, retry := failureOf(call.Operation, err)
	if jobUnknown, unknown := isUnknown(err); unknown && !jobUnknown {
		return undecided(failure)
	} else if unknown {
		retry = true
	}
	return executor.Outcome{Status: executor.Failed, Retry: retry, Failure: failure}
}
