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

// preflightSection is the same for a comment: open where something is short.
func preflightSection(plan *planner.Plan) section {
	if plan.Preflight == nil {
		return section{}
	}
	short := 0
	for _, c := range plan.Preflight.Checks {
		if c.Short > 0 {
			short++
		}
	}
	title := "Preflight: " + plural(len(plan.Preflight.Checks), "check")
	if short > 0 {
		title += fmt.Sprintf(", %d short", short)
	}
	s := foldedSection(title, "checks", short > 0)
	s.open = "| resource | of | needed | available | freed | would not fit |\n|---|---|--:|--:|--:|---|\n"
	for _, c := range plan.Preflight.Checks {
		freed, fit := "", ""
		if c.Freed > 0 {
			freed = c.Amount(c.Freed)
		}
		if c.Short > 0 {
			fit = mdKeys(c.First)
			if more := c.Short - len(c.First); more > 0 {
				fit += fmt.Sprintf(" and %d more", more)
			}
		}
		row := fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", c.Resource, mdValue(c.Of), c.Amount(c.Needed), c.Amount(c.Available), freed, fit)
		s.blocks = append(s.blocks, block{text: row, count: 1})
	}
	for _, what := range plan.Preflight.Unchecked {
		s.blocks = append(s.blocks, block{text: fmt.Sprintf("| not checked | %s | | | | |\n", mdValue(what)), count: 1})
	}
	return s
}

// refusalText is a refusal in the grammar of findings.
func refusalText(r planner.Refusal) string {
	text := r.Message + " [" + r.Code + "]"
	if !r.Pos.IsZero() {
		text = r.Pos.String() + ": " + text
	}
	return text
}
