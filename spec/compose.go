package spec

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// composer makes a tree of the parser's syntax tree: it types scalars by the
// core schema, follows aliases and merges maps.
type composer struct {
	file     *file
	anchors  map[string]*anchor
	aliased  int // values that aliases have added so far
	depth    int
	broken   bool // the tree is of no use
	problems Diagnostics
}

// anchor is a value with a name. While it is open, its own value is being read.
type anchor struct {
	value *node
	size  int
	open  bool
}

// report adds an error.
func (c *composer) report(at Pos, code, message, hint string) {
	c.problems = append(c.problems, Diagnostic{Pos: at, Code: code, Message: message, Hint: hint})
}

// document returns the value of the only document, nil if there is none.
func (c *composer) document(docs []*ast.DocumentNode) *node {
	var root *node
	for _, doc := range docs {
		if doc.Body == nil {
			continue
		}
		if _, ok := doc.Body.(*ast.DirectiveNode); ok {
			continue
		}
		if root != nil {
			at := doc.Start
			if at == nil {
				at = doc.Body.GetToken()
			}
			c.report(c.file.place(at), "several-documents", "a second document begins here",
				"put it into a file of its own and name both with -f")
			return root
		}
		root = c.value(doc.Body)
	}
	return root
}

// value reads any value.
func (c *composer) value(n ast.Node) *node {
	c.depth++
	defer func() { c.depth-- }()
	at := c.file.place(valueToken(n))
	if c.depth > maxNesting {
		c.report(at, "yaml-syntax", fmt.Sprintf("values nest deeper than %d levels", maxNesting), "")
		c.broken = true
		return &node{pos: at}
	}
	switch n := n.(type) {
	case nil:
		return &node{pos: at}
	case *ast.MappingNode:
		return c.mapping(n.Values, at, n.IsFlowStyle)
	case *ast.MappingValueNode:
		return c.mapping([]*ast.MappingValueNode{n}, at, n.IsFlowStyle)
	case *ast.SequenceNode:
		list := &node{kind: listNode, pos: at, items: make([]*node, len(n.Values))}
		for i, item := range n.Values {
			list.items[i] = c.value(item)
		}
		return list
	case *ast.AnchorNode:
		return c.anchored(n)
	case *ast.AliasNode:
		return c.alias(n)
	case *ast.TagNode:
		return c.tagged(n)
	case *ast.LiteralNode:
		return c.literal(n)
	case *ast.NullNode:
		return &node{text: n.Token.Value, pos: at}
	case ast.ScalarNode:
		return c.scalar(n.GetToken())
	}
	c.report(at, "yaml-syntax", "a value of this form is not supported", "write a map, a list or a plain value")
	c.broken = true
	return &node{pos: at}
}

// valueToken returns the token at which a value begins. The parser's own token
// of a block map is its first colon.
func valueToken(n ast.Node) *token.Token {
	switch n := n.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return valueToken(n.Values[0])
		}
	case *ast.MappingValueNode:
		if n.Key != nil {
			return n.Key.GetToken()
		}
	}
	return n.GetToken()
}

// scalar reads a scalar on the line of its token.
func (c *composer) scalar(tk *token.Token) *node {
	at := c.file.place(tk)
	n := &node{kind: stringNode, text: tk.Value, pos: at}
	switch tk.Type {
	case token.DoubleQuoteType, token.SingleQuoteType:
	default:
		n.kind = coreKind(tk.Value)
		if strings.Contains(strings.TrimSpace(tk.Origin), "\t") { // the parser would drop it
			c.report(at, "yaml-syntax", "a tab stands in a value without quotes", `put the value in double quotes and write the tab as \t`)
		}
	}
	n.dollars = c.file.dollars(n.text, at, tk.Origin)
	return n
}

// literal reads a block of text, which begins on the line after its header.
func (c *composer) literal(n *ast.LiteralNode) *node {
	at := c.file.place(n.Start)
	text := &node{kind: stringNode, pos: at}
	if n.Value != nil {
		text.text = n.Value.Value
		text.dollars = c.file.dollars(text.text, c.file.at(at.Line+1, 1), n.Value.GetToken().Origin)
	}
	return text
}

// dollars finds the place of every "${" of a scalar's text in the file. The
// text may be decoded, so places are paired by their order.
func (f *file) dollars(text string, from Pos, origin string) []Pos {
	count := strings.Count(text, "${")
	if count == 0 {
		return nil
	}
	places := make([]Pos, 0, count)
	last := min(from.Line+strings.Count(origin, "\n"), len(f.lines))
	for line := from.Line; line <= last && len(places) < count; line++ {
		column, rest := 1, f.lines[line-1]
		if line == from.Line {
			column, rest = from.Column, f.from(from)
		}
		for {
			before, after, ok := strings.Cut(rest, "${")
			if !ok || len(places) == count {
				break
			}
			column += len([]rune(before))
			places = append(places, f.at(line, column))
			column, rest = column+2, after
		}
	}
	for len(places) < count { // written with escapes
		places = append(places, from)
	}
	return places
}

// tagged reads a value with an explicit type. Only the tags of the core schema
// mean something; others are an error, since nothing here could honour them.
func (c *composer) tagged(n *ast.TagNode) *node {
	value := c.value(n.Value)
	at := c.file.place(n.Start)
	kinds := map[string]nodeKind{
		"!!str": stringNode, "!!map": mapNode, "!!seq": listNode,
		"!!int": intNode, "!!float": floatNode, "!!bool": boolNode, "!!null": nullNode,
	}
	tag := n.Start.Value
	want, known := kinds[tag]
	isText := value.kind != mapNode && value.kind != listNode
	switch {
	case !known:
		c.report(at, "yaml-tag", fmt.Sprintf("the tag %s is not supported", quote(tag)), "remove the tag")
	case want == stringNode && isText:
		value.kind = stringNode
	case value.kind == stringNode && coreKind(value.text) == want:
		value.kind = want
	case want == floatNode && value.kind == intNode:
		value.kind = floatNode
	case value.kind != want:
		c.report(at, "yaml-tag", fmt.Sprintf("want %s as the tag %s says, got %s", want, quote(tag), value.kind), "remove the tag")
	}
	return value
}

// The plain scalars that YAML's core schema does not take for strings.
var (
	coreNull  = regexp.MustCompile(`^(null|Null|NULL|~|)$`)
	coreBool  = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	coreInt   = regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreFloat = regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
)

// coreKind types a plain scalar. Words of YAML 1.1 such as yes stay strings.
func coreKind(text string) nodeKind {
	switch {
	case coreNull.MatchString(text):
		return nullNode
	case coreBool.MatchString(text):
		return boolNode
	case coreInt.MatchString(text):
		return intNode
	case coreFloat.MatchString(text):
		return floatNode
	}
	return stringNode
}
