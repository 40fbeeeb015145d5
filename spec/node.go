package spec

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// nodeKind is the type of a YAML value, by the core schema of YAML 1.2.
type nodeKind int

const (
	nullNode nodeKind = iota
	boolNode
	intNode
	floatNode
	stringNode
	mapNode
	listNode
)

// String names the kind as a message would.
func (k nodeKind) String() string {
	return [...]string{"nothing", "true or false", "a whole number", "a number", "a string", "a map", "a list"}[k]
}

// node is a YAML value with its place.
type node struct {
	kind    nodeKind
	text    string  // scalars: the value's text; strings decoded, the rest as written
	entries []entry // maps, in file order
	items   []*node // lists
	pos     Pos     // of the value
	secret  bool    // its text came, at least in part, from a sensitive variable

	// retype marks a string that is one whole variable: where the schema wants
	// no string it becomes what the core schema makes of its text.
	retype bool

	// literal holds the spans of text that came from variables, by byte offset
	// and in order. They are never interpolated again.
	literal []span
	// dollars holds the place of every "${" of text outside of literal.
	dollars []Pos
}

// entry is one key of a map with its value.
type entry struct {
	key   string
	pos   Pos // of the key
	value *node
}

// span is a half-open range of bytes.
type span struct{ from, to int }

// get returns the value of a key, or nil where n is nil, no map or without it.
func (n *node) get(key string) *node {
	e, _ := n.lookup(key)
	return e.value
}

// lookup returns the entry of a key.
func (n *node) lookup(key string) (entry, bool) {
	if n == nil {
		return entry{}, false
	}
	i := slices.IndexFunc(n.entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return entry{}, false
	}
	return n.entries[i], true
}

// clone returns a copy that shares nothing that can change.
func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	c := *n
	c.entries = slices.Clone(n.entries)
	for i := range c.entries {
		c.entries[i].value = c.entries[i].value.clone()
	}
	c.items = slices.Clone(n.items)
	for i := range c.items {
		c.items[i] = c.items[i].clone()
	}
	c.literal = slices.Clone(n.literal)
	c.dollars = slices.Clone(n.dollars)
	return &c
}

// plain returns the value as encoding/json would decode it: map[string]any,
// []any, string, json.Number, bool or nil. Infinities and NaN, which JSON does
// not know, come as strings.
func (n *node) plain() any {
	if n == nil {
		return nil
	}
	switch n.kind {
	case boolNode:
		return strings.EqualFold(n.text, "true")
	case intNode, floatNode:
		return number(n.kind, n.text)
	case stringNode:
		return n.text
	case mapNode:
		m := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			m[e.key] = e.value.plain()
		}
		return m
	case listNode:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.plain()
		}
		return list
	}
	return nil
}

// number writes a YAML number in the way of JSON.
func number(kind nodeKind, text string) any {
	if kind == intNode {
		if i, err := parseInt(text); err == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return text
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
}

// parseInt reads an integer of YAML's core schema: decimal, 0o17 or 0x1f.
// A leading zero does not make a number octal.
func parseInt(text string) (int64, error) {
	sign, digits := "", strings.TrimPrefix(text, "+")
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	base := 10
	switch {
	case strings.HasPrefix(digits, "0o"):
		base, digits = 8, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	}
	if digits == "" || digits[0] == '+' || digits[0] == '-' {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return strconv.ParseInt(sign+digits, base, 64)
}

// quoted returns the value as a message shows it: quoted, short and without
// secrets.
func (n *node) quoted() string {
	switch {
	case n.secret:
		return "(secret)"
	case n.kind == stringNode:
		return quote(n.text)
	case n.kind == mapNode || n.kind == listNode || n.kind == nullNode:
		return n.kind.String()
	}
	return n.text
}

// quote writes a user's value for a message, cut when it is very long.
func quote(text string) string {
	const longest = 80
	runes := []rune(text)
	if len(runes) > longest {
		return strconv.Quote(string(runes[:longest])) + "…"
	}
	return strconv.Quote(text)
}
