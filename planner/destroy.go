package planner

// BuildDestroy plans the deletion of every machine that the fleet owns. It
// needs the fleet's scope only and binds no reference. The policies of the
// options are asked: what may not be deleted by a change of the file may not be
// deleted by a destroy.
func BuildDestroy(scope Scope, inv *Inventory, opts Options) *Plan {
	selection, findings := newSelection(opts, nil, inv)
	plan := destroySelected(scope, inv, opts, selection)
	plan.Notes = findings
	plan.ask(opts.Policies)
	plan.finish()
	return plan
}

// destroySelected is BuildDestroy before its plan is sealed.
func destroySelected(scope Scope, inv *Inventory, opts Options, selection *selection) *Plan {
	inv = inv.sorted()
	b := &builder{scope: scope, inv: inv, opts: opts, names: newResolver(inv), owned: newOwnership(scope, inv, nil)}
	plan := b.plan(b.absent(selection))
	plan.Limits = opts.Limits
	for i := range plan.Changes {
		if plan.Changes[i].Action == Delete {
			plan.Changes[i].Reason = "destroy was asked for"
		}
	}
	return plan
}
