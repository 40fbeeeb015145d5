package simulator

import (
	"cmp"
	"slices"
)

// makeRoot makes the root disk, of an image, a volume or a snapshot.
func (c *call) makeRoot(vm record, p *creation, storage record) error {
	if p.Volume != "" {
		volume := c.store.get("volumes", p.Volume)
		volume["type"], volume["deviceId"] = "Root", int64(0)
		c.attachVolume(volume, vm)
		vm["rootVolumeUuid"] = p.Volume
		return nil
	}
	root := c.newVolume("ROOT-for-"+text(vm, "name"), "Root", p.RootSize, storage)
	root["deviceId"], root["description"] = int64(0), "Root volume for VM[uuid:"+text(vm, "uuid")+"]"
	setText(root, "rootImageUuid", p.Image)
	setText(root, "diskOfferingUuid", p.RootOffering)
	c.attachVolume(root, vm)
	vm["rootVolumeUuid"] = root["uuid"]
	c.tagVolume(root, p.RootTags)
	return nil
}

// makeDisk makes a data disk, or takes an existing volume, and attaches it.
func (c *call) makeDisk(vm record, d disk, device int64) error {
	volume := c.store.get("volumes", d.Source)
	if d.Source == "" {
		if d.Offering != "" {
			d.Size = number(c.store.get("disk-offerings", d.Offering), "diskSize")
		}
		if d.Template != "" {
			d.Size = number(c.store.get("images", d.Template), "size")
		}
		if d.Size <= 0 {
			return fail("SYS.1003", "云盘规格或镜像[%s]不存在", d.Offering+d.Template)
		}
		storage, err := c.findStorage(d.Store, text(vm, "clusterUuid"), d.Size)
		if err != nil {
			return err
		}
		volume = c.newVolume(cmp.Or(d.Name, "DATA-for-"+text(vm, "name")), "Data", d.Size, storage)
		volume["description"] = "Data volume for VM[uuid:" + text(vm, "uuid") + "]"
		setText(volume, "diskOfferingUuid", d.Offering)
		c.tagVolume(volume, d.Tags)
	}
	if volume == nil || text(volume, "vmInstanceUuid") != "" {
		return fail("VM.1005", "云盘[uuid:%s]不存在或者已加载", d.Source)
	}
	volume["deviceId"] = device
	c.attachVolume(volume, vm)
	return nil
}

// joinDisks attaches the entries of diskAOs to a VM that is there.
func (c *call) joinDisks(uuid string, disks []disk) error {
	vm := c.store.get("vm-instances", uuid)
	for _, d := range disks {
		if err := c.makeDisk(vm, d, c.store.freeDevice(uuid)); err != nil {
			return err
		}
	}
	return nil
}

// newVolume enters a volume that uses size bytes of a storage.
func (c *call) newVolume(name, kind string, size int64, storage record) record {
	volume := c.bareVolume(uuid4(), name, kind, size)
	volume["primaryStorageUuid"], volume["format"] = storage["uuid"], volumeFormat(text(storage, "type"))
	volume["installPath"] = text(storage, "url") + "/" + text(volume, "uuid")
	volume["status"] = "Ready"
	takeSpace(storage, size)
	return volume
}

// bareVolume enters a volume that is on no storage yet.
func (c *call) bareVolume(uuid, name, kind string, size int64) record {
	now := formatDate(c.now())
	volume := record{
		"uuid": uuid, "name": name, "type": kind, "size": size, "actualSize": int64(0),
		"state": "Enabled", "status": "NotInstantiated", "isShareable": false,
		"createDate": now, "lastOpDate": now,
	}
	c.store.put("volumes", volume)
	if !c.account.admin {
		c.store.Owners[uuid] = c.account.uuid
	}
	return volume
}

func takeSpace(storage record, size int64) {
	for _, key := range []string{"availableCapacity", "availablePhysicalCapacity"} {
		storage[key] = number(storage, key) - size
	}
}

// tagVolume stores the system tags of a volume.
func (c *call) tagVolume(volume record, tags []string) {
	for _, tag := range unique(tags) {
		c.store.addTag("system-tags", text(volume, "uuid"), "VolumeVO", tag)
	}
}

func (c *call) attachVolume(volume, vm record) {
	volume["vmInstanceUuid"], volume["lastAttachDate"] = vm["uuid"], formatDate(c.now())
	c.store.touch(volume)
}

// detachVolume takes a volume off its VM. The volume stays.
func (c *call) detachVolume(volume record) {
	volume["lastVmInstanceUuid"], volume["lastDetachDate"] = volume["vmInstanceUuid"], formatDate(c.now())
	delete(volume, "vmInstanceUuid")
	delete(volume, "deviceId")
	c.store.touch(volume)
}

// removeVolume deletes a volume for good.
func (c *call) removeVolume(volume record) {
	uuid := text(volume, "uuid")
	if storage := c.store.get("primary-storage", text(volume, "primaryStorageUuid")); storage != nil {
		takeSpace(storage, -number(volume, "size"))
	}
	c.store.remove("volumes", uuid)
	c.store.dropTags(uuid)
	delete(c.store.Owners, uuid)
}

// freeDevice returns the lowest device number that no volume of the VM has.
func (s *store) freeDevice(vm string) int64 {
	var taken []int64
	for _, volume := range s.partsOf("volumes", vm) {
		taken = append(taken, number(volume, "deviceId"))
	}
	for device := int64(1); ; device++ {
		if !slices.Contains(taken, device) {
			return device
		}
	}
}
