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
	// partial is set when an earlier stage found errors. What seems to be
	// missing may then only be misspelt, so nothing is said about it.
	partial bool
}

// finding tells findings apart.
type finding struct {
	pos           Pos
	code, subject string
}

func newReporter() *reporter {
	return &reporter{seen: make(map[finding]bool), blamed: make(map[Pos]bool)}
}

// stage adds the findings of a whole stage.
func (r *reporter) stage(ds Diagnostics) {
	for _, d := range ds {
		r.add(d, d.Message)
	}
	for _, d := range ds {
		if d.Severity == Error {
			r.partial = true
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
	if !r.partial {
		r.add(d, "")
	}
}

// line is the place of a whole line.
func line(p Pos) Pos { return Pos{File: p.File, Line: p.Line} }
