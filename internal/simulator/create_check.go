package simulator

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// A creation is what a create call comes to, once its rules are applied. A VM
// that is only registered keeps it until its first start.
type creation struct {
	Zone, Cluster, Host   string            // at most one is set
	CPU, Memory, Reserved int64             // bytes
	L3s                   []string          // in the order of the NICs
	NICs                  map[string]record // vmNicParams by L3 network
	DefaultL3             string
	Image                 string
	RootSize              int64
	RootOffering          string
	RootStorage           string
	RootTags              []string
	Disks                 []disk
	ISOs                  []string // one per drive: an image, "" for an empty drive
	Platform, Guest, Arch string
	Virtio                bool
	Volume, Snapshot      string // root disk of the other two creations
	VolumeType            string // what the volume was before
	Strategy              string
	Tags                  []string // system tags of the VM
	attachLater           bool     // disks join after the VM is there
}

// A disk is one data disk to be made or, with Source, to be attached.
type disk struct {
	Size                                    int64
	Name, Offering, Template, Source, Store string
	Tags                                    []string
}

// checkCreate applies the rules across parameters in the server's order.
func checkCreate(c *call) error {
	if err := c.checkShared(); err != nil {
		return err
	}
	p := c.plan
	p.Image, p.RootOffering = c.text("imageUuid"), c.text("rootDiskOfferingUuid")
	p.RootStorage, p.RootTags = c.text("primaryStorageUuidForRootVolume"), texts(c.params, "rootVolumeSystemTags")
	p.RootSize = number(c.params, "rootDiskSize")
	if err := c.checkBoot(); err != nil {
		return err
	}
	if err := c.checkImage(); err != nil {
		return err
	}
	if err := c.planDisks(); err != nil {
		return err
	}
	return c.checkStorages()
}

// checkShared applies the rules that all creations share, and starts the plan.
func (c *call) checkShared() error {
	c.plan = &creation{
		Strategy: cmp.Or(c.text("strategy"), "InstantStart"),
		Tags:     unique(c.systemTags),
		Platform: c.text("platform"),
		Guest:    c.text("guestOsType"),
		Arch:     c.text("architecture"),
		Virtio:   c.flag("virtio"),
	}
	for _, rule := range []func() error{c.checkSize, c.checkName, c.checkMACs, c.checkNICParams, c.checkNetworks, c.checkPlace, c.checkDefaultL3, c.checkDrives} {
		if err := rule(); err != nil {
			return err
		}
	}
	if len(c.plan.L3s) == 0 && c.plan.Zone+c.plan.Cluster+c.plan.Host == "" {
		return fail("SYS.1006", "l3NetworkUuids、zoneUuid、clusterUuid、hostUuid至少需要指定一个")
	}
	return nil
}

// checkSize: an offering wins over the sizes in the call.
func (c *call) checkSize() error {
	p := c.plan
	p.CPU, p.Memory, p.Reserved = number(c.params, "cpuNum"), number(c.params, "memorySize"), number(c.params, "reservedMemorySize")
	offering := c.store.get("instance-offerings", c.text("instanceOfferingUuid"))
	if offering == nil {
		switch {
		case p.CPU <= 0 || p.Memory <= 0:
			return fail("SYS.1006", "没有指定计算规格时，必须指定cpuNum和memorySize，且都大于0")
		case p.Reserved > p.Memory:
			return fail("SYS.1006", "reservedMemorySize[%d]不能大于memorySize[%d]", p.Reserved, p.Memory)
		}
		return nil
	}
	if text(offering, "state") != "Enabled" || text(offering, "type") != "UserVm" {
		return fail("SYS.1006", "计算规格[uuid:%s]未启用或者不是UserVm类型", text(offering, "uuid"))
	}
	p.CPU, p.Memory = number(offering, "cpuNum"), number(offering, "memorySize")
	if c.params["reservedMemorySize"] == nil {
		p.Reserved = number(offering, "reservedMemorySize")
	}
	return nil
}

func (c *call) checkName() error {
	if c.config("vm.uniqueVmName") != "true" {
		return nil
	}
	for _, vm := range c.store.Tables["vm-instances"] {
		if text(vm, "name") == c.text("name") {
			return fail("SYS.1006", "云主机名称[%s]已存在", c.text("name"))
		}
	}
	return nil
}

func (c *call) checkMACs() error {
	var macs []string
	for _, tag := range withPrefix(c.systemTags, "customMac::") {
		_, mac, _ := strings.Cut(tag, "::")
		if slices.Contains(macs, strings.ToLower(mac)) {
			return fail("SYS.1006", "MAC地址[%s]重复", mac)
		}
		macs = append(macs, strings.ToLower(mac))
	}
	return nil
}

// checkNICParams reads vmNicParams, a JSON array within a string.
func (c *call) checkNICParams() error {
	written := c.text("vmNicParams")
	if written == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(written))
	decoder.UseNumber()
	var entries []record
	if err := decoder.Decode(&entries); err != nil {
		return fail("SYS.1006", "vmNicParams不是合法的JSON: %v", err)
	}
	l3s := texts(c.params, "l3NetworkUuids")
	if len(l3s) == 0 {
		return fail("SYS.1007", "指定vmNicParams时l3NetworkUuids不能为空")
	}
	c.plan.NICs = map[string]record{}
	for _, entry := range entries {
		entry, _ = exactNumbers(entry).(record)
		for name := range entry {
			if !slices.Contains(nicMembers, name) {
				c.findingLocked("%s: unknown member %s of vmNicParams", c.op.name, name)
			}
		}
		l3 := text(entry, "l3NetworkUuid")
		if !slices.Contains(l3s, l3) {
			return fail("SYS.1007", "vmNicParams中的L3网络[uuid:%s]不在l3NetworkUuids中", l3)
		}
		if c.plan.NICs[l3] != nil {
			return fail("SYS.1007", "vmNicParams中的L3网络[uuid:%s]重复", l3)
		}
		if err := checkNIC(entry); err != nil {
			return err
		}
		c.plan.NICs[l3] = entry
	}
	return nil
}

