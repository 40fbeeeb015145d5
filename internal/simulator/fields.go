package simulator

import (
	"maps"
	"slices"
	"strings"
)

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
	"accesskeys":             "uuid description accountUuid userUuid AccessKeyID AccessKeySecret state createDate lastOpDate",
	"accounts/quotas":        "uuid name identityUuid identityType value createDate lastOpDate",
	"management-nodes":       "uuid hostName joinDate heartBeat",
	"global-configurations":  "uuid name category description defaultValue value",
}

// nestedInventories names the collection whose inventory a field holds.
var nestedInventories = map[string]string{
	"vmNics":     "vm-instances/nics",
	"allVolumes": "volumes",
	"vmCdRoms":   "vm-instances/cdroms",
	"usedIps":    "l3-networks/ip-address",
	"ipRanges":   "l3-networks/ip-ranges",
}

// rowClass is what can be asked about the rows of a collection.
type rowClass struct {
	collection string          // "" where there is no row to tell it by
	fields     map[string]bool // direct ones
}

// rowClassOf tells the class of rows by the inventory that they share the most
// fields with. All fields of all classes exist where there is no row.
func rowClassOf(rows []record) rowClass {
	class := rowClass{fields: make(map[string]bool)}
	for _, row := range rows {
		for key := range row {
			class.fields[key] = true
		}
	}
	var best []string
	bestShared := 0
	for _, name := range slices.Sorted(maps.Keys(inventoryFields)) {
		fields := strings.Fields(inventoryFields[name])
		if len(rows) == 0 {
			best = append(best, fields...)
			continue
		}
		shared := 0
		for _, field := range fields {
			if class.fields[field] {
				shared++
			}
		}
		// Of two classes that share as many, the smaller one fits better.
		if shared > bestShared || shared == bestShared && len(fields) < len(best) {
			class.collection, best, bestShared = name, fields, shared
		}
	}
	for _, field := range best {
		class.fields[field] = true
	}
	return class
}

// hasPath reports whether a condition may be on this path.
func (c rowClass) hasPath(path []string) bool {
	if len(path) == 1 && slices.Contains([]string{"__userTag__", "__systemTag__", "__tagUuid__"}, path[0]) {
		return true
	}
	return c.hasStep(path[0]) && hasSteps(nextCollection(c.collection, path[0]), path[1:])
}

func (c rowClass) hasStep(name string) bool {
	return c.fields[name] || c.fields["__"+name] || nextCollection(c.collection, name) != ""
}

// hasSteps follows a path into the inventory of a collection. Where that is not
// known, the rows will tell.
func hasSteps(collection string, path []string) bool {
	if collection == "" {
		return true
	}
	if len(path) == 0 {
		return false // an inventory is no value to compare with
	}
	next := nextCollection(collection, path[0])
	if next == "" && !slices.Contains(strings.Fields(inventoryFields[collection]), path[0]) {
		return false
	}
	return hasSteps(next, path[1:])
}

// nextCollection returns the collection whose inventory a name in the inventory
// of another one leads to, "" where it leads to a plain value.
func nextCollection(collection, name string) string {
	for _, e := range expansions[collection] {
		if e.name == name {
			return e.table
		}
	}
	if slices.Contains(strings.Fields(inventoryFields[collection]), name) {
		return nestedInventories[name]
	}
	return ""
}
