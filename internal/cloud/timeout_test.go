package cloud

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/examples"
	"zfleet/executor"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// A copy of a large image takes hours. Only a fleet file's stepTimeout may cut
// that short; without one the server's own timeout counts.
func TestStepTimeout(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		sent    string
		status  executor.Status
		took    time.Duration
	}{
		{"the server's", 0, "", executor.Succeeded, 3 * time.Hour},
		{"long enough", 4 * time.Hour, "14400", executor.Succeeded, 3 * time.Hour},
		{"too short, and five minutes", time.Hour, "3600", executor.Indeterminate, time.Hour + 5*time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, err := simulator.New(simulator.Options{Datacenter: examples.Datacenter, Latency: 3 * time.Hour, Strict: true})
				if err != nil {
					t.Fatal(err)
				}
				s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack.test:8080", Transport: &inProcess{handler: server}})
				driver := NewDriver(s.client, Options{Scope: testScope, StepTimeout: test.timeout})
				step := planner.Step{
					ID: "web/1 create", Key: "web/1", UUID: testScope.MachineUUID("web/1", 0),
					Op: planner.CreateVM{Blueprint: s.blueprint("web/1", spec.FromImage, "centos-7.9")},
				}
				start := time.Now()
				outcome := driver.Perform(t.Context(), step, &s.rec)
				if took := time.Since(start); outcome.Status != test.status || took < test.took || took > test.took+time.Minute {
					t.Errorf("%s after %s, want %s after %s: %+v", outcome.Status, took, test.status, test.took, outcome.Failure)
				}
				var sent []string
				for _, r := range server.Requests() {
					if r.Operation == "CreateVmInstance" {
						sent = append(sent, r.Header["X-Api-Timeout"])
					}
				}
				if diff := cmp.Diff([]string{test.sent}, sent); diff != "" {
					t.Errorf("X-API-Timeout (-want +got):\n%s", diff)
				}
				time.Sleep(3 * time.Hour) // until the server has ended the job that was given up
				if err := server.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// A management node that restarts never ends the jobs that it had. What they
// have done shows on the machine; nobody waits for the rest of twelve hours.
func TestJobNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newDatacenter(t, "")
		carrier := &inProcess{handler: server}
		s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack.test:8080", Transport: carrier})
		s.driver = NewDriver(s.client, Options{Scope: testScope})
		carrier.misled = says(202, "{}")
		for _, op := range []planner.Op{
			planner.CreateVM{Blueprint: s.blueprint("web/1", spec.FromImage, "centos-7.9")},
			planner.AddTag{Tag: testScope.TagPrefix() + "restart"},
			planner.StopVM{},
			planner.DestroyVM{Scope: testScope},
		} {
			start := time.Now()
			outcome := s.do("web/1", op)
			if took := time.Since(start); took < 5*time.Minute || took > 7*time.Minute {
				t.Errorf("%s: %s after %s, want it after 5 minutes: %+v", op.Verb(), outcome.Status, took, outcome)
			}
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestInterruptAfterALostRequest: a create request got lost, the server knows
// nothing of it, and the run is interrupted before the next look. What was lost
// may still arrive, so the report must not say that nothing is in flight.
func TestInterruptAfterALostRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lose = "- {operation: CreateVmInstance, nth: %d, fault: drop-before}\n"
		server := newDatacenter(t, fmt.Sprintf(lose+lose+lose, 1, 2, 3))
		defer func() { _ = server.Close() }()
		s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack.test:8080", Transport: &inProcess{handler: server}})
		create := planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")}
		lost := s.performAs(t.Context(), s.driver, create)
		if lost.Status != executor.Failed || !lost.Retry {
			t.Fatalf("got %+v, want a failure to be tried again", lost)
		}
		interrupted, cancel := context.WithCancel(t.Context())
		cancel()
		got := s.performAs(interrupted, s.driver, create)
		if got.Status != executor.Failed || got.Retry || got.Failure.Message != lost.Failure.Message || !strings.Contains(got.Failure.Message, "the server has no job") {
			t.Errorf("got %+v %+v, want %+v", got, got.Failure, lost.Failure)
		}
		other := planner.Step{ID: "web/2 create", Key: "web/2", UUID: testScope.MachineUUID("web/2", 0), Op: create}
		if got := s.driver.Perform(interrupted, other, &s.rec); got.Status != executor.Failed || !strings.Contains(got.Failure.Message, "nothing of it is in flight") {
			t.Errorf("of a step that sent nothing: %+v %+v", got, got.Failure)
		}
	})
}

// TestTagsThatCannotBeRead: a create finds the VM, but not whose it is. The
// report must show the VM: it is there, whatever the step ends as.
func TestTagsThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newDatacenter(t, "")
		defer func() { _ = server.Close() }()
		s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack.test:8080", Transport: &inProcess{handler: server}})
		create := planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")}
		s.do(testKey, create)
		server.SetFaults(mustFaults(t, "- {method: GET, path: /user-tags, fault: fail-after, error: {code: SYS.1000, description: internal}}\n"))
		got := s.performAs(t.Context(), s.driver, create)
		if got.Status != executor.Failed || got.Facts == nil || got.Facts.State != "Running" || !strings.HasPrefix(got.Failure.Message, "the VM exists, but whose it is cannot be read: ") {
			t.Errorf("got %+v %+v %+v", got, got.Facts, got.Failure)
		}
	})
}

// TestSilenceIsTold: a step that waits for a server which is not there says so,
// and goes on when it is back.
func TestSilenceIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newDatacenter(t, "- {path: /api-jobs/*, times: 40, fault: garbage, status: 502, text: Bad Gateway}\n")
		s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack.test:8080", Transport: &inProcess{handler: server}})
		s.do("web/1", planner.CreateVM{Blueprint: s.blueprint("web/1", spec.FromImage, "centos-7.9")})
		want := []string{"looking for the VM", "creating", "waiting for the server, which does not answer: status 502: Bad Gateway", "checking the VM"}
		if diff := cmp.Diff(want, s.rec.phases); diff != "" {
			t.Errorf("phases (-want +got):\n%s", diff)
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
