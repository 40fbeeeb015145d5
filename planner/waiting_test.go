package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestWaiting: a plan says for which machines it is worth to wait: those that
// only the server's work keeps it from deciding about.
func TestWaiting(t *testing.T) {
	before := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none))
	renamed := func() spec.Machine { m := web(1); m.Name = "other"; return m }()
	justPut := func() spec.Machine { m := web(1); m.Strategy = "JustCreate"; return m }()
	released := Tag{Text: testScope.TagPrefix() + "released"}
	for _, tt := range []struct {
		name  string
		file  spec.Machine
		state string
		tags  []Tag
		want  bool
	}{
		{"settled", web(1), "Running", nil, false},
		{"starting", web(1), "Starting", nil, true},
		{"starting, and differs", renamed, "Starting", nil, true},
		{"stopping, and differs", renamed, "Stopping", nil, true},
		{"stopping, as the file says", web(1), "Stopping", nil, false},
		{"destroying", web(1), "Destroying", nil, true},
		{"on record only", web(1), "Created", nil, true},
		{"on record only, as the file says", justPut, "Created", nil, false},
		{"out of sight", renamed, "Unknown", nil, false},
		{"released", renamed, "Starting", []Tag{released}, false},
		{"to be deleted, stopping", web(2), "Stopping", nil, true},
		{"to be deleted, running", web(2), "Running", nil, false},
	} {
		inv := *before
		vm := before.Machines[0]
		vm.State, vm.UserTags = tt.state, append(vm.UserTags[:len(vm.UserTags):len(vm.UserTags)], tt.tags...)
		inv.Machines = []Observed{vm}
		plan := mustBuild(t, fleetOf(tt.file), &inv, Options{AllowDeletes: 9, AllowReplacements: 9, AllowDisjoint: true})
		var want []Waiting
		if tt.want {
			want = []Waiting{{Key: "web/1", UUID: vm.UUID, State: tt.state}}
		}
		if d := cmp.Diff(want, plan.Waiting()); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
		text, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if read, err := Decode(text); err != nil || len(read.Waiting()) > 0 {
			t.Errorf("%s: a plan that was read waits for %v, %v", tt.name, read.Waiting(), err)
		}
	}
}
