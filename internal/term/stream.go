package term

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Streams are the three streams of a process and what is known of them. Tests
// fill it with buffers, for which the zero values of the rest are right.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer

	InTTY, OutTTY, ErrTTY bool
	// OutWidth and ErrWidth are the columns of the terminals, 0 where there is none.
	OutWidth, ErrWidth int
}

// Detect describes the three streams of this process.
func Detect(in, out, err *os.File) Streams {
	s := Streams{In: in, Out: out, Err: err, InTTY: term.IsTerminal(int(in.Fd()))}
	s.OutTTY, s.OutWidth = describe(out)
	s.ErrTTY, s.ErrWidth = describe(err)
	return s
}

// CanAsk reports whether a person can be asked: the answer must come from a
// terminal, and the question must be seen on one.
func (s Streams) CanAsk() bool { return s.InTTY && s.ErrTTY }

func describe(f *os.File) (tty bool, width int) {
	if !term.IsTerminal(int(f.Fd())) {
		return false, 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 0 {
		return true, 0 // a terminal that does not tell its size; nothing is wrapped
	}
	return true, width
}

// ColorChoice is what the user said about colour on the command line.
type ColorChoice int

// The choices. ColorAuto is what no flag means.
const (
	ColorAuto ColorChoice = iota
	ColorNever
	ColorAlways
)

// Color decides whether to use colour on a stream. The first that speaks wins:
// the flag; NO_COLOR, not empty, says no (no-color.org); FORCE_COLOR or
// CLICOLOR_FORCE, neither empty nor "0", says yes; else a terminal gets colour
// unless TERM is "dumb".
func Color(choice ColorChoice, getenv func(string) string, tty bool) bool {
	forced := func(name string) bool { value := getenv(name); return value != "" && value != "0" }
	switch {
	case choice == ColorNever:
		return false
	case choice == ColorAlways:
		return true
	case getenv("NO_COLOR") != "":
		return false
	case forced("FORCE_COLOR") || forced("CLICOLOR_FORCE"):
		return true
	}
	return tty && getenv("TERM") != "dumb"
}
