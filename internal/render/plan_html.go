package render

import (
	_ "embed"
	"io"
	"slices"
	"strings"

	"zfleet/planner"
	"zfleet/spec"
)

//go:embed plan.html.tmpl
var planPageText string

// PlanHTML writes a plan as one page that needs nothing else. No change is left
// out and no value is shortened; what is destroyed is on the page, what is made
// or changed is folded.
func PlanHTML(w io.Writer, plan *planner.Plan) error {
	return writePage(w, "plan", planPageText, planPageOf(plan, "Plan for fleet "))
}

// DiffHTML writes what planner.Diff found in the form of PlanHTML.
func DiffHTML(w io.Writer, diff *planner.Plan) error {
	return writePage(w, "diff", planPageText, planPageOf(diff, "Change of the fleet file of "))
}

// planPage is what the template shows.
type planPage struct {
	Title, Origin, Unchanged, Summary, Digest string

	Counts       []pageCount
	Impact       []pageImpact
	Refusals     []planner.Refusal
	Destroyed    []pageSection
	BlockedTitle string
	Blocked      []pageChange
	Changed      []pageSection
	Copies       []planner.Copy

	PreflightTitle string
	PreflightOpen  bool
	Checks         []pageCheck
	Unchecked      []string

	FindingsTitle string
	Findings      []pageFinding
	PoliciesTitle string
	Policies      []pagePolicy
	References    []pageReference
}

type pageImpact struct{ Class, Text, More string }

// pageSection holds changes of one kind.
type pageSection struct {
	Title, Why string
	Open       bool
	Reason     string     // of all changes
	Common     []pageFact // of all changes
	Changes    []pageChange
}

type pageChange struct {
	Class, Sign, Keys, Several, Name, Brief string
	Reason, Why, Lost, DiskList             string

	Forces, Differences []pageDifference
	Disks               []pageDisk
	Rows                []pageFact
	Notes               []string
}

type pageDifference struct{ Field, Before, After, Mark string }

type pageDisk struct{ Name, Size, UUID string }

type pageFinding struct{ Class, Severity, Message, Code, Hint, Places string }

type pageReference struct{ Kind, Name, UUID string }

// planPageOf arranges a plan for the template, in the order of PlanMarkdown.
func planPageOf(plan *planner.Plan, title string) planPage {
	n := plan.Counts()
	pg := planPage{
		Title:   title + visible(plan.Scope.Name),
		Origin:  visible(originText(plan)),
		Summary: PlanSummary(n),
		Digest:  plan.Digest,
		Counts: []pageCount{
			{n.Delete, "to delete", "bad"}, {n.Replace, "to replace", "bad"}, {n.Update, "to update", "warn"},
			{n.Create, "to create", "good"}, {n.Keep, "to keep", ""}, {n.Blocked, "blocked", "unknown"},
		},
		Impact: pageImpactOf(impactOf(plan)),
	}
	if n.Keep == total(n) {
		pg.Unchanged = unchanged(n.Keep)
	}
	for _, r := range plan.Refusals {
		pg.Refusals = append(pg.Refusals, planner.Refusal{Code: visible(r.Code), Message: visible(placed(r)), Hint: visible(r.Hint)})
	}
	pg.changes(plan)
	pg.BlockedTitle = blockedTitle(plan)
	for _, b := range foldBlocked(plan.Changes) {
		pg.Blocked = append(pg.Blocked, pageChange{Keys: visible(ranges(b.keys)), Reason: visible(b.reason), Notes: visibles(b.notes)})
	}
	for _, c := range plan.Copies {
		pg.Copies = append(pg.Copies, planner.Copy{UUID: visible(c.UUID), Name: visible(c.Name), Key: visible(c.Key), Why: visible(c.Why)})
	}
	pg.preflight(plan)
	pg.FindingsTitle = "Findings: " + countSeverities(plan.Notes)
	for _, f := range foldFindings(plan.Notes) {
		class := ""
		if f.Severity != spec.Note {
			class = "warn"
		}
		pg.Findings = append(pg.Findings, pageFinding{class, f.Severity.String(), visible(f.Message), visible(f.Code), visible(f.Hint), ranges(f.places)})
	}
	pg.PoliciesTitle, pg.Policies = "Policies: "+policySummary(plan.Policies), pagePolicies(plan.Policies)
	if n.Keep != total(n) {
		for _, b := range plan.References {
			pg.References = append(pg.References, pageReference{visible(string(b.Kind)), visible(boundText(b)), visible(b.UUID)})
		}
	}
	return pg
}

