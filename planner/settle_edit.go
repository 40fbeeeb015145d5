package planner

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"zfleet/spec"
)

// unlike says in what a VM is not what a blueprint asks for, as far as can be
// seen, or "": what cannot be read back is in the digests among its tags.
func (b *Blueprint) unlike(vm *Observed) string {
	differs := func(a, b string) bool { return strings.TrimSpace(a) != strings.TrimSpace(b) }
	switch {
	case !settled(vm.State) && vm.State != "Starting":
		return "it is " + vm.State
	case differs(b.Name, vm.Name):
		return fmt.Sprintf("its name is %q", vm.Name)
	case b.Description != nil && differs(*b.Description, vm.Description):
		return fmt.Sprintf("its description is %q", vm.Description)
	case b.Source == spec.FromImage && vm.ImageUUID != "" && b.SourceUUID != vm.ImageUUID:
		return "its image is " + vm.ImageUUID
	case b.OfferingUUID != "" && vm.OfferingUUID != "" && b.OfferingUUID != vm.OfferingUUID:
		return "its instance offering is " + vm.OfferingUUID
	case b.CPU != 0 && b.CPU != vm.CPU:
		return fmt.Sprintf("its CPUs are %d", vm.CPU)
	case b.Memory != 0 && !sameMemory(b.Memory, vm.Memory):
		return "its memory is " + formatSize(vm.Memory)
	}
	for _, tag := range b.UserTags {
		if !hasTag(vm, tag) {
			return "its tag " + tag + " is not there"
		}
	}
	networks := func(uuids []string) string { return strings.Join(slices.Sorted(slices.Values(uuids)), ", ") }
	have := networks(uuidsOf(vm.NICs, func(n NIC) string { return n.NetworkUUID }))
	if want := networks(uuidsOf(b.NICs, func(n NICPlan) string { return n.NetworkUUID })); want != "" && have != want {
		return "its networks are " + cmp.Or(have, "none")
	}
	return ""
}

func hasTag(vm *Observed, text string) bool {
	return slices.ContainsFunc(vm.UserTags, func(t Tag) bool { return t.Text == text })
}

func hasPattern(vm *Observed, uuid string) bool {
	return slices.ContainsFunc(vm.UserTags, func(t Tag) bool { return t.PatternUUID == uuid })
}

// wanted says what an edit wants of the facts of its VM.
func (e *Edit) wanted() map[string]string {
	want := make(map[string]string)
	add := func(fact, value string) {
		if value == "" {
			value = absent
		}
		want[fact] = value
	}
	for fact, text := range map[string]*string{"name": e.Name, "description": e.Description, "platform": e.Platform,
		"guest OS": e.GuestOSType, "default network": e.DefaultNetwork, "hostname": e.Hostname} {
		if text != nil {
			add(fact, *text)
		}
	}
	if e.CPU != nil {
		add("cpu", fmt.Sprint(*e.CPU))
	}
	if e.Memory != nil {
		add("memory", formatSize(*e.Memory))
	}
	if e.Reserved != nil {
		add("reserved memory", formatSize(*e.Reserved))
	}
	if e.OfferingUUID != "" {
		add("instance offering", e.OfferingUUID)
	}
	for _, text := range e.AddTags {
		add(tagFact(text), isSet)
	}
	for _, tag := range e.RemoveTags {
		add(tagFact(tag.Text), absent)
	}
	if e.Start {
		add("state", "Running")
	}
	return want
}

// explains reports whether a fact that differs is what the edit does, or what it
// passes through.
func (e *Edit) explains(f MovedFact, vm *Observed, scope Scope) bool {
	text, isTag := strings.CutPrefix(f.Fact, tagFact(""))
	switch {
	case f.Found == f.Wanted:
		return true
	case strings.TrimSpace(f.Found) == strings.TrimSpace(f.Wanted) && f.Wanted != f.Planned:
		return true
	case f.Fact == "memory" && e.Memory != nil:
		return sameMemory(*e.Memory, vm.Memory)
	case (f.Fact == "cpu" || f.Fact == "memory" || f.Fact == "reserved memory") && e.OfferingUUID != "":
		return vm.OfferingUUID == e.OfferingUUID
	case isTag && scope.IsRestartTag(text):
		return e.Stop
	case f.Fact == "state":
		return e.Stop && vm.State == "Stopped" && scope.readTags(vm.UserTags).restart != nil
	case !isTag:
		return false
	}
	if f.Found == isSet { // a tag that stands for a pattern has its name
		i := slices.IndexFunc(vm.UserTags, func(t Tag) bool { return t.Text == text })
		return i >= 0 && slices.Contains(e.AttachTags, vm.UserTags[i].PatternUUID)
	}
	// Nothing tells which pattern a tag stood for that is gone; a run that was cut
	// off may have detached some of several.
	return !strings.HasPrefix(text, TagNamespace) &&
		slices.ContainsFunc(e.DetachTags, func(uuid string) bool { return !hasPattern(vm, uuid) })
}

