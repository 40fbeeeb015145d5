package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"
)

// Style says how text is to look.
type Style struct {
	Color bool // paint with ANSI escapes
	Width int  // columns to wrap prose at; 0 does not wrap
}

// paint is a use of colour, named by what it says.
type paint int

const (
	plain paint = iota
	strong
	faint
	good
	changed
	bad
	alarming
)

// printer collects a document line by line. Everything that it is given passes
// through visible, so no text can move the cursor or forge a line.
type printer struct {
	text   strings.Builder
	width  int
	paints map[paint]*color.Color
}

// newPrinter returns an empty document. The colour objects are its own: the
// switches of package color are global and belong to nobody here.
func newPrinter(style Style) *printer {
	p := &printer{width: style.Width}
	if !style.Color {
		return p
	}
	p.paints = map[paint]*color.Color{
		strong:   color.New(color.Bold),
		faint:    color.New(color.Faint),
		good:     color.New(color.FgGreen),
		changed:  color.New(color.FgYellow),
		bad:      color.New(color.FgRed),
		alarming: color.New(color.FgMagenta),
	}
	for _, c := range p.paints {
		c.EnableColor()
	}
	return p
}

// put writes text in a colour, without ending the line.
func (p *printer) put(how paint, text string) {
	text = visible(text)
	if c := p.paints[how]; c != nil && text != "" {
		text = c.Sprint(text)
	}
	p.text.WriteString(text)
}

// newline ends the line.
func (p *printer) newline() { p.text.WriteByte('\n') }

// linef writes a whole line. It is not wrapped.
func (p *printer) linef(how paint, format string, args ...any) {
	p.put(how, fmt.Sprintf(format, args...))
	p.newline()
}

// prose writes lead and then text, wrapped at the width; the lines after the
// first are indented to where text began.
func (p *printer) prose(how paint, lead, text string) {
	p.put(how, lead)
	hang := runewidth.StringWidth(visible(lead))
	p.hang(plain, hang, text)
}

// hang writes text that begins in column hang of the current line, wrapped at
// the width, and ends the line.
func (p *printer) hang(how paint, hang int, text string) {
	for i, line := range wrap(visible(text), p.width-hang) {
		if i > 0 {
			p.text.WriteString(strings.Repeat(" ", hang))
		}
		p.put(how, line)
		p.newline()
	}
}

// writeTo hands the document over in one Write.
func (p *printer) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.text.String())
	return err
}

// minWrap is the narrowest column that prose is wrapped in; below it, long
// lines are easier to read than towers of single words.
const minWrap = 24

// wrap breaks text at blanks into lines of at most width columns; longer words
// stay whole, so that they can be copied.
func wrap(text string, width int) []string {
	if width < minWrap {
		return []string{text}
	}
	var lines []string
	var line strings.Builder
	columns := 0
	for word := range strings.SplitSeq(text, " ") {
		need := runewidth.StringWidth(word)
		switch {
		case line.Len() == 0:
		case columns+1+need > width:
			lines = append(lines, line.String())
			line.Reset()
			columns = 0
		default:
			line.WriteByte(' ')
			columns++
		}
		line.WriteString(word)
		columns += need
	}
	return append(lines, line.String())
}

// visible replaces what a terminal would obey instead of show: control
// characters, and the marks that turn the direction of text around.
func visible(text string) string {
	if !strings.ContainsFunc(text, unprintable) && !strings.ContainsRune(text, unicode.ReplacementChar) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// unprintable reports whether a rune must not reach a terminal or a page as it is.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// pad fills text with blanks to a number of columns.
func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-runewidth.StringWidth(text)))
}

// widest returns the columns that the widest of texts takes.
func widest(texts ...string) int {
	columns := 0
	for _, text := range texts {
		columns = max(columns, runewidth.StringWidth(visible(text)))
	}
	return columns
}
