package planner

import (
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
)

// Diff says what a change of the fleet file alone would do, without a cloud:
// it imagines one in which every machine of the old fleet is as that asks for,
// and plans the new fleet against it. The result is for reading. It has no
// steps, no digest and no UUIDs, so Decode refuses it.
//
// In the imagined cloud everything that a file refers to exists. The same text
// means the same thing in both files, and another text another thing, such as
// a UUID in place of a name. The safety limits of the new file are held against
// the machines of the old one, and opts may raise them. Findings may point into either file; with an error
// among them there is no result.
func Diff(old, fleet *spec.Fleet, opts Options) (*Plan, spec.Diagnostics) {
	if old.Name != fleet.Name || old.ID != fleet.ID {
		return nil, spec.Diagnostics{{Pos: fleet.Places["name"], Code: "other-fleet",
			Message: fmt.Sprintf("this is fleet %s, and the file that it is compared with is fleet %s", fleetName(fleet), fleetName(old)),
			Hint:    "name and id say which fleet it is, and machines never go from one to another"}}
	}
	inv := imagine(old, fleet)
	before, found := compose(old, inv, Options{})
	if found.HasErrors() {
		return nil, found
	}
	born := make(map[string]*Change)
	for i := range before.Changes {
		if c := &before.Changes[i]; c.Blueprint != nil {
			inv.bear(c)
			born[c.Key] = c
		}
	}
	slices.SortFunc(inv.Machines, func(a, b Observed) int { return strings.Compare(a.UUID, b.UUID) })
	plan, found := compose(fleet, inv, opts)
	if found.HasErrors() {
		return nil, found
	}
	for i := range plan.Changes {
		c := &plan.Changes[i]
		if was := born[c.Key]; was != nil {
			recall(c, was.Blueprint, inv.Catalog)
		}
	}
	plan.Scope = Scope{Name: fleet.Name, ID: fleet.ID}
	plan.ask(fleet.Policies)
	plan.warnOfSizes()
	for i := range plan.Changes {
		c := &plan.Changes[i]
		c.UUID, c.OldUUID, c.Generation, c.Fingerprint, c.Uses = "", "", 0, nil, nil
		for j := range c.Disks {
			c.Disks[j].UUID, c.Disks[j].Tag = "", ""
		}
	}
	plan.References, plan.Steps, plan.Digest = []Binding{}, []Step{}, ""
	return plan, found
}

// compose is Build for a plan that policies are not asked about yet.
func compose(fleet *spec.Fleet, inv *Inventory, opts Options) (*Plan, spec.Diagnostics) {
	decision, found := Decide(fleet, inv, opts)
	if decision == nil {
		return nil, found
	}
	return decision.compose(nil)
}

// warnOfSizes says what policies could not know without a cloud.
func (p *Plan) warnOfSizes() {
	unknown := slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Machine != nil && c.Machine.InstanceOffering != "" })
	if len(p.Policies) > 0 && unknown {
		p.Notes = append(p.Notes, spec.Diagnostic{Severity: spec.Note, Code: "policies-without-cloud",
			Message: "policies were asked without a cloud, where CPU and memory of an instance offering and the size of a disk offering count as 0",
			Hint:    "zfleet plan asks them with what the cloud has"})
	}
}

// fleetName is how a file names its fleet.
func fleetName(fleet *spec.Fleet) string {
	if fleet.ID == "" {
		return fmt.Sprintf("%q without an id", fleet.Name)
	}
	return fmt.Sprintf("%q", Scope{Name: fleet.Name, ID: fleet.ID})
}

// imagine returns a cloud without machines, in which everything exists that
// fleets refer to. Its things have the text of the reference in place of a UUID.
func imagine(fleets ...*spec.Fleet) *Inventory {
	inv := &Inventory{Scope: Scope{Name: fleets[0].Name, ID: fleets[0].ID}, Catalog: make(Catalog), imaginary: true}
	for _, fleet := range fleets {
		for i := range fleet.Machines {
			m := &fleet.Machines[i]
			for use := range references(m) {
				inv.add(use.kind, use.ref.String())
			}
			if m.Offering == nil {
				inv.add(KindInstanceOffering, sizeName(valueOf(m.CPU), valueOf(m.Memory)))
			}
		}
	}
	for _, entries := range inv.Catalog {
		slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.UUID, b.UUID) })
	}
	return inv
}

