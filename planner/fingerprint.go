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
			lines = append(lines, diskThing(disk.UUID)+": "+diskPlace(disk.Name, disk.VMUUID))
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

// facts takes fingerprint lines apart: by the VM or disk that they speak of,
// then by what they say of it.
func facts(lines []string) map[string]map[string]string {
	things := make(map[string]map[string]string)
	for _, line := range lines {
		left, value, _ := strings.Cut(line, ": ")
		kind, rest, _ := strings.Cut(left, " ")
		thing, fact := left, "place"
		if kind == "VM" {
			uuid, field, _ := strings.Cut(rest, " ")
			thing, fact = vmThing(uuid), field
		}
		switch fact { // of which a VM has many
		case "tag":
			fact, value = tagFact(value), isSet
		case "system tag":
			fact, value, _ = strings.Cut(value, "::")
		}
		if things[thing] == nil {
			things[thing] = make(map[string]string)
		}
		things[thing][fact] = value
	}
	return things
}

// isSet is the value of the fact that a tag is there.
const isSet = "set"

func vmThing(uuid string) string       { return "VM " + uuid }
func diskThing(uuid string) string     { return "data disk " + uuid }
func tagFact(text string) string       { return "tag " + text }
func onVM(uuid string) string          { return " on VM " + uuid }
func diskPlace(name, vm string) string { return fmt.Sprintf("%q", name) + onVM(vm) }
