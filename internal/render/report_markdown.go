package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"zfleet/executor"
)

// ReportMarkdown writes a report as Markdown of the GitHub and GitLab flavour,
// in the order of ReportText. Texts from servers stand in code spans, where
// nothing is markup, a mention or a link.
func ReportMarkdown(w io.Writer, report *executor.Report) error {
	o := outcomeOf(report)
	m := &markdown{}
	m.linef("## %s", mdText(o.headline()))
	m.linef("")
	m.linef("%s", mdText(o.origin()))
	for _, text := range []string{o.stopped(), o.others()} {
		if text != "" {
			m.linef("")
			m.linef("**%s**", mdText(text))
		}
	}
	if report.Resume != "" {
		m.linef("\nTo carry on:\n\n```sh\n%s\n```", visible(report.Resume))
	}
	m.totals(o)
	for _, f := range o.failures {
		m.failure(f)
	}
	m.halfway(o)
	m.keys("Skipped, because something that they need did not succeed", o.skipped)
	m.keys("Not started", o.notStarted)
	if len(o.protected) > 0 {
		m.linef("\n### %s\n", o.protectedTitle())
		for _, group := range o.protectedWhy() {
			m.linef("- %s: %s", mdCode(group.label), mdText(group.text))
		}
	}
	if len(o.notes) > 0 {
		m.linef("\n### Notes\n")
		for _, n := range o.notes {
			m.linef("- %s: %s", mdCode(n.steps()), mdCode(n.text))
		}
	}
	m.keys("Succeeded", o.succeeded)
	if text := o.binned(); text != "" {
		m.linef("\n%s.", mdText(text))
	}
	if text := o.durations(); text != "" {
		m.linef("\nTimes: %s", mdText(text))
	}
	m.linef("\n%s", mdText(ReportSummary(report)))
	_, err := io.WriteString(w, m.text.String())
	return err
}

// ReportMarkdownWithin is ReportMarkdown in at most limit bytes: what does not
// fit is cut off behind the end of a line, and said. The limit must be at least
// MinMarkdownLimit.
func ReportMarkdownWithin(w io.Writer, report *executor.Report, limit int) error {
	var whole bytes.Buffer
	if err := ReportMarkdown(&whole, report); err != nil {
		return err
	}
	text := whole.Bytes()
	if len(text) > limit {
		tail := fmt.Sprintf("\n**Left out to stay within %s:** the rest of the report.\n\n%s\n", plural(limit, "byte"), mdText(ReportSummary(report)))
		text = text[:max(0, limit-len(tail))]
		text = append(text[:bytes.LastIndexByte(text, '\n')+1], tail...)
	}
	_, err := w.Write(text)
	return err
}

// markdown collects a document.
type markdown struct{ text strings.Builder }

func (m *markdown) linef(format string, args ...any) {
	fmt.Fprintf(&m.text, format+"\n", args...)
}

// totals writes the counts of machines and of steps as a table.
func (m *markdown) totals(o *outcome) {
	m.linef("\n| | succeeded | failed | indeterminate | blocked | skipped | not started |")
	m.linef("|---|--:|--:|--:|--:|--:|--:|")
	for _, row := range [...]struct {
		word string
		t    executor.Totals
	}{{"machines", o.machines}, {"steps", o.report.Totals}} {
		m.linef("| %s | %d | %d | %d | %d | %d | %d |", row.word, row.t.Succeeded, row.t.Failed,
			row.t.Indeterminate, row.t.Blocked, row.t.Skipped, row.t.NotStarted)
	}
}

// failure writes one reason, and the machines that it befell as a table.
func (m *markdown) failure(f *failure) {
	m.linef("\n### %s: %s\n", mdText(statusWord(f.status)), mdText(f.subject(ranges(keysOf(f.machines)))))
	m.linef("%s", mdCode(f.title()))
	m.linef("")
	for _, fact := range f.facts() {
		m.linef("- %s: %s", fact.label, mdCode(fact.text))
	}
	m.linef("\n| machine | name | vm | job | tries |")
	m.linef("|---|---|---|---|--:|")
	for _, v := range f.machines {
		var job string
		if jobs := v.jobs(); len(jobs) > 0 {
			job = jobs[0]
		}
		m.linef("| %s | %s | %s | %s | %d |", mdCell(v.Key), mdCell(v.Name), mdCell(v.vm()), mdCell(job), v.tries())
	}
}

// keys lists machines of which there is nothing more to say, as ranges: pages
// that show Markdown cut or refuse long ones.
func (m *markdown) keys(title string, machines []machine) {
	if len(machines) == 0 {
		return
	}
	m.linef("\n### %s: %s\n", title, plural(len(machines), "machine"))
	for _, group := range byAction(machines) {
		m.linef("- %s %s", group.action, mdCode(ranges(group.keys)))
	}
}

// mdSpecial are the characters that can begin markup anywhere in a line.
const mdSpecial = "\\`*_{}[]<>#+!|~&$@"

// mdText escapes text so that none of it is markup.
func mdText(text string) string {
	var b strings.Builder
	for _, r := range visible(text) {
		if strings.ContainsRune(mdSpecial, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// maxFence is the longest fence of backquotes that is relied on: the reference
// implementation of CommonMark, and GitHub with it, knows none above 80.
const maxFence = 16

// mdCode puts text into a code span, fenced by more backquotes than it has in a
// row.
func mdCode(text string) string {
	text = visible(text)
	longest, run := 0, 0
	for _, r := range text {
		if r == '`' {
			run++
		} else {
			run = 0
		}
		longest = max(longest, run)
	}
	if longest >= maxFence {
		return mdEntities(text)
	}
	fence := strings.Repeat("`", longest+1)
	if strings.Trim(text, " ") == "" {
		return ""
	}
	// One blank on each side is taken off again if both are there.
	if text[0] == '`' || text[len(text)-1] == '`' || text[0] == ' ' && text[len(text)-1] == ' ' {
		text = " " + text + " "
	}
	return fence + text + fence
}

// mdCell is mdCode for a cell of a table, which is cut at pipes before anything
// else is looked at. Whether a backslash before a pipe holds it together
// depends on what stands before the backslash, so a text with pipes is written
// in entities, in which nothing is markup either.
func mdCell(text string) string {
	if !strings.Contains(text, "|") {
		return mdCode(text)
	}
	return mdEntities(visible(text))
}

// mdEntities is code with all that could be markup as entities.
func mdEntities(text string) string {
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range text {
		if strings.ContainsRune(mdSpecial+"\"':/.", r) {
			fmt.Fprintf(&b, "&#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	b.WriteString("</code>")
	return b.String()
}
