package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// placement compares with what was asked for at creation, not with where the
// VM is: only a change of the file moves a machine.
func (c *comparison) placement() {
	var before []string
	for _, tag := range c.vm.tags.places {
		before = append(before, strings.TrimPrefix(tag.Text, c.scope.TagPrefix()))
	}
	// A machine that has not got its key back yet may have some of its tags only.
	partly := !c.vm.tagged && len(filter(before, func(place string) bool { return !slices.Contains(c.w.places, place) })) == 0
	if len(before) > 0 && !partly && !slices.Equal(uniqueSorted(before), uniqueSorted(c.w.places)) {
		c.differ(Difference{Field: "placement", Before: c.placeNames(before), After: c.placeNames(c.w.places), ForcesReplace: true})
		return
	}
	for _, at := range []struct {
		level      Kind
		want, have string
	}{
		{KindHost, c.w.bp.HostUUID, c.vm.HostUUID},
		{KindCluster, c.w.bp.ClusterUUID, c.vm.ClusterUUID},
		{KindZone, c.w.bp.ZoneUUID, c.vm.ZoneUUID},
	} {
		if at.want != "" && at.have != "" && at.want != at.have {
			c.notes = append(c.notes, fmt.Sprintf("the VM was moved to %s %s; it stays there until the placement in the file changes",
				at.level, c.names.nameOf(at.level, at.have)))
		}
	}
}

// placeNames says place tags in names.
func (c *comparison) placeNames(places []string) string {
	var texts []string
	for _, place := range uniqueSorted(places) {
		parts := strings.Split(place, "::")
		if len(parts) != 3 {
			texts = append(texts, "anywhere")
			continue
		}
		texts = append(texts, parts[1]+" "+c.names.nameOf(Kind(parts[1]), parts[2]))
	}
	return strings.Join(texts, ", ")
}

func (c *comparison) defaultNetwork() {
	want := c.w.bp.DefaultNetwork
	if want != "" && c.vm.DefaultNetwork != "" && want != c.vm.DefaultNetwork && !c.forced() {
		c.differ(Difference{Field: "networks", Before: "default " + c.names.nameOf(KindNetwork, c.vm.DefaultNetwork),
			After: "default " + c.names.nameOf(KindNetwork, want)})
		c.edit.DefaultNetwork = &want
	}
}

// networks checks that what was asked for is still there. A Created machine
// has no NICs until its first start.
func (c *comparison) networks() {
	if c.w.m.Networks == nil || c.vm.State == "Created" || c.forced() {
		return
	}
	for _, nic := range c.w.bp.NICs {
		i := slices.IndexFunc(c.vm.NICs, func(n NIC) bool { return n.NetworkUUID == nic.NetworkUUID })
		name := c.names.nameOf(KindNetwork, nic.NetworkUUID)
		switch {
		case i < 0:
			c.blocked = fmt.Sprintf("it has no NIC on %s any more; attach one, or change the networks in the file", name)
		case nic.IP != "" && len(c.vm.NICs[i].IPs) > 0 && !slices.Contains(c.vm.NICs[i].IPs, nic.IP):
			c.notes = append(c.notes, fmt.Sprintf("its address on %s is %s, not the %s that was asked for", name, strings.Join(c.vm.NICs[i].IPs, ", "), nic.IP))
		}
	}
}

// dataDisks checks that the disks that came with the machine are there and
// tagged. Disks without a tag are taken for the machine's own only if their
// number leaves no doubt.
func (c *comparison) dataDisks(disks diskPlaces) {
	if c.w.m.DataDisks == nil || c.vm.State == "Created" || c.forced() {
		return
	}
	missing := c.w.bp.ownDisks() - len(disks.attached)
	if missing <= 0 {
		return
	}
	untagged := filter(c.vm.Volumes, func(d Disk) bool {
		return d.Type == "Data" && !slices.Contains(c.w.bp.attachedVolumes(), d.UUID) &&
			!slices.ContainsFunc(disks.attached, func(t Disk) bool { return t.UUID == d.UUID })
	})
	if len(untagged) == missing {
		c.differ(Difference{Field: "dataDisks", Before: fmt.Sprintf("%d of %d tagged", len(disks.attached), c.w.bp.ownDisks()), After: "all tagged"})
		c.edit.TagDisks = c.w.bp.ownDisks()
		return
	}
	c.blocked = fmt.Sprintf("%d of its %d data disks are not attached any more; attach them again, or change dataDisks in the file", missing, c.w.bp.ownDisks())
	if len(untagged) > 0 {
		c.blocked = fmt.Sprintf("which of its %d data disks without a tag came with it cannot be told: expected %d", len(untagged), missing)
	}
}

