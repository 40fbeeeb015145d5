package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"zfleet/planner"
	"zfleet/spec"
)

// PlanText writes a plan for the eyes of who has to consent to it: the machines
// by group, those that are treated the same folded into one, what every name was
// bound to, and then, next to where the eye of who ran the command is, what
// stands in the way and what goes. A plan that fills more than a screen says at
// its top that there is something in the way. The last line is fixed:
//
//	Plan: 12 to create, 1 to update, 1 to replace, 2 to delete, 3 to keep, 0 blocked.
func PlanText(w io.Writer, plan *planner.Plan, style Style) error {
	counts := plan.Counts()
	idle := counts.Keep == total(counts)
	body := newPrinter(style)
	names := namesOf(plan.References)
	for _, group := range groupChanges(plan.Changes) {
		body.group(group, names)
	}
	body.copies(plan.Copies)
	body.notes(plan.Notes)
	body.preflight(plan)
	body.policies(plan.Policies)
	if !idle {
		body.references(plan.References)
	}

	p := newPrinter(style)
	p.planHeader(plan)
	if strings.Count(body.text.String(), "\n") > screenLines {
		p.pointer(plan)
	}
	p.text.WriteString(body.text.String())
	p.obstacles(plan)
	if idle {
		p.linef(plain, "%s", unchanged(counts.Keep))
	} else {
		p.impact(impactOf(plan))
	}
	p.linef(strong, "%s", PlanSummary(counts))
	return p.writeTo(w)
}

// screenLines is how much of a plan can be seen together with its end.
const screenLines = 24

// pointer says at the top of a long plan that its end says what stands in the way.
func (p *printer) pointer(plan *planner.Plan) {
	var texts []string
	if len(plan.Refusals) > 0 {
		texts = append(texts, "Refused")
	}
	if plan.Counts().Blocked > 0 {
		texts = append(texts, blockedTitle(plan))
	}
	if texts == nil {
		return
	}
	p.linef(alarming, "%s. The end of the plan says why.", strings.Join(texts, ". "))
	p.newline()
}

// impact says once more, where a long plan ends, what goes and who is interrupted.
func (p *printer) impact(i impact) {
	if text := i.vms(); text != "" {
		p.linef(bad, "%s.", text)
		if text := i.fate(); text != "" {
			p.put(plain, "  ")
			p.hang(plain, 2, "("+text+")")
		}
	}
	if text := i.lost(); text != "" {
		p.linef(bad, "%s.", text)
	}
	if text := i.downtime(); text != "" {
		p.put(changed, text+": ")
		p.hang(plain, 4, cutSpans(spansOf(i.stopped), impactBytes))
	}
}

// PlanSummary is the last line of a plan.
func PlanSummary(c planner.Counts) string {
	return fmt.Sprintf("Plan: %d to create, %d to update, %d to replace, %d to delete, %d to keep, %d blocked.",
		c.Create, c.Update, c.Replace, c.Delete, c.Keep, c.Blocked)
}

// unchanged says that there is nothing to do.
func unchanged(machines int) string {
	switch machines {
	case 0:
		return "No changes: there is no machine to look at."
	case 1:
		return "No changes: 1 machine is as the fleet file says."
	}
	return fmt.Sprintf("No changes: %d machines are as the fleet file says.", machines)
}

func total(c planner.Counts) int {
	return c.Create + c.Update + c.Replace + c.Delete + c.Keep + c.Blocked
}

// planHeader says which fleet on which server.
func (p *printer) planHeader(plan *planner.Plan) {
	p.put(strong, "Fleet "+plan.Scope.Name)
	p.put(faint, " ("+plan.Scope.String()+")")
	p.put(plain, strings.TrimPrefix(originText(plan), plan.Scope.String()))
	p.newline()
	p.newline()
}

// originText says which fleet on which server.
func originText(plan *planner.Plan) string {
	text := plan.Scope.String()
	if plan.Endpoint != "" {
		text += " on " + plan.Endpoint
	}
	if plan.ServerVersion != "" {
		text += ", ZStack " + plan.ServerVersion
	}
	return text
}

