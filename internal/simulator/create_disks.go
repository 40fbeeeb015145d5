package simulator

import (
	"cmp"
	"slices"
)

// checkImage applies the rules about what the VM boots, and settles its system
// and the size of its root disk.
func (c *call) checkImage() error {
	p := c.plan
	image := c.store.get("images", p.Image)
	sized := p.RootOffering != "" || c.params["rootDiskSize"] != nil
	if image == nil {
		if p.Platform == "" || p.Guest == "" || p.Arch == "" || !sized {
			return fail("SYS.1007", "没有指定镜像时，必须指定platform、guestOsType、architecture以及rootDiskOfferingUuid或rootDiskSize")
		}
	} else if err := c.checkImageState(image); err != nil {
		return err
	}
	p.Platform = cmp.Or(p.Platform, text(image, "platform"))
	p.Guest = cmp.Or(p.Guest, text(image, "guestOsType"))
	p.Arch = cmp.Or(p.Arch, text(image, "architecture"))
	if p.Platform == "" || p.Guest == "" || p.Arch == "" {
		return fail("SYS.1006", "无法确定platform、guestOsType或architecture")
	}
	if c.params["virtio"] == nil && len(list(c.params, "diskAOs")) == 0 {
		p.Virtio, _ = image["virtio"].(bool)
	}
	iso := text(image, "mediaType") == "ISO"
	if iso && !sized {
		return fail("SYS.1007", "使用ISO镜像创建云主机时，必须指定rootDiskOfferingUuid或rootDiskSize")
	}
	if (iso || image == nil) && p.RootOffering == "" && p.RootSize <= 0 {
		return fail("SYS.1006", "rootDiskSize[%d]必须大于0", p.RootSize)
	}
	if offering := c.store.get("disk-offerings", p.RootOffering); offering != nil {
		p.RootSize = number(offering, "diskSize")
	}
	if p.RootSize <= 0 {
		p.RootSize = number(image, "size")
	}
	if iso && len(p.ISOs) > 0 && p.ISOs[0] == "" {
		p.ISOs[0] = p.Image
	}
	return nil
}

func (c *call) checkImageState(image record) error {
	system, _ := image["system"].(bool)
	media := text(image, "mediaType")
	switch {
	case text(image, "state") != "Enabled":
		return fail("SYS.1006", "镜像[uuid:%s]已停用", text(image, "uuid"))
	case text(image, "status") != "Ready":
		return fail("SYS.1006", "镜像[uuid:%s]的状态[%s]不是Ready", text(image, "uuid"), text(image, "status"))
	case media != "RootVolumeTemplate" && media != "ISO":
		return fail("SYS.1007", "镜像[uuid:%s]的类型[%s]不能用来创建云主机", text(image, "uuid"), media)
	case system && c.text("type") != "ApplianceVm":
		return fail("SYS.1007", "镜像[uuid:%s]是系统镜像", text(image, "uuid"))
	}
	return nil
}

// planDisks lists the data disks: those of offerings first, then the sizes,
// then the entries of diskAOs.
func (c *call) planDisks() error {
	p := c.plan
	for _, size := range c.ints("dataDiskSizes") {
		if size <= 0 {
			return fail("SYS.1006", "dataDiskSizes中的[%d]必须大于0", size)
		}
	}
	offerings := texts(c.params, "dataDiskOfferingUuids")
	for _, uuid := range append(slices.Clone(offerings), p.RootOffering) {
		if text(c.store.get("disk-offerings", uuid), "state") == "Disabled" {
			return fail("SYS.1006", "云盘规格[uuid:%s]已停用", uuid)
		}
	}
	for _, uuid := range offerings {
		p.Disks = append(p.Disks, disk{Offering: uuid, Size: number(c.store.get("disk-offerings", uuid), "diskSize")})
	}
	for _, size := range c.ints("dataDiskSizes") {
		p.Disks = append(p.Disks, disk{Size: size})
	}
	store := first(withPrefix(c.systemTags, "primaryStorageUuidForDataVolume::"))
	for i := range p.Disks {
		p.Disks[i].Store = store
		p.Disks[i].Tags = slices.Concat(texts(c.params, "dataVolumeSystemTags"), c.tagsOnIndex(i))
	}
	return c.planEntries()
}

// planEntries adds the data entries of diskAOs.
func (c *call) planEntries() error {
	p := c.plan
	entries := list(c.params, "diskAOs")
	boot := slices.IndexFunc(entries, func(e record) bool { return e["boot"] == true })
	for i, entry := range entries {
		if i == boot {
			continue
		}
		d := disk{
			Size: number(entry, "size"), Name: text(entry, "name"), Store: text(entry, "primaryStorageUuid"),
			Offering: text(entry, "diskOfferingUuid"), Template: text(entry, "templateUuid"),
			Source: text(entry, "sourceUuid"), Tags: texts(entry, "systemTags"),
		}
		sources := 0
		for _, given := range []bool{d.Size != 0, d.Offering != "", d.Template != "", d.Source != ""} {
			if given {
				sources++
			}
		}
		if sources != 1 {
			return fail("SYS.1006", "diskAOs中的数据盘必须且只能指定size、templateUuid、diskOfferingUuid、sourceUuid中的一个")
		}
		if d.Source != "" {
			if err := c.checkSource(d, text(entry, "sourceType")); err != nil {
				return err
			}
		}
		p.Disks, p.attachLater = append(p.Disks, d), true
	}
	return nil
}

