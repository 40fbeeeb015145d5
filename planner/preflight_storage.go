package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
)

// rootSize is how large the root disk of a machine becomes, as far as it is
// known: of a snapshot only its own size is.
func (p *preflight) rootSize(w *draft) int64 {
	if root := w.bp.RootDisk; root != nil {
		if size := cmp.Or(p.entry(KindDiskOffering, root.OfferingUUID).Size, root.Size); size > 0 {
			return size
		}
	}
	if w.source == nil || w.source.MediaType == "ISO" {
		return 0
	}
	return w.source.Size
}

// diskSize is how large a data disk becomes; existing volumes take nothing.
func (p *preflight) diskSize(d DiskPlan) int64 {
	switch {
	case d.OfferingUUID != "":
		return p.entry(KindDiskOffering, d.OfferingUUID).Size
	case d.TemplateUUID != "":
		return p.entry(KindImage, d.TemplateUUID).Size
	}
	return d.Size
}

// checkImages reports images that are on no backup storage of the zone where
// their machine is to be made.
func (p *preflight) checkImages() {
	if len(p.room.Stores) == 0 {
		return // not known
	}
	stores := make(map[string]BackupStorage)
	for _, s := range p.room.Stores {
		stores[s.UUID] = s
	}
	for _, w := range p.created {
		zone := p.zoneOf(w)
		for _, use := range w.uses {
			if use.kind != KindImage || zone == "" || len(use.entry.StoreUUIDs) == 0 {
				continue
			}
			var there, up bool
			for _, uuid := range use.entry.StoreUUIDs {
				s, known := stores[uuid]
				here := !known || slices.Contains(s.ZoneUUIDs, zone)
				there = there || here
				up = up || here && (!known || s.State == "Enabled" && s.Status == "Connected")
			}
			pos, where := w.m.At(use.path), p.zoneName(w, zone)
			switch {
			case !there:
				p.names.errorf(pos, "out-of-reach", "add the image to a backup storage of that zone, or place the machine elsewhere",
					"image %q is on no backup storage that %s reaches", use.entry.Name, where)
			case !up:
				p.names.report(spec.Diagnostic{Severity: spec.Warning, Pos: pos, Code: "not-ready",
					Message: fmt.Sprintf("the backup storages of %s that have image %q are not enabled and connected", where, use.entry.Name),
					Hint:    "reconnect one, unless the primary storage has the image already"})
			}
		}
	}
}

// zoneOf is the zone that a machine will be in: that of its place, else of its
// first network.
func (p *preflight) zoneOf(w *draft) string {
	if zone := w.site.zoneUUID(); zone != "" || len(w.bp.NICs) == 0 {
		return zone
	}
	return p.entry(KindNetwork, w.bp.NICs[0].NetworkUUID).ZoneUUID
}

// zoneName says a zone in words that the file knows.
func (p *preflight) zoneName(w *draft, zone string) string {
	if name := p.names.nameOf(KindZone, zone); name != zone || len(w.bp.NICs) == 0 {
		return fmt.Sprintf("zone %q", name)
	}
	return fmt.Sprintf("the zone of network %q", p.names.nameOf(KindNetwork, w.bp.NICs[0].NetworkUUID))
}

// storageDemand is one disk, and the storages on which it can be made.
type storageDemand struct {
	w     *draft
	field string
	size  int64
	on    []string // UUIDs, sorted
}

// checkStorages compares what disks need with what their storages have left. A
// disk that only one storage can hold cannot be made when that is full; where
// several can, only the sum of them is known to be too little.
func (p *preflight) checkStorages() {
	if len(p.room.Storages) == 0 {
		return // not known
	}
	var (
		demands []storageDemand
		sets    [][]string
	)
	for _, w := range p.created {
		if clusters, known := p.clustersOf(w); w.bp.Strategy == "JustCreate" || known && len(clusters) == 0 {
			continue
		}
		for _, d := range p.storageDemands(w) {
			if len(d.on) == 0 {
				p.refuse(true, w.m.At(d.field), codeNoStorage, "attach a primary storage to the cluster, or enable one",
					fmt.Sprintf("no primary storage that is enabled and connected can hold the disks of group %s", w.m.Group))
				continue
			}
			demands = append(demands, d)
			if !slices.ContainsFunc(sets, func(s []string) bool { return slices.Equal(s, d.on) }) {
				sets = append(sets, d.on)
			}
		}
	}
	slices.SortStableFunc(sets, func(a, b []string) int { return cmp.Compare(len(a), len(b)) })
	var full [][]string // sets that are too small: what holds them is too, and says no more
	for _, set := range sets {
		l := p.storageLedger(set, demands)
		l.quiet = slices.ContainsFunc(full, func(s []string) bool { return subset(s, set) })
		before := len(p.out.Checks)
		p.settle(l)
		if p.out.Checks[before].Short > 0 {
			full = append(full, set)
		}
	}
}

