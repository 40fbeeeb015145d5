package executor

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/planner"
)

// unreachable is what a driver says when no request left.
func unreachable() Outcome {
	o := failed("transport", "connection refused")
	o.Retry = true
	return o
}

// admissions lists what was said about admission, with the waits of pauses.
func admissions(events []Event) []string {
	var said []string
	for _, e := range events {
		switch e := e.(type) {
		case AdmissionPaused:
			said = append(said, fmt.Sprintf("paused %s: %s", time.Duration(e.WaitMS)*time.Millisecond, e.Reason))
		case AdmissionResumed:
			said = append(said, "resumed")
		case AdmissionStopped:
			said = append(said, "stopped: "+e.Reason)
		}
	}
	return said
}

func creations(n int) *planner.Plan {
	var steps []planner.Step
	for i := range n {
		steps = append(steps, step(fmt.Sprintf("m/%d create", i)))
	}
	return planOf(steps...)
}

// outage is a driver whose server is away for a while. It counts what it is
// asked in that time.
func outage(from, until time.Duration, asked *atomic.Int32) driverFunc {
	began := time.Now()
	return func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
		var n int
		_, _ = fmt.Sscanf(s.Key, "m/%d", &n)
		time.Sleep(time.Second + time.Duration(n)*time.Millisecond) // no two at once: which comes first would be chance
		if at := time.Since(began); from <= at && at < until {
			asked.Add(1)
			return unreachable()
		}
		return lasting(time.Second)(ctx, s, rec)
	}
}

func TestOutage(t *testing.T) {
	for name, c := range map[string]struct {
		until time.Duration
		want  Totals
		asked int32 // at most
		said  []string
	}{
		"shorter than the breaker notices": {2 * time.Second, Totals{Succeeded: 40}, 4, nil},
		"a minute": {time.Minute, Totals{Succeeded: 40}, 13, []string{"paused 5s: server-unreachable", "paused 10s: server-unreachable",
			"paused 20s: server-unreachable", "paused 40s: server-unreachable", "resumed"}},
		"for ever": {24 * time.Hour, Totals{Failed: 8, NotStarted: 32}, 16, []string{"paused 5s: server-unreachable", "paused 10s: server-unreachable",
			"paused 20s: server-unreachable", "paused 40s: server-unreachable", "paused 1m0s: server-unreachable", "paused 1m0s: server-unreachable",
			"stopped: server-unreachable"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				opts := Options{Limits: Limits{Parallelism: 4}, jitter: func(d time.Duration) time.Duration { return d / 2 }}
				r := perform(t, t.Context(), creations(40), outage(0, c.until, &asked), opts)
				expect(t, "totals", c.want, r.report.Totals)
				expect(t, "admission", c.said, admissions(r.events))
				if asked.Load() > c.asked {
					t.Errorf("the server was asked %d times while it was away, want at most %d", asked.Load(), c.asked)
				}
			})
		})
	}
}

// Lost answers end steps: probes then are steps that had not begun.
func TestOutageThatLosesAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inFlight := 0
		driver := driverFunc(func(_ context.Context, _ planner.Step, rec Recorder) Outcome {
			if _, err := rec.Attempt("create"); err != nil {
				t.Error(err)
			}
			inFlight++
			if time.Sleep(time.Second); inFlight > 1 && time.Now().After(time.Date(2000, 1, 1, 0, 0, 10, 0, time.UTC)) {
				t.Errorf("%d probes at once", inFlight)
			}
			inFlight--
			return Outcome{Status: Indeterminate, Failure: &Failure{Class: "transport", Message: "the answer was lost"}}
		})
		r := perform(t, t.Context(), creations(20), driver, Options{Limits: Limits{Parallelism: 1}})
		expect(t, "totals", Totals{Indeterminate: breakerFailures + maxProbes, NotStarted: 20 - breakerFailures - maxProbes}, r.report.Totals)
		expect(t, "reason", "server-unreachable", r.report.Stopped)
	})
}

func TestAnswersKeepAdmissionOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		driver := driverFunc(func(_ context.Context, s planner.Step, _ Recorder) Outcome {
			var n int
			_, _ = fmt.Sscanf(s.Key, "m/%d", &n)
			switch {
			case n < 10:
				return failed("capacity", "no room")
			case n%5 == 0: // an answer in time
				return failed("input", "no such image")
			}
			return failed("transport", "no answer")
		})
		r := perform(t, t.Context(), creations(40), driver, Options{Limits: Limits{Parallelism: 1}})
		expect(t, "totals", Totals{Failed: 40}, r.report.Totals)
		expect(t, "admission", []string(nil), admissions(r.events))
	})
}

func TestInterruptInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		time.AfterFunc(7500*time.Millisecond, func() { close(stop) })
		began := time.Now()
		var asked atomic.Int32
		opts := Options{Limits: Limits{Parallelism: 5}, Stop: stop, jitter: func(time.Duration) time.Duration { return time.Second }}
		r := perform(t, t.Context(), creations(20), outage(0, time.Hour, &asked), opts)
		expect(t, "totals", Totals{Failed: 9, NotStarted: 11}, r.report.Totals)
		expect(t, "admission", []string{"paused 5s: server-unreachable", "paused 10s: server-unreachable", "stopped: interrupted"}, admissions(r.events))
		expect(t, "duration", 7500*time.Millisecond, time.Since(began))
	})
}
