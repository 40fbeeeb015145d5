package planner

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// looked returns what a look at a cloud for a fleet finds there.
func looked(cloud *Inventory, fleets ...*spec.Fleet) *InventoryFile {
	file := NewInventoryFile(len(fleets) == 0)
	file.Account, file.Version = cloud.Account, cloud.Version
	file.Add(InventoryFleet{Scope: cloud.Scope}, cloud.Machines, cloud.Disks)
	if file.AllFleets {
		file.Asked, file.Catalog = Everything(), cloud.Catalog
		return file
	}
	wants := Wants{Refs: make(map[Kind][]spec.Ref)}
	for _, fleet := range fleets {
		file.Fleets[0].VMUUIDs = append(file.Fleets[0].VMUUIDs, RequestsFor(fleet).VMUUIDs...)
		for kind, refs := range RequestsFor(fleet).WithImages(cloud.Machines).Refs {
			wants.Refs[kind] = append(wants.Refs[kind], refs...)
		}
	}
	for kind, refs := range wants.Refs {
		entries := asIfAskedFor(kind, cloud.Catalog[kind], refs)
		file.Catalog[kind], file.Asked[kind] = entries, Asked{Whole: !kind.ByName() || len(entries) == len(cloud.Catalog[kind])}
		if !file.Asked[kind].Whole {
			asked := Asked{}
			for _, ref := range refs {
				if ref.UUID != "" {
					asked.UUIDs = append(asked.UUIDs, ref.UUID)
				} else {
					asked.Names = append(asked.Names, ref.Name)
				}
			}
			file.Asked[kind] = asked
		}
	}
	return file
}

// reread writes an inventory file and reads it again.
func reread(t *testing.T, file *InventoryFile) *InventoryFile {
	t.Helper()
	data, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeInventory(data)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := again.Encode(); err != nil || !bytes.Equal(data, second) {
		t.Fatalf("an inventory file is written otherwise when it was read (%v)", err)
	}
	return again
}

// TestPlanOffline: a plan from an inventory file has the bytes of the plan from
// the cloud, whether the file was taken for this fleet, for others too, or of
// everything.
func TestPlanOffline(t *testing.T) {
	for seed := range uint64(25) {
		fleet, cloud := history(t, seed)
		other := randomFleet(rand.New(rand.NewPCG(seed, 3)))
		online := looked(cloud, fleet).Part(cloud.Scope)
		want := encoded(t, mustBuild(t, fleet, online, none))
		for name, file := range map[string]*InventoryFile{
			"of the fleet": looked(cloud, fleet), "of two files": looked(cloud, other, fleet), "of everything": looked(cloud),
		} {
			inv, found := reread(t, file).Of(fleet, "inv.json")
			if found.HasErrors() {
				t.Fatalf("seed %d, inventory %s: %v", seed, name, found)
			}
			if d := cmp.Diff(want, encoded(t, mustBuild(t, fleet, inv, none))); d != "" {
				t.Fatalf("seed %d, inventory %s (-online +offline):\n%s", seed, name, d)
			}
		}
	}
}

func encoded(t *testing.T, plan *Plan) []string {
	t.Helper()
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\n")
}

