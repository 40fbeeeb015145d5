package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// scope holds what ${fleet}, ${group}, ${instance} and ${index} stand for.
type scope struct {
	fleet, group, instance string
	index                  int // 0: none
}

// expand replaces the names of the scope in all strings of a tree, in place, and
// turns $${ into ${. Text that came from a variable stays as it is, and so does
// user data that stands in the file.
func (s scope) expand(n *node) Diagnostics {
	return rewrite(n, func(name string, at Pos) (replacement, *Diagnostic) {
		text, problem := s.resolve(name, at)
		return replacement{text: text}, problem
	}, true)
}

var indexPattern = regexp.MustCompile(`^index(?::([1-9]))?$`)

// resolve returns what a name stands for.
func (s scope) resolve(name string, at Pos) (string, *Diagnostic) {
	match := indexPattern.FindStringSubmatch(name)
	switch {
	case strings.HasPrefix(name, "var."):
		return "${" + name + "}", nil // substitute has reported it
	case name == "fleet":
		return s.fleet, nil
	case name == "group" && s.group != "":
		return s.group, nil
	case name == "instance" && s.instance != "":
		return s.instance, nil
	case match != nil && s.index > 0:
		width, _ := strconv.Atoi(match[1])
		return fmt.Sprintf("%0*d", width, s.index), nil
	case match != nil && s.group != "":
		return "", &Diagnostic{Pos: at, Code: "no-index", Message: fmt.Sprintf("there is no ${%s} here", name),
			Hint: "only a group with a count numbers its machines; use ${instance}"}
	case name == "group" || name == "instance" || match != nil:
		return "", &Diagnostic{Pos: at, Code: "unknown-name", Message: fmt.Sprintf("there is no ${%s} here", name),
			Hint: "it is known inside of machines and defaults only"}
	case strings.HasPrefix(name, "index:"):
		return "", &Diagnostic{Pos: at, Code: "unknown-name", Message: fmt.Sprintf("${%s} has no valid width", name),
			Hint: "write ${index:2} for 01, 02 and so on; widths go from 1 to 9"}
	}
	hint := "known here: ${fleet}, ${group}, ${instance}, ${index}, ${index:2} and ${var.NAME}; write $${ for a plain ${"
	base, _, _ := strings.Cut(name, ":")
	if near := suggest(base, []string{"fleet", "group", "instance", "index"}); near != "" {
		hint = fmt.Sprintf("did you mean ${%s}? Write $${ for a plain ${", near)
	}
	return "", &Diagnostic{Pos: at, Code: "unknown-name", Message: fmt.Sprintf("${%s} stands for nothing", cut(name)), Hint: hint}
}

// replacement is what takes the place of ${name}.
type replacement struct {
	text   string
	secret bool
	retype bool // alone in its string it may be read as another type
	keep   bool // leave ${name} for a later pass
}

// rewrite replaces every ${name} in the strings of a tree, in place. The last
// pass also turns $${ into ${.
func rewrite(n *node, resolve func(name string, at Pos) (replacement, *Diagnostic), last bool) Diagnostics {
	if n == nil {
		return nil
	}
	var found Diagnostics
	switch n.kind {
	case stringNode:
		r := rewriter{resolve: resolve, last: last}
		r.text(n)
		found = r.found
	case mapNode:
		for _, e := range n.entries {
			if !isVerbatim(e) {
				found = append(found, rewrite(e.value, resolve, last)...)
			}
		}
	case listNode:
		for _, item := range n.items {
			found = append(found, rewrite(item, resolve, last)...)
		}
	}
	return found
}

// isVerbatim reports whether ${ means nothing in a value: scripts in user data
// have their own.
func isVerbatim(e entry) bool {
	return e.key == "userData" && e.value.kind == stringNode
}

// rewriter makes the new text of one string.
type rewriter struct {
	resolve func(name string, at Pos) (replacement, *Diagnostic)
	last    bool
	out     strings.Builder
	literal []span
	dollars []Pos
	found   Diagnostics
}

// text rewrites a string.
func (r *rewriter) text(n *node) {
	if !strings.Contains(n.text, "${") {
		return
	}
	places := n.dollars
	next := func() Pos {
		if len(places) == 0 {
			return n.pos
		}
		at := places[0]
		places = places[1:]
		return at
	}
	from := 0
	for _, lit := range n.literal {
		r.open(n, n.text[from:lit.from], next)
		r.add(n.text[lit.from:lit.to], true)
		from = lit.to
	}
	r.open(n, n.text[from:], next)
	if r.last { // nothing is left to replace
		r.literal, r.dollars = []span{{0, r.out.Len()}}, nil
	}
	n.text, n.literal, n.dollars = r.out.String(), r.literal, r.dollars
}

// open rewrites text that is not literal.
func (r *rewriter) open(n *node, text string, next func() Pos) {
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			r.add(text, false)
			return
		}
		at := next()
		after := text[i+2:]
		end := strings.IndexAny(after, "}${\n")
		switch {
		case i > 0 && text[i-1] == '$' && r.last:
			r.add(text[:i-1]+"${", false)
			text = after
		case i > 0 && text[i-1] == '$':
			r.keep(text[:i+2], at)
			text = after
		case end < 0 || after[end] != '}':
			r.unclosed(after, at)
			r.keep(text[:i+2], at)
			text = after
		default:
			r.add(text[:i], false)
			r.name(n, after[:end], at)
			text = after[end+1:]
		}
	}
}

// name writes what takes the place of one ${name}.
func (r *rewriter) name(n *node, name string, at Pos) {
	with, problem := r.resolve(name, at)
	switch {
	case problem != nil:
		r.found = append(r.found, *problem)
		r.keep("${"+name+"}", at)
	case with.keep:
		r.keep("${"+name+"}", at)
	default:
		n.secret = n.secret || with.secret
		n.retype = with.retype && n.text == "${"+name+"}"
		r.add(with.text, true)
	}
}

// unclosed reports a ${ without }, in the pass that it belongs to.
func (r *rewriter) unclosed(after string, at Pos) {
	if r.last == strings.HasPrefix(after, "var.") {
		return
	}
	r.found = append(r.found, Diagnostic{Pos: at, Code: "bad-interpolation", Message: "${ has no closing }",
		Hint: "close it, or write $${ for a plain ${"})
}

// add writes text; literal text is never looked at again.
func (r *rewriter) add(text string, literal bool) {
	from := r.out.Len()
	r.out.WriteString(text)
	if literal && text != "" {
		r.literal = append(r.literal, span{from, r.out.Len()})
	}
}

// keep writes text with one ${ that a later pass reads.
func (r *rewriter) keep(text string, at Pos) {
	r.out.WriteString(text)
	r.dollars = append(r.dollars, at)
}

// cut shortens a user's text for a message.
func cut(text string) string {
	const longest = 40
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
