package cloud

import (
	"context"
	"fmt"
	"net/http"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// destroy moves the step's VM to the recycle bin. It reads the machine first: a
// plan may be old, and only what is still the fleet's and unprotected may go.
func (t *task) destroy(ctx context.Context, op planner.DestroyVM) executor.Outcome {
	t.rec.Phase("looking at the VM")
	vm, found, err := t.vm(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	if !found || vm.State == stateDestroyed || vm.State == stateExpunging {
		return t.already("was already gone")
	}
	tags, err := t.userTags(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	if reason := keepReason(op.Scope, t.step, tags); reason != nil {
		outcome := blocked(reason)
		outcome.Facts = t.facts(ctx, vm)
		return outcome
	}
	t.rec.Phase("destroying")
	outcome := t.edit(ctx, zstack.Call{
		Operation: "DestroyVmInstance",
		Method:    http.MethodDelete,
		Path:      "/vm-instances/" + t.step.UUID,
	}, func(ctx context.Context) (bool, error) {
		vm, found, err := t.vm(ctx, t.step.UUID)
		return err == nil && (!found || vm.State == stateDestroyed || vm.State == stateExpunging), err
	})
	if outcome.Status == executor.Succeeded {
		outcome.Note = joinNotes(outcome.Note, t.disksLeft(ctx, op.Scope, vm))
	}
	return t.withFacts(ctx, outcome)
}

// keepReason says why a VM must not be destroyed by this step, or nil.
func keepReason(scope planner.Scope, step planner.Step, tags []zstack.Tag) *executor.Failure {
	if protect := scope.TagPrefix() + "protect"; hasTag(tags, protect) {
		return &executor.Failure{
			Class:   classInput,
			Message: fmt.Sprintf("machine %s is protected by its tag %s", step.Key, protect),
			Hint:    "set lifecycle.protect to false in the fleet file and apply that first",
		}
	}
	return notOurs(scope, step, tags)
}

// notOurs says why a VM is not the machine that the step is about, or nil. A
// UUID that was chosen or adopted is proven by the machine's tag, since the plan
// names it. A computed UUID without a tag is a machine whose tags were never
// set; with another machine's tag it is nothing that a plan knows.
func notOurs(scope planner.Scope, step planner.Step, tags []zstack.Tag) *executor.Failure {
	key := scope.KeyTag(step.Key)
	_, computed := scope.Made(step.UUID)
	claimed := len(withPrefix(tags, scope.KeyTag(""))) > 0
	message := ""
	switch {
	case hasTag(tags, scope.TagPrefix()+"released"):
		message = fmt.Sprintf("machine %s was released from the fleet", step.Key)
	case hasTag(tags, key), computed && !claimed:
		return nil
	default:
		message = fmt.Sprintf("the VM is not the fleet's machine %s any more: its tag %s is gone", step.Key, key)
	}
	return &executor.Failure{Class: classInput, Message: message, Hint: "plan again"}
}

// deleteDisk moves a data disk of the fleet to the recycle bin, if it still is
// the fleet's and belongs to no other VM.
func (t *task) deleteDisk(ctx context.Context, op planner.DeleteDisk) executor.Outcome {
	t.rec.Phase("looking at the disk")
	volume, found, err := t.volume(ctx, op.VolumeUUID)
	if err != nil {
		return t.readFailed(err)
	}
	if !found || volume.Status == "Deleted" {
		return t.already("was already gone")
	}
	tags, err := t.userTags(ctx, op.VolumeUUID)
	if err != nil {
		return t.readFailed(err)
	}
	if reason := keepDiskReason(t.step, op, volume, tags); reason != nil {
		return blocked(reason)
	}
	t.rec.Phase("deleting the disk")
	return t.edit(ctx, zstack.Call{
		Operation: "DeleteDataVolume",
		Method:    http.MethodDelete,
		Path:      "/volumes/" + op.VolumeUUID,
	}, func(ctx context.Context) (bool, error) {
		volume, found, err := t.volume(ctx, op.VolumeUUID)
		return err == nil && (!found || volume.Status == "Deleted"), err
	})
}

// keepDiskReason says why a disk must not be deleted by this step, or nil.
func keepDiskReason(step planner.Step, op planner.DeleteDisk, volume zstack.Volume, tags []zstack.Tag) *executor.Failure {
	var message string
	switch {
	case volume.Type != "Data":
		message = fmt.Sprintf("volume %q is not a data disk", volume.Name)
	case !hasTag(tags, op.Tag):
		message = fmt.Sprintf("disk %q is not the fleet's any more: its tag %s is gone", volume.Name, op.Tag)
	case volume.VMInstanceUUID != "" && volume.VMInstanceUUID != step.UUID:
		message = fmt.Sprintf("disk %q is attached to another VM, %s", volume.Name, volume.VMInstanceUUID)
	default:
		return nil
	}
	return &executor.Failure{Class: classInput, Message: message, Hint: "plan again"}
}

func (d *Driver) volume(ctx context.Context, uuid string) (zstack.Volume, bool, error) {
	return zstack.Get[zstack.Volume](ctx, d.client, "/volumes", uuid)
}
