package simulator

import (
	"cmp"
	"slices"
	"strings"
)

const vmActions = "/vm-instances/{uuid}/actions"

// vmUUID declares the VM that an action is about.
var vmUUID = param{name: "uuid", required: true, refers: "vm-instances"}

var vmOperations = []*operation{
	{name: "UpdateVmInstance", method: "PUT", path: vmActions, action: "updateVmInstance", handle: updateVM, params: []param{
		vmUUID, {name: "name", max: 255}, {name: "description", max: 2048},
		{name: "state", choices: []string{"Stopped", "Running"}},
		{name: "defaultL3NetworkUuid", refers: "l3-networks"},
		{name: "platform", choices: platforms}, {name: "guestOsType", max: 255},
		{name: "cpuNum", kind: kindInt, low: 1, high: 1024}, {name: "memorySize", kind: kindInt, low: 1, high: maxInt},
		{name: "reservedMemorySize", kind: kindInt, high: maxInt},
	}},
	{name: "ChangeInstanceOffering", method: "PUT", path: vmActions, action: "changeInstanceOffering", handle: changeOffering,
		params: []param{vmUUID, {name: "instanceOfferingUuid", required: true, refers: "instance-offerings"}}},
	{name: "StartVmInstance", method: "PUT", path: vmActions, action: "startVmInstance", handle: startVM,
		params: []param{vmUUID, {name: "clusterUuid", refers: "clusters"}, {name: "hostUuid", refers: "hosts"}}},
	{name: "StopVmInstance", method: "PUT", path: vmActions, action: "stopVmInstance", handle: stopVM,
		params: []param{vmUUID, {name: "type", choices: []string{"grace", "cold"}}, {name: "stopHA", choices: []string{"true", "false"}}}},
	{name: "RebootVmInstance", method: "PUT", path: vmActions, action: "rebootVmInstance", handle: rebootVM, params: []param{vmUUID}},
}

// inState refuses an action unless the VM is in one of the states.
func inState(vm record, states ...string) error {
	if slices.Contains(states, text(vm, "state")) {
		return nil
	}
	return fail("VM.1010", "云主机[uuid:%s]的当前状态[%s]不允许此操作，允许的状态为%v", vm["uuid"], vm["state"], states)
}

// theVM returns the row of the VM that the call is about. The caller holds mu.
func (c *call) theVM() (record, error) {
	vm := c.store.get("vm-instances", c.text("uuid"))
	if vm == nil {
		return nil, fail("SYS.1003", "云主机[uuid:%s]不存在", c.text("uuid"))
	}
	return vm, nil
}

