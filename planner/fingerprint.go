package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// fingerprint lists what a decision was made from: of every VM with the
// change's key or UUID what is compared, and the tagged disks. It leaves out
// what moves by itself, such as hosts, actual sizes and the server's own tags.
func (b *builder) fingerprint(change *Change) []string {
	return b.owned.fingerprint(change)
}

func (o *ownership) fingerprint(change *Change) []string {
	scope := o.scope
	key, _, _ := strings.Cut(change.Key, "@")
	vms := slices.Concat(o.byStem[stem(scope.MachineUUID(key, 0))], o.byTag[key])
	if vm := o.byUUID[change.UUID]; vm != nil {
		vms = append(vms, vm)
	}
	var lines []string
	for _, vm := range vms { // lines of one that is there twice are dropped below
		lines = append(lines, vmLines(scope, vm)...)
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
		if _, _, ok := scope.ParseRunTag(tag.Text); ok {
			continue // who made it decides nothing
		}
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
		if what := movedBetween(change.Fingerprint, o.fingerprint(change)); what != "" {
			moved = append(moved, Moved{Key: change.Key, What: what})
		}
	}
	return moved
}

// maxMoved bounds how many differences of one machine are told.
const maxMoved = 4

// movedBetween says what differs between two fingerprints: things that came and
// went as a whole, and of the rest each fact with both its values.
func movedBetween(before, after []string) string {
	was, is := facts(before), facts(after)
	var parts []string
	for _, thing := range slices.Sorted(maps.Keys(merged(was, is))) {
		switch {
		case was[thing] == nil:
			parts = append(parts, thing+" was not there")
			continue
		case is[thing] == nil:
			parts = append(parts, thing+" is gone")
			continue
		}
		for _, fact := range slices.Sorted(maps.Keys(merged(was[thing], is[thing]))) {
			planned, found := was[thing][fact], is[thing][fact]
			if planned != found {
				parts = append(parts, fmt.Sprintf("%s: %s was %s, is %s", thing, fact, cmp.Or(planned, "absent"), cmp.Or(found, "absent")))
			}
		}
	}
	if more := len(parts) - maxMoved; more > 0 {
		parts = append(parts[:maxMoved], fmt.Sprintf("and %d more differences", more))
	}
	return strings.Join(parts, "; ")
}

// facts takes fingerprint lines apart: by the VM or disk that they speak of,
// then by what they say of it.
func facts(lines []string) map[string]map[string]string {
	things := make(map[string]map[string]string)
	for _, line := range lines {
		left, value, _ := strings.Cut(line, ": ")
		kind, rest, _ := strings.Cut(left, " ")
		thing, fact := left, "state"
		if kind == "VM" {
			uuid, field, _ := strings.Cut(rest, " ")
			thing, fact = "VM "+uuid, field
		}
		if fact == "tag" { // of which a VM has many
			fact, value = "tag "+value, "set"
		}
		if things[thing] == nil {
			things[thing] = make(map[string]string)
		}
		things[thing][fact] = value
	}
	return things
}

func merged[V any](a, b map[string]V) map[string]V {
	both := maps.Clone(a)
	if both == nil {
		return b
	}
	maps.Copy(both, b)
	return both
}
