package term

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Busy is a piece of work in flight.
type Busy struct {
	Label string // which
	Phase string // what it is doing right now
	Since time.Time
}

// StatusLine shows work in progress. On a terminal it keeps an area at the
// bottom with a bar and the work in flight, redrawn in place, and prints lines
// above it. Elsewhere it prints the lines, and a heartbeat when nothing else
// was printed for a while.
//
// All methods may be called from any goroutine. After Close they do nothing.
type StatusLine struct {
	w     io.Writer
	mpb   *mpb.Progress // nil unless on a terminal
	bar   *mpb.Bar
	width int // of the terminal at the beginning
	stop  chan struct{}
	beats sync.WaitGroup

	mu     sync.Mutex
	done   int
	total  int
	busy   []Busy
	spoken time.Time // when the last line was printed
	closed bool
}

// maxRows is how much work in flight is shown; the rest is a number.
const maxRows = 8

// redraw is how often the area on a terminal is drawn again: often enough for
// seconds to look alive, seldom enough for slow connections.
const redraw = 200 * time.Millisecond

// heartbeat is after how much silence a StatusLine that is not on a terminal
// says how far things are: build systems end jobs that say nothing for long.
const heartbeat = time.Minute

// lineStart goes to the beginning of a line and clears it: the terminal itself
// may have written there, such as ^C for an interrupt.
const lineStart = "\r\x1b[K"

// NewStatusLine returns a StatusLine that shows on w until Close.
func NewStatusLine(w io.Writer) *StatusLine {
	if IsTerminal(w) {
		return newArea(w, Width(w))
	}
	s := &StatusLine{w: w, stop: make(chan struct{}), spoken: time.Now()}
	s.beats.Go(s.beat)
	return s
}

// newArea returns a StatusLine that draws in place, as on a terminal.
func newArea(w io.Writer, width int) *StatusLine {
	s := &StatusLine{w: w, stop: make(chan struct{}), width: cmp.Or(width, 80)}
	s.mpb = mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh(), mpb.WithWidth(s.width), mpb.WithRefreshRate(redraw))
	rows := make([]mpb.BarFiller, maxRows+1)
	for i := range rows {
		rows[i] = s.row(i)
	}
	s.bar = s.mpb.New(0, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.BarRemoveOnComplete(), mpb.BarBtmExtender(rows...), mpb.BarWidth(min(40, s.width/2)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return s.summary() })))
	return s
}

// Live reports whether there is an area that shows the work in flight.
func (s *StatusLine) Live() bool { return s.mpb != nil }

// Print shows a line that stays; text has no line's end.
func (s *StatusLine) Print(text string) {
	s.mu.Lock()
	closed := s.closed
	s.spoken = time.Now()
	if s.mpb == nil && !closed {
		// A progress line that cannot be written is no reason to stop the work.
		_, _ = fmt.Fprintln(s.w, text)
	}
	s.mu.Unlock()
	// The area is drawn by another goroutine, which asks for what it shows: it
	// must not be waited for with the lock held.
	if s.mpb != nil && !closed {
		_, _ = fmt.Fprintln(s.mpb, lineStart+text)
	}
}

// Show replaces what is shown of the work as a whole.
func (s *StatusLine) Show(done, total int, busy []Busy) {
	s.mu.Lock()
	s.done, s.total, s.busy = done, total, busy
	closed := s.closed
	s.mu.Unlock()
	if s.bar != nil && !closed {
		s.bar.SetTotal(int64(max(total, 1)), false)
		s.bar.SetCurrent(int64(done))
	}
}

// Close removes the area, stops the heartbeat and leaves the stream to others.
// It may be called more than once.
func (s *StatusLine) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return
	}
	close(s.stop)
	s.beats.Wait()
	if s.mpb != nil {
		s.bar.Abort(true)
		s.mpb.Wait()
	}
}

// beat prints a heartbeat whenever nothing was printed for a while.
func (s *StatusLine) beat() {
	for {
		s.mu.Lock()
		wait := time.Until(s.spoken.Add(heartbeat))
		s.mu.Unlock()
		if wait <= 0 {
			s.Print(s.pulse())
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.stop:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// pulse says how far things are and what has been going on for longest.
func (s *StatusLine) pulse() string {
	text := s.summary()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.busy) == 0 {
		return text
	}
	return text + ", longest: " + describeBusy(s.busy[0])
}

// summary says how far things are.
func (s *StatusLine) summary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d of %d steps done, %d in flight", s.done, s.total, len(s.busy))
}

// row returns the filler of one line below the bar.
func (s *StatusLine) row(i int) mpb.BarFiller {
	return mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		s.mu.Lock()
		var text string
		switch {
		case i < maxRows && i < len(s.busy):
			text = "  " + describeBusy(s.busy[i])
		case i == maxRows && len(s.busy) > maxRows:
			text = fmt.Sprintf("  … and %d more", len(s.busy)-maxRows)
		}
		s.mu.Unlock()
		if text == "" {
			return nil
		}
		// A line that is wider than the terminal wraps, and then the cursor
		// would go back too few lines. The width is asked for every time: people
		// resize their windows.
		_, err := fmt.Fprintln(w, runewidth.Truncate(text, cmp.Or(Width(s.w), s.width)-1, "…"))
		return err
	})
}

// describeBusy is one piece of work: "web/1 create: waiting for the job, 12s".
func describeBusy(b Busy) string {
	text := oneLine(b.Label)
	if b.Phase != "" {
		text += ": " + oneLine(b.Phase)
	}
	return text + ", " + time.Since(b.Since).Round(time.Second).String()
}

// oneLine keeps control characters off the terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r <= 0x9f {
			return ' '
		}
		return r
	}, text)
}
