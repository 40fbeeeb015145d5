package render

import (
	"fmt"

	"zfleet/planner"
)

// preflight writes what the machines to be created need and what there is, one
// line for each resource.
func (p *printer) preflight(plan *planner.Plan) {
	if plan.Preflight == nil {
		return
	}
	p.linef(strong, "Preflight")
	resources, names := 0, 0
	for _, c := range plan.Preflight.Checks {
		resources, names = max(resources, widest(string(c.Resource))), max(names, widest(visible(c.Of)))
	}
	for _, c := range plan.Preflight.Checks {
		how := plain
		if c.Short > 0 {
			how = alarming
		}
		p.put(plain, "  "+pad(string(c.Resource), resources)+"  "+pad(visible(c.Of), names)+"  ")
		p.put(how, checkNumbers(c))
		p.newline()
	}
	for _, what := range plan.Preflight.Unchecked {
		p.prose(faint, "  not checked: ", what)
	}
	p.newline()
}

// checkNumbers says a check in numbers: "24 needed, 10 available, 4 freed: 5 would
// not fit".
func checkNumbers(c planner.Check) string {
	if c.Resource == planner.ResourceHosts {
		return "none can take even one"
	}
	text := fmt.Sprintf("%s needed, %s available", c.Amount(c.Needed), c.Amount(c.Available))
	if c.Freed > 0 {
		text += fmt.Sprintf(", %s freed", c.Amount(c.Freed))
	}
	if c.Short > 0 {
		text += ": " + plural(c.Short, "machine") + " would not fit"
	}
	return text
}

// preflightTitle counts the checks of a plan, and those with too little.
func preflightTitle(plan *planner.Plan) (title string, short bool) {
	n := 0
	for _, c := range plan.Preflight.Checks {
		if c.Short > 0 {
			n++
		}
	}
	title = "Preflight: " + plural(len(plan.Preflight.Checks), "check")
	if n > 0 {
		title += fmt.Sprintf(", %d short", n)
	}
	return title, n > 0
}

// preflightSection is the same for a comment: open where something is short.
func preflightSection(plan *planner.Plan) section {
	if plan.Preflight == nil {
		return section{}
	}
	title, short := preflightTitle(plan)
	s := foldedSection(title, "checks", short)
	s.open = "| resource | of | needed | available | freed | would not fit |\n|---|---|--:|--:|--:|---|\n"
	for _, c := range plan.Preflight.Checks {
		fit := ""
		if c.Short > 0 {
			fit = mdKeys(c.First) + moreOf(c)
		}
		row := fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", c.Resource, mdValue(c.Of), c.Amount(c.Needed), c.Amount(c.Available), freed(c), fit)
		s.blocks = append(s.blocks, block{text: row, count: 1})
	}
	for _, what := range plan.Preflight.Unchecked {
		s.blocks = append(s.blocks, block{text: fmt.Sprintf("| not checked | %s | | | | |\n", mdValue(what)), count: 1})
	}
	return s
}

// freed is what the plan gives back, or nothing.
func freed(c planner.Check) string {
	if c.Freed == 0 {
		return ""
	}
	return c.Amount(c.Freed)
}

// moreOf counts the machines that would not fit and are not named.
func moreOf(c planner.Check) string {
	if c.Short <= len(c.First) {
		return ""
	}
	return fmt.Sprintf(" and %d more", c.Short-len(c.First))
}

// pageCheck is a check for a page.
type pageCheck struct{ Class, Resource, Of, Needed, Available, Freed, Short string }

// preflight arranges the checks for a page.
func (pg *planPage) preflight(plan *planner.Plan) {
	if plan.Preflight == nil {
		return
	}
	pg.PreflightTitle, pg.PreflightOpen = preflightTitle(plan)
	for _, c := range plan.Preflight.Checks {
		row := pageCheck{Resource: string(c.Resource), Of: visible(c.Of), Needed: c.Amount(c.Needed), Available: c.Amount(c.Available), Freed: freed(c)}
		if c.Short > 0 {
			row.Class, row.Short = "bad", visible(ranges(c.First)+moreOf(c))
		}
		pg.Checks = append(pg.Checks, row)
	}
	pg.Unchecked = visibles(plan.Preflight.Unchecked)
}

// placed is the message of a refusal after the place that it is about.
func placed(r planner.Refusal) string {
	if r.Pos.IsZero() {
		return r.Message
	}
	return r.Pos.String() + ": " + r.Message
}

// refusalText is a refusal in the grammar of findings.
func refusalText(r planner.Refusal) string { return placed(r) + " [" + r.Code + "]" }
