package planner

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// copied returns an inventory that can be changed without changing the other.
func copied(inv *Inventory) *Inventory {
	other := *inv
	other.Machines, other.Disks = slices.Clone(inv.Machines), slices.Clone(inv.Disks)
	other.Catalog = make(Catalog)
	for kind, entries := range inv.Catalog {
		other.Catalog[kind] = slices.Clone(entries)
	}
	return &other
}

// begun returns the inventory after some of a plan's steps were done: of each
// machine the first ones.
func begun(t testing.TB, inv *Inventory, plan *Plan, random *rand.Rand) *Inventory {
	w := &world{inv: copied(inv), t: t}
	left := make(map[string]int)
	for i := range plan.Changes {
		n := len(filter(plan.Steps, func(s Step) bool { return s.Key == plan.Changes[i].Key }))
		left[plan.Changes[i].Key] = random.IntN(n + 1)
	}
	for _, step := range plan.Steps {
		if left[step.Key]--; left[step.Key] >= 0 {
			w.perform(step)
		}
	}
	return w.inv
}

// resumed performs a plan in a world in which creations that are there already
// are left alone, as the driver does.
func resumed(t testing.TB, inv *Inventory, plan *Plan) *Inventory {
	w := &world{inv: copied(inv), t: t}
	for _, step := range plan.Steps {
		_, creates := step.Op.(CreateVM)
		if creates && slices.ContainsFunc(w.inv.Machines, func(vm Observed) bool { return vm.UUID == step.UUID }) {
			continue
		}
		w.perform(step)
	}
	return w.inv
}

// TestBegunPlan: a plan that was cut off anywhere, or done by somebody else, has
// not moved, and its rest comes to the same end.
func TestBegunPlan(t *testing.T) {
	rests, dones := 0, 0
	for seed := range uint64(70) {
		fleet, inv := history(t, seed)
		plan := mustBuild(t, fleet, inv, none)
		if s := Settle(plan, inv); s.Plan != plan || len(s.Moved)+len(s.Done) > 0 {
			t.Fatalf("seed %d: nothing happened: moved %v, done %v", seed, s.Moved, s.Done)
		}
		want := applied(t, inv, plan)
		random := rand.New(rand.NewPCG(seed, 5))
		cut := begun(t, inv, plan, random)
		settled := Settle(plan, cut)
		if len(settled.Moved) > 0 {
			t.Fatalf("seed %d: moved %+v", seed, settled.Moved)
		}
		if settled.Plan != plan {
			rests++
		}
		for _, p := range []*Plan{plan, settled.Plan} {
			if _, err := Decode([]byte(strings.Join(encoded(t, p), "\n"))); err != nil {
				t.Fatalf("seed %d: a plan contradicts itself: %v", seed, err)
			}
		}
		dones += len(settled.Done)
		got := resumed(t, cut, settled.Plan)
		if d := cmp.Diff(ends(t, fleet, want), ends(t, fleet, got)); d != "" {
			t.Fatalf("seed %d: the rest comes to another end (-undisturbed +cut off):\n%s", seed, d)
		}
		over := Settle(plan, want)
		if len(over.Moved) > 0 || len(over.Plan.Steps) > 0 {
			t.Fatalf("seed %d: done by somebody else: moved %+v, left %v", seed, over.Moved, steps(over.Plan))
		}
	}
	if rests < 25 || dones < 25 {
		t.Errorf("only %d rests and %d machines that were done: the test tests little", rests, dones)
	}
}

// ends says how machines and disks are, and what a plan would still do.
func ends(t testing.TB, fleet *spec.Fleet, inv *Inventory) []string {
	var lines []string
	for _, vm := range inv.Machines {
		vm.HostUUID = ""
		lines = append(lines, strings.Join(uniqueSorted(vmLines(testScope, &vm)), "; "))
	}
	for _, disk := range inv.Disks {
		lines = append(lines, "disk "+disk.UUID+" on "+disk.VMUUID)
	}
	for _, c := range mustBuild(t, fleet, inv, none).Changes {
		lines = append(lines, string(c.Action)+" "+c.Key)
	}
	slices.Sort(lines)
	return lines
}

