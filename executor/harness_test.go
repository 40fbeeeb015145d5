package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/planner"
)

// driverFunc is a Driver made of a function.
type driverFunc func(ctx context.Context, step planner.Step, rec Recorder) Outcome

func (f driverFunc) Perform(ctx context.Context, step planner.Step, rec Recorder) Outcome {
	return f(ctx, step, rec)
}

// disk is a file in memory that remembers what was synced. After failAfter
// writes, if it is not zero, it is full and takes half of what it is given.
type disk struct {
	mu        sync.Mutex
	data      bytes.Buffer
	synced    int // bytes
	writes    int
	syncs     int
	failAfter int
	closed    bool
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.failAfter > 0 && d.writes > d.failAfter {
		n, _ := d.data.Write(p[:len(p)/2])
		return n, errFull
	}
	return d.data.Write(p)
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced, d.syncs = d.data.Len(), d.syncs+1
	return nil
}

func (d *disk) Close() error { d.closed = true; return nil }

// durable reports whether text is on disk.
func (d *disk) durable(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Contains(d.data.Bytes()[:d.synced], []byte(text))
}

// step makes a step "<key> <verb>" with an operation of that verb.
func step(id string, needs ...string) planner.Step {
	var key, verb string
	if _, err := fmt.Sscan(id, &key, &verb); err != nil {
		panic(err)
	}
	ops := map[string]planner.Op{
		"create": planner.CreateVM{}, "stop": planner.StopVM{}, "start": planner.StartVM{},
		"update": planner.UpdateVM{}, "destroy": planner.DestroyVM{},
	}
	s := planner.Step{ID: planner.StepID(id), Key: key, UUID: "vm-" + key, Op: ops[verb]}
	for _, need := range needs {
		s.Needs = append(s.Needs, planner.StepID(need))
	}
	return s
}

// using makes a step count against the source of that name.
func using(s planner.Step, sources ...string) planner.Step {
	for _, source := range sources {
		s.Uses = append(s.Uses, planner.Use{Class: planner.UseSource, UUID: source})
	}
	return s
}

// planOf makes a plan with a change for each machine of the steps.
func planOf(steps ...planner.Step) *planner.Plan {
	plan := &planner.Plan{Scope: planner.Scope{Name: "lab", ID: "abcd1234"}, Digest: "digest", Steps: steps}
	seen := make(map[string]bool)
	for _, s := range steps {
		if !seen[s.Key] {
			seen[s.Key] = true
			plan.Changes = append(plan.Changes, planner.Change{Key: s.Key, Name: s.Key, Action: planner.Create, UUID: "vm-" + s.Key})
		}
	}
	return plan
}

// ran is all that a run leaves behind.
type ran struct {
	report *Report
	err    error
	events []Event // without phases
	phases []string
	disk   *disk
}

// perform runs a plan and checks what holds for every run: the report is the
// fold of the events, the journal has the events, the totals add up.
func perform(t *testing.T, ctx context.Context, plan *planner.Plan, driver Driver, opts Options) ran {
	t.Helper()
	return performOn(t, ctx, &disk{}, plan, driver, opts)
}

func performOn(t *testing.T, ctx context.Context, d *disk, plan *planner.Plan, driver Driver, opts Options) ran {
	t.Helper()
	r := ran{disk: d}
	watch := opts.Observer
	opts.RunID = "run-1"
	opts.Observer = func(event Event) {
		if phase, ok := event.(StepPhase); ok {
			r.phases = append(r.phases, fmt.Sprintf("%s: %s", phase.Step, phase.Text))
		} else {
			r.events = append(r.events, event)
		}
		if watch != nil {
			watch(event)
		}
	}
	journal := &Journal{file: d}
	r.report, r.err = Run(ctx, plan, driver, journal, opts)
	if r.report == nil {
		t.Fatalf("Run: no report: %v", r.err)
	}
	folded, err := Fold(r.events)
	if err != nil {
		t.Fatalf("Fold: %v", err)
	}
	if diff := cmp.Diff(folded, r.report); diff != "" {
		t.Errorf("the live report is not the fold of the events (-fold +live):\n%s", diff)
	}
	if n := sum(r.report.Totals); n != len(plan.Steps) || len(r.report.Steps) != n {
		t.Errorf("the totals are %d and the steps %d, the plan has %d", n, len(r.report.Steps), len(plan.Steps))
	}
	if r.err == nil {
		if diff := cmp.Diff(r.events, readAll(t, d.data.Bytes())); diff != "" {
			t.Errorf("the journal does not have the events (-events +journal):\n%s", diff)
		}
		if d.synced != d.data.Len() {
			t.Errorf("%d of %d bytes of the journal were synced at the end", d.synced, d.data.Len())
		}
	}
	return r
}

func readAll(t *testing.T, journal []byte) []Event {
	t.Helper()
	events, err := ReadJournal(bytes.NewReader(journal))
	if err != nil {
		t.Fatalf("ReadJournal: %v", err)
	}
	return events
}

func sum(t Totals) int {
	return t.Succeeded + t.Failed + t.Indeterminate + t.Skipped + t.Blocked + t.NotStarted
}

// said writes statuses and notes of a report's steps, one line each.
func said(report *Report) []string {
	var lines []string
	for _, s := range report.Steps {
		line := fmt.Sprintf("%s: %s", s.ID, s.Status)
		if s.Note != "" {
			line += ", " + s.Note
		}
		lines = append(lines, line)
	}
	return lines
}

func expect(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// lasting is a driver whose every step sends one request, takes a while and succeeds.
func lasting(d time.Duration) driverFunc {
	return func(ctx context.Context, step planner.Step, rec Recorder) Outcome {
		if _, err := rec.Attempt(step.Op.Verb()); err != nil {
			return failed("transient", err.Error())
		}
		select {
		case <-time.After(d):
			return Outcome{Status: Succeeded, Facts: &Facts{UUID: step.UUID, State: "Running"}}
		case <-ctx.Done():
			return Outcome{Status: Indeterminate, Failure: &Failure{Class: "transport", Message: "left"}}
		}
	}
}

func failed(class, message string) Outcome {
	return Outcome{Status: Failed, Failure: &Failure{Class: class, Message: message}}
}

func again(message string) Outcome {
	o := failed("transient", message)
	o.Retry = true
	return o
}
