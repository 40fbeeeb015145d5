package simulator

import (
	"cmp"
	"fmt"
)

func (b *dcBuilder) volumes(volumes []dcVolume) {
	for _, volume := range volumes {
		storage := b.find("primary-storage", volume.PrimaryStorage, volume.Name, "primaryStorage")
		fields := record{
			"type":        cmp.Or(volume.Type, "Data"),
			"state":       cmp.Or(volume.State, "Enabled"),
			"status":      cmp.Or(volume.Status, "Ready"),
			"isShareable": volume.Shareable,
		}
		size := int64(volume.Size)
		if volume.DiskOffering.text != "" {
			offering := b.find("disk-offerings", volume.DiskOffering, volume.Name, "diskOffering")
			fields["diskOfferingUuid"] = offering["uuid"]
			size = number(offering, "diskSize")
		}
		if size <= 0 {
			b.fail(volume.Name.line, "%q needs size or diskOffering", volume.Name.text)
		}
		fields["size"], fields["actualSize"] = size, int64(cmp.Or(volume.ActualSize, dcSize(size/10)))
		if volume.VM.text != "" {
			vm := b.find("vm-instances", volume.VM, volume.Name, "vm")
			fields["vmInstanceUuid"] = vm["uuid"]
			fields["lastAttachDate"] = dcCreated
			fields["deviceId"] = b.attached(vm)
		}
		b.volume(volume.DatacenterEntry, storage, fields)
	}
}

// attached counts the volumes of a VM, which is the next free device.
func (b *dcBuilder) attached(vm record) int64 {
	var n int64
	for _, volume := range b.dc.tables["volumes"] {
		if vm["uuid"] != nil && volume["vmInstanceUuid"] == vm["uuid"] {
			n++
		}
	}
	return n
}

// volume adds a volume and takes its size off its primary storage.
func (b *dcBuilder) volume(entry DatacenterEntry, storage, fields record) record {
	row := record{
		"primaryStorageUuid": storage["uuid"],
		"format":             volumeFormat(text(storage, "type")),
		"state":              "Enabled", "status": "Ready", "isShareable": false,
	}
	for key, value := range fields {
		row[key] = value
	}
	row = b.add("volumes", entry, row)
	row["installPath"] = fmt.Sprintf("%s/%s", text(storage, "url"), text(row, "uuid"))
	if storage["uuid"] != nil {
		for _, key := range []string{"availableCapacity", "availablePhysicalCapacity"} {
			storage[key] = number(storage, key) - number(row, "size")
		}
	}
	dropNulls(row)
	return row
}

// volumeFormat is the format of the volumes on a kind of primary storage.
func volumeFormat(storageType string) string {
	if storageType == "Ceph" {
		return "raw"
	}
	return "qcow2"
}

// nestVolumes copies every attached volume into its VM, the root volume first.
func (b *dcBuilder) nestVolumes() {
	for _, uuid := range b.dc.order["volumes"] {
		volume := b.dc.tables["volumes"][uuid]
		vm := b.dc.tables["vm-instances"][text(volume, "vmInstanceUuid")]
		if vm == nil {
			continue
		}
		all, _ := vm["allVolumes"].([]any)
		vm["allVolumes"] = append(all, clone(volume))
	}
}

// snapshots adds groups, snapshots and one tree for each volume that has any.
// The snapshots of a volume stand in the file from the oldest to the newest.
func (b *dcBuilder) snapshots(file *dcFile) {
	for _, group := range file.SnapshotGroups {
		vm := b.find("vm-instances", group.VM, group.Name, "vm")
		b.add("volume-snapshots/group", group.DatacenterEntry, record{
			"vmInstanceUuid": vm["uuid"], "snapshotCount": int64(0), "volumeSnapshotRefs": []any{},
		})
	}
	last := make(map[string]record) // by volume
	for _, entry := range file.Snapshots {
		volume := b.find("volumes", entry.Volume, entry.Name, "volume")
		last[text(volume, "uuid")] = b.snapshot(entry, volume, last[text(volume, "uuid")])
	}
}

func (b *dcBuilder) snapshot(entry dcSnapshot, volume, parent record) record {
	tree := derivedUUID("tree", text(volume, "uuid"))
	fields := record{
		"type":               "Storage",
		"volumeUuid":         volume["uuid"],
		"treeUuid":           tree,
		"primaryStorageUuid": volume["primaryStorageUuid"],
		"volumeType":         volume["type"],
		"format":             volume["format"],
		"latest":             true,
		"size":               int64(cmp.Or(entry.Size, dcSize(number(volume, "actualSize")))),
		"distance":           int64(1),
		"state":              cmp.Or(entry.State, "Enabled"),
		"status":             cmp.Or(entry.Status, "Ready"),
	}
	if parent != nil {
		parent["latest"] = false
		fields["parentUuid"] = parent["uuid"]
		fields["distance"] = number(parent, "distance") + 1
	} else if volume["uuid"] != nil {
		b.put("volume-snapshots/trees", tree, record{
			"volumeUuid": volume["uuid"], "current": true, "status": "Completed",
		})
	}
	row := b.add("volume-snapshots", entry.DatacenterEntry, fields)
	row["primaryStorageInstallPath"] = fmt.Sprintf("%s@%s", text(volume, "installPath"), text(row, "uuid"))
	if entry.Group.text != "" {
		b.groupSnapshot(entry, volume, row)
	}
	dropNulls(row)
	return row
}

func (b *dcBuilder) groupSnapshot(entry dcSnapshot, volume, row record) {
	group := b.find("volume-snapshots/group", entry.Group, entry.Name, "group")
	if group["uuid"] == nil {
		return
	}
	row["groupUuid"] = group["uuid"]
	refs, _ := group["volumeSnapshotRefs"].([]any)
	group["volumeSnapshotRefs"] = append(refs, record{
		"volumeSnapshotGroupUuid":   group["uuid"],
		"volumeSnapshotUuid":        row["uuid"],
		"volumeSnapshotName":        row["name"],
		"volumeSnapshotInstallPath": row["primaryStorageInstallPath"],
		"volumeUuid":                volume["uuid"],
		"volumeName":                volume["name"],
		"volumeType":                volume["type"],
		"deviceId":                  number(volume, "deviceId"),
		"snapshotDeleted":           false,
		"createDate":                dcCreated,
		"lastOpDate":                dcCreated,
	})
	group["snapshotCount"] = number(group, "snapshotCount") + 1
}