// TestMoved: what changed otherwise is told with what the plan wants.
// A run that was cut off may have detached some of the tags that its plan
// detaches; the tag that is gone then does not say which it was.
func TestSomeTagsDetached(t *testing.T) {
	gone := MovedFact{Fact: tagFact("prod"), Planned: isSet, Wanted: isSet, Found: absent}
	for _, test := range []struct {
		left []string
		want bool
	}{
		{nil, true}, {[]string{"p2"}, true}, {[]string{"p1", "p2"}, false},
	} {
		vm := &Observed{State: "Running"}
		for _, pattern := range test.left {
			vm.UserTags = append(vm.UserTags, Tag{Text: "a tag", PatternUUID: pattern})
		}
		edit := &Edit{DetachTags: []string{"p1", "p2"}}
		if got := edit.explains(gone, vm, testScope); got != test.want {
			t.Errorf("with %v left: explained %v, want %v", test.left, got, test.want)
		}
	}
}

func TestMoved(t *testing.T) {
	machines := []spec.Machine{web(1), web(2), web(3), db(), replica(1)}
	machines[2].DataDisks = []spec.DataDisk{{Size: ptr(int64(1 << 30))}}
	base := applied(t, emptyInventory(), mustBuild(t, fleetOf(machines[0], machines[1]), emptyInventory(), none))
	doomed := web(9)
	doomed.DataDisks = []spec.DataDisk{{Size: ptr(int64(1 << 30))}}
	base = applied(t, base, mustBuild(t, fleetOf(machines[0], machines[1], doomed), base, none))
	machines[0].Name = "www"
	machines[0].Offering = ptr(byName("large"))
	plan := mustBuild(t, fleetOf(machines...), base, none)
	if d := cmp.Diff(Counts{Create: 3, Update: 1, Keep: 1, Delete: 1}, plan.Counts()); d != "" {
		t.Fatal(d)
	}
	first, ninth := testScope.MachineUUID("web/1", 0), testScope.MachineUUID("web/9", 0)
	vm := func(inv *Inventory, uuid string) *Observed {
		return &inv.Machines[slices.IndexFunc(inv.Machines, func(vm Observed) bool { return vm.UUID == uuid })]
	}
	entry := func(inv *Inventory, kind Kind, name string) *Entry {
		return &inv.Catalog[kind][slices.IndexFunc(inv.Catalog[kind], func(e Entry) bool { return e.Name == name })]
	}
	remove := func(inv *Inventory, kind Kind, name string) {
		inv.Catalog[kind] = slices.DeleteFunc(inv.Catalog[kind], func(e Entry) bool { return e.Name == name })
	}
	image := `image "centos-7.9" (` + uid("1a", 1) + "): "
	for _, tt := range []struct {
		name string
		move func(*Inventory)
		want []string
	}{
		{"nothing", func(*Inventory) {}, nil},
		{"what is not compared", func(inv *Inventory) {
			vm(inv, first).HostUUID, vm(inv, first).ClusterUUID = uid("ab", 9), uid("c1", 2)
			vm(inv, first).UserTags = append(slices.Clone(vm(inv, first).UserTags), Tag{Text: "zfleet::other-abcd1234::key::x"})
			entry(inv, KindHost, "host-1").Status = "Connecting"
			entry(inv, KindPrimaryStorage, "ps-ssd").Status = "Disconnected"
			entry(inv, KindImage, "centos-7.9").Size = 5
			entry(inv, KindSnapshot, "golden-nightly").Size = 5
			entry(inv, KindImage, "ubuntu-22.04").State = "Disabled"
		}, nil},
		{"what is kept", func(inv *Inventory) { vm(inv, testScope.MachineUUID("web/2", 0)).Name = "other" }, nil},
		{"state", func(inv *Inventory) { vm(inv, first).State = "Stopped" }, []string{"web/1: VM " + first + ": state was Running, is Stopped"}},
		{"the same field otherwise", func(inv *Inventory) { vm(inv, first).Name = "by hand" },
			[]string{"web/1: VM " + first + ": name was web-1, the plan wants www, is by hand"}},
		{"another field", func(inv *Inventory) { vm(inv, first).Description = "by hand" },
			[]string{"web/1: VM " + first + ": description was absent, is by hand"}},
		{"a tag", func(inv *Inventory) {
			vm(inv, first).UserTags = append(slices.Clone(vm(inv, first).UserTags), Tag{Text: testScope.TagPrefix() + "protect"})
		}, []string{"web/1: VM " + first + ": tag zfleet::staging-k7c1f0e5::protect was absent, is set"}},
		{"gone", func(inv *Inventory) {
			inv.Machines = slices.DeleteFunc(inv.Machines, func(vm Observed) bool { return vm.UUID == first })
		}, []string{"web/1: VM " + first + ": state was Running, is absent"}},
		{"in the recycle bin", func(inv *Inventory) {
			vm(inv, first).State, vm(inv, first).CPU, vm(inv, first).NICs = "Destroyed", 0, nil
		}, []string{"web/1: VM " + first + ": state was Running, is Destroyed"}},
		{"made again", func(inv *Inventory) { vm(inv, first).CreateDate = "Feb 2, 2026 1:00:00 AM" },
			[]string{"web/1: VM " + first + ": created was Jan 1, 2026 1:00:00 AM, is Feb 2, 2026 1:00:00 AM"}},
		{"another made it", func(inv *Inventory) {
			other := *vm(inv, first)
			other.UUID, other.UserTags = testScope.MachineUUID("web/3", 0), nil
			inv.Machines = append(inv.Machines, other)
		}, []string{"web/3: VM " + testScope.MachineUUID("web/3", 0) + `: state was absent, the plan wants Running, is Running, but its name is "web-1"`}},
		{"another generation", func(inv *Inventory) {
			other := *vm(inv, first)
			other.UUID, other.UserTags = testScope.MachineUUID("web/3", 4), []Tag{{Text: testScope.KeyTag("web/3")}, {Text: testScope.RunTag("night", "ci-7")}}
			inv.Machines = append(inv.Machines, other)
		}, []string{"web/3: VM " + testScope.MachineUUID("web/3", 4) + ": state was absent, is Running, made by run night on ci-7"}},
		{"a disk of a doomed machine somewhere else", func(inv *Inventory) { inv.Disks[0].VMUUID = uid("ff", 1) },
			[]string{"web/9: data disk " + base.Disks[0].UUID + `: place was "DATA-for-web-9" on VM ` + ninth + `, the plan wants absent, is "DATA-for-web-9" on VM ` + uid("ff", 1)}},
		{"another disk", func(inv *Inventory) {
			inv.Disks = append(inv.Disks, Disk{UUID: uid("dd", 1), Name: "x", Tags: []Tag{{Text: testScope.DiskTag("web/9", 0)}}})
		}, []string{"web/9: data disk " + uid("dd", 1) + `: place was absent, is "x" on VM `}},
		{"an image that is disabled", func(inv *Inventory) { entry(inv, KindImage, "centos-7.9").State = "Disabled" },
			[]string{"web/3: " + image + "state was Enabled, is Disabled"}},
		{"an image that is deleted", func(inv *Inventory) { remove(inv, KindImage, "centos-7.9") },
			[]string{"web/3: " + image + "it was there, is absent"}},
		{"an image that gave its name to another", func(inv *Inventory) { entry(inv, KindImage, "centos-7.9").Name = "centos-7.9-old" },
			[]string{"web/3: " + image + "name was centos-7.9, is centos-7.9-old"}},
		{"an offering", func(inv *Inventory) { entry(inv, KindInstanceOffering, "large").CPU = 16 },
			[]string{`web/1: instance offering "large" (` + uid("0f", 2) + "): cpu was 8, is 16"}},
		{"a network", func(inv *Inventory) { inv.Catalog[KindNetwork][0].ClusterUUIDs = nil },
			[]string{"web/3: " + `network "app-net" (` + uid("3e", 1) + "): clusters was " + uid("c1", 1) + ", " + uid("c1", 2) + ", is absent",
				"db/1: " + `network "app-net" (` + uid("3e", 1) + "): clusters was " + uid("c1", 1) + ", " + uid("c1", 2) + ", is absent",
				"replica/1: " + `network "app-net" (` + uid("3e", 1) + "): clusters was " + uid("c1", 1) + ", " + uid("c1", 2) + ", is absent"}},
		{"a volume that somebody attached", func(inv *Inventory) { entry(inv, KindVolume, "db-root").VMUUID = uid("ff", 1) },
			[]string{`db/1: volume "db-root" (` + uid("70", 1) + "): VM was absent, is " + uid("ff", 1)}},
		{"a volume that was resized", func(inv *Inventory) { entry(inv, KindVolume, "db-root").Size = 1 << 30 },
			[]string{`db/1: volume "db-root" (` + uid("70", 1) + "): size was absent, is 1 GiB"}},
		{"a snapshot", func(inv *Inventory) { remove(inv, KindSnapshot, "golden-nightly") },
			[]string{`replica/1: volume snapshot "golden-nightly" (` + uid("5a", 1) + "): it was there, is absent"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := copied(base)
			tt.move(inv)
			settled := Settle(plan, inv)
			var got []string
			for _, m := range settled.Moved {
				got = append(got, m.Key+": "+m.What)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			rest := settled.WithoutMoved()
			if want := plan.Counts().Blocked + len(tt.want); rest.Counts().Blocked != want {
				t.Errorf("%d blocked, want %d", rest.Counts().Blocked, want)
			}
			for _, m := range settled.Moved {
				if slices.ContainsFunc(rest.Steps, func(s Step) bool { return s.Key == m.Key }) {
					t.Errorf("%s has moved and has steps", m.Key)
				}
			}
		})
	}
}

// TestExpungedMeanwhile: the server empties its recycle bin by itself.
func TestExpungedMeanwhile(t *testing.T) {
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none))
	inv.Machines[0].State = "Destroyed"
	plan := mustBuild(t, fleetOf(web(1)), inv, none)
	now := copied(inv)
	now.Machines = nil
	if s := Settle(plan, now); len(s.Moved) > 0 || s.Plan != plan {
		t.Errorf("moved %v", s.Moved)
	}
	recovered := copied(inv)
	recovered.Machines[0].State = "Stopped"
	if s := Settle(plan, recovered); len(s.Moved) != 1 {
		t.Errorf("a VM that was recovered: moved %v", s.Moved)
	}
}

