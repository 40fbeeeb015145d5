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
	stopped := web(2)
	stopped.Strategy = "CreateStopped"
	anywhere := web(2)
	anywhere.Placement = spec.Placement{Zone: ptr(byName("shanghai-1"))}
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
