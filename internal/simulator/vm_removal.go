package simulator

var removalOperations = []*operation{
	{name: "DestroyVmInstance", method: "DELETE", path: "/vm-instances/{uuid}", handle: destroyVM,
		params: []param{{name: "uuid", required: true}, {name: "deleteMode"}}},
	{name: "RecoverVmInstance", method: "PUT", path: vmActions, action: "recoverVmInstance", handle: recoverVM, params: []param{vmUUID}},
	{name: "ExpungeVmInstance", method: "PUT", path: vmActions, action: "expungeVmInstance", handle: expungeVM, params: []param{vmUUID}},
	{name: "DeletePrimaryStorage", method: "DELETE", path: "/primary-storage/{uuid}", admin: true, handle: deleteStorage,
		params: []param{{name: "uuid", required: true}, {name: "deleteMode"}}},
}

// deletable checks what all deletions check of their arguments.
func (c *call) deletable() error {
	if !uuidPattern.MatchString(c.text("uuid")) {
		return fail("SYS.1003", "无效的UUID[%s]，资源不存在", c.text("uuid"))
	}
	if mode := c.text("deleteMode"); mode != "" && mode != "Permissive" && mode != "Enforcing" {
		return fail("SYS.1000", "java.lang.IllegalArgumentException: No enum constant org.zstack.header.message.APIDeleteMessage.DeletionMode.%s", mode)
	}
	return nil
}

// destroyVM leaves a VM in the recycle bin, or removes it, as the policy says.
// A VM that is not there counts as destroyed. Data disks stay in any case.
func destroyVM(c *call) (record, error) {
	if err := c.deletable(); err != nil {
		return nil, err
	}
	uuid, done := c.text("uuid"), false
	err := c.locked(func() error {
		vm := c.store.get("vm-instances", uuid)
		switch {
		case vm == nil || text(vm, "state") == "Destroyed":
			done = true
		case text(vm, "state") == "Created":
			c.erase(uuid)
			done = true
		case text(vm, "state") == "VolumeRecovering":
			return because("SYS.1004", inState(vm), "销毁云主机[uuid:%s]失败", uuid)
		default:
			vm["state"] = "Destroying"
		}
		return nil
	})
	if err != nil || done {
		return record{}, err
	}
	if err := c.work(c.options.Latency / 4); err != nil {
		return nil, err
	}
	return record{}, c.locked(func() error {
		vm := c.store.get("vm-instances", uuid)
		if vm == nil || text(vm, "state") != "Destroying" {
			return nil
		}
		if c.config("vm.deletionPolicy") == "Direct" {
			c.erase(uuid)
			return nil
		}
		c.store.leaveHost(vm)
		c.releaseNICs(uuid)
		c.freeDataVolumes(uuid)
		vm["state"] = "Destroyed"
		c.store.touch(vm)
		return nil
	})
}

// freeDataVolumes detaches what is not the root disk, or deletes it if the
// server is configured to.
func (c *call) freeDataVolumes(vm string) {
	remove := c.config("vm.dataVolume.deleteOnVmDestroy") == "true"
	for _, volume := range c.store.partsOf("volumes", vm) {
		if text(volume, "type") == "Root" {
			continue
		}
		c.detachVolume(volume)
		if remove {
			volume["status"] = "Deleted"
		}
	}
}

func recoverVM(c *call) (record, error) {
	return c.changeVM(func(vm record) error {
		if err := inState(vm, "Destroyed"); err != nil {
			return because("SYS.1006", err, "恢复云主机[uuid:%s]失败", vm["uuid"])
		}
		if !c.account.admin {
			plan := &creation{CPU: number(vm, "cpuNum"), Memory: number(vm, "memorySize")}
			if err := c.checkQuota(plan.demand()); err != nil {
				return err
			}
		}
		vm["state"] = "Stopped"
		return nil
	})
}

func expungeVM(c *call) (record, error) {
	return record{}, c.locked(func() error {
		vm, err := c.theVM()
		if err != nil {
			return err
		}
		if err := inState(vm, "Destroyed"); err != nil {
			return err
		}
		c.erase(text(vm, "uuid"))
		return nil
	})
}

// deleteStorage is here because a GET of the same path runs it on the server.
func deleteStorage(c *call) (record, error) {
	if err := c.deletable(); err != nil {
		return nil, err
	}
	return record{}, c.locked(func() error {
		for _, volume := range c.store.Tables["volumes"] {
			if text(volume, "primaryStorageUuid") == c.text("uuid") {
				return fail("SYS.1004", "主存储[uuid:%s]上还有云盘", c.text("uuid"))
			}
		}
		c.store.remove("primary-storage", c.text("uuid"))
		return nil
	})
}
