package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

const (
	// chunk is how many UUIDs or names one query asks for.
	chunk = 100
	// queries is how many queries an inventory has in flight at once.
	queries = 4
)

// Fleet is a fleet that an inventory is taken for, and what a plan of it needs.
type Fleet struct {
	Scope planner.Scope
	Wants planner.Wants
}

// Inventory is [Survey] for a single fleet.
func Inventory(ctx context.Context, client *zstack.Client, scope planner.Scope, wants planner.Wants, progress func(string)) (*planner.Inventory, error) {
	file, err := Survey(ctx, client, []Fleet{{scope, wants}}, progress)
	if err != nil {
		return nil, err
	}
	return file.Part(file.Fleets[0].Scope), nil
}

// Survey reads what plans of these fleets need: their machines and disks, and
// the kinds of things that they refer to. The number of requests depends on
// fleets, pages and kinds, not on machines. A scope without an ID takes the
// account's UUID; the inventory says which scope it is of. progress, which may
// be nil, is told what is read next, in a word or two.
//
// Without any fleet it reads the machines of all, and everything that a fleet
// file could refer to.
func Survey(ctx context.Context, client *zstack.Client, fleets []Fleet, progress func(string)) (*planner.InventoryFile, error) {
	if progress == nil {
		progress = func(string) {}
	}
	progress("account")
	account, err := client.Account(ctx)
	if errors.Is(err, zstack.ErrOwnerUnknown) && !slices.ContainsFunc(fleets, func(f Fleet) bool { return f.Scope.ID == "" }) {
		err = nil // the account only informs where the fleets have ids of their own
	}
	if errors.Is(err, zstack.ErrOwnerUnknown) {
		return nil, fmt.Errorf("reading the account: %w, or give the fleet an id: zfleet init writes a fresh one", err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the account: %w", err)
	}
	file := planner.NewInventoryFile(len(fleets) == 0)
	file.Account = account
	r := &reader{client: client}
	file.Version, file.DeletionPolicy = r.server(ctx)
	refs := make(map[planner.Kind][]spec.Ref)
	if file.AllFleets {
		if fleets, err = r.allFleets(ctx, progress); err != nil {
			return nil, err
		}
	}
	for _, fleet := range fleets {
		fleet.Scope.ID = cmp.Or(fleet.Scope.ID, account)
		if err := survey(ctx, client, fleet, file, progress); err != nil {
			return nil, err
		}
		for kind, list := range fleet.Wants.WithImages(file.Machines).Refs {
			refs[kind] = append(refs[kind], list...)
		}
	}
	if file.AllFleets {
		file.Asked = planner.Everything()
	}
	if file.Catalog, err = r.catalog(ctx, refs, file.Asked, progress); err != nil {
		return nil, err
	}
	return file, nil
}

// survey reads the machines and disks of one fleet into a file.
func survey(ctx context.Context, client *zstack.Client, fleet Fleet, file *planner.InventoryFile, progress func(string)) error {
	r := &reader{client: client, scope: fleet.Scope}
	progress("machines")
	if err := r.readMachines(ctx, fleet.Wants.Formerly, fleet.Wants.VMUUIDs); err != nil {
		return fmt.Errorf("reading the machines: %w", err)
	}
	progress("disks")
	if err := r.readDisks(ctx); err != nil {
		return fmt.Errorf("reading the disks: %w", err)
	}
	progress("tags")
	if err := r.readTags(ctx); err != nil {
		return fmt.Errorf("reading the tags of the machines: %w", err)
	}
	about := planner.InventoryFleet{Scope: fleet.Scope, Formerly: fleet.Wants.Formerly, VMUUIDs: fleet.Wants.VMUUIDs}
	if !file.AllFleets { // which knows the machines of all fleets
		var err error
		if about.Relatives, err = r.relatives(ctx); err != nil {
			return fmt.Errorf("reading the tags of other fleets: %w", err)
		}
	}
	file.Add(about, r.observed(), r.taggedDisks())
	return nil
}

// allFleets lists the fleets that have a machine, by the tags of their machines
// and disks.
func (r *reader) allFleets(ctx context.Context, progress func(string)) ([]Fleet, error) {
	progress("fleets")
	known := make(map[planner.Scope]bool)
	for _, resourceType := range []string{typeVM, typeVolume} {
		tags, err := r.fleetTags(ctx, resourceType, planner.TagNamespace)
		if err != nil {
			return nil, fmt.Errorf("reading the tags of all fleets: %w", err)
		}
		for _, tag := range tags {
			if scope, ok := planner.ScopeOfTag(tag.Tag); ok {
				known[scope] = true
			}
		}
	}
	var fleets []Fleet
	for _, scope := range slices.SortedFunc(maps.Keys(known), func(a, b planner.Scope) int { return cmp.Compare(a.String(), b.String()) }) {
		fleets = append(fleets, Fleet{Scope: scope})
	}
	return fleets, nil
}

// reader collects rows for one inventory.
type reader struct {
	client   *zstack.Client
	scope    planner.Scope
	vms      map[string]zstack.VM
	disks    map[string]zstack.Volume // tagged ones, attached or not
	diskTags map[string][]zstack.Tag  // the fleet's, by volume
	userTags map[string][]zstack.Tag  // by VM
	sysTags  map[string][]zstack.Tag  // by VM
}

// server reads what only informs a plan; what an account may not read is empty.
func (r *reader) server(ctx context.Context) (version, deletionPolicy string) {
	version, err := r.client.Version(ctx)
	if err != nil {
		version = ""
	}
	category, _ := zstack.Where("category", "=", "vm")
	name, _ := zstack.Where("name", "=", "deletionPolicy")
	rows, err := zstack.List[zstack.GlobalConfig](ctx, r.client, "/global-configurations", category, name)
	if err == nil && len(rows) == 1 {
		deletionPolicy = rows[0].Value
	}
	return version, deletionPolicy
}

// readMachines finds the fleet's VMs three ways: by the beginning of their
// UUIDs, by their tags, and by the UUIDs that the fleet file names.
func (r *reader) readMachines(ctx context.Context, formerly []planner.Scope, named []string) error {
	var tags []zstack.Tag
	r.vms = make(map[string]zstack.VM)
	for _, scope := range append([]planner.Scope{r.scope}, formerly...) {
		inRange, tagged, err := r.readScope(ctx, scope)
		if err != nil {
			return err
		}
		for _, vm := range inRange {
			r.vms[vm.UUID] = vm
		}
		tags = append(tags, tagged...)
	}
	var missing []string
	for _, tag := range tags {
		missing = append(missing, tag.ResourceUUID)
	}
	missing = slices.DeleteFunc(append(missing, named...), func(uuid string) bool {
		_, have := r.vms[uuid]
		return have
	})
	others, err := listIn[zstack.VM](ctx, r.client, "/vm-instances", "uuid", missing)
	for _, vm := range others {
		r.vms[vm.UUID] = vm
	}
	return err
}

// readScope lists the VMs in the range of a scope, and the tags that say that a
// VM is a machine of it.
func (r *reader) readScope(ctx context.Context, scope planner.Scope) (inRange []zstack.VM, tags []zstack.Tag, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		prefix, _ := zstack.Where("uuid", "~=", scope.UUIDPrefix()+"%")
		inRange, err = zstack.List[zstack.VM](ctx, r.client, "/vm-instances", prefix)
		return err
	})
	group.Go(func() (err error) {
		tags, err = r.fleetTags(ctx, typeVM, scope.KeyTag(""))
		return err
	})
	err = group.Wait()
	return inRange, tags, err
}

