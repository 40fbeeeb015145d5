package render

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/planner"
)

// outcome is a report arranged for reading: what went wrong first, equal
// failures together. All renderings of a report for people are made from it.
type outcome struct {
	report     *executor.Report
	machines   executor.Totals // of machines, where the report's own count steps
	failures   []*failure      // indeterminate, failed, blocked
	skipped    []machine
	notStarted []machine
	succeeded  []machine
	notes      []executor.StepResult // steps with something to say although they succeeded
}

// machine is a machine of a report with its steps.
type machine struct {
	executor.MachineResult
	steps []executor.StepResult
}

// failure is one reason and the machines that it befell.
type failure struct {
	executor.Failure
	status   executor.Status
	action   planner.Action
	verb     string // of the step that failed, empty if none did
	machines []machine
	like     string
}

// outcomeOf arranges a report.
func outcomeOf(report *executor.Report) *outcome {
	o := &outcome{report: report}
	steps := make(map[string][]executor.StepResult)
	for _, s := range report.Steps {
		steps[s.Key] = append(steps[s.Key], s)
		if s.Note != "" && s.Status == executor.Succeeded {
			o.notes = append(o.notes, s)
		}
	}
	for _, result := range report.Machines {
		m := machine{MachineResult: result, steps: steps[result.Key]}
		switch m.Status {
		case executor.Succeeded:
			o.machines.Succeeded++
			o.succeeded = append(o.succeeded, m)
		case executor.Indeterminate:
			o.machines.Indeterminate++
			o.fail(m)
		case executor.Failed:
			o.machines.Failed++
			o.fail(m)
		case executor.Blocked:
			o.machines.Blocked++
			o.fail(m)
		case executor.Skipped:
			o.machines.Skipped++
			o.skipped = append(o.skipped, m)
		case executor.NotStarted:
			o.machines.NotStarted++
			o.notStarted = append(o.notStarted, m)
		}
	}
	rank := []executor.Status{executor.Indeterminate, executor.Failed, executor.Blocked}
	slices.SortStableFunc(o.failures, func(a, b *failure) int {
		return cmp.Compare(slices.Index(rank, a.status), slices.Index(rank, b.status))
	})
	return o
}

// fail files a machine under its failure.
func (o *outcome) fail(m machine) {
	f := &failure{status: m.Status, action: m.Action, machines: []machine{m}}
	if step := m.culprit(); step != nil {
		f.verb = step.Verb
	}
	switch {
	case m.Failure != nil:
		f.Failure = *m.Failure
	default:
		f.Failure.Message = cmp.Or(m.Reason, "no reason was recorded")
	}
	f.like = f.likeness()
	at := slices.IndexFunc(o.failures, func(g *failure) bool { return g.like == f.like })
	if at < 0 {
		o.failures = append(o.failures, f)
		return
	}
	o.failures[at].machines = append(o.failures[at].machines, m)
}

// uuidPattern matches UUIDs as the server writes them.
var uuidPattern = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// likeness is a text that two failures share if they are the same but for the
// names and UUIDs of their machines.
func (f *failure) likeness() string {
	m := f.machines[0]
	parts := []string{string(f.status), string(f.action), f.verb, f.Class, f.Operation, f.Code, f.Message,
		f.Description, f.Details, f.Hint}
	for _, cause := range f.Chain {
		parts = append(parts, cause.Code, cause.Description, cause.Details)
	}
	text := uuidPattern.ReplaceAllString(strings.Join(parts, "\x00"), "…")
	text = strings.ReplaceAll(text, m.Key, "…")
	if m.Name != "" {
		text = strings.ReplaceAll(text, m.Name, "…")
	}
	return text
}

// deepest returns the last link of the cause chain, which is where servers say
// what really happened, or false if the chain adds nothing to the failure.
func (f *failure) deepest() (executor.Cause, bool) {
	if len(f.Chain) == 0 {
		return executor.Cause{}, false
	}
	last := f.Chain[len(f.Chain)-1]
	return last, last.Code != f.Code || last.Details != f.Details
}

// title is the first line of a failure: class, code and message, as far as known.
func (f *failure) title() string {
	title := f.Message
	if f.Code != "" {
		title = f.Code + ": " + title
	}
	if f.Class != "" {
		title = f.Class + ": " + title
	}
	return title
}

// culprit returns the first step that ended as the machine did, nil if none.
func (m machine) culprit() *executor.StepResult {
	for i := range m.steps {
		if m.steps[i].Status == m.Status {
			return &m.steps[i]
		}
	}
	return nil
}