// userTags compares the user's tags: those asked for are added, those that
// zfleet once set and nobody asks for any more are removed.
func (c *comparison) userTags() {
	if c.w.m.UserTags == nil {
		return
	}
	var add, remove []string
	for _, want := range c.w.m.UserTags {
		if !slices.ContainsFunc(c.vm.UserTags, func(t Tag) bool { return t.Text == want }) {
			add = append(add, want)
			// The marker first: a run that is cut off between the two must not
			// leave a tag that nobody knows to be the fleet's.
			c.addTag(c.scope.digestTag(valueField("userTags", want), plainDigest(want)))
			c.addTag(want)
		}
	}
	for _, tag := range c.vm.UserTags {
		if strings.HasPrefix(tag.Text, TagNamespace) || tag.PatternUUID != "" || slices.Contains(c.w.m.UserTags, tag.Text) {
			continue
		}
		if markers := c.vm.tags.digests[valueField("userTags", tag.Text)]; len(markers) > 0 {
			remove = append(remove, tag.Text)
			c.edit.RemoveTags = append(append(c.edit.RemoveTags, tag), markers...)
		}
	}
	if len(add)+len(remove) > 0 {
		c.differ(Difference{Field: "userTags", Before: bracket(uniqueSorted(remove)), After: bracket(add)})
	}
	var values []string
	for _, tag := range c.vm.UserTags {
		values = append(values, tag.Text)
	}
	c.dropMarkers("userTags", append(values, c.w.m.UserTags...))
}

// dropMarkers removes the marks of values that are neither there nor asked for.
// A run that is cut off after it removed a value leaves its mark, and a tag that
// somebody sets by hand later would be taken for the fleet's.
func (c *comparison) dropMarkers(list string, values []string) {
	known := make(map[string]bool, len(values))
	for _, value := range values {
		known[valueField(list, value)] = true
	}
	var stale []Tag
	for _, field := range slices.Sorted(maps.Keys(c.vm.tags.digests)) {
		if strings.HasPrefix(field, list+".") && !known[field] {
			stale = append(stale, c.vm.tags.digests[field]...)
		}
	}
	if len(stale) > 0 {
		c.differ(Difference{Field: "tags of zfleet", Before: fmt.Sprintf("%d of %s that are gone", len(stale), list), After: "(none)"})
		c.edit.RemoveTags = append(c.edit.RemoveTags, stale...)
	}
}

// patterns compares tag patterns in the same way.
func (c *comparison) patterns() {
	if c.w.m.Tags == nil {
		return
	}
	var attached []string
	for _, tag := range c.vm.UserTags {
		if tag.PatternUUID != "" {
			attached = append(attached, tag.PatternUUID)
		}
	}
	var add, remove []string
	for _, want := range c.w.bp.TagUUIDs {
		if !slices.Contains(attached, want) {
			add = append(add, c.names.nameOf(KindTag, want))
			c.edit.AttachTags = append(c.edit.AttachTags, want)
			c.addTag(c.scope.digestTag(valueField("tags", want), plainDigest(want)))
		}
	}
	for _, have := range uniqueSorted(attached) {
		markers := c.vm.tags.digests[valueField("tags", have)]
		if slices.Contains(c.w.bp.TagUUIDs, have) || len(markers) == 0 {
			continue
		}
		remove = append(remove, c.names.nameOf(KindTag, have))
		c.edit.DetachTags = append(c.edit.DetachTags, have)
		c.edit.RemoveTags = append(c.edit.RemoveTags, markers...)
	}
	if len(add)+len(remove) > 0 {
		c.differ(Difference{Field: "tags", Before: bracket(remove), After: bracket(add)})
	}
	c.dropMarkers("tags", append(attached, c.w.bp.TagUUIDs...))
}

// upkeep mends what belongs to zfleet itself: the key tag of a VM whose tags
// were not set, the protection, and a restart that was cut off.
func (c *comparison) upkeep() {
	prefix := c.scope.TagPrefix()
	if !c.vm.tagged {
		c.differ(Difference{Field: "tags of zfleet", Before: "(none)", After: "set"})
		for _, tag := range c.w.bp.UserTags {
			if key := c.scope.KeyTag(c.w.m.Key); strings.HasPrefix(tag, prefix) && tag != key {
				c.addTag(tag)
			}
		}
		// The key last: with it, what is missing is not known to be missing.
		c.addTag(c.scope.KeyTag(c.w.m.Key))
	}
	// The protection that is asked for is set with all the rest already.
	if protect, has := c.w.m.Lifecycle.Protect, c.vm.tags.has(protectTag); protect != has && (c.vm.tagged || has) {
		c.differ(Difference{Field: "lifecycle.protect", Before: fmt.Sprint(has), After: fmt.Sprint(protect)})
		if protect {
			c.addTag(prefix + protectTag)
		} else {
			c.edit.RemoveTags = append(c.edit.RemoveTags, c.vm.tags.other[protectTag])
		}
	}
	if restart := c.vm.tags.restart; restart != nil {
		c.differ(Difference{Field: "power", Before: c.vm.State, After: "Running"})
		c.edit.Start = !c.edit.Stop && c.vm.State != "Running"
		c.edit.RemoveTags = append(c.edit.RemoveTags, restart...)
	}
}
