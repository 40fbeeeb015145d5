package render

import (
	"fmt"
	"io"

	"zfleet/executor"
)

// ReportText writes a report for who wants to know what to do next: the outcome
// in the first line, then every machine that did not end well with all that is
// known of it, then what was not done, then totals and durations. The last line
// is fixed:
//
//	Run: 397 succeeded, 3 failed, 0 indeterminate, 0 blocked, 0 skipped, 0 not started.
func ReportText(w io.Writer, report *executor.Report, style Style) error {
	p := newPrinter(style)
	o := outcomeOf(report)
	p.linef(o.paint(), "%s", o.headline())
	p.put(plain, "")
	p.hang(faint, 0, o.origin())
	if text := o.stopped(); text != "" {
		p.linef(alarming, "%s", text)
	}
	if text := o.others(); text != "" {
		p.put(plain, "")
		p.hang(alarming, 0, text)
	}
	if report.Resume != "" {
		p.linef(strong, "Resume: %s", report.Resume) // not wrapped: it is to be copied
	}
	p.newline()
	for _, f := range o.failures {
		p.failure(f)
	}
	p.halfway(o)
	p.undone("Skipped, because something that they need did not succeed", o.skipped)
	p.undone("Not started", o.notStarted)
	p.protected(o)
	p.stepNotes(o.notes)
	p.done(o.succeeded)
	if text := o.binned(); text != "" {
		p.prose(plain, "", text+".")
		p.newline()
	}
	p.linef(plain, "Steps: %s", totalsText(report.Totals))
	if text := o.durations(); text != "" {
		p.prose(plain, "Times: ", text)
	}
	p.linef(strong, "%s", ReportSummary(report))
	return p.writeTo(w)
}

// paint is the colour of the first line; its words say the same.
func (o *outcome) paint() paint {
	switch o.mood() {
	case "unknown":
		return alarming
	case "bad":
		return bad
	case "warn":
		return changed
	}
	return good
}

// failure writes one reason and the machines that it befell.
func (p *printer) failure(f *failure) {
	how := bad
	if f.status != executor.Failed {
		how = alarming
	}
	lead := "! " + statusWord(f.status) + "  "
	p.put(how, lead)
	if f.does() {
		p.put(plain, string(f.action)+" ")
		lead += string(f.action) + " "
	}
	machines := ranges(keysOf(f.machines))
	if n := len(f.machines); n > 1 {
		machines += ": " + plural(n, "machine") + ", the same reason"
	}
	p.hang(strong, len(lead), machines)
	p.put(plain, "    ")
	p.hang(plain, 4, f.title())
	for _, fact := range f.facts() {
		if fact.label == "settle" { // not wrapped: it is to be copied
			p.put(faint, "    "+pad(fact.label, 9))
			p.linef(plain, "%s", fact.text)
			continue
		}
		p.prose(faint, "    "+pad(fact.label, 9), fact.text)
	}
	for _, m := range f.machines {
		p.victim(m, len(f.machines) > 1)
	}
	p.newline()
}

// victim writes what is known of one machine that did not end well.
func (p *printer) victim(m machine, several bool) {
	indent := "    "
	if several {
		p.put(plain, "    - "+m.Key)
		if m.Name != "" && m.Name != m.Key {
			p.put(faint, "  "+m.Name)
		}
		p.newline()
		indent = "      "
	} else if m.Name != "" && m.Name != m.Key {
		p.prose(faint, indent+"name     ", m.Name)
	}
	if vm := m.vm(); vm != "" {
		p.prose(faint, indent+"vm       ", vm)
	}
	if jobs := m.jobs(); len(jobs) > 0 {
		text := jobs[0]
		if len(jobs) > 1 {
			text += fmt.Sprintf(" (the last of %d requests)", len(jobs))
		}
		p.prose(faint, indent+"job      ", text)
	}
	if n := m.tries(); n > 1 {
		p.linef(faint, "%stried    %d times", indent, n)
	}
}

// undone lists machines to which nothing happened, by action.
func (p *printer) undone(title string, machines []machine) {
	if len(machines) == 0 {
		return
	}
	p.linef(strong, "%s: %s", title, plural(len(machines), "machine"))
	p.byAction(machines)
	p.newline()
}

// protected lists the machines that their protection kept as they are.
func (p *printer) protected(o *outcome) {
	if len(o.protected) == 0 {
		return
	}
	p.linef(strong, "%s", o.protectedTitle())
	for _, group := range o.protectedWhy() {
		p.prose(plain, "    "+group.label+": ", group.text)
	}
	p.newline()
}

// done lists machines that ended well, by action.
func (p *printer) done(machines []machine) {
	if len(machines) == 0 {
		return
	}
	p.linef(strong, "Succeeded: %s", plural(len(machines), "machine"))
	p.byAction(machines)
	p.newline()
}

// byAction writes keys by action, as ranges.
func (p *printer) byAction(machines []machine) {
	for _, group := range byAction(machines) {
		p.put(actionPaint(group.action), signature(group.action))
		p.hang(plain, signatureWidth, ranges(group.keys))
	}
}

// stepNotes lists what drivers had to say about steps that succeeded.
func (p *printer) stepNotes(notes []stepNote) {
	if len(notes) == 0 {
		return
	}
	p.linef(strong, "Notes")
	for _, n := range notes {
		p.put(plain, "  ")
		p.hang(plain, 4, n.steps()+": "+n.text)
	}
	p.newline()
}

// statusWord is a status as a person would write it.
func statusWord(s executor.Status) string {
	if s == executor.NotStarted {
		return "not started"
	}
	return string(s)
}
