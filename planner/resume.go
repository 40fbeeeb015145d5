package planner

import (
	"fmt"
	"slices"

	"zfleet/spec"
)

// Resume plans what an unfinished run of old has left to do, from what the
// cloud looks like now. Only machines of old are looked at, and what old was
// allowed to delete or replace stays allowed. The fleet must be the one that old
// was made from, or nil if old destroys it.
//
// The machines returned with the plan are those for which it wants more than
// old did: somebody else was at work since. Without any, the consent to old
// covers the plan.
func Resume(old *Plan, fleet *spec.Fleet, inv *Inventory) (*Plan, []Moved, spec.Diagnostics) {
	inv = inv.sorted()
	opts := Options{AllowDisjoint: true, Limits: old.Limits}
	selected := &selection{targets: []string{"/"}} // fits no key, so that no change means no machine
	owned := newOwnership(inv.Scope, inv, fleet)
	for i := range old.Changes {
		c := &old.Changes[i]
		selected.targets = append(selected.targets, c.Key)
		switch c.Action {
		case Delete:
			opts.AllowDeletes++
			opts.AllowVolumeLoss = append(opts.AllowVolumeLoss, c.Key)
		case Replace:
			opts.AllowReplacements++
		case Create, Update, Keep, Blocked:
		}
		// A generation that the operator gave up stays so, and so does that of an
		// old VM of which a server without a recycle bin shows nothing any more.
		if own := owned.of(c.Key); (c.Action == Create || c.Action == Replace) && own.next()+1 == c.Generation {
			opts.NextGeneration = append(opts.NextGeneration, c.Key)
		}
	}
	var (
		plan  *Plan
		found spec.Diagnostics
	)
	if fleet == nil {
		plan = destroySelected(old.Scope, inv, opts, selected)
	} else if plan, found = decideSelected(fleet, inv, opts, selected).compose(nil); plan == nil {
		return nil, nil, found
	}
	// The policies were asked about the whole of it. Of the rest they would say
	// something else, although no more is done than they allowed.
	plan.Policies = old.Policies
	plan.finish()
	return plan, beyond(old, plan), found
}

// beyond lists where a plan does more than an older one.
func beyond(old, plan *Plan) []Moved {
	before := make(map[string]*Change, len(old.Changes))
	for i := range old.Changes {
		before[old.Changes[i].Key] = &old.Changes[i]
	}
	var moved []Moved
	for i := range plan.Changes {
		now := &plan.Changes[i]
		was := before[now.Key]
		if was == nil {
			was = &Change{Action: Keep} // not seen by the older plan
		}
		if what := exceeds(was, now); what != "" {
			moved = append(moved, Moved{Key: now.Key, What: what})
		}
	}
	return moved
}

// exceeds says why the consent to one change does not cover another of the same
// machine, or "".
func exceeds(was, now *Change) string {
	if now.Action == Keep || now.Action == Blocked {
		return ""
	}
	more := fmt.Sprintf("planned %s, now %s", was.Action, now.Action)
	born := was.Action == Create || was.Action == Replace
	switch now.Action {
	case Create:
		if !born || now.UUID != was.UUID {
			return more + fmt.Sprintf(" as generation %d", now.Generation)
		}
	case Update:
		if what := exceedsUpdate(was, now, born); what != "" {
			return more + ": " + what
		}
	case Replace:
		if was.Action != Replace || now.UUID != was.UUID || now.OldUUID != was.OldUUID {
			return more
		}
	case Delete:
		if was.Action != Delete || now.UUID != "" && now.UUID != was.UUID {
			return more
		}
	case Keep, Blocked:
	}
	for _, disk := range now.Disks {
		if !slices.ContainsFunc(was.Disks, func(d DiskFate) bool { return d.UUID == disk.UUID }) {
			return fmt.Sprintf("data disk %q would be deleted too", disk.Name)
		}
	}
	return ""
}

// upkeepFields are differences that a cut-off run itself leaves behind.
var upkeepFields = []string{"power", "tags of zfleet", "dataDisks"}

// exceedsUpdate compares an update with what was planned. A machine that the
// run made may be completed; one that it updated may only be brought to where
// the run was taking it.
func exceedsUpdate(was, now *Change, born bool) string {
	switch {
	case now.UUID != was.UUID || !born && was.Action != Update:
		return now.Reason
	case now.Edit.Stop && (was.Edit == nil || !was.Edit.Stop):
		return "it would be stopped"
	case born:
		return ""
	}
	for _, d := range now.Differences {
		planned := slices.ContainsFunc(was.Differences, func(w Difference) bool { return w.Field == d.Field })
		if !planned && !slices.Contains(upkeepFields, d.Field) {
			return d.Field + " differs too"
		}
	}
	return ""
}
