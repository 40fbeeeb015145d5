package simulator

import (
	"maps"
	"slices"
)

// A demand is what a call would add to an account's use, by quota name.
type demand map[string]int64

// demand returns what a creation uses. Sizes of data disks that come without an
// offering are not counted, nor is a root disk that is larger than its image.
func (p *creation) demand() demand {
	return demand{"vm.num": 1, "vm.totalNum": 1, "vm.cpuNum": p.CPU, "vm.memorySize": p.Memory}
}

// quotaOfCreate checks the quotas of a creation, unless it only registers.
func quotaOfCreate(c *call) error {
	if c.plan.Strategy == "JustCreate" {
		return nil
	}
	d := c.plan.demand()
	image := c.store.get("images", c.plan.Image)
	switch {
	case c.plan.Volume != "":
	case text(image, "mediaType") == "RootVolumeTemplate":
		d["volume.capacity"] += number(image, "size")
	default:
		d["volume.capacity"] += c.plan.RootSize
	}
	for _, disk := range c.plan.Disks {
		if disk.Offering != "" {
			d["volume.data.num"]++
			d["volume.capacity"] += disk.Size
		}
	}
	return c.checkQuota(d)
}

// checkQuota refuses a demand that goes beyond one of the account's quotas.
// Those that the data center does not mention are not limited.
func (c *call) checkQuota(d demand) error {
	used := c.usage(c.account.uuid)
	for name, more := range maps.All(d) {
		limit, limited := c.account.quotas[name]
		if limited && used[name]+more > limit {
			return fail("ID.1003", "账户[uuid:%s]的配额[%s]超出限制: 已用[%d], 需要[%d], 上限[%d]", c.account.uuid, name, used[name], more, limit)
		}
	}
	return nil
}

// usage sums up what an account uses. The caller holds mu.
func (c *call) usage(account string) demand {
	used := demand{}
	for uuid, owner := range c.store.Owners {
		if owner != account {
			continue
		}
		if vm := c.store.get("vm-instances", uuid); vm != nil {
			state := text(vm, "state")
			if state != "Destroyed" && text(vm, "hostUuid")+text(vm, "lastHostUuid") != "" {
				used["vm.totalNum"]++
			}
			if !slices.Contains([]string{"Created", "Stopped", "Destroying", "Destroyed"}, state) {
				used["vm.num"]++
				used["vm.cpuNum"] += number(vm, "cpuNum")
				used["vm.memorySize"] += number(vm, "memorySize")
			}
		}
		if volume := c.store.get("volumes", uuid); volume != nil {
			used["volume.capacity"] += number(volume, "size") // also in the recycle bin
			if text(volume, "type") == "Data" && text(volume, "status") != "Deleted" {
				used["volume.data.num"]++
			}
		}
	}
	return used
}
