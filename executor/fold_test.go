package executor

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/planner"
)

// start is the first event of a run of these steps.
func start(steps ...planner.Step) RunStarted {
	return runStarted(planOf(steps...), Options{RunID: "run-1"}, noon)
}

func TestFoldOfARun(t *testing.T) {
	report, err := Fold(everyEvent())
	if err != nil {
		t.Fatal(err)
	}
	failure := everyEvent()[6].(StepFinished).Failure
	facts := &Facts{UUID: "vm-b", Name: "b", State: "Running", IPs: []string{"10.0.0.1"}, Host: "h1"}
	one, five, end := after(1), after(5), after(9)
	want := &Report{
		FormatVersion: "1.0", RunID: "run-1", Scope: planner.Scope{Name: "lab", ID: "abcd1234"}, PlanDigest: "digest",
		Started: noon, Ended: &end, Stopped: "auth", Totals: Totals{Succeeded: 1, Failed: 1, Skipped: 1},
		Machines: []MachineResult{
			{PlannedMachine: PlannedMachine{Key: "a", Name: "a", Action: planner.Create, UUID: "vm-a"},
				Status: Failed, DurationSeconds: 6, Failure: failure},
			{PlannedMachine: PlannedMachine{Key: "b", Name: "b", Action: planner.Create, UUID: "vm-b", Reason: "new <b> & “Ω”\u2028"},
				Status: Succeeded, DurationSeconds: 3, Facts: facts},
		},
		Steps: []StepResult{
			{PlannedStep: PlannedStep{ID: "a stop", Key: "a", Verb: "stop", UUID: "vm-a"}, Status: Failed, Started: &one, DurationSeconds: 6, Tries: 1,
				Attempts: []Attempt{{At: after(2), Operation: "stop VM", JobUUID: "0123"}}, Failure: failure, Note: "was busy"},
			{PlannedStep: PlannedStep{ID: "a start", Key: "a", Verb: "start", UUID: "vm-a", Needs: []planner.StepID{"a stop"}},
				Status: Skipped, Note: "needs a stop"},
			{PlannedStep: PlannedStep{ID: "b create", Key: "b", Verb: "create", UUID: "vm-b"}, Status: Succeeded, Started: &five,
				DurationSeconds: 3, Tries: 1, Facts: facts},
		},
	}
	expect(t, "report", want, report)
}

func TestFoldOfAKilledRun(t *testing.T) {
	busy := Failure{Class: "transient", Message: "busy"}
	started := func(at, try int) Event { return StepStarted{At: after(at), Step: "a stop", Try: try} }
	sent := func(at int) Event {
		return AttemptStarted{At: after(at), Step: "a stop", Operation: "stop VM", JobUUID: "01"}
	}
	retried := func(at int) Event {
		return StepRetried{At: after(at), Step: "a stop", Try: 1, Failure: busy, WaitMS: 9}
	}
	killed := &Failure{Class: "transport", Operation: "stop VM", Message: "the run was killed before the answer came",
		Hint: "plan again: the plan shows what became of it"}
	const noNext = "the run was killed before the next try"
	for name, c := range map[string]struct {
		events  []Event
		status  Status
		note    string
		failure *Failure
		seconds float64
	}{
		"before it started":      {nil, NotStarted, "", nil, 0},
		"before a request":       {[]Event{started(1, 1)}, NotStarted, "started, nothing was sent", nil, 0},
		"after a request":        {[]Event{started(1, 1), sent(3)}, Indeterminate, "", killed, 2},
		"while waiting":          {[]Event{started(1, 1), sent(3), retried(5)}, Failed, noNext, &busy, 4},
		"waiting, nothing sent":  {[]Event{started(1, 1), retried(5)}, Failed, noNext, &busy, 4},
		"second try":             {[]Event{started(1, 1), sent(3), retried(5), started(7, 2)}, Failed, noNext, &busy, 6},
		"request of second try":  {[]Event{started(1, 1), sent(3), retried(5), started(7, 2), sent(9)}, Indeterminate, "", killed, 8},
		"others going on longer": {[]Event{started(1, 1), sent(3), StepStarted{At: after(11), Step: "b create", Try: 1}}, Indeterminate, "", killed, 10},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := Fold(append([]Event{start(step("a stop"), step("b create"))}, c.events...))
			if err != nil {
				t.Fatal(err)
			}
			s := report.Steps[0]
			expect(t, "status", c.status, s.Status)
			expect(t, "note", c.note, s.Note)
			expect(t, "failure", c.failure, s.Failure)
			expect(t, "seconds", c.seconds, s.DurationSeconds)
			m := report.Machines[0]
			expect(t, "machine", c.status, m.Status)
			expect(t, "failure of the machine", c.failure, m.Failure)
			expect(t, "seconds of the machine", c.seconds, m.DurationSeconds)
			if report.Ended != nil {
				t.Errorf("ended %v", report.Ended)
			}
		})
	}
}

func TestMachineHasTheWorstStatusOfItsSteps(t *testing.T) {
	order := []Status{Succeeded, NotStarted, Skipped, Blocked, Failed, Indeterminate}
	for i, better := range order {
		for _, worse := range order[i:] {
			for _, pair := range [][2]Status{{better, worse}, {worse, better}} {
				events := []Event{start(step("a stop"), step("a start"))}
				for n, id := range []planner.StepID{"a stop", "a start"} {
					events = append(events, StepFinished{At: noon, Step: id, Status: pair[n], Failure: &Failure{Message: string(pair[n])}})
				}
				report, err := Fold(events)
				if err != nil {
					t.Fatal(err)
				}
				m := report.Machines[0]
				expect(t, "status", worse, m.Status)
				if worse != Succeeded {
					expect(t, "failure", &Failure{Message: string(worse)}, m.Failure)
				}
			}
		}
	}
}

