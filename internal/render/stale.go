package render

import (
	"io"
	"slices"
	"strings"

	"zfleet/planner"
)

// StaleText writes what moved since a plan was made: per thing the facts with
// what the plan saw, what it wants and what is there now. Machines that share
// all of that, but for the UUIDs of their own VMs and disks, are told of once.
func StaleText(w io.Writer, moved []planner.Moved, style Style) error {
	p := newPrinter(style)
	for i, m := range moved {
		same := func(other planner.Moved) bool {
			return slices.EqualFunc(m.Things, other.Things, func(a, b planner.MovedThing) bool {
				return withoutUUID(a.Thing) == withoutUUID(b.Thing) && slices.Equal(a.Facts, b.Facts)
			})
		}
		if slices.ContainsFunc(moved[:i], same) {
			continue
		}
		var keys []string
		for _, other := range moved[i:] {
			if same(other) {
				keys = append(keys, other.Key)
			}
		}
		p.put(strong, ranges(keys))
		p.linef(plain, ": changed since the plan was made")
		for _, thing := range m.Things {
			if len(keys) > 1 {
				thing.Thing = withoutUUID(thing.Thing)
			}
			p.linef(plain, "  %s", thing.Thing)
			for _, fact := range thing.Facts {
				p.movedFact(fact)
			}
		}
	}
	return p.writeTo(w)
}

// withoutUUID cuts the UUID off what is called by its kind alone, such as "VM 0123…".
func withoutUUID(thing string) string {
	i := strings.LastIndexByte(thing, ' ')
	if uuid := thing[i+1:]; i > 0 && len(uuid) == 32 && strings.Trim(uuid, "0123456789abcdef") == "" {
		return thing[:i]
	}
	return thing
}

func (p *printer) movedFact(f planner.MovedFact) {
	p.put(faint, "    "+f.Fact+": ")
	p.put(plain, "was "+f.Planned)
	if f.Wanted != f.Planned {
		p.put(plain, ", the plan wants "+f.Wanted)
	}
	p.put(plain, ", is ")
	p.put(changed, f.Found)
	p.newline()
}

// StaleJSON writes what moved since a plan was made as indented JSON.
func StaleJSON(w io.Writer, plan *planner.Plan, moved []planner.Moved) error {
	return writeJSON(w, "stale plan", struct {
		FormatVersion string          `json:"format_version"`
		Kind          string          `json:"kind"` // always "stale"
		PlanDigest    string          `json:"planDigest"`
		Moved         []planner.Moved `json:"moved"`
	}{plan.FormatVersion, "stale", plan.Digest, orEmpty(moved)})
}
