package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// summary says the changes of a plan in one line each.
func summary(plan *Plan) []string {
	var lines []string
	for _, c := range plan.Changes {
		line := fmt.Sprintf("%s %s gen %d: %s", c.Action, c.Key, c.Generation, c.Reason)
		if len(c.Disks) > 0 {
			line += fmt.Sprintf(" [%d disks]", len(c.Disks))
		}
		lines = append(lines, line)
	}
	return lines
}

func steps(plan *Plan) []string {
	var lines []string
	for _, s := range plan.Steps {
		line := string(s.ID)
		for _, need := range s.Needs {
			line += " < " + string(need)
		}
		lines = append(lines, line)
	}
	return lines
}

// again puts a further generation of web/1 into an inventory, as the first is,
// without its disk.
func again(inv *Inventory, generation int, state string, tags ...string) {
	vm := inv.Machines[0]
	vm.UUID, vm.State = testScope.MachineUUID("web/1", generation), state
	vm.UserTags = slices.Clone(vm.UserTags)
	for _, tag := range tags {
		vm.UserTags = append(vm.UserTags, Tag{Text: testScope.TagPrefix() + tag})
	}
	inv.Machines = append(inv.Machines, vm)
	disk := inv.Disks[0]
	disk.UUID, disk.VMUUID, disk.Tags = uid("dd", 90+generation), vm.UUID, []Tag{{Text: testScope.DiskTag("web/1", generation)}}
	if !inRecycleBin(state) {
		inv.Disks = append(inv.Disks, disk)
	}
}

