package spec

import (
	"cmp"
	"slices"
	"strings"
)

// sanitize removes from a tree, in place, what must not be read as a value: the
// values of sensitive variables outside of the fields that may hold one, which
// is an error, and text with variables that have no value, which has been
// reported.
func (r *reporter) sanitize(n *node, path string, mayHold func(path string) bool) {
	switch {
	case n.secret && (mayHold == nil || !mayHold(path)):
		r.stage(Diagnostics{{Pos: n.pos, Code: "secret-in-plain-field",
			Message: "a sensitive variable is used in " + path + ", which shows in plans and reports",
			Hint:    "sensitive variables may be used in userData templates, consolePassword and systemTags; else declare the variable without sensitive: true"}})
		*n = node{kind: nullNode, pos: n.pos}
	case r.unsure() && n.kind == stringNode && path != "userData" && strings.Contains(n.text, "${"):
		r.blamed[line(n.pos)] = true
		*n = node{kind: nullNode, pos: n.pos}
	}
	for _, e := range n.entries {
		r.sanitize(e.value, joined(path, e.key), mayHold)
	}
	n.entries = slices.DeleteFunc(n.entries, func(e entry) bool { return e.value.kind == nullNode })
	for i, item := range n.items {
		r.sanitize(item, indexed(path, i), mayHold)
	}
}

// mayHoldSecret reports whether a field of a machine may hold the value of a
// sensitive variable.
func mayHoldSecret(path string) bool {
	return path == "userData" || path == "consolePassword" || strings.HasPrefix(path, "systemTags[")
}

// places notes where each field of a tree was said, by its path: values at the
// value, maps and lists at their key.
func places(n *node, path string, into map[string]Pos) {
	for _, e := range n.entries {
		at := e.value.pos
		if e.value.kind == mapNode || e.value.kind == listNode {
			at = e.pos
		}
		field := joined(path, e.key)
		into[field] = at
		places(e.value, field, into)
	}
	for i, item := range n.items {
		field := indexed(path, i)
		into[field] = item.pos
		places(item, field, into)
	}
}

// joined returns the path of a key in a map.
func joined(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// sorted returns all findings by place, files in the order of the inputs.
func (r *reporter) sorted(inputs []Input) Diagnostics {
	rank := make(map[string]int)
	for i, in := range inputs {
		if _, known := rank[in.Name]; !known {
			rank[in.Name] = i + 1
		}
	}
	slices.SortStableFunc(r.found, func(a, b Diagnostic) int { return cmp.Compare(rank[a.Pos.File], rank[b.Pos.File]) })
	return r.found.Sorted()
}
