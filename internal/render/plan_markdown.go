package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"zfleet/planner"
)

// MarkdownOptions steer how a plan is written as Markdown.
type MarkdownOptions struct {
	// Limit is the most bytes that the document may have; 0 means no limit.
	// It must be 0 or at least MinMarkdownLimit.
	Limit int
	// Full is a command that shows the whole plan, for readers of a short one.
	Full string
}

// DefaultMarkdownLimit fits into a comment of GitHub, which takes 65,536
// characters, with room for what a bot adds.
const DefaultMarkdownLimit = 60000

// MinMarkdownLimit has room for the totals and for what is said of all the rest
// that was left out.
const MinMarkdownLimit = 2000

// PlanMarkdown writes a plan as Markdown of the GitHub and GitLab flavour, for
// a comment on a change that is under review: totals and what stands in the
// way, deletes and replacements with their reasons, and the rest folded. The
// first line is hidden and the same for every plan of the fleet, so that a bot
// finds the comment that it has to replace:
//
//	<!-- zfleet plan fleet=staging id=k7c1f0e5 -->
//
// Names and messages stand in code spans, where nothing is markup, a mention or
// a link. Limits below MinMarkdownLimit are an error.
func PlanMarkdown(w io.Writer, plan *planner.Plan, opts MarkdownOptions) error {
	return planMarkdown(w, plan, opts, "plan")
}

// DiffMarkdown writes what planner.Diff found in the form of PlanMarkdown. Its
// first line says diff instead of plan.
func DiffMarkdown(w io.Writer, diff *planner.Plan, opts MarkdownOptions) error {
	return planMarkdown(w, diff, opts, "diff")
}

func planMarkdown(w io.Writer, plan *planner.Plan, opts MarkdownOptions, kind string) error {
	if opts.Limit != 0 && opts.Limit < MinMarkdownLimit {
		return fmt.Errorf("a plan as Markdown needs at least %d bytes, not %d", MinMarkdownLimit, opts.Limit)
	}
	head, tail := markdownHead(plan, kind), markdownTail(plan, opts)
	room := -1
	if opts.Limit > 0 {
		room = opts.Limit - len(head)
	}
	_, err := io.WriteString(w, head+fit(planSections(plan), room, plural(opts.Limit, "byte"), tail))
	return err
}

// markdownHead is the hidden line, the fleet and the totals.
func markdownHead(plan *planner.Plan, kind string) string {
	m := &markdown{}
	m.linef("<!-- zfleet %s fleet=%s id=%s -->", kind, token(plan.Scope.Name), token(plan.Scope.ID))
	title := "Plan for fleet "
	if kind == "diff" {
		title = "Change of the fleet file of "
	}
	m.linef("## %s%s\n", title, mdShort(plan.Scope.Name))
	var facts []string
	if plan.Endpoint != "" {
		facts = append(facts, "on "+mdShort(plan.Endpoint))
	}
	if plan.ServerVersion != "" {
		facts = append(facts, "ZStack "+mdShort(plan.ServerVersion))
	}
	if len(facts) > 0 {
		m.linef("%s\n", strings.Join(facts, ", "))
	}
	n := plan.Counts()
	m.linef("| create | update | replace | delete | keep | blocked |")
	m.linef("|--:|--:|--:|--:|--:|--:|")
	m.linef("| %d | %d | %d | %d | %d | %d |", n.Create, n.Update, n.Replace, n.Delete, n.Keep, n.Blocked)
	if n.Keep == total(n) {
		m.linef("\n%s", unchanged(n.Keep))
	}
	return m.text.String()
}

// markdownTail says where the whole plan is, and ends like the plan as text.
func markdownTail(plan *planner.Plan, opts MarkdownOptions) string {
	m := &markdown{}
	if opts.Full != "" {
		m.linef("\nThe whole of it: %s", mdShort(opts.Full))
	}
	m.linef("\n%s", PlanSummary(plan.Counts()))
	return m.text.String()
}

