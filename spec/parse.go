package spec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// What a file may cost. Fleets stay far below; hostile files do not.
const (
	maxFileBytes    = 16 << 20
	maxNesting      = 100
	maxAliasNodes   = 1_000_000 // values that aliases may add to a file
	maxSyntaxErrors = 20
)

// parseYAML reads one YAML file as a tree whose root is a map. It goes on after
// a problem as far as it can; the tree is nil where the file has no usable one.
func parseYAML(in Input) (*node, Diagnostics) {
	root, problems := readYAML(in)
	switch {
	case problems.HasErrors() && root == nil:
		return nil, problems
	case root == nil:
		return nil, append(problems, Diagnostic{
			Pos:     Pos{File: in.Name, Line: 1, Column: 1},
			Code:    "empty-file",
			Message: "the file is empty",
			Hint:    "a fleet file begins with apiVersion: zfleet/v1 and kind: Fleet",
		})
	case root.kind != mapNode:
		return nil, append(problems, Diagnostic{
			Pos:     root.pos,
			Code:    "wrong-type",
			Message: fmt.Sprintf("want a map at the top of the file, got %s", root.kind),
			Hint:    "write lines such as name: value",
		})
	}
	return root, problems
}

// readYAML is parseYAML for files that may be empty or hold any value. The tree
// of an empty file is nil.
func readYAML(in Input) (*node, Diagnostics) {
	f := newFile(in)
	if problems := f.checkText(); problems.HasErrors() {
		return nil, problems
	}
	docs, problem := f.parse(0, len(f.lines))
	if problem != nil {
		return nil, f.syntaxProblems(0, len(f.lines), *problem)
	}
	c := composer{file: f, anchors: make(map[string]*anchor)}
	root := c.document(docs)
	if c.broken {
		return nil, c.problems
	}
	return root, c.problems
}

// file is the text of a file, ready for the YAML parser.
type file struct {
	name   string
	text   string
	lines  []string
	widths []int  // of the lines, in runes
	tabbed []bool // which lines hold tabs
}

// newFile strips the byte order mark and makes all line ends alike, neither of
// which moves a place.
func newFile(in Input) *file {
	data := bytes.TrimPrefix(in.Data, []byte("\xef\xbb\xbf"))
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	f := &file{name: in.Name, text: text, lines: strings.Split(text, "\n")}
	f.widths, f.tabbed = make([]int, len(f.lines)), make([]bool, len(f.lines))
	for i, line := range f.lines {
		f.widths[i], f.tabbed[i] = utf8.RuneCountInString(line), strings.Contains(line, "\t")
	}
	return f
}

// at returns a place that is surely inside the file.
func (f *file) at(line, column int) Pos {
	line = min(max(line, 1), len(f.lines))
	column = min(max(column, 1), f.widths[line-1]+1)
	return Pos{File: f.name, Line: line, Column: column}
}

// place returns where a token stands.
func (f *file) place(tk *token.Token) Pos {
	if tk == nil || tk.Position == nil {
		return f.at(1, 1)
	}
	at := f.at(tk.Position.Line, tk.Position.Column)
	if f.tabbed[at.Line-1] {
		// The parser does not count tabs between tokens.
		if before, _, ok := strings.Cut(f.from(at), firstLine(strings.TrimSpace(tk.Origin))); ok {
			at.Column += utf8.RuneCountInString(before)
		}
	}
	return at
}

// from returns the rest of the line that a place is in. Of very long lines,
// which no person reads, it may return less.
func (f *file) from(at Pos) string {
	const far = 64 << 10
	line := f.lines[at.Line-1]
	if len(line) == f.widths[at.Line-1] { // all ASCII
		return line[at.Column-1:]
	}
	if len(line) > far {
		return ""
	}
	return string([]rune(line)[at.Column-1:])
}

// syntax is the diagnostic of text that is not YAML.
func (f *file) syntax(line, column int, message, hint string) Diagnostic {
	return Diagnostic{Pos: f.at(line, column), Code: "yaml-syntax", Message: message, Hint: hint}
}

// checkText reports what no YAML file may hold and what would break the parser.
func (f *file) checkText() Diagnostics {
	if len(f.text) > maxFileBytes {
		return Diagnostics{f.syntax(1, 1, fmt.Sprintf("the file is larger than %d MiB", maxFileBytes>>20), "split the fleet")}
	}
	var found Diagnostics
	for i, line := range f.lines {
		if len(found) >= maxSyntaxErrors {
			break
		}
		if column, message, hint := lineProblem(line); message != "" {
			found = append(found, f.syntax(i+1, column, message, hint))
		}
	}
	if len(found) == 0 {
		found = append(found, f.checkNesting()...)
	}
	return found
}

// lineProblem finds the first byte of a line that is not text.
func lineProblem(line string) (column int, message, hint string) {
	for i, r := range line {
		column++
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(line[i:], "\uFFFD"):
			return column, "the file is not UTF-8", "save it in the encoding UTF-8"
		case r == '\r':
			return column, "a carriage return stands inside a line", "end lines with a line feed"
		case r != '\t' && unicode.IsControl(r) && r != '\u0085':
			return column, fmt.Sprintf("the file holds the control character %U", r), `write it as an escape such as "\x1b" in double quotes`
		case r == '\uFEFF':
			return column, "a byte order mark stands inside the file", "remove the invisible character"
		}
	}
	return 0, "", ""
}

// checkNesting bounds how deep values nest, because the parser recurses.
func (f *file) checkNesting() Diagnostics {
	var columns []int // of the blocks around a token
	flow := 0
	for _, tk := range lexer.Tokenize(f.text) {
		switch tk.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingValueType, token.MappingKeyType, token.AnchorType, token.TagType:
			if flow > 0 {
				break
			}
			for len(columns) > 0 && columns[len(columns)-1] >= tk.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, tk.Position.Column)
		}
		// A key and the token of its value may both count, hence the factor.
		if flow > maxNesting || len(columns) > 2*maxNesting {
			at := f.place(tk)
			return Diagnostics{f.syntax(at.Line, at.Column, fmt.Sprintf("values nest deeper than %d levels", maxNesting), "")}
		}
	}
	return nil
}
