package executor

import (
	"time"

	"zfleet/planner"
)

// Event is something that happened in a run: one of the types below and no
// other. Events are data: readers fold them, renderers show them.
type Event interface {
	// Type is the stable name of the event in journals and event streams.
	Type() string
	event()
}

// RunStarted is the first event of a run. It carries what the report needs to
// account for every step even if nothing else is ever written.
type RunStarted struct {
	At         time.Time        `json:"at"`
	Format     string           `json:"format_version"`
	RunID      string           `json:"runId"`
	Resumes    string           `json:"resumes,omitempty"` // id of the run whose rest this run does
	Scope      planner.Scope    `json:"scope"`
	PlanDigest string           `json:"planDigest"`
	Resume     string           `json:"resumeCommand,omitempty"` // shell command that does what this run leaves
	Machines   []PlannedMachine `json:"machines"`                // all changes but keep
	Steps      []PlannedStep    `json:"steps"`
}

// PlannedMachine is one change of the plan, as far as a report shows it.
type PlannedMachine struct {
	Key    string         `json:"key"`
	Name   string         `json:"name"`
	Action planner.Action `json:"action"`
	UUID   string         `json:"uuid,omitempty"`
	Reason string         `json:"reason,omitempty"`
	// Protected marks a machine that is blocked only because it is protected.
	// That is as its owner wants it, not a failure.
	Protected bool `json:"protected,omitempty"`
}

// PlannedStep is one step of the plan, as far as a report shows it.
type PlannedStep struct {
	ID    planner.StepID   `json:"id"`
	Key   string           `json:"key"`
	Verb  string           `json:"verb"`
	UUID  string           `json:"uuid,omitempty"`
	Needs []planner.StepID `json:"needs,omitempty"`
}

// StepStarted says that a step was admitted: performance number Try, from 1.
type StepStarted struct {
	At   time.Time      `json:"at"`
	Step planner.StepID `json:"step"`
	Try  int            `json:"try"`
}

// AttemptStarted is on disk before a mutating request leaves.
type AttemptStarted struct {
	At        time.Time      `json:"at"`
	Step      planner.StepID `json:"step"`
	Operation string         `json:"operation"`
	JobUUID   string         `json:"jobUuid"`
}

// StepPhase tells what a step is doing. It goes to observers, not to the journal.
type StepPhase struct {
	At   time.Time      `json:"at"`
	Step planner.StepID `json:"step"`
	Text string         `json:"text"`
}

// StepRetried says that a performance failed in a way that did nothing, and
// that the step waits for another.
type StepRetried struct {
	At      time.Time      `json:"at"`
	Step    planner.StepID `json:"step"`
	Try     int            `json:"try"`
	Failure Failure        `json:"failure"`
	WaitMS  int64          `json:"waitMs"`
}

// StepFinished says how a step ended.
type StepFinished struct {
	At      time.Time      `json:"at"`
	Step    planner.StepID `json:"step"`
	Status  Status         `json:"status"`
	Failure *Failure       `json:"failure,omitempty"`
	Facts   *Facts         `json:"facts,omitempty"`
	Note    string         `json:"note,omitempty"`
	MadeBy  *OtherRun      `json:"madeBy,omitempty"`
}

// AdmissionPaused says that steps start only one by one for now, and why; the
// next after WaitMS. It is said again after each of them that changes nothing.
type AdmissionPaused struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"` // "server-unreachable"
	Detail string    `json:"detail,omitempty"`
	WaitMS int64     `json:"waitMs"`
}

// AdmissionResumed says that steps start as before again.
type AdmissionResumed struct {
	At time.Time `json:"at"`
}

// AdmissionStopped says that no further step starts, and why.
type AdmissionStopped struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"` // "interrupted", "timeout", "journal", "auth", "server-unreachable"
	Detail string    `json:"detail,omitempty"`
}

// RunFinished is the last event of a run that came to its end.
type RunFinished struct {
	At time.Time `json:"at"`
}

// Types, in journals for ever.
func (RunStarted) Type() string       { return "run-started" }
func (StepStarted) Type() string      { return "step-started" }
func (AttemptStarted) Type() string   { return "attempt-started" }
func (StepPhase) Type() string        { return "step-phase" }
func (StepRetried) Type() string      { return "step-retried" }
func (StepFinished) Type() string     { return "step-finished" }
func (AdmissionPaused) Type() string  { return "admission-paused" }
func (AdmissionResumed) Type() string { return "admission-resumed" }
func (AdmissionStopped) Type() string { return "admission-stopped" }
func (RunFinished) Type() string      { return "run-finished" }

func (RunStarted) event()       {}
func (StepStarted) event()      {}
func (AttemptStarted) event()   {}
func (StepPhase) event()        {}
func (StepRetried) event()      {}
func (StepFinished) event()     {}
func (AdmissionPaused) event()  {}
func (AdmissionResumed) event() {}
func (AdmissionStopped) event() {}
func (RunFinished) event()      {}
