package spec

// reporter collects findings. One mistake that several machines inherit is one
// finding, and what an earlier stage has found wrong is not found again by a
// later one.
type reporter struct {
	found Diagnostics
	seen  map[finding]bool
	// blamed holds the lines with an error of an earlier stage. What later
	// stages see there is its consequence.
	blamed map[Pos]bool
	// partial says where an earlier stage found errors: in a group, or under ""
	// in what all groups share. What seems to be missing there may only be
	// misspelt, so nothing is said about it.
	partial map[string]bool
	regions []region
	group   string // that is being looked at, or "" for the fleet itself
}

// region is the lines of a file that belong to one group.
type region struct {
	file     string
	from, to int
	group    string
}

// finding tells findings apart.
type finding struct {
	pos           Pos
	code, subject string
}

func newReporter() *reporter {
	return &reporter{seen: make(map[finding]bool), blamed: make(map[Pos]bool), partial: make(map[string]bool)}
}

// stage adds the findings of a whole stage.
func (r *reporter) stage(ds Diagnostics) {
	for _, d := range ds {
		r.add(d, d.Message)
	}
	for _, d := range ds {
		if d.Severity == Error {
			r.partial[r.groupAt(d.Pos)] = true
			r.blamed[line(d.Pos)] = true
		}
	}
}

// add reports a finding about a subject, which tells findings with the same
// place and code apart.
func (r *reporter) add(d Diagnostic, subject string) {
	key := finding{d.Pos, d.Code, subject}
	if r.seen[key] || !d.Pos.IsZero() && r.blamed[line(d.Pos)] {
		return
	}
	r.seen[key] = true
	r.found = append(r.found, d)
}

// missing reports something that is not there, unless it may only seem so.
func (r *reporter) missing(d Diagnostic) {
	if !r.unsure() {
		r.add(d, "")
	}
}

// unsure reports whether what is being looked at may be incomplete.
func (r *reporter) unsure() bool { return r.partial[""] || r.partial[r.group] }

// locate remembers which lines of a file belong to which group.
func (r *reporter) locate(layer *node) {
	groups := layer.get("machines")
	if groups == nil {
		return
	}
	for _, e := range groups.entries {
		r.regions = append(r.regions, region{e.pos.File, e.pos.Line, max(e.pos.Line, lastLine(e.value)), e.key})
	}
}

// groupAt returns the group that a place belongs to, or "". A line that several
// groups share belongs to none of them alone.
func (r *reporter) groupAt(pos Pos) string {
	group := ""
	for _, g := range r.regions {
		if g.file == pos.File && g.from <= pos.Line && pos.Line <= g.to {
			if group != "" && group != g.group {
				return ""
			}
			group = g.group
		}
	}
	return group
}

// lastLine returns the last line on which something of a value begins.
func lastLine(n *node) int {
	last := n.pos.Line
	for _, e := range n.entries {
		last = max(last, e.pos.Line, lastLine(e.value))
	}
	for _, item := range n.items {
		last = max(last, lastLine(item))
	}
	return last
}

// line is the place of a whole line.
func line(p Pos) Pos { return Pos{File: p.File, Line: p.Line} }
