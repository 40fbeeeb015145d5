package simulator

import (
	"slices"
	"strings"
	"time"
)

// createVM makes a VM: the row first, then its tags, then what it runs on.
func createVM(c *call) (record, error) {
	return c.create()
}

// createVMFromDisk is only installed in the commercial build.
func createVMFromDisk(c *call) (record, error) {
	if c.options.Profile == Open {
		return nil, fail("SYS.1008", "No service deals with message: {\"org.zstack.header.vm.API%sMsg\"}", c.op.name)
	}
	return c.create()
}

func (c *call) create() (record, error) {
	p := c.plan
	uuid := c.text("resourceUuid")
	if uuid == "" {
		uuid = uuid4()
	}
	if err := c.locked(func() error { return c.register(uuid) }); err != nil {
		return nil, err
	}
	if err := c.work(c.untilTags()); err != nil {
		return nil, err
	}
	if err := c.locked(func() error { return c.mark(uuid) }); err != nil {
		return nil, err
	}
	if p.Strategy == "JustCreate" {
		return c.vmAnswer(uuid)
	}
	if !p.attachLater {
		if err := c.instantiate(uuid, p, p.Strategy == "InstantStart"); err != nil {
			return nil, err
		}
		return c.vmAnswer(uuid)
	}
	// Disks that join later want a VM that is there and stopped. The answer
	// shows it as it was before they joined.
	disks := p.Disks
	p.Disks = nil
	if err := c.instantiate(uuid, p, false); err != nil {
		return nil, err
	}
	answer, err := c.vmAnswer(uuid)
	if err != nil {
		return nil, err
	}
	return answer, c.locked(func() error {
		err := c.joinDisks(uuid, disks)
		if err == nil && p.Strategy == "InstantStart" {
			err = c.powerOn(uuid, "", "")
		}
		if err != nil {
			c.erase(uuid)
			return because("SYS.1006", err, "创建云主机[uuid:%s]的云盘失败", uuid)
		}
		return nil
	})
}

// untilTags is the part of a creation's time in which the VM has a row and no tags.
func (c *call) untilTags() time.Duration { return min(c.options.Latency/4, time.Second) }

// register inserts the row of a VM in state Created.
func (c *call) register(uuid string) error {
	if c.store.exists(uuid) {
		return fail("SYS.1000", "org.springframework.dao.DataIntegrityViolationException: could not execute statement; SQL [n/a]; constraint [PRIMARY]; Duplicate entry '%s' for key 'PRIMARY'", uuid)
	}
	p, now := c.plan, formatDate(c.now())
	c.store.NextID++
	vm := record{
		"uuid": uuid, "name": c.text("name"), "type": "UserVm", "state": "Created",
		"zoneUuid": nil, "platform": p.Platform, "architecture": p.Arch, "guestOsType": p.Guest,
		"cpuNum": p.CPU, "cpuSpeed": int64(0), "memorySize": p.Memory, "reservedMemorySize": p.Reserved,
		"allocatorStrategy": "LeastVmPreferredHostAllocatorStrategy",
		"internalId":        c.store.NextID + 1000,
		"createDate":        now, "lastOpDate": now,
	}
	setText(vm, "description", c.text("description"))
	setText(vm, "imageUuid", p.Image)
	setText(vm, "instanceOfferingUuid", c.text("instanceOfferingUuid"))
	setText(vm, "zoneUuid", c.zoneOf(p))
	setText(vm, "type", c.text("type"))
	c.store.put("vm-instances", vm)
	if !c.account.admin {
		c.store.Owners[uuid] = c.account.uuid
	}
	return nil
}

// mark ties to a registered VM what belongs to it before any host knows of it.
// A failure leaves the UUID taken.
func (c *call) mark(uuid string) error {
	if c.store.get("vm-instances", uuid) == nil {
		return fail("SYS.1003", "云主机[uuid:%s]不存在", uuid)
	}
	if err := c.registerTags(uuid); err != nil {
		c.store.remove("vm-instances", uuid)
		c.store.dropTags(uuid)
		c.store.burn(uuid)
		return err
	}
	if c.plan.Strategy == "JustCreate" {
		c.store.keepPlan(uuid, c.plan)
	}
	return nil
}