// TestFormerMoved: a machine that is taken over is looked at as it was planned.
func TestFormerMoved(t *testing.T) {
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none))
	renamed := fleetOf(web(1))
	renamed.ID, renamed.Formerly = "zzzz1234", []spec.Identity{{Name: testScope.Name, ID: testScope.ID}}
	inv.Scope, inv.Formerly = Scope{Name: renamed.Name, ID: renamed.ID}, []Scope{testScope}
	plan := mustBuild(t, renamed, inv, none)
	if len(plan.Changes[0].Fingerprint) == 0 {
		t.Error("no fingerprint")
	}
	now := copied(inv)
	now.Formerly = nil
	if s := Settle(plan, now); len(s.Moved) > 0 || s.Plan != plan {
		t.Errorf("moved %v", s.Moved)
	}
	now.Machines[0].Name = "by hand"
	if s := Settle(plan, now); len(s.Moved) != 1 {
		t.Errorf("moved %v", s.Moved)
	}
}

// TestTouches: what is kept is not read again.
func TestTouches(t *testing.T) {
	base := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1), web(2)), emptyInventory(), none))
	changed := web(2)
	changed.Name = "www"
	fresh := web(3)
	fresh.Source.Ref = byName("ubuntu-22.04")
	got := mustBuild(t, fleetOf(web(1), changed, fresh), base, none).Touches()
	want := Touched{
		Scope:   testScope,
		VMUUIDs: uniqueSorted([]string{testScope.MachineUUID("web/2", 0), testScope.MachineUUID("web/3", 0)}),
		KeyTags: []string{testScope.KeyTag("web/2"), testScope.KeyTag("web/3")},
		Refs: map[Kind][]string{KindImage: {uid("1a", 2)}, KindInstanceOffering: {uid("0f", 1)}, KindNetwork: {uid("3e", 1)},
			KindZone: {uid("20e", 1)}, KindCluster: {uid("c1", 1)}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
