package cloud

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/planner"
)

// manyMachines is a fleet of a thousand machines with a disk each, in a cloud of
// a thousand images.
func manyMachines(f *fake) {
	for i := range 1000 {
		key := fmt.Sprintf("web/%d", i+1)
		uuid, disk := testScope.MachineUUID(key, 0), fmt.Sprintf("%032x", 0xd0000+i)
		f.rows["/vm-instances"] = append(f.rows["/vm-instances"], row{
			"uuid": uuid, "name": key, "state": "Running", "allVolumes": []row{{"uuid": disk, "type": "Data", "vmInstanceUuid": uuid}},
		})
		f.rows["/user-tags"] = append(f.rows["/user-tags"], tagRow(10*i, typeVM, uuid, testScope.KeyTag(key)),
			tagRow(10*i+1, typeVolume, disk, testScope.DiskTag(key, 0)))
		f.rows["/images"] = append(f.rows["/images"], row{"uuid": fmt.Sprintf("%032x", 0x1a0000+i), "name": fmt.Sprint("image-", i), "status": "Ready"})
	}
}

// TestReread: what is read again depends on what a plan touches, not on the
// fleet, nor on the cloud.
func TestReread(t *testing.T) {
	for _, tt := range []struct {
		machines, queries int
	}{{0, 1}, {1, 8}, {100, 8}, {101, 12}, {300, 20}} {
		f := newFake(t, succeedAll)
		manyMachines(f)
		touched := planner.Touched{Scope: testScope, Refs: map[planner.Kind][]string{planner.KindImage: {fmt.Sprintf("%032x", 0x1a0000)}}}
		for i := range tt.machines {
			key := fmt.Sprintf("web/%d", i+1)
			touched.VMUUIDs = append(touched.VMUUIDs, testScope.MachineUUID(key, 0))
			touched.KeyTags = append(touched.KeyTags, testScope.KeyTag(key))
			touched.DiskUUIDs = append(touched.DiskUUIDs, fmt.Sprintf("%032x", 0xd0000+i))
		}
		got, err := Reread(t.Context(), f.client(), touched, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Machines) != tt.machines || len(got.Disks) != tt.machines || len(got.Catalog[planner.KindImage]) != 1 {
			t.Errorf("%d machines: read %d machines, %d disks and %d images", tt.machines, len(got.Machines), len(got.Disks), len(got.Catalog[planner.KindImage]))
		}
		if len(f.queries) > tt.queries {
			t.Errorf("%d machines: %d queries, want at most %d:\n%s", tt.machines, len(f.queries), tt.queries, strings.Join(f.queries, "\n"))
		}
		for _, query := range f.queries {
			if len(query) > 8000 || !strings.Contains(query, "%3F%3D") && !strings.Contains(query, "?=") {
				t.Errorf("a query that is long, or not for what the plan touches: %.200s", query)
			}
		}
	}
}

// TestRereadFindsOthers: a VM that took the key is found by its tag.
func TestRereadFindsOthers(t *testing.T) {
	f := newFake(t, succeedAll)
	clone := strings.Repeat("9", 12) + "41118111111111111111"
	f.add("/vm-instances", row{"uuid": clone, "name": "clone", "state": "Running"})
	f.add("/user-tags", tagRow(1, typeVM, clone, testScope.KeyTag("web/1")))
	got, err := Reread(t.Context(), f.client(), planner.Touched{Scope: testScope, KeyTags: []string{testScope.KeyTag("web/1"), testScope.KeyTag("web/2")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Machines) != 1 || got.Machines[0].UUID != clone || len(got.Machines[0].UserTags) != 1 {
		t.Errorf("machines %+v", got.Machines)
	}
}

// TestRereadSeesTheSame: a fresh plan has not moved, whatever it refers to.
func TestRereadSeesTheSame(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	var wants planner.Touched
	wants.Scope, wants.Refs = testScope, make(map[planner.Kind][]string)
	whole, err := Survey(t.Context(), s.client, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, entries := range whole.Catalog {
		for _, entry := range entries {
			wants.Refs[kind] = append(wants.Refs[kind], entry.UUID)
		}
	}
	again, err := Reread(t.Context(), s.client, wants, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind := range again.Catalog {
		slices.SortFunc(again.Catalog[kind], func(a, b planner.Entry) int { return strings.Compare(a.UUID, b.UUID) })
	}
	if d := cmp.Diff(whole.Catalog, again.Catalog); d != "" || len(whole.Catalog) != 12 {
		t.Errorf("%d kinds; by listing (-) and by UUID (+):\n%s", len(whole.Catalog), d)
	}
}

func TestChunks(t *testing.T) {
	values := func(n, size int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%0*d", size, i))
		}
		return list
	}
	var got []int
	for _, list := range [][]string{nil, values(1, 32), values(100, 32), values(101, 32), values(60, 150), values(2, 5000)} {
		got = append(got, len(chunks(list)))
	}
	if d := cmp.Diff([]int{0, 1, 1, 2, 3, 2}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
