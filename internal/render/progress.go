package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/internal/term"
	"zfleet/planner"
)

// Progress shows the events of one run while it goes on. Observe must be called
// from one goroutine, in order, as executor.Options.Observer promises to.
type Progress struct {
	line    *term.StatusLine
	style   Style
	busy    []term.Busy // by start
	running []planner.StepID
	done    int
	total   int
	held    string // who waits for whom at the beginning
}

// NewProgress returns a Progress of the run of these steps that shows on w: an
// area that is redrawn in place if w is a terminal, else a line for every change.
func NewProgress(w io.Writer, steps []planner.Step, style Style) *Progress {
	return &Progress{line: term.NewStatusLine(w), style: style, held: heldBack(steps)}
}

// Close takes the area off the terminal. Nothing is shown afterwards.
func (pr *Progress) Close() { pr.line.Close() }

// Say shows a line that stays, above what is redrawn. It may be called from any
// goroutine.
func (pr *Progress) Say(text string) { pr.line.Print(text) }

// Observe takes in one event.
func (pr *Progress) Observe(event executor.Event) {
	switch e := event.(type) {
	case executor.RunStarted:
		pr.total = len(e.Steps)
		if pr.held != "" {
			pr.line.Print(painted(faint, pr.held, pr.style))
		}
	case executor.StepStarted:
		pr.running = append(pr.running, e.Step)
		pr.busy = append(pr.busy, term.Busy{Label: string(e.Step), Since: e.At})
	case executor.StepPhase:
		if at := slices.Index(pr.running, e.Step); at >= 0 {
			pr.busy[at].Phase = e.Text
		}
	case executor.AttemptStarted:
	case executor.StepRetried:
		pr.forget(e.Step)
	case executor.StepFinished:
		pr.forget(e.Step)
		pr.done++
	case executor.AdmissionPaused, executor.AdmissionResumed, executor.AdmissionStopped:
	case executor.RunFinished:
	}
	if pr.tells(event) {
		pr.line.Print(eventText(event, pr.style))
	}
	pr.line.Show(pr.done, pr.total, slices.Clone(pr.busy))
}

// forget takes a step out of those in flight.
func (pr *Progress) forget(id planner.StepID) {
	if at := slices.Index(pr.running, id); at >= 0 {
		pr.running = slices.Delete(pr.running, at, at+1)
		pr.busy = slices.Delete(pr.busy, at, at+1)
	}
}

// tells reports whether an event makes a line that stays. Where the area shows
// what goes well, only the rest does. What never started is the report's to say:
// after an interrupt it would be hundreds of lines.
func (pr *Progress) tells(event executor.Event) bool {
	switch e := event.(type) {
	case executor.StepFinished:
		return e.Status != executor.NotStarted && (e.Status != executor.Succeeded || !pr.line.Live())
	case executor.AdmissionStopped:
		return e.Reason != "interrupted" && e.Reason != "timeout" // who stopped the run says it, and what happens now
	case executor.StepRetried, executor.AdmissionPaused, executor.AdmissionResumed:
		return true
	case executor.RunStarted, executor.StepStarted, executor.AttemptStarted, executor.StepPhase, executor.RunFinished:
	}
	return false
}

// eventText writes an event as one line for people, without the line's end.
func eventText(event executor.Event, style Style) string {
	p := newPrinter(style)
	switch e := event.(type) {
	case executor.StepRetried:
		p.put(changed, fmt.Sprintf("~ %s: try %d failed, again in %s: ", e.Step, e.Try, durationText(float64(e.WaitMS)/1000)))
		p.put(plain, failureLine(&e.Failure))
	case executor.StepFinished:
		p.finished(e)
	case executor.AdmissionPaused:
		p.put(alarming, fmt.Sprintf("! the server does not answer: one step tries again in %s, the others wait", durationText(float64(e.WaitMS)/1000)))
		if e.Detail != "" {
			p.put(plain, ": "+e.Detail)
		}
	case executor.AdmissionResumed:
		p.put(good, "✓ the server answers again: the run goes on")
	case executor.AdmissionStopped:
		p.put(alarming, "! nothing more is started: "+e.Reason)
		if e.Detail != "" {
			p.put(plain, ": "+e.Detail)
		}
	case executor.RunStarted, executor.StepStarted, executor.AttemptStarted, executor.StepPhase, executor.RunFinished:
	}
	return p.text.String()
}

// painted is a line in a colour.
func painted(how paint, text string, style Style) string {
	p := newPrinter(style)
	p.put(how, text)
	return p.text.String()
}

// heldBack says which machines others have to wait for because of their addresses,
// or "". Without a word that looks as if the run stood still.
func heldBack(steps []planner.Step) string {
	claimed := make(map[string]bool)
	for _, s := range steps {
		for _, network := range s.Claims {
			claimed[network] = true
		}
	}
	yielded := make(map[string]bool)
	waiting := 0
	for _, s := range steps {
		yields := slices.DeleteFunc(slices.Clone(s.Yields), func(network string) bool { return !claimed[network] })
		if len(yields) > 0 {
			waiting++
		}
		for _, network := range yields {
			yielded[network] = true
		}
	}
	if waiting == 0 {
		return ""
	}
	var first []string
	for _, s := range steps {
		if slices.ContainsFunc(s.Claims, func(network string) bool { return yielded[network] }) {
			first = append(first, s.Key)
		}
	}
	have, wait := "have fixed addresses and are made", "wait"
	if len(first) == 1 {
		have = "has a fixed address and is made"
	}
	if waiting == 1 {
		wait = "waits"
	}
	return fmt.Sprintf("%s %s first; %s on the same network %s for that", cutSpans(spansOf(first), impactBytes), have, plural(waiting, "machine"), wait)
}

// finished writes how a step ended.
func (p *printer) finished(e executor.StepFinished) {
	if e.Status == executor.Succeeded {
		p.put(good, fmt.Sprintf("✓ %s: ", e.Step))
		p.put(plain, "succeeded")
		if e.Facts != nil && len(e.Facts.IPs) > 0 {
			p.put(faint, ", "+strings.Join(e.Facts.IPs, ", "))
		}
	} else {
		how := bad
		if e.Status != executor.Failed {
			how = alarming
		}
		p.put(how, fmt.Sprintf("! %s: %s", e.Step, statusWord(e.Status)))
		if e.Failure != nil {
			p.put(plain, ": "+failureLine(e.Failure))
		}
	}
	if e.Note != "" {
		p.put(faint, " ("+e.Note+")")
	}
}

// failureLine is a failure in one line.
func failureLine(f *executor.Failure) string {
	if f.Code == "" || strings.Contains(f.Message, f.Code) {
		return f.Message
	}
	return f.Code + ": " + f.Message
}