// changes arranges the changes that do something.
func (pg *planPage) changes(plan *planner.Plan) {
	folds := fold(plan.Changes, namesOf(plan.References))
	few := len(folds) <= fewFolds
	for _, kind := range [...]struct {
		title, why string
		action     planner.Action
		stops      bool
		destroyed  bool
	}{
		{"To delete", "why", planner.Delete, false, true},
		{"To replace", "what forces it", planner.Replace, false, true},
		{"To update with a stop", "", planner.Update, true, false},
		{"To update", "", planner.Update, false, false},
		{"To create", "", planner.Create, false, false},
		{"What the new VMs are made of", "", planner.Replace, false, false},
	} {
		s := pageSection{Why: kind.why, Open: few && kind.action != planner.Replace}
		if c := setApart(folds, kind.action); c != nil && !kind.destroyed {
			s.Reason = visible(c.reason)
			for _, r := range c.rows {
				s.Common = append(s.Common, pageFact{r.label, visible(r.text())})
			}
		}
		machines := 0
		for _, f := range folds {
			if f.action == kind.action && f.stops == kind.stops {
				machines += len(f.keys)
				s.Changes = append(s.Changes, pageChangeOf(f))
			}
		}
		s.Title = kind.title + ": " + plural(machines, "machine")
		switch {
		case len(s.Changes) == 0:
		case kind.destroyed:
			pg.Destroyed = append(pg.Destroyed, s)
		default:
			pg.Changed = append(pg.Changed, s)
		}
	}
}

func pageImpactOf(i impact) []pageImpact {
	var lines []pageImpact
	add := func(class, text, more string) {
		if text != "" {
			lines = append(lines, pageImpact{class, text, visible(more)})
		}
	}
	add("bad", i.vms(), i.fate())
	add("bad", i.lost(), "")
	add("warn", i.downtime(), cutSpans(spansOf(i.stopped), 5*impactBytes))
	if i.warnings > 0 {
		add("warn", plural(i.warnings, "warning"), "")
	}
	return lines
}

func pageChangeOf(f *folded) pageChange {
	c := pageChange{
		Class: actionClass(f.action), Sign: f.action.Symbol(), Keys: visible(ranges(f.keys)), Name: visible(f.name()),
		Reason: visible(f.reason), Notes: visibles(f.notes), Brief: visible(f.asked()),
	}
	if len(f.keys) > 1 {
		c.Several = plural(len(f.keys), "machine") + ", the same"
	}
	if len(f.differences) == 0 {
		c.Why = c.Reason
	}
	var brief []string
	for _, d := range f.differences {
		pd := pageDifference{visible(d.field), valueText(ranges(d.before)), valueText(ranges(d.after)), strings.Trim(d.mark(), "()")}
		c.Differences = append(c.Differences, pd)
		if d.forces {
			c.Forces = append(c.Forces, pd)
		}
		before, after := cutPair(pd.Before, pd.After, valueWidth/2)
		brief = append(brief, pd.Field+": "+before+" → "+after)
	}
	if f.action == planner.Update && len(brief) > 0 {
		c.Brief = strings.Join(brief, "; ")
	}
	c.Brief = cutMiddle(c.Brief, 4*valueWidth)
	for _, r := range slices.Concat(f.identity, f.rows) {
		c.Rows = append(c.Rows, pageFact{r.label, visible(r.text())})
	}
	c.addDisks(f)
	return c
}

// addDisks lists the disks that go, one below the other, or of several machines
// in a text.
func (c *pageChange) addDisks(f *folded) {
	if len(f.disks) == 0 {
		return
	}
	c.Lost = diskTotal(f.disks)
	if len(f.keys) > 1 {
		c.DiskList = visible(joinSpans(f.diskSpans()))
		return
	}
	for _, d := range f.disks {
		c.Disks = append(c.Disks, pageDisk{visible(d.Name), sizeText(d.Size), visible(d.UUID)})
	}
}

func visibles(texts []string) []string {
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = visible(text)
	}
	return shown
}

// actionClass is the style of an action on a page. The word stands beside it.
func actionClass(a planner.Action) string {
	switch a {
	case planner.Create:
		return "good"
	case planner.Update:
		return "warn"
	case planner.Replace, planner.Delete:
		return "bad"
	case planner.Blocked:
		return "unknown"
	case planner.Keep:
	}
	return ""
}
