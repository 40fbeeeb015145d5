package render

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"zfleet/spec"
)

// maxAnnotations is how many annotations of a kind GitHub shows of one step; it
// drops those after them without a word.
const maxAnnotations = 10

// GitHubAnnotations writes findings as workflow commands of GitHub Actions, one
// a line, which become annotations of the file under review:
//
//	::error file=fleet.yaml,line=7,col=5,title=unknown-key::unknown key "memroy"
//
// Findings that differ in their place alone are one, and of each severity there
// are no more than GitHub shows: the last one counts the rest. Whatever a
// finding says, it stays within its command.
func GitHubAnnotations(w io.Writer, found spec.Diagnostics) error {
	var text strings.Builder
	bySeverity := make(map[spec.Severity][]*foldedFinding)
	for _, f := range foldFindings(found) {
		bySeverity[f.Severity] = append(bySeverity[f.Severity], f)
	}
	for severity := spec.Error; severity <= spec.Note; severity++ {
		findings := bySeverity[severity]
		rest := 0
		if len(findings) > maxAnnotations {
			for _, f := range findings[maxAnnotations-1:] {
				rest += f.count
			}
			findings = findings[:maxAnnotations-1]
		}
		for _, f := range findings {
			text.WriteString(annotation(f))
		}
		if rest > 0 {
			fmt.Fprintf(&text, "::%s title=zfleet::and %d more; the log of this step has them all\n", commandOf(severity), rest)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// commandOf is the workflow command of a severity.
func commandOf(s spec.Severity) string {
	switch s {
	case spec.Error:
		return "error"
	case spec.Warning:
		return "warning"
	case spec.Note:
	}
	return "notice"
}

// annotation is the workflow command of one finding.
func annotation(f *foldedFinding) string {
	var properties []string
	add := func(name string, value any) {
		properties = append(properties, name+"="+commandProperty(fmt.Sprint(value)))
	}
	if f.Pos.File != "" {
		add("file", f.Pos.File)
		if f.Pos.Line > 0 {
			add("line", f.Pos.Line)
		}
		if f.Pos.Column > 0 {
			add("col", f.Pos.Column)
		}
	}
	title := f.Code
	if title == "" {
		title = "zfleet"
	}
	add("title", title)
	lines := []string{visible(f.Message)}
	if f.Hint != "" {
		lines = append(lines, "hint: "+visible(f.Hint))
	}
	if len(f.places) > 1 {
		lines = append(lines, "also at "+cutSpans(spansOf(f.places[1:]), 400))
	}
	return fmt.Sprintf("::%s %s::%s\n", commandOf(f.Severity), strings.Join(properties, ","), commandData(strings.Join(lines, "\n")))
}

// commandData escapes the text of a workflow command.
func commandData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// commandProperty escapes the value of a property, which a comma or colon would end.
func commandProperty(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(visible(text))
}

// GitHubLog passes text on to the log of a step of GitHub Actions. The runner
// obeys lines of a log that look like commands; what passes through here does
// not look so, whatever fleet files and servers put into it. It takes blanks
// between the characters that would begin a command, and changes nothing else.
//
// It may be written to from any goroutine.
type GitHubLog struct {
	mu     sync.Mutex
	w      io.Writer
	inLine bool // something else than blanks was written since the last line's end
	colon  bool // a colon begins the line so far
	hashes int  // number signs right before
}

// NewGitHubLog returns a GitHubLog that writes to w.
func NewGitHubLog(w io.Writer) *GitHubLog { return &GitHubLog{w: w} }

// Write writes text that cannot be a command.
func (g *GitHubLog) Write(text []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	safe := make([]byte, 0, len(text))
	for _, c := range text {
		if c == ':' && g.colon || c == '[' && g.hashes >= 2 {
			safe = append(safe, ' ')
		}
		g.colon = c == ':' && !g.inLine
		if c == '#' {
			g.hashes++
		} else {
			g.hashes = 0
		}
		switch {
		case c == '\n' || c == '\r':
			g.inLine = false
		case ' ' < c && c < 0x80: // a byte from there on may be part of a blank
			g.inLine = true
		}
		safe = append(safe, c)
	}
	if _, err := g.w.Write(safe); err != nil {
		return 0, err
	}
	return len(text), nil
}
