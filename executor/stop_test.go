package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/planner"
)

// stopEvents returns why admission stopped, as often as it was said.
func stopEvents(events []Event) []string {
	var reasons []string
	for _, e := range events {
		if stop, ok := e.(AdmissionStopped); ok {
			reasons = append(reasons, strings.TrimSuffix(stop.Reason+": "+stop.Detail, ": "))
		}
	}
	return reasons
}

func TestStopLetsFinishWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := planOf(step("a create"), step("b create"), step("c create"), step("d create", "a create"), step("e create"))
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			if s.Key == "b" {
				return again("busy")
			}
			return lasting(2*time.Second)(ctx, s, rec)
		})
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		opts := Options{Stop: stop, Limits: Limits{Parallelism: 2}, jitter: func(time.Duration) time.Duration { return time.Hour }}
		began := time.Now()
		r := perform(t, t.Context(), plan, driver, opts)
		expect(t, "steps", []string{"a create: succeeded", "b create: failed", "c create: succeeded", "d create: not-started", "e create: not-started"}, said(r.report))
		expect(t, "reason", "interrupted", r.report.Stopped)
		expect(t, "stops", []string{"interrupted"}, stopEvents(r.events))
		expect(t, "duration", 2*time.Second, time.Since(began))
		expect(t, "failure of b", &Failure{Class: "transient", Message: "busy"}, r.report.Steps[1].Failure)
		if r.err != nil || r.report.Ended == nil {
			t.Errorf("error %v, ended %v", r.err, r.report.Ended)
		}
	})
}

func TestNothingStartsInARunThatIsStoppedBefore(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the operator left"))
	for name, c := range map[string]struct {
		ctx  context.Context
		stop chan struct{}
		why  func() string
		want string
	}{
		"stop":    {t.Context(), closed, nil, "interrupted"},
		"timeout": {t.Context(), closed, func() string { return "timeout" }, "timeout"},
		"context": {cancelled, nil, nil, "interrupted: the operator left"},
	} {
		t.Run(name, func(t *testing.T) {
			driver := driverFunc(func(context.Context, planner.Step, Recorder) Outcome {
				t.Error("a step was performed")
				return Outcome{Status: Succeeded}
			})
			r := perform(t, c.ctx, planOf(step("a create"), step("b create", "a create")), driver, Options{Stop: c.stop, StopWhy: c.why})
			expect(t, "totals", Totals{NotStarted: 2}, r.report.Totals)
			expect(t, "stops", []string{c.want}, stopEvents(r.events))
		})
	}
}

func TestCancelEndsWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			o := lasting(time.Hour)(ctx, s, rec)
			if uuid, err := rec.Attempt("too late"); uuid != "" || !errors.Is(err, context.Canceled) {
				t.Errorf("an attempt after the end: %q, %v", uuid, err)
			}
			return o
		})
		r := perform(t, ctx, planOf(step("a create"), step("b create", "a create"), step("c create")), driver, Options{Limits: Limits{Parallelism: 1}})
		expect(t, "steps", []string{"a create: indeterminate", "b create: skipped, needs a create, which ended indeterminate", "c create: not-started"}, said(r.report))
		expect(t, "stops", []string{"interrupted: context canceled"}, stopEvents(r.events))
		expect(t, "duration", time.Second, time.Since(began))
	})
}

func TestAuthStopsAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			switch s.Key {
			case "a":
				time.Sleep(time.Second)
				o := failed("auth", "the session was ended")
				o.Retry = true // makes no difference
				return o
			case "b":
				return again("busy")
			}
			return lasting(3*time.Second)(ctx, s, rec)
		})
		var steps []planner.Step
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			steps = append(steps, step(key+" create"))
		}
		opts := Options{Limits: Limits{Parallelism: 3}, jitter: func(time.Duration) time.Duration { return time.Minute }}
		r := perform(t, t.Context(), planOf(steps...), driver, opts)
		expect(t, "steps", []string{"a create: failed", "b create: failed", "c create: succeeded", "d create: succeeded", "e create: not-started"}, said(r.report))
		expect(t, "stops", []string{"auth: the session was ended"}, stopEvents(r.events))
	})
}

// TestJournalFailure lets the disk fill up at every write of a run. No request
// leaves that is not on disk, and what is in flight is followed to its end.
func TestJournalFailure(t *testing.T) {
	var steps []planner.Step
	for i := range 6 {
		steps = append(steps, step(fmt.Sprintf("m/%d stop", i)), step(fmt.Sprintf("m/%d start", i), fmt.Sprintf("m/%d stop", i)))
	}
	plan := planOf(steps...)
	total := 0
	for writes := 0; writes <= total; writes++ {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{failAfter: writes}
			var sent, answered atomic.Int32
			driver := driverFunc(func(_ context.Context, s planner.Step, rec Recorder) Outcome {
				for range 2 {
					uuid, err := rec.Attempt("op")
					if err != nil {
						if !errors.Is(err, errFull) {
							t.Errorf("attempt: %v", err)
						}
						return failed("internal", "not sent")
					}
					if !d.durable(uuid) {
						t.Errorf("a request left without a record after %d writes", writes)
					}
					sent.Add(1)
					time.Sleep(time.Second)
					answered.Add(1)
				}
				return Outcome{Status: Succeeded}
			})
			r := performOn(t, t.Context(), d, plan, driver, Options{Limits: Limits{Parallelism: 4}})
			if sent.Load() != answered.Load() {
				t.Errorf("%d requests, %d were followed to their end", sent.Load(), answered.Load())
			}
			told := 0
			for _, s := range r.report.Steps {
				told += len(s.Attempts)
			}
			expect(t, "attempts in the report", int(sent.Load()), told)
			if writes == 0 || d.writes <= writes { // nothing went wrong
				total = max(total, d.writes)
				expect(t, "error", nil, r.err)
				return
			}
			if !errors.Is(r.err, errFull) {
				t.Fatalf("after %d writes: error %v", writes, r.err)
			}
			if r.report.Totals.Succeeded < len(plan.Steps) {
				expect(t, fmt.Sprintf("stops after %d writes", writes), []string{"journal: no space left on device"}, stopEvents(r.events))
			}
			if d.writes != writes+1 {
				t.Errorf("%d writes after the failure", d.writes-writes-1)
			}
			// What did get to the disk is a journal, if the run's start did.
			events := readAll(t, d.data.Bytes())
			if len(events) == 0 {
				return
			}
			if _, err := Fold(events); err != nil {
				t.Errorf("after %d writes: %v", writes, err)
			}
		})
	}
	if total < 10 {
		t.Errorf("only %d writes were tried", total)
	}
}

func TestNothingStartsWithoutARecord(t *testing.T) {
	d := &disk{failAfter: 1}
	_, _ = d.Write(nil) // the next write fails: the run's start
	driver := driverFunc(func(context.Context, planner.Step, Recorder) Outcome {
		t.Error("a step was performed")
		return Outcome{Status: Succeeded}
	})
	r := performOn(t, t.Context(), d, planOf(step("a create")), driver, Options{})
	expect(t, "totals", Totals{NotStarted: 1}, r.report.Totals)
	if !errors.Is(r.err, errFull) {
		t.Errorf("error %v", r.err)
	}
}
