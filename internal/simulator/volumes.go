package simulator

import "time"

var volumeUUID = param{name: "uuid", required: true, refers: "volumes"}

var volumeOperations = []*operation{
	{name: "CreateDataVolume", method: "POST", path: "/volumes/data", action: "params", timeout: 3 * time.Hour, handle: createVolume,
		checks: checkVolume, quota: quotaOfVolume, params: []param{
			{name: "name", required: true, max: 255}, {name: "description", max: 2048},
			{name: "diskOfferingUuid", refers: "disk-offerings"}, {name: "diskSize", kind: kindInt},
			{name: "primaryStorageUuid", refers: "primary-storage"}, {name: "resourceUuid"},
			{name: "tagUuids", kind: kindTexts, refers: "tags"},
		}},
	{name: "DeleteDataVolume", method: "DELETE", path: "/volumes/{uuid}", handle: deleteVolume,
		params: []param{{name: "uuid", required: true}, {name: "deleteMode"}}},
	{name: "UpdateVolume", method: "PUT", path: "/volumes/{uuid}/actions", action: "updateVolume", handle: updateVolume,
		params: []param{volumeUUID, {name: "name", max: 255}, {name: "description", max: 2048}}},
	{name: "ChangeVolumeState", method: "PUT", path: "/volumes/{uuid}/actions", action: "changeVolumeState", handle: changeVolumeState,
		params: []param{volumeUUID, {name: "stateEvent", required: true, choices: []string{"enable", "disable"}}}},
	{name: "RecoverDataVolume", method: "PUT", path: "/volumes/{uuid}/actions", action: "recoverDataVolume", handle: recoverVolume,
		params: []param{volumeUUID}},
	{name: "ExpungeDataVolume", method: "PUT", path: "/volumes/{uuid}/actions", action: "expungeDataVolume", handle: expungeVolume,
		params: []param{{name: "uuid", required: true}}},
	{name: "AttachDataVolumeToVm", method: "POST", path: "/volumes/{volumeUuid}/vm-instances/{vmInstanceUuid}", action: "params", handle: attachToVM,
		params: []param{{name: "volumeUuid", required: true, refers: "volumes"}, {name: "vmInstanceUuid", required: true, refers: "vm-instances"}}},
	{name: "DetachDataVolumeFromVm", method: "DELETE", path: "/volumes/{uuid}/vm-instances", handle: detachFromVM,
		params: []param{volumeUUID, {name: "vmUuid", refers: "vm-instances"}, {name: "deleteMode"}}},
}

func checkVolume(c *call) error {
	offering := c.store.get("disk-offerings", c.text("diskOfferingUuid"))
	switch {
	case offering == nil && number(c.params, "diskSize") <= 0:
		return fail("SYS.1007", "diskOfferingUuid和diskSize必须指定一个，且diskSize大于0")
	case offering != nil && c.params["diskSize"] != nil:
		return fail("SYS.1007", "diskOfferingUuid和diskSize只能指定一个")
	case text(offering, "state") == "Disabled":
		return fail("SYS.1006", "云盘规格[uuid:%s]已停用", c.text("diskOfferingUuid"))
	}
	return nil
}

func (c *call) volumeSize() int64 {
	if offering := c.store.get("disk-offerings", c.text("diskOfferingUuid")); offering != nil {
		return number(offering, "diskSize")
	}
	return number(c.params, "diskSize")
}

func quotaOfVolume(c *call) error {
	return c.checkQuota(demand{"volume.data.num": 1, "volume.capacity": c.volumeSize()})
}

