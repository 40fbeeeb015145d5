package cloud

import (
	"testing"

	"zfleet/planner"
	"zfleet/spec"
)

// TestRoom: an inventory knows what hosts have left, and a plan warns by it.
func TestRoom(t *testing.T) {
	s := newSite(t, "")
	fleet := &spec.Fleet{Name: testScope.Name, ID: testScope.ID, Machines: []spec.Machine{{
		Key: "web", Group: "web", Name: "web", CPU: new(2), Memory: new(int64(40 << 40)),
		Source:    spec.Source{Kind: spec.FromImage, Ref: spec.Ref{Name: "centos-7.9"}},
		Networks:  []spec.Network{{Network: spec.Ref{Name: "app-net"}, Default: true}},
		Placement: spec.Placement{Cluster: &spec.Ref{Name: "kvm-a"}},
	}}}
	inventory := s.inventory(planner.RequestsFor(fleet))
	decision, _ := planner.Decide(fleet, inventory, planner.Options{AllowDeletes: -1, AllowReplacements: -1})
	room, err := Headroom(t.Context(), s.client, inventory.Account, decision.Wants(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(room.Hosts) != 60 {
		t.Errorf("room on %d hosts, want 60", len(room.Hosts))
	}
	_, found := decision.Plan(room)
	if len(found) != 1 || found[0].Code != "no-room" {
		t.Errorf("a machine with 40 TiB of memory: found %v, want no-room", found)
	}
}
