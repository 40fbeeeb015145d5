package simulator

import "strings"

const keyPath = "/ssh-key-pair/{sshKeyPairUuid}/vm-instance/{vmInstanceUuid}"

var keyParams = []param{
	{name: "sshKeyPairUuid", required: true, refers: "ssh-key-pair"},
	{name: "vmInstanceUuid", required: true, refers: "vm-instances"},
}

var settingOperations = []*operation{
	{name: "SetVmHostname", method: "PUT", path: vmActions, action: "setVmHostname", handle: setHostname,
		params: []param{vmUUID, {name: "hostname", required: true}}},
	{name: "GetVmHostname", method: "GET", path: "/vm-instances/{uuid}/hostnames", sync: true, handle: getSetting("hostname"), params: []param{vmUUID}},
	{name: "DeleteVmHostname", method: "DELETE", path: "/vm-instances/{uuid}/hostnames", handle: dropSetting("hostname::"),
		params: []param{vmUUID, {name: "deleteMode"}}},
	{name: "SetVmConsolePassword", method: "PUT", path: vmActions, action: "setVmConsolePassword", handle: setConsolePassword,
		params: []param{vmUUID, {name: "consolePassword", required: true}}},
	{name: "GetVmConsolePassword", method: "GET", path: "/vm-instances/{uuid}/console-passwords", sync: true, handle: getSetting("consolePassword"), params: []param{vmUUID}},
	{name: "DeleteVmConsolePassword", method: "DELETE", path: "/vm-instances/{uuid}/console-password", handle: dropSetting("consolePassword::"),
		params: []param{vmUUID, {name: "deleteMode"}}},
	{name: "SetVmBootMode", method: "PUT", path: vmActions, action: "setVmBootMode", handle: setBootMode,
		params: []param{vmUUID, {name: "bootMode", required: true, choices: []string{"Legacy", "UEFI", "UEFI_WITH_CSM"}}}},
	{name: "DeleteVmBootMode", method: "DELETE", path: "/vm-instances/{uuid}/bootmode", handle: dropSetting("bootMode::"),
		params: []param{vmUUID, {name: "deleteMode"}}},
	{name: "SetVmStaticIp", method: "PUT", path: vmActions, action: "setVmStaticIp", handle: setStaticIP, params: []param{
		vmUUID, {name: "l3NetworkUuid", required: true, refers: "l3-networks"},
		{name: "ip"}, {name: "ip6"}, {name: "netmask"}, {name: "gateway"}, {name: "ipv6Gateway"}, {name: "ipv6Prefix"},
	}},
	{name: "DeleteVmStaticIp", method: "DELETE", path: "/vm-instances/{uuid}/static-ips", handle: deleteStaticIP,
		params: []param{vmUUID, {name: "l3NetworkUuid", required: true, refers: "l3-networks"}, {name: "staticIp"}, {name: "deleteMode"}}},
	{name: "AttachSshKeyPairToVmInstance", method: "POST", path: keyPath, action: "params", handle: attachKey, params: keyParams},
	{name: "DetachSshKeyPairFromVmInstance", method: "DELETE", path: keyPath, handle: detachKey,
		params: append(keyParams[:2:2], param{name: "deleteMode"})},
}

func setHostname(c *call) (record, error) {
	return c.changeVM(func(vm record) error {
		if !validHostname(c.text("hostname")) {
			return fail("SYS.1007", "主机名[%s]不是合法的域名", c.text("hostname"))
		}
		c.store.setTag(text(vm, "uuid"), "hostname::", c.text("hostname"))
		return nil
	})
}

func setConsolePassword(c *call) (record, error) {
	return c.changeVM(func(vm record) error {
		if strings.HasPrefix(c.text("consolePassword"), "password") {
			return fail("SYS.1007", "控制台密码不能以password开头")
		}
		c.store.setTag(text(vm, "uuid"), "consolePassword::", c.text("consolePassword"))
		return nil
	})
}

func setBootMode(c *call) (record, error) {
	return c.changeVM(func(vm record) error {
		c.store.setTag(text(vm, "uuid"), "bootMode::", c.text("bootMode"))
		return nil
	})
}

// getSetting answers with the value of a system tag, under the name of the tag.
func getSetting(name string) func(*call) (record, error) {
	return func(c *call) (record, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		answer := record{"success": true}
		for _, row := range c.store.tagsOf("system-tags", c.text("uuid"), name+"::") {
			answer[name] = strings.TrimPrefix(text(row, "tag"), name+"::")
		}
		return answer, nil
	}
}

// dropSetting removes the system tags with a prefix.
func dropSetting(prefix string) func(*call) (record, error) {
	return func(c *call) (record, error) {
		return c.changeVM(func(vm record) error {
			c.store.setTag(text(vm, "uuid"), prefix, "")
			return nil
		})
	}
}

// setStaticIP pins an address, and gives it to the NIC if it is another one.
func setStaticIP(c *call) (record, error) {
	return record{}, c.locked(func() error {
		vm, err := c.theVM()
		if err != nil {
			return err
		}
		if err := inState(vm, "Running", "Stopped"); err != nil {
			return because("SYS.1006", err, "云主机[uuid:%s]的状态不允许设置静态IP", vm["uuid"])
		}
		l3, ip := c.text("l3NetworkUuid"), c.text("ip")
		for _, nic := range c.store.partsOf("vm-instances/nics", text(vm, "uuid")) {
			if text(nic, "l3NetworkUuid") != l3 {
				continue
			}
			if ip != "" && text(nic, "ip") != ip {
				if err := c.checkStaticIP(l3, ip); err != nil {
					return err
				}
				old := text(nic, "ip")
				c.releaseAddress(nic)
				if err := c.giveAddress(nic, ip); err != nil {
					if again := c.giveAddress(nic, old); again != nil {
						return again
					}
					return err
				}
			}
			c.store.setTag(text(vm, "uuid"), "staticIp::"+l3+"::", text(nic, "ip"))
			return nil
		}
		return fail("SYS.1006", "云主机[uuid:%s]在L3网络[uuid:%s]上没有网卡", vm["uuid"], l3)
	})
}

func deleteStaticIP(c *call) (record, error) {
	return record{}, c.locked(func() error {
		c.store.setTag(c.text("uuid"), "staticIp::"+c.text("l3NetworkUuid")+"::", "")
		return nil
	})
}

func attachKey(c *call) (record, error) {
	return record{}, c.locked(func() error {
		key, vm := c.text("sshKeyPairUuid"), c.text("vmInstanceUuid")
		for _, tied := range c.store.Keys[key] {
			if tied == vm {
				return fail("SYS.1006", "SSH密钥对[uuid:%s]已加载到云主机[uuid:%s]", key, vm)
			}
		}
		c.store.tieKey(key, vm)
		return nil
	})
}

func detachKey(c *call) (record, error) {
	return record{}, c.locked(func() error {
		c.store.untieKey(c.text("sshKeyPairUuid"), c.text("vmInstanceUuid"))
		return nil
	})
}
