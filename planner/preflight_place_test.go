package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

func TestRoom(t *testing.T) {
	room := func(cpu int64, memory int64) []Room {
		return []Room{{ZoneUUID: uid("20e", 1), ClusterUUID: uid("c1", 1), CPU: cpu, Memory: memory << 30},
			{ZoneUUID: uid("20e", 2), ClusterUUID: uid("c1", 3), CPU: 1000, Memory: 1000 << 30}}
	}
	hosts := func(first, second int64) []Room {
		at := Room{ZoneUUID: uid("20e", 1), ClusterUUID: uid("c1", 1), Memory: 99 << 30}
		one, two := at, at
		one.UUID, one.CPU, two.UUID, two.CPU = uid("ab", 1), first, uid("ab", 2), second
		return []Room{one, two}
	}
	stopped := web(2)
	stopped.Strategy = "CreateStopped"
	anywhere := web(2)
	anywhere.Placement = spec.Placement{Zone: ptr(byName("shanghai-1"))}
	onHost := func(n int) spec.Machine {
		m := web(n)
		m.Placement = spec.Placement{Host: ptr(byName("host-1"))}
		return m
	}
	cluster, zone := `cluster "kvm-a"`, `zone "shanghai-1"`
	few := func(what, place, need, left, short string) string {
		return what + " of " + place + ": " + need + " needed, " + left + " available; " + short + " would not fit"
	}
	for _, tt := range []struct {
		name     string
		machines []spec.Machine
		room     []Room
		want     []string
	}{
		{"fits exactly", []spec.Machine{web(1), web(2)}, room(4, 8), nil},
		{"not known", []spec.Machine{web(1), web(2)}, nil, nil},
		{"too few CPUs", []spec.Machine{web(1), web(2)}, room(3, 8), []string{few("CPUs", cluster, "4", "3", "web/2")}},
		{"too little memory", []spec.Machine{web(1), web(2)}, room(4, 7), []string{few("memory", cluster, "8 GiB", "7 GiB", "web/2")}},
		{"stopped ones take nothing", []spec.Machine{web(1), stopped}, room(2, 4), nil},
		{"a zone is short where its clusters are not", []spec.Machine{web(1), anywhere}, room(2, 4), []string{
			few("CPUs", zone, "4", "2", "web/2"), few("memory", zone, "8 GiB", "4 GiB", "web/2")}},
		{"a host is short where its cluster is not", []spec.Machine{onHost(1), onHost(2)}, hosts(2, 100), []string{few("CPUs", `host "host-1"`, "4", "2", "web/2")}},
		{"the cluster of a host", []spec.Machine{onHost(1), web(2)}, hosts(2, 1), []string{few("CPUs", cluster, "4", "3", "web/2")}},
		{"what is anywhere is on no host", []spec.Machine{onHost(1), web(2)}, hosts(2, 2), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := emptyInventory()
			inv.Headroom = &Headroom{Hosts: tt.room}
			var got []string
			for _, d := range mustBuild(t, fleetOf(tt.machines...), inv, none).Notes {
				if d.Code == "no-room" {
					got = append(got, d.Message)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}

	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none))
	inv.Headroom = &Headroom{Hosts: room(0, 0)}
	other := web(1)
	other.Source.Ref = byName("ubuntu-22.04")
	if notes := mustBuild(t, fleetOf(other), inv, none).Notes; len(notes) > 0 {
		t.Errorf("a replacement has the room of the old machine, but: %v", notes)
	}
}

// TestPlaceOfHosts: the cluster of hosts that a file names has no name there.
func TestPlaceOfHosts(t *testing.T) {
	one, two := web(1), web(2)
	one.Placement = spec.Placement{Host: ptr(byName("host-1"))}
	two.Placement = spec.Placement{Host: ptr(byName("host-2"))}
	inv := emptyInventory()
	delete(inv.Catalog, KindCluster)
	inv.Catalog[KindHost][1].State = "Enabled"
	inv.Headroom = &Headroom{Hosts: []Room{
		{UUID: uid("ab", 1), ZoneUUID: uid("20e", 1), ClusterUUID: uid("c1", 1), CPU: 2, Memory: 99 << 30},
		{UUID: uid("ab", 2), ZoneUUID: uid("20e", 1), ClusterUUID: uid("c1", 1), CPU: 1, Memory: 99 << 30}}}
	var got []string
	for _, d := range mustBuild(t, fleetOf(one, two), inv, none).Notes {
		if d.Code == "no-room" {
			got = append(got, d.Message)
		}
	}
	want := []string{`CPUs of host "host-2": 2 needed, 1 available; web/2 would not fit`, `CPUs of the cluster of host "host-1": 4 needed, 3 available; web/2 would not fit`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