func checkNIC(entry record) error {
	for _, p := range []param{
		{name: "driverType", choices: []string{"virtio", "e1000", "rtl8139", "ne2k_pci"}},
		{name: "state", choices: []string{"enable", "disable"}},
		{name: "outboundBandwidth", low: 8192, high: 32212254720},
		{name: "inboundBandwidth", low: 8192, high: 32212254720},
		{name: "multiQueueNum", low: 1, high: 256},
	} {
		if err := validateParam(p, entry); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) checkNetworks() error {
	l3s := texts(c.params, "l3NetworkUuids")
	for i, l3 := range l3s {
		row := c.store.get("l3-networks", l3)
		system, _ := row["system"].(bool)
		switch {
		case slices.Contains(l3s[:i], l3):
			return fail("SYS.1006", "L3网络[uuid:%s]重复", l3)
		case text(row, "state") != "Enabled":
			return fail("SYS.1006", "L3网络[uuid:%s]已停用", l3)
		case (system || text(row, "category") == "System") && c.text("type") != "ApplianceVm":
			return fail("SYS.1006", "L3网络[uuid:%s]是系统网络，云主机不能使用", l3)
		}
	}
	c.plan.L3s = l3s
	return nil
}

// checkPlace: the smallest place wins, and nobody compares it with the others.
func (c *call) checkPlace() error {
	p := c.plan
	for _, place := range []struct {
		name, table string
		into        *string
	}{{"hostUuid", "hosts", &p.Host}, {"clusterUuid", "clusters", &p.Cluster}, {"zoneUuid", "zones", &p.Zone}} {
		uuid := c.text(place.name)
		if uuid == "" {
			continue
		}
		row := c.store.get(place.table, uuid)
		if text(row, "state") == "Disabled" {
			return fail("SYS.1006", "%s[uuid:%s]已停用", place.name, uuid)
		}
		if place.table == "hosts" && text(row, "status") != "Connected" {
			return fail("SYS.1006", "物理机[uuid:%s]未连接", uuid)
		}
		*place.into = uuid
		return nil
	}
	return nil
}

func (c *call) checkDefaultL3() error {
	p, chosen := c.plan, c.text("defaultL3NetworkUuid")
	switch {
	case chosen != "" && c.params["l3NetworkUuids"] == nil:
		return fail("SYS.1000", "java.lang.NullPointerException")
	case chosen != "" && !slices.Contains(p.L3s, chosen):
		return fail("SYS.1007", "defaultL3NetworkUuid[%s]不在l3NetworkUuids中", chosen)
	case chosen == "" && len(p.L3s) > 1:
		return fail("SYS.1007", "指定了多个L3网络%v，但没有指定defaultL3NetworkUuid", p.L3s)
	case chosen == "" && len(p.L3s) == 1:
		chosen = p.L3s[0]
	}
	p.DefaultL3 = chosen
	return nil
}

// checkDrives reads the tags about CD-ROM drives: one empty drive without any.
func (c *call) checkDrives() error {
	c.plan.ISOs = []string{""}
	if slices.Contains(c.systemTags, "createWithoutCdRom::true") {
		c.plan.ISOs = nil
	}
	for _, tag := range withPrefix(c.systemTags, "cdroms::") {
		c.plan.ISOs = nil
		for iso := range strings.SplitSeq(tag, "::") {
			switch {
			case iso == "None":
				continue
			case iso == "Empty":
				iso = ""
			case text(c.store.get("images", iso), "mediaType") != "ISO":
				return fail("SYS.1007", "ISO[uuid:%s]不存在", iso)
			case slices.Contains(c.plan.ISOs, iso):
				return fail("SYS.1007", "ISO[uuid:%s]重复", iso)
			}
			c.plan.ISOs = append(c.plan.ISOs, iso)
		}
	}
	return nil
}

// checkBoot reads the boot entry of diskAOs, which overwrites what the call
// says of the system, with nothing too.
func (c *call) checkBoot() error {
	entries := list(c.params, "diskAOs")
	if len(entries) == 0 {
		return nil
	}
	boot := slices.IndexFunc(entries, func(e record) bool { return e["boot"] == true })
	if boot < 0 {
		return fail("SYS.1007", "diskAOs中必须有一个boot为true的磁盘")
	}
	p, entry := c.plan, entries[boot]
	p.Platform, p.Guest, p.Arch = text(entry, "platform"), text(entry, "guestOsType"), text(entry, "architecture")
	p.RootStorage = cmp.Or(text(entry, "primaryStorageUuid"), p.RootStorage)
	p.Virtio = slices.Contains(texts(entry, "systemTags"), "driver::virtio")
	return nil
}

// tagsOnIndex returns the tags that dataVolumeSystemTagsOnIndex has for a disk.
func (c *call) tagsOnIndex(i int) []string {
	byIndex, _ := c.params["dataVolumeSystemTagsOnIndex"].(record)
	return texts(byIndex, strconv.Itoa(i))
}
