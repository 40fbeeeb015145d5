package cloud

import (
	"fmt"
	"testing"

	"zfleet/planner"
	"zfleet/spec"
)

// TestDiskObjectsNeedTheirVersion: what goes out as diskAOs is what a server
// before 4.7.0 is said to lack, and nothing else is.
func TestDiskObjectsNeedTheirVersion(t *testing.T) {
	ref := func(name string) *spec.Ref { return &spec.Ref{Name: name} }
	disks := []spec.DataDisk{
		{Offering: ref("a")}, {Size: new(int64(1 << 30))}, {Template: ref("t")}, {Volume: ref("v")},
		{Offering: ref("a"), Name: "n"}, {Size: new(int64(1 << 30)), PrimaryStorage: ref("p")}, {Offering: ref("b"), PrimaryStorage: ref("p")},
		{Offering: ref("a"), SystemTags: []string{"x::y"}},
	}
	server, _ := spec.ParseVersion("4.6.0")
	for i := range disks {
		for j := range disks {
			for k := range disks {
				m := spec.Machine{Key: "web/1", Source: spec.Source{Kind: spec.FromImage}, DataDisks: []spec.DataDisk{disks[i], disks[j], disks[k]},
					Places: map[string]spec.Pos{"dataDisks": {Line: 1}, "dataDisks[0]": {Line: 1}}}
				b := planner.Blueprint{Source: spec.FromImage}
				for n, d := range m.DataDisks {
					b.DataDisks = append(b.DataDisks, planOfDisk(d))
					for field, set := range map[string]bool{"template": d.Template != nil, "volume": d.Volume != nil, "name": d.Name != ""} {
						if set {
							m.Places[fmt.Sprintf("dataDisks[%d].%s", n, field)] = spec.Pos{Line: n + 2}
						}
					}
				}
				request, err := newCreateRequest(testUUID, &b, nil, system{})
				if err != nil {
					t.Fatal(err)
				}
				objects := len(request.body.Params.Disks) > 0
				if found := spec.CheckVersion([]spec.Machine{m}, server); found.HasErrors() != objects {
					t.Errorf("disks %d, %d, %d: sent as diskAOs: %t, found: %v", i, j, k, objects, found)
				}
			}
		}
	}
}

func planOfDisk(d spec.DataDisk) planner.DiskPlan {
	name := func(ref *spec.Ref) string {
		if ref == nil {
			return ""
		}
		return ref.Name
	}
	plan := planner.DiskPlan{OfferingUUID: name(d.Offering), TemplateUUID: name(d.Template), VolumeUUID: name(d.Volume),
		PrimaryStorageUUID: name(d.PrimaryStorage), Name: d.Name, SystemTags: d.SystemTags}
	if d.Size != nil {
		plan.Size = *d.Size
	}
	return plan
}