func (c *call) checkSource(d disk, kind string) error {
	if kind != "VolumeVO" {
		return fail("SYS.1006", "不支持的sourceType[%s]", kind)
	}
	volume := c.store.get("volumes", d.Source)
	switch {
	case volume == nil:
		return fail("SYS.1006", "云盘[uuid:%s]不存在", d.Source)
	case text(volume, "vmInstanceUuid") != "":
		return fail("SYS.1006", "云盘[uuid:%s]已加载到云主机[uuid:%s]", d.Source, text(volume, "vmInstanceUuid"))
	case slices.ContainsFunc(c.plan.Disks, func(other disk) bool { return other.Source == d.Source }):
		return fail("SYS.1006", "云盘[uuid:%s]重复", d.Source)
	}
	return nil
}

// checkStorages: the storages of root and data disks must share a cluster.
func (c *call) checkStorages() error {
	data := first(withPrefix(c.systemTags, "primaryStorageUuidForDataVolume::"))
	if c.plan.RootStorage == "" || data == "" {
		return nil
	}
	row := c.store.get("primary-storage", data)
	if row == nil {
		return fail("SYS.1007", "主存储[uuid:%s]不存在", data)
	}
	clusters := texts(row, "attachedClusterUuids")
	for _, cluster := range texts(c.store.get("primary-storage", c.plan.RootStorage), "attachedClusterUuids") {
		if slices.Contains(clusters, cluster) {
			return nil
		}
	}
	return fail("SYS.1006", "根云盘和数据云盘的主存储[%s, %s]没有加载到同一个集群", c.plan.RootStorage, data)
}

// checkCreateFromVolume adds the rules about the volume that becomes the root.
func checkCreateFromVolume(c *call) error {
	if err := c.checkShared(); err != nil {
		return err
	}
	volume := c.store.get("volumes", c.text("volumeUuid"))
	shareable, _ := volume["isShareable"].(bool)
	switch {
	case shareable:
		return fail("SYS.1006", "共享云盘[uuid:%s]不能用来创建云主机", text(volume, "uuid"))
	case text(volume, "vmInstanceUuid") != "":
		return fail("SYS.1006", "云盘[uuid:%s]已加载到云主机[uuid:%s]", text(volume, "uuid"), text(volume, "vmInstanceUuid"))
	case text(volume, "status") != "Ready" || text(volume, "state") != "Enabled":
		return fail("SYS.1006", "云盘[uuid:%s]未就绪或已停用", text(volume, "uuid"))
	}
	c.plan.Volume, c.plan.RootStorage = text(volume, "uuid"), text(volume, "primaryStorageUuid")
	c.plan.RootSize, c.plan.VolumeType = number(volume, "size"), text(volume, "type")
	c.plan.systemOf(c.store.get("images", text(volume, "rootImageUuid")))
	return nil
}

func checkCreateFromSnapshot(c *call) error {
	if err := c.checkShared(); err != nil {
		return err
	}
	snapshot := c.store.get("volume-snapshots", c.text("volumeSnapshotUuid"))
	c.plan.Snapshot = text(snapshot, "uuid")
	c.plan.RootStorage = cmp.Or(c.text("primaryStorageUuid"), text(snapshot, "primaryStorageUuid"))
	c.plan.RootTags = texts(c.params, "rootVolumeSystemTags")
	volume := c.store.get("volumes", text(snapshot, "volumeUuid"))
	c.plan.RootSize = cmp.Or(number(volume, "size"), number(snapshot, "size"))
	c.plan.systemOf(c.store.get("images", text(volume, "rootImageUuid")))
	return nil
}

// systemOf fills what the call leaves open from the image below the disk.
func (p *creation) systemOf(image record) {
	p.Platform = cmp.Or(p.Platform, text(image, "platform"), "Linux")
	p.Guest = cmp.Or(p.Guest, text(image, "guestOsType"), p.Platform)
	p.Arch = cmp.Or(p.Arch, text(image, "architecture"), "x86_64")
	p.Virtio = p.Platform == "Linux"
}

func (c *call) ints(name string) []int64 {
	var found []int64
	values, _ := c.params[name].([]any)
	for _, value := range values {
		if n, ok := value.(int64); ok {
			found = append(found, n)
		}
	}
	return found
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
