package render

import (
	"fmt"
	"slices"
	"strings"

	"zfleet/planner"
)

// mdRowBytes is how many machines a row of the table of what goes lists, as bytes
// of their keys. All are named, so that many make several rows, each of which can
// be left out where there is no room.
const mdRowBytes = 2000

// destroySection is a table of machines whose VMs go. A reason that all of them
// have stands above it.
func destroySection(action planner.Action, changes []planner.Change, names names) section {
	heading := "why"
	if action == planner.Replace {
		heading = "what forces it"
	}
	rows := goingRows(action, changes, names)
	reasons := make([]string, len(rows))
	for i, f := range rows {
		reasons[i] = strings.Join(mdReasons(f), "<br>")
	}
	s := section{noun: "machines to " + string(action), tier: vital,
		title: fmt.Sprintf("\n### To %s: %s\n\n", action, plural(machinesOfFolds(rows), "machine")),
		open:  "| machine | VM | " + heading + " | data disks that go with it |\n|---|---|---|---|\n"}
	alike := len(rows) > 1 && same(reasons)
	if alike {
		s.title += titled(heading) + ": " + reasons[0] + "\n\n"
		s.open = "| machine | VM | data disks that go with it |\n|---|---|---|\n"
	}
	for i, f := range rows {
		reason := reasons[i] + " | "
		if alike {
			reason = ""
		}
		keys := mdCell(ranges(f.keys))
		if n := len(f.keys); n > 1 {
			keys += ", " + plural(n, "machine")
		}
		row := fmt.Sprintf("| %s | %s | %s%s |\n", keys, mdValue(f.name()), reason, mdDisks(f))
		s.blocks = append(s.blocks, block{text: row, count: len(f.keys), keys: f.keys, disks: f.disks})
	}
	return s
}

// goingRows folds the machines that go by what is lost and why, whatever comes in
// their place.
func goingRows(action planner.Action, changes []planner.Change, names names) []*folded {
	var rows []*folded
	type open struct {
		row    *folded
		listed int // bytes of its keys, as ranges
	}
	alike := make(map[string]*open)
	for _, c := range changes {
		if c.Action != action {
			continue
		}
		one := describe(c, names)
		one.rows = nil
		one.identity = slices.DeleteFunc(one.identity, func(r row) bool { return r.label != nameLabel })
		one.differences = slices.DeleteFunc(one.differences, func(d difference) bool { return !d.forces })
		if len(one.differences) > 0 {
			one.reason = "" // it says less
		}
		likeness, size := one.likeness(), len(c.Key)+len(", ")
		if o := alike[likeness]; o != nil {
			if follows(o.row.keys[len(o.row.keys)-1], c.Key) {
				size = 0
			}
			if o.listed += size; o.listed <= mdRowBytes {
				o.row.add(one)
				continue
			}
		}
		alike[likeness] = &open{one, size}
		rows = append(rows, one)
	}
	for _, f := range rows {
		f.finish()
	}
	return rows
}