// token writes an identifier for a comment: what could end the comment, or is
// not a word, is written as a percent sign and hex digits.
func token(text string) string {
	var b strings.Builder
	for _, c := range []byte(cutBytes(text, 60)) {
		if digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == '.' {
			b.WriteByte(c)
		} else if c == '-' && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// mdShort is mdCode for text of which a few dozen bytes have to do.
func mdShort(text string) string { return mdCode(cutBytes(visible(text), 80)) }

// planSections are all parts of a plan but its totals, the weightiest first.
func planSections(plan *planner.Plan) []section {
	names := namesOf(plan.References)
	folds := fold(plan.Changes, names)
	sections := []section{refusalSection(plan), blockedSection(plan)}
	for _, a := range []struct {
		action  planner.Action
		words   string
		visible bool
	}{
		{planner.Delete, "to delete", true}, {planner.Replace, "to replace", true},
		{planner.Update, "to update", false}, {planner.Create, "to create", false},
	} {
		sections = append(sections, actionSection(folds, a.action, a.words, a.visible))
	}
	sections = append(sections, copySection(plan), noteSection(plan))
	if n := plan.Counts(); n.Keep != total(n) {
		sections = append(sections, referenceSection(plan))
	}
	return slices.DeleteFunc(sections, func(s section) bool { return len(s.blocks) == 0 })
}

func refusalSection(plan *planner.Plan) section {
	s := section{noun: "refusals", weighty: true, open: "\n### Refused: this plan cannot be applied as it stands\n\n"}
	for _, r := range plan.Refusals {
		m := &markdown{}
		m.linef("- **%s**", mdProse(r.Message+" ["+r.Code+"]"))
		if r.Hint != "" {
			m.linef("  - hint: %s", mdProse(r.Hint))
		}
		s.blocks = append(s.blocks, block{m.text.String(), 1})
	}
	return s
}

func blockedSection(plan *planner.Plan) section {
	s := section{noun: "blocked machines", weighty: true,
		open: fmt.Sprintf("\n### Blocked: nothing is done to %s\n\n", plural(plan.Counts().Blocked, "machine"))}
	for _, b := range foldBlocked(plan.Changes) {
		m := &markdown{}
		m.linef("- %s: %s", mdKeys(b.keys), mdProse(b.reason))
		for _, note := range b.notes {
			m.linef("  - %s", mdProse(note))
		}
		s.blocks = append(s.blocks, block{m.text.String(), len(b.keys)})
	}
	return s
}

func copySection(plan *planner.Plan) section {
	n := len(plan.Copies)
	s := foldedSection("Not touched: "+plural(n, "VM")+" with tags of this fleet, but not of it", "VMs with tags of this fleet")
	s.open += "| VM | UUID | tagged | why |\n|---|---|---|---|\n"
	for _, c := range plan.Copies {
		s.blocks = append(s.blocks, block{fmt.Sprintf("| %s | %s | %s | %s |\n", mdValue(c.Name), mdValue(c.UUID), mdValue(c.Key), mdProse(c.Why)), 1})
	}
	return s
}

func noteSection(plan *planner.Plan) section {
	s := foldedSection("Notes: "+strconv.Itoa(len(plan.Notes)), "notes")
	for _, d := range plan.Notes {
		m := &markdown{}
		at := ""
		if !d.Pos.IsZero() {
			at = mdValue(d.Pos.String()) + ": "
		}
		m.linef("- %s%s: %s", at, d.Severity, mdProse(d.Message+" ["+d.Code+"]"))
		if d.Hint != "" {
			m.linef("  - hint: %s", mdProse(d.Hint))
		}
		s.blocks = append(s.blocks, block{m.text.String(), 1})
	}
	return s
}

func referenceSection(plan *planner.Plan) section {
	s := foldedSection("References: "+strconv.Itoa(len(plan.References)), "references")
	s.open += "| kind | reference | UUID |\n|---|---|---|\n"
	for _, b := range plan.References {
		s.blocks = append(s.blocks, block{fmt.Sprintf("| %s | %s | %s |\n", mdProse(string(b.Kind)), mdValue(boundText(b)), mdValue(cmp.Or(b.UUID, "-"))), 1})
	}
	return s
}

// foldedSection is a section that a reader has to open. The title is not
// escaped: it must be words of ours.
func foldedSection(title, noun string) section {
	return section{noun: noun, open: "\n<details>\n<summary>" + title + "</summary>\n\n", close: "\n</details>\n"}
}
