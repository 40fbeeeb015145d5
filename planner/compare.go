package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zfleet/spec"
)

// comparison is what differs between a draft and the machine that exists.
type comparison struct {
	w     *draft
	vm    *member
	scope Scope
	names *resolver // for names of what is there

	differences []Difference
	edit        Edit
	notes       []string
	blocked     string // why no update can mend a difference, or empty
}

// compare finds the fields that differ. A field that the file does not say, or
// about which nothing is known, never differs.
func compare(scope Scope, w *draft, vm *member, disks diskPlaces, names *resolver) *comparison {
	c := &comparison{w: w, vm: vm, scope: scope, names: names}
	c.texts()
	c.size()
	c.hostname()
	c.password()
	c.created()
	c.placement()
	c.defaultNetwork()
	c.networks()
	c.dataDisks(disks)
	c.userTags()
	c.patterns()
	c.upkeep()
	if c.vm.State != "Running" && c.vm.State != "Stopped" && (c.edit.CPU != nil || c.edit.Memory != nil || c.edit.OfferingUUID != "") {
		c.blocked = fmt.Sprintf("CPU and memory can be changed on a Running or Stopped machine only, and this one is %s", c.vm.State)
	}
	return c
}

func (c *comparison) differ(d Difference) { c.differences = append(c.differences, d) }

// forced reports whether only a new VM can have what is asked for.
func (c *comparison) forced() bool {
	return slices.ContainsFunc(c.differences, func(d Difference) bool { return d.ForcesReplace })
}

// texts compares what the server shows as it was sent, apart from spaces at the ends.
func (c *comparison) texts() {
	for _, field := range []struct {
		name    string
		managed bool
		want    string
		have    string
		edit    **string
	}{
		{"name", true, c.w.m.Name, c.vm.Name, &c.edit.Name},
		{"description", c.w.m.Description != nil, valueOf(c.w.m.Description), c.vm.Description, &c.edit.Description},
		{"platform", c.w.m.Platform != "", c.w.m.Platform, c.vm.Platform, &c.edit.Platform},
		{"guestOsType", c.w.m.GuestOSType != "", c.w.m.GuestOSType, c.vm.GuestOSType, &c.edit.GuestOSType},
	} {
		if field.managed && strings.TrimSpace(field.want) != strings.TrimSpace(field.have) {
			c.differ(Difference{Field: field.name, Before: field.have, After: field.want})
			*field.edit = &field.want
		}
	}
	if want := c.w.m.Architecture; want != "" && c.vm.Architecture != "" && want != c.vm.Architecture {
		c.differ(Difference{Field: "architecture", Before: c.vm.Architecture, After: want, ForcesReplace: true})
	}
}

// hotplugUnit is what the server rounds the growth of a running machine's
// memory to; half of it is the most that memory can be off.
const hotplugUnit = 128 << 20

// size compares CPU and memory, or the offering that stands for them.
func (c *comparison) size() {
	if r := c.w.m.Reserved; r != nil && *r != c.vm.Reserved {
		c.differ(Difference{Field: "reservedMemory", Before: formatSize(c.vm.Reserved), After: formatSize(*r)})
		c.edit.Reserved = r
	}
	stop := c.vm.State != "Stopped"
	wantCPU, wantMemory := c.w.bp.CPU, c.w.bp.Memory
	if offering := c.w.offering(); offering != nil {
		wantCPU, wantMemory = offering.CPU, offering.Memory
		if c.vm.OfferingUUID != "" && c.vm.OfferingUUID != offering.UUID {
			c.differ(Difference{Field: "instanceOffering", Before: c.names.nameOf(KindInstanceOffering, c.vm.OfferingUUID),
				After: offering.Name, NeedsStop: stop})
			c.edit.OfferingUUID, c.edit.Stop = offering.UUID, stop && c.vm.State == "Running"
			return
		}
	}
	if wantCPU != 0 && wantCPU != c.vm.CPU {
		c.differ(Difference{Field: "cpu", Before: strconv.Itoa(c.vm.CPU), After: strconv.Itoa(wantCPU), NeedsStop: stop})
		c.edit.CPU = &wantCPU
	}
	if wantMemory != 0 && !sameMemory(wantMemory, c.vm.Memory) {
		c.differ(Difference{Field: "memory", Before: formatSize(c.vm.Memory), After: formatSize(wantMemory), NeedsStop: stop})
		c.edit.Memory = &wantMemory
	}
	c.edit.Stop = (c.edit.CPU != nil || c.edit.Memory != nil) && c.vm.State == "Running"
}

func (c *comparison) hostname() {
	if c.w.m.Hostname == nil {
		return
	}
	have, want := c.vm.hostname(), *c.w.m.Hostname
	if have != want {
		c.differ(Difference{Field: "hostname", Before: have, After: want})
		c.edit.Hostname = &want
	}
}

func (c *comparison) password() {
	if secret, ok := c.w.secrets["consolePassword"]; ok && c.moved("consolePassword") {
		c.differ(Difference{Field: "consolePassword", Before: c.before("consolePassword"), After: "(secret)"})
		c.edit.Password = &secret
		c.redigest("consolePassword")
	}
}

// moved reports whether the digest of a field is known and differs.
func (c *comparison) moved(field string) bool {
	have, known := c.vm.tags.digest(field)
	want, managed := c.w.digests[field]
	return managed && known && have != want
}

// redigest replaces what the tags remember of a field: the new is added before
// the old is removed, so that a run that is cut off in between is seen.
func (c *comparison) redigest(field string) {
	if want, ok := c.w.digests[field]; ok {
		c.addTag(c.scope.digestTag(field, want))
	}
	for _, tag := range c.vm.tags.digests[field] {
		if want, ok := c.w.digests[field]; !ok || tag.Text != c.scope.digestTag(field, want) {
			c.edit.RemoveTags = append(c.edit.RemoveTags, tag)
		}
	}
}