// jobs returns the ids of the requests of the step that decided the machine's
// status, the last first: that is the one to ask the server about.
func (m machine) jobs() []string {
	step := m.culprit()
	if step == nil {
		return nil
	}
	var ids []string
	for _, a := range slices.Backward(step.Attempts) {
		ids = append(ids, a.JobUUID)
	}
	return ids
}

// vm says what is known of the machine's VM: "<uuid>, Running on host-3, 10.0.0.7".
func (m machine) vm() string {
	var parts []string
	uuid, facts := m.UUID, m.Facts
	if facts != nil && facts.UUID != "" {
		uuid = facts.UUID
	}
	if uuid != "" {
		parts = append(parts, uuid)
	}
	if facts == nil {
		return strings.Join(parts, ", ")
	}
	state := facts.State
	if facts.Host != "" {
		state = strings.TrimSpace(state + " on " + facts.Host)
	}
	if state != "" {
		parts = append(parts, state)
	}
	return strings.Join(append(parts, facts.IPs...), ", ")
}

// tries says how often the deciding step was performed.
func (m machine) tries() int {
	if step := m.culprit(); step != nil {
		return step.Tries
	}
	return 0
}

func keysOf(machines []machine) []string {
	keys := make([]string, len(machines))
	for i, m := range machines {
		keys[i] = m.Key
	}
	return keys
}

// headline says in one line how the run went.
func (o *outcome) headline() string {
	t := o.machines
	all := len(o.report.Machines)
	verb := "applied"
	switch {
	case all == 0 && o.report.Ended != nil:
		return "applied: there was nothing to do"
	case o.report.Ended == nil:
		verb = "unfinished"
	case o.report.Stopped != "":
		verb = "stopped"
	case t.Succeeded == 0:
		verb = "not applied"
	}
	if t.Succeeded == all {
		return fmt.Sprintf("%s: %s succeeded", verb, plural(all, "machine"))
	}
	text := fmt.Sprintf("%s: %d of %s succeeded", verb, t.Succeeded, plural(all, "machine"))
	for _, c := range badCounts(t) {
		if c.n > 0 {
			text += fmt.Sprintf(", %d %s", c.n, c.word)
		}
	}
	return text
}

type count struct {
	n    int
	word string
}

func badCounts(t executor.Totals) []count {
	return []count{
		{t.Failed, "failed"},
		{t.Indeterminate, "indeterminate"},
		{t.Blocked, "blocked"},
		{t.Skipped, "skipped"},
		{t.NotStarted, "not started"},
	}
}

// totalsText writes all counts, also those that are zero.
func totalsText(t executor.Totals) string {
	text := fmt.Sprintf("%d succeeded", t.Succeeded)
	for _, c := range badCounts(t) {
		text += fmt.Sprintf(", %d %s", c.n, c.word)
	}
	return text
}

// ReportSummary is the last line of a report as text: the machines by status.
func ReportSummary(report *executor.Report) string {
	return "Run: " + totalsText(outcomeOf(report).machines) + "."
}

// origin says which run this was: id, fleet, begin and duration.
func (o *outcome) origin() string {
	r := o.report
	text := fmt.Sprintf("run %s, fleet %s, started %s", r.RunID, r.Scope, timeText(r.Started))
	if r.Ended == nil {
		return text + ", not ended: it is still going on, or was killed"
	}
	return text + ", took " + durationText(r.Ended.Sub(r.Started).Seconds())
}

// stopped says why admission ended early, or nothing.
func (o *outcome) stopped() string {
	if o.report.Stopped == "" {
		return ""
	}
	return "no further step was started: " + o.report.Stopped
}

// slowest returns the machines that took longest, at most n of them.
func (o *outcome) slowest(n int) []executor.MachineResult {
	timed := slices.DeleteFunc(slices.Clone(o.report.Machines), func(m executor.MachineResult) bool {
		return m.DurationSeconds == 0
	})
	slices.SortStableFunc(timed, func(a, b executor.MachineResult) int {
		return cmp.Compare(b.DurationSeconds, a.DurationSeconds)
	})
	return timed[:min(n, len(timed))]
}

// durations says how long machines took: the median and the slowest.
func (o *outcome) durations() string {
	timed := o.slowest(len(o.report.Machines))
	if len(timed) == 0 {
		return ""
	}
	text := "median " + durationText(timed[len(timed)/2].DurationSeconds) + " a machine"
	var slow []string
	for _, m := range timed[:min(3, len(timed))] {
		slow = append(slow, m.Key+" "+durationText(m.DurationSeconds))
	}
	return text + ", slowest " + strings.Join(slow, ", ")
}
