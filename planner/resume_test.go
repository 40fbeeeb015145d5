package planner

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// cut returns the inventory as a run leaves it that was killed after n steps.
func cut(t *testing.T, inv *Inventory, plan *Plan, n int) *Inventory {
	part := *plan
	part.Steps = plan.Steps[:n]
	return applied(t, inv, &part)
}

// busyFleet returns a fleet that was applied, and what its file became then:
// one machine to create, one to update with a stop, one to replace with its
// data disk, one to delete.
func busyFleet(t *testing.T) (after *spec.Fleet, inv *Inventory) {
	disks := func(m spec.Machine) spec.Machine {
		m.DataDisks = []spec.DataDisk{{Size: ptr(int64(10 << 30))}}
		return m
	}
	old := fleetOf(disks(web(1)), disks(web(2)), disks(web(3)), web(5))
	inv = applied(t, emptyInventory(), mustBuild(t, old, emptyInventory(), none))
	update, replace := disks(web(1)), disks(web(2))
	update.Offering, update.UserTags = ptr(byName("large")), []string{"a"}
	replace.Source.Ref = byName("ubuntu-22.04")
	return fleetOf(update, replace, disks(web(4)), web(5)), inv
}

// TestResumeAnywhere kills a run after each of its steps. What is resumed must
// be covered by the consent to the run, and end where an undisturbed run ends.
func TestResumeAnywhere(t *testing.T) {
	fleet, inv := busyFleet(t)
	plan := mustBuild(t, fleet, inv, Options{AllowDeletes: 1, AllowReplacements: 1})
	destroy := BuildDestroy(testScope, inv, Options{Limits: spec.Limits{Parallelism: 3}})
	for _, tt := range []struct {
		name  string
		plan  *Plan
		fleet *spec.Fleet
	}{{"apply", plan, fleet}, {"destroy", destroy, nil}} {
		for n := range len(tt.plan.Steps) + 1 {
			t.Run(fmt.Sprintf("%s/%d", tt.name, n), func(t *testing.T) {
				left := cut(t, inv, tt.plan, n)
				rest, moved, found := Resume(tt.plan, tt.fleet, left)
				if rest == nil || len(moved)+len(rest.Refusals) > 0 {
					t.Fatalf("moved %v, found %v, plan %+v", moved, found, rest)
				}
				if n == len(tt.plan.Steps) && len(rest.Steps) > 0 {
					t.Fatalf("steps are left after the last: %v", rest.Steps)
				}
				// The journal of a resumed run is read again with its plan.
				if data, err := rest.Encode(); err != nil || rest.Limits != tt.plan.Limits {
					t.Errorf("limits %v of the rest, error %v", rest.Limits, err)
				} else if _, err := Decode(data); err != nil {
					t.Errorf("the rest as a file: %v", err)
				}
				done := applied(t, left, rest)
				again, _, _ := Resume(tt.plan, tt.fleet, done)
				if len(again.Steps) > 0 {
					t.Errorf("the resumed run left steps: %v", again.Steps)
				}
				if diff := cmp.Diff(states(applied(t, inv, tt.plan)), states(done)); diff != "" {
					t.Errorf("end of the run (-undisturbed +resumed):\n%s", diff)
				}
			})
		}
	}
}

// TestResumeWithoutRecycleBin kills a run after each of its steps on a server that
// shows nothing any more of what was destroyed.
func TestResumeWithoutRecycleBin(t *testing.T) {
	emptied := func(inv *Inventory) *Inventory {
		inv.Machines = slices.DeleteFunc(inv.Machines, func(vm Observed) bool { return inRecycleBin(vm.State) })
		return inv
	}
	fleet, inv := busyFleet(t)
	plan := mustBuild(t, fleet, inv, Options{AllowDeletes: 1, AllowReplacements: 1})
	for n := range len(plan.Steps) + 1 {
		left := emptied(cut(t, inv, plan, n))
		rest, moved, found := Resume(plan, fleet, left)
		if rest == nil || len(moved)+len(rest.Refusals) > 0 {
			t.Fatalf("after %d steps: moved %+v, found %v", n, moved, found)
		}
		if diff := cmp.Diff(states(emptied(applied(t, inv, plan))), states(emptied(applied(t, left, rest)))); diff != "" {
			t.Errorf("after %d steps: end of the run (-undisturbed +resumed):\n%s", n, diff)
		}
	}
}