// rest is what of an edit is not done yet, or nil; the edit itself if nothing
// is. tagged is how many of the VM's disks are tagged.
func (e *Edit) rest(vm *Observed, tagged int, scope Scope) *Edit {
	rest := *e
	done := func(text **string, have string) {
		if *text != nil && strings.TrimSpace(**text) == strings.TrimSpace(have) {
			*text = nil
		}
	}
	done(&rest.Name, vm.Name)
	done(&rest.Description, vm.Description)
	done(&rest.Platform, vm.Platform)
	done(&rest.GuestOSType, vm.GuestOSType)
	done(&rest.DefaultNetwork, vm.DefaultNetwork)
	done(&rest.Hostname, vm.hostname())
	if e.CPU != nil && *e.CPU == vm.CPU {
		rest.CPU = nil
	}
	if e.Memory != nil && sameMemory(*e.Memory, vm.Memory) {
		rest.Memory = nil
	}
	if e.Reserved != nil && *e.Reserved == vm.Reserved {
		rest.Reserved = nil
	}
	if e.OfferingUUID == vm.OfferingUUID {
		rest.OfferingUUID = ""
	}
	rest.AddTags = filter(e.AddTags, func(text string) bool { return !hasTag(vm, text) })
	rest.RemoveTags = filter(e.RemoveTags, func(t Tag) bool { return hasTag(vm, t.Text) })
	rest.AttachTags = filter(e.AttachTags, func(uuid string) bool { return !hasPattern(vm, uuid) })
	rest.DetachTags = filter(e.DetachTags, func(uuid string) bool { return hasPattern(vm, uuid) })
	if e.Password != nil && len(rest.AddTags) == 0 && len(rest.RemoveTags) == 0 {
		rest.Password = nil // its digests were the last that changed
	}
	if tagged >= e.TagDisks {
		rest.TagDisks = 0
	}
	rest.restart(e, vm, scope.readTags(vm.UserTags).restart)
	switch {
	case reflect.DeepEqual(&rest, &Edit{}):
		return nil
	case reflect.DeepEqual(rest.normal(), e.normal()):
		return e
	}
	return &rest
}

// normal makes empty lists nil, for comparing.
func (e *Edit) normal() Edit {
	n := *e
	n.AddTags, n.RemoveTags = append([]string(nil), e.AddTags...), append([]Tag(nil), e.RemoveTags...)
	n.AttachTags, n.DetachTags = append([]string(nil), e.AttachTags...), append([]string(nil), e.DetachTags...)
	return n
}

// restart decides what is left of the stop and the start around an edit, of
// which the restart tags on the VM tell.
func (rest *Edit) restart(e *Edit, vm *Observed, tags []Tag) {
	needsStop := rest.CPU != nil || rest.Memory != nil || rest.OfferingUUID != ""
	begun := e.Stop && tags != nil
	for _, tag := range tags {
		if begun && !slices.ContainsFunc(rest.RemoveTags, func(t Tag) bool { return t.Text == tag.Text }) {
			rest.RemoveTags = append(rest.RemoveTags, tag)
		}
	}
	switch {
	case begun && vm.State == "Stopped":
		rest.Stop, rest.Start = false, true
	case e.Stop && !needsStop:
		rest.Stop = false
	case e.Start && vm.State == "Running":
		rest.Start = false
	}
}

// hostname returns what the VM is told to be called.
func (vm *Observed) hostname() string {
	for _, tag := range vm.SystemTags {
		if name, ok := strings.CutPrefix(tag.Text, hostnameTag); ok {
			return name
		}
	}
	return ""
}

// sameMemory bears with the server's rounding.
func sameMemory(a, b int64) bool {
	off := a - b
	return off <= hotplugUnit/2 && off >= -hotplugUnit/2
}
