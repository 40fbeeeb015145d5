package cloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"zfleet/internal/zstack"
	"zfleet/planner"
)

// Reread reads what a plan relies on, by UUID, and nothing else: the number of
// requests depends on what the plan touches, not on the fleet or the cloud. Of
// the inventory it fills what planner.Settle looks at.
func Reread(ctx context.Context, client *zstack.Client, touched planner.Touched, progress func(string)) (*planner.Inventory, error) {
	if progress == nil {
		progress = func(string) {}
	}
	account, err := client.Account(ctx)
	if err != nil && !errors.Is(err, zstack.ErrOwnerUnknown) {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	r := &reader{client: client, scope: touched.Scope}
	inventory := &planner.Inventory{Scope: touched.Scope, Account: account, Catalog: make(planner.Catalog)}
	progress("machines")
	if err := r.rereadMachines(ctx, touched.VMUUIDs, touched.KeyTags); err != nil {
		return nil, fmt.Errorf("reading the machines: %w", err)
	}
	if err := r.readTags(ctx); err != nil {
		return nil, fmt.Errorf("reading the tags of the machines: %w", err)
	}
	progress("disks")
	if err := r.rereadDisks(ctx, touched.DiskUUIDs); err != nil {
		return nil, fmt.Errorf("reading the disks: %w", err)
	}
	inventory.Machines, inventory.Disks = r.observed(), r.taggedDisks()
	for _, kind := range slices.Sorted(maps.Keys(touched.Refs)) {
		progress(string(kind) + "s")
		if inventory.Catalog[kind], err = r.rereadEntries(ctx, kind, touched.Refs[kind]); err != nil {
			return nil, fmt.Errorf("reading the %ss: %w", kind, err)
		}
	}
	return inventory, nil
}

// rereadMachines reads VMs by UUID, and those that carry one of the tags.
func (r *reader) rereadMachines(ctx context.Context, uuids, keyTags []string) error {
	var vms []zstack.VM
	var tags []zstack.Tag
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		vms, err = listIn[zstack.VM](groupCtx, r.client, "/vm-instances", "uuid", uuids)
		return err
	})
	group.Go(func() (err error) {
		ofType, _ := zstack.Where("resourceType", "=", typeVM)
		tags, err = listIn[zstack.Tag](groupCtx, r.client, "/user-tags", "tag", keyTags, ofType)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	var others []string
	for _, tag := range tags {
		if !slices.Contains(uuids, tag.ResourceUUID) && slices.Contains(keyTags, tag.Tag) {
			others = append(others, tag.ResourceUUID)
		}
	}
	more, err := listIn[zstack.VM](ctx, r.client, "/vm-instances", "uuid", others)
	r.vms = make(map[string]zstack.VM)
	for _, vm := range slices.Concat(vms, more) {
		r.vms[vm.UUID] = vm
	}
	return err
}

// rereadDisks reads disks by UUID, and those that are attached to the VMs, as
// far as they carry a tag of the fleet.
func (r *reader) rereadDisks(ctx context.Context, uuids []string) error {
	attached := make(map[string]zstack.Volume)
	for _, vm := range r.vms {
		for _, volume := range dataVolumes(vm) {
			attached[volume.UUID] = volume
			uuids = append(uuids, volume.UUID)
		}
	}
	tags, err := listIn[zstack.Tag](ctx, r.client, "/user-tags", "resourceUuid", uuids)
	if err != nil {
		return err
	}
	r.diskTags = byResource(withPrefix(tags, r.scope.TagPrefix()+"disk::"))
	r.disks = make(map[string]zstack.Volume)
	var detached []string
	for uuid := range r.diskTags {
		if volume, ok := attached[uuid]; ok {
			r.disks[uuid] = volume
		} else {
			detached = append(detached, uuid)
		}
	}
	volumes, err := listIn[zstack.Volume](ctx, r.client, "/volumes", "uuid", detached)
	for _, volume := range volumes {
		r.disks[volume.UUID] = volume
	}
	return err
}

// rereadEntries reads what a plan refers to.
func (r *reader) rereadEntries(ctx context.Context, kind planner.Kind, uuids []string) ([]planner.Entry, error) {
	switch kind {
	case planner.KindZone:
		return someOf(ctx, r, "/zones", uuids, zoneEntry)
	case planner.KindCluster:
		return someOf(ctx, r, "/clusters", uuids, clusterEntry)
	case planner.KindHost:
		return someOf(ctx, r, "/hosts", uuids, hostEntry)
	case planner.KindPrimaryStorage:
		return someOf(ctx, r, "/primary-storage", uuids, storageEntry)
	case planner.KindInstanceOffering:
		return someOf(ctx, r, "/instance-offerings", uuids, offeringEntry)
	case planner.KindDiskOffering:
		return someOf(ctx, r, "/disk-offerings", uuids, diskOfferingEntry)
	case planner.KindImage:
		return someOf(ctx, r, "/images", uuids, imageEntry)
	case planner.KindVolume:
		return someOf(ctx, r, "/volumes", uuids, volumeEntry)
	case planner.KindSnapshot:
		return someOf(ctx, r, "/volume-snapshots", uuids, snapshotEntry)
	case planner.KindSSHKey:
		return someOf(ctx, r, "/ssh-key-pair", uuids, keyEntry)
	case planner.KindTag:
		return someOf(ctx, r, "/tags", uuids, patternEntry)
	case planner.KindNetwork:
		l3s, err := listIn[zstack.L3Network](ctx, r.client, "/l3-networks", "uuid", uuids)
		if err != nil {
			return nil, err
		}
		l2s, err := listIn[zstack.L2Network](ctx, r.client, "/l2-networks", "uuid", l2sOf(l3s))
		return convert(l3s, networkEntry(l2s)), err
	}
	return nil, fmt.Errorf("this version of zfleet does not know the kind %q", kind)
}

func someOf[T zstack.Resource](ctx context.Context, r *reader, path string, uuids []string, entry func(T) planner.Entry) ([]planner.Entry, error) {
	rows, err := listIn[T](ctx, r.client, path, "uuid", uuids)
	return convert(rows, entry), err
}

func l2sOf(l3s []zstack.L3Network) []string {
	var uuids []string
	for _, l3 := range l3s {
		uuids = append(uuids, l3.L2NetworkUUID)
	}
	return uuids
}
