package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Moved says that a plan does not fit one machine any more.
type Moved struct {
	Key    string       `json:"key"`
	What   string       `json:"what"` // for people, in one line
	Things []MovedThing `json:"things,omitempty"`
}

// MovedThing is one VM, disk or other thing that is no longer as it was when a
// plan was made.
type MovedThing struct {
	Thing string      `json:"thing"`
	Facts []MovedFact `json:"facts"`
}

// MovedFact is a three-way difference: what the plan was made from, what it
// wants, and what is there now. "absent" stands for what is not there.
type MovedFact struct {
	Fact    string `json:"fact"`
	Planned string `json:"planned"`
	Wanted  string `json:"wanted"`
	Found   string `json:"found"`
}

const absent = "absent"

func (f MovedFact) String() string {
	if f.Wanted == f.Planned {
		return fmt.Sprintf("%s was %s, is %s", f.Fact, f.Planned, f.Found)
	}
	return fmt.Sprintf("%s was %s, the plan wants %s, is %s", f.Fact, f.Planned, f.Wanted, f.Found)
}

// Settlement is a plan held against what is there now.
type Settlement struct {
	// Plan is what is left to do: the plan itself if nothing of it is done yet.
	// What is as the plan wants is kept, what was begun has its rest.
	Plan *Plan
	// Done are the keys of machines that somebody has brought to where the plan
	// wants them.
	Done []string
	// Moved are the machines that the plan does not fit any more. With any, the
	// plan must not be carried out; see WithoutMoved.
	Moved []Moved
}

// Settle holds a plan against a fresh look at what it touches. What differs from
// what the plan was made from must be the plan's own work, done by whoever;
// otherwise it has moved.
func Settle(plan *Plan, inv *Inventory) Settlement {
	inv = inv.sorted()
	s := settler{scope: plan.Scope, owned: newOwnership(plan.Scope, inv, nil), refs: make(map[string][]MovedThing)}
	s.compareReferences(plan.References, inv.Catalog)
	rest := *plan
	rest.Changes = slices.Clone(plan.Changes)
	var out Settlement
	changed := false
	for i := range rest.Changes {
		c := &rest.Changes[i]
		if c.idle() {
			continue
		}
		left, things := s.settle(c)
		things = append(things, s.movedReferences(left, c.OldUUID)...)
		switch {
		case len(things) > 0:
			out.Moved = append(out.Moved, Moved{Key: c.Key, What: inOneLine(things), Things: things})
			continue
		case left.Action == Keep:
			out.Done = append(out.Done, c.Key)
			changed = true
		case left != c:
			changed = true
		}
		*c = *left
	}
	if !changed {
		out.Plan = plan
		return out
	}
	rest.finish()
	out.Plan = &rest
	return out
}

// WithoutMoved is the plan without the machines that it does not fit any more:
// those are blocked.
func (s Settlement) WithoutMoved() *Plan {
	if len(s.Moved) == 0 {
		return s.Plan
	}
	what := make(map[string]string)
	for _, m := range s.Moved {
		what[m.Key] = m.What
	}
	rest := *s.Plan
	rest.Changes = slices.Clone(s.Plan.Changes)
	for i := range rest.Changes {
		c := &rest.Changes[i]
		if why, moved := what[c.Key]; moved && !c.idle() {
			c.Action, c.Reason = Blocked, "changed since the plan was made: "+why
			c.Blueprint, c.Edit, c.Disks, c.Fingerprint, c.Uses = nil, nil, nil, nil, nil
			if c.OldUUID != "" {
				c.UUID, c.OldUUID = c.OldUUID, ""
			}
		}
	}
	rest.finish()
	return &rest
}

// maxMoved bounds how many differences of one machine are told in one line.
const maxMoved = 4

func inOneLine(things []MovedThing) string {
	var parts []string
	for _, thing := range things {
		for _, fact := range thing.Facts {
			parts = append(parts, thing.Thing+": "+fact.String())
		}
	}
	if more := len(parts) - maxMoved; more > 0 {
		parts = append(parts[:maxMoved], fmt.Sprintf("and %d more differences", more))
	}
	return strings.Join(parts, "; ")
}

// settler holds the changes of one plan against what is there.
type settler struct {
	scope Scope
	owned *ownership
	refs  map[string][]MovedThing // references that moved, by UUID
}

func (s *settler) compareReferences(references []Binding, catalog Catalog) {
	for _, b := range references {
		i := slices.IndexFunc(catalog[b.Kind], func(e Entry) bool { return e.UUID == b.UUID })
		if i < 0 {
			s.refs[b.UUID] = append(s.refs[b.UUID], MovedThing{b.thing(), []MovedFact{{"it", "there", "there", absent}}})
			continue
		}
		now := catalog[b.Kind][i].facts(b.Kind, b.byName())
		was, is := factsOf(b.Facts), factsOf(now)
		if moved := differing(was, is, nil); len(moved) > 0 {
			thing := MovedThing{b.thing(), moved}
			if !slices.ContainsFunc(s.refs[b.UUID], func(t MovedThing) bool { return slices.Equal(t.Facts, moved) }) {
				s.refs[b.UUID] = append(s.refs[b.UUID], thing)
			}
		}
	}
}

// movedReferences lists what a change relies on and is no longer as it was. A
// creation that has begun relies on nothing any more. A volume that the change's
// old VM had is free when that is gone.
func (s *settler) movedReferences(c *Change, old string) []MovedThing {
	if c.Blueprint != nil && s.owned.byUUID[c.UUID] != nil {
		return nil
	}
	var things []MovedThing
	for _, uuid := range c.refs() {
		for _, thing := range s.refs[uuid] {
			thing.Facts = filter(thing.Facts, func(f MovedFact) bool {
				return f.Fact != "VM" || f.Planned != old || f.Found != absent
			})
			if len(thing.Facts) > 0 {
				things = append(things, thing)
			}
		}
	}
	return things
}

// factsOf takes "what: value" lines apart.
func factsOf(lines []string) map[string]string {
	values := make(map[string]string)
	for _, line := range lines {
		what, value, _ := strings.Cut(line, ": ")
		values[what] = value
	}
	return values
}

// differing lists the facts that differ, with what a plan wants of them.
func differing(was, is, wanted map[string]string) []MovedFact {
	var moved []MovedFact
	for _, fact := range slices.Sorted(maps.Keys(merged(was, is))) {
		if was[fact] != is[fact] {
			planned := cmp.Or(was[fact], absent)
			moved = append(moved, MovedFact{fact, planned, cmp.Or(wanted[fact], planned), cmp.Or(is[fact], absent)})
		}
	}
	return moved
}

func merged[V any](a, b map[string]V) map[string]V {
	both := make(map[string]V, len(a)+len(b))
	maps.Copy(both, a)
	maps.Copy(both, b)
	return both
}
