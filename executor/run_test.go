package executor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/planner"
)

func TestRunKeepsTheOrderOfNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := planOf(
			step("a stop"), step("a update", "a stop"), step("a start", "a update"),
			step("b create"), step("c create", "b create", "a start"))
		began := time.Now()
		r := perform(t, t.Context(), plan, lasting(time.Second), Options{})
		var starts []string
		for _, e := range r.events {
			if s, ok := e.(StepStarted); ok {
				starts = append(starts, fmt.Sprintf("%s at %s", s.Step, s.At.Sub(began)))
			}
		}
		expect(t, "starts", []string{"a stop at 0s", "b create at 0s", "a update at 1s", "a start at 2s", "c create at 3s"}, starts)
		expect(t, "totals", Totals{Succeeded: 5}, r.report.Totals)
		expect(t, "seconds of machine a", 3.0, r.report.Machines[0].DurationSeconds)
	})
}

func TestWhatIsReadyStartsInThePlansOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := planOf(
			step("a stop"), step("b stop"), step("a start", "a stop"), step("b start", "b stop"), step("c create"))
		r := perform(t, t.Context(), plan, lasting(time.Second), Options{Limits: Limits{Parallelism: 1}})
		var starts []planner.StepID
		for _, e := range r.events {
			if s, ok := e.(StepStarted); ok {
				starts = append(starts, s.Step)
			}
		}
		expect(t, "starts", []planner.StepID{"a stop", "b stop", "a start", "b start", "c create"}, starts)
	})
}

func TestRunSkipsWhatNeedsAFailure(t *testing.T) {
	for _, status := range []Status{Failed, Indeterminate, Blocked} {
		t.Run(string(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan := planOf(
					step("a stop"), step("a update", "a stop"), step("a start", "a update"),
					step("b create"), step("c create", "a start", "b create"), step("d create", "b create"))
				driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
					if s.ID == "a stop" {
						return Outcome{Status: status, Failure: &Failure{Class: "input", Message: "no"}}
					}
					return lasting(time.Second)(ctx, s, rec)
				})
				r := perform(t, t.Context(), plan, driver, Options{})
				note := "skipped, needs a stop, which ended " + string(status)
				expect(t, "steps", []string{
					"a stop: " + string(status), "a update: " + note, "a start: " + note,
					"b create: succeeded", "c create: " + note, "d create: succeeded"}, said(r.report))
				expect(t, "machine a", status, r.report.Machines[0].Status)
				expect(t, "failure of a", &Failure{Class: "input", Message: "no"}, r.report.Machines[0].Failure)
				expect(t, "machine c", Skipped, r.report.Machines[2].Status)
				at := slices.IndexFunc(r.events, func(e Event) bool { end, ok := e.(StepFinished); return ok && end.Step == "a stop" })
				if skip, ok := r.events[at+1].(StepFinished); !ok || skip.Status != Skipped {
					t.Errorf("after the failure came %#v, want the skips at once", r.events[at+1])
				}
			})
		})
	}
}

func TestRunReportsBlockedMachines(t *testing.T) {
	plan := planOf(step("a create"))
	plan.Changes = append(plan.Changes,
		planner.Change{Key: "b", Name: "b-1", Action: planner.Blocked, UUID: "vm-b", Reason: "it is protected"},
		planner.Change{Key: "c", Name: "c-1", Action: planner.Keep, UUID: "vm-c"})
	r := perform(t, t.Context(), plan, lasting(0), Options{})
	expect(t, "machines", []MachineResult{
		{PlannedMachine: PlannedMachine{Key: "a", Name: "a", Action: planner.Create, UUID: "vm-a"},
			Status: Succeeded, DurationSeconds: r.report.Machines[0].DurationSeconds, Facts: &Facts{UUID: "vm-a", State: "Running"}},
		{PlannedMachine: PlannedMachine{Key: "b", Name: "b-1", Action: planner.Blocked, UUID: "vm-b", Reason: "it is protected"}, Status: Blocked},
	}, r.report.Machines)
}

func TestRunOfNothing(t *testing.T) {
	r := perform(t, t.Context(), &planner.Plan{}, lasting(0), Options{})
	if r.err != nil || r.report.Ended == nil || len(r.events) != 2 {
		t.Errorf("got %v, %+v, %d events", r.err, r.report, len(r.events))
	}
}

func TestRunRefusesSenselessPlans(t *testing.T) {
	bare := step("a create")
	bare.Op = nil
	for name, c := range map[string]struct {
		steps []planner.Step
		want  string
	}{
		"unknown need": {[]planner.Step{step("a create", "b create")}, `"a create" needs "b create", which does not stand before it`},
		"cycle":        {[]planner.Step{step("a stop", "a start"), step("a start", "a stop")}, `"a stop" needs "a start"`},
		"itself":       {[]planner.Step{step("a stop", "a stop")}, `"a stop" needs "a stop"`},
		"twice":        {[]planner.Step{step("a stop"), step("a stop")}, `two steps are called "a stop"`},
		"no operation": {[]planner.Step{bare}, `step "a create" has no operation`},
	} {
		t.Run(name, func(t *testing.T) {
			d := &disk{}
			report, err := Run(t.Context(), &planner.Plan{Steps: c.steps}, lasting(0), &Journal{file: d}, Options{})
			if report != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error with %q", report, err, c.want)
			}
			if d.writes > 0 {
				t.Error("the journal was written")
			}
		})
	}
	if _, err := Run(t.Context(), planOf(), lasting(0), nil, Options{}); err == nil {
		t.Error("a run without a journal was not refused")
	}
}

