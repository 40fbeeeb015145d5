package simulator

import "strings"

// inventoryFields lists for each collection the fields that its inventory class
// has. Rows leave out fields without a value, so that the rows alone do not
// tell an unknown field from an empty one.
var inventoryFields = map[string]string{
	"zones":    "uuid name description state type isDefault createDate lastOpDate",
	"clusters": "uuid name description state hypervisorType zoneUuid type architecture userTag createDate lastOpDate",
	"hosts": "uuid name description zoneUuid clusterUuid managementIp hypervisorType architecture state status " +
		"totalCpuCapacity availableCpuCapacity cpuNum cpuSockets totalMemoryCapacity availableMemoryCapacity createDate lastOpDate",
	"primary-storage": "uuid name description zoneUuid url type state status mountPath totalCapacity availableCapacity " +
		"totalPhysicalCapacity availablePhysicalCapacity systemUsedCapacity attachedClusterUuids createDate lastOpDate",
	"backup-storage": "uuid name description url type state status totalCapacity availableCapacity attachedZoneUuids createDate lastOpDate",
	"instance-offerings": "uuid name description cpuNum cpuSpeed memorySize reservedMemorySize type allocatorStrategy sortKey state " +
		"createDate lastOpDate",
	"disk-offerings": "uuid name description diskSize state type allocatorStrategy sortKey createDate lastOpDate",
	"images": "uuid name description state status size actualSize mediaType platform guestOsType architecture format system virtio " +
		"md5Sum url exportUrl type backupStorageRefs systemTags createDate lastOpDate",
	"l2-networks": "uuid name description type zoneUuid physicalInterface vlan virtualNetworkId attachedClusterUuids createDate lastOpDate",
	"l3-networks": "uuid name description zoneUuid l2NetworkUuid state type category system ipVersion enableIPAM dnsDomain dns " +
		"ipRanges networkServices hostRoute createDate lastOpDate",
	"l3-networks/ip-ranges": "uuid name description l3NetworkUuid startIp endIp netmask gateway networkCidr ipVersion addressMode " +
		"prefixLen ipRangeType createDate lastOpDate",
	"l3-networks/ip-address": "uuid ipRangeUuid l3NetworkUuid vmNicUuid ipVersion ip netmask gateway usedFor ipInLong ipInBinary " +
		"createDate lastOpDate",
	"vm-instances": "uuid name description zoneUuid clusterUuid imageUuid hostUuid lastHostUuid instanceOfferingUuid rootVolumeUuid " +
		"platform architecture defaultL3NetworkUuid type hypervisorType memorySize reservedMemorySize cpuNum cpuSpeed " +
		"allocatorStrategy createDate lastOpDate state guestOsType vmNics allVolumes vmCdRoms",
	"vm-instances/nics": "uuid vmInstanceUuid l3NetworkUuid ip netmask gateway mac hypervisorType metaData internalName ipVersion " +
		"driverType usedIps deviceId type state createDate lastOpDate",
	"vm-instances/cdroms": "uuid vmInstanceUuid deviceId isoUuid isoInstallPath name description protocol createDate lastOpDate",
	"volumes": "uuid name description primaryStorageUuid vmInstanceUuid diskOfferingUuid rootImageUuid installPath type format size " +
		"actualSize deviceId state status isShareable volumeQos lastDetachDate lastAttachDate lastVmInstanceUuid protocol " +
		"createDate lastOpDate",
	"volume-snapshots": "uuid name description type volumeUuid treeUuid parentUuid primaryStorageUuid primaryStorageInstallPath " +
		"volumeType format latest size distance state status groupUuid createDate lastOpDate",
	"volume-snapshots/group": "uuid name description snapshotCount vmInstanceUuid volumeSnapshotRefs createDate lastOpDate",
	"volume-snapshots/trees": "uuid volumeUuid current status tree createDate lastOpDate",
	"ssh-key-pair":           "uuid name description publicKey createDate lastOpDate",
	"tags":                   "uuid name value description color type createDate lastOpDate",
	"user-tags":              "uuid resourceUuid resourceType tag type tagPatternUuid tagPattern createDate lastOpDate",
	"system-tags":            "uuid resourceUuid resourceType tag type inherent createDate lastOpDate",
	"accounts":               "uuid name description type createDate lastOpDate",
	"accounts/quotas":        "uuid name identityUuid identityType value createDate lastOpDate",
	"management-nodes":       "uuid hostName joinDate heartBeat",
	"global-configurations":  "uuid name category description defaultValue value",
}

// knownFields returns the names that a condition on these rows may start with:
// what the rows have, and what the inventory class has that they look like.
// Rows look like the class that they share the most fields with. An empty
// collection looks like all of them.
func knownFields(rows []record) map[string]bool {
	known := make(map[string]bool)
	for _, row := range rows {
		for key := range row {
			known[key] = true
			if expansion, hidden := strings.CutPrefix(key, "__"); hidden {
				known[strings.TrimSuffix(expansion, "__")] = true
			}
		}
	}
	var best []string
	bestShared, bestLength := 0, 0
	for _, list := range inventoryFields {
		fields := strings.Fields(list)
		if len(rows) == 0 {
			best = append(best, fields...)
			continue
		}
		shared := 0
		for _, field := range fields {
			if known[field] {
				shared++
			}
		}
		// Of two classes that share as many, the smaller one fits better.
		if shared > bestShared || shared == bestShared && len(fields) < bestLength {
			best, bestShared, bestLength = fields, shared, len(fields)
		}
	}
	for _, field := range best {
		known[field] = true
	}
	// Every resource may be asked for by its tags.
	for _, name := range []string{"__userTag__", "__systemTag__", "__tagUuid__"} {
		known[name] = true
	}
	return known
}
