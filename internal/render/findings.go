package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/spec"
)

// PlanFindings are all that a plan has against the fleet file, as findings: its
// refusals, the machines that are blocked without being meant to be, and its
// notes. What has no place of its own is at file.
func PlanFindings(plan *planner.Plan, file string) spec.Diagnostics {
	at := spec.Pos{File: file}
	var found spec.Diagnostics
	for _, r := range plan.Refusals {
		pos := r.Pos
		if pos.IsZero() {
			pos = at
		}
		found = append(found, spec.Diagnostic{Severity: spec.Error, Pos: pos, Code: r.Code, Message: r.Message, Hint: r.Hint})
	}
	for _, c := range plan.Changes {
		if c.Action != planner.Blocked || c.Protected {
			continue
		}
		pos := c.Pos
		if pos.IsZero() {
			pos = at
		}
		found = append(found, spec.Diagnostic{Severity: spec.Warning, Pos: pos, Code: "blocked",
			Message: fmt.Sprintf("nothing is done to %s: %s", c.Key, c.Reason)})
	}
	for _, d := range plan.Notes {
		if d.Pos.IsZero() {
			d.Pos = at
		}
		found = append(found, d)
	}
	return found
}

// ReportFindings are what went wrong in a run, one finding a reason. They have no
// place: a report knows nothing of files.
func ReportFindings(report *executor.Report) spec.Diagnostics {
	var found spec.Diagnostics
	for _, f := range outcomeOf(report).failures {
		hint := ""
		if len(f.settle) > 0 {
			hint = "to settle it: " + f.settle[0]
		}
		found = append(found, spec.Diagnostic{Severity: spec.Error, Hint: hint, Code: strings.ReplaceAll(statusWord(f.status), " ", "-"),
			Message: fmt.Sprintf("%s: %s", f.subject(cutSpans(spansOf(keysOf(f.machines)), mdListBytes)), f.title())})
	}
	return found
}

// foldedFinding is a finding and every place that it was made at.
type foldedFinding struct {
	spec.Diagnostic
	places []string
	count  int
}

// foldFindings puts findings together that differ in their place alone, the
// gravest first.
func foldFindings(found []spec.Diagnostic) []*foldedFinding {
	var folded []*foldedFinding
	at := make(map[spec.Diagnostic]*foldedFinding)
	for _, d := range found {
		text := d
		text.Pos = spec.Pos{}
		f := at[text]
		if f == nil {
			f = &foldedFinding{Diagnostic: d}
			at[text] = f
			folded = append(folded, f)
		}
		f.count++
		if !d.Pos.IsZero() {
			f.places = append(f.places, visible(d.Pos.String()))
		}
	}
	slices.SortStableFunc(folded, func(a, b *foldedFinding) int { return cmp.Compare(a.Severity, b.Severity) })
	return folded
}
