package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
)

// owned is everything that the cloud has of one machine key.
type owned struct {
	key string
	// live is the machine: the proven VM of the highest generation that is not
	// in the recycle bin. Nil if there is none.
	live *member
	// leftovers are proven live VMs of lower generations.
	leftovers []member
	// burnt is the highest generation that a VM of this key was seen with,
	// live or in the recycle bin; -1 if none.
	burnt int
	// binned are proven VMs in the recycle bin.
	binned []member
	// disks are the data disks that carry the tag of this key.
	disks []Disk
}

// member is a VM that is proven to be a machine of the fleet.
type member struct {
	*Observed
	generation int
	tags       recorded
	tagged     bool   // has the key tag; false only in the moment between row and tags
	former     *Scope // the name and id that it was made under, if not the present ones
}

// mayHoldVolume reports whether nothing tells if the root disk of a machine is
// its own: it has one, but no tags yet, and no image.
func (m *member) mayHoldVolume() bool {
	return !m.tagged && m.ImageUUID == "" && m.State != "Created"
}

// ownership sorts an inventory by machine key.
type ownership struct {
	scope  Scope
	byKey  map[string]*owned
	copies []Copy
	live   int // live owned machines, the base of safety limits

	byUUID map[string]*Observed
	byStem map[string][]*Observed // by what all generations of a machine have in common
	byTag  map[string][]*Observed // by the key that a tag says
}

// stem is a computed UUID without its generation.
func stem(uuid string) string { return uuid[:min(len(uuid), 28)] }

// newOwnership decides which VMs are the fleet's. The fleet may be nil; its
// keys say which machines VMs without tags are, and its explicit UUIDs are proof.
func newOwnership(scope Scope, inv *Inventory, fleet *spec.Fleet) *ownership {
	o := &ownership{scope: scope, byKey: make(map[string]*owned),
		byUUID: make(map[string]*Observed), byStem: make(map[string][]*Observed), byTag: make(map[string][]*Observed)}
	explicit := make(map[string]string) // UUID to key
	computed := make(map[string]string) // UUID without generation to key
	if fleet != nil {
		for i := range fleet.Machines {
			m := &fleet.Machines[i]
			computed[stem(scope.MachineUUID(m.Key, 0))] = m.Key
			if m.ResourceUUID != "" {
				explicit[m.ResourceUUID] = m.Key
			}
		}
	}
	for i := range inv.Machines {
		o.index(&inv.Machines[i])
		if !o.sortFormer(&inv.Machines[i], inv.Formerly) {
			o.sort(&inv.Machines[i], inv.Disks, explicit, computed)
		}
	}
	for _, disk := range inv.Disks {
		for _, tag := range disk.Tags {
			if key, _, ok := scope.ParseDiskTag(tag.Text); ok {
				o.of(key).disks = append(o.of(key).disks, disk)
				break
			}
		}
	}
	for _, own := range o.byKey {
		own.settle()
		if own.live != nil {
			o.live++
		}
		o.live += len(own.leftovers)
	}
	slices.SortFunc(o.copies, func(a, b Copy) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.UUID, b.UUID))
	})
	return o
}

func (o *ownership) of(key string) *owned {
	own, ok := o.byKey[key]
	if !ok {
		own = &owned{key: key, burnt: -1}
		o.byKey[key] = own
	}
	return own
}

// index makes one VM found by its UUID and by the keys that its tags claim.
func (o *ownership) index(vm *Observed) {
	o.byUUID[vm.UUID] = vm
	o.byStem[stem(vm.UUID)] = append(o.byStem[stem(vm.UUID)], vm)
	for _, key := range o.keysOf(vm) {
		o.byTag[key] = append(o.byTag[key], vm)
	}
}

// sort puts one VM where it belongs. A tag proves ownership only together with
// the UUID: a clone has the tags of its original too.
func (o *ownership) sort(vm *Observed, disks []Disk, explicit, computed map[string]string) {
	tags := o.scope.readTags(vm.UserTags)
	keys := o.keysOf(vm)
	if len(keys) == 0 {
		generation, ours := o.scope.Made(vm.UUID)
		if !ours {
			return // somebody's VM that the fleet file names; found again where it matters
		}
		key, known := computed[stem(vm.UUID)]
		if !known && tags.has(releasedTag) {
			return
		}
		if !known {
			key = o.keyOfUntagged(vm, disks)
		}
		own := o.of(key)
		own.binned = append(own.binned, member{Observed: vm, generation: generation, tags: tags})
		return
	}
	for _, key := range keys {
		generation, ok := o.scope.Generation(key, vm.UUID)
		switch {
		case ok, explicit[vm.UUID] == key, tags.has("adopted::" + vm.UUID):
			own := o.of(key)
			own.binned = append(own.binned, member{Observed: vm, generation: generation, tags: tags, tagged: true})
		default:
			o.copies = append(o.copies, Copy{UUID: vm.UUID, Name: vm.Name, Key: key,
				Why: fmt.Sprintf("it carries the tags of %s but not its UUID, as a clone does", key)})
		}
	}
}