// TestBeyondInventory: what the inventory was taken without is not taken for
// something that does not exist.
func TestBeyondInventory(t *testing.T) {
	cloud := emptyInventory()
	taken := fleetOf(web(1))
	taken.Machines[0].Source.Ref = byName("centos-7.9")
	for _, tt := range []struct {
		name string
		edit func(*spec.Machine)
		want string // "" for no finding
	}{
		{"the same", func(*spec.Machine) {}, ""},
		{"another of a kind that is read whole", func(m *spec.Machine) { m.Offering = ptr(byName("large")) }, ""},
		{"another image", func(m *spec.Machine) { m.Source.Ref = byName("ubuntu-22.04") }, `inv.json was not taken with image "ubuntu-22.04"`},
		{"the image by UUID", func(m *spec.Machine) { m.Source.Ref = spec.Ref{UUID: uid("1a", 1)} }, `inv.json was not taken with image "` + uid("1a", 1) + `"`},
		{"another kind", func(m *spec.Machine) { m.SSHKeys = []spec.Ref{byName("ops")} }, `inv.json was not taken with SSH key pair "ops"`},
		{"a resourceUuid", func(m *spec.Machine) { m.ResourceUUID = uid("e0", 1) }, "inv.json was taken without looking for VM " + uid("e0", 1)},
		{"a misspelt name of a kind that is read whole", func(m *spec.Machine) { m.Offering = ptr(byName("smal")) }, `no instance offering "smal"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fleet := fleetOf(web(1))
			fleet.Machines[0].Source.Ref = byName("centos-7.9")
			tt.edit(&fleet.Machines[0])
			inv, found := reread(t, looked(cloud, taken)).Of(fleet, "inv.json")
			if !found.HasErrors() {
				_, found = Build(fleet, inv, none)
			}
			var messages []string
			for _, d := range found {
				messages = append(messages, d.Message)
				if d.Pos.IsZero() {
					t.Errorf("%s: no place", d.Message)
				}
				if d.Code == beyondInventory && !strings.Contains(d.Hint, "--out inv.json") {
					t.Errorf("%s: hint %q", d.Message, d.Hint)
				}
			}
			if got := strings.Join(messages, "; "); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	other := fleetOf(web(1))
	other.ID = "zzzz1234"
	if _, found := looked(cloud, taken).Of(other, "inv.json"); len(found) != 1 || found[0].Message != `inv.json was taken for fleet "staging-k7c1f0e5", not for "staging-zzzz1234"` {
		t.Errorf("another fleet: %v", found)
	}
	renamed := fleetOf(web(1))
	renamed.Formerly = []spec.Identity{{Name: "old", ID: "abcd1234"}}
	if _, found := looked(cloud, taken).Of(renamed, "inv.json"); len(found) != 1 || !strings.Contains(found[0].Message, `without the machines of fleet "old-abcd1234"`) {
		t.Errorf("a former name: %v", found)
	}
}

// TestInventoryOfAllFleets: of a fleet without machines an inventory of all knows
// that it has none, and who its relatives are.
func TestInventoryOfAllFleets(t *testing.T) {
	cloud := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1), web(2)), emptyInventory(), none))
	file := reread(t, looked(cloud))
	renamed := fleetOf(web(1))
	renamed.ID = "zzzz1234"
	inv, found := file.Of(renamed, "inv.json")
	if found.HasErrors() {
		t.Fatal(found)
	}
	if d := cmp.Diff([]Relative{{testScope, 2}}, inv.Relatives); d != "" || len(inv.Machines) != 0 {
		t.Errorf("%d machines; relatives (-want +got):\n%s", len(inv.Machines), d)
	}
	plan := mustBuild(t, renamed, inv, none)
	if len(plan.Refusals) != 1 || plan.Refusals[0].Code != "renamed" {
		t.Errorf("refusals %v", plan.Refusals)
	}
}

func TestDecodeInventory(t *testing.T) {
	file := looked(applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none)), fleetOf(web(1)))
	data, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	machine := file.Machines[0].UUID
	for _, tt := range []struct{ name, old, new, want string }{
		{"no JSON", "{", "", "not an inventory file"},
		{"a later format", `"format_version": "1.0"`, `"format_version": "2.0"`, `format version "2.0"`},
		{"a newer minor", `"format_version": "1.0"`, `"format_version": "1.1"`, `format version "1.1"`},
		{"no version", `"format_version": "1.0"`, `"format_version": "1"`, `format version "1"`},
		{"an earlier zfleet's", `"format_version": "1.0",`, ``, "no format_version"},
		{"an unknown field", `"fleets"`, `"more": 1, "fleets"`, "more"},
		{"a field twice", `"fleets"`, `"disks": [], "fleets"`, `"disks" stands twice`},
		{"a field twice for who ignores case", `"fleets"`, `"Disks": [], "fleets"`, `stands twice`},
		{"the wrong type", `"cpuNum": 2`, `"cpuNum": "2"`, "cannot be a string"},
		{"an enormous number", `"cpuNum": 2`, `"cpuNum": 1e99`, "cannot be a number"},
		{"a machine without a UUID", `"uuid": "` + machine + `"`, `"uuid": ""`, "machine 1 of the inventory has no UUID"},
		{"a machine without a state", `"state": "Running"`, `"state": ""`, "has no state"},
		{"no fleet", `"fleets": [`, `"fleets": [], "x": [`, "x"},
		{"what nobody asked for", `"asked": {`, `"asked": {"host": {"whole": true},`, `of the kind "host" both what was asked and what was found`},
		{"an unknown kind", `"catalog": {`, `"catalog": {"moon": [],`, `does not know: "moon"`},
		{"text behind", "\n}\n", "\n}\n{}", "after top-level value"},
	} {
		if !bytes.Contains(data, []byte(tt.old)) {
			t.Fatalf("%s: nothing like %s in the file", tt.name, tt.old)
		}
		_, err := DecodeInventory([]byte(strings.Replace(string(data), tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestSeveralFleets: two fleets in one file do not see each other.
func TestSeveralFleets(t *testing.T) {
	one := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none))
	second := Scope{Name: "second", ID: "abcd1234"}
	empty := emptyInventory()
	empty.Scope = second
	m := web(7)
	m.DataDisks = []spec.DataDisk{{Size: ptr(int64(1 << 30))}}
	fleet := fleetOf(m)
	fleet.Name, fleet.ID = second.Name, second.ID
	two := applied(t, empty, mustBuild(t, fleet, empty, none))
	file := looked(one, fleetOf(web(1)), fleet)
	file.Add(InventoryFleet{Scope: second}, two.Machines, two.Disks)
	file = reread(t, file)
	var got []string
	for _, f := range file.Fleets {
		part := file.Part(f.Scope)
		got = append(got, fmt.Sprintf("%s: %d machines, %d disks", f.Scope, len(part.Machines), len(part.Disks)))
	}
	want := []string{"second-abcd1234: 1 machines, 1 disks", "staging-k7c1f0e5: 1 machines, 0 disks"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	inv, found := file.Of(fleet, "inv.json")
	if found.HasErrors() {
		t.Fatal(found)
	}
	if plan := mustBuild(t, fleet, inv, none); plan.Counts().Keep != 1 {
		t.Errorf("the second fleet: %+v", plan.Counts())
	}
}

// FuzzInventory: no inventory file makes planning panic.
func FuzzInventory(f *testing.F) {
	inv := applied(f, emptyInventory(), mustBuild(f, fleetOf(web(1), db()), emptyInventory(), none))
	inv.Headroom = littleRoom()
	for _, file := range []*InventoryFile{looked(inv, fleetOf(web(1), web(2))), looked(inv)} {
		data, err := file.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"format_version":"1.0","allFleets":true,"fleets":[],"machines":[{"uuid":"a","name":"","state":"x","cpuNum":0,"memorySize":0}],"disks":[],"catalog":{},"asked":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := DecodeInventory(data)
		if err != nil {
			return
		}
		if _, err := file.Encode(); err != nil {
			t.Fatal(err)
		}
		fleet := fleetOf(web(1), web(2))
		if inv, found := file.Of(fleet, "inv.json"); !found.HasErrors() {
			Build(fleet, inv, none)
		}
	})
}
