package render

import (
	"fmt"
	"io"
	"slices"
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

// markdownHead is the hidden line, the fleet, the totals, and in a sentence each
// what is destroyed and who is interrupted.
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
	m.impact(impactOf(plan))
	return m.text.String()
}

func (m *markdown) impact(i impact) {
	var lines []string
	add := func(text string) {
		if text != "" {
			lines = append(lines, "- **"+text+"**")
		}
	}
	add(i.vms())
	if text := i.fate(); text != "" {
		lines[len(lines)-1] += ": " + text
	}
	add(i.lost())
	if text := i.downtime(); text != "" {
		line := "- **" + text + "**"
		if who := mdCell(cutSpans(spansOf(i.stopped), impactBytes)); len(who) < 2*impactBytes {
			line += ": " + who
		}
		lines = append(lines, line)
	}
	if i.warnings > 0 {
		lines = append(lines, "- "+plural(i.warnings, "warning"))
	}
	if len(lines) > 0 {
		m.linef("\n%s", strings.Join(lines, "\n"))
	}
}

// mdCommandBytes is how long the command that shows the whole plan may be. A part
// of one would be of no use.
const mdCommandBytes = 300

// markdownTail says where the whole plan is and by which digest an approval
// names it, and ends like the plan as text.
func markdownTail(plan *planner.Plan, opts MarkdownOptions) string {
	m := &markdown{}
	if opts.Full != "" && len(opts.Full) <= mdCommandBytes {
		m.linef("\nThe whole of it: %s", mdCode(opts.Full))
	}
	if plan.Digest != "" {
		m.linef("\nDigest: %s", mdShort(plan.Digest))
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
	of := func(action planner.Action, stops bool) []*folded {
		return slices.DeleteFunc(slices.Clone(folds), func(f *folded) bool { return f.action != action || f.stops != stops })
	}
	few := len(folds) <= fewFolds
	sections := []section{
		refusalSection(plan),
		destroySection(planner.Delete, plan.Changes, names), destroySection(planner.Replace, plan.Changes, names),
		blockedSection(plan),
		detailSection("To update with a stop", "machines to update with a stop", heavy, few, of(planner.Update, true)),
		detailSection("To update", "machines to update", minor, few, of(planner.Update, false)),
		detailSection("To create", "machines to create", minor, few, of(planner.Create, false)),
		detailSection("What the new VMs are made of", "new VMs in detail", minor, false, of(planner.Replace, false)),
		copySection(plan), preflightSection(plan), noteSection(plan), policySection(plan),
	}
	if n := plan.Counts(); n.Keep != total(n) {
		sections = append(sections, referenceSection(plan))
	}
	return slices.DeleteFunc(sections, func(s section) bool { return len(s.blocks) == 0 })
}

// fewFolds is up to how many different changes nobody should have to open.
const fewFolds = 3
