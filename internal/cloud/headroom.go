package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"zfleet/internal/zstack"
	"zfleet/planner"
)

// maxAsked bounds how many storages and how many networks are asked about one
// by one. Only the free space and the free addresses of more stay unknown.
const maxAsked = 32

// Headroom reads what is left for the machines that a plan creates. How many
// requests that takes depends on the networks, storages and kinds of machines
// that matter, not on the machines. What cannot be read is named in the result:
// only the end of ctx is an error.
func Headroom(ctx context.Context, client *zstack.Client, account string, wants planner.HeadroomWants, progress func(string)) (*planner.Headroom, error) {
	r := &headroomReader{client: client, wants: wants, room: &planner.Headroom{}}
	if !wants.Machines {
		return nil, ctx.Err()
	}
	if progress != nil {
		progress("what is left")
	}
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(queries)
	for _, part := range []struct {
		what string
		read func(context.Context) error
	}{
		{"cpu and memory", r.hosts},
		{"storage", r.storages},
		{"addresses", r.networks},
		{"addresses in use", r.addresses},
		{"backup storage", r.stores},
		{"quota", func(ctx context.Context) error { return r.quotas(ctx, account) }},
		{"hosts for a machine", r.shapes},
	} {
		group.Go(func() error {
			if err := part.read(inner); err != nil {
				r.unread(part.what, err)
			}
			return nil
		})
	}
	_ = group.Wait() // the parts never fail
	slices.SortFunc(r.room.Unread, func(a, b planner.Unread) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why))
	})
	r.room.Unread = slices.Compact(r.room.Unread)
	return r.room, ctx.Err()
}

// headroomReader collects a headroom. Each part fills fields of its own.
type headroomReader struct {
	client *zstack.Client
	wants  planner.HeadroomWants
	room   *planner.Headroom
	mu     sync.Mutex // of room.Unread
}

// unread notes what could not be read, in words that are the same for the same
// reason.
func (r *headroomReader) unread(what string, err error) {
	why := "the server gave no usable answer"
	if api, ok := errors.AsType[*zstack.APIError](err); ok {
		why = "the server reports " + api.Deepest().Code
	} else if refused, ok := errors.AsType[*zstack.RefusedError](err); ok {
		why = fmt.Sprintf("the server answers with status %d", refused.Status)
	} else if errors.Is(err, errNoAccount) {
		why = errNoAccount.Error()
	}
	r.note(what, why)
}

func (r *headroomReader) note(what, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.room.Unread = append(r.room.Unread, planner.Unread{What: what, Why: why})
}

func (r *headroomReader) hosts(ctx context.Context) error {
	hosts, err := zstack.List[zstack.Host](ctx, r.client, "/hosts")
	for _, h := range hosts {
		if h.State == "Enabled" && h.Status == "Connected" {
			r.room.Hosts = append(r.room.Hosts, planner.Room{UUID: h.UUID, ZoneUUID: h.ZoneUUID, ClusterUUID: h.ClusterUUID,
				CPU: h.AvailableCPUCapacity, Memory: h.AvailableMemoryCapacity})
		}
	}
	if err == nil && len(r.room.Hosts) == 0 {
		r.note("cpu and memory", "the account sees no host that takes machines")
	}
	return err
}

// storages asks about each storage for itself: unlike the list, the answer has
// overcommitment in it.
func (r *headroomReader) storages(ctx context.Context) error {
	rows, err := zstack.List[zstack.PrimaryStorage](ctx, r.client, "/primary-storage")
	if err != nil {
		return err
	}
	for i, row := range rows {
		s := planner.StorageRoom{UUID: row.UUID, Name: row.Name, State: row.State, Status: row.Status, ZoneUUID: row.ZoneUUID,
			ClusterUUIDs: slices.Sorted(slices.Values(row.AttachedClusterUUIDs)), Available: row.AvailableCapacity}
		if i < maxAsked && s.State == "Enabled" && s.Status == "Connected" {
			if free, err := r.client.FreeSpace(ctx, row.UUID); err == nil {
				s.Available = free
			}
		}
		r.room.Storages = append(r.room.Storages, s)
	}
	if len(rows) == 0 {
		r.note("storage", "the account sees no primary storage")
	}
	return nil
}

func (r *headroomReader) networks(ctx context.Context) error {
	asked := r.wants.Networks[:min(len(r.wants.Networks), maxAsked)]
	if more := len(r.wants.Networks) - len(asked); more > 0 {
		r.note("addresses", fmt.Sprintf("%d more networks were not asked about", more))
	}
	ranges, err := listIn[ipRange](ctx, r.client, "/l3-networks/ip-ranges", "l3NetworkUuid", asked)
	if err != nil {
		return err
	}
	for _, uuid := range asked {
		network := planner.NetworkRoom{UUID: uuid}
		for _, a := range r.wants.Addresses {
			if a.NetworkUUID == uuid {
				network.Asked = append(network.Asked, a.IP)
			}
		}
		slices.Sort(network.Asked)
		network.Asked = slices.Compact(network.Asked)
		for _, row := range ranges {
			if row.L3NetworkUUID == uuid {
				network.Ranges = append(network.Ranges, planner.AddressRange{Start: row.StartIP, End: row.EndIP, Gateway: row.Gateway})
			}
		}
		if len(network.Ranges) > 0 {
			if network.Free, err = r.client.FreeAddresses(ctx, uuid); err != nil {
				return err
			}
		}
		r.room.Networks = append(r.room.Networks, network)
	}
	return nil
}

