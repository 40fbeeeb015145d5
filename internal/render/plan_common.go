package render

import (
	"slices"

	"zfleet/planner"
)

// common is what different changes of one action have in common, so that it
// need not be said of each.
type common struct {
	machines int
	reason   string
	rows     []row
}

// From how many different changes on it pays to look for what they have in
// common, and how much that must be.
const (
	commonFolds = 3
	commonRows  = 2
)

// setApart takes what all creations, or all new VMs of replacements, have in
// common out of them, and returns it; of an action that is not so often in folds
// it returns nil. A value that is not there is in common with nothing.
func setApart(folds []*folded, action planner.Action) *common {
	folds = slices.DeleteFunc(slices.Clone(folds), func(f *folded) bool { return f.action != action })
	if len(folds) < commonFolds || action != planner.Create && action != planner.Replace {
		return nil
	}
	c := &common{machines: machinesOfFolds(folds), reason: folds[0].reason}
	for _, r := range folds[0].rows {
		if !slices.ContainsFunc(folds, func(f *folded) bool { return !f.has(r) }) {
			c.rows = append(c.rows, r)
		}
	}
	if len(c.rows) < commonRows {
		return nil
	}
	if action != planner.Create || slices.ContainsFunc(folds, func(f *folded) bool { return f.reason != c.reason }) {
		c.reason = ""
	}
	for _, f := range folds {
		f.rows = slices.DeleteFunc(f.rows, func(r row) bool { return has(c.rows, r) })
		if c.reason != "" {
			f.reason = ""
		}
	}
	return c
}

// has reports whether a fold has a row with this label and value, and no other
// with the label.
func (f *folded) has(r row) bool {
	labels := 0
	for _, other := range f.rows {
		if other.label == r.label {
			labels++
		}
	}
	return labels == 1 && has(f.rows, r)
}

func has(rows []row, r row) bool {
	return slices.ContainsFunc(rows, func(other row) bool { return other.label == r.label && other.text() == r.text() })
}