// changeVM runs f on the VM's row and answers with the VM.
func (c *call) changeVM(f func(vm record) error) (record, error) {
	err := c.locked(func() error {
		vm, err := c.theVM()
		if err == nil {
			err = f(vm)
		}
		if err == nil {
			c.store.touch(vm)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.vmAnswer(c.text("uuid"))
}

// updateVM writes the columns first; what the host has to do comes after, and
// its failure takes nothing back.
func updateVM(c *call) (record, error) {
	return c.changeVM(func(vm record) error {
		sized := c.params["cpuNum"] != nil || c.params["memorySize"] != nil
		if sized {
			if err := inState(vm, "Running", "Stopped"); err != nil {
				return because("SYS.1006", err, "云主机[uuid:%s]的状态不允许修改CPU或内存", vm["uuid"])
			}
		}
		for _, name := range []string{"name", "description", "state", "defaultL3NetworkUuid", "platform", "guestOsType"} {
			if value := c.params[name]; value != nil {
				vm[name] = value
			}
		}
		if reserved, ok := c.params["reservedMemorySize"].(int64); ok {
			if reserved > cmp.Or(number(c.params, "memorySize"), number(vm, "memorySize")) {
				return fail("SYS.1006", "reservedMemorySize不能大于memorySize")
			}
			vm["reservedMemorySize"] = reserved
		}
		if text(vm, "lastHostUuid") == "" {
			return fail("SYS.1006", "云主机[uuid:%s]没有物理机", vm["uuid"])
		}
		if !sized {
			return nil
		}
		cpu := cmp.Or(number(c.params, "cpuNum"), number(vm, "cpuNum"))
		return c.resize(vm, cpu, cmp.Or(number(c.params, "memorySize"), number(vm, "memorySize")))
	})
}

// hotStep is what memory grows by while a VM runs.
const hotStep = 128 << 20

// resize changes CPU and memory. A running VM can only grow, and only with NUMA
// switched on.
func (c *call) resize(vm record, cpu, memory int64) error {
	if text(vm, "state") == "Running" {
		oldCPU, oldMemory := number(vm, "cpuNum"), number(vm, "memorySize")
		if cpu == oldCPU && memory == oldMemory {
			return nil
		}
		if c.config("vm.numa") != "true" && len(c.store.tagsOf("system-tags", text(vm, "uuid"), "numa")) == 0 {
			return fail("SYS.1006", "云主机[uuid:%s]正在运行，且没有开启NUMA，不能在线修改CPU和内存", vm["uuid"])
		}
		if cpu < oldCPU || memory < oldMemory {
			return fail("SYS.1006", "云主机[uuid:%s]正在运行，不能减少CPU或内存", vm["uuid"])
		}
		memory = oldMemory + (memory-oldMemory+hotStep/2)/hotStep*hotStep
		host := c.store.get("hosts", text(vm, "hostUuid"))
		if cpu-oldCPU > number(host, "availableCpuCapacity") || memory-oldMemory > number(host, "availableMemoryCapacity") {
			return because("SYS.1006", fail("HOST_ALLOCATION.1000", "物理机[uuid:%s]的容量不足", host["uuid"]), "云主机[uuid:%s]在线扩容失败", vm["uuid"])
		}
		host["availableCpuCapacity"] = number(host, "availableCpuCapacity") - (cpu - oldCPU)
		host["availableMemoryCapacity"] = number(host, "availableMemoryCapacity") - (memory - oldMemory)
	}
	vm["cpuNum"], vm["memorySize"] = cpu, memory
	return nil
}

func changeOffering(c *call) (record, error) {
	return c.changeVM(func(vm record) error {
		if err := inState(vm, "Running", "Stopped"); err != nil {
			return because("SYS.1006", err, "云主机[uuid:%s]的状态不允许修改计算规格", vm["uuid"])
		}
		offering := c.store.get("instance-offerings", c.text("instanceOfferingUuid"))
		if text(offering, "state") != "Enabled" || text(offering, "type") != "UserVm" {
			return fail("SYS.1006", "计算规格[uuid:%s]未启用或者不是UserVm类型", offering["uuid"])
		}
		if err := c.resize(vm, number(offering, "cpuNum"), number(offering, "memorySize")); err != nil {
			return err
		}
		vm["instanceOfferingUuid"] = offering["uuid"]
		return nil
	})
}

func startVM(c *call) (record, error) {
	uuid := c.text("uuid")
	var plan *creation
	running := false
	err := c.locked(func() error {
		vm, err := c.theVM()
		if err != nil {
			return err
		}
		if err := inState(vm, "Created", "Running", "Stopped", "Crashed"); err != nil {
			return err
		}
		running = text(vm, "state") == "Running"
		plan = c.store.Plans[uuid]
		if running || plan != nil {
			return nil
		}
		if text(vm, "state") == "Created" {
			return because("VM.1001", fail("SYS.1006", "云主机[uuid:%s]没有创建计划", uuid), "启动云主机[uuid:%s]失败", uuid)
		}
		return c.powerOn(uuid, c.text("clusterUuid"), c.text("hostUuid"))
	})
	switch {
	case err != nil:
		return nil, err
	case running:
		return c.vmAnswer(uuid)
	case plan != nil:
		if err := c.instantiate(uuid, plan, true); err != nil {
			return nil, err
		}
		return c.vmAnswer(uuid)
	}
	return c.finish("Starting", "Running")
}

// powerOn finds a host for a stopped VM. Its state becomes Starting, or Running
// when nobody waits for the hypervisor. The caller holds mu.
func (c *call) powerOn(uuid, cluster, host string) error {
	vm := c.store.get("vm-instances", uuid)
	p := &creation{CPU: number(vm, "cpuNum"), Memory: number(vm, "memorySize"), Cluster: cluster, Host: host}
	if host != "" {
		p.Cluster = ""
	}
	p.Zone = text(vm, "zoneUuid")
	root := c.store.get("volumes", text(vm, "rootVolumeUuid"))
	p.RootStorage = text(root, "primaryStorageUuid")
	for _, nic := range c.store.partsOf("vm-instances/nics", uuid) {
		p.L3s = append(p.L3s, text(nic, "l3NetworkUuid"))
	}
	found, _, err := c.findHost(p, text(vm, "architecture"))
	if err != nil {
		return because("VM.1001", err, "启动云主机[uuid:%s]失败", uuid)
	}
	if err := c.renewAddresses(uuid); err != nil {
		return because("VM.1001", err, "启动云主机[uuid:%s]失败", uuid)
	}
	c.enterHost(vm, found)
	vm["state"] = "Starting"
	if c.op.name != "StartVmInstance" {
		vm["state"] = "Running"
	}
	return nil
}

// renewAddresses gives an address to each NIC that lost its own: the one that a
// tag pins, or any.
func (c *call) renewAddresses(uuid string) error {
	for _, nic := range c.store.partsOf("vm-instances/nics", uuid) {
		l3 := text(nic, "l3NetworkUuid")
		if ipam, _ := c.store.get("l3-networks", l3)["enableIPAM"].(bool); !ipam || text(nic, "ip") != "" {
			continue
		}
		wanted := ""
		prefix := "staticIp::" + l3 + "::"
		for _, tag := range c.store.tagsOf("system-tags", uuid, prefix) {
			wanted = strings.TrimPrefix(text(tag, "tag"), prefix)
		}
		if err := c.giveAddress(nic, wanted); err != nil {
			return err
		}
	}
	return nil
}

// finish lets the hypervisor work, then moves the VM from one state to the next
// unless something else changed it meanwhile, and answers with it.
func (c *call) finish(from, to string) (record, error) {
	if err := c.work(c.options.Latency / 4); err != nil {
		return nil, err
	}
	return c.changeVM(func(vm record) error {
		if text(vm, "state") != from {
			return nil
		}
		if to == "Stopped" {
			c.store.leaveHost(vm)
		}
		vm["state"] = to
		return nil
	})
}

func stopVM(c *call) (record, error) {
	stopped := false
	_, err := c.changeVM(func(vm record) error {
		if err := inState(vm, "Running", "Stopped", "Unknown", "Crashed", "NoState", "Paused"); err != nil {
			return because("SYS.1006", err, "停止云主机[uuid:%s]失败", vm["uuid"])
		}
		if stopped = text(vm, "state") == "Stopped"; !stopped {
			vm["state"] = "Stopping"
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if stopped {
		return c.vmAnswer(c.text("uuid"))
	}
	return c.finish("Stopping", "Stopped")
}

func rebootVM(c *call) (record, error) {
	_, err := c.changeVM(func(vm record) error {
		if err := inState(vm, "Running", "NoState", "Crashed"); err != nil {
			return because("VM.1003", err, "重启云主机[uuid:%s]失败", vm["uuid"])
		}
		vm["state"] = "Rebooting"
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.finish("Rebooting", "Running")
}
