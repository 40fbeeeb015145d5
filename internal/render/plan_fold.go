package render

import (
	"slices"
	"strings"

	"zfleet/planner"
)

// folded is what is written for one or more machines. Machines are folded by
// comparing exactly what would be written for each, so a fold cannot hide a
// difference; only values that are a machine's own, such as its name and its
// addresses, may vary, and then all of them are written.
type folded struct {
	action      planner.Action
	reason      string
	keys        []string
	identity    []row // which VM
	rows        []row // what is asked for
	differences []difference
	disks       []planner.DiskFate
	notes       []string
	shape       string // of the disks: how many, of which size
}

// row is a labelled value of a change, one value per folded machine if own,
// else a single one.
type row struct {
	label  string
	values []string
	own    bool
}

// text returns the value, or the values of all machines.
func (r row) text() string {
	if same(r.values) {
		return r.values[0]
	}
	return ranges(r.values)
}

// difference is a planner.Difference with the values of all folded machines.
type difference struct {
	field         string
	mark          string
	before, after []string
	own           bool
}

// fold puts changes together that read the same. Kept and blocked machines are
// left out. Folds stand in the order of their first machine.
func fold(changes []planner.Change, names names) []*folded {
	var folds []*folded
	for _, c := range changes {
		if c.Action == planner.Keep || c.Action == planner.Blocked {
			continue
		}
		one := describe(c, names)
		at := slices.IndexFunc(folds, func(f *folded) bool { return f.like(one) })
		if at < 0 {
			folds = append(folds, one)
			continue
		}
		folds[at].add(one)
	}
	for _, f := range folds {
		f.finish()
	}
	return folds
}

// describe says what is written for one change.
func describe(c planner.Change, names names) *folded {
	f := &folded{
		action:   c.Action,
		reason:   c.Reason,
		keys:     []string{c.Key},
		identity: identityRows(c),
		rows:     contentRows(c, names),
		disks:    c.Disks,
		notes:    c.Notes,
		shape:    diskShape(c.Disks),
	}
	for _, d := range c.Differences {
		one := difference{field: d.Field, before: []string{d.Before}, after: []string{d.After}, own: ownField(d.Field)}
		switch {
		case d.ForcesReplace:
			one.mark = "(forces replacement)"
		case d.NeedsStop:
			one.mark = "(stops the machine)"
		}
		f.differences = append(f.differences, one)
	}
	return f
}

// like reports whether two changes read the same but for what is a machine's own.
func (f *folded) like(g *folded) bool {
	return f.action == g.action && f.reason == g.reason && f.shape == g.shape &&
		slices.Equal(f.notes, g.notes) &&
		slices.EqualFunc(f.identity, g.identity, likeRow) && slices.EqualFunc(f.rows, g.rows, likeRow) &&
		slices.EqualFunc(f.differences, g.differences, func(a, b difference) bool {
			return a.field == b.field && a.mark == b.mark &&
				(a.own || a.before[0] == b.before[0] && a.after[0] == b.after[0])
		})
}

func likeRow(a, b row) bool { return a.label == b.label && (a.own || a.values[0] == b.values[0]) }

// add folds one more machine in.
func (f *folded) add(one *folded) {
	f.keys = append(f.keys, one.keys...)
	f.disks = append(slices.Clip(f.disks), one.disks...)
	addRows(f.identity, one.identity)
	addRows(f.rows, one.rows)
	for i := range f.differences {
		if d := &f.differences[i]; d.own {
			d.before = append(d.before, one.differences[i].before...)
			d.after = append(d.after, one.differences[i].after...)
		}
	}
}

func addRows(rows, more []row) {
	for i := range rows {
		if rows[i].own {
			rows[i].values = append(rows[i].values, more[i].values...)
		}
	}
}

// finish drops repetitions and what is not said of several machines at once:
// their UUIDs, which the plan as JSON has.
func (f *folded) finish() {
	if len(f.keys) > 1 {
		f.identity = slices.DeleteFunc(f.identity, func(r row) bool { return r.label != nameLabel })
	}
	for i := range f.differences {
		d := &f.differences[i]
		if same(d.before) {
			d.before = d.before[:1]
		}
		if same(d.after) {
			d.after = d.after[:1]
		}
	}
}

// ownField reports whether a field is a machine's own, so that it differs
// between machines that are otherwise the same.
func ownField(field string) bool {
	switch field {
	case "name", "hostname", "resourceUuid":
		return true
	}
	return strings.HasPrefix(field, "networks") && (strings.HasSuffix(field, ".ip") || strings.HasSuffix(field, ".mac"))
}

// diskShape is what disks of machines that are treated the same have in common.
func diskShape(disks []planner.DiskFate) string {
	var b strings.Builder
	for _, d := range disks {
		b.WriteString(bytesText(d.Size) + ",")
	}
	return b.String()
}

// same reports whether all values are equal.
func same(values []string) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}
