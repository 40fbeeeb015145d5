package planner

import "zfleet/spec"

// Decision is what has to be done with every machine, decided but for one
// thing: whether there is room for those that are to be created.
type Decision struct {
	b       *builder
	changes []Change
}

// Decide is the first half of [Build]. What the machines to be created need of
// the cloud is known afterwards, and can be read before the plan is made.
func Decide(fleet *spec.Fleet, inv *Inventory, opts Options) (*Decision, spec.Diagnostics) {
	selection, findings := newSelection(opts, keysOfFleet(fleet), inv)
	if findings.HasErrors() {
		return nil, findings
	}
	return decideSelected(fleet, inv, opts, selection), nil
}

// decideSelected is Decide for a selection that is known to mean something.
func decideSelected(fleet *spec.Fleet, inv *Inventory, opts Options, selection *selection) *Decision {
	inv = inv.sorted()
	b := &builder{
		fleet: fleet, scope: inv.Scope, inv: inv, opts: opts,
		names: newResolver(inv),
		owned: newOwnership(inv.Scope, inv, fleet),
	}
	b.checkVersion(selection)
	b.drafter = drafter{scope: inv.Scope, resolve: b.names, secrets: newSecretDigests(inv.Scope, secretValues(fleet))}
	d := &Decision{b: b}
	for i := range fleet.Machines {
		if m := &fleet.Machines[i]; selection.has(m.Key) {
			d.changes = append(d.changes, b.machine(m)...)
		}
	}
	b.check()
	d.changes = append(d.changes, b.absent(selection)...)
	return d
}

// Wants says what of the cloud's headroom the plan depends on: nothing when no
// machine is to be created, or when there can be no plan.
func (d *Decision) Wants() HeadroomWants {
	if d.b.names.findings.HasErrors() {
		return HeadroomWants{}
	}
	return headroomWants(d.b.created)
}

// AllWants is Wants as if every machine of the file were to be created, for an
// inventory from which later files are planned too.
func (d *Decision) AllWants() HeadroomWants { return headroomWants(d.b.drafts) }

// Plan is the second half of [Build]. Without a headroom nothing is said about
// room.
func (d *Decision) Plan(room *Headroom) (*Plan, spec.Diagnostics) {
	plan, found := d.compose(room)
	if plan != nil {
		plan.ask(d.b.fleet.Policies)
		plan.finish()
	}
	return plan, found
}

// compose is Plan for a plan that policies are not asked about and that is not
// sealed.
func (d *Decision) compose(room *Headroom) (*Plan, spec.Diagnostics) {
	b := d.b
	var check preflight
	if room != nil && !b.names.findings.HasErrors() {
		check = b.preflight(d.changes, room)
	}
	found := b.names.findings.Sorted()
	if found.HasErrors() {
		return nil, found
	}
	plan := b.plan(d.changes)
	plan.Notes = found
	plan.References = b.names.sorted()
	plan.Preflight = check.result()
	plan.Refusals = append(b.refusals(d.changes), check.refusals...)
	return plan, found
}
