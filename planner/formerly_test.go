package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestFormerly renames a fleet: its machines get other tags and nothing else,
// keep what the old tags remembered, and are the fleet's from then on.
func TestFormerly(t *testing.T) {
	plain, rich := web(1), web(2)
	rich.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}}
	rich.UserData, rich.ConsolePassword = secret("web/2.userData", "#cloud-config"), secret("web/2.consolePassword", "old")
	rich.UserTags, rich.Lifecycle.Protect = []string{"a"}, true
	gone := web(3)
	before := applied(t, emptyInventory(), mustBuild(t, fleetOf(plain, rich, gone), emptyInventory(), none))

	signed := slices.IndexFunc(before.Machines, func(vm Observed) bool { return vm.Name == plain.Name })
	before.Machines[signed].UserTags = append(before.Machines[signed].UserTags, Tag{UUID: "r", Text: testScope.RunTag("one", "ci-1")})

	renamed := func(machines ...spec.Machine) *spec.Fleet {
		fleet := fleetOf(machines...)
		fleet.Name, fleet.Formerly = "stage", []spec.Identity{{Name: testScope.Name, ID: testScope.ID}}
		return fleet
	}
	look := func(inv *Inventory, fleet *spec.Fleet) *Inventory {
		now := *inv
		now.Scope, now.Formerly, now.Machines = Scope{Name: fleet.Name, ID: fleet.ID}, formerScopes(fleet), slices.Clone(inv.Machines)
		now.Disks = nil // tagged for the former scope
		return &now
	}
	fleet := renamed(plain, rich)
	fleet.Machines[0].Source.Ref = byName("ubuntu-22.04") // at the same time: must not be forgotten
	fleet.Machines[1].ConsolePassword = secret("web/2.consolePassword", "new")
	plan := mustBuild(t, fleet, look(before, fleet), none)
	want := []string{
		"update web/1 gen 0: it was made by this fleet as staging-k7c1f0e5",
		"update web/2 gen 0: it was made by this fleet as staging-k7c1f0e5",
		"blocked web/3 gen 0: it was made as staging-k7c1f0e5: apply once with the machine in the file, or destroy it under that name and id",
	}
	if d := cmp.Diff(want, summary(plan)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	for _, step := range plan.Steps {
		if verb := step.Op.Verb(); verb != "add-tag" && verb != "remove-tag" && verb != "tag-disks" {
			t.Errorf("taking over does %s", verb)
		}
	}
	after := applied(t, look(before, fleet), plan)
	for _, vm := range after.Machines {
		if vm.Name == plain.Name && !slices.ContainsFunc(vm.UserTags, func(tag Tag) bool { return tag.Text == after.Scope.RunTag("one", "ci-1") }) {
			t.Errorf("%s does not say any more which run made it: %v", vm.Name, vm.UserTags)
		}
		for _, tag := range vm.UserTags {
			if strings.HasPrefix(tag.Text, testScope.TagPrefix()) && !strings.Contains(tag.Text, "web/3") && vm.Name != "web-3" {
				t.Errorf("%s keeps the tag %s", vm.Name, tag.Text)
			}
		}
	}
	again := mustBuild(t, fleet, after, none)
	want = []string{
		"replace web/1 gen 1: source.image can be had on a new VM only",
		"keep web/2 gen 0: ",
	}
	if d := cmp.Diff(want, summary(again)[:2]); d != "" {
		t.Errorf("the next plan (-want +got):\n%s", d)
	}
	rich.UserData = secret("web/2.userData", "#cloud-config\nother: 1")
	rich.Lifecycle.Protect = false
	if got := summary(mustBuild(t, renamed(plain, rich), after, none)); !strings.Contains(got[1], "replace web/2 gen 1: userData") {
		t.Errorf("user data that changed after the renaming: %v", got)
	}
}
