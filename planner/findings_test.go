package planner

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestFindings: one mistake each in a machine, and all that is said of it.
func TestFindings(t *testing.T) {
	at := func(field string, line int) func(*spec.Machine) {
		return func(m *spec.Machine) { m.Places[field] = spec.Pos{File: "fleet.yaml", Line: line, Column: 5} }
	}
	for _, tt := range []struct {
		name   string
		change func(*spec.Machine)
		want   []string
	}{
		{"unknown image", func(m *spec.Machine) { m.Source.Ref = byName("centos-7.8") },
			[]string{`fleet.yaml:11:21: no image "centos-7.8" [unknown-reference] did you mean "centos-7.9"?`}},
		{"unknown UUID", func(m *spec.Machine) { m.Source.Ref = spec.Ref{UUID: uid("1a", 99)} },
			[]string{`fleet.yaml:11:21: no image "` + uid("1a", 99) + `" [unknown-reference] there are: centos-7.9, centos-iso, coming, data-template, duplicate, old-image, ubuntu-22.04`}},
		{"name of another zone", func(m *spec.Machine) {
			m.Networks[0].Network = spec.Ref{Name: "db-net", Zone: "shanghai-2"}
			at("networks[0]", 20)(m)
		}, []string{`fleet.yaml:20:5: no network "db-net (zone shanghai-2)" [unknown-reference] it exists, but not there: db-net (` + uid("3e", 2) + `, zone shanghai-1, Enabled)`}},
		{"ambiguous image", func(m *spec.Machine) { m.Source.Ref = byName("duplicate") },
			[]string{`fleet.yaml:11:21: 2 images are named "duplicate" [ambiguous-reference] write the UUID instead of the name; candidates: duplicate (` + uid("1a", 5) +
				`, Enabled, created Jan 1, 2026 1:00:00 AM); duplicate (` + uid("1a", 6) + `, Enabled, created Jan 2, 2026 1:00:00 AM)`}},
		{"network that the placement does not decide", func(m *spec.Machine) { m.Placement = spec.Placement{} },
			[]string{`fleet.yaml:10:3: 2 networks are named "app-net" [ambiguous-reference] say which: {name: app-net, zone: …}, or write the UUID; candidates: app-net (` + uid("3e", 1) +
				`, zone shanghai-1, Enabled); app-net (` + uid("3e", 3) + `, zone shanghai-2, Enabled)`}},
		{"disabled image", func(m *spec.Machine) { m.Source.Ref = byName("old-image") },
			[]string{`fleet.yaml:11:21: image "old-image" is Disabled [not-enabled] enable it, or choose another`}},
		{"image not ready", func(m *spec.Machine) { m.Source.Ref = byName("coming") },
			[]string{`fleet.yaml:11:21: image "coming" is Downloading [not-ready] wait until it is ready, or choose another`}},
		{"data template as source", func(m *spec.Machine) { m.Source.Ref = byName("data-template") },
			[]string{`fleet.yaml:11:21: image "data-template" is a DataVolumeTemplate [wrong-kind] choose a root volume template or an ISO`}},
		{"ISO without size", func(m *spec.Machine) { m.Source.Ref = byName("centos-iso") },
			[]string{`fleet.yaml:11:21: image "centos-iso" is an ISO, which has no size for the root disk [iso-without-root-disk] add rootDisk: {size: 40GiB}, or a rootDisk.offering`}},
		{"ISO with size", func(m *spec.Machine) {
			m.Source.Ref, m.RootDisk = byName("centos-iso"), &spec.RootDisk{Size: ptr(int64(1 << 30))}
		}, nil},
		{"cluster of another zone", func(m *spec.Machine) { m.Placement.Zone = ptr(byName("shanghai-2")) }, []string{
			`fleet.yaml:10:3: cluster "kvm-a" is in zone "shanghai-1", not in "shanghai-2" [placement-conflict] the server would look at the cluster only: remove the zone, or name its own`}},
		{"disabled cluster", func(m *spec.Machine) { m.Placement.Cluster, m.Networks = ptr(byName("kvm-off")), nil },
			[]string{`fleet.yaml:10:3: cluster "kvm-off" is Disabled [not-enabled] enable it, or place the machine elsewhere`}},
		{"host in maintenance", func(m *spec.Machine) { m.Placement.Host = ptr(byName("host-2")) },
			[]string{`fleet.yaml:10:3: host "host-2" is in Maintenance [not-enabled] wait for the end of the maintenance, or place the machine elsewhere`}},
		{"host without connection", func(m *spec.Machine) { m.Placement.Host = ptr(byName("host-3")) },
			[]string{`fleet.yaml:10:3: host "host-3" is Disconnected [not-ready] reconnect it, or place the machine elsewhere`}},
		{"host of another cluster", func(m *spec.Machine) {
			m.Placement.Cluster, m.Placement.Host = ptr(byName("kvm-b")), ptr(byName("host-1"))
		}, []string{`fleet.yaml:10:3: host "host-1" is not in cluster "kvm-b" [placement-conflict] the server would look at the host only: remove the cluster, or name its own`}},
		{"offering for routers", func(m *spec.Machine) { m.Offering = ptr(byName("router")) },
			[]string{`fleet.yaml:10:3: instance offering "router" is of type VirtualRouter [wrong-kind] choose an offering of type UserVm`}},
		{"system network", func(m *spec.Machine) { m.Networks[0].Network = byName("mgmt-net") },
			[]string{`fleet.yaml:10:3: network "mgmt-net" is a system network [wrong-kind] choose a network for user VMs`}},
		{"storage out of reach", func(m *spec.Machine) { m.RootDisk = &spec.RootDisk{PrimaryStorage: ptr(byName("ps-far"))} },
			[]string{`fleet.yaml:10:3: primary storage "ps-far" cannot be used in cluster kvm-a, where group web is placed [out-of-reach] use a primary storage of that place, or change the placement`}},
		{"disabled disk offering", func(m *spec.Machine) { m.DataDisks = []spec.DataDisk{{Offering: ptr(byName("off"))}} },
			[]string{`fleet.yaml:10:3: disk offering "off" is Disabled [not-enabled] enable it, or choose another`}},
		{"root template as data disk", func(m *spec.Machine) { m.DataDisks = []spec.DataDisk{{Template: ptr(byName("centos-7.9"))}} },
			[]string{`fleet.yaml:10:3: image "centos-7.9" is a RootVolumeTemplate [wrong-kind] choose a data volume template`}},
		{"volume of another VM", func(m *spec.Machine) { m.Source = spec.Source{Kind: spec.FromVolume, Ref: byName("busy")} },
			[]string{`fleet.yaml:10:3: volume "busy" is attached to VM ` + uid("ff", 9) + ` [volume-attached] detach it first, or use another volume`}},
		{"volume without content", func(m *spec.Machine) { m.Source = spec.Source{Kind: spec.FromVolume, Ref: byName("raw")} },
			[]string{`fleet.yaml:10:3: volume "raw" is NotInstantiated [not-ready] wait until it is ready, or choose another`}},
		{"shareable volume", func(m *spec.Machine) { m.Source = spec.Source{Kind: spec.FromVolume, Ref: byName("shared")} },
			[]string{`fleet.yaml:10:3: volume "shared" is shareable and cannot become a root disk [wrong-kind] choose a volume that is not shareable`}},
		{"several at once", func(m *spec.Machine) {
			m.Source.Ref, m.Offering, m.Tags = byName("centos"), ptr(byName("smal")), []spec.Ref{byName("prd")}
		}, []string{
			`fleet.yaml:10:3: no instance offering "smal" [unknown-reference] did you mean "small"?`,
			`fleet.yaml:10:3: no tag "prd" [unknown-reference] did you mean "prod"?`,
			`fleet.yaml:11:21: no image "centos" [unknown-reference] there are: centos-7.9, centos-iso, coming, data-template, duplicate, old-image, ubuntu-22.04`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := web(1)
			tt.change(&m)
			plan, found := Build(fleetOf(m), emptyInventory(), none)
			if found.HasErrors() == (plan != nil) {
				t.Errorf("a plan (%t) together with findings %v", plan != nil, found)
			}
			var got []string
			for _, d := range found {
				text := d.String()
				if d.Hint != "" {
					text += " " + d.Hint
				}
				got = append(got, text)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestVolumesUsedTwice looks over all machines, and also at data disks.
func TestVolumesUsedTwice(t *testing.T) {
	first, second := db(), web(1)
	second.DataDisks = []spec.DataDisk{{Volume: &spec.Ref{UUID: uid("70", 1)}}}
	_, found := Build(fleetOf(first, second), emptyInventory(), none)
	want := `volume "db-root" is used by web/1 and by db/1 (fleet.yaml:10:3)`
	if len(found) != 1 || found[0].Message != want {
		t.Errorf("found %v, want %s", found, want)
	}
}

// TestLimitsThatCannotCount: a keyed limit is silent where the server chooses.
func TestLimitsThatCannotCount(t *testing.T) {
	fleet := fleetOf(web(1), web(2))
	fleet.Limits = spec.Limits{PerCluster: 2, PerHost: 2, PerSource: 4}
	fleet.Places["limits.perHost"] = spec.Pos{File: "fleet.yaml", Line: 5, Column: 3}
	plan := mustBuild(t, fleet, emptyInventory(), none)
	if got := fmt.Sprint(plan.Notes); got != "[fleet.yaml:5:3: warning: limits.perHost cannot count 2 of 2 creations, because the server chooses where they go [limit-not-counted]]" {
		t.Errorf("notes: %s", got)
	}
	want := []Use{{UseCluster, uid("c1", 1)}, {UseSource, uid("1a", 1)}}
	if d := cmp.Diff(want, plan.Steps[0].Uses); d != "" {
		t.Errorf("uses (-want +got):\n%s", d)
	}
}

// TestAddressOrder: whoever names an address comes before those that take any.
func TestAddressOrder(t *testing.T) {
	any, fixed, both := web(1), web(2), web(3)
	fixed.Networks[0].IP = "10.0.0.2"
	both.Networks = []spec.Network{{Network: byName("app-net"), Default: true}, {Network: byName("db-net"), IP: "10.1.0.2"}}
	plan := mustBuild(t, fleetOf(any, fixed, both), emptyInventory(), none)
	app, db := uid("3e", 1), uid("3e", 2)
	for i, want := range []Step{{Yields: []string{app}}, {Claims: []string{app}}, {Claims: []string{db}}} {
		got := Step{Claims: plan.Steps[i].Claims, Yields: plan.Steps[i].Yields}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", plan.Steps[i].ID, d)
		}
	}
}

func TestRequestsFor(t *testing.T) {
	m, volume := web(1), db()
	m.ResourceUUID = uid("ab", 7)
	m.Networks[0].Network.Zone = "shanghai-1"
	m.DataDisks = []spec.DataDisk{{Template: ptr(byName("data-template"))}}
	got := RequestsFor(fleetOf(m, web(2), volume))
	want := Wants{VMUUIDs: []string{uid("ab", 7)}, Refs: map[Kind][]spec.Ref{
		KindZone: {byName("shanghai-1")}, KindCluster: {byName("kvm-a")}, KindImage: {byName("centos-7.9"), byName("data-template")},
		KindInstanceOffering: {byName("small")}, KindNetwork: {byName("app-net")}, KindVolume: {byName("db-root")},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
