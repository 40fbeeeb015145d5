package simulator

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRestart lets the server restart in the middle of its work: jobs under way
// are unfinished for ever, the machines come to rest, logins stay.
func TestRestart(t *testing.T) {
	const other = "0123456789ab4def8123456789abcdef"
	c := newCloud(t, func(o *Options) {
		o.Latency = time.Hour
		o.Faults = mustFaults(t, "- {operation: CreateVmInstance, nth: 3, fault: restart}")
	})
	runs := jobOf(c.send("POST", "/vm-instances", c.params(record{"resourceUuid": nowhere})))
	stays := jobOf(c.send("POST", "/vm-instances", c.params(record{"resourceUuid": other, "strategy": "CreateStopped"})))
	for c.vm(nowhere)["state"] != "Starting" || c.vm(other)["state"] != "Starting" {
		time.Sleep(time.Millisecond)
	}
	if answer, err := http.DefaultClient.Do(c.request("POST", "/vm-instances", c.params(record{}))); err == nil {
		answer.Body.Close()
		t.Errorf("the request that the server restarts at is answered with %s", answer.Status)
	}
	got := map[string]any{"to run": c.vm(nowhere)["state"], "not to run": c.vm(other)["state"], "host of that": c.vm(other)["hostUuid"]}
	if diff := cmp.Diff(map[string]any{"to run": "Running", "not to run": "Stopped", "host of that": nil}, got); diff != "" {
		t.Errorf("VMs after the restart (-want +got):\n%s", diff)
	}
	for _, job := range []string{runs, stays} {
		if a := c.send("GET", "/api-jobs/"+job, ""); a.status != 202 {
			t.Errorf("a lost job answers %d %s", a.status, a.raw)
		}
	}
	for _, job := range c.sim.Jobs() {
		if job.Ended.IsZero() || job.Status != 0 {
			t.Errorf("record of a lost job: %+v", job)
		}
	}
}
