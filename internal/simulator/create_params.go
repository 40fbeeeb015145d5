package simulator

import (
	"slices"
	"time"
)

var (
	vmTypes       = []string{"UserVm", "ApplianceVm"}
	platforms     = []string{"Linux", "Windows", "Other", "Paravirtualization", "WindowsVirtio"}
	architectures = []string{"x86_64", "aarch64", "mips64el", "loongarch64"}
)

// maxInt is the greatest number that a long holds.
const maxInt = 1<<63 - 1

// createParams are the parameters that all creations of VMs share.
var createParams = []param{
	{name: "name", required: true, max: 255},
	{name: "description", max: 2048},
	{name: "instanceOfferingUuid", refers: "instance-offerings"},
	{name: "cpuNum", kind: kindInt},
	{name: "memorySize", kind: kindInt},
	{name: "reservedMemorySize", kind: kindInt, high: maxInt},
	{name: "l3NetworkUuids", kind: kindTexts, refers: "l3-networks"},
	{name: "vmNicParams"},
	{name: "type", choices: vmTypes},
	{name: "zoneUuid", refers: "zones"},
	{name: "clusterUuid", refers: "clusters"},
	{name: "hostUuid", refers: "hosts"},
	{name: "defaultL3NetworkUuid", refers: "l3-networks"},
	{name: "platform", choices: platforms},
	{name: "resourceUuid"},
	{name: "tagUuids", kind: kindTexts, refers: "tags"},
}

var diskMembers = []param{
	{name: "boot", kind: kindBool}, {name: "platform"}, {name: "guestOsType"}, {name: "architecture"},
	{name: "systemTags", kind: kindTexts}, {name: "primaryStorageUuid"}, {name: "size", kind: kindInt},
	{name: "templateUuid"}, {name: "diskOfferingUuid"}, {name: "sourceUuid"}, {name: "sourceType"}, {name: "name"},
}

// nicMembers are those of an entry of vmNicParams.
var nicMembers = []string{
	"l3NetworkUuid", "mac", "ip", "netmask", "gateway", "ip6", "prefix6", "gateway6", "driverType", "VmNicType",
	"state", "outboundBandwidth", "inboundBandwidth", "multiQueueNum", "isDefaultNic", "sgUuids", "metaData",
}

var createOperations = []*operation{
	{
		name: "CreateVmInstance", method: "POST", path: "/vm-instances", action: "params", timeout: 12 * time.Hour,
		params: slices.Concat(createParams, []param{
			{name: "imageUuid", refers: "images"},
			{name: "rootDiskOfferingUuid", refers: "disk-offerings"},
			{name: "rootDiskSize", kind: kindInt},
			{name: "dataDiskSizes", kind: kindInts},
			{name: "dataDiskOfferingUuids", kind: kindTexts, refers: "disk-offerings"},
			{name: "primaryStorageUuidForRootVolume", refers: "primary-storage"},
			{name: "strategy", choices: []string{"InstantStart", "JustCreate", "CreateStopped"}},
			{name: "rootVolumeSystemTags", kind: kindTexts},
			{name: "dataVolumeSystemTags", kind: kindTexts},
			{name: "dataVolumeSystemTagsOnIndex", kind: kindMap},
			{name: "sshKeyPairUuids", kind: kindTexts},
			// Documented, but no field of the server's message: without effect.
			{name: "dataVolumeTemplateUuids", kind: kindTexts},
			{name: "diskAOs", kind: kindObjects, members: diskMembers},
			{name: "guestOsType", max: 255},
			{name: "architecture", max: 32, choices: architectures},
			{name: "virtio", kind: kindBool},
		}),
		checks: checkCreate, quota: quotaOfCreate, handle: createVM,
	},
	{
		name: "CreateVmInstanceFromVolume", method: "POST", path: "/vm-instances/from/volume", action: "params", timeout: 72 * time.Hour,
		params: slices.Concat(createParams, []param{
			{name: "volumeUuid", required: true, refers: "volumes"},
			{name: "primaryStorageUuid", refers: "primary-storage"},
			{name: "strategy", choices: []string{"InstantStart", "CreateStopped"}},
		}),
		checks: checkCreateFromVolume, quota: quotaOfCreate, handle: createVMFromDisk,
	},
	{
		name: "CreateVmInstanceFromVolumeSnapshot", method: "POST", action: "params", timeout: 72 * time.Hour,
		path: "/vm-instances/from/volume-snapshots/{volumeSnapshotUuid}",
		params: slices.Concat(createParams, []param{
			{name: "volumeSnapshotUuid", required: true, refers: "volume-snapshots"},
			{name: "primaryStorageUuid", refers: "primary-storage"},
			{name: "strategy", choices: []string{"InstantStart", "CreateStopped"}},
			{name: "rootVolumeSystemTags", kind: kindTexts},
		}),
		checks: checkCreateFromSnapshot, quota: quotaOfCreate, handle: createVMFromDisk,
	},
}