func (c *comparison) addTag(text string) {
	if !slices.ContainsFunc(c.vm.UserTags, func(t Tag) bool { return t.Text == text }) && !slices.Contains(c.edit.AddTags, text) {
		c.edit.AddTags = append(c.edit.AddTags, text)
	}
}

// created compares what only a new VM can have, by what the tags remember.
func (c *comparison) created() {
	c.source()
	for _, field := range createdFields {
		if !c.moved(field) {
			continue
		}
		c.differ(Difference{Field: field, Before: c.before(field), After: c.describe(field), ForcesReplace: true})
	}
}

// before says what the VM has of a field, as far as it can be seen.
func (c *comparison) before(field string) string {
	if have, _ := c.vm.tags.digest(field); have == unset {
		return "(none)"
	}
	var seen []string
	switch {
	case c.names.imaginary: // nothing is to be seen of a machine that is imagined
	case field == "networks":
		for _, nic := range c.vm.NICs {
			seen = append(seen, strings.TrimSpace(c.names.nameOf(KindNetwork, nic.NetworkUUID)+" "+strings.Join(nic.IPs, " ")))
		}
	case field == "dataDisks":
		for _, v := range c.vm.Volumes {
			if v.Type == "Data" {
				seen = append(seen, formatSize(v.Size))
			}
		}
	}
	if seen == nil {
		return "(another)"
	}
	return bracket(seen)
}

func (c *comparison) source() {
	field := "source." + string(c.w.bp.Source)
	if c.w.missing != nil {
		c.sourceMissing(field)
		return
	}
	before := c.vm.tags.sourceKind()
	switch {
	case before != "" && before != c.w.bp.Source:
		c.differ(Difference{Field: "source", Before: string(before), After: string(c.w.bp.Source) + " " + c.w.source.Name, ForcesReplace: true})
	case c.moved(field):
		c.differ(Difference{Field: field, Before: c.oldSource(), After: named(*c.w.source), ForcesReplace: true})
	}
}

// sourceMissing tells a source that is gone, which matters only for a new
// machine, from a file that asks for another one that does not exist: then what
// the machine was made from is still there, or of another kind.
func (c *comparison) sourceMissing(field string) {
	found := *c.w.missing
	if before := c.vm.tags.sourceKind(); before != "" && before != c.w.bp.Source {
		c.names.report(found)
		return
	}
	have, known := c.vm.tags.digest(field)
	for _, e := range c.names.catalog[sourceKind(c.w.bp.Source)] {
		if known && plainDigest(e.UUID) == have {
			found.Hint += fmt.Sprintf("; its machines were made from %q", e.Name)
			c.names.report(found)
			return
		}
	}
	found.Severity, found.Code = spec.Warning, "source-gone"
	found.Hint = "the machines that were made from it stay as they are; a new one could not be made"
	c.names.report(found)
	c.notes = append(c.notes, "its source is gone, which matters only for a new machine: "+found.Message)
}

// oldSource names what the machine was made from, as well as can be known.
func (c *comparison) oldSource() string {
	if c.w.bp.Source == spec.FromImage && c.vm.ImageUUID != "" {
		for _, e := range c.names.catalog[KindImage] {
			if e.UUID == c.vm.ImageUUID {
				return named(e)
			}
		}
		return c.vm.ImageUUID
	}
	return "(another)"
}

// named returns a name that cannot be taken for that of a namesake.
func named(e Entry) string {
	if e.Name == e.UUID {
		return e.Name
	}
	return e.Name + " (" + e.UUID[:min(8, len(e.UUID))] + ")"
}

// describe says a field of the file in a few words.
func (c *comparison) describe(field string) string {
	b := &c.w.bp
	if c.w.digests[field] == unset {
		return "(none)"
	}
	switch field {
	case "rootDisk":
		return c.describeDisk(*b.RootDisk)
	case "dataDisks":
		var disks []string
		for _, d := range b.DataDisks {
			disks = append(disks, c.describeDisk(d))
		}
		return bracket(disks)
	case "networks":
		var nics []string
		for _, n := range b.NICs {
			nics = append(nics, strings.TrimSpace(c.names.nameOf(KindNetwork, n.NetworkUUID)+" "+n.IP))
		}
		return bracket(nics)
	case "virtio":
		return strconv.FormatBool(*b.Virtio)
	case "sshKeys":
		var keys []string
		for _, uuid := range b.SSHKeyUUIDs {
			keys = append(keys, c.names.nameOf(KindSSHKey, uuid))
		}
		return bracket(keys)
	}
	return "(changed)"
}

func (c *comparison) describeDisk(d DiskPlan) string {
	switch {
	case d.OfferingUUID != "":
		return c.names.nameOf(KindDiskOffering, d.OfferingUUID)
	case d.TemplateUUID != "":
		return c.names.nameOf(KindImage, d.TemplateUUID)
	case d.VolumeUUID != "":
		return c.names.nameOf(KindVolume, d.VolumeUUID)
	case d.Size != 0:
		return formatSize(d.Size)
	}
	return "on " + c.names.nameOf(KindPrimaryStorage, d.PrimaryStorageUUID)
}

func bracket(items []string) string { return "[" + strings.Join(items, ", ") + "]" }

// formatSize writes bytes in the largest unit that loses nothing.
func formatSize(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for bytes != 0 && bytes%1024 == 0 && unit < len(units)-1 {
		bytes, unit = bytes/1024, unit+1
	}
	return fmt.Sprintf("%d %s", bytes, units[unit])
}
