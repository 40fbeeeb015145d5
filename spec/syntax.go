package spec

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse runs the YAML parser over the lines [from, to). A panic of the parser
// counts as a syntax error.
func (f *file) parse(from, to int) (docs []*ast.DocumentNode, problem *Diagnostic) {
	defer func() {
		if recover() != nil {
			docs, problem = nil, f.invalid(from)
		}
	}()
	parsed, err := parser.ParseBytes([]byte(strings.Join(f.lines[from:to], "\n")), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, f.syntaxError(err, from)
	}
	return parsed.Docs, nil
}

// syntaxProblems finds every syntax error of the lines [from, to), which the
// parser, giving up at the first one, has refused with problem. It parses the
// blocks inside one by one. Where none of them is to blame alone, the problem
// is how they stand together.
func (f *file) syntaxProblems(from, to int, problem Diagnostic) Diagnostics {
	var found Diagnostics
	for _, block := range f.blocks(from, to) {
		_, inside := f.parse(block.from, block.to)
		if inside == nil {
			continue
		}
		// A block whose first line cannot stand alone, such as the first of a
		// list in brackets, must be seen as a whole.
		if _, alone := f.parse(block.from, block.from+1); alone == nil {
			found = append(found, f.syntaxProblems(block.from+1, block.to, *inside)...)
		} else {
			found = append(found, *inside)
		}
		if len(found) >= maxSyntaxErrors {
			break
		}
	}
	if len(found) == 0 {
		return Diagnostics{problem}
	}
	return found
}

// blocks cuts lines where they are indented as little as the first one is.
func (f *file) blocks(from, to int) []span {
	var blocks []span
	width := -1
	for i := from; i < to; i++ {
		indented, ok := indent(f.lines[i])
		if !ok {
			continue
		}
		if width < 0 {
			width = indented
		}
		if indented <= width {
			if len(blocks) > 0 {
				blocks[len(blocks)-1].to = i
			}
			blocks = append(blocks, span{i, to})
		}
	}
	return blocks
}

// indent returns how far a line is indented; ok is false for lines that cannot
// begin a block.
func indent(line string) (width int, ok bool) {
	text := strings.TrimLeft(line, " ")
	begins := strings.TrimSpace(text) != "" && !strings.ContainsRune("#%]}", rune(text[0])) && !strings.HasPrefix(text, "---")
	return len(line) - len(text), begins
}

// syntaxWords says the parser's messages in words that name the way out.
var syntaxWords = []struct{ match, message, hint string }{
	{"tab character", "a tab is used for indentation", "indent with spaces"},
	{"found character '\t'", "a tab is used for indentation", "indent with spaces"},
	{"tab", "a tab is used for indentation", "indent with spaces"},
	{"mapping value is not allowed", "a key is not allowed here", "check the indentation; quote a value that holds \": \""},
	{"value is not allowed", "a value is not allowed here", "check that the line is indented like its neighbours"},
	{"sequence end token ']' not found", "the list that begins here has no end", "close it with ]"},
	{"mapping end token '}' not found", "the map that begins here has no end", "close it with }"},
	{"could not find end character of double-quoted", "the text that begins here has no end", "close it with \""},
	{"could not find end character of single-quoted", "the text that begins here has no end", "close it with ' (and write '' for a ' inside)"},
	{"reserved character", "text cannot begin with this character", "put the text in quotes"},
	{"unexpected directive", "text cannot begin with %", "put the text in quotes"},
	{"',' or ']' must be specified", "a comma or ] is missing", "put text that holds brackets in quotes"},
	{"',' or '}' must be specified", "a comma or } is missing", "put text that holds brackets in quotes"},
	{"invalid header option", "the text after | or > is no header of a block", "write |, |-, > or >- and begin the text on the next line"},
	{"unexpected scalar value", "a value is not allowed here", "remove the extra comma, or quote the value"},
	{"invalid key", "a key must be a string on one line", "write key: value"},
}

// invalid is the diagnostic of text about which the parser says nothing useful.
func (f *file) invalid(from int) *Diagnostic {
	d := f.syntax(from+1, 1, "the text is not valid YAML", "check quotes, brackets and indentation")
	return &d
}

// syntaxError turns an error of the parser about the lines after from into a
// diagnostic.
func (f *file) syntaxError(err error, from int) *Diagnostic {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &at) {
		return f.invalid(from)
	}
	place := f.at(from+1, 1)
	if tk := at.GetToken(); tk != nil && tk.Position != nil {
		place = f.at(from+tk.Position.Line, tk.Position.Column)
	}
	message, hint := "the YAML is not valid: "+firstLine(at.GetMessage()), ""
	for _, words := range syntaxWords {
		if strings.Contains(at.GetMessage(), words.match) {
			message, hint = words.message, words.hint
			break
		}
	}
	line := f.lines[place.Line-1]
	switch column := tabIndent(line); {
	case column > 0:
		place = f.at(place.Line, column)
		message, hint = "a tab is used for indentation", "indent with spaces"
	case strings.Contains(line, "\t"): // the parser stumbles over tabs in quotes
		hint = `the line holds a tab: use spaces, or write it as \t in double quotes`
	case strings.HasSuffix(string([]rune(line)[:place.Column-1]), "$"):
		place.Column--
		message, hint = "${ must be in quotes inside of brackets", `write "${…}"`
	}
	return &Diagnostic{Pos: place, Code: "yaml-syntax", Message: message, Hint: hint}
}

// tabIndent returns the column of the first tab in a line's indentation, or 0.
func tabIndent(line string) int {
	lead := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	return strings.IndexByte(lead, '\t') + 1
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
