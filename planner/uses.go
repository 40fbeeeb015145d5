package planner

import (
	"fmt"

	"zfleet/spec"
)

// limitUses names what a creation counts against, as far as it is known before
// the server chooses.
func (w *draft) limitUses() []Use {
	var uses []Use
	add := func(class UseClass, uuid string) {
		if uuid != "" {
			uses = append(uses, Use{class, uuid})
		}
	}
	add(UseCluster, w.site.clusterUUID())
	add(UseHost, w.bp.HostUUID)
	storage := ""
	if root := w.bp.RootDisk; root != nil {
		storage = root.PrimaryStorageUUID
	}
	if storage == "" && w.source != nil {
		storage = w.source.PrimaryStorageUUID
	}
	add(UsePrimaryStorage, storage)
	add(UseSource, w.bp.SourceUUID)
	return uses
}

// vmUses names what an operation on an existing VM counts against.
func vmUses(vm *Observed) []Use {
	var uses []Use
	if vm.ClusterUUID != "" {
		uses = append(uses, Use{UseCluster, vm.ClusterUUID})
	}
	if vm.HostUUID != "" {
		uses = append(uses, Use{UseHost, vm.HostUUID})
	}
	return uses
}

// uncounted warns about keyed limits that some creations cannot count against,
// because the server chooses where they go.
func (b *builder) uncounted() {
	limits := b.fleet.Limits
	for _, l := range []struct {
		field string
		limit int
		class UseClass
		way   string
	}{
		{"perCluster", limits.PerCluster, UseCluster, "placement.cluster"},
		{"perHost", limits.PerHost, UseHost, "placement.host"},
		{"perPrimaryStorage", limits.PerPrimaryStorage, UsePrimaryStorage, "rootDisk.primaryStorage"},
	} {
		if l.limit == 0 {
			continue
		}
		without := filter(b.created, func(w *draft) bool {
			return len(filter(w.limitUses(), func(u Use) bool { return u.Class == l.class })) == 0
		})
		if len(without) > 0 {
			b.names.report(spec.Diagnostic{Severity: spec.Warning, Pos: b.fleet.Places["limits."+l.field], Code: "limit-not-counted",
				Message: fmt.Sprintf("limits.%s cannot count %d of %d creations, because the server chooses where they go", l.field, len(without), len(b.created)),
				Hint:    fmt.Sprintf("set %s for them, or rely on limits.parallelism", l.way)})
		}
	}
}