// storageLedger is what storages have left against the disks that can be on
// them only.
func (p *preflight) storageLedger(set []string, demands []storageDemand) ledger {
	fields := make(map[*draft]string)
	var names []string
	l := ledger{check: Check{Resource: ResourceStorage, Bytes: true}, code: codeNoStorage, hard: len(set) == 1,
		pos: func(w *draft) spec.Pos { return w.m.At(fields[w]) }, hint: "free space, add storage, or use another one"}
	for _, s := range p.room.Storages {
		if slices.Contains(set, s.UUID) {
			names = append(names, cmp.Or(s.Name, s.UUID))
			l.check.Available += max(0, s.Available)
		}
	}
	slices.Sort(names)
	l.check.Of = strings.Join(names, ", ")
	l.subject = "space on primary storage " + l.check.Of
	if len(set) == 1 {
		l.check.UUID = set[0]
	}
	sizes := make(map[*draft]int64)
	var order []*draft
	for _, d := range demands {
		if !subset(d.on, set) {
			continue
		}
		if _, seen := fields[d.w]; !seen {
			fields[d.w] = d.field
			order = append(order, d.w)
		}
		sizes[d.w] += d.size
	}
	for _, w := range order {
		l.add(w, sizes[w], sizes[w])
	}
	return l
}

// storageDemands lists the disks that are made for a machine.
func (p *preflight) storageDemands(w *draft) []storageDemand {
	var demands []storageDemand
	add := func(field string, size int64, pinned string) {
		if size > 0 {
			demands = append(demands, storageDemand{w, field, size, p.storagesFor(w, pinned)})
		}
	}
	root := ""
	if w.bp.RootDisk != nil {
		root = w.bp.RootDisk.PrimaryStorageUUID
	}
	switch w.bp.Source {
	case spec.FromImage:
		field := "source.image"
		if w.m.RootDisk != nil {
			field = "rootDisk"
		}
		add(field, p.rootSize(w), root)
	case spec.FromSnapshot:
		add("source.snapshot", p.rootSize(w), cmp.Or(root, w.source.PrimaryStorageUUID)) // it stays where it is
	case spec.FromVolume: // so does that, and takes no more than it has
	}
	for i, d := range w.bp.DataDisks {
		add(indexed("dataDisks", i), p.diskSize(d), d.PrimaryStorageUUID)
	}
	return demands
}

// storagesFor returns the storages that could hold a disk of a machine.
func (p *preflight) storagesFor(w *draft, pinned string) []string {
	clusters, known := p.clustersOf(w)
	zone := p.zoneOf(w)
	var uuids []string
	for _, s := range p.room.Storages {
		switch {
		case pinned != "" && s.UUID != pinned,
			s.State != "Enabled" || s.Status != "Connected",
			pinned == "" && zone != "" && s.ZoneUUID != zone,
			pinned == "" && known && !slices.ContainsFunc(s.ClusterUUIDs, func(uuid string) bool { return slices.Contains(clusters, uuid) }):
			continue
		}
		uuids = append(uuids, s.UUID)
	}
	slices.Sort(uuids)
	return uuids
}

// checkReach reports machines whose networks have no cluster in common.
func (p *preflight) checkReach() {
	for _, w := range p.created {
		if clusters, known := p.clustersOf(w); known && len(clusters) == 0 {
			p.names.errorf(w.m.At("networks"), "out-of-reach", "choose networks of one place, or attach them to a cluster",
				"no cluster reaches all networks of group %s", w.m.Group)
		}
	}
}

// clustersOf returns the clusters that a machine can be in: its own, or those
// that all its networks reach. They are not always known.
func (p *preflight) clustersOf(w *draft) (clusters []string, known bool) {
	if uuid := w.site.clusterUUID(); uuid != "" {
		return []string{uuid}, true
	}
	for _, nic := range w.bp.NICs {
		reached := p.entry(KindNetwork, nic.NetworkUUID).ClusterUUIDs
		switch {
		case len(reached) == 0:
		case !known:
			clusters, known = reached, true
		default:
			clusters = filter(clusters, func(uuid string) bool { return slices.Contains(reached, uuid) })
		}
	}
	return clusters, known
}

func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(text string) bool { return !slices.Contains(whole, text) })
}
