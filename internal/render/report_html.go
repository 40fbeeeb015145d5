package render

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"zfleet/executor"
)

//go:embed report.html.tmpl
var reportPage string

// ReportHTML writes a report as one page that needs nothing else.
func ReportHTML(w io.Writer, report *executor.Report) error {
	return writePage(w, "report", reportPage, pageOf(report))
}

// page is what the template shows. All of it is text; escaping is the
// template's work.
type page struct {
	Title, Headline, Origin, Stopped, Others, Resume, Binned, Durations, Summary, Steps string

	Mood     string // class of the headline: good, bad, unknown or warn
	Counts   []pageCount
	Failures []pageFailure
	Undone   []pageUndone
	Notes    []pageFact
	Machines []pageMachine
}

type pageCount struct {
	Number      int
	Word, Class string
}

type pageFact struct{ Label, Text string }

type pageFailure struct {
	Class, Status, Subject, Title string

	Facts    []pageFact
	Machines []pageMachine
}

type pageUndone struct {
	Title string
	Lines []pageFact
}

type pageMachine struct {
	Class, Status, Action, Key, Name, Duration string
	UUID, State, Host, IPs, Job                string
	Tries                                      int
}

// pageOf arranges a report for the template.
func pageOf(report *executor.Report) page {
	o := outcomeOf(report)
	t := o.machines
	pg := page{
		Title:     fmt.Sprintf("%s: run %s", report.Scope.Name, report.RunID),
		Headline:  visible(o.headline()),
		Origin:    visible(o.origin()),
		Stopped:   visible(o.stopped()),
		Others:    visible(o.others()),
		Resume:    visible(report.Resume),
		Binned:    visible(o.binned()),
		Durations: visible(o.durations()),
		Summary:   ReportSummary(report),
		Steps:     totalsText(report.Totals),
		Mood:      o.mood(),
		Counts: []pageCount{
			{t.Failed, "failed", "bad"},
			{t.Indeterminate, "indeterminate", "unknown"},
			{t.Blocked, "blocked", "unknown"},
			{t.Skipped, "skipped", "warn"},
			{t.NotStarted, "not started", "warn"},
			{t.Succeeded, "succeeded", "good"},
		},
	}
	for _, f := range o.failures {
		pf := pageFailure{Class: statusClass(f.status), Status: statusWord(f.status),
			Subject: visible(f.subject(ranges(keysOf(f.machines)))), Title: visible(f.title())}
		for _, fact := range f.facts() {
			pf.Facts = append(pf.Facts, pageFact{fact.label, visible(fact.text)})
		}
		for _, m := range f.machines {
			pf.Machines = append(pf.Machines, pageMachineOf(m))
		}
		pg.Failures = append(pg.Failures, pf)
	}
	pg.halfway(o)
	pg.undone("Skipped, because something that they need did not succeed", o.skipped)
	pg.undone("Not started", o.notStarted)
	if len(o.protected) > 0 {
		u := pageUndone{Title: o.protectedTitle()}
		for _, group := range o.protectedWhy() {
			u.Lines = append(u.Lines, pageFact{visible(group.label), visible(group.text)})
		}
		pg.Undone = append(pg.Undone, u)
	}
	for _, n := range o.notes {
		pg.Notes = append(pg.Notes, pageFact{visible(n.steps()), visible(n.text)})
	}
	for _, m := range machinesOf(report) {
		pg.Machines = append(pg.Machines, pageMachineOf(m))
	}
	return pg
}

func (pg *page) undone(title string, machines []machine) {
	if len(machines) == 0 {
		return
	}
	u := pageUndone{Title: title + ": " + plural(len(machines), "machine")}
	for _, group := range byAction(machines) {
		u.Lines = append(u.Lines, pageFact{string(group.action), visible(ranges(group.keys))})
	}
	pg.Undone = append(pg.Undone, u)
}

func pageMachineOf(m machine) pageMachine {
	pm := pageMachine{
		Class: statusClass(m.Status), Status: statusWord(m.Status), Action: string(m.Action),
		Key: visible(m.Key), Name: visible(m.Name), UUID: visible(m.UUID), Tries: m.tries(),
	}
	if m.protected() {
		pm.Class, pm.Status = "good", "protected"
	}
	if m.DurationSeconds > 0 {
		pm.Duration = durationText(m.DurationSeconds)
	}
	if f := m.Facts; f != nil {
		pm.State, pm.Host, pm.IPs = visible(f.State), visible(f.Host), visible(strings.Join(f.IPs, ", "))
		if f.UUID != "" {
			pm.UUID = visible(f.UUID)
		}
	}
	if jobs := m.jobs(); len(jobs) > 0 {
		pm.Job = visible(jobs[0])
	}
	return pm
}

// statusClass is the style of a status on the page. The word stands beside it.
func statusClass(s executor.Status) string {
	switch s {
	case executor.Succeeded:
		return "good"
	case executor.Failed:
		return "bad"
	case executor.Indeterminate, executor.Blocked:
		return "unknown"
	case executor.Skipped, executor.NotStarted:
		return "warn"
	}
	return ""
}

// mood is the worst that happened, as a style.
func (o *outcome) mood() string {
	switch {
	case o.machines.Indeterminate > 0:
		return "unknown"
	case o.machines.Failed > 0:
		return "bad"
	case o.machines.Succeeded+len(o.protected) < len(o.report.Machines) || o.report.Ended == nil:
		return "warn"
	}
	return "good"
}
