package render

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"zfleet/spec"
)

// Diagnostics writes findings in the order given: place, message and code, the
// line of the source with a mark under the place, and the hint. The last line
// counts them. Sources are file contents by the name that positions have; a
// finding whose source is missing is written without the excerpt. No findings,
// no output.
func Diagnostics(w io.Writer, ds spec.Diagnostics, sources map[string][]byte, style Style) error {
	if len(ds) == 0 {
		return nil
	}
	p := newPrinter(style)
	lines := make(map[string][][]byte, len(sources))
	for file, source := range sources {
		lines[file] = bytes.Split(source, []byte("\n"))
	}
	for _, d := range ds {
		p.diagnostic(d, lines[d.Pos.File])
	}
	p.put(strong, countSeverities(ds))
	p.newline()
	return p.writeTo(w)
}

// diagnostic writes one finding and a blank line.
func (p *printer) diagnostic(d spec.Diagnostic, source [][]byte) {
	p.finding("", d)
	if 0 < d.Pos.Line && d.Pos.Line <= len(source) {
		p.excerpt(d.Pos, string(bytes.TrimSuffix(source[d.Pos.Line-1], []byte("\r"))), severityPaint(d.Severity))
	}
	if d.Hint != "" {
		p.prose(faint, "  hint: ", d.Hint)
	}
	p.newline()
}

// finding writes the first line of a finding: "file:line:col: error: message [code]".
// It stays one line whatever the width, so that tools can read it.
func (p *printer) finding(indent string, d spec.Diagnostic) {
	p.put(plain, indent)
	if !d.Pos.IsZero() {
		p.put(strong, d.Pos.String()+": ")
	}
	if d.Severity != spec.Error {
		p.put(severityPaint(d.Severity), d.Severity.String()+": ")
	}
	p.put(plain, d.Message)
	if d.Code != "" {
		p.put(faint, " ["+d.Code+"]")
	}
	p.newline()
}

func severityPaint(s spec.Severity) paint {
	switch s {
	case spec.Error:
		return bad
	case spec.Warning:
		return changed
	case spec.Note:
		return faint
	}
	return plain
}

// excerpt writes a line of source with a mark under the token at pos. Columns
// count runes, the mark is placed by display width: a CJK character takes two
// columns, a tab as many as reach the next tab stop.
func (p *printer) excerpt(pos spec.Pos, line string, how paint) {
	line = hideSecret(line)
	runes := []rune(line)
	at := min(max(pos.Column-1, 0), len(runes))
	before := expandTabs(string(runes[:at]))
	token := visible(string(runes[at : at+tokenLength(runes[at:])]))
	after := visible(string(runes[at+tokenLength(runes[at:]):]))
	number := fmt.Sprint(pos.Line)
	if room := cmp.Or(p.width, maxExcerpt) - len(number) - 5; room >= minWrap {
		before, after = window(before, token, after, room)
		token = runewidth.Truncate(token, room-runewidth.StringWidth(before), "…")
	}
	gutter := pad("", len(number)+2)
	p.put(faint, "  "+number+" | ")
	p.put(plain, before+token+after)
	p.newline()
	p.put(faint, gutter+" | ")
	p.put(plain, strings.Repeat(" ", runewidth.StringWidth(before)))
	p.put(how, "^"+strings.Repeat("~", max(0, runewidth.StringWidth(token)-1)))
	p.newline()
}

// window cuts the text around a token so that all three fit into room columns.
func window(before, token, after string, room int) (string, string) {
	tokenWidth := min(runewidth.StringWidth(token), room/2)
	if lead := runewidth.StringWidth(before); lead+tokenWidth > room*3/4 {
		keep := max(room*3/4-tokenWidth, room/4)
		before = runewidth.TruncateLeft(before, lead-keep+1, "…")
	}
	left := max(0, room-runewidth.StringWidth(before)-tokenWidth)
	return before, runewidth.Truncate(after, left, "…")
}

// tokenLength returns how many runes of a line belong to the YAML token that
// it begins with: a quoted text, or what reaches to the next separator.
func tokenLength(line []rune) int {
	if len(line) > 0 && (line[0] == '"' || line[0] == '\'') {
		for i, r := range line[1:] {
			if r == line[0] {
				return i + 2
			}
		}
	}
	for i, r := range line {
		switch r {
		case ' ', '\t', ',', ']', '}', '[', '{':
			return max(i, min(1, len(line)))
		case ':':
			if i+1 == len(line) || line[i+1] == ' ' || line[i+1] == '\t' {
				return max(i, 1)
			}
		}
	}
	return len(line)
}

// maxExcerpt is how wide an excerpt is where no terminal sets a bound.
const maxExcerpt = 200

// tabStop is how far apart tab stops are in an excerpt.
const tabStop = 4

// expandTabs replaces tabs by blanks up to the next tab stop and shows other
// control characters.
func expandTabs(text string) string {
	var b strings.Builder
	columns := 0
	for _, r := range text {
		shown := visible(string(r))
		if r == '\t' {
			shown = strings.Repeat(" ", tabStop-columns%tabStop)
		}
		b.WriteString(shown)
		columns += runewidth.StringWidth(shown)
	}
	return b.String()
}

// Values that a fleet file should not hold but may: excerpts of lines go to build
// logs that many can read. In a flow mapping a value reaches up to where it ends,
// else up to the end of the line. The default of a variable is a secret if the
// line says that the variable is sensitive.
var (
	secretInFlow    = regexp.MustCompile(`\b(?:consolePassword|userData)["']?\s*:\s*("(?:\\.|[^"\\])*"|'[^']*'|[^,}]+)`)
	secretValue     = regexp.MustCompile(`\b(?:consolePassword|userData)["']?\s*:\s*(\S.*)`)
	secretDefault   = regexp.MustCompile(`\bdefault["']?\s*:\s*("(?:\\.|[^"\\])*"|'[^']*'|[^,}]+)`)
	secretTag       = regexp.MustCompile(`\b(?:consolePassword|rootPassword|userdata|sshkey)::([^"',\]}\s]+)`)
	sensitiveMarked = regexp.MustCompile(`\bsensitive["']?\s*:\s*true`)
)

// hideSecret masks such values with as many runes, so that columns stay right.
func hideSecret(line string) string {
	patterns := []*regexp.Regexp{secretTag}
	if key := secretValue.FindStringIndex(line); key != nil && strings.Contains(line[:key[0]], "{") {
		patterns = append(patterns, secretInFlow)
	} else {
		patterns = append(patterns, secretValue)
	}
	if sensitiveMarked.MatchString(line) {
		patterns = append(patterns, secretDefault)
	}
	for _, pattern := range patterns {
		// From the last to the first: a mask may be shorter than what it hides.
		for _, m := range slices.Backward(pattern.FindAllStringSubmatchIndex(line, -1)) {
			value := line[m[2]:m[3]]
			if strings.HasPrefix(value, "${") || strings.HasPrefix(value, "{") {
				continue // a reference to a secret is none
			}
			line = line[:m[2]] + strings.Repeat("*", utf8.RuneCountInString(value)) + line[m[3]:]
		}
	}
	return line
}

// countSeverities writes "2 errors, 1 warning".
func countSeverities(ds spec.Diagnostics) string {
	var counts [3]int
	for _, d := range ds {
		counts[d.Severity]++
	}
	var parts []string
	for severity, n := range counts {
		if n > 0 {
			parts = append(parts, plural(n, spec.Severity(severity).String()))
		}
	}
	return strings.Join(parts, ", ")
}
