package simulator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/examples"
)

// A fork begins where the server stands, and what happens in one of them does
// not happen in the other.
func TestFork(t *testing.T) {
	server, err := New(Options{Datacenter: examples.Datacenter, StatePath: t.TempDir() + "/state.json", Latency: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	server.store.Jobs["1"] = &job{UUID: "1", Operation: "StopVmInstance", Created: time.Now()}
	server.store.Keys["key"], server.store.Sessions["s"] = []string{"vm"}, &session{UUID: "s"}
	before, _ := server.store.marshal()
	fork := server.Fork()
	if job := fork.Jobs()[0]; job.Ended.IsZero() || job.Status != 0 {
		t.Errorf("a job that was at work is %+v in the fork", job)
	}
	if diff := cmp.Diff(server.VMs(), fork.VMs()); diff != "" {
		t.Errorf("VMs of the server and of its fork (-server +fork):\n%s", diff)
	}
	for _, rows := range fork.store.Tables {
		for _, row := range rows {
			row["name"] = "changed"
		}
		clear(rows)
	}
	fork.store.Keys["key"][0], fork.store.Sessions["s"].UUID = "other", "t"
	fork.store.Owners["x"], fork.store.Burned["x"] = "y", true
	if err := fork.Close(); err != nil {
		t.Error(err)
	}
	if after, _ := server.store.marshal(); string(after) != string(before) {
		t.Error("what happened in the fork happened in the server")
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}