// states returns what matters of an inventory: VMs and disks.
func states(inv *Inventory) map[string]string {
	all := make(map[string]string)
	for _, vm := range inv.Machines {
		all[vm.UUID] = fmt.Sprintf("%s %s %d cpus %d tags", vm.Name, vm.State, vm.CPU, len(vm.UserTags))
	}
	for _, disk := range inv.Disks {
		all[disk.UUID] = disk.VMUUID
	}
	return all
}

// TestResumeRefuses changes the cloud by another hand after the run was killed.
func TestResumeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		moved func(*world)
		want  []Moved
	}{
		{"nothing", func(*world) {}, nil},
		{"a machine that the run keeps was edited", func(w *world) { w.vm(testScope.MachineUUID("web/5", 0)).Name = "edited" },
			[]Moved{{Key: "web/5", What: "planned keep, now update: differs in name"}}},
		{"an updated machine was edited elsewhere", func(w *world) { w.vm(testScope.MachineUUID("web/1", 0)).Name = "edited" },
			[]Moved{{Key: "web/1", What: "planned update, now update: name differs too"}}},
		{"a machine was destroyed", func(w *world) { w.vm(testScope.MachineUUID("web/1", 0)).State = "Destroyed" },
			[]Moved{{Key: "web/1", What: "planned update, now create as generation 1"}}},
		{"the replaced machine was destroyed, as the run does", func(w *world) { w.vm(testScope.MachineUUID("web/2", 0)).State = "Destroyed" }, nil},
		{"the deleted machine got a disk", func(w *world) {
			uuid := testScope.MachineUUID("web/3", 0)
			w.inv.Disks = append(w.inv.Disks, Disk{UUID: uid("dd", 99), Name: "extra", Type: "Data", VMUUID: uuid,
				Tags: []Tag{{Text: testScope.DiskTag("web/3", 0)}}})
		}, []Moved{{Key: "web/3", What: `data disk "extra" would be deleted too`}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fleet, inv := busyFleet(t)
			plan := mustBuild(t, fleet, inv, Options{AllowDeletes: 1, AllowReplacements: 1})
			tt.moved(&world{inv, t})
			_, moved, _ := Resume(plan, fleet, inv)
			if diff := cmp.Diff(tt.want, moved); diff != "" {
				t.Errorf("moved (-want +got):\n%s", diff)
			}
		})
	}
}

// TestResumeSelection leaves alone what the run did not look at.
func TestResumeSelection(t *testing.T) {
	fleet, inv := busyFleet(t)
	plan := mustBuild(t, fleet, inv, Options{Targets: []string{"web/1"}})
	rest, moved, _ := Resume(plan, fleet, inv)
	if len(rest.Changes) != 1 || rest.Changes[0].Key != "web/1" || len(moved) > 0 {
		t.Errorf("changes %+v, moved %v; want web/1 alone", rest.Changes, moved)
	}
	empty := mustBuild(t, fleet, inv, Options{Targets: []string{"web"}, Excludes: []string{"web/*"}})
	if rest, _, _ := Resume(empty, fleet, inv); len(rest.Changes) != 0 {
		t.Errorf("a run of no machine resumes with %+v", rest.Changes)
	}
}

// TestResumeNextGeneration remembers the operator's word about a burnt UUID.
func TestResumeNextGeneration(t *testing.T) {
	fleet, inv := fleetOf(web(1)), emptyInventory()
	plan := mustBuild(t, fleet, inv, Options{NextGeneration: []string{"web/1"}})
	rest, moved, _ := Resume(plan, fleet, inv)
	if rest.Changes[0].UUID != testScope.MachineUUID("web/1", 1) || len(moved) > 0 {
		t.Errorf("change %+v, moved %v; want generation 1", rest.Changes[0], moved)
	}
}
