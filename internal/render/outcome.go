package render

import (
	"cmp"
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
	begun      []machine       // skipped or not started, but for what was done to them before
	skipped    []machine
	notStarted []machine
	protected  []machine // blocked as their owner wants it
	succeeded  []machine
	notes      []stepNote // of steps with something to say although they succeeded
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
	settle   []string // shell commands that settle it
	like     string
}

// machinesOf returns the machines of a report with their steps, in its order.
func machinesOf(report *executor.Report) []machine {
	steps := make(map[string][]executor.StepResult)
	for _, s := range report.Steps {
		steps[s.Key] = append(steps[s.Key], s)
	}
	machines := make([]machine, len(report.Machines))
	for i, result := range report.Machines {
		machines[i] = machine{MachineResult: result, steps: steps[result.Key]}
	}
	return machines
}

// outcomeOf arranges a report.
func outcomeOf(report *executor.Report) *outcome {
	o := &outcome{report: report}
	for _, s := range report.Steps {
		if s.Note != "" && s.Status == executor.Succeeded {
			o.note(s)
		}
	}
	for _, m := range machinesOf(report) {
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
			if m.protected() {
				o.protected = append(o.protected, m)
			} else {
				o.fail(m)
			}
		case executor.Skipped:
			o.machines.Skipped++
			o.undone(&o.skipped, m)
		case executor.NotStarted:
			o.machines.NotStarted++
			o.undone(&o.notStarted, m)
		}
	}
	rank := []executor.Status{executor.Indeterminate, executor.Failed, executor.Blocked}
	slices.SortStableFunc(o.failures, func(a, b *failure) int {
		return cmp.Compare(slices.Index(rank, a.status), slices.Index(rank, b.status))
	})
	return o
}

// undone files a machine that a run did not get to, or did not finish.
func (o *outcome) undone(untouched *[]machine, m machine) {
	if m.begun() {
		untouched = &o.begun
	}
	*untouched = append(*untouched, m)
}

// stepNote is a note and the steps that have it: what they do, of which machines.
type stepNote struct {
	text, does string
	keys       []string
}

// steps names the steps of a note.
func (n stepNote) steps() string { return strings.TrimSpace(ranges(n.keys) + " " + n.does) }

// note files the note of a step with those that say the same of other machines:
// after a server was away there are hundreds.
func (o *outcome) note(s executor.StepResult) {
	does := strings.TrimPrefix(strings.TrimPrefix(string(s.ID), s.Key), " ")
	at := slices.IndexFunc(o.notes, func(n stepNote) bool { return n.text == s.Note && n.does == does })
	if at < 0 {
		at = len(o.notes)
		o.notes = append(o.notes, stepNote{text: s.Note, does: does})
	}
	o.notes[at].keys = append(o.notes[at].keys, s.Key)
}

// protected reports whether nothing was done to a machine because its owner
// wants it so.
func (m machine) protected() bool { return m.Protected && m.Status == executor.Blocked }

// fail files a machine under its failure.
func (o *outcome) fail(m machine) {
	f := failureOf(m, o.report.Resume)
	at := slices.IndexFunc(o.failures, func(g *failure) bool { return g.like == f.like })
	if at < 0 {
		o.failures = append(o.failures, f)
		return
	}
	into := o.failures[at]
	into.machines = append(into.machines, m)
	for _, command := range f.settle {
		if !slices.Contains(into.settle, command) {
			into.settle = append(into.settle, command)
		}
	}
}

// failureOf says why a machine did not end well, and how to settle what is
// unknown of it.
func failureOf(m machine, resume string) *failure {
	f := &failure{status: m.Status, action: m.Action, machines: []machine{m}}
	if step := m.culprit(); step != nil {
		f.verb = step.Verb
	}
	if m.Failure != nil {
		f.Failure = *m.Failure
	} else {
		f.Message = cmp.Or(m.Reason, "no reason was recorded")
	}
	if f.Settle != "" {
		f.settle = []string{f.Settle}
	} else if f.status == executor.Indeterminate && resume != "" {
		f.settle = []string{resume}
	}
	f.like = f.likeness()
	return f
}

// uuidPattern matches UUIDs as the server writes them.
var uuidPattern = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// ansiPattern matches the escape sequences that colour terminals.
var ansiPattern = regexp.MustCompile("\x1b\\[[0-9;?]*[ -/]*[@-~]")

// likeness is a text that two failures share if they are the same but for the
// names and UUIDs of their machines.
func (f *failure) likeness() string {
	m := f.machines[0]
	parts := []string{string(f.status), string(f.action), f.verb, f.Class, f.Operation, f.Code, f.Message,
		f.Description, f.Details, f.Hint}
	if step := m.culprit(); step != nil && step.MadeBy != nil {
		parts = append(parts, step.Note)
	}
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
	if f.Code != "" && !strings.Contains(title, f.Code) {
		title = f.Code + ": " + title
	}
	if f.Class != "" {
		title = f.Class + ": " + title
	}
	return title
}

// does reports whether the action says something that the status does not.
func (f *failure) does() bool { return string(f.action) != string(f.status) }

// subject says what was to be done to which machines.
func (f *failure) subject(machines string) string {
	if !f.does() {
		return machines
	}
	return string(f.action) + " " + machines
}

// fact is something known of a failure.
type fact struct{ label, text string }

// facts are what is known of a failure besides its title and its machines.
func (f *failure) facts() []fact {
	var facts []fact
	add := func(label string, parts ...string) {
		parts = slices.Compact(slices.DeleteFunc(parts, func(text string) bool { return text == "" }))
		if len(parts) > 0 {
			facts = append(facts, fact{label, strings.Join(parts, ": ")})
		}
	}
	if f.verb != "" {
		add("step", f.verb, f.Operation)
	}
	details := f.Details
	if cause, ok := f.deepest(); ok {
		add("cause", cause.Code, cause.Description, cause.Details)
		if details == cause.Details {
			details = ""
		}
	}
	if details != f.Message {
		add("details", details)
	}
	if step := f.machines[0].culprit(); step != nil && step.MadeBy != nil {
		add("note", step.Note)
	}
	add("hint", f.Hint)
	for _, command := range f.settle {
		add("settle", command)
	}
	return facts
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

// actionKeys are the keys of machines with the same action.
type actionKeys struct {
	action planner.Action
	keys   []string
}

// byAction puts keys together by action.
func byAction(machines []machine) []actionKeys {
	var groups []actionKeys
	for _, a := range actionWords {
		group := actionKeys{action: a.action}
		for _, m := range machines {
			if m.Action == a.action {
				group.keys = append(group.keys, m.Key)
			}
		}
		if len(group.keys) > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}
