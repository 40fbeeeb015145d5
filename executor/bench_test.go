package executor

import (
	"context"
	"fmt"
	"testing"

	"zfleet/planner"
)

// BenchmarkSchedule measures what a run costs besides its operations: steps of
// no duration in pairs, all of them counting against limits that are full.
func BenchmarkSchedule(b *testing.B) {
	driver := driverFunc(func(_ context.Context, _ planner.Step, rec Recorder) Outcome {
		if _, err := rec.Attempt("op"); err != nil {
			return failed("internal", err.Error())
		}
		return Outcome{Status: Succeeded}
	})
	limits := Limits{Parallelism: 16, PerClass: map[planner.UseClass]int{planner.UseSource: 4}}
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var steps []planner.Step
			for i := range n / 2 {
				source := fmt.Sprint("source-", i*3/n) // two, the first is used by most
				stop := using(step(fmt.Sprintf("m/%d stop", i)), source)
				steps = append(steps, stop, using(step(fmt.Sprintf("m/%d start", i), string(stop.ID)), source))
			}
			plan := planOf(steps...)
			b.ReportAllocs()
			for b.Loop() {
				report, err := Run(b.Context(), plan, driver, &Journal{file: &disk{}}, Options{Limits: limits})
				if err != nil || report.Totals.Succeeded != n {
					b.Fatalf("%v, %+v", err, report.Totals)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/step")
		})
	}
}

func BenchmarkFold(b *testing.B) {
	events := []Event{everyEvent()[0]}
	start := runStarted(planOf(), Options{RunID: "run-1"}, noon)
	for i := range 10_000 {
		s := step(fmt.Sprintf("m/%d create", i))
		start.Machines = append(start.Machines, PlannedMachine{Key: s.Key, Action: planner.Create})
		start.Steps = append(start.Steps, PlannedStep{ID: s.ID, Key: s.Key, Verb: "create"})
		events = append(events,
			StepStarted{At: noon, Step: s.ID, Try: 1},
			AttemptStarted{At: noon, Step: s.ID, Operation: "create VM", JobUUID: "01"},
			StepFinished{At: noon, Step: s.ID, Status: Succeeded})
	}
	events[0] = start
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Fold(events); err != nil {
			b.Fatal(err)
		}
	}
}
