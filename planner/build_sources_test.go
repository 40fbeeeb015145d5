package planner

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestVolumeSource: the volume goes where the VM goes.
func TestVolumeSource(t *testing.T) {
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(db()), emptyInventory(), none))
	for i := range inv.Catalog[KindVolume] {
		if v := &inv.Catalog[KindVolume][i]; v.Name == "db-root" {
			v.VMUUID = inv.Machines[0].UUID
		}
	}
	if got := summary(mustBuild(t, fleetOf(db()), inv, none)); got[0] != "keep db/1 gen 0: " {
		t.Errorf("the volume of this very machine is a finding: %v", got)
	}
	moved := db()
	moved.Placement.Cluster = ptr(byName("kvm-b"))
	want := []string{"blocked db/1 gen 0: it would be replaced because of placement, and the volume that is its root disk would go with the old VM"}
	if d := cmp.Diff(want, summary(mustBuild(t, fleetOf(moved), inv, none))); d != "" {
		t.Errorf("replace (-want +got):\n%s", d)
	}
	want = []string{"blocked db/1 gen 0: the volume that it was made from is its root disk and would go with it; allow that with --allow-volume-loss db/1"}
	if d := cmp.Diff(want, summary(BuildDestroy(testScope, inv, none))); d != "" {
		t.Errorf("destroy (-want +got):\n%s", d)
	}
	want = []string{"delete db/1 gen 0: destroy was asked for"}
	if d := cmp.Diff(want, summary(BuildDestroy(testScope, inv, Options{AllowVolumeLoss: []string{"db/1"}}))); d != "" {
		t.Errorf("destroy with consent (-want +got):\n%s", d)
	}
}

// TestExplicitUUID: a UUID that the file chose is proof, also when the line is
// gone from the file, and cannot be changed.
func TestExplicitUUID(t *testing.T) {
	m := web(1)
	m.ResourceUUID = uid("ab", 7)
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(m), emptyInventory(), none))
	if got := summary(mustBuild(t, fleetOf(m), inv, none)); got[0] != "keep web/1 gen 0: " {
		t.Errorf("with the line: %v", got)
	}
	if got := summary(mustBuild(t, fleetOf(web(1)), inv, none)); got[0] != "keep web/1 gen 0: " {
		t.Errorf("without the line: %v", got)
	}
	if got := summary(BuildDestroy(testScope, inv, none)); len(got) != 1 || got[0] != "delete web/1 gen 0: destroy was asked for" {
		t.Errorf("destroy: %v", got)
	}
	m.ResourceUUID = uid("ab", 8)
	if got := summary(mustBuild(t, fleetOf(m), inv, none)); len(got) != 1 || !strings.Contains(got[0], "it has the UUID "+uid("ab", 7)) {
		t.Errorf("another UUID: %v", got)
	}
}

// TestStrangeDisks: what nothing proves to be the fleet's is kept, and said.
func TestStrangeDisks(t *testing.T) {
	m := web(1)
	m.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}}
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(m), emptyInventory(), none))
	inv.Disks = nil
	plan := BuildDestroy(testScope, inv, none)
	if c := plan.Changes[0]; len(c.Disks) > 0 || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "has no tag of the fleet and is kept") {
		t.Errorf("disks %v, notes %q", c.Disks, c.Notes)
	}
}