// ipRange is a range of addresses of an L3 network.
type ipRange struct {
	UUID          string `json:"uuid"`
	L3NetworkUUID string `json:"l3NetworkUuid"`
	StartIP       string `json:"startIp"`
	EndIP         string `json:"endIp"`
	Gateway       string `json:"gateway"`
}

// RowUUID implements [zstack.Resource].
func (r ipRange) RowUUID() string { return r.UUID }

// addresses finds out which of the addresses of the file's own choice are in
// use, and by whom.
func (r *headroomReader) addresses(ctx context.Context) error {
	ips := make(map[string][]string)
	for _, a := range r.wants.Addresses {
		ips[a.NetworkUUID] = append(ips[a.NetworkUUID], a.IP)
	}
	var used []zstack.UsedIP
	for _, network := range r.wants.Networks {
		list := slices.Compact(slices.Sorted(slices.Values(ips[network])))
		for part := range slices.Chunk(list, chunk) {
			on, _ := zstack.Where("l3NetworkUuid", "=", network)
			rows, err := zstack.List[zstack.UsedIP](ctx, r.client, "/l3-networks/ip-address", on, zstack.In("ip", part))
			if err != nil {
				return err
			}
			used = append(used, rows...)
		}
	}
	var nicUUIDs []string
	for _, row := range used {
		if row.VMNicUUID != "" {
			nicUUIDs = append(nicUUIDs, row.VMNicUUID)
		}
	}
	nics, err := listIn[zstack.NIC](ctx, r.client, "/vm-instances/nics", "uuid", nicUUIDs)
	if err != nil {
		return err
	}
	owner := make(map[string]string)
	for _, nic := range nics {
		owner[nic.UUID] = nic.VMInstanceUUID
	}
	vms, err := r.vmNames(ctx, owner)
	if err != nil {
		return err
	}
	for _, row := range used {
		vm := owner[row.VMNicUUID]
		r.room.Addresses = append(r.room.Addresses, planner.TakenAddress{NetworkUUID: row.L3NetworkUUID, IP: row.IP, VMUUID: vm, VMName: vms[vm]})
	}
	slices.SortFunc(r.room.Addresses, func(a, b planner.TakenAddress) int {
		return cmp.Or(strings.Compare(a.NetworkUUID, b.NetworkUUID), strings.Compare(a.IP, b.IP))
	})
	return nil
}

// vmNames returns the names of the VMs that own NICs.
func (r *headroomReader) vmNames(ctx context.Context, owner map[string]string) (map[string]string, error) {
	var uuids []string
	for _, vm := range owner {
		if vm != "" {
			uuids = append(uuids, vm)
		}
	}
	vms, err := listIn[zstack.VM](ctx, r.client, "/vm-instances", "uuid", uuids)
	names := make(map[string]string)
	for _, vm := range vms {
		names[vm.UUID] = vm.Name
	}
	return names, err
}

func (r *headroomReader) stores(ctx context.Context) error {
	if !r.wants.Images {
		return nil
	}
	rows, err := zstack.List[zstack.BackupStorage](ctx, r.client, "/backup-storage")
	for _, row := range rows {
		r.room.Stores = append(r.room.Stores, planner.BackupStorage{UUID: row.UUID, Name: row.Name, State: row.State, Status: row.Status,
			ZoneUUIDs: slices.Sorted(slices.Values(row.AttachedZoneUUIDs))})
	}
	return err
}

var errNoAccount = errors.New("it is not known which account this is")

// quotas reads the limits of the account; the server holds no admin to any.
func (r *headroomReader) quotas(ctx context.Context, account string) error {
	if account == "" {
		return errNoAccount
	}
	rows, err := zstack.List[zstack.Account](ctx, r.client, "/accounts", zstack.In("uuid", []string{account}))
	if err != nil || len(rows) == 1 && rows[0].Type == "SystemAdmin" {
		return err
	}
	usages, err := r.client.Usages(ctx, account)
	for _, u := range usages {
		r.room.Quotas = append(r.room.Quotas, planner.Quota{Name: u.Name, Limit: u.Total, Used: u.Used})
	}
	slices.SortFunc(r.room.Quotas, func(a, b planner.Quota) int { return strings.Compare(a.Name, b.Name) })
	return err
}

func (r *headroomReader) shapes(ctx context.Context) error {
	for _, s := range r.wants.Shapes {
		hosts, err := r.client.Candidates(ctx, zstack.VMShape{
			ImageUUID: s.ImageUUID, NetworkUUIDs: s.NetworkUUIDs, DefaultNetwork: s.DefaultNetwork, OfferingUUID: s.OfferingUUID,
			CPU: int64(s.CPU), Memory: s.Memory, RootDiskOfferingUUID: s.RootOfferingUUID, RootDiskSize: s.RootSize,
			DataDiskOfferings: s.DiskOfferings, ZoneUUID: s.ZoneUUID, ClusterUUID: s.ClusterUUID,
		})
		if err != nil {
			return err
		}
		if s.HostUUID != "" {
			hosts = slices.DeleteFunc(hosts, func(h zstack.Host) bool { return h.UUID != s.HostUUID })
		}
		r.room.Shapes = append(r.room.Shapes, planner.CandidateHosts{Shape: s, Hosts: len(hosts)})
	}
	return nil
}
