package executor

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"zfleet/planner"
)

// Report says what a run did: every machine and every step of the plan is in
// it, with exactly one status.
type Report struct {
	FormatVersion string        `json:"format_version"`
	RunID         string        `json:"runId"`
	Resumes       string        `json:"resumes,omitempty"` // id of the run whose rest this run did
	Scope         planner.Scope `json:"scope"`
	PlanDigest    string        `json:"planDigest"`
	Started       time.Time     `json:"started"`
	Ended         *time.Time    `json:"ended,omitempty"` // nil: the run is going on, or was killed
	// Stopped is why admission ended early, or empty.
	Stopped string `json:"stopped,omitempty"`
	// Resume is the shell command that settles what is unknown and does what was
	// not done. It is there only while the run has something left.
	Resume string `json:"resumeCommand,omitempty"`
	// Others are the runs that are known to have been at work on the fleet at
	// the same time, each once, by id.
	Others   []OtherRun      `json:"others,omitempty"`
	Totals   Totals          `json:"totals"` // of steps
	Machines []MachineResult `json:"machines"`
	Steps    []StepResult    `json:"steps"`
}

// Totals counts steps by status; the numbers add up to the plan's steps.
type Totals struct {
	Succeeded     int `json:"succeeded"`
	Failed        int `json:"failed"`
	Indeterminate int `json:"indeterminate"`
	Skipped       int `json:"skipped"`
	Blocked       int `json:"blocked"`
	NotStarted    int `json:"notStarted"`
}

// MachineResult is what became of one machine: the worst status of its steps,
// indeterminate before failed before blocked before skipped before not-started.
type MachineResult struct {
	PlannedMachine
	Status          Status   `json:"status"`
	DurationSeconds float64  `json:"durationSeconds"`
	Facts           *Facts   `json:"facts,omitempty"`
	Failure         *Failure `json:"failure,omitempty"` // of the first step that ended with this status
}

// StepResult is what became of one step.
type StepResult struct {
	PlannedStep
	Status          Status     `json:"status"`
	Started         *time.Time `json:"started,omitempty"`
	DurationSeconds float64    `json:"durationSeconds"`
	Tries           int        `json:"tries"`
	Attempts        []Attempt  `json:"attempts,omitempty"`
	Failure         *Failure   `json:"failure,omitempty"`
	Facts           *Facts     `json:"facts,omitempty"`
	Note            string     `json:"note,omitempty"`
	MadeBy          *OtherRun  `json:"madeBy,omitempty"` // another run that did it, where that is known
}

// Unfinished reports whether a run has something left that resuming it may do.
// Steps that failed were tried to their end. What a resumed run found blocked
// waits for the server, which may have decided by now.
func (r *Report) Unfinished() bool {
	waits := slices.ContainsFunc(r.Machines, func(m MachineResult) bool { return m.Status == Blocked && !m.Protected })
	return r.Ended == nil || r.Totals.NotStarted+r.Totals.Indeterminate > 0 || r.Resumes != "" && waits
}

// Attempt is one mutating request of a step.
type Attempt struct {
	At        time.Time `json:"at"`
	Operation string    `json:"operation"`
	JobUUID   string    `json:"jobUuid"`
}

// DecodeReport reads a report from its JSON. It refuses what a newer major
// version wrote, and what is JSON but no report.
func DecodeReport(data []byte) (*Report, error) {
	var report Report
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if _, err := checkFormat(report.FormatVersion); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	for _, step := range report.Steps {
		if !step.Status.valid() {
			return nil, fmt.Errorf("report: step %q: unknown status %q", step.ID, step.Status)
		}
	}
	for _, machine := range report.Machines {
		if !machine.Status.valid() {
			return nil, fmt.Errorf("report: machine %q: unknown status %q", machine.Key, machine.Status)
		}
	}
	return &report, nil
}