// createVolume makes a data disk on the storage that the call names. Without
// one, the disk takes no space until it is attached.
func createVolume(c *call) (record, error) {
	uuid := c.text("resourceUuid")
	if uuid == "" {
		uuid = uuid4()
	}
	err := c.locked(func() error {
		if c.store.exists(uuid) {
			return fail("SYS.1000", "could not execute statement: Duplicate entry '%s' for key 'PRIMARY'", uuid)
		}
		volume := c.bareVolume(uuid, c.text("name"), "Data", c.volumeSize())
		setText(volume, "description", c.text("description"))
		setText(volume, "diskOfferingUuid", c.text("diskOfferingUuid"))
		if wanted := c.text("primaryStorageUuid"); wanted != "" {
			if err := c.settleVolume(volume, c.store.get("primary-storage", wanted)); err != nil {
				c.removeVolume(volume)
				return err
			}
			volume["status"] = "Creating"
		}
		for _, tag := range c.userTags {
			c.store.addTag("user-tags", uuid, "VolumeVO", tag)
		}
		c.tagVolume(volume, c.systemTags)
		for _, pattern := range texts(c.params, "tagUuids") {
			c.store.attachPattern(uuid, "VolumeVO", pattern)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := c.work(c.options.Latency / 4); err != nil {
		return nil, err
	}
	return c.changeVolume(uuid, func(volume record) error {
		if text(volume, "status") == "Creating" {
			volume["status"] = "Ready"
		}
		return nil
	})
}

// settleVolume puts a volume on a storage that has room for it.
func (c *call) settleVolume(volume, storage record) error {
	if text(storage, "state") != "Enabled" || text(storage, "status") != "Connected" ||
		number(storage, "availableCapacity") < number(volume, "size") {
		return fail("PS.1000", "没有可用的主存储: 指定的主存储[uuid:%s], 需要容量[%d bytes]", text(storage, "uuid"), number(volume, "size"))
	}
	takeSpace(storage, number(volume, "size"))
	volume["primaryStorageUuid"], volume["format"] = storage["uuid"], volumeFormat(text(storage, "type"))
	volume["installPath"] = text(storage, "url") + "/" + text(volume, "uuid")
	volume["status"] = "Ready"
	return nil
}

// changeVolume runs f on the row of a volume and answers with the volume.
func (c *call) changeVolume(uuid string, f func(volume record) error) (record, error) {
	var shown record
	err := c.locked(func() error {
		volume := c.store.get("volumes", uuid)
		if volume == nil {
			return fail("SYS.1003", "云盘[uuid:%s]不存在", uuid)
		}
		if err := f(volume); err != nil {
			return err
		}
		c.store.touch(volume)
		shown = clone(volume)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return record{"inventory": shown}, nil
}

// deleteVolume leaves a data disk in the recycle bin, detached. A volume that
// is not there counts as deleted.
func deleteVolume(c *call) (record, error) {
	if err := c.deletable(); err != nil {
		return nil, err
	}
	if err := c.work(c.options.Latency / 4); err != nil {
		return nil, err
	}
	return record{}, c.locked(func() error {
		volume := c.store.get("volumes", c.text("uuid"))
		switch {
		case volume == nil || text(volume, "status") == "Deleted":
			return nil
		case text(volume, "type") == "Root":
			return fail("SYS.1006", "根云盘[uuid:%s]不能删除", c.text("uuid"))
		case text(volume, "status") == "NotInstantiated":
			c.removeVolume(volume)
			return nil
		case text(volume, "vmInstanceUuid") != "":
			c.detachVolume(volume)
		}
		volume["status"] = "Deleted"
		c.store.touch(volume)
		return nil
	})
}

func updateVolume(c *call) (record, error) {
	return c.changeVolume(c.text("uuid"), func(volume record) error {
		for _, name := range []string{"name", "description"} {
			if value := c.params[name]; value != nil {
				volume[name] = value
			}
		}
		return nil
	})
}

func changeVolumeState(c *call) (record, error) {
	return c.changeVolume(c.text("uuid"), func(volume record) error {
		volume["state"] = map[string]string{"enable": "Enabled", "disable": "Disabled"}[c.text("stateEvent")]
		return nil
	})
}

func recoverVolume(c *call) (record, error) {
	return c.changeVolume(c.text("uuid"), func(volume record) error {
		if text(volume, "status") != "Deleted" {
			return fail("SYS.1006", "云盘[uuid:%s]的状态[%s]不是Deleted", volume["uuid"], volume["status"])
		}
		volume["status"] = "Ready"
		return nil
	})
}

func expungeVolume(c *call) (record, error) {
	if err := c.deletable(); err != nil {
		return nil, err
	}
	return record{}, c.locked(func() error {
		volume := c.store.get("volumes", c.text("uuid"))
		if volume == nil {
			return nil
		}
		if text(volume, "status") != "Deleted" {
			return fail("SYS.1006", "云盘[uuid:%s]的状态[%s]不是Deleted", volume["uuid"], volume["status"])
		}
		c.removeVolume(volume)
		return nil
	})
}

func attachToVM(c *call) (record, error) {
	if err := c.work(c.options.Latency / 4); err != nil {
		return nil, err
	}
	return c.changeVolume(c.text("volumeUuid"), func(volume record) error {
		vm := c.store.get("vm-instances", c.text("vmInstanceUuid"))
		if vm == nil {
			return fail("SYS.1003", "云主机[uuid:%s]不存在", c.text("vmInstanceUuid"))
		}
		if err := inState(vm, "Running", "Stopped", "Paused"); err != nil {
			return because("SYS.1006", err, "加载云盘[uuid:%s]失败", volume["uuid"])
		}
		switch {
		case text(volume, "type") != "Data" || text(volume, "state") != "Enabled":
			return fail("SYS.1006", "云盘[uuid:%s]不是启用的数据云盘", volume["uuid"])
		case text(volume, "vmInstanceUuid") != "":
			return fail("SYS.1006", "云盘[uuid:%s]已加载到云主机[uuid:%s]", volume["uuid"], volume["vmInstanceUuid"])
		case text(volume, "status") != "Ready" && text(volume, "status") != "NotInstantiated":
			return fail("SYS.1006", "云盘[uuid:%s]的状态[%s]不允许加载", volume["uuid"], volume["status"])
		}
		storage, err := c.findStorage(text(volume, "primaryStorageUuid"), text(vm, "clusterUuid"), 0)
		if err == nil && text(volume, "status") == "NotInstantiated" {
			err = c.settleVolume(volume, storage)
		}
		if err != nil {
			return because("SYS.1006", because("VM.1005", err, "云主机[uuid:%s]所在集群无法使用云盘的主存储", vm["uuid"]), "加载云盘[uuid:%s]失败", volume["uuid"])
		}
		volume["deviceId"] = c.store.freeDevice(text(vm, "uuid"))
		c.attachVolume(volume, vm)
		return nil
	})
}

func detachFromVM(c *call) (record, error) {
	if err := c.work(c.options.Latency / 4); err != nil {
		return nil, err
	}
	return c.changeVolume(c.text("uuid"), func(volume record) error {
		vm := c.store.get("vm-instances", text(volume, "vmInstanceUuid"))
		switch {
		case vm == nil:
			return fail("SYS.1006", "云盘[uuid:%s]没有加载到云主机", volume["uuid"])
		case text(volume, "type") == "Root":
			return fail("SYS.1006", "根云盘[uuid:%s]不能卸载", volume["uuid"])
		case c.text("vmUuid") != "" && c.text("vmUuid") != text(vm, "uuid"):
			return fail("SYS.1006", "云盘[uuid:%s]没有加载到云主机[uuid:%s]", volume["uuid"], c.text("vmUuid"))
		}
		if err := inState(vm, "Running", "Stopped", "Paused"); err != nil {
			return because("SYS.1006", err, "卸载云盘[uuid:%s]失败", volume["uuid"])
		}
		c.detachVolume(volume)
		return nil
	})
}
