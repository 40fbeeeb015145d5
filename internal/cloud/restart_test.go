package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// beforeStop brings requests to a server, and does something else when the
// first one that stops a VM has left and not yet arrived.
type beforeStop struct {
	inProcess
	then func()
}

func (b *beforeStop) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.then != nil && r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("stopVmInstance")) {
			then := b.then
			b.then = nil
			then()
		}
	}
	return b.inProcess.RoundTrip(r)
}

// performAs carries out operations on the test's machine in the name of a run,
// and returns how the last one ended.
func (s *site) performAs(ctx context.Context, run *Driver, ops ...planner.Op) executor.Outcome {
	s.t.Helper()
	var last executor.Outcome
	for _, op := range ops {
		step := planner.Step{ID: planner.StepID(testKey + " " + op.Verb()), Key: testKey, UUID: testScope.MachineUUID(testKey, 0), Op: op}
		last = run.Perform(ctx, step, &s.rec)
	}
	return last
}

// TestStopThatArrivesAfterAnotherRunHasFinished: two runs update one machine.
// One is cut off after its stop has left, and the stop arrives when the other
// has already started the machine and removed the fleet's restart tag. The
// machine must still say that it is to be started.
func TestStopThatArrivesAfterAnotherRunHasFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newDatacenter(t, "")
		defer func() { _ = server.Close() }()
		s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: &inProcess{handler: server}})
		s.do(testKey, planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")})
		s.do(testKey, planner.AddTag{Tag: testScope.RestartTag()})

		other := NewDriver(s.client, Options{Scope: testScope, RunID: "two", Host: "ci"})
		wire := &beforeStop{inProcess: inProcess{handler: server}, then: func() {
			ended := s.performAs(t.Context(), other, planner.StopVM{}, planner.UpdateVM{CPU: new(1)}, planner.StartVM{}, planner.RemoveTag{Tag: testScope.RestartTag()})
			if ended.Status != executor.Succeeded {
				t.Errorf("the other run ended %s %+v", ended.Status, ended.Failure)
			}
		}}
		client, err := zstack.New(zstack.Config{Endpoint: "http://zstack", Transport: wire, AccountName: "admin", AccountPassword: "password"})
		if err != nil {
			t.Fatal(err)
		}
		s.performAs(t.Context(), NewDriver(client, Options{Scope: testScope, RunID: "one", Host: "ci"}), planner.StopVM{})

		left := testScope.RestartTagOf("one", "ci")
		machine := s.machine(testKey)
		if machine.State != "Stopped" || !slices.Contains(texts(machine.UserTags), left) {
			t.Fatalf("the machine is %s with %q, want it Stopped with %s", machine.State, texts(machine.UserTags), left)
		}

		third := NewDriver(s.client, Options{Scope: testScope, RunID: "three", Host: "ci"})
		if ended := s.performAs(t.Context(), third, planner.StartVM{}, planner.RemoveTag{Tag: left}); ended.Status != executor.Succeeded {
			t.Errorf("mending ended %s %+v", ended.Status, ended.Failure)
		}
		machine = s.machine(testKey)
		if machine.State != "Running" || slices.ContainsFunc(texts(machine.UserTags), testScope.IsRestartTag) {
			t.Errorf("the machine is %s with %q, want it Running without a restart tag", machine.State, texts(machine.UserTags))
		}
	})
}

// TestRestartTagOfAnotherRun: a run removes the tag of another one not before
// what that one may have sent has arrived, and leaves it on a machine that was
// stopped meanwhile.
func TestRestartTagOfAnotherRun(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		t.Run(fmt.Sprintf("stopped=%t", stopped), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newDatacenter(t, "")
				defer func() { _ = server.Close() }()
				s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: &inProcess{handler: server}})
				tag := testScope.RestartTagOf("cut-off", "ci")
				s.do(testKey, planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")})
				s.do(testKey, planner.AddTag{Tag: tag})
				run := NewDriver(s.client, Options{Scope: testScope, RunID: "next", Host: "ci"})
				began := time.Now()
				if stopped {
					time.AfterFunc(run.pace.stray-time.Second, func() { s.performAs(context.Background(), s.driver, planner.StopVM{}) })
				}
				got := s.performAs(t.Context(), run, planner.RemoveTag{Tag: tag})
				if took := time.Since(began); took < run.pace.stray {
					t.Errorf("done after %s, want %s", took, run.pace.stray)
				}
				there := slices.Contains(texts(s.machine(testKey).UserTags), tag)
				switch {
				case stopped && (got.Status != executor.Blocked || !strings.Contains(got.Failure.Message, "stopped again") || !there):
					t.Errorf("%s %+v, tag there: %t; want it blocked and there", got.Status, got.Failure, there)
				case !stopped && (got.Status != executor.Succeeded || there):
					t.Errorf("%s %+v, tag there: %t; want it gone", got.Status, got.Failure, there)
				}
			})
		})
	}
}
