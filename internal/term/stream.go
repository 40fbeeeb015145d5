package term

import "golang.org/x/term"

// descriptor is a stream that the system knows by a number, such as *os.File.
type descriptor interface{ Fd() uintptr }

// IsTerminal reports whether a stream, which may be any reader or writer, is a
// terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(descriptor)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the columns of the terminal that a stream is, or 0 where there
// is none or it does not tell.
func Width(stream any) int {
	if !IsTerminal(stream) {
		return 0
	}
	width, _, err := term.GetSize(int(stream.(descriptor).Fd()))
	if err != nil {
		return 0
	}
	return max(width, 0)
}

// Color decides whether to use colour on a stream. The first that speaks wins:
// never, which is what the user's flag says; NO_COLOR, if not empty, says no
// (no-color.org); FORCE_COLOR or CLICOLOR_FORCE, neither empty nor "0", says
// yes; else a terminal gets colour unless TERM is "dumb". The environment is
// asked through lookup, which is os.LookupEnv outside of tests.
func Color(stream any, never bool, lookup func(string) (string, bool)) bool {
	value := func(name string) string { text, _ := lookup(name); return text }
	forced := func(name string) bool { text := value(name); return text != "" && text != "0" }
	switch {
	case never || value("NO_COLOR") != "":
		return false
	case forced("FORCE_COLOR") || forced("CLICOLOR_FORCE"):
		return true
	}
	return IsTerminal(stream) && value("TERM") != "dumb"
}