// add adds a thing to an imagined cloud, once.
func (inv *Inventory) add(kind Kind, text string) {
	if !slices.ContainsFunc(inv.Catalog[kind], func(e Entry) bool { return e.UUID == text }) {
		inv.Catalog[kind] = append(inv.Catalog[kind], Entry{UUID: text, Name: text})
	}
}

// sizeName stands for the size of a machine that has no instance offering, so
// that a change to an offering is seen.
func sizeName(cpu int, memory int64) string {
	return fmt.Sprintf("%d CPU, %s", cpu, formatSize(memory))
}

// bear adds the VM that a creation leads to, in a cloud that does what it is told.
func (inv *Inventory) bear(c *Change) {
	b := c.Blueprint
	vm := Observed{
		UUID: c.UUID, Name: b.Name, Description: valueOf(b.Description), State: "Running",
		CPU: b.CPU, Memory: b.Memory, Reserved: valueOf(b.Reserved), OfferingUUID: b.OfferingUUID,
		Platform: b.Platform, GuestOSType: b.GuestOSType, Architecture: b.Architecture,
		ZoneUUID: b.ZoneUUID, ClusterUUID: b.ClusterUUID, HostUUID: b.HostUUID, DefaultNetwork: b.DefaultNetwork,
	}
	if vm.OfferingUUID == "" {
		vm.OfferingUUID = sizeName(b.CPU, b.Memory)
	}
	if b.Source == spec.FromImage {
		vm.ImageUUID = b.SourceUUID
	}
	for _, n := range b.NICs {
		nic := NIC{NetworkUUID: n.NetworkUUID}
		if n.IP != "" {
			nic.IPs = []string{n.IP}
		}
		vm.NICs = append(vm.NICs, nic)
	}
	for _, text := range b.UserTags {
		vm.UserTags = append(vm.UserTags, Tag{UUID: text, Text: text})
	}
	for _, pattern := range b.TagUUIDs {
		vm.UserTags = append(vm.UserTags, Tag{UUID: pattern, Text: pattern, PatternUUID: pattern})
	}
	for _, text := range b.SystemTags {
		vm.SystemTags = append(vm.SystemTags, Tag{UUID: text, Text: text})
	}
	for i, d := range b.DataDisks {
		disk := Disk{UUID: fmt.Sprintf("%s disk %d", c.UUID, i), Name: diskName(b.Name, d, i), Type: "Data", Size: d.Size, VMUUID: c.UUID}
		if d.VolumeUUID != "" {
			disk.UUID = d.VolumeUUID
		} else {
			disk.Tags = []Tag{{Text: inv.Scope.DiskTag(c.Key, c.Generation)}}
			inv.Disks = append(inv.Disks, disk)
		}
		vm.Volumes = append(vm.Volumes, disk)
	}
	inv.Machines = append(inv.Machines, vm)
}

// diskName tells an imagined data disk by what its file says of it.
func diskName(vm string, d DiskPlan, i int) string {
	switch {
	case d.Name != "":
		return d.Name
	case d.OfferingUUID != "":
		return fmt.Sprintf("data disk %d of %s, %s", i+1, vm, d.OfferingUUID)
	case d.TemplateUUID != "":
		return fmt.Sprintf("data disk %d of %s, %s", i+1, vm, d.TemplateUUID)
	}
	return fmt.Sprintf("data disk %d of %s", i+1, vm)
}

// recall says in the differences of a change what the old file had. Of a real
// machine only a digest is known of much of it; and what the old file does not
// say is not known here.
func recall(c *Change, was *Blueprint, catalog Catalog) {
	old := comparison{w: &draft{bp: *was}, names: newResolver(&Inventory{Catalog: catalog})}
	for i := range c.Differences {
		d := &c.Differences[i]
		before := d.Before
		switch {
		case d.Field == "source."+string(was.Source):
			before = was.SourceUUID
		case d.Field == "source":
			before = string(was.Source) + " " + was.SourceUUID
		case (d.Field == "cpu" || d.Field == "memory") && was.OfferingUUID != "":
			before = "as in " + was.OfferingUUID
		case d.Before == "" && (d.Field == "platform" || d.Field == "guestOsType"):
			before = "(not said)"
		case d.Before == "(another)" && slices.Contains(createdFields, d.Field):
			if text := old.describe(d.Field); text != "(changed)" {
				before = text
			}
		}
		if before != d.After {
			d.Before = before
		}
	}
}
