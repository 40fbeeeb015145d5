package render

import (
	"fmt"
	"slices"
	"strconv"
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
	stops       bool   // an update that stops the machine
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
	before, after []string
	own           bool
	stops, forces bool
}

// mark says what the change of a field entails.
func (d difference) mark() string {
	switch {
	case d.forces:
		return "(forces replacement)"
	case d.stops:
		return "(stops the machine)"
	}
	return ""
}

// fold puts changes together that read the same. Kept and blocked machines are
// left out. Folds stand in the order of their first machine.
func fold(changes []planner.Change, names names) []*folded {
	var folds []*folded
	alike := make(map[string]*folded)
	for _, c := range changes {
		if c.Action == planner.Keep || c.Action == planner.Blocked {
			continue
		}
		one := describe(c, names)
		key := one.likeness()
		if f := alike[key]; f != nil {
			f.add(one)
			continue
		}
		alike[key] = one
		folds = append(folds, one)
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
		stops:    c.Action == planner.Update && stops(c),
	}
	for _, d := range c.Differences {
		f.differences = append(f.differences, difference{field: d.Field, before: []string{d.Before}, after: []string{d.After},
			own: ownField(d.Field), stops: d.NeedsStop, forces: d.ForcesReplace})
	}
	return f
}

// likeness is the same for two changes that read the same but for what is a
// machine's own.
func (f *folded) likeness() string {
	var b strings.Builder
	add := func(texts ...string) {
		for _, text := range texts {
			fmt.Fprintf(&b, "%d:%s", len(text), text)
		}
	}
	rows := func(rows []row) {
		add(strconv.Itoa(len(rows)))
		for _, r := range rows {
			if add(r.label); !r.own {
				add(r.values[0])
			}
		}
	}
	add(string(f.action), f.reason, f.shape, strconv.FormatBool(f.stops))
	rows(f.identity)
	rows(f.rows)
	add(strconv.Itoa(len(f.differences)))
	for _, d := range f.differences {
		if add(d.field, d.mark()); !d.own {
			add(d.before[0], d.after[0])
		}
	}
	add(f.notes...)
	return b.String()
}

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

// asked says in a line, without labels, what is asked for, and of which VM.
func (f *folded) asked() string {
	var parts []string
	for _, r := range slices.Concat(f.rows, f.identity) {
		if r.label != nameLabel && (r.label != uuidLabel || len(f.rows) == 0) {
			parts = append(parts, r.text())
		}
	}
	return strings.Join(parts, "; ")
}

// name is that of the VM, or of all of them.
func (f *folded) name() string {
	for _, r := range f.identity {
		if r.label == nameLabel {
			return r.text()
		}
	}
	return ""
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

// same reports whether all values are equal.
func same(values []string) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}