// readDisks finds the volumes that carry a disk tag of the fleet. Those of the
// fleet's VMs are known from the VMs; only the others are asked for.
func (r *reader) readDisks(ctx context.Context) error {
	tags, err := r.fleetTags(ctx, typeVolume, r.scope.TagPrefix()+"disk::")
	if err != nil {
		return err
	}
	r.diskTags, r.disks = byResource(tags), make(map[string]zstack.Volume)
	for _, vm := range r.vms {
		for _, volume := range vm.Volumes {
			if r.diskTags[volume.UUID] != nil {
				r.disks[volume.UUID] = volume
			}
		}
	}
	var missing []string
	for uuid := range r.diskTags {
		if _, have := r.disks[uuid]; !have {
			missing = append(missing, uuid)
		}
	}
	volumes, err := listIn[zstack.Volume](ctx, r.client, "/volumes", "uuid", missing)
	for _, volume := range volumes {
		r.disks[volume.UUID] = volume
	}
	return err
}

// fleetTags lists the user tags on resources of a type that begin with a text.
func (r *reader) fleetTags(ctx context.Context, resourceType, prefix string) ([]zstack.Tag, error) {
	conditions := make([]zstack.Condition, 0, 2)
	ofType, _ := zstack.Where("resourceType", "=", resourceType)
	conditions = append(conditions, ofType)
	if like, ok := zstack.Where("tag", "~=", prefix+"%"); ok {
		conditions = append(conditions, like)
	}
	tags, err := zstack.List[zstack.Tag](ctx, r.client, "/user-tags", conditions...)
	return withPrefix(tags, prefix), err // the server's pattern may match more
}

// readTags reads the tags of the machines that were found. Of the system tags a
// plan compares the hostname alone; others may hold secrets, and are not asked for.
func (r *reader) readTags(ctx context.Context) error {
	var uuids []string
	for uuid := range r.vms {
		uuids = append(uuids, uuid)
	}
	var user, system []zstack.Tag
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		user, err = listIn[zstack.Tag](ctx, r.client, "/user-tags", "resourceUuid", uuids)
		return err
	})
	group.Go(func() (err error) {
		hostname, _ := zstack.Where("tag", "~=", hostnamePrefix+"%")
		system, err = listIn[zstack.Tag](ctx, r.client, "/system-tags", "resourceUuid", uuids, hostname)
		system = withPrefix(system, hostnamePrefix)
		return err
	})
	err := group.Wait()
	r.userTags, r.sysTags = byResource(user), byResource(system)
	return err
}

func byResource(tags []zstack.Tag) map[string][]zstack.Tag {
	by := make(map[string][]zstack.Tag)
	for _, tag := range tags {
		by[tag.ResourceUUID] = append(by[tag.ResourceUUID], tag)
	}
	return by
}

// chunks splits values so that no query has more than chunk of them, nor a line
// that a server or a proxy would refuse.
func chunks(values []string) [][]string {
	const longest = 4000
	var parts [][]string
	size := longest
	for _, value := range values {
		if size += len(value) + 1; size > longest || len(parts[len(parts)-1]) == chunk {
			parts, size = append(parts, nil), len(value)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], value)
	}
	return parts
}

// listIn lists the rows that meet the conditions and whose field has one of the
// values, in chunks.
func listIn[T zstack.Resource](ctx context.Context, client *zstack.Client, path, field string, values []string, conditions ...zstack.Condition) ([]T, error) {
	parts := chunks(slices.Compact(slices.Sorted(slices.Values(values))))
	found := make([][]T, len(parts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(queries)
	for i, part := range parts {
		group.Go(func() (err error) {
			found[i], err = zstack.List[T](ctx, client, path, append([]zstack.Condition{zstack.In(field, part)}, conditions...)...)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(found...), err
}
