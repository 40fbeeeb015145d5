package render

import (
	"fmt"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/planner"
)

// halfwayTitle is the heading above outcome.halfway.
const halfwayTitle = "Begun, not finished"

// halfway is how far machines of one action came whose rest was not started.
type halfway struct {
	action planner.Action
	keys   []string
	text   string // "done stop, update; left start; the VM is Stopped"
}

// begun reports whether something was done to a machine that is not finished.
// Who reads that it was not started would not look for a VM that is stopped, or
// gone.
func (m machine) begun() bool {
	return (m.Status == executor.NotStarted || m.Status == executor.Skipped) &&
		slices.ContainsFunc(m.steps, func(s executor.StepResult) bool {
			return s.Status == executor.Succeeded && len(s.Attempts) > 0
		})
}

// howFar says what was done to a machine, what is left, and how its VM is, as
// far as the run saw it.
func (m machine) howFar() string {
	var done, left []string
	for _, s := range m.steps {
		if s.Status == executor.Succeeded {
			done = append(done, s.Verb)
		} else {
			left = append(left, s.Verb)
		}
	}
	text := "done " + counted(done) + "; left " + counted(left)
	if m.Facts != nil && m.Facts.State != "" {
		text += "; the VM is " + m.Facts.State
	}
	return text
}

// counted lists words, each once and with how often it is there: "add-tag (2), stop".
func counted(words []string) string {
	times := make(map[string]int)
	var texts []string
	for _, word := range words {
		times[word]++
	}
	for _, word := range words {
		if n := times[word]; n > 1 {
			word += fmt.Sprintf(" (%d)", n)
		}
		if !slices.Contains(texts, word) {
			texts = append(texts, word)
		}
	}
	return strings.Join(texts, ", ")
}

// halfways puts the machines together that came equally far.
func (o *outcome) halfways() []halfway {
	var groups []halfway
	for _, m := range o.begun {
		text := m.howFar()
		at := slices.IndexFunc(groups, func(h halfway) bool { return h.action == m.Action && h.text == text })
		if at < 0 {
			at, groups = len(groups), append(groups, halfway{action: m.Action, text: text})
		}
		groups[at].keys = append(groups[at].keys, m.Key)
	}
	return groups
}

// halfway lists the machines that a run has left half done.
func (p *printer) halfway(o *outcome) {
	if len(o.begun) == 0 {
		return
	}
	p.linef(strong, "%s: %s", halfwayTitle, plural(len(o.begun), "machine"))
	for _, group := range o.halfways() {
		p.put(actionPaint(group.action), signature(group.action))
		p.hang(plain, signatureWidth, ranges(group.keys))
		p.prose(plain, strings.Repeat(" ", signatureWidth), group.text)
	}
	p.newline()
}

func (m *markdown) halfway(o *outcome) {
	if len(o.begun) == 0 {
		return
	}
	m.linef("\n### %s: %s\n", halfwayTitle, plural(len(o.begun), "machine"))
	for _, group := range o.halfways() {
		m.linef("- %s %s: %s", group.action, mdCode(ranges(group.keys)), mdText(group.text))
	}
}

func (pg *page) halfway(o *outcome) {
	if len(o.begun) == 0 {
		return
	}
	u := pageUndone{Title: halfwayTitle + ": " + plural(len(o.begun), "machine")}
	for _, group := range o.halfways() {
		u.Lines = append(u.Lines, pageFact{string(group.action), visible(ranges(group.keys) + ": " + group.text)})
	}
	pg.Undone = append(pg.Undone, u)
}
