package planner

import (
	"cmp"
	"fmt"
	"slices"

	"zfleet/spec"
)

// place is a host, a cluster, a zone, or the whole cloud.
type place struct {
	kind Kind
	uuid string
}

// size orders places: a place holds none that is larger.
func (p place) size() int {
	switch p.kind {
	case KindHost:
		return 0
	case KindCluster:
		return 1
	case KindZone:
		return 2
	}
	return 3
}

// placesOf returns every place of which a site is a part, the smallest first.
func placesOf(s site) []place {
	var places []place
	if s.host != nil {
		places = append(places, place{KindHost, s.host.UUID})
	}
	if uuid := s.clusterUUID(); uuid != "" {
		places = append(places, place{KindCluster, uuid})
	}
	if uuid := s.zoneUUID(); uuid != "" {
		places = append(places, place{KindZone, uuid})
	}
	return append(places, place{})
}

// holds reports whether something on a host, in a cluster and a zone is in the
// place; what may be on any host is on none.
func (p place) holds(host, cluster, zone string) bool {
	switch p.kind {
	case KindHost:
		return p.uuid == host
	case KindCluster:
		return p.uuid == cluster
	case KindZone:
		return p.uuid == zone
	}
	return true
}

// placeName names a place in which a machine is to be, and says it in a sentence.
// Of a place that the file does not name only the UUID is known: it is named
// after the one in it.
func (p *preflight) placeName(at place, w *draft) (name, where string) {
	if at.uuid == "" {
		return "the cloud", "the cloud"
	}
	if name = p.names.nameOf(at.kind, at.uuid); name != at.uuid {
		return name, fmt.Sprintf("%s %q", at.kind, name)
	}
	for _, part := range []struct {
		kind  Kind
		entry *Entry
	}{{KindHost, w.site.host}, {KindCluster, w.site.cluster}} {
		if part.entry != nil && part.kind != at.kind {
			return fmt.Sprintf("the %s of %s", at.kind, part.entry.Name), fmt.Sprintf("the %s of %s %q", at.kind, part.kind, part.entry.Name)
		}
	}
	return name, fmt.Sprintf("%s %q", at.kind, name)
}

// checkPlaces compares the CPUs and the memory of machines that are to be
// started with what their places have left. Sums only: that machines fit into a
// place does not mean that they fit on its hosts; and the server may lend.
func (p *preflight) checkPlaces() {
	if len(p.room.Hosts) == 0 {
		return // not known
	}
	first := make(map[place]*draft)
	smallest := make(map[place]bool)
	var order []place
	for _, w := range p.created {
		for i, at := range placesOf(w.site) {
			if first[at] == nil {
				first[at] = w
				order = append(order, at)
			}
			smallest[at] = smallest[at] || i == 0
		}
	}
	slices.SortStableFunc(order, func(a, b place) int { return cmp.Compare(a.size(), b.size()) })
	short := make(map[*draft]int) // machines of the last place that has too little, by its first
	for _, at := range order {
		cpu, memory := p.placeLedgers(at, first[at])
		machines := len(cpu.entries)
		fits := !cpu.overdrawn() && !memory.overdrawn()
		if machines == 0 || fits && !smallest[at] {
			continue
		}
		quiet := short[first[at]] == machines // the same machines, in a smaller place
		if !fits {
			short[first[at]] = machines
		}
		for _, l := range []ledger{cpu, memory} {
			if smallest[at] || l.overdrawn() && !quiet {
				l.quiet = quiet
				p.settle(l)
			}
		}
	}
}

// overdrawn reports whether more is taken than there is and comes back in time.
func (l *ledger) overdrawn() bool { return len(l.short(max(0, l.check.Available)+l.chained)) > 0 }

// placeLedgers adds up what a place has and what is to be started in it, of which
// w is the first.
func (p *preflight) placeLedgers(at place, w *draft) (cpu, memory ledger) {
	name, where := p.placeName(at, w)
	l := ledger{code: codeNoRoom, hint: "make room, or place them elsewhere",
		pos: func(w *draft) spec.Pos { return w.m.At("placement." + string(at.kind)) }}
	l.check.Of, l.check.UUID = name, at.uuid
	cpu, memory = l, l
	cpu.check.Resource, cpu.subject = ResourceCPU, "CPUs of "+where
	memory.check.Resource, memory.check.Bytes, memory.subject = ResourceMemory, true, "memory of "+where
	for _, host := range p.room.Hosts {
		if at.holds(host.UUID, host.ClusterUUID, host.ZoneUUID) {
			cpu.check.Available += host.CPU
			memory.check.Available += host.Memory
		}
	}
	for _, w := range p.created {
		if !at.holds(w.site.hostUUID(), w.site.clusterUUID(), w.site.zoneUUID()) || w.bp.Strategy == "CreateStopped" || w.bp.Strategy == "JustCreate" {
			continue
		}
		c, m := w.needs()
		cpu.add(w, c, c)
		memory.add(w, m, m)
		if old := p.replaced(w); old != nil && old.State == "Running" && at.holds(old.HostUUID, old.ClusterUUID, old.ZoneUUID) {
			cpu.chained, memory.chained = cpu.chained+int64(old.CPU), memory.chained+old.Memory
		}
	}
	for _, vm := range p.going {
		if vm.State == "Running" && at.holds(vm.HostUUID, vm.ClusterUUID, vm.ZoneUUID) {
			cpu.loose, memory.loose = cpu.loose+int64(vm.CPU), memory.loose+vm.Memory
		}
	}
	return cpu, memory
}

