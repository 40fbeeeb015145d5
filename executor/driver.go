package executor

import (
	"context"
	"time"

	"zfleet/planner"
)

// Driver performs steps. Perform may be called from many goroutines at once.
//
// Perform returns when the outcome is known, or when it cannot be learned
// within the driver's own bounds; then the outcome's status is Indeterminate.
// It asks rec for a job UUID before each mutating request; when that fails, the
// request must not be sent. When ctx ends, Perform stops waiting and says what
// it knows: a request that may have arrived is Indeterminate, never Failed.
type Driver interface {
	Perform(ctx context.Context, step planner.Step, rec Recorder) Outcome
}

// Recorder is how a driver makes its work known while a step is performed.
type Recorder interface {
	// Attempt draws a job UUID for one mutating request and records it durably.
	// On an error nothing may be sent.
	Attempt(operation string) (jobUUID string, err error)
	// AttemptAs records one mutating request that leaves under a job UUID which
	// somebody else has drawn, durably too.
	AttemptAs(operation, jobUUID string) error
	// Phase tells what the step is doing, for eyes only.
	Phase(text string)
}

// Outcome is what became of one performance of a step.
type Outcome struct {
	// Status is Succeeded, Failed, Indeterminate or Blocked.
	Status Status
	// Retry says that the step is known to have done nothing and may be
	// performed again after a while; only with Failed.
	Retry bool
	// Failure says why, when the status is not Succeeded.
	Failure *Failure
	// Facts are what is known of the step's VM afterwards, or nil.
	Facts *Facts
	// Note is one line for the report even on success ("was already gone").
	Note string
	// MadeBy is another run that did what the step was to do, where that is
	// known, or nil.
	MadeBy *OtherRun
}

// OtherRun is a run at work on the same fleet that is not this one.
type OtherRun struct {
	RunID string `json:"runId"`
	Host  string `json:"host,omitempty"` // the computer that it ran on
}

// Status is how a step, or a machine, ended.
type Status string

// The statuses. Every step of a plan ends with exactly one.
const (
	Succeeded     Status = "succeeded"
	Failed        Status = "failed"
	Indeterminate Status = "indeterminate" // the outcome could not be learned
	Skipped       Status = "skipped"       // a need did not succeed
	Blocked       Status = "blocked"       // cannot be done or decided now
	NotStarted    Status = "not-started"   // the run ended before the step's turn
)

// Failure is the reason of a bad outcome as the server or the driver gave it.
type Failure struct {
	// Class is transient, capacity, quota, input, auth, not-found, internal or transport.
	Class       string  `json:"class"`
	Operation   string  `json:"operation,omitempty"`
	Code        string  `json:"code,omitempty"` // of the outermost error
	Description string  `json:"description,omitempty"`
	Details     string  `json:"details,omitempty"`
	Chain       []Cause `json:"chain,omitempty"`  // outermost first
	Message     string  `json:"message"`          // one line for people
	Hint        string  `json:"hint,omitempty"`   // the next thing to do
	Settle      string  `json:"settle,omitempty"` // shell command that does it, where there is one
}

// Cause is one link of a server's cause chain.
type Cause struct {
	Code        string `json:"code"`
	Description string `json:"description,omitempty"`
	Details     string `json:"details,omitempty"`
}

// Facts are what is known of a VM after a step.
type Facts struct {
	UUID  string   `json:"uuid"`
	Name  string   `json:"name,omitempty"`
	State string   `json:"state,omitempty"`
	IPs   []string `json:"ips,omitempty"`
	// Host is the host's name where it is known, else its UUID.
	Host string `json:"host,omitempty"`
}

// Options steer a run.
type Options struct {
	RunID    string
	Resumes  string // id of the run whose rest this run does, or empty
	Resume   string // shell command that does what this run leaves, or empty; it stands in the record
	Limits   Limits
	Observer func(Event) // called from one goroutine, in order, after the journal has the event; may be nil
	// Stop, when closed, admits nothing more and lets what is in flight finish.
	Stop <-chan struct{}
	// StopWhy says why Stop was closed: "interrupted" or "timeout"; nil means
	// the first.
	StopWhy func() string
	// Now is the clock of events; nil means time.Now.
	Now func() time.Time
	// MaxAttempts bounds how often one step is performed, RetryBudget how many
	// retries the whole run may spend. Zero means the defaults, 4 and 100.
	MaxAttempts int
	RetryBudget int

	// Set by tests where chance must not decide; nil means random.
	newJobUUID func() string
	jitter     func(ceiling time.Duration) time.Duration
}

// Limits bound how much is in flight at once. Zero means no limit, except for
// Parallelism, where it means DefaultParallelism.
type Limits struct {
	Parallelism int
	PerClass    map[planner.UseClass]int // for each key of the class
}

// DefaultParallelism is how many steps are in flight when nothing was said.
const DefaultParallelism = 16
