package spec

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/token"
)

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
	{"',' or ']' must be specified", "a comma or ] is missing", ""},
	{"invalid header option", "the text after | or > is no header of a block", "write |, |-, > or >- and begin the text on the next line"},
	{"unexpected scalar value", "a value is not allowed here", "remove the extra comma, or quote the value"},
	{"invalid key", "a key must be a string on one line", "write key: value"},
}

// syntaxError turns an error of the parser into a diagnostic.
func (f *file) syntaxError(err error) *Diagnostic {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &at) {
		d := f.syntax(1, 1, "the file is not valid YAML", "check quotes, brackets and indentation")
		return &d
	}
	place := f.place(at.GetToken())
	message, hint := "the YAML is not valid: "+firstLine(at.GetMessage()), ""
	for _, words := range syntaxWords {
		if strings.Contains(at.GetMessage(), words.match) {
			message, hint = words.message, words.hint
			break
		}
	}
	if column := tabIndent(f.lines[place.Line-1]); column > 0 {
		place = f.at(place.Line, column)
		message, hint = "a tab is used for indentation", "indent with spaces"
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
