package planner

import (
	"cmp"
	"fmt"
	"slices"

	"zfleet/spec"
)

// Room is what a host that takes machines has left, as its server counts it:
// with overcommitment, and without what is reserved.
type Room struct {
	ZoneUUID    string `json:"zoneUuid"`
	ClusterUUID string `json:"clusterUuid"`
	CPU         int64  `json:"availableCpu"`
	Memory      int64  `json:"availableMemory"` // bytes
}

// checkRoom warns of places that have less CPU or memory left than the machines
// need that are to be started there. Sums only: that a machine fits into a
// place does not mean that it fits on a host.
func (b *builder) checkRoom() {
	if len(b.inv.Room) == 0 {
		return // not known
	}
	first := make(map[place]*draft)
	var order []place
	for _, w := range b.created {
		for _, p := range placesOf(w.site) {
			if first[p] == nil {
				first[p] = w
				order = append(order, p)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b place) int { return cmp.Compare(a.size(), b.size()) })
	short := make(map[*draft]int) // machines of the last place that has too little, by its first
	for _, p := range order {
		b.checkPlaceRoom(p, first[p], short)
	}
}

// place is a cluster, a zone, or the whole cloud.
type place struct {
	kind Kind
	uuid string
}

// size orders places: a place holds none that is larger.
func (p place) size() int {
	switch p.kind {
	case KindCluster:
		return 0
	case KindZone:
		return 1
	}
	return 2
}

// placesOf returns every place of which a site is a part, the smallest first.
func placesOf(s site) []place {
	var places []place
	if uuid := s.clusterUUID(); uuid != "" {
		places = append(places, place{KindCluster, uuid})
	}
	if uuid := s.zoneUUID(); uuid != "" {
		places = append(places, place{KindZone, uuid})
	}
	return append(places, place{})
}

// holds reports whether something in a cluster and a zone is in the place.
func (p place) holds(cluster, zone string) bool {
	return p.uuid == "" || p.kind == KindCluster && p.uuid == cluster || p.kind == KindZone && p.uuid == zone
}

// checkPlaceRoom compares one place; first is the first machine that goes
// there. Of places with the very same machines the smallest is warned of.
func (b *builder) checkPlaceRoom(p place, first *draft, short map[*draft]int) {
	var cpu, memory, needCPU, needMemory int64
	for _, room := range b.inv.Room {
		if p.holds(room.ClusterUUID, room.ZoneUUID) {
			cpu, memory = cpu+room.CPU, memory+room.Memory
		}
	}
	starting, without := 0, 0
	for _, w := range b.created {
		if !p.holds(w.site.clusterUUID(), w.site.zoneUUID()) || w.bp.Strategy == "CreateStopped" || w.bp.Strategy == "JustCreate" {
			continue
		}
		c, m := w.needs()
		if old := b.owned.of(w.m.Key).live; old != nil && old.State == "Running" && p.holds(old.ClusterUUID, old.ZoneUUID) {
			c, m = c-int64(old.CPU), m-old.Memory // goes before the new one comes
		}
		needCPU, needMemory = needCPU+c, needMemory+m
		starting++
		if needCPU > cpu || needMemory > memory {
			without++
		}
	}
	if needCPU <= cpu && needMemory <= memory || short[first] == starting {
		return
	}
	short[first] = starting
	where := "the cloud"
	if p.uuid != "" {
		where = fmt.Sprintf("%s %q", p.kind, b.names.nameOf(p.kind, p.uuid))
	}
	for _, r := range []struct {
		what         string
		short        bool
		needed, left string
	}{
		{"cpu", needCPU > cpu, fmt.Sprintf("%d CPUs", needCPU), fmt.Sprint(max(0, cpu))},
		{"memory", needMemory > memory, formatGiB(needMemory) + " of memory", formatGiB(max(0, memory))},
	} {
		if r.short {
			b.names.report(spec.Diagnostic{Severity: spec.Warning, Pos: first.m.At("placement." + string(p.kind)), Code: "no-room",
				Message: fmt.Sprintf("%d machines that are to be started in %s need %s, and there is room for %s", starting, where, r.needed, r.left),
				Hint:    fmt.Sprintf("make room, or place them elsewhere: %d of them may not start", without)})
		}
	}
}

// needs returns the CPUs and the bytes of memory that a machine takes.
func (w *draft) needs() (cpu, memory int64) {
	if offering := w.offering(); offering != nil {
		return int64(offering.CPU), offering.Memory
	}
	return int64(w.bp.CPU), w.bp.Memory
}

func formatGiB(bytes int64) string { return fmt.Sprintf("%.6g GiB", float64(bytes)/(1<<30)) }
