package executor

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/planner"
)

// ceiling takes all of the wait, so that times can be told beforehand.
func ceiling(d time.Duration) time.Duration { return d }

func TestRetryWaitsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			if tries++; tries < 9 {
				_, _ = rec.Attempt("create VM")
				return again(fmt.Sprintf("busy %d", tries))
			}
			return lasting(0)(ctx, s, rec)
		})
		began := time.Now()
		r := perform(t, t.Context(), planOf(step("a create")), driver, Options{MaxAttempts: 9, jitter: ceiling})
		expect(t, "duration", (1+2+4+8+16+32+60+60)*time.Second, time.Since(began))
		expect(t, "steps", []string{"a create: succeeded"}, said(r.report))
		expect(t, "tries", 9, r.report.Steps[0].Tries)
		expect(t, "attempts", 9, len(r.report.Steps[0].Attempts))
		expect(t, "seconds", 183.0, r.report.Steps[0].DurationSeconds)
		expect(t, "first retry", StepRetried{At: began.UTC(), Step: "a create", Try: 1,
			Failure: Failure{Class: "transient", Message: "busy 1"}, WaitMS: 1000}, r.events[3].(StepRetried))
	})
}

func TestRetriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		driver := driverFunc(func(context.Context, planner.Step, Recorder) Outcome { return again("busy") })
		plan := planOf(step("a create"), step("b create"), step("c create"))
		r := perform(t, t.Context(), plan, driver, Options{RetryBudget: 4, Limits: Limits{Parallelism: 1}, jitter: ceiling})
		expect(t, "steps", []string{
			"a create: failed, the run has spent all its retries",
			"b create: failed, the run has spent all its retries",
			"c create: failed, the run has spent all its retries"}, said(r.report))
		tries := 0
		for _, s := range r.report.Steps {
			tries += s.Tries
		}
		expect(t, "tries of all", 3+4, tries)

		r = perform(t, t.Context(), plan, driver, Options{MaxAttempts: 2})
		for _, s := range r.report.Steps {
			expect(t, "tries of one", 2, s.Tries)
		}
		r = perform(t, t.Context(), plan, driver, Options{})
		expect(t, "tries of one by default", 4, r.report.Steps[0].Tries)
	})
}

func TestOnlyFailedIsRetried(t *testing.T) {
	driver := driverFunc(func(_ context.Context, s planner.Step, _ Recorder) Outcome {
		o := map[string]Outcome{
			"a": {Status: Indeterminate}, "b": {Status: Blocked}, "c": {Status: Succeeded}, "d": failed("capacity", "none"),
		}[s.Key]
		o.Retry = s.Key != "d"
		return o
	})
	r := perform(t, t.Context(), planOf(step("a create"), step("b create"), step("c create"), step("d create")), driver, Options{})
	for _, s := range r.report.Steps {
		expect(t, string(s.ID), 1, s.Tries)
	}
}

func TestWaitingForATryHoldsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			if s.Key == "a" && first {
				first = false
				return again("busy")
			}
			return lasting(10*time.Second)(ctx, s, rec)
		})
		began := time.Now()
		r := perform(t, t.Context(), planOf(step("a create"), step("b create")), driver, Options{Limits: Limits{Parallelism: 1}, jitter: ceiling})
		expect(t, "steps", []string{"a create: succeeded", "b create: succeeded"}, said(r.report))
		expect(t, "b started", began.UTC(), *r.report.Steps[1].Started)
		expect(t, "duration", 20*time.Second, time.Since(began)) // a waits for b's place
	})
}

func TestFullJitter(t *testing.T) {
	for try, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 500: time.Minute} {
		expect(t, fmt.Sprintf("ceiling after try %d", try), want, retryCeiling(try))
	}
	low, high := time.Second, time.Duration(0)
	for range 2000 {
		wait := fullJitter(time.Second)
		if wait < 0 || wait > time.Second || wait%time.Millisecond != 0 {
			t.Fatalf("wait %s", wait)
		}
		low, high = min(low, wait), max(high, wait)
	}
	if low > 50*time.Millisecond || high < 950*time.Millisecond {
		t.Errorf("waits from %s to %s do not use all of a second", low, high)
	}
}
