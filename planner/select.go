package planner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"zfleet/spec"
)

// selection is the part of a fleet that the operator asked for.
type selection struct{ targets, excludes []string }

// newSelection reads targets and excludes. One that means nothing is an error:
// it is a typing mistake, and a plan for nothing would hide it.
func newSelection(opts Options, keys []string, inv *Inventory) (*selection, spec.Diagnostics) {
	s := &selection{opts.Targets, opts.Excludes}
	known := slices.Clone(keys)
	for key := range newOwnership(inv.Scope, inv, nil).byKey {
		known = append(known, key)
	}
	var findings spec.Diagnostics
	complain := func(flag, pattern string) {
		hint := "name a key (web/3), a group (web) or a glob (web/*)"
		if groups := groupsOf(known); len(groups) > 0 && len(groups) <= 12 {
			hint += "; the groups are: " + strings.Join(groups, ", ")
		}
		findings = append(findings, spec.Diagnostic{Code: "no-such-target", Hint: hint,
			Message: fmt.Sprintf("%s %q fits no machine", flag, pattern)})
	}
	for _, list := range []struct {
		flag     string
		patterns []string
	}{{"--target", opts.Targets}, {"--exclude", opts.Excludes}, {"--allow-volume-loss", opts.AllowVolumeLoss}, {"--next-generation", opts.NextGeneration}} {
		for _, pattern := range list.patterns {
			if !slices.ContainsFunc(known, func(key string) bool { return fits(pattern, key) }) {
				complain(list.flag, pattern)
			}
		}
	}
	return s, findings
}

// has reports whether a machine is selected.
func (s *selection) has(key string) bool {
	fit := func(pattern string) bool { return fits(pattern, key) }
	return (len(s.targets) == 0 || slices.ContainsFunc(s.targets, fit)) && !slices.ContainsFunc(s.excludes, fit)
}

// fits reports whether a pattern, which is a key, a group or a glob, means a key.
func fits(pattern, key string) bool {
	group, _, _ := strings.Cut(key, "/")
	if pattern == key || pattern == group {
		return true
	}
	ok, err := path.Match(pattern, key)
	return ok && err == nil
}

func groupsOf(keys []string) []string {
	var groups []string
	for _, key := range keys {
		group, _, _ := strings.Cut(key, "/")
		groups = append(groups, group)
	}
	return uniqueSorted(groups)
}
