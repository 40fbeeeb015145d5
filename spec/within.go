package spec

import (
	"slices"
	"strconv"
	"unicode"
)

// within returns the place of a character of a scalar's text, counted from 0.
// The text may have been decoded and its lines folded: blanks and line breaks
// are not what they were, all else is. So the text is found again in the file
// character by character, blanks aside. Where that fails, the place is that of
// the scalar.
func within(n *node, offset int, inputs []Input) Pos {
	i := slices.IndexFunc(inputs, func(in Input) bool { return in.Name == n.pos.File })
	if i < 0 || n.pos.IsZero() {
		return n.pos
	}
	c := cursor{file: newFile(inputs[i]), line: n.pos.Line, column: n.pos.Column}
	switch r := c.rune(); r {
	case '"', '\'':
		c.quote = r
		c.column++
	case '|', '>':
		c.line, c.column = c.line+1, 1
	}
	for i, r := range []rune(n.text) {
		switch {
		case unicode.IsSpace(r) && i == offset:
			return c.place()
		case unicode.IsSpace(r):
			continue
		}
		at, ok := c.next(r)
		if !ok {
			return n.pos
		}
		if i == offset {
			return at
		}
	}
	return c.place()
}

// cursor reads the characters of a scalar in a file.
type cursor struct {
	file         *file
	line, column int
	runes        []rune // of the line
	read         int    // the line that runes are of
	quote        rune   // around the scalar, or 0
}

// rune returns the character at the cursor, 0 at the end of a line.
func (c *cursor) rune() rune {
	if c.line > len(c.file.lines) {
		return 0
	}
	if c.read != c.line {
		c.runes, c.read = []rune(c.file.lines[c.line-1]), c.line
	}
	if c.column > len(c.runes) {
		return 0
	}
	return c.runes[c.column-1]
}

func (c *cursor) place() Pos { return c.file.at(c.line, c.column) }

// next moves over blanks, and over the character that is wanted. It returns the
// place of that; ok is false if another stands there.
func (c *cursor) next(want rune) (at Pos, ok bool) {
	for {
		r := c.rune()
		switch {
		case r == 0 && c.line >= len(c.file.lines):
			return Pos{}, false
		case r == 0:
			c.line, c.column = c.line+1, 1
		case unicode.IsSpace(r):
			c.column++
		case r == '\\' && c.quote == '"':
			at = c.place()
			decoded := c.escape()
			if decoded != 0 && !unicode.IsSpace(decoded) {
				return at, decoded == want
			}
		default:
			at = c.place()
			c.column++
			if r == '\'' && c.quote == '\'' {
				c.column++ // it is written twice
			}
			return at, r == want
		}
	}
}

// escape moves over an escape of a text in double quotes and returns what it
// stands for, 0 for the end of a line.
func (c *cursor) escape() rune {
	c.column++
	r := c.rune()
	if r == 0 {
		return 0
	}
	c.column++
	digits := map[rune]int{'x': 2, 'u': 4, 'U': 8}[r]
	if digits == 0 {
		known := map[rune]rune{'n': '\n', 't': '\t', 'r': '\r', 'v': '\v', 'f': '\f', 'a': '\a', 'b': '\b', 'e': 0x1b, 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029}
		if decoded, ok := known[r]; ok {
			return decoded
		}
		return r
	}
	end := min(c.column-1+digits, len(c.runes))
	code, err := strconv.ParseUint(string(c.runes[c.column-1:end]), 16, 32)
	c.column = end + 1
	if err != nil {
		return unicode.ReplacementChar
	}
	return rune(code)
}
