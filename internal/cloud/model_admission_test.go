package cloud

import (
	"time"

	"zfleet/executor"
	"zfleet/planner"
)

// What a run promises of its tries.
const (
	modelTries   = 4 // of a step, as long as there is a server
	modelSilence = 5 // outcomes in a row without a server, before admission pauses
)

// modelAdmission follows the events of a run for what may start when.
type modelAdmission struct {
	*modelCheck
	tries  map[planner.StepID]int
	due    map[planner.StepID]time.Time
	silent int  // outcomes in a row that show no server
	paused bool // and has it ever been
	ever   bool
	probe  planner.StepID // at work while admission is paused
}

// admission wants a step to be tried again only for what passes, after its
// wait, and a bounded number of times; and a server that is away to be left alone.
func (c *modelCheck) admission() {
	a := &modelAdmission{modelCheck: c, tries: make(map[planner.StepID]int), due: make(map[planner.StepID]time.Time)}
	for _, event := range c.run.events {
		switch e := event.(type) {
		case executor.StepStarted:
			a.started(e)
		case executor.StepRetried:
			a.due[e.Step] = e.At.Add(time.Duration(e.WaitMS) * time.Millisecond)
			if class := e.Failure.Class; class != classTransient && class != classTransport {
				c.t.Errorf("%s is tried again after a failure of class %s: %s", e.Step, class, e.Failure.Message)
			}
			if longest := min(time.Second<<(e.Try-1), time.Minute); e.WaitMS > longest.Milliseconds() {
				c.t.Errorf("%s waits %d ms after try %d, at most %s", e.Step, e.WaitMS, e.Try, longest)
			}
			a.ended(e.Step, &e.Failure)
		case executor.StepFinished:
			if e.Status != executor.Skipped {
				a.ended(e.Step, e.Failure)
			}
		case executor.AdmissionPaused:
			a.paused, a.ever = true, true
		case executor.AdmissionResumed:
			a.paused = false
		case executor.RunStarted, executor.AttemptStarted, executor.StepPhase, executor.AdmissionStopped, executor.RunFinished:
		}
	}
	for step, n := range a.tries {
		if n > modelTries && !a.ever {
			c.t.Errorf("%s was tried %d times", step, n)
		}
	}
}

func (a *modelAdmission) started(e executor.StepStarted) {
	if a.tries[e.Step]++; a.tries[e.Step] != e.Try {
		a.t.Errorf("%s: try %d is called %d", e.Step, a.tries[e.Step], e.Try)
	}
	if e.At.Before(a.due[e.Step]) {
		a.t.Errorf("%s is tried again before its wait is over", e.Step)
	}
	switch {
	case a.paused && a.probe != "":
		a.t.Errorf("%s started while admission was paused and %s probed", e.Step, a.probe)
	case a.paused:
		a.probe = e.Step
	case a.silent >= modelSilence:
		a.t.Errorf("%s started after %d outcomes in a row without a server", e.Step, a.silent)
	}
}

func (a *modelAdmission) ended(step planner.StepID, failure *executor.Failure) {
	if a.probe == step {
		a.probe = ""
	}
	a.silent++
	if failure == nil || failure.Class != classTransport {
		a.silent = 0
	}
}
