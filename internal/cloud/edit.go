package cloud

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// updateFields are the fields of updateVmInstance as the server calls them.
// What is absent stays as it is.
type updateFields struct {
	Name           *string `json:"name,omitempty"`
	Description    *string `json:"description,omitempty"`
	CPU            *int    `json:"cpuNum,omitempty"`
	Memory         *int64  `json:"memorySize,omitempty"`
	Reserved       *int64  `json:"reservedMemorySize,omitempty"`
	Platform       *string `json:"platform,omitempty"`
	GuestOSType    *string `json:"guestOsType,omitempty"`
	DefaultNetwork *string `json:"defaultL3NetworkUuid,omitempty"`
}

// memoryStep is the unit, in bytes, in which memory of a running VM grows: the
// server rounds, so what it stores may differ from what was asked for.
const memoryStep = 128 << 20

func (t *task) update(ctx context.Context, op planner.UpdateVM) executor.Outcome {
	t.rec.Phase("updating")
	outcome := t.edit(ctx, t.action("UpdateVmInstance", "updateVmInstance", updateFields(op)),
		t.vmShows(func(vm zstack.VM) bool { return showsUpdate(op, vm) }))
	return t.withFacts(ctx, outcome)
}

// showsUpdate reports whether a VM has all that an update asks for.
func showsUpdate(op planner.UpdateVM, vm zstack.VM) bool {
	memory := op.Memory == nil || max(vm.MemorySize-*op.Memory, *op.Memory-vm.MemorySize) < memoryStep
	return memory && same(op.Name, vm.Name) && same(op.Description, vm.Description) && same(op.CPU, vm.CPUNum) &&
		same(op.Reserved, vm.ReservedMemorySize) && same(op.Platform, vm.Platform) &&
		same(op.GuestOSType, vm.GuestOSType) && same(op.DefaultNetwork, vm.DefaultL3NetworkUUID)
}

// same reports whether a field was not asked for, or has the value asked for.
func same[T comparable](asked *T, got T) bool { return asked == nil || *asked == got }

func (t *task) changeOffering(ctx context.Context, op planner.ChangeOffering) executor.Outcome {
	t.rec.Phase("changing the offering")
	fields := map[string]string{"instanceOfferingUuid": op.OfferingUUID}
	outcome := t.edit(ctx, t.action("ChangeInstanceOffering", "changeInstanceOffering", fields),
		t.vmShows(func(vm zstack.VM) bool { return vm.InstanceOfferingUUID == op.OfferingUUID }))
	return t.withFacts(ctx, outcome)
}

// Prefixes of the system tags by which a VM shows what was set.
const (
	hostnamePrefix = "hostname::"
	passwordPrefix = "consolePassword::"
)

// setHostname sets the host name, or removes it where the step has none.
func (t *task) setHostname(ctx context.Context, op planner.SetHostname) executor.Outcome {
	t.rec.Phase("setting the host name")
	if op.Hostname != "" {
		fields := map[string]string{"hostname": op.Hostname}
		return t.edit(ctx, t.action("SetVmHostname", "setVmHostname", fields), func(ctx context.Context) (bool, error) {
			tags, err := t.systemTags(ctx, hostnamePrefix)
			return hasTag(tags, hostnamePrefix+op.Hostname), err
		})
	}
	removed := func(ctx context.Context) (bool, error) {
		tags, err := t.systemTags(ctx, hostnamePrefix)
		return err == nil && len(tags) == 0, err
	}
	already, err := removed(ctx)
	if err != nil {
		return t.readFailed(err)
	}
	if already {
		return t.already("the host name was already gone")
	}
	return t.edit(ctx, zstack.Call{
		Operation: "DeleteVmHostname",
		Method:    http.MethodDelete,
		Path:      "/vm-instances/" + t.step.UUID + "/hostnames",
	}, removed)
}

// setConsolePassword overwrites the password. A server that masks secrets never
// shows that it was done; the step is then sent once more, which is safe.
func (t *task) setConsolePassword(ctx context.Context, op planner.SetConsolePassword) executor.Outcome {
	password, ok := t.secrets[op.Secret.Secret]
	if !ok {
		failure, _ := failureOf("SetVmConsolePassword", &missingSecretError{op.Secret.Secret})
		return failed(failure)
	}
	t.rec.Phase("setting the console password")
	fields := map[string]string{"consolePassword": password}
	return t.edit(ctx, t.action("SetVmConsolePassword", "setVmConsolePassword", fields), func(ctx context.Context) (bool, error) {
		tags, err := t.systemTags(ctx, passwordPrefix)
		return hasTag(tags, passwordPrefix+password), err
	})
}

// lost says that the VM which a step is about is not there any more.
func (t *task) lost(binned bool) *executor.Failure {
	where := "does not exist any more"
	if binned {
		where = "was destroyed"
	}
	return &executor.Failure{
		Class:   classNotFound,
		Message: fmt.Sprintf("VM %s %s", t.step.UUID, where),
		Hint:    "plan again",
	}
}

// vmShows returns a look at the step's VM, for edit.
func (t *task) vmShows(reached func(zstack.VM) bool) look {
	return func(ctx context.Context) (bool, error) {
		vm, found, err := t.vm(ctx, t.step.UUID)
		return err == nil && found && reached(vm), err
	}
}

// comesToRestAs returns a look, for edit, at the state that the VM ends in.
func (t *task) comesToRestAs(state string) look {
	return func(ctx context.Context) (bool, error) {
		vm, found, err := t.atRest(ctx)
		return err == nil && found && vm.State == state, err
	}
}

// atRest reads the VM, and again while it is changing its state. A VM that does
// not come to rest in time is an error.
func (t *task) atRest(ctx context.Context) (zstack.VM, bool, error) {
	until := t.watchUntil()
	for {
		vm, found, err := t.vm(ctx, t.step.UUID)
		if err != nil || !found || gone(vm.State) || !slices.Contains(moving, vm.State) {
			return vm, found, err
		}
		if time.Now().After(until) {
			return vm, found, fmt.Errorf("VM %s is still %s", t.step.UUID, vm.State)
		}
		t.rec.Phase("waiting for the VM (" + vm.State + ")")
		if err := wait(ctx, t.pace.look); err != nil {
			return vm, found, err
		}
	}
}

// systemTags reads the VM's system tags that begin with a prefix.
func (t *task) systemTags(ctx context.Context, prefix string) ([]zstack.Tag, error) {
	of, _ := zstack.Where("resourceUuid", "=", t.step.UUID)
	tags, err := zstack.List[zstack.Tag](ctx, t.client, "/system-tags", of)
	return withPrefix(tags, prefix), err
}
