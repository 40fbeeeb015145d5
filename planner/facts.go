package planner

import (
	"fmt"
	"slices"
	"strings"
)

// facts lists what a plan relies on of something that it refers to, as "what:
// value" lines, sorted. Left out is what moves by itself: whether hosts and
// storage are connected at the moment, what images and snapshots really take.
// A name matters only where it is by its name that the thing was found.
func (e *Entry) facts(kind Kind, byName bool) []string {
	var lines []string
	add := func(what string, value any) {
		if text := fmt.Sprint(value); text != "" && text != "0" && text != "false" {
			lines = append(lines, what+": "+text)
		}
	}
	size := func(what string, bytes int64) {
		if bytes != 0 {
			add(what, formatSize(bytes))
		}
	}
	if byName {
		add("name", e.Name)
	}
	add("state", e.State)
	add("created", e.CreateDate)
	add("zone", e.ZoneUUID)
	add("clusters", strings.Join(sortedBy(e.ClusterUUIDs, func(uuid string) string { return uuid }), ", "))
	add("media type", e.MediaType)
	add("platform", e.Platform)
	add("guest OS", e.GuestOSType)
	add("architecture", e.Architecture)
	add("system", e.System)
	add("cpu", e.CPU)
	size("memory", e.Memory)
	size("reserved memory", e.Reserved)
	add("type", e.Type)
	add("volume", e.VolumeUUID)
	add("storage", e.PrimaryStorageUUID)
	add("shareable", e.Shareable)
	switch kind {
	case KindImage, KindSnapshot:
		add("status", e.Status)
	case KindVolume:
		add("status", e.Status)
		size("size", e.Size)
		add("VM", e.VMUUID)
	case KindDiskOffering:
		size("size", e.Size)
	case KindZone, KindCluster, KindHost, KindPrimaryStorage, KindInstanceOffering, KindNetwork, KindSSHKey, KindTag:
	}
	slices.Sort(lines)
	return lines
}

// byName reports whether the thing was found by its name.
func (b Binding) byName() bool { return !strings.HasPrefix(b.Ref, b.UUID) }

// thing names what a reference is bound to.
func (b Binding) thing() string { return fmt.Sprintf("%s %q (%s)", b.Kind, b.Name, b.UUID) }

// refs returns the UUIDs of everything that carrying out a change relies on,
// apart from its own VM and disks.
func (c *Change) refs() []string {
	var uuids []string
	add := func(list ...string) { uuids = append(uuids, list...) }
	if b := c.Blueprint; b != nil {
		add(b.SourceUUID, b.OfferingUUID, b.ZoneUUID, b.ClusterUUID, b.HostUUID, b.DefaultNetwork)
		for _, nic := range b.NICs {
			add(nic.NetworkUUID)
		}
		disks := b.DataDisks
		if b.RootDisk != nil {
			disks = append(slices.Clone(disks), *b.RootDisk)
		}
		for _, d := range disks {
			add(d.OfferingUUID, d.TemplateUUID, d.VolumeUUID, d.PrimaryStorageUUID)
		}
		add(b.SSHKeyUUIDs...)
		add(b.TagUUIDs...)
		add(b.DataVolumeTemplateUUIDs...)
	}
	if e := c.Edit; e != nil {
		add(e.OfferingUUID, valueOf(e.DefaultNetwork))
		add(e.AttachTags...)
	}
	uuids = uniqueSorted(uuids)
	return slices.DeleteFunc(uuids, func(uuid string) bool { return uuid == "" })
}

// Touched is what carrying out a plan relies on: all that has to be read again
// to tell whether it is stale.
type Touched struct {
	Scope     Scope
	VMUUIDs   []string
	KeyTags   []string // tags that no other VM may carry
	DiskUUIDs []string
	Refs      map[Kind][]string // UUIDs of what is referred to
}

// Touches lists what a plan relies on. What it keeps, or cannot change, it
// does not rely on.
func (p *Plan) Touches() Touched {
	touched := Touched{Scope: p.Scope, Refs: make(map[Kind][]string)}
	used := make(map[string]bool)
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.idle() {
			continue
		}
		touched.KeyTags = append(touched.KeyTags, p.Scope.KeyTag(c.Key))
		touched.VMUUIDs = append(touched.VMUUIDs, c.UUID, c.OldUUID)
		for thing := range facts(c.Fingerprint) {
			if uuid, ok := strings.CutPrefix(thing, vmThing("")); ok {
				touched.VMUUIDs = append(touched.VMUUIDs, uuid)
			}
			if uuid, ok := strings.CutPrefix(thing, diskThing("")); ok {
				touched.DiskUUIDs = append(touched.DiskUUIDs, uuid)
			}
		}
		for _, disk := range c.Disks {
			touched.DiskUUIDs = append(touched.DiskUUIDs, disk.UUID)
		}
		for _, uuid := range c.refs() {
			used[uuid] = true
		}
	}
	for _, b := range p.References {
		if used[b.UUID] {
			touched.Refs[b.Kind] = append(touched.Refs[b.Kind], b.UUID)
		}
	}
	for _, list := range []*[]string{&touched.VMUUIDs, &touched.KeyTags, &touched.DiskUUIDs} {
		*list = slices.DeleteFunc(uniqueSorted(*list), func(text string) bool { return text == "" })
	}
	for kind := range touched.Refs {
		touched.Refs[kind] = uniqueSorted(touched.Refs[kind])
	}
	return touched
}

// idle reports whether a change does nothing.
func (c *Change) idle() bool { return c.Action == Keep || c.Action == Blocked }