// registerTags stores the tags of a new VM, and ties its SSH keys to it.
func (c *call) registerTags(uuid string) error {
	for _, tag := range c.userTags {
		c.store.addTag("user-tags", uuid, "VmInstanceVO", tag)
	}
	tags := slices.DeleteFunc(slices.Clone(c.systemTags), func(tag string) bool {
		return tag == dryTag || strings.HasPrefix(tag, "resourceConfig::") ||
			strings.HasPrefix(tag, "cdroms::") || strings.HasPrefix(tag, "createWithoutCdRom::")
	})
	for _, tag := range tags {
		if !c.knownTag(tag, vmTagFormats...) {
			return fail("SYS.1007", "资源[uuid:%s, 类型:VmInstanceVO]没有匹配系统标签[%s]的标签定义", uuid, tag)
		}
	}
	for _, from := range []string{c.text("instanceOfferingUuid"), c.plan.Image} {
		for _, tag := range c.store.Tables["system-tags"] {
			if from != "" && text(tag, "resourceUuid") == from {
				tags = append(tags, text(tag, "tag"))
			}
		}
	}
	tags = append(tags, "syncPorts::"+uuid)
	if c.plan.Arch == "aarch64" {
		tags = append(tags, "vmMachineType::virt")
	}
	for _, tag := range unique(tags) {
		c.store.addTag("system-tags", uuid, "VmInstanceVO", tag)
	}
	for _, pattern := range texts(c.params, "tagUuids") {
		c.store.attachPattern(uuid, "VmInstanceVO", pattern)
	}
	for _, key := range texts(c.params, "sshKeyPairUuids") {
		if c.store.get("ssh-key-pair", key) == nil {
			return fail("SYS.1006", "SSH密钥对[uuid:%s]不存在", key)
		}
		c.store.tieKey(key, uuid)
	}
	return nil
}

// zoneOf returns the zone that a place lies in; without a place, that of the
// first network.
func (c *call) zoneOf(p *creation) string {
	switch {
	case p.Zone != "":
		return p.Zone
	case len(p.L3s) > 0:
		return text(c.store.get("l3-networks", p.L3s[0]), "zoneUuid")
	case p.Cluster != "":
		return text(c.store.get("clusters", p.Cluster), "zoneUuid")
	default:
		return text(c.store.get("hosts", p.Host), "zoneUuid")
	}
}

// instantiate gives a registered VM host, disks and networks, and lets the
// hypervisor start it. A failure removes every trace of the VM.
func (c *call) instantiate(uuid string, p *creation, run bool) error {
	err := c.locked(func() error {
		vm := c.store.get("vm-instances", uuid)
		if vm == nil {
			return fail("SYS.1003", "云主机[uuid:%s]不存在", uuid)
		}
		if err := inState(vm, "Created"); err != nil {
			return err
		}
		vm["state"] = "Starting"
		delete(c.store.Plans, uuid)
		c.store.Still[uuid] = !run
		err := c.allocate(vm, p)
		if err != nil {
			c.dropDisks(uuid, p)
			c.erase(uuid)
			return because("SYS.1006", err, "创建云主机[uuid:%s]失败", uuid)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.work(c.options.Latency - c.untilTags()); err != nil {
		return err
	}
	return c.locked(func() error {
		vm := c.store.get("vm-instances", uuid)
		delete(c.store.Still, uuid)
		if vm == nil {
			return fail("SYS.1006", "云主机[uuid:%s]在创建过程中被删除", uuid)
		}
		if text(vm, "state") != "Starting" {
			return nil
		}
		if run {
			vm["state"] = "Running"
		} else {
			c.store.leaveHost(vm)
			vm["state"] = "Stopped"
		}
		c.store.touch(vm)
		return nil
	})
}

// dropDisks undoes the disks of a creation that failed. Volumes that were there
// before are not the VM's to lose.
func (c *call) dropDisks(uuid string, p *creation) {
	for _, volume := range c.store.partsOf("volumes", uuid) {
		id := text(volume, "uuid")
		switch {
		case id == p.Volume:
			volume["type"] = p.VolumeType
			c.detachVolume(volume)
		case slices.ContainsFunc(p.Disks, func(d disk) bool { return d.Source == id }):
			c.detachVolume(volume)
		default:
			c.removeVolume(volume)
		}
	}
}

// erase removes a VM and all that belongs to it, and gives back what it used.
func (c *call) erase(uuid string) {
	vm := c.store.get("vm-instances", uuid)
	if vm == nil {
		return
	}
	c.store.leaveHost(vm)
	c.releaseNICs(uuid)
	for _, nic := range c.store.partsOf("vm-instances/nics", uuid) {
		c.store.remove("vm-instances/nics", text(nic, "uuid"))
	}
	for _, drive := range c.store.partsOf("vm-instances/cdroms", uuid) {
		c.store.remove("vm-instances/cdroms", text(drive, "uuid"))
	}
	for _, volume := range c.store.partsOf("volumes", uuid) {
		if text(volume, "type") == "Root" {
			c.removeVolume(volume)
		} else {
			c.detachVolume(volume)
		}
	}
	c.store.remove("vm-instances", uuid)
	c.store.dropTags(uuid)
	c.store.untieKeys(uuid)
	delete(c.store.Plans, uuid)
	delete(c.store.Still, uuid)
	delete(c.store.Owners, uuid)
}

// vmAnswer returns the answer of a call that ends with a VM.
func (c *call) vmAnswer(uuid string) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	vm := c.store.vm(uuid)
	if vm == nil {
		return nil, fail("SYS.1003", "云主机[uuid:%s]不存在", uuid)
	}
	return record{"inventory": vm}, nil
}

// setText sets a member unless the value is empty.
func setText(row record, key, value string) {
	if value != "" {
		row[key] = value
	}
}