// TestOwnership: what is in the cloud decides, and tags alone prove nothing.
func TestOwnership(t *testing.T) {
	withDisk := web(1)
	withDisk.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}}
	for _, tt := range []struct {
		name   string
		file   []spec.Machine
		cloud  func(*Inventory) // starts with web/1 applied, with a data disk
		opts   Options
		want   []string
		copies int
		steps  []string
	}{
		{name: "as applied", file: []spec.Machine{withDisk}, want: []string{"keep web/1 gen 0: "}},
		{name: "in the recycle bin", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].State, inv.Disks = "Destroyed", nil },
			want:  []string{`create web/1 gen 1: its last VM is in the recycle bin, so this is generation 1`},
			steps: []string{"web/1 create", "web/1 tag-disks < web/1 create"}},
		{name: "in the recycle bin, its disk left", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].State, inv.Disks[0].VMUUID = "Destroyed", "" },
			want:  []string{`create web/1 gen 1: its last VM is in the recycle bin, so this is generation 1 [1 disks]`},
			steps: []string{"web/1 create", "web/1 tag-disks < web/1 create", "web/1 delete-disk"}},
		{name: "without tags, right after its row", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].UserTags = nil },
			want:  []string{"update web/1 gen 0: differs in tags of zfleet"}},
		{name: "without tags, still starting", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].UserTags, inv.Machines[0].State = nil, "Starting" },
			want:  []string{"blocked web/1 gen 0: it is Starting; plan again when that is over, and destroy it by hand if it stays so"}},
		{name: "without tags, its row just made", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].UserTags, inv.Machines[0].State = nil, "Created" },
			want:  []string{"blocked web/1 gen 0: the server made it but has not started it; plan again in a while, and if it stays so destroy it, with --target web/1, and apply again"}},
		{name: "still starting", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Machines[0].State = "Starting" },
			want: []string{"blocked web/1 gen 0: it is Starting, and the server has not decided whether it stays; plan again when that is over, and destroy it by hand if it stays so"}},
		{name: "made but not started", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Machines[0].State = "Created" },
			want: []string{"blocked web/1 gen 0: the server made it but has not started it; plan again in a while, and if it stays so destroy it, with --target web/1, and apply again"}},
		{name: "made but not started, and different", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].Name, inv.Machines[0].State = "other", "Created" },
			want:  []string{"blocked web/1 gen 0: the server made it but has not started it; plan again in a while, and if it stays so destroy it, with --target web/1, and apply again"}},
		{name: "destroying", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Machines[0].State = "Destroying" },
			want: []string{"blocked web/1 gen 0: it is Destroying; plan again when that is over, and ask the operator of the cloud if it stays so"}},
		{name: "rebooting", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Machines[0].State = "Rebooting" },
			want: []string{"keep web/1 gen 0: "}},
		{name: "out of the file, its disks to be kept", file: []spec.Machine{web(2)},
			cloud: func(inv *Inventory) {
				inv.Machines[0].UserTags = append(inv.Machines[0].UserTags, Tag{Text: testScope.TagPrefix() + "keep-disks"})
			}, want: []string{"create web/2 gen 0: no machine has this key",
				"blocked web/1 gen 0: its tag keep-disks forbids to delete its data disks, and this zfleet cannot detach them; detach them by hand and remove the tag zfleet::staging-k7c1f0e5::keep-disks"}},
		{name: "a clone with its tags", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				clone := inv.Machines[0]
				clone.UUID = uid("c1", 77)
				inv.Machines = append(inv.Machines, clone)
			}, want: []string{"keep web/1 gen 0: "}, copies: 1},
		{name: "only a clone", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines[0].UUID, inv.Disks = uid("c1", 77), nil },
			want:  []string{"create web/1 gen 0: no machine has this key"}, copies: 1, steps: []string{"web/1 create", "web/1 tag-disks < web/1 create"}},
		{name: "an adopted VM", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				vm := &inv.Machines[0]
				vm.UUID = uid("ad", 1)
				vm.UserTags = append(vm.UserTags, Tag{Text: testScope.TagPrefix() + "adopted::" + vm.UUID})
				inv.Disks[0].VMUUID = vm.UUID
			}, want: []string{"keep web/1 gen 0: "}},
		{name: "released", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				inv.Machines[0].UserTags = append(inv.Machines[0].UserTags, Tag{Text: testScope.TagPrefix() + "released"})
			}, want: []string{"blocked web/1 gen 0: it was released from the fleet; take it out of the file, or remove the tag zfleet::staging-k7c1f0e5::released"}},
		{name: "two generations", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				second := inv.Machines[0]
				second.UUID = testScope.MachineUUID("web/1", 1)
				inv.Machines = append(inv.Machines, second)
				tagged := inv.Disks[0]
				tagged.UUID, tagged.VMUUID, tagged.Tags = uid("dd", 9), second.UUID, []Tag{{Text: testScope.DiskTag("web/1", 1)}}
				inv.Disks = append(inv.Disks, tagged)
			}, want: []string{"keep web/1 gen 1: ", "blocked web/1@0 gen 0: VM of generation 0, left when generation 1 was made; destroy it by hand if it is not needed"}},
		{name: "three generations, the last in the recycle bin", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				again(inv, 1, "Running")
				again(inv, 2, "Destroyed")
			}, want: []string{"keep web/1 gen 1: ", "blocked web/1@0 gen 0: VM of generation 0, left when generation 1 was made; destroy it by hand if it is not needed"}},
		{name: "four generations", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				again(inv, 1, "Expunging")
				again(inv, 2, "Stopped")
				again(inv, 3, "Running")
			}, want: []string{"keep web/1 gen 3: ", "blocked web/1@2 gen 2: VM of generation 2, left when generation 3 was made; destroy it by hand if it is not needed",
				"blocked web/1@0 gen 0: VM of generation 0, left when generation 3 was made; destroy it by hand if it is not needed"}},
		{name: "two generations burnt", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				again(inv, 1, "Destroyed")
				inv.Machines[0].State, inv.Disks = "Destroyed", nil
			}, want: []string{"create web/1 gen 2: its last VM is in the recycle bin, so this is generation 2"}},
		{name: "two generations, the former released", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				again(inv, 1, "Running")
				inv.Machines[0].UserTags = append(slices.Clone(inv.Machines[0].UserTags), Tag{Text: testScope.TagPrefix() + "released"})
			}, want: []string{"keep web/1 gen 1: "}},
		{name: "a replacement that a later version began", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				again(inv, 1, "Running", "replacing::0")
				inv.Machines[0].UserTags = append(slices.Clone(inv.Machines[0].UserTags), Tag{Text: testScope.TagPrefix() + "replacing::1"})
			}, want: []string{"keep web/1 gen 1: ", "blocked web/1@0 gen 0: VM of generation 0, left when generation 1 was made; destroy it by hand if it is not needed"}},
		{name: "the machine's UUID with another machine's tag", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				inv.Machines[0].UserTags, inv.Disks = []Tag{{Text: testScope.KeyTag("db/1")}}, nil
			}, want: []string{`blocked web/1 gen 0: its UUID is that of VM "web-1", whose tags say that it is another machine; correct the tags, or pass --next-generation web/1`}, copies: 1},
		{name: "the machine's UUID with another machine's tag, given up", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				inv.Machines[0].UserTags, inv.Disks = []Tag{{Text: testScope.KeyTag("db/1")}}, nil
			}, opts: Options{NextGeneration: []string{"web/1"}}, want: []string{"create web/1 gen 1: no machine has this key"}, copies: 1},
		{name: "the next generation's UUID with another machine's tag", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				again(inv, 1, "Running")
				inv.Machines[1].UserTags, inv.Disks = []Tag{{Text: testScope.KeyTag("db/1")}}, inv.Disks[:1]
				inv.Machines[0].UserTags = append(slices.Clone(inv.Machines[0].UserTags), Tag{Text: testScope.digestTag("networks", plainDigest("x"))})
			}, want: []string{`blocked web/1 gen 1: its UUID is that of VM "web-1", whose tags say that it is another machine; correct the tags, or pass --next-generation web/1`}, copies: 1},
		{name: "adopted, says a clone", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				clone := inv.Machines[0]
				clone.UUID = uid("c1", 77)
				clone.UserTags = append(slices.Clone(clone.UserTags), Tag{Text: testScope.TagPrefix() + "adopted::" + uid("c1", 78)})
				inv.Machines = append(inv.Machines, clone)
			}, want: []string{"keep web/1 gen 0: "}, copies: 1},
		{name: "its disk untagged", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Disks = nil },
			want: []string{"update web/1 gen 0: differs in dataDisks"}, steps: []string{"web/1 tag-disks"}},
		{name: "its disk gone", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Disks, inv.Machines[0].Volumes = nil, nil },
			want: []string{"blocked web/1 gen 0: 1 of its 1 data disks are not attached any more; attach them again, or change dataDisks in the file"}},
		{name: "its disk untagged among others", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				inv.Disks = nil
				inv.Machines[0].Volumes = append(inv.Machines[0].Volumes, Disk{UUID: uid("dd", 5), Type: "Data"})
			}, want: []string{"blocked web/1 gen 0: which of its 2 data disks without a tag came with it cannot be told: expected 1"}},
		{name: "a NIC gone", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Machines[0].NICs = nil },
			want: []string{"blocked web/1 gen 0: it has no NIC on app-net any more; attach one, or change the networks in the file"}},
		{name: "a restart cut off", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				vm := &inv.Machines[0]
				vm.State, vm.UserTags = "Stopped", append(vm.UserTags, Tag{Text: testScope.TagPrefix() + "restart"})
			}, want: []string{"update web/1 gen 0: differs in power"}, steps: []string{"web/1 start", "web/1 remove-tag < web/1 start"}},
		{name: "restarts of runs cut off", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				vm := &inv.Machines[0]
				for _, text := range []string{testScope.RestartTagOf("two", "ci-2", uid("ab", 2)), testScope.RestartTagOf("one", "ci-1", uid("ab", 1))} {
					vm.State, vm.UserTags = "Stopped", append(vm.UserTags, Tag{Text: text})
				}
			}, want: []string{"update web/1 gen 0: differs in power"},
			steps: []string{"web/1 start", "web/1 remove-tag 1 < web/1 start", "web/1 remove-tag 2 < web/1 remove-tag 1"}},
		{name: "lost digests are no difference", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				vm := &inv.Machines[0]
				vm.UserTags = slices.DeleteFunc(slices.Clone(vm.UserTags), func(t Tag) bool { return strings.Contains(t.Text, "::d1::") })
			}, want: []string{"keep web/1 gen 0: "}},
		{name: "digests of a later version are no difference", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				vm := &inv.Machines[0]
				vm.UserTags = slices.Clone(vm.UserTags)
				for i := range vm.UserTags {
					vm.UserTags[i].Text = strings.Replace(vm.UserTags[i].Text, "::d1::", "::d2::", 1)
				}
			}, want: []string{"keep web/1 gen 0: "}},
		{name: "two digests are a difference", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) {
				vm := &inv.Machines[0]
				vm.UserTags = append(vm.UserTags, Tag{Text: testScope.digestTag("networks", plainDigest("x"))})
			}, want: []string{"replace web/1 gen 1: networks can be had on a new VM only [1 disks]"}},
		{name: "out of the file", file: []spec.Machine{web(2)}, want: []string{"create web/2 gen 0: no machine has this key", "delete web/1 gen 0: not in the fleet file [1 disks]"},
			steps: []string{"web/2 create", "web/1 destroy", "web/1 delete-disk < web/1 destroy"}},
		{name: "out of the file, protected", file: []spec.Machine{web(2)},
			cloud: func(inv *Inventory) {
				inv.Machines[0].UserTags = append(inv.Machines[0].UserTags, Tag{Text: testScope.TagPrefix() + "protect"})
			}, want: []string{"create web/2 gen 0: no machine has this key", "blocked web/1 gen 0: it is protected: set lifecycle.protect to false and apply that first"}},
		{name: "out of the file, its VM gone", file: []spec.Machine{web(2)},
			cloud: func(inv *Inventory) { inv.Machines, inv.Disks[0].VMUUID = nil, "" },
			want:  []string{"create web/2 gen 0: no machine has this key", "delete web/1 gen 0: its VM is gone, its data disks are left [1 disks]"},
			steps: []string{"web/2 create", "web/1 delete-disk"}},
		{name: "its VM gone without a trace, its disk left", file: []spec.Machine{withDisk},
			cloud: func(inv *Inventory) { inv.Machines, inv.Disks[0].VMUUID = nil, "" },
			want:  []string{"create web/1 gen 0: no machine has this key [1 disks]"},
			steps: []string{"web/1 delete-disk", "web/1 create < web/1 delete-disk", "web/1 tag-disks < web/1 create"}},
		{name: "out of the file, its disk moved to another VM", file: []spec.Machine{web(2)},
			cloud: func(inv *Inventory) { inv.Disks[0].VMUUID = uid("ff", 1) },
			want:  []string{"create web/2 gen 0: no machine has this key", "delete web/1 gen 0: not in the fleet file"}},
		{name: "burnt generation", file: []spec.Machine{withDisk}, cloud: func(inv *Inventory) { inv.Machines, inv.Disks = nil, nil },
			opts: Options{NextGeneration: []string{"web/1"}}, want: []string{"create web/1 gen 1: no machine has this key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(withDisk), emptyInventory(), none))
			if tt.cloud != nil {
				tt.cloud(inv)
			}
			plan := mustBuild(t, fleetOf(tt.file...), inv, tt.opts)
			if d := cmp.Diff(tt.want, summary(plan)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if data, err := plan.Encode(); err != nil {
				t.Error(err)
			} else if _, err := Decode(data); err != nil {
				t.Errorf("the plan as a file: %v", err)
			}
			if len(plan.Copies) != tt.copies {
				t.Errorf("copies: %v, want %d", plan.Copies, tt.copies)
			}
			if tt.steps != nil {
				if d := cmp.Diff(tt.steps, steps(plan)); d != "" {
					t.Errorf("steps (-want +got):\n%s", d)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	var machines []spec.Machine
	for n := range 10 {
		machines = append(machines, web(n+1))
	}
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(machines...), emptyInventory(), none))
	other := fleetOf(replica(1))
	fewer := fleetOf(machines[:8]...)
	fewer.Safety.MaxDeletes = spec.Amount{Set: true, Percent: true, Value: 10}
	changed := fleetOf(slices.Clone(machines)...)
	for i := range 3 {
		changed.Machines[i].Source.Ref = byName("ubuntu-22.04")
	}
	changed.Safety.MaxReplacements = spec.Amount{Set: true, Value: 2}
	for _, tt := range []struct {
		name  string
		fleet *spec.Fleet
		opts  Options
		want  []string
	}{
		{"deletes", fewer, none, []string{"max-deletes: 2 machines would be deleted, and safety.maxDeletes is 1 (10% of 10)"}},
		{"deletes allowed", fewer, Options{AllowDeletes: 2}, nil},
		{"too few deletes allowed", fewer, Options{AllowDeletes: 1}, []string{"max-deletes: 2 machines would be deleted, and safety.maxDeletes is 1 (10% of 10)"}},
		{"replacements", changed, none, []string{"max-replacements: 3 machines would be replaced, and safety.maxReplacements is 2"}},
		{"replacements allowed", changed, Options{AllowReplacements: 3}, nil},
		{"another file", other, none, []string{"disjoint: fleet staging-k7c1f0e5 owns 10 machines, and none of them is in this file"}},
		{"another file allowed", other, Options{AllowDisjoint: true}, nil},
		{"only what was asked for is counted", fewer, Options{Targets: []string{"web/1", "web/9"}}, nil},
	} {
		var got []string
		for _, r := range mustBuild(t, tt.fleet, inv, tt.opts).Refusals {
			got = append(got, r.Code+": "+r.Message)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// TestRenamedFleet: whoever changes the name or the id of a fleet would make
// every machine a second time.
func TestRenamedFleet(t *testing.T) {
	inv := emptyInventory()
	inv.Relatives = []Relative{{Scope: Scope{Name: "staging", ID: "old00000"}, Machines: 3}}
	plan := mustBuild(t, fleetOf(web(1)), inv, none)
	if len(plan.Refusals) != 1 || plan.Refusals[0].Code != "renamed" || !strings.Contains(plan.Refusals[0].Hint, "id: old00000") {
		t.Errorf("refusals %v", plan.Refusals)
	}
	if plan := mustBuild(t, fleetOf(web(1)), inv, Options{AllowDisjoint: true}); len(plan.Refusals) > 0 {
		t.Errorf("refused although allowed: %v", plan.Refusals)
	}
	if plan := mustBuild(t, fleetOf(), inv, none); len(plan.Refusals) > 0 {
		t.Errorf("refused although nothing is made: %v", plan.Refusals)
	}
}

// TestUntaggedMachines: a run that was killed between row and tags leaves a
// machine that no tag names. It is the fleet's, whether a file has it or not.
func TestUntaggedMachines(t *testing.T) {
	renamed, fromVolume, released, withDisk := web(2), db(), web(3), web(4)
	renamed.Name, withDisk.Name, withDisk.DataDisks = "frontend", "backend", []spec.DataDisk{{Size: ptr(int64(1 << 30))}}
	fleet := fleetOf(web(1), renamed, fromVolume, released, withDisk)
	inv := applied(t, emptyInventory(), mustBuild(t, fleet, emptyInventory(), none))
	for i := range inv.Machines {
		vm := &inv.Machines[i]
		if vm.UserTags = nil; vm.Name == released.Name {
			vm.UserTags = []Tag{{Text: testScope.TagPrefix() + "released"}}
		}
	}
	frontend := "untagged/" + testScope.MachineUUID("web/2", 0)
	volume := "blocked db/1 gen 0: no tag says what it was made from, so its root disk may be somebody's volume; allow its loss with --allow-volume-loss db/1"
	want := []string{volume, "delete " + frontend + " gen 0: destroy was asked for", "delete web/1 gen 0: destroy was asked for", "delete web/4 gen 0: destroy was asked for [1 disks]"}
	if d := cmp.Diff(want, summary(BuildDestroy(testScope, inv, none))); d != "" {
		t.Errorf("destroy (-want +got):\n%s", d)
	}
	want = []string{"create replica/1 gen 0: no machine has this key", volume,
		"delete " + frontend + " gen 0: not in the fleet file", "delete web/1 gen 0: not in the fleet file", "delete web/4 gen 0: not in the fleet file [1 disks]"}
	if d := cmp.Diff(want, summary(mustBuild(t, fleetOf(replica(1)), inv, none))); d != "" {
		t.Errorf("another file (-want +got):\n%s", d)
	}
}

func TestTargets(t *testing.T) {
	fleet := fleetOf(web(1), web(2), web(12), replica(1))
	for _, tt := range []struct {
		targets, excludes []string
		want              []string
	}{
		{nil, nil, []string{"web/1", "web/2", "web/12", "replica/1"}},
		{[]string{"web"}, nil, []string{"web/1", "web/2", "web/12"}},
		{[]string{"w*"}, nil, []string{"web/1", "web/2", "web/12"}},
		{[]string{"web/1*"}, []string{"web/12"}, []string{"web/1"}},
		{[]string{"*/1"}, nil, []string{"web/1", "replica/1"}},
		{nil, []string{"web"}, []string{"replica/1"}},
	} {
		var got []string
		for _, c := range mustBuild(t, fleet, emptyInventory(), Options{Targets: tt.targets, Excludes: tt.excludes}).Changes {
			got = append(got, c.Key)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("targets %v excludes %v (-want +got):\n%s", tt.targets, tt.excludes, d)
		}
	}
	if plan, found := Build(fleet, emptyInventory(), Options{Targets: []string{"wbe"}}); plan != nil || !strings.Contains(fmt.Sprint(found), `--target "wbe" fits no machine`) {
		t.Errorf("a target that fits nothing: %v, %v", plan, found)
	}
}

// TestKeysAreCounted: what the file does not have is in the order of counting.
func TestKeysAreCounted(t *testing.T) {
	var machines []spec.Machine
	for n := range 11 {
		machines = append(machines, web(n+1))
	}
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(machines...), emptyInventory(), none))
	var got []string
	for _, c := range BuildDestroy(testScope, inv, none).Changes {
		got = append(got, c.Key)
	}
	if text := strings.Join(got, " "); text != "web/1 web/2 web/3 web/4 web/5 web/6 web/7 web/8 web/9 web/10 web/11" {
		t.Errorf("order: %s", text)
	}
}
