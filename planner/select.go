package planner

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
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

// fits reports whether a pattern, which is a key, a group or a glob of either,
// means a key.
func fits(pattern, key string) bool {
	group, _, _ := strings.Cut(key, "/")
	if pattern == key || pattern == group {
		return true
	}
	for _, text := range []string{key, group} {
		if ok, err := path.Match(pattern, text); ok && err == nil {
			return true
		}
	}
	return false
}

func groupsOf(keys []string) []string {
	var groups []string
	for _, key := range keys {
		group, _, _ := strings.Cut(key, "/")
		groups = append(groups, group)
	}
	return uniqueSorted(groups)
}

// compareKeys orders keys as people count: web/2 before web/10.
func compareKeys(a, b string) int {
	groupA, instanceA, _ := strings.Cut(a, "/")
	groupB, instanceB, _ := strings.Cut(b, "/")
	numberA, errA := strconv.Atoi(instanceA)
	numberB, errB := strconv.Atoi(instanceB)
	if groupA == groupB && errA == nil && errB == nil && numberA != numberB {
		return cmp.Compare(numberA, numberB)
	}
	return strings.Compare(a, b)
}