// needs returns the CPUs and the bytes of memory that a machine takes.
func (w *draft) needs() (cpu, memory int64) {
	if offering := w.offering(); offering != nil {
		return int64(offering.CPU), offering.Memory
	}
	return int64(w.bp.CPU), w.bp.Memory
}

// shape returns what the server has to know to say where a machine can go. It
// can say that only of machines from images that have networks; one that is only
// registered goes nowhere yet.
func (w *draft) shape() (Shape, bool) {
	b := &w.bp
	if b.Source != spec.FromImage || len(b.NICs) == 0 || b.Strategy == "JustCreate" {
		return Shape{}, false
	}
	s := Shape{ImageUUID: b.SourceUUID, DefaultNetwork: b.DefaultNetwork, OfferingUUID: b.OfferingUUID, CPU: b.CPU, Memory: b.Memory,
		ZoneUUID: b.ZoneUUID, ClusterUUID: b.ClusterUUID, HostUUID: b.HostUUID}
	for _, nic := range b.NICs {
		s.NetworkUUIDs = append(s.NetworkUUIDs, nic.NetworkUUID)
	}
	if b.RootDisk != nil {
		s.RootOfferingUUID, s.RootSize = b.RootDisk.OfferingUUID, b.RootDisk.Size
	}
	for _, d := range b.DataDisks {
		if d.OfferingUUID != "" {
			s.DiskOfferings = append(s.DiskOfferings, d.OfferingUUID)
		}
	}
	if b.HostUUID != "" { // the host is looked for among those of its cluster
		s.ClusterUUID = w.site.clusterUUID()
	}
	return s, true
}

// checkHosts reports machines of which not even one could be made on any host.
func (p *preflight) checkHosts() {
	known := make(map[string]int)
	for _, c := range p.room.Shapes {
		known[c.Shape.key()] = c.Hosts
	}
	alike := make(map[string][]*draft)
	var order []string
	unknown := 0
	for _, w := range p.created {
		shape, ok := w.shape()
		if !ok {
			continue
		}
		if alike[shape.key()] == nil {
			order = append(order, shape.key())
		}
		alike[shape.key()] = append(alike[shape.key()], w)
	}
	for _, key := range order {
		hosts, asked := known[key]
		if !asked {
			unknown++
			continue
		}
		if hosts == 0 {
			p.noHost(alike[key])
		}
	}
	if unknown > 0 && len(known) > 0 { // an inventory of all fleets knows of no machine that is to be
		p.out.Unchecked = append(p.out.Unchecked, fmt.Sprintf("hosts for a machine: %d of %d kinds of machines were not asked about", unknown, len(order)))
	}
}

// noHost reports machines that are alike, and that no host could take.
func (p *preflight) noHost(machines []*draft) {
	w, keys := machines[0], keysOf(machines)
	cpu, memory := w.needs()
	// What the plan takes away may make room.
	hard := len(p.going) == 0 && !slices.ContainsFunc(p.created, func(w *draft) bool { return p.replaced(w) != nil })
	p.out.Checks = append(p.out.Checks, Check{Resource: ResourceHosts, Of: keyRanges(keys), Needed: 1,
		Short: len(keys), First: keys[:min(len(keys), maxFirst)]})
	p.refuse(hard, w.m.At(""), codeNoHost, "make room, enable a host, or change what they need or where they are placed",
		fmt.Sprintf("no host can take even one of %s: %d CPUs and %s of memory, image %q, %s",
			keyRanges(keys), cpu, formatBytes(memory), w.source.Name, p.siteName(w.site)))
}

// headroomWants says what of a headroom matters for machines.
func headroomWants(machines []*draft) HeadroomWants {
	wants := HeadroomWants{Machines: len(machines) > 0}
	shapes := make(map[string]bool)
	for _, w := range machines {
		for _, use := range w.uses {
			wants.Images = wants.Images || use.kind == KindImage
		}
		for _, nic := range w.bp.NICs {
			wants.Networks = append(wants.Networks, nic.NetworkUUID)
			if nic.IP != "" {
				wants.Addresses = append(wants.Addresses, Address{nic.NetworkUUID, nic.IP})
			}
		}
		if shape, ok := w.shape(); ok && !shapes[shape.key()] && len(shapes) < maxShapes {
			shapes[shape.key()] = true
			wants.Shapes = append(wants.Shapes, shape)
		}
	}
	wants.Networks = uniqueSorted(wants.Networks)
	return wants
}
