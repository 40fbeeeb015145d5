package executor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"zfleet/planner"
)

// Fold builds the report of a run from its events. A journal that ends early
// gives the report of a run that was killed: what was in flight then is
// Indeterminate if a request may have left, and NotStarted if none did.
//
// The error is for events that no run can have written.
func Fold(events []Event) (*Report, error) {
	var f folder
	for i, event := range events {
		if err := f.add(event); err != nil {
			return nil, fmt.Errorf("event %d, %s: %w", i+1, event.Type(), err)
		}
	}
	return f.report()
}

// folder is a fold in progress. Reports come from here and from nowhere else.
type folder struct {
	start   *RunStarted
	steps   []folded // as in start.Steps
	index   map[planner.StepID]int
	vms     map[string]string // by machine: the UUID of its VM
	facts   map[string]*Facts // by machine: what is known of its VM
	stopped string
	ended   *time.Time
	last    time.Time // of the last event
}

// folded is what is known of a step so far.
type folded struct {
	result   StepResult
	finished bool
	ended    time.Time
	// sent says that a request of the current try may have left.
	sent bool
	// refused is why the last try failed, once it is known to have done nothing.
	refused *Failure
}

// add takes in the next event.
func (f *folder) add(event Event) error {
	if start, ok := event.(RunStarted); ok {
		return f.begin(start)
	}
	if f.start == nil {
		return errors.New("it stands before the run's start")
	}
	switch e := event.(type) {
	case StepStarted:
		return f.update(e.Step, e.At, func(s *folded) {
			if s.result.Started == nil {
				s.result.Started = &e.At
			}
			s.result.Tries = e.Try
		})
	case AttemptStarted:
		return f.update(e.Step, e.At, func(s *folded) {
			s.result.Attempts = append(s.result.Attempts, Attempt{At: e.At, Operation: e.Operation, JobUUID: e.JobUUID})
			s.sent = true
		})
	case StepRetried:
		return f.update(e.Step, e.At, func(s *folded) {
			s.sent, s.refused = false, &e.Failure
		})
	case StepFinished:
		return f.finish(e)
	case AdmissionStopped:
		f.last = e.At
		if f.stopped == "" {
			f.stopped = e.Reason
		}
	case RunFinished:
		f.last, f.ended = e.At, &e.At
	case AdmissionPaused:
		f.last = e.At
	case AdmissionResumed:
		f.last = e.At
	case StepPhase:
	}
	return nil
}

func (f *folder) begin(start RunStarted) error {
	if f.start != nil {
		return errors.New("the run has started before")
	}
	f.start, f.last = &start, start.At
	f.steps = make([]folded, len(start.Steps))
	f.index = make(map[planner.StepID]int, len(start.Steps))
	f.facts = make(map[string]*Facts)
	f.vms = make(map[string]string, len(start.Machines))
	for _, machine := range start.Machines {
		f.vms[machine.Key] = machine.UUID
	}
	for i, step := range start.Steps {
		if _, twice := f.index[step.ID]; twice {
			return fmt.Errorf("two steps are called %q", step.ID)
		}
		f.index[step.ID] = i
		f.steps[i].result = StepResult{PlannedStep: step, Status: NotStarted}
	}
	return nil
}

// update changes a step that has not finished.
func (f *folder) update(id planner.StepID, at time.Time, change func(*folded)) error {
	i, ok := f.index[id]
	if !ok {
		return fmt.Errorf("the run has no step %q", id)
	}
	if f.steps[i].finished {
		return fmt.Errorf("step %q had finished", id)
	}
	f.last = at
	change(&f.steps[i])
	return nil
}

func (f *folder) finish(e StepFinished) error {
	if !e.Status.valid() {
		return fmt.Errorf("step %q: unknown status %q", e.Step, e.Status)
	}
	return f.update(e.Step, e.At, func(s *folded) {
		s.finished, s.ended = true, e.At
		r := &s.result
		r.Status, r.Failure, r.Facts, r.Note, r.MadeBy = e.Status, e.Failure, e.Facts, e.Note, e.MadeBy
		f.learn(r.Key, e.Facts)
	})
}

// learn keeps the last that is known of a machine. Where one VM replaces
// another, what is known of the one that goes does not hide the one that stays.
func (f *folder) learn(key string, facts *Facts) {
	if facts == nil {
		return
	}
	known := f.facts[key]
	if known == nil || known.UUID != f.vms[key] || facts.UUID == known.UUID {
		f.facts[key] = facts
	}
}

