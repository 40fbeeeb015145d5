package cloud

import (
	"zfleet/planner"
)

// again applies a plan that was carried out with trouble once more, as a plan
// file is. What its own run did is no reason to refuse it.
func (w *modelWorld) again(phase modelPhase, plan *planner.Plan) {
	w.t.Helper()
	w.settle()
	p := w.processFor(phase)
	now, err := Reread(w.t.Context(), p.client, plan.Touches(), nil)
	if err != nil {
		w.t.Fatalf("reading again: %v", err)
	}
	settled := planner.Settle(plan, now)
	for _, moved := range settled.Moved {
		w.t.Errorf("nobody else was at work, but %s moved: %s", moved.Key, moved.What)
	}
	rest := settled.WithoutMoved()
	w.say("the plan again: %s", planned(rest))
	run := p.carryOut(rest, modelSecrets(phase.fleet), modelTrouble{})
	w.check(run)
	w.say("→ %+v %s", run.report.Totals, unsuccessful(run.report))
	if run.report.Totals.Succeeded != len(rest.Steps) {
		w.t.Errorf("the plan applied again does not do it all: %s", unsuccessful(run.report))
	}
}
