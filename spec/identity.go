package spec

import (
	"slices"
	"strings"
)

// LoadIdentity reads of a fleet only what says which machines are its own, its
// limits and its policies. Whatever else the files hold may be wrong, absent or in want of
// variables: a fleet can be taken down when its file is no longer any good. The
// fleet has no machines, and is nil if any finding is an error.
func LoadIdentity(inputs []Input, vars Variables) (*Fleet, Diagnostics) {
	r := newReporter()
	if len(inputs) == 0 {
		return nil, Diagnostics{{Code: "no-file", Message: "no fleet file is given", Hint: "name one with -f"}}
	}
	var root *node
	for _, in := range inputs {
		layer, found := parseYAML(in)
		r.stage(found)
		if layer == nil {
			continue
		}
		layer = only(layer, "apiVersion", "kind", "name", "id", "formerly", "limits", "policies", "variables")
		stackPolicies(root, layer, r)
		if root == nil {
			root = layer
		} else {
			root = mergeNodes(root, layer, fleetUnits)
		}
	}
	if root == nil {
		return nil, r.found.Sorted()
	}
	if !mentionsVariable(root.get("limits")) {
		root, vars = only(root, "apiVersion", "kind", "name", "id", "formerly", "limits", "policies"), Variables{}
	}
	fill(root, vars, r)
	l := loader{reporter: r, fleet: &Fleet{Places: make(map[string]Pos)}}
	l.top(root)
	l.fleet.Policies = r.policies(root, inputs)
	if found := r.sorted(inputs); found.HasErrors() {
		return nil, found
	}
	return l.fleet, r.sorted(inputs)
}

// only returns a map with some of its keys.
func only(n *node, keys ...string) *node {
	reduced := *n
	reduced.entries = nil
	for _, e := range n.entries {
		if slices.Contains(keys, e.key) {
			reduced.entries = append(reduced.entries, e)
		}
	}
	return &reduced
}

func mentionsVariable(n *node) bool {
	if n == nil {
		return false
	}
	return strings.Contains(n.text, "${var.") ||
		slices.ContainsFunc(n.items, mentionsVariable) ||
		slices.ContainsFunc(n.entries, func(e entry) bool { return mentionsVariable(e.value) })
}