// obstacles writes the blocked machines and the refusals, if there are any.
func (p *printer) obstacles(plan *planner.Plan) {
	if blocked := foldBlocked(plan.Changes); len(blocked) > 0 {
		p.linef(alarming, "%s.", blockedTitle(plan))
		for _, b := range blocked {
			p.put(alarming, "  ! blocked  ")
			p.hang(strong, 13, ranges(b.keys))
			p.put(plain, "    ")
			p.hang(plain, 4, b.reason)
			for _, note := range b.notes {
				p.prose(faint, "    - ", note)
			}
		}
		p.newline()
	}
	if len(plan.Refusals) == 0 {
		return
	}
	p.linef(alarming, "Refused: this plan cannot be applied as it stands.")
	for _, r := range plan.Refusals {
		p.put(alarming, "  ! ")
		p.hang(plain, 4, refusalText(r))
		if r.Hint != "" {
			p.prose(faint, "    hint: ", r.Hint)
		}
	}
	p.newline()
}

// obstruction is a reason and the machines that it blocks.
type obstruction struct {
	reason string
	notes  []string
	keys   []string
}

// foldBlocked puts blocked machines with equal reasons together.
func foldBlocked(changes []planner.Change) []*obstruction {
	var folded []*obstruction
	for _, c := range changes {
		if c.Action != planner.Blocked {
			continue
		}
		at := slices.IndexFunc(folded, func(o *obstruction) bool {
			return o.reason == c.Reason && slices.Equal(o.notes, c.Notes)
		})
		if at < 0 {
			at = len(folded)
			folded = append(folded, &obstruction{reason: c.Reason, notes: c.Notes})
		}
		folded[at].keys = append(folded[at].keys, c.Key)
	}
	return folded
}

// copies lists VMs that wear the fleet's tags without being of it.
func (p *printer) copies(copies []planner.Copy) {
	if len(copies) == 0 {
		return
	}
	p.linef(strong, "Not touched: VMs with tags of this fleet that are not its machines")
	for _, c := range copies {
		p.linef(plain, "  %s  %s (tagged %s)", c.UUID, c.Name, c.Key)
		p.put(plain, "    ")
		p.hang(faint, 4, c.Why)
	}
	p.newline()
}

// notes writes findings that change nothing.
func (p *printer) notes(notes []spec.Diagnostic) {
	if len(notes) == 0 {
		return
	}
	p.linef(strong, "Notes")
	for _, d := range notes {
		p.finding("  ", d)
		if d.Hint != "" {
			p.prose(faint, "    hint: ", d.Hint)
		}
	}
	p.newline()
}

// references writes what every name was bound to.
func (p *printer) references(bindings []planner.Binding) {
	if len(bindings) == 0 {
		return
	}
	p.linef(strong, "References")
	kinds, refs := 0, 0
	for _, b := range bindings {
		kinds = max(kinds, widest(string(b.Kind)))
		refs = max(refs, widest(boundText(b)))
	}
	for _, b := range bindings {
		p.put(plain, "  "+pad(string(b.Kind), kinds)+"  "+pad(boundText(b), refs)+"  ")
		p.put(faint, b.UUID)
		p.newline()
	}
	p.newline()
}

// boundText is a reference as written, and the name where that says more.
func boundText(b planner.Binding) string {
	if b.Ref == b.Name || b.Name == "" {
		return b.Ref
	}
	if b.Ref == b.UUID {
		return b.Name
	}
	return b.Ref + " = " + b.Name
}

// names gives names for UUIDs, as far as the plan bound them.
type names map[string]string

// namesOf returns the names of bindings. A name that stands for several UUIDs
// is followed by the UUID, so that different things never look the same.
func namesOf(bindings []planner.Binding) names {
	n := make(names, len(bindings))
	first := make(map[string]string, len(bindings)) // name to the first UUID with it
	shared := make(map[string]bool)
	for _, b := range bindings {
		if other, seen := first[b.Name]; seen && other != b.UUID {
			shared[b.Name] = true
		} else {
			first[b.Name] = b.UUID
		}
	}
	for _, b := range bindings {
		switch {
		case b.Name == "":
		case shared[b.Name]:
			n[b.UUID] = b.Name + " (" + b.UUID + ")"
		default:
			n[b.UUID] = b.Name
		}
	}
	return n
}

// of returns the name for a UUID, or the UUID itself.
func (n names) of(uuid string) string { return cmp.Or(n[uuid], uuid) }

// all returns the names for UUIDs.
func (n names) all(uuids []string) string {
	texts := make([]string, len(uuids))
	for i, uuid := range uuids {
		texts[i] = n.of(uuid)
	}
	return strings.Join(texts, ", ")
}
