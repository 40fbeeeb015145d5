package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// codeTaken stands in failures for a UUID that the server refuses although
// nothing visible has it.
const codeTaken = "taken-invisible"

// maxTaken is how often the server may call a UUID taken that nothing visible
// has, before the step is blocked.
const maxTaken = 3

// create makes the step's VM exactly once. The VM's UUID is the key: before and
// after every doubt the driver looks whether a VM with it is there.
func (t *task) create(ctx context.Context, op planner.CreateVM) executor.Outcome {
	t.rec.Phase("looking for the VM")
	vm, found, err := t.vm(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	if found {
		return t.follow(ctx, op, vm, nil, t.watchUntil(), noteThere)
	}
	request, err := t.newCreate(ctx, op)
	if err != nil {
		failure, retry := failureOf("CreateVmInstance", err)
		_, unknown := isUnknown(err)
		return executor.Outcome{Status: executor.Failed, Retry: retry || unknown, Failure: failure}
	}
	call := zstack.Call{Operation: request.operation, Method: http.MethodPost, Path: request.path, Body: request.body,
		Again: func(ctx context.Context) bool {
			_, found, err := t.vm(ctx, t.step.UUID)
			return err == nil && !found
		}}
	for taken := 0; ; {
		t.rec.Phase("creating")
		body, err := t.send(ctx, call, t.isMade(op), nil)
		if err == nil {
			return t.created(ctx, op, body)
		}
		if outcome, again := t.createFailed(ctx, op, call.Operation, err); !again {
			return outcome
		}
		if taken++; taken == maxTaken {
			return blocked(t.takenFailure(call.Operation, err))
		}
		t.rec.Phase("waiting: the server calls the UUID taken, but nothing has it")
		if wait(ctx, t.pace.invisible) != nil {
			failure, _ := failureOf(call.Operation, err)
			failure.Hint = hintAgain
			return failed(failure)
		}
	}
}

// newCreate builds the request, and reads what the source image says of itself
// where the request has to repeat it.
func (t *task) newCreate(ctx context.Context, op planner.CreateVM) (createRequest, error) {
	var image system
	if needsImage(&op.Blueprint) {
		var err error
		image, err = t.images.get(op.Blueprint.SourceUUID, func() (system, error) {
			row, found, err := zstack.Get[zstack.Image](ctx, t.client, "/images", op.Blueprint.SourceUUID)
			if err == nil && !found {
				err = fmt.Errorf("image %s does not exist any more", op.Blueprint.SourceUUID)
			}
			return system{row.Platform, row.GuestOSType, row.Architecture, row.Virtio}, err
		})
		if err != nil {
			return createRequest{}, err
		}
	}
	request, err := newCreateRequest(t.step.UUID, &op.Blueprint, t.secrets, image)
	if t.runner.tag != "" {
		// Not in the plan, which is the same whoever carries it out.
		request.body.UserTags = append(slices.Clip(request.body.UserTags), t.runner.tag)
	}
	return request, err
}

// createFailed decides what became of a create request that brought no VM. It
// reports true when the same request is to be sent once more.
func (t *task) createFailed(ctx context.Context, op planner.CreateVM, operation string, cause error) (executor.Outcome, bool) {
	failure, retry := failureOf(operation, cause)
	var api *zstack.APIError
	over := errors.As(cause, &api) // the job is over and failed
	if !over && !mayHaveArrived(cause) || over && failure.Class == classTransport {
		return executor.Outcome{Status: executor.Failed, Retry: retry, Failure: failure}, false
	}
	t.rec.Phase("looking for the VM")
	var (
		vm    zstack.VM
		found bool
	)
	err := t.insist(ctx, func() (err error) {
		vm, found, err = t.vm(ctx, t.step.UUID)
		return err
	})
	jobUnknown, _ := isUnknown(cause)
	taken := over && hasCode(cause, codeInternal)
	switch {
	case err != nil && over && !retry && !taken:
		return failed(failure), false
	case err != nil:
		return undecided(failure), false
	case found && taken, found && !over:
		return t.follow(ctx, op, vm, nil, t.watchUntil(), "the answer was lost, but the VM is there"), false
	case found:
		return t.follow(ctx, op, vm, failure, t.settleBy(), "the server reported a failure, but the VM is there"), false
	case taken:
		return executor.Outcome{}, true
	case over || jobUnknown:
		return executor.Outcome{Status: executor.Failed, Retry: retry || jobUnknown, Failure: failure}, false
	}
	return undecided(failure), false
}

// settleBy is until when a VM whose create failed may be watched.
func (t *task) settleBy() time.Time {
	by := time.Now().Add(t.pace.settle)
	if last := t.watchUntil(); by.After(last) {
		return last
	}
	return by
}

// follow takes a VM that has the step's UUID for the step's own work, if it is
// the fleet's machine.
func (t *task) follow(ctx context.Context, op planner.CreateVM, vm zstack.VM, failure *executor.Failure, until time.Time, note string) executor.Outcome {
	ours, tags, err := t.isOurs(ctx, op, vm)
	switch {
	case isContextError(err) && settling(vm.State, op.Blueprint.Strategy):
		return t.unsettled(ctx, vm, cmp.Or(failure, notSettled(vm)))
	case err != nil:
		outcome := t.readFailed(err)
		outcome.Facts = t.facts(ctx, vm)
		outcome.Failure.Message = "the VM exists, but whose it is cannot be read: " + outcome.Failure.Message
		return outcome
	}
	if !ours {
		return blocked(t.foreign(vm))
	}
	return t.credit(ctx, t.settle(ctx, op, vm, failure, until, note), tags)
}

// settle watches the step's VM until it has settled, and then holds it against
// the blueprint. failure is why its create failed, or nil; a VM that goes away
// or never settles then ends the step with it.
func (t *task) settle(ctx context.Context, op planner.CreateVM, vm zstack.VM, failure *executor.Failure, until time.Time, note string) executor.Outcome {
	for settling(vm.State, op.Blueprint.Strategy) {
		if time.Now().After(until) {
			if failure == nil || vm.State != stateCreated {
				return t.unsettled(ctx, vm, cmp.Or(failure, notSettled(vm)))
			}
			return executor.Outcome{Status: executor.Failed, Failure: failure, Facts: t.facts(ctx, vm)}
		}
		t.rec.Phase("waiting for the VM (" + vm.State + ")")
		if err := wait(ctx, t.pace.look); err != nil {
			return t.unsettled(ctx, vm, cmp.Or(failure, notSettled(vm)))
		}
		next, found, err := t.vm(ctx, t.step.UUID)
		if err != nil {
			if ctx.Err() == nil && time.Now().Before(until) {
				continue // the next look may reach the server again
			}
			return t.unsettled(ctx, vm, cmp.Or(failure, notSettled(vm)))
		}
		if !found {
			return t.vanished(failure)
		}
		vm = next
	}
	if gone(vm.State) {
		return blocked(&executor.Failure{
			Class:   classInput,
			Message: fmt.Sprintf("VM %s was destroyed and still holds the UUID", vm.UUID),
			Hint:    "apply again: a new plan goes on with the next generation, or recover the VM first",
		})
	}
	return t.verify(ctx, op, vm, note)
}

// unsettled is the outcome for a VM that is there but still changing.
func (t *task) unsettled(ctx context.Context, vm zstack.VM, failure *executor.Failure) executor.Outcome {
	outcome := undecided(failure)
	outcome.Facts = t.facts(ctx, vm)
	return outcome
}

func notSettled(vm zstack.VM) *executor.Failure {
	return &executor.Failure{
		Class:   classTransient,
		Message: fmt.Sprintf("the VM is there but has not settled: its state is %s", vm.State),
	}
}

// vanished is the outcome for a VM that was there during its creation and then
// was not: the server rolled it back.
func (t *task) vanished(failure *executor.Failure) executor.Outcome {
	if failure == nil {
		failure = &executor.Failure{
			Class:   classTransient,
			Message: "the server took the VM away again while it was being created",
			Hint:    hintAgain,
		}
	}
	return executor.Outcome{Status: executor.Failed, Retry: failure.Class == classTransient, Failure: failure}
}

// isMade returns a look at whether the VM is all that it is to become: in the
// last state that a creation passes, with all its disks and cards.
func (t *task) isMade(op planner.CreateVM) look {
	last := stateRunning
	switch op.Blueprint.Strategy {
	case "CreateStopped":
		last = stateStopped
	case "JustCreate":
		last = stateCreated
	}
	return func(ctx context.Context) (bool, error) {
		vm, found, err := t.vm(ctx, t.step.UUID)
		return err == nil && found && vm.State == last && len(shortfalls(&op.Blueprint, vm)) == 0, err
	}
}

// settling reports whether a VM that is being created will leave its state by
// itself. Which states are passed depends on the strategy.
func settling(state, strategy string) bool {
	switch state {
	case stateCreated:
		return strategy != "JustCreate"
	case statePaused:
		return strategy == "CreateStopped"
	case stateDestroying, stateExpunging:
		return false
	case "Unknown": // the host is out of sight; it comes back, or the VM stays unknown
		return true
	}
	return slices.Contains(moving, state)
}

// isOurs reports whether a VM with the step's UUID is the fleet's machine: the VM
// carries the machine's tag, or the UUID is the computed one and no tag says that
// it is another machine. A VM with a chosen UUID has its row before it has its
// tags, so a new one gets a moment. The tags that decided come with the answer.
func (t *task) isOurs(ctx context.Context, op planner.CreateVM, vm zstack.VM) (bool, []zstack.Tag, error) {
	_, computed := t.scope.Generation(t.step.Key, t.step.UUID)
	until := time.Now().Add(t.pace.tags)
	for {
		tags, err := t.userTags(ctx, vm.UUID)
		if err != nil {
			return false, nil, err
		}
		if hasTag(tags, t.scope.TagPrefix()+"released") {
			return false, tags, nil
		}
		claimed := len(withPrefix(tags, t.scope.KeyTag(""))) > 0
		if hasTag(tags, t.scope.KeyTag(t.step.Key)) || computed && !claimed {
			return true, tags, nil
		}
		if !settling(vm.State, op.Blueprint.Strategy) || time.Now().After(until) {
			return false, tags, nil
		}
		if err := wait(ctx, t.pace.look); err != nil {
			return false, nil, err
		}
	}
}

func (t *task) foreign(vm zstack.VM) *executor.Failure {
	return &executor.Failure{
		Class:   classInput,
		Message: fmt.Sprintf("the UUID belongs to VM %q, which is not this fleet's machine %s", vm.Name, t.step.Key),
		Hint:    "choose another resourceUuid, or give the VM back to the fleet, then run the command again",
	}
}

func (t *task) takenFailure(operation string, err error) *executor.Failure {
	f, _ := failureOf(operation, err)
	f.Code = codeTaken
	f.Message = fmt.Sprintf("the server failed on the create request %d times, and nothing visible has UUID %s: "+
		"something invisible holds the UUID, or the server cannot read a value such as userData", maxTaken, t.step.UUID)
	f.Hint = "check userData; if it is right, give that UUID up and take the machine's next one, with --next-generation " + t.step.Key
	if t.anew != "" {
		f.Settle = fmt.Sprintf("%s --target %s --next-generation %[2]s", t.anew, t.step.Key)
	}
	return f
}

// created is the outcome of a create call that the server reports as done. The
// VM is read again; where that fails the call's own answer stands in.
func (t *task) created(ctx context.Context, op planner.CreateVM, body json.RawMessage) executor.Outcome {
	t.rec.Phase("checking the VM")
	vm, found, err := t.vm(ctx, t.step.UUID)
	inventory, named := t.inventory(body)
	if err != nil {
		if !named {
			return executor.Outcome{Status: executor.Succeeded, Note: "created; the VM could not be read afterwards"}
		}
		return t.verify(ctx, op, inventory, "")
	}
	if !found && !named {
		return undecided(&executor.Failure{
			Class:     classTransport,
			Operation: "QueryVmInstance",
			Message:   "the answer to the create request does not speak of the VM, and the VM is not there",
		})
	}
	if !found {
		return failed(&executor.Failure{
			Class:     classInternal,
			Operation: "QueryVmInstance",
			Message:   "the server reported the VM as created, but it is not there",
			Hint:      hintAgain,
		})
	}
	return t.settle(ctx, op, vm, nil, t.watchUntil(), "")
}

// inventory is the VM in the answer to a create call; false if the step's VM is
// not in it.
func (t *task) inventory(body json.RawMessage) (zstack.VM, bool) {
	var answer struct {
		Inventory zstack.VM `json:"inventory"`
	}
	err := json.Unmarshal(body, &answer)
	return answer.Inventory, err == nil && answer.Inventory.UUID == t.step.UUID
}