// valid reports whether a status is one of those that a step ends with.
func (s Status) valid() bool { return slices.Contains(statuses[:], s) }

// statuses is every status, the worst for a machine first.
var statuses = [...]Status{Indeterminate, Failed, Blocked, Skipped, NotStarted, Succeeded}

// report closes the fold. What has not finished by now never will.
func (f *folder) report() (*Report, error) {
	if f.start == nil {
		return nil, errors.New("the journal is empty: the run was killed before it did anything")
	}
	r := &Report{
		FormatVersion: formatVersion,
		RunID:         f.start.RunID,
		Resumes:       f.start.Resumes,
		Scope:         f.start.Scope,
		PlanDigest:    f.start.PlanDigest,
		Started:       f.start.At,
		Ended:         f.ended,
		Stopped:       f.stopped,
		Machines:      make([]MachineResult, 0, len(f.start.Machines)),
		Steps:         make([]StepResult, 0, len(f.steps)),
	}
	byKey := make(map[string][]folded, len(f.start.Machines))
	for _, step := range f.steps {
		if !step.finished {
			f.abandon(&step)
		}
		step.result.DurationSeconds = seconds(step.result.Started, step.ended)
		r.Totals.count(step.result.Status)
		r.Steps = append(r.Steps, step.result)
		if other := step.result.MadeBy; other != nil && !slices.Contains(r.Others, *other) {
			r.Others = append(r.Others, *other)
		}
		byKey[step.result.Key] = append(byKey[step.result.Key], step)
	}
	slices.SortFunc(r.Others, func(a, b OtherRun) int {
		return cmp.Or(cmp.Compare(a.RunID, b.RunID), cmp.Compare(a.Host, b.Host))
	})
	for _, machine := range f.start.Machines {
		r.Machines = append(r.Machines, machineResult(machine, byKey[machine.Key], f.facts[machine.Key]))
	}
	if r.Unfinished() {
		r.Resume = f.start.Resume
	}
	return r, nil
}

// abandon says what is true of a step that has no end. It was in flight, or
// waited for another try, until the last that is known of the run.
func (f *folder) abandon(s *folded) {
	r := &s.result
	switch {
	case r.Started == nil:
		return
	case s.sent:
		attempt := r.Attempts[len(r.Attempts)-1]
		r.Status = Indeterminate
		r.Failure = &Failure{
			Class:     "transport",
			Operation: attempt.Operation,
			Message:   "the run was killed before the answer came",
			Hint:      "plan again: the plan shows what became of it",
		}
	case s.refused != nil:
		r.Status, r.Failure = Failed, s.refused
		r.Note = "the run was killed before the next try"
	default:
		r.Note = "started, nothing was sent"
	}
	s.ended = f.last
}

// machineResult is what its steps say about a machine. A machine without steps
// is blocked if the plan says so; else there was nothing to do.
func machineResult(machine PlannedMachine, steps []folded, facts *Facts) MachineResult {
	result := MachineResult{PlannedMachine: machine, Status: Succeeded, Facts: facts}
	if machine.Action == planner.Blocked {
		result.Status = Blocked
	}
	var (
		started *time.Time
		ended   time.Time
	)
	for _, s := range steps {
		if worse(s.result.Status, result.Status) {
			result.Status, result.Failure = s.result.Status, s.result.Failure
		}
		if at := s.result.Started; at != nil && (started == nil || at.Before(*started)) {
			started = at
		}
		if s.result.Started != nil && s.ended.After(ended) {
			ended = s.ended
		}
	}
	result.DurationSeconds = seconds(started, ended)
	return result
}

func worse(a, b Status) bool {
	return slices.Index(statuses[:], a) < slices.Index(statuses[:], b)
}

// seconds is the time between two events, never negative: the clock of events
// is the wall's, which may be set back.
func seconds(start *time.Time, end time.Time) float64 {
	if start == nil || end.Before(*start) {
		return 0
	}
	return end.Sub(*start).Seconds()
}

func (t *Totals) count(s Status) {
	switch s {
	case Succeeded:
		t.Succeeded++
	case Failed:
		t.Failed++
	case Indeterminate:
		t.Indeterminate++
	case Skipped:
		t.Skipped++
	case Blocked:
		t.Blocked++
	case NotStarted:
		t.NotStarted++
	}
}