func TestMachineHasTheLastFactsOfItsVM(t *testing.T) {
	facts := func(uuid, state string) *Facts { return &Facts{UUID: uuid, State: state} }
	for name, c := range map[string]struct {
		facts []*Facts
		want  *Facts
	}{
		"none":                   {[]*Facts{nil, nil}, nil},
		"last":                   {[]*Facts{facts("vm-a", "Stopped"), facts("vm-a", "Running")}, facts("vm-a", "Running")},
		"kept":                   {[]*Facts{facts("vm-a", "Stopped"), nil}, facts("vm-a", "Stopped")},
		"old VM goes first":      {[]*Facts{facts("old", "Destroyed"), facts("vm-a", "Running")}, facts("vm-a", "Running")},
		"old VM goes last":       {[]*Facts{facts("vm-a", "Running"), facts("old", "Destroyed")}, facts("vm-a", "Running")},
		"only the old VM":        {[]*Facts{facts("old", "Stopped"), facts("old", "Destroyed")}, facts("old", "Destroyed")},
		"of another altogether ": {[]*Facts{facts("old", "Stopped"), facts("older", "Destroyed")}, facts("older", "Destroyed")},
	} {
		t.Run(name, func(t *testing.T) {
			events := []Event{start(step("a stop"), step("a start"))}
			for n, id := range []planner.StepID{"a stop", "a start"} {
				events = append(events, StepFinished{At: noon, Step: id, Status: Succeeded, Facts: c.facts[n]})
			}
			report, err := Fold(events)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "facts", c.want, report.Machines[0].Facts)
		})
	}
}

func TestFoldTakesNoNegativeTime(t *testing.T) {
	report, err := Fold([]Event{start(step("a stop")),
		StepStarted{At: after(5), Step: "a stop", Try: 1}, StepFinished{At: after(2), Step: "a stop", Status: Succeeded}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "seconds", [2]float64{}, [2]float64{report.Steps[0].DurationSeconds, report.Machines[0].DurationSeconds})
}

func TestFoldRefusesWhatNoRunWrites(t *testing.T) {
	end := StepFinished{At: noon, Step: "a stop", Status: Succeeded}
	twice := start(step("a stop"))
	twice.Steps = append(twice.Steps, twice.Steps[0])
	for want, events := range map[string][]Event{
		"the journal is empty: the run was killed before it did anything": nil,
		"event 1, run-finished: it stands before the run's start":         {RunFinished{At: noon}},
		"event 2, run-started: the run has started before":                {start(), start()},
		`event 1, run-started: two steps are called "a stop"`:             {twice},
		`event 2, step-started: the run has no step "x stop"`:             {start(), StepStarted{At: noon, Step: "x stop"}},
		`event 2, step-finished: the run has no step "a stop"`:            {start(), end},
		`event 3, step-finished: step "a stop" had finished`:              {start(step("a stop")), end, end},
		`event 3, attempt-started: step "a stop" had finished`:            {start(step("a stop")), end, AttemptStarted{At: noon, Step: "a stop"}},
		`event 2, step-finished: step "a stop": unknown status "perfect"`: {start(step("a stop")), StepFinished{Step: "a stop", Status: "perfect"}},
		`event 2, step-retried: the run has no step "y"`:                  {start(), StepRetried{Step: "y"}},
	} {
		if report, err := Fold(events); err == nil || err.Error() != want {
			t.Errorf("got %v, %v, want %q", report, err, want)
		}
	}
}

func TestDecodeReport(t *testing.T) {
	report, err := Fold(everyEvent())
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeReport(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, back); diff != "" {
		t.Errorf("read back (-written +read):\n%s", diff)
	}
	text := string(data)
	for want, text := range map[string]string{
		"report: unexpected end":                   text[:len(text)/2],
		"report: invalid character":                text + "x",
		`report: format version "": want`:          "{}",
		"report: format version 2.1 cannot":        strings.Replace(text, `"1.0"`, `"2.1"`, 1),
		`report: step "a stop": unknown status "x`: `{"format_version":"1.3","steps":[{"id":"a stop","status":"x"}]}`,
		`report: machine "a": unknown status ""`:   `{"format_version":"1.3","machines":[{"key":"a"}]}`,
	} {
		if _, err := DecodeReport([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestFoldNamesOtherRuns: a report says once who else was at work.
func TestFoldNamesOtherRuns(t *testing.T) {
	plan := planOf(step("a create"), step("b create"), step("c create"), step("d create"))
	made := map[string]*OtherRun{"a": {RunID: "two", Host: "ci-2"}, "b": {RunID: "two", Host: "ci-2"}, "c": {RunID: "one", Host: "ci-1"}}
	got := perform(t, t.Context(), plan, driverFunc(func(_ context.Context, s planner.Step, _ Recorder) Outcome {
		return Outcome{Status: Succeeded, MadeBy: made[s.Key]}
	}), Options{RunID: "mine"})
	expect(t, "others", []OtherRun{{"one", "ci-1"}, {"two", "ci-2"}}, got.report.Others)
	for _, s := range got.report.Steps {
		expect(t, s.Key, made[s.Key], s.MadeBy)
	}
}