func TestAttemptIsOnDiskBeforeItReturns(t *testing.T) {
	d := &disk{}
	var (
		mu    sync.Mutex
		uuids []string
	)
	driver := driverFunc(func(_ context.Context, s planner.Step, rec Recorder) Outcome {
		for range 2 {
			uuid, err := rec.Attempt("create VM")
			if err != nil {
				return failed("internal", err.Error())
			}
			if !d.durable(uuid) {
				t.Errorf("%s: the attempt %s is not on disk", s.ID, uuid)
			}
			mu.Lock()
			uuids = append(uuids, uuid)
			mu.Unlock()
		}
		return Outcome{Status: Succeeded}
	})
	var steps []planner.Step
	for i := range 50 {
		steps = append(steps, step(fmt.Sprintf("m/%d create", i)))
	}
	r := performOn(t, t.Context(), d, planOf(steps...), driver, Options{})
	expect(t, "totals", Totals{Succeeded: 50}, r.report.Totals)
	var recorded []string
	for _, s := range r.report.Steps {
		for _, a := range s.Attempts {
			recorded = append(recorded, a.JobUUID)
			if a.Operation != "create VM" {
				t.Errorf("operation %q", a.Operation)
			}
			if !regexp.MustCompile(`^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$`).MatchString(a.JobUUID) {
				t.Errorf("job UUID %s does not have the shape of version 4", a.JobUUID)
			}
		}
	}
	slices.Sort(uuids)
	slices.Sort(recorded)
	expect(t, "job UUIDs", uuids, recorded)
	if distinct := slices.Compact(uuids); len(distinct) != 100 {
		t.Errorf("%d distinct job UUIDs, want 100", len(distinct))
	}
}

func TestRunSurvivesItsDriver(t *testing.T) {
	for name, c := range map[string]struct {
		perform func() Outcome
		message string
		details string
	}{
		"panic":          {func() Outcome { panic("boom") }, "the driver panicked: boom", `^run_test.go:\d+, in executor.TestRunSurvivesItsDriver`},
		"nil map":        {func() Outcome { var m map[string]int; m["a"] = 1; return Outcome{} }, "the driver panicked: assignment to entry in nil map", `^run_test.go:\d+`},
		"goexit":         {func() Outcome { runtime.Goexit(); return Outcome{} }, "the driver gave up without an outcome", "^$"},
		"no status":      {func() Outcome { return Outcome{} }, `the driver gave the outcome "", which is none`, "^$"},
		"foreign status": {func() Outcome { return Outcome{Status: Skipped} }, `the driver gave the outcome "skipped", which is none`, "^$"},
		"retry of none":  {func() Outcome { return Outcome{Status: "odd", Retry: true} }, `the driver gave the outcome "odd", which is none`, "^$"},
	} {
		t.Run(name, func(t *testing.T) {
			driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
				if s.Key == "a" {
					return c.perform()
				}
				return lasting(0)(ctx, s, rec)
			})
			r := perform(t, t.Context(), planOf(step("a stop"), step("b create"), step("c create", "b create")), driver, Options{Limits: Limits{Parallelism: 1}})
			expect(t, "totals", Totals{Succeeded: 2, Indeterminate: 1}, r.report.Totals)
			failure := r.report.Steps[0].Failure
			if failure == nil || failure.Class != "internal" || failure.Message != c.message || !regexp.MustCompile(c.details).MatchString(failure.Details) {
				t.Errorf("got %+v", failure)
			}
		})
	}
}

func TestObserverSeesPhasesInOrderAndTheJournalDoesNot(t *testing.T) {
	driver := driverFunc(func(ctx context.Context, _ planner.Step, rec Recorder) Outcome {
		rec.Phase("one")
		_, _ = rec.Attempt("create VM")
		rec.Phase("two")
		return Outcome{Status: Succeeded}
	})
	var order []string
	r := perform(t, t.Context(), planOf(step("a create")), driver, Options{Observer: func(e Event) { order = append(order, e.Type()) }})
	expect(t, "events", []string{"run-started", "step-started", "step-phase", "attempt-started", "step-phase", "step-finished", "run-finished"}, order)
	expect(t, "phases", []string{"a create: one", "a create: two"}, r.phases)
	if strings.Contains(r.disk.data.String(), "step-phase") {
		t.Error("phases are in the journal")
	}
}

func TestRecorderEndsWithItsTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late []error
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			if s.Key == "a" {
				go func() {
					for range 2 { // while the run goes on, and after it
						time.Sleep(1500 * time.Millisecond)
						rec.Phase("late")
						_, err := rec.Attempt("late")
						late = append(late, err)
					}
				}()
				return Outcome{Status: Succeeded}
			}
			return lasting(2*time.Second)(ctx, s, rec)
		})
		r := perform(t, t.Context(), planOf(step("a create"), step("b create")), driver, Options{})
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(late) != 2 || !errors.Is(late[0], errTryOver) || !errors.Is(late[1], errTryOver) {
			t.Errorf("late attempts: %v", late)
		}
		if len(r.phases) > 0 || len(r.report.Steps[0].Attempts) > 0 {
			t.Errorf("recorded: %v, %v", r.phases, r.report.Steps[0].Attempts)
		}
	})
}
