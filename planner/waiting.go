package planner

import (
	"fmt"
	"slices"
)

// Waiting is a machine that cannot be decided about before the server is done
// with it.
type Waiting struct {
	Key, UUID string
	State     string // one that the machine leaves by itself
}

// Waiting lists the machines that the plan leaves out only because the server
// is still working on them. A plan that was read from a file has none: what it
// saw was long ago.
func (p *Plan) Waiting() []Waiting {
	var list []Waiting
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == Blocked && c.Passing != "" {
			list = append(list, Waiting{Key: c.Key, UUID: c.UUID, State: c.Passing})
		}
	}
	return list
}

// IsPassing reports whether a machine leaves a state by itself, unless the
// server has forgotten what it was doing. Created is such a state for machines
// that are to run.
func IsPassing(state string) bool { return slices.Contains(passing, state) }

var passing = []string{"Created", "Starting", "Stopping", "Rebooting", "Migrating", "Pausing", "Resuming",
	"VolumeMigrating", "VolumeRecovering", "Destroying", "Expunging"}

// wait blocks a machine until it has left its state.
func (b *builder) wait(change *Change, vm *member, reason string) {
	b.block(change, reason)
	if IsPassing(vm.State) {
		change.Passing = vm.State
	}
}

// unstarted says why a machine waits that the server has begun to make. If the
// server was restarted there, it never goes on.
func unstarted(key string) string {
	return "the server made it but has not started it; plan again in a while, and if it stays so destroy it, with --target " + key + ", and apply again"
}

// unsettled says why a machine waits, and the way out where the server was
// restarted in the middle and never ends what it began.
func unsettled(state string) string {
	reason := fmt.Sprintf("it is %s; plan again when that is over", state)
	switch {
	case state == "Starting":
		return reason + ", and destroy it by hand if it stays so"
	case IsPassing(state):
		return reason + ", and ask the operator of the cloud if it stays so"
	}
	return reason
}

// beingMade reports whether the server has put a machine on record and will go
// on with it, tags and all.
func (w *draft) beingMade(vm *member) bool {
	return vm.State == "Created" && w.bp.Strategy != "JustCreate"
}

// keep decides about a machine that does not differ. One that is only being
// made is not as it should be yet: the server may still take it back.
func (b *builder) keep(change *Change, w *draft, vm *member) {
	change.Action, change.Differences = Keep, nil
	switch {
	case vm.State == "Starting":
		b.wait(change, vm, "it is Starting, and the server has not decided whether it stays; plan again when that is over, and destroy it by hand if it stays so")
	case w.beingMade(vm):
		b.wait(change, vm, unstarted(change.Key))
	case vm.State == "Destroying":
		b.wait(change, vm, unsettled(vm.State))
	case !settled(vm.State):
		change.Notes = append(change.Notes, "it is "+vm.State+" now")
	}
}
