package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
)

// Of returns the inventory of one fleet, as a look at the cloud for that fleet
// alone would have found it. name is what people call the file. What the fleet
// file asks for and the inventory was taken without is an error at its line;
// references are checked where they are bound.
func (f *InventoryFile) Of(fleet *spec.Fleet, name string) (*Inventory, spec.Diagnostics) {
	wants := RequestsFor(fleet)
	scope := Scope{Name: fleet.Name, ID: cmp.Or(fleet.ID, f.Account)}
	about, found := f.about(scope)
	beyond := func(pos spec.Pos, format string, args ...any) spec.Diagnostic {
		return spec.Diagnostic{Pos: pos, Code: beyondInventory, Hint: takeAgain(name), Message: name + " was taken " + fmt.Sprintf(format, args...)}
	}
	if !found {
		var others []string
		for _, other := range f.Fleets {
			others = append(others, fmt.Sprintf("%q", other.Scope))
		}
		return nil, spec.Diagnostics{beyond(fleet.Places["name"], "for fleet %s, not for %q", strings.Join(others, ", "), scope)}
	}
	var findings spec.Diagnostics
	for _, former := range wants.Formerly {
		if !f.AllFleets && !slices.Contains(about.Formerly, former) {
			findings = append(findings, beyond(fleet.Places["name"], "without the machines of fleet %q, which this one was formerly", former))
		}
	}
	for i := range fleet.Machines {
		m := &fleet.Machines[i]
		known := m.ResourceUUID == "" || slices.Contains(about.VMUUIDs, m.ResourceUUID) ||
			slices.ContainsFunc(f.Machines, func(vm Observed) bool { return vm.UUID == m.ResourceUUID })
		if !known {
			findings = append(findings, beyond(m.At("resourceUuid"), "without looking for VM %s", m.ResourceUUID))
		}
	}
	if len(findings) > 0 {
		return nil, findings
	}
	return f.part(about, wants, name), nil
}

const beyondInventory = "beyond-inventory"

func takeAgain(name string) string {
	return fmt.Sprintf("take it again: zfleet inventory -f FILE --out %s", name)
}

// about returns what the file says of a fleet. Of one that has no machine at all
// a file of all fleets says so too.
func (f *InventoryFile) about(scope Scope) (InventoryFleet, bool) {
	for _, fleet := range f.Fleets {
		if fleet.Scope == scope {
			if f.AllFleets {
				fleet.Relatives = f.relatives(scope)
			}
			return fleet, true
		}
	}
	return InventoryFleet{Scope: scope, Relatives: f.relatives(scope)}, f.AllFleets && scope.ID != ""
}

// relatives counts the live machines of fleets that share the name or the id of
// one that has no live machine itself.
func (f *InventoryFile) relatives(scope Scope) []Relative {
	count := make(map[Scope]int)
	for i := range f.Machines {
		vm := &f.Machines[i]
		if inRecycleBin(vm.State) || vm.State == "Destroying" {
			continue
		}
		if belongs(vm, scope) {
			return nil
		}
		for _, tag := range vm.UserTags {
			other, ok := ScopeOfTag(tag.Text)
			if ok && strings.HasPrefix(tag.Text, other.KeyTag("")) && (other.Name == scope.Name || other.ID == scope.ID) {
				count[other]++
				break
			}
		}
	}
	var relatives []Relative
	for other, machines := range count {
		relatives = append(relatives, Relative{Scope: other, Machines: machines})
	}
	return sortedBy(relatives, func(r Relative) string { return r.Scope.String() })
}

// belongs reports whether a VM is in the range of a fleet or carries its key tag.
func belongs(vm *Observed, scope Scope) bool {
	return strings.HasPrefix(vm.UUID, scope.UUIDPrefix()) ||
		slices.ContainsFunc(vm.UserTags, func(tag Tag) bool { return strings.HasPrefix(tag.Text, scope.KeyTag("")) })
}

// Part returns the inventory of one of the fleets that the file names, with all
// of the catalog.
func (f *InventoryFile) Part(scope Scope) *Inventory {
	about, _ := f.about(scope)
	return f.part(about, Wants{Formerly: about.Formerly, VMUUIDs: about.VMUUIDs}, "")
}

// part takes what a look for one fleet would have found. A catalog holds no
// more than that either: names that the one look would not have learned would
// show in its plan.
func (f *InventoryFile) part(about InventoryFleet, wants Wants, name string) *Inventory {
	inv := f.Inventory
	inv.Scope, inv.Formerly, inv.Relatives, inv.file = about.Scope, wants.Formerly, about.Relatives, name
	scopes := append([]Scope{inv.Scope}, wants.Formerly...)
	inv.Machines = append([]Observed{}, filter(f.Machines, func(vm Observed) bool {
		return slices.Contains(wants.VMUUIDs, vm.UUID) || slices.ContainsFunc(scopes, func(s Scope) bool { return belongs(&vm, s) })
	})...)
	inv.Disks = []Disk{}
	for _, disk := range f.Disks {
		disk.Tags = filter(disk.Tags, func(tag Tag) bool { return strings.HasPrefix(tag.Text, inv.Scope.TagPrefix()+"disk::") })
		if len(disk.Tags) > 0 {
			inv.Disks = append(inv.Disks, disk)
		}
	}
	if wants.Refs == nil {
		return &inv
	}
	inv.Catalog = make(Catalog)
	wants = wants.WithImages(inv.Machines)
	for kind, refs := range wants.Refs {
		if entries, have := f.Catalog[kind]; have && len(refs) > 0 {
			inv.Catalog[kind] = asIfAskedFor(kind, entries, refs)
		}
	}
	return &inv
}

// asIfAskedFor leaves of a kind what is found when these references are looked
// for: see Kind.ByName.
func asIfAskedFor(kind Kind, entries []Entry, refs []spec.Ref) []Entry {
	if !kind.ByName() {
		return entries
	}
	for _, ref := range refs {
		if ref.UUID == "" && !slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == ref.Name }) {
			return entries
		}
	}
	return append([]Entry{}, filter(entries, func(e Entry) bool {
		return slices.ContainsFunc(refs, func(ref spec.Ref) bool {
			return ref.UUID == e.UUID || ref.UUID == "" && ref.Name == e.Name
		})
	})...)
}
