package render

import (
	"fmt"

	"zfleet/planner"
	"zfleet/spec"
)

// impact is what a plan takes away and whom it interrupts: what a reader has to
// see before anything else.
type impact struct {
	deleted, replaced int      // VMs that go
	stopped           []string // keys of machines that are stopped and started again
	disks             diskSum  // data disks that go, with whatever change: a create deletes those that an earlier VM left
	policy            string   // the server's, for VMs that go; empty if it is not known
	warnings          int
}

func impactOf(plan *planner.Plan) impact {
	i := impact{policy: plan.DeletionPolicy}
	for _, c := range plan.Changes {
		switch {
		case c.Action == planner.Delete && c.Name != "": // else only disks are left of it
			i.deleted++
		case c.Action == planner.Replace:
			i.replaced++
		case c.Action == planner.Update && stops(c):
			i.stopped = append(i.stopped, c.Key)
		}
		for _, disk := range c.Disks {
			i.disks.add(disk)
		}
	}
	for _, d := range plan.Notes {
		if d.Severity == spec.Warning {
			i.warnings++
		}
	}
	return i
}

// stops reports whether an update stops the machine.
func stops(c planner.Change) bool {
	for _, d := range c.Differences {
		if d.NeedsStop {
			return true
		}
	}
	return c.Edit != nil && c.Edit.Stop
}

// impactBytes is how much is said of which machines are stopped.
const impactBytes = 120

// vms says which VMs go, or "".
func (i impact) vms() string {
	total := plural(i.deleted+i.replaced, "VM")
	switch {
	case i.deleted+i.replaced == 0:
		return ""
	case i.replaced == 0:
		return total + " will be deleted"
	case i.deleted == 0:
		return total + " will be destroyed and made anew"
	}
	return fmt.Sprintf("%s will be destroyed: %d deleted, %d replaced", total, i.deleted, i.replaced)
}

// fate says what becomes of the VMs that go, or "": that they can be had back is
// said only where the server is known to keep them.
func (i impact) fate() string {
	switch {
	case i.deleted+i.replaced == 0:
		return ""
	case i.policy == "Delay", i.policy == "Never":
		return "until they are expunged they can be recovered from the recycle bin, with UUID and root disk but not the address"
	case i.policy == "Direct":
		return "they cannot be recovered: the server has no recycle bin for them"
	}
	return ""
}

// lost says which data disks go, or "".
func (i impact) lost() string {
	if i.disks.disks == 0 {
		return ""
	}
	return plural(i.disks.disks, "data disk") + " will be deleted" + i.disks.text()
}

// downtime says how many machines are interrupted, or "". Those that are
// replaced or deleted are so by name.
func (i impact) downtime() string {
	if len(i.stopped) == 0 {
		return ""
	}
	return plural(len(i.stopped), "machine") + " will be stopped and started again"
}
