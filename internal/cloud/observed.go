package cloud

import (
	"cmp"
	"maps"
	"slices"

	"zfleet/internal/zstack"
	"zfleet/planner"
)

// statusDeleted is the status of images, volumes and snapshots in the recycle bin.
const statusDeleted = "Deleted"

// observed returns the machines that were read, sorted by UUID.
func (r *reader) observed() []planner.Observed {
	machines := make([]planner.Observed, 0, len(r.vms))
	for _, uuid := range slices.Sorted(maps.Keys(r.vms)) {
		machine := observe(r.vms[uuid])
		machine.UserTags = plannerTags(r.userTags[uuid])
		machine.SystemTags = plannerTags(r.sysTags[uuid])
		machines = append(machines, machine)
	}
	return machines
}

func observe(vm zstack.VM) planner.Observed {
	machine := planner.Observed{
		UUID: vm.UUID, Name: vm.Name, Description: vm.Description, State: vm.State,
		CreateDate: vm.CreateDate, ZoneUUID: vm.ZoneUUID, ClusterUUID: vm.ClusterUUID, HostUUID: vm.HostUUID,
		ImageUUID: vm.ImageUUID, OfferingUUID: vm.InstanceOfferingUUID,
		DefaultNetwork: vm.DefaultL3NetworkUUID, Platform: vm.Platform, Architecture: vm.Architecture,
		GuestOSType: vm.GuestOSType, CPU: vm.CPUNum, Memory: vm.MemorySize, Reserved: vm.ReservedMemorySize,
	}
	for _, nic := range sortedNICs(vm.NICs) {
		machine.NICs = append(machine.NICs, planner.NIC{NetworkUUID: nic.L3NetworkUUID, IPs: addresses(nic)})
	}
	for _, volume := range sortedVolumes(vm.Volumes) {
		machine.Volumes = append(machine.Volumes, plannerDisk(volume))
	}
	return machine
}

// taggedDisks returns the fleet's disks that are not in the recycle bin, sorted
// by UUID.
func (r *reader) taggedDisks() []planner.Disk {
	disks := make([]planner.Disk, 0, len(r.disks))
	for _, uuid := range slices.Sorted(maps.Keys(r.disks)) {
		if volume := r.disks[uuid]; volume.Status != statusDeleted {
			disk := plannerDisk(volume)
			disk.Tags = plannerTags(r.diskTags[uuid])
			disks = append(disks, disk)
		}
	}
	return disks
}

func plannerDisk(v zstack.Volume) planner.Disk {
	return planner.Disk{
		UUID: v.UUID, Name: v.Name, Type: v.Type, Size: v.Size, Status: v.Status, VMUUID: v.VMInstanceUUID,
	}
}

// plannerTags sorts tags by text, since the server has no order.
func plannerTags(rows []zstack.Tag) []planner.Tag {
	var tags []planner.Tag
	for _, row := range rows {
		tags = append(tags, planner.Tag{UUID: row.UUID, Text: row.Tag, PatternUUID: row.TagPatternUUID})
	}
	slices.SortFunc(tags, func(a, b planner.Tag) int {
		return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.UUID, b.UUID))
	})
	return tags
}

// sortedVolumes returns volumes with the root first, then by device number.
func sortedVolumes(volumes []zstack.Volume) []zstack.Volume {
	rank := func(v zstack.Volume) int {
		if v.Type == "Root" {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(volumes), func(a, b zstack.Volume) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.UUID, b.UUID))
	})
}