// keyOfUntagged returns the key of a VM that the fleet made, by its UUID, and
// that no tag and no fleet file names: it was made in a moment that its run did
// not outlive, or somebody took the tag off. The tags of its disks or the default
// name of a machine give the key away, and the UUID proves it; otherwise the
// UUID stands in for it.
func (o *ownership) keyOfUntagged(vm *Observed, disks []Disk) string {
	var candidates []string
	for _, disk := range disks {
		if disk.VMUUID != vm.UUID {
			continue
		}
		for _, tag := range disk.Tags {
			key, _, _ := o.scope.ParseDiskTag(tag.Text)
			candidates = append(candidates, key)
		}
	}
	for i, c := range vm.Name {
		if c == '-' {
			candidates = append(candidates, vm.Name[:i]+"/"+vm.Name[i+1:])
		}
	}
	candidates = append(candidates, vm.Name+"/1")
	for _, key := range candidates {
		if _, ok := o.scope.Generation(key, vm.UUID); ok {
			return key
		}
	}
	return untaggedKey(vm.UUID)
}

// untaggedKey stands for the key of a VM of the fleet whose own is not known.
func untaggedKey(uuid string) string { return "untagged/" + uuid }

// keysOf returns the keys that the tags of a VM claim.
func (o *ownership) keysOf(vm *Observed) []string {
	var keys []string
	for _, tag := range vm.UserTags {
		if key, ok := strings.CutPrefix(tag.Text, o.scope.KeyTag("")); ok {
			keys = append(keys, key)
		}
	}
	return uniqueSorted(keys)
}

// settle picks the machine among the VMs of a key.
func (own *owned) settle() {
	all := own.binned
	own.binned = nil
	slices.SortFunc(all, func(a, b member) int {
		return cmp.Or(cmp.Compare(b.generation, a.generation), cmp.Compare(a.UUID, b.UUID))
	})
	for _, m := range all {
		own.burnt = max(own.burnt, m.generation)
		switch {
		case inRecycleBin(m.State):
			own.binned = append(own.binned, m)
		case own.live == nil:
			own.live = &m
		default:
			own.leftovers = append(own.leftovers, m)
		}
	}
}

// vm returns the machine's VM, or nil.
func (own *owned) vm() *Observed {
	if own.live == nil {
		return nil
	}
	return own.live.Observed
}

// next returns the generation that a new VM of this key gets.
func (own *owned) next() int { return own.burnt + 1 }

// diskPlaces holds the tagged data disks of a key by where they are.
type diskPlaces struct {
	attached []Disk // to the machine
	detached []Disk // of the machine's generation, but taken off it
	orphans  []Disk // left of VMs that are gone
	foreign  []Disk // attached by somebody to another VM: nobody's to delete
}

func (own *owned) diskPlaces(scope Scope) diskPlaces {
	var p diskPlaces
	for _, disk := range own.disks {
		switch {
		case own.live != nil && disk.VMUUID == own.live.UUID:
			p.attached = append(p.attached, disk)
		case disk.VMUUID != "":
			if !slices.ContainsFunc(own.leftovers, func(m member) bool { return m.UUID == disk.VMUUID }) {
				p.foreign = append(p.foreign, disk)
			}
		case own.hasLive(diskGeneration(scope, disk)):
			p.detached = append(p.detached, disk)
		default:
			p.orphans = append(p.orphans, disk)
		}
	}
	return p
}

func (own *owned) hasLive(generation int) bool {
	return own.live != nil && own.live.generation == generation ||
		slices.ContainsFunc(own.leftovers, func(m member) bool { return m.generation == generation })
}

// diskGeneration returns the generation of the machine that a disk came with.
func diskGeneration(scope Scope, disk Disk) int {
	for _, tag := range disk.Tags {
		if _, generation, ok := scope.ParseDiskTag(tag.Text); ok {
			return generation
		}
	}
	return -1
}

func inRecycleBin(state string) bool { return state == "Destroyed" || state == "Expunging" }

// settled reports whether a VM is in a state that lasts. Others pass by
// themselves: Starting, Stopping, Migrating, Destroying, …
func settled(state string) bool {
	switch state {
	case "Created", "Running", "Stopped", "Paused", "Crashed", "VolumeMigrated":
		return true
	}
	return false
}

func uniqueSorted(values []string) []string {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// fates returns what a plan says of disks of the fleet that it deletes.
func fates(scope Scope, key string, disks []Disk) []DiskFate {
	var out []DiskFate
	for _, d := range disks {
		out = append(out, DiskFate{UUID: d.UUID, Name: d.Name, Size: d.Size, Tag: scope.DiskTag(key, diskGeneration(scope, d))})
	}
	// By size first, so that machines of one kind look alike in a plan.
	slices.SortFunc(out, func(a, b DiskFate) int {
		return cmp.Or(cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UUID, b.UUID))
	})
	return out
}
