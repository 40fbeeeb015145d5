package render

import (
	"cmp"
	"fmt"

	"zfleet/planner"
	"zfleet/spec"
)

func refusalSection(plan *planner.Plan) section {
	s := section{noun: "refusals", tier: vital, title: "\n### Refused: this plan cannot be applied as it stands\n\n"}
	for _, r := range plan.Refusals {
		m := &markdown{}
		m.linef("- **%s**", mdProse(refusalText(r)))
		if r.Hint != "" {
			m.linef("  - hint: %s", mdProse(r.Hint))
		}
		s.blocks = append(s.blocks, block{text: m.text.String(), count: 1})
	}
	return s
}

// blockedTitle counts blocked machines, and those that are so on purpose.
func blockedTitle(plan *planner.Plan) string {
	blocked, protected := 0, 0
	for _, c := range plan.Changes {
		if c.Action == planner.Blocked {
			blocked++
			if c.Protected {
				protected++
			}
		}
	}
	machines := plural(blocked, "machine")
	switch protected {
	case 0:
		return "Blocked: nothing is done to " + machines
	case blocked:
		return "Protected: nothing is done to " + machines
	}
	return fmt.Sprintf("Blocked: nothing is done to %s, %d of them protected", machines, protected)
}

func blockedSection(plan *planner.Plan) section {
	s := section{noun: "blocked machines", tier: vital, title: "\n### " + blockedTitle(plan) + "\n\n"}
	for _, b := range foldBlocked(plan.Changes) {
		m := &markdown{}
		m.linef("- %s: %s", mdKeys(b.keys), mdProse(b.reason))
		for _, note := range b.notes {
			m.linef("  - %s", mdProse(note))
		}
		s.blocks = append(s.blocks, block{text: m.text.String(), count: len(b.keys), keys: b.keys})
	}
	return s
}

func copySection(plan *planner.Plan) section {
	n := len(plan.Copies)
	s := foldedSection("Not touched: "+plural(n, "VM")+" with tags of this fleet, but not of it", "VMs with tags of this fleet", false)
	s.open = "| VM | UUID | tagged | why |\n|---|---|---|---|\n"
	for _, c := range plan.Copies {
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", mdValue(c.Name), mdValue(c.UUID), mdValue(c.Key), mdProse(c.Why))
		s.blocks = append(s.blocks, block{text: row, count: 1})
	}
	return s
}

// noteSection holds the findings, warnings first, equal ones once with their
// places.
func noteSection(plan *planner.Plan) section {
	folded := foldFindings(plan.Notes)
	warnings := 0
	for _, f := range folded {
		if f.Severity != spec.Note {
			warnings++
		}
	}
	s := foldedSection("Findings: "+countSeverities(plan.Notes), "findings", 0 < warnings && len(folded) <= fewFolds)
	for _, f := range folded {
		m := &markdown{}
		at := ""
		if len(f.places) > 0 {
			at = mdCell(cutSpans(spansOf(f.places), mdListBytes)) + ": "
		}
		m.linef("- %s%s: %s", at, f.Severity, mdProse(f.Message+" ["+f.Code+"]"))
		if f.Hint != "" {
			m.linef("  - hint: %s", mdProse(f.Hint))
		}
		s.blocks = append(s.blocks, block{text: m.text.String(), count: f.count})
	}
	return s
}

func referenceSection(plan *planner.Plan) section {
	s := foldedSection(fmt.Sprintf("References: %d", len(plan.References)), "references", false)
	s.open = "| kind | reference | UUID |\n|---|---|---|\n"
	for _, b := range plan.References {
		row := fmt.Sprintf("| %s | %s | %s |\n", mdProse(string(b.Kind)), mdValue(boundText(b)), mdValue(cmp.Or(b.UUID, "-")))
		s.blocks = append(s.blocks, block{text: row, count: 1})
	}
	return s
}

// foldedSection is a section that a reader has to open, or may close. The title
// is not escaped: it must be words of ours.
func foldedSection(title, noun string, open bool) section {
	how := "<details>"
	if open {
		how = "<details open>"
	}
	return section{noun: noun, tier: minor, title: "\n" + how + "\n<summary>" + title + "</summary>\n\n", close: "\n</details>\n"}
}
