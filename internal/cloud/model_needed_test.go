package cloud

import (
	"time"

	"zfleet/internal/simulator"
	"zfleet/planner"
)

// loose says that what the server has at work tells nothing about the client:
// it may have been told that there is no such job, or nothing yet.
func (t modelTrouble) loose() bool { return t.belated || t.denied }

// needed wants each request of a step to be sent for a reason: none while an
// earlier one of the step is at work, and none after the server has done it and
// shows so.
func (c *modelCheck) needed() {
	type sender struct {
		step      planner.StepID
		operation string // a step may send several
	}
	before := make(map[sender]simulator.Job)
	for _, job := range c.jobs {
		step := c.steps[c.sender[job.UUID]]
		earlier, again := before[sender{step.ID, job.Operation}]
		before[sender{step.ID, job.Operation}] = job
		switch step.Op.(type) {
		case planner.TagDisks, planner.RemoveTag: // several requests of a kind
			continue
		case planner.StopVM:
			if job.Operation == "CreateUserTag" { // each stop has a tag of its own
				continue
			}
		}
		if !again {
			continue
		}
		if !c.run.trouble.loose() && (earlier.Ended.IsZero() || earlier.Ended.After(job.Created)) {
			c.t.Errorf("%s: %s was sent while an earlier one was at work", step.ID, job.Operation)
		}
		// A try looks before it ends that calls for another one.
		for _, at := range c.retried[step.ID] {
			if earlier.Status == 200 && earlier.Ended.Before(at.Add(-100*time.Millisecond)) && job.Created.After(at) && earlier.Created.Before(at) {
				c.t.Errorf("%s: %s was sent again after it had been done", step.ID, job.Operation)
				break
			}
		}
	}
}
