package cloud

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// catalog reads the kinds that are referred to, or asked for whole, and notes in
// asked what was looked for. Collections that an operator keeps are small and are
// read whole, so that the planner can say what else there is; see Kind.ByName.
func (r *reader) catalog(ctx context.Context, refs map[planner.Kind][]spec.Ref, asked map[planner.Kind]planner.Asked, progress func(string)) (planner.Catalog, error) {
	catalog := make(planner.Catalog)
	for kind := range refs {
		if len(refs[kind]) > 0 && !asked[kind].Whole {
			asked[kind] = askFor(kind, refs[kind])
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(asked)) {
		progress(string(kind) + "s")
		entries, whole, err := r.entries(ctx, kind, asked[kind])
		if err != nil {
			return nil, fmt.Errorf("reading the %ss: %w", kind, err)
		}
		if whole {
			asked[kind] = planner.Asked{Whole: true}
		}
		slices.SortFunc(entries, func(a, b planner.Entry) int { return cmp.Compare(a.UUID, b.UUID) })
		catalog[kind] = entries
	}
	return catalog, nil
}

// NamePlaces adds to the catalog of an inventory that people look at the zones,
// clusters and hosts that it was not asked for, so that where a machine is can be
// told in names. It is not meant to be planned from: what the account may not read
// is left out.
func NamePlaces(ctx context.Context, client *zstack.Client, file *planner.InventoryFile, progress func(string)) error {
	r := &reader{client: client}
	for _, kind := range []planner.Kind{planner.KindZone, planner.KindCluster, planner.KindHost} {
		if file.Asked[kind].Whole {
			continue
		}
		progress(string(kind) + "s")
		if entries, err := r.collection(ctx, kind); err == nil {
			file.Catalog[kind] = entries
		}
	}
	return ctx.Err()
}

// askFor says what is looked for because of references.
func askFor(kind planner.Kind, refs []spec.Ref) planner.Asked {
	if !kind.ByName() {
		return planner.Asked{Whole: true}
	}
	var asked planner.Asked
	for _, ref := range refs {
		if ref.UUID != "" {
			asked.UUIDs = append(asked.UUIDs, ref.UUID)
		} else {
			asked.Names = append(asked.Names, ref.Name)
		}
	}
	asked.Names = slices.Compact(slices.Sorted(slices.Values(asked.Names)))
	asked.UUIDs = slices.Compact(slices.Sorted(slices.Values(asked.UUIDs)))
	return asked
}

// entries reads one kind, and reports whether all of it was read.
func (r *reader) entries(ctx context.Context, kind planner.Kind, asked planner.Asked) (entries []planner.Entry, all bool, err error) {
	switch kind {
	case planner.KindImage:
		return named(ctx, r, "/images", asked, imageEntry)
	case planner.KindVolume:
		return named(ctx, r, "/volumes", asked, volumeEntry)
	case planner.KindSnapshot:
		return named(ctx, r, "/volume-snapshots", asked, snapshotEntry)
	default:
		entries, err = r.collection(ctx, kind)
		return entries, true, err
	}
}

// collection reads all of a kind that is never asked for by name.
func (r *reader) collection(ctx context.Context, kind planner.Kind) ([]planner.Entry, error) {
	switch kind {
	case planner.KindZone:
		return whole(ctx, r, "/zones", zoneEntry)
	case planner.KindCluster:
		return whole(ctx, r, "/clusters", clusterEntry)
	case planner.KindHost:
		return whole(ctx, r, "/hosts", hostEntry)
	case planner.KindPrimaryStorage:
		return whole(ctx, r, "/primary-storage", storageEntry)
	case planner.KindInstanceOffering:
		return whole(ctx, r, "/instance-offerings", offeringEntry)
	case planner.KindDiskOffering:
		return whole(ctx, r, "/disk-offerings", diskOfferingEntry)
	case planner.KindNetwork:
		return r.networks(ctx)
	case planner.KindSSHKey:
		return whole(ctx, r, "/ssh-key-pair", keyEntry)
	case planner.KindTag:
		return whole(ctx, r, "/tags", patternEntry)
	case planner.KindImage, planner.KindVolume, planner.KindSnapshot:
	}
	return nil, fmt.Errorf("this version of zfleet does not know the kind %q", kind)
}

// whole lists a collection. An entry without a UUID is left out: that is how a
// conversion says that a row is nothing to refer to.
func whole[T zstack.Resource](ctx context.Context, r *reader, path string, entry func(T) planner.Entry) ([]planner.Entry, error) {
	rows, err := zstack.List[T](ctx, r.client, path)
	return convert(rows, entry), err
}

func convert[T any](rows []T, entry func(T) planner.Entry) []planner.Entry {
	entries := make([]planner.Entry, 0, len(rows))
	for _, row := range rows {
		if e := entry(row); e.UUID != "" {
			entries = append(entries, e)
		}
	}
	return entries
}

// named lists the rows that have the names or the UUIDs that are asked for. When
// a name finds nothing, or cannot be put in a query, the whole collection is
// listed, so that the planner can say which name comes near.
func named[T zstack.Resource](ctx context.Context, r *reader, path string, asked planner.Asked, entry func(T) planner.Entry) (entries []planner.Entry, all bool, err error) {
	unasked := func(text string) bool { return !canAsk(text) }
	if asked.Whole || slices.ContainsFunc(asked.Names, unasked) {
		entries, err = whole(ctx, r, path, entry)
		return entries, true, err
	}
	byName, err := listIn[T](ctx, r.client, path, "name", asked.Names)
	if err != nil {
		return nil, false, err
	}
	byUUID, err := listIn[T](ctx, r.client, path, "uuid", slices.DeleteFunc(slices.Clone(asked.UUIDs), unasked))
	if err != nil {
		return nil, false, err
	}
	found := make(map[string]planner.Entry)
	have := make(map[string]bool)
	for _, e := range convert(slices.Concat(byName, byUUID), entry) {
		found[e.UUID], have[e.Name] = e, true
	}
	if slices.ContainsFunc(asked.Names, func(name string) bool { return !have[name] }) {
		entries, err = whole(ctx, r, path, entry)
		return entries, true, err
	}
	return slices.AppendSeq(make([]planner.Entry, 0, len(found)), maps.Values(found)), false, nil
}

// canAsk reports whether a text can stand in a list of values: the server takes
// a query apart at operators and such a list at commas.
func canAsk(text string) bool {
	_, ok := zstack.Where("name", "?=", text)
	return ok && !strings.Contains(text, ",")
}

// networks lists the L3 networks.
func (r *reader) networks(ctx context.Context) ([]planner.Entry, error) {
	l2s, err := zstack.List[zstack.L2Network](ctx, r.client, "/l2-networks")
	if err != nil {
		return nil, err
	}
	return whole(ctx, r, "/l3-networks", networkEntry(l2s))
}

// networkEntry converts an L3 network. Which clusters reach it is known of its L2.
func networkEntry(l2s []zstack.L2Network) func(zstack.L3Network) planner.Entry {
	clusters := make(map[string][]string)
	for _, l2 := range l2s {
		clusters[l2.UUID] = slices.Sorted(slices.Values(l2.AttachedClusterUUIDs))
	}
	return func(l3 zstack.L3Network) planner.Entry {
		return planner.Entry{
			UUID: l3.UUID, Name: l3.Name, State: l3.State, CreateDate: l3.CreateDate, ZoneUUID: l3.ZoneUUID,
			ClusterUUIDs: clusters[l3.L2NetworkUUID], System: l3.System, Type: l3.Type,
		}
	}
}

func zoneEntry(z zstack.Zone) planner.Entry {
	return planner.Entry{UUID: z.UUID, Name: z.Name, State: z.State, CreateDate: z.CreateDate, Type: z.Type}
}

func clusterEntry(c zstack.Cluster) planner.Entry {
	return planner.Entry{
		UUID: c.UUID, Name: c.Name, State: c.State, CreateDate: c.CreateDate, ZoneUUID: c.ZoneUUID,
		Architecture: c.Architecture, Type: c.Type,
	}
}

func hostEntry(h zstack.Host) planner.Entry {
	entry := planner.Entry{
		UUID: h.UUID, Name: h.Name, State: h.State, Status: h.Status, CreateDate: h.CreateDate,
		ZoneUUID: h.ZoneUUID, Architecture: h.Architecture,
	}
	if h.ClusterUUID != "" {
		entry.ClusterUUIDs = []string{h.ClusterUUID}
	}
	return entry
}

func storageEntry(p zstack.PrimaryStorage) planner.Entry {
	return planner.Entry{
		UUID: p.UUID, Name: p.Name, State: p.State, Status: p.Status, CreateDate: p.CreateDate, Type: p.Type,
		ZoneUUID: p.ZoneUUID, ClusterUUIDs: slices.Sorted(slices.Values(p.AttachedClusterUUIDs)),
	}
}

func offeringEntry(o zstack.InstanceOffering) planner.Entry {
	return planner.Entry{
		UUID: o.UUID, Name: o.Name, State: o.State, CreateDate: o.CreateDate, Type: o.Type,
		CPU: o.CPUNum, Memory: o.MemorySize, Reserved: o.ReservedMemorySize,
	}
}

// diskOfferingEntry leaves out the offerings that the server makes for a moment
// while it creates a VM with disks by size.
func diskOfferingEntry(o zstack.DiskOffering) planner.Entry {
	if o.Type == "TemporaryDiskOfferingType" {
		return planner.Entry{}
	}
	return planner.Entry{
		UUID: o.UUID, Name: o.Name, State: o.State, CreateDate: o.CreateDate, Type: o.Type, Size: o.DiskSize,
	}
}

func imageEntry(i zstack.Image) planner.Entry {
	if i.Status == statusDeleted {
		return planner.Entry{}
	}
	var stores []string
	for _, store := range i.Stores {
		stores = append(stores, store.UUID)
	}
	slices.Sort(stores)
	return planner.Entry{
		UUID: i.UUID, Name: i.Name, State: i.State, Status: i.Status, CreateDate: i.CreateDate, Type: i.Type, StoreUUIDs: stores,
		MediaType: i.MediaType, Platform: i.Platform, GuestOSType: i.GuestOSType, Architecture: i.Architecture,
		System: i.System, Size: i.Size,
	}
}

func volumeEntry(v zstack.Volume) planner.Entry {
	if v.Status == statusDeleted {
		return planner.Entry{}
	}
	return planner.Entry{
		UUID: v.UUID, Name: v.Name, State: v.State, Status: v.Status, CreateDate: v.CreateDate, Type: v.Type,
		Size: v.Size, VMUUID: v.VMInstanceUUID, PrimaryStorageUUID: v.PrimaryStorageUUID, Shareable: v.IsShareable,
	}
}

func snapshotEntry(s zstack.VolumeSnapshot) planner.Entry {
	if s.Status == statusDeleted || s.Status == "Deleting" {
		return planner.Entry{}
	}
	return planner.Entry{
		UUID: s.UUID, Name: s.Name, State: s.State, Status: s.Status, CreateDate: s.CreateDate, Type: s.VolumeType,
		Size: s.Size, VolumeUUID: s.VolumeUUID, PrimaryStorageUUID: s.PrimaryStorageUUID,
	}
}

func keyEntry(k zstack.SSHKeyPair) planner.Entry {
	return planner.Entry{UUID: k.UUID, Name: k.Name, CreateDate: k.CreateDate}
}

func patternEntry(p zstack.TagPattern) planner.Entry {
	return planner.Entry{UUID: p.UUID, Name: p.Name, CreateDate: p.CreateDate, Type: p.Type}
}
