package render

import (
	"fmt"
	"strings"

	"zfleet/planner"
	"zfleet/spec"
)

// policyWords say what policies came to, in the order in which it is told.
var policyWords = [...]struct{ word, summary string }{
	{"passed", "passed"}, {"denied", "denied"}, {"failed", "without an answer"}, {"warned", "with a warning"}, {"off", "switched off"},
}

// policyWord is what a policy came to. One that only warns denies nothing.
func policyWord(r planner.PolicyResult) string {
	if r.Severity == spec.Warning && (r.Outcome == planner.PolicyDenied || r.Outcome == planner.PolicyFailed) {
		return "warned"
	}
	return string(r.Outcome)
}

// policySummary counts policies by what they came to: "3 passed, 1 denied".
func policySummary(results []planner.PolicyResult) string {
	var parts []string
	for _, w := range policyWords {
		if n := len(policiesThat(results, w.word)); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, w.summary))
		}
	}
	return strings.Join(parts, ", ")
}

// policiesThat names the policies that came to the same.
func policiesThat(results []planner.PolicyResult, word string) []string {
	var names []string
	for _, r := range results {
		if policyWord(r) == word {
			names = append(names, r.Name)
		}
	}
	return names
}

// policyClass colours what a policy came to, on a page.
func policyClass(word string) string {
	switch word {
	case "passed":
		return "good"
	case "denied", "failed":
		return "bad"
	case "warned":
		return "warn"
	}
	return ""
}

// policies names all that were asked: a reviewer wants to see that they were.
func (p *printer) policies(results []planner.PolicyResult) {
	if len(results) == 0 {
		return
	}
	paints := map[string]paint{"bad": bad, "warn": changed}
	p.linef(strong, "Policies")
	for _, w := range policyWords {
		if names := policiesThat(results, w.word); len(names) > 0 {
			p.put(paints[policyClass(w.word)], "  "+pad(w.word, len("passed"))+"  ")
			p.hang(plain, 10, strings.Join(names, ", "))
		}
	}
	p.newline()
}

func policySection(plan *planner.Plan) section {
	s := foldedSection("Policies: "+policySummary(plan.Policies), "policies", false)
	s.open = "| policy | outcome | why it is there | where |\n|---|---|---|---|\n"
	for _, r := range plan.Policies {
		row := fmt.Sprintf("| %s | %s | %s | %s |\n", mdValue(r.Name), policyWord(r), mdProse(r.Message), mdValue(r.Pos.String()))
		s.blocks = append(s.blocks, block{text: row, count: 1})
	}
	return s
}

type pagePolicy struct{ Class, Name, Outcome, Message, Place string }

func pagePolicies(results []planner.PolicyResult) []pagePolicy {
	var rows []pagePolicy
	for _, r := range results {
		word := policyWord(r)
		rows = append(rows, pagePolicy{policyClass(word), visible(r.Name), word, visible(r.Message), visible(r.Pos.String())})
	}
	return rows
}
