package render

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"zfleet/executor"
	"zfleet/planner"
)

// Board is where progress is shown: a status area on a terminal, or plain lines
// elsewhere. Its methods must be callable from any goroutine.
type Board interface {
	// Print shows a line that stays.
	Print(line string)
	// Show replaces what is shown of the work as a whole.
	Show(done, total int, busy []Busy)
}

// Busy is a piece of work in flight.
type Busy = struct {
	Label string // which
	Phase string // what it is doing right now
	Since time.Time
}

// ProgressOptions say what a Progress shows.
type ProgressOptions struct {
	Style Style
	// Quiet prints failures only; Verbose also prints starts and attempts.
	Quiet, Verbose bool
}

// Progress shows the events of one run on a Board. Observe must be called from
// one goroutine, in order, as executor.Options.Observer promises to.
type Progress struct {
	board   Board
	options ProgressOptions
	verbs   map[planner.StepID]executor.PlannedStep
	busy    []Busy // by start
	running []planner.StepID
	done    int
	total   int
}

// NewProgress returns a Progress that shows on board.
func NewProgress(board Board, options ProgressOptions) *Progress {
	return &Progress{board: board, options: options, verbs: make(map[planner.StepID]executor.PlannedStep)}
}

// Observe takes in one event.
func (pr *Progress) Observe(event executor.Event) {
	switch e := event.(type) {
	case executor.RunStarted:
		pr.total = len(e.Steps)
		for _, s := range e.Steps {
			pr.verbs[s.ID] = s
		}
	case executor.StepStarted:
		pr.running = append(pr.running, e.Step)
		pr.busy = append(pr.busy, Busy{Label: string(e.Step), Since: e.At})
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
	case executor.AdmissionStopped:
	case executor.RunFinished:
	}
	if line := EventText(event, pr.options.Style); line != "" && pr.prints(event) {
		pr.board.Print(line)
	}
	pr.board.Show(pr.done, pr.total, slices.Clone(pr.busy))
}

// forget takes a step out of those in flight.
func (pr *Progress) forget(id planner.StepID) {
	if at := slices.Index(pr.running, id); at >= 0 {
		pr.running = slices.Delete(pr.running, at, at+1)
		pr.busy = slices.Delete(pr.busy, at, at+1)
	}
}

// prints reports whether an event is worth a line that stays.
func (pr *Progress) prints(event executor.Event) bool {
	switch e := event.(type) {
	case executor.StepFinished:
		return e.Status != executor.Succeeded || !pr.options.Quiet
	case executor.StepRetried, executor.AdmissionStopped:
		return true
	case executor.StepStarted, executor.AttemptStarted:
		return pr.options.Verbose
	case executor.RunStarted, executor.RunFinished, executor.StepPhase:
	}
	return false
}

// EventText writes an event as one line for people, without the line's end;
// empty for events that only machines care about.
func EventText(event executor.Event, style Style) string {
	p := newPrinter(style)
	switch e := event.(type) {
	case executor.StepStarted:
		p.put(plain, fmt.Sprintf("  %s: started", e.Step))
	case executor.AttemptStarted:
		p.put(faint, fmt.Sprintf("  %s: %s, job %s", e.Step, e.Operation, e.JobUUID))
	case executor.StepRetried:
		p.put(changed, fmt.Sprintf("~ %s: try %d failed, again in %s: ", e.Step, e.Try, durationText(float64(e.WaitMS)/1000)))
		p.put(plain, failureLine(&e.Failure))
	case executor.StepFinished:
		p.finished(e)
	case executor.AdmissionStopped:
		p.put(alarming, "! nothing more is started: "+e.Reason)
		if e.Detail != "" {
			p.put(plain, ": "+e.Detail)
		}
	case executor.RunStarted, executor.RunFinished, executor.StepPhase:
	}
	return p.text.String()
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
