package planner

import (
	"fmt"
	"slices"
	"strings"
)

// fingerprint lists what a decision was made from: of every VM with the
// change's key or UUID what is compared, and the tagged disks. It leaves out
// what moves by itself, such as hosts, actual sizes and the server's own tags.
func (b *builder) fingerprint(change *Change) []string {
	return fingerprint(b.scope, b.owned, b.inv, change)
}

func fingerprint(scope Scope, o *ownership, inv *Inventory, change *Change) []string {
	key, _, _ := strings.Cut(change.Key, "@")
	var lines []string
	for i := range inv.Machines {
		vm := &inv.Machines[i]
		_, computed := scope.Generation(key, vm.UUID)
		if computed || vm.UUID == change.UUID || slices.Contains(o.keysOf(vm), key) {
			lines = append(lines, vmLines(scope, vm)...)
		}
	}
	if own, ok := o.byKey[key]; ok {
		for _, disk := range own.disks {
			lines = append(lines, fmt.Sprintf("data disk %s: %q on VM %s", disk.UUID, disk.Name, disk.VMUUID))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// vmLines says what is compared of a VM. "VM <uuid> <field>: <value>".
func vmLines(scope Scope, vm *Observed) []string {
	var lines []string
	add := func(field string, value any) {
		if text := fmt.Sprint(value); text != "" {
			lines = append(lines, fmt.Sprintf("VM %s %s: %s", vm.UUID, field, text))
		}
	}
	add("state", vm.State)
	add("created", vm.CreateDate)
	if inRecycleBin(vm.State) {
		return lines
	}
	add("name", vm.Name)
	add("description", vm.Description)
	add("cpu", vm.CPU)
	add("memory", formatSize(vm.Memory))
	add("reserved memory", formatSize(vm.Reserved))
	add("instance offering", vm.OfferingUUID)
	add("image", vm.ImageUUID)
	add("platform", vm.Platform)
	add("guest OS", vm.GuestOSType)
	add("architecture", vm.Architecture)
	add("default network", vm.DefaultNetwork)
	for _, nic := range vm.NICs {
		add("NIC on "+nic.NetworkUUID, strings.Join(nic.IPs, ", "))
	}
	for _, tag := range vm.UserTags {
		if tag.PatternUUID != "" || !strings.HasPrefix(tag.Text, TagNamespace) || strings.HasPrefix(tag.Text, scope.TagPrefix()) {
			add("tag", tag.Text)
		}
	}
	for _, tag := range vm.SystemTags {
		if strings.HasPrefix(tag.Text, hostnameTag) {
			add("system tag", tag.Text)
		}
	}
	return lines
}

// Moved is one thing that is no longer as it was when a plan was made.
type Moved struct {
	Key  string
	What string // for people: what the plan saw and what is there now
}

// Stale compares what a plan was made from with a fresh inventory.
func Stale(plan *Plan, inv *Inventory) []Moved {
	o := newOwnership(plan.Scope, inv, nil)
	var moved []Moved
	for i := range plan.Changes {
		change := &plan.Changes[i]
		if change.Action == Keep {
			continue
		}
		now := fingerprint(plan.Scope, o, inv, change)
		var parts []string
		for _, line := range change.Fingerprint {
			if !slices.Contains(now, line) {
				parts = append(parts, "planned with "+line)
			}
		}
		for _, line := range now {
			if !slices.Contains(change.Fingerprint, line) {
				parts = append(parts, "found "+line)
			}
		}
		if len(parts) > 0 {
			moved = append(moved, Moved{Key: change.Key, What: strings.Join(parts, "; ")})
		}
	}
	return moved
}
