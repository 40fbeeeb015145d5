package cloud

import (
	"bytes"
	"context"
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

// meanwhile brings requests to a server, and does something else when the first
// one whose body has a text has left and not yet arrived.
type meanwhile struct {
	inProcess
	then map[string]func()
}

func (m *meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		for text, then := range m.then {
			if bytes.Contains(body, []byte(text)) {
				delete(m.then, text)
				then()
			}
		}
	}
	return m.inProcess.RoundTrip(r)
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
		does := func(ops ...planner.Op) func() {
			return func() {
				if ended := s.performAs(t.Context(), other, ops...); ended.Status != executor.Succeeded {
					t.Errorf("the other run ended %s %+v", ended.Status, ended.Failure)
				}
			}
		}
		wire := &meanwhile{inProcess{handler: server}, map[string]func(){
			"::one@ci::":     does(planner.StopVM{}), // its own look at the tags comes before the announcement
			"stopVmInstance": does(planner.UpdateVM{CPU: new(1)}, planner.StartVM{}, planner.RemoveTag{Tag: testScope.RestartTag()}),
		}}
		client, err := zstack.New(zstack.Config{Endpoint: "http://zstack", Transport: wire, AccountName: "admin", AccountPassword: "password"})
		if err != nil {
			t.Fatal(err)
		}
		s.performAs(t.Context(), NewDriver(client, Options{Scope: testScope, RunID: "one", Host: "ci"}), planner.StopVM{})

		machine := s.machine(testKey)
		at := slices.IndexFunc(texts(machine.UserTags), func(tag string) bool { return strings.HasPrefix(tag, testScope.RestartTag()+"::one@ci::") })
		if machine.State != "Stopped" || at < 0 {
			t.Fatalf("the machine is %s with %q, want it Stopped with a tag of the run that stopped it", machine.State, texts(machine.UserTags))
		}
		left := machine.UserTags[at].Text

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

// TestStopOfARunThatWasKilled: a run is killed when its stop has left, and the
// stop arrives before the next run takes its tag away, while it does, or after.
// The machine must run in the end, and the stop do nothing more.
func TestStopOfARunThatWasKilled(t *testing.T) {
	for _, when := range []string{"before", "never", "after", "after another stop"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newDatacenter(t, "")
				defer func() { _ = server.Close() }()
				wire := &heldUp{inProcess: inProcess{handler: server}}
				s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: wire})
				s.do(testKey, planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")})

				killed, kill := context.WithCancel(t.Context())
				wire.text = "stopVmInstance"
				wire.cut = kill
				s.performAs(killed, NewDriver(s.client, Options{Scope: testScope, RunID: "one", Host: "ci"}), planner.StopVM{})
				tags := slices.DeleteFunc(texts(s.machine(testKey).UserTags), func(tag string) bool { return !testScope.IsRestartTag(tag) })
				if len(tags) != 1 || wire.kept.Header.Get("X-Job-UUID") != testScope.JobOfRestart(tags[0]) {
					t.Fatalf("tags %q of job %s", tags, wire.kept.Header.Get("X-Job-UUID"))
				}
				if when == "before" {
					wire.deliver()
					time.Sleep(time.Minute)
				}
				next := NewDriver(s.client, Options{Scope: testScope, RunID: "two", Host: "ci"})
				ops := []planner.Op{planner.RemoveTag{Tag: tags[0]}}
				if when == "after another stop" {
					ops = append([]planner.Op{planner.AddTag{Tag: testScope.RestartTag()}, planner.StopVM{}, planner.StartVM{}, planner.RemoveTag{Tag: testScope.RestartTag()}}, ops...)
				}
				if got := s.performAs(t.Context(), next, ops...); got.Status != executor.Succeeded {
					t.Fatalf("the next run ends %s %+v", got.Status, got.Failure)
				}
				if strings.HasPrefix(when, "after") {
					if answer := wire.deliver(); !strings.HasPrefix(answer, "400 ") {
						t.Errorf("the stop that comes in late is answered %q", answer)
					}
					time.Sleep(time.Minute)
				}
				stops := 0
				for _, request := range server.Requests() {
					if request.Operation == "StopVmInstance" {
						stops++
					}
				}
				if want := map[string]int{"before": 1, "after": 1, "after another stop": 2}[when]; stops != want {
					t.Errorf("%d stops came to the server, want %d", stops, want)
				}
				if machine := s.machine(testKey); machine.State != "Running" || slices.ContainsFunc(texts(machine.UserTags), testScope.IsRestartTag) {
					t.Errorf("the machine is %s with %q, want it Running without a restart tag", machine.State, texts(machine.UserTags))
				}
			})
		})
	}
}

// TestStopThatTheServerLost: the server restarted with the stop of a killed run,
// whose job stays unfinished for ever. The next run does not wait for that.
func TestStopThatTheServerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newDatacenter(t, "- {operation: StopVmInstance, nth: 1, fault: restart}")
		defer func() { _ = server.Close() }()
		s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: &inProcess{handler: server}})
		s.do(testKey, planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")})
		killed, kill := context.WithTimeout(t.Context(), 5*time.Second)
		defer kill()
		s.performAs(killed, NewDriver(s.client, Options{Scope: testScope, RunID: "one", Host: "ci"}), planner.StopVM{})
		tags := slices.DeleteFunc(texts(s.machine(testKey).UserTags), func(tag string) bool { return !testScope.IsRestartTag(tag) })
		s.performAs(t.Context(), s.driver, planner.StartVM{}) // by hand

		for _, ops := range [][]planner.Op{{planner.StopVM{}, planner.StartVM{}}, {planner.RemoveTag{Tag: tags[0]}}} {
			began := time.Now()
			got := s.performAs(t.Context(), NewDriver(s.client, Options{Scope: testScope, RunID: "two", Host: "ci"}), ops...)
			if took := time.Since(began); got.Status != executor.Succeeded || took > 5*time.Minute {
				t.Errorf("%v ends %s %+v after %s", ops, got.Status, got.Failure, took)
			}
		}
	})
}
