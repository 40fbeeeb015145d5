package render

import (
	"fmt"
	"slices"
	"strings"

	"zfleet/planner"
)

// changeGroup is a group of the fleet with its changes in plan order.
type changeGroup struct {
	name    string
	changes []planner.Change
}

// groupChanges splits changes by group, groups in the order of their first change.
func groupChanges(changes []planner.Change) []*changeGroup {
	var groups []*changeGroup
	byName := make(map[string]*changeGroup)
	for _, c := range changes {
		name := groupOf(c.Key)
		g := byName[name]
		if g == nil {
			g = &changeGroup{name: name}
			byName[name] = g
			groups = append(groups, g)
		}
		g.changes = append(g.changes, c)
	}
	return groups
}

// actionWords are the actions in the order in which a heading counts them.
var actionWords = [...]struct {
	action planner.Action
	words  string
}{
	{planner.Create, "to create"},
	{planner.Update, "to update"},
	{planner.Replace, "to replace"},
	{planner.Delete, "to delete"},
	{planner.Blocked, "blocked"},
	{planner.Keep, "to keep"},
}

// group writes a heading and every change that does something. Kept machines
// are a number in the heading, blocked ones stand in their own section.
func (p *printer) group(g *changeGroup, names names) {
	counts := make(map[planner.Action]int)
	for _, c := range g.changes {
		counts[c.Action]++
	}
	var parts []string
	for _, a := range actionWords {
		if n := counts[a.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, a.words))
		}
	}
	p.put(strong, g.name)
	p.linef(plain, ": %s", strings.Join(parts, ", "))
	folds := fold(g.changes, names)
	for _, action := range [...]planner.Action{planner.Create, planner.Replace} {
		p.common(action, setApart(folds, action))
	}
	for _, f := range folds {
		p.fold(f)
	}
	p.newline()
}

// common writes what the changes of an action have in common.
func (p *printer) common(action planner.Action, c *common) {
	if c == nil {
		return
	}
	p.put(plain, "    ") // without the sign, which stands once for every change
	p.linef(strong, "%s to %s, all with", plural(c.machines, "machine"), action)
	if c.reason != "" {
		p.put(plain, strings.Repeat(" ", rowIndent))
		p.hang(plain, rowIndent, c.reason)
	}
	p.rows(c.rows)
}

// fold writes changes that are the same but for their own names and addresses.
func (p *printer) fold(f *folded) {
	how := actionPaint(f.action)
	p.put(how, signature(f.action))
	if len(f.keys) == 1 {
		p.put(strong, f.keys[0])
		p.newline()
	} else {
		p.hang(strong, signatureWidth, ranges(f.keys)+": "+plural(len(f.keys), "machine")+", the same")
	}
	if f.reason != "" {
		p.put(plain, strings.Repeat(" ", rowIndent))
		p.hang(plain, rowIndent, f.reason)
	}
	if len(f.differences) == 0 {
		p.rows(slices.Concat(f.identity, f.rows))
	} else {
		p.rows(f.identity)
		p.differences(f.differences)
		p.rows(f.rows)
	}
	p.diskFates(f)
	for _, note := range f.notes {
		p.prose(faint, strings.Repeat(" ", rowIndent)+"note: ", note)
	}
}

// signature begins the line of an action: its sign and its word, the words below
// one another and one blank after the signs, so that "+ create" can be found.
func signature(a planner.Action) string {
	sign := a.Symbol()
	return strings.Repeat(" ", max(0, 5-len(sign))) + sign + " " + pad(string(a), 7) + "  "
}

// signatureWidth is how many columns a signature takes.
const signatureWidth = 15

// rowIndent is the column in which the details of a change begin.
const rowIndent = 8

// rows writes labelled values, aligned.
func (p *printer) rows(rows []row) {
	columns := 0
	for _, r := range rows {
		columns = max(columns, widest(r.label))
	}
	for _, r := range rows {
		p.put(faint, strings.Repeat(" ", rowIndent)+pad(r.label, columns)+"  ")
		p.hang(plain, rowIndent+columns+2, r.text())
	}
}

// valueWidth is how many columns one side of a difference may take.
const valueWidth = 48

// differences writes "field: before → after", the arrows below one another.
func (p *printer) differences(ds []difference) {
	fields, befores, afters := 0, 0, 0
	type cut struct{ before, after string }
	cuts := make([]cut, len(ds))
	for i, d := range ds {
		before, after := cutPair(valueText(ranges(d.before)), valueText(ranges(d.after)), valueWidth)
		cuts[i] = cut{before, after}
		fields = max(fields, widest(d.field+":"))
		befores = max(befores, widest(before))
		if d.mark() != "" {
			afters = max(afters, widest(after))
		}
	}
	for i, d := range ds {
		p.put(plain, strings.Repeat(" ", rowIndent)+pad(d.field+":", fields)+"  "+pad(cuts[i].before, befores)+" → ")
		if d.mark() == "" {
			p.put(plain, cuts[i].after)
		} else {
			p.put(plain, pad(cuts[i].after, afters)+"  ")
			p.put(changed, d.mark())
		}
		p.newline()
	}
}

// valueText shows a value of a difference: nothing must not look like nothing.
func valueText(text string) string {
	if text == "" {
		return "(none)"
	}
	return visible(text)
}

func actionPaint(a planner.Action) paint {
	switch a {
	case planner.Create:
		return good
	case planner.Update:
		return changed
	case planner.Replace, planner.Delete:
		return bad
	case planner.Blocked:
		return alarming
	case planner.Keep:
		return faint
	}
	return plain
}
