package cloud

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"zfleet/planner"
)

// modelCloud is the server's own record, as far as a fleet can change it.
type modelCloud struct {
	vms        map[string]row   // by UUID, of the fleet; those in the recycle bin too
	volumes    map[string]row   // by UUID, all
	userTags   map[string][]row // by resource
	systemTags map[string][]string
}

func (w *modelWorld) cloud() modelCloud {
	c := modelCloud{vms: make(map[string]row), volumes: make(map[string]row), userTags: make(map[string][]row), systemTags: make(map[string][]string)}
	for _, vm := range w.server.VMs() {
		if vm["name"] != "legacy-app" && vm["type"] == "UserVm" {
			c.vms[textOf(vm, "uuid")] = vm
		}
	}
	for _, volume := range w.server.Volumes() {
		c.volumes[textOf(volume, "uuid")] = volume
	}
	for _, tag := range w.server.Tags() {
		of := textOf(tag, "resourceUuid")
		if tag["type"] == "User" {
			c.userTags[of] = append(c.userTags[of], tag)
		} else {
			c.systemTags[of] = append(c.systemTags[of], textOf(tag, "tag"))
		}
	}
	return c
}

func textOf(r row, name string) string {
	text, _ := r[name].(string)
	return text
}

func (c modelCloud) live() []string {
	var uuids []string
	for _, uuid := range slices.Sorted(maps.Keys(c.vms)) {
		if !gone(textOf(c.vms[uuid], "state")) {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}

// key returns the machine that a VM is, by its tag.
func (c modelCloud) key(uuid string) string {
	for _, tag := range c.userTags[uuid] {
		if key, ok := strings.CutPrefix(textOf(tag, "tag"), modelScope.KeyTag("")); ok {
			return key
		}
	}
	return ""
}

func (c modelCloud) hasTag(uuid, text string) bool {
	return slices.ContainsFunc(c.userTags[uuid], func(tag row) bool { return tag["tag"] == text })
}

func (c modelCloud) hasPattern(uuid, pattern string) bool {
	return slices.ContainsFunc(c.userTags[uuid], func(tag row) bool { return tag["tagPatternUuid"] == pattern })
}

// describe writes all that must be the same after any trouble as without: not
// what the server chose by itself, such as hosts and addresses that nobody
// asked for.
func (c modelCloud) describe() []string {
	var lines []string
	for uuid, vm := range c.vms {
		if gone(textOf(vm, "state")) {
			lines = append(lines, fmt.Sprintf("%s in the recycle bin", uuid))
			continue
		}
		who := c.key(uuid)
		lines = append(lines, fmt.Sprintf("%s %s %q %s cpu %v memory %v offering %v image %v description %q zone %v default network %v",
			who, uuid, vm["name"], vm["state"], vm["cpuNum"], vm["memorySize"], vm["instanceOfferingUuid"], vm["imageUuid"],
			textOf(vm, "description"), vm["zoneUuid"], vm["defaultL3NetworkUuid"]))
		for _, tag := range c.userTags[uuid] {
			if _, _, names := modelScope.ParseRunTag(textOf(tag, "tag")); !names {
				lines = append(lines, fmt.Sprintf("%s tag %v %v", who, tag["tag"], tag["tagPatternUuid"]))
			}
		}
		static := ""
		for _, tag := range c.systemTags[uuid] {
			lines = append(lines, fmt.Sprintf("%s system tag %s", who, tag))
			if strings.HasPrefix(tag, "staticIp::") {
				static += tag
			}
		}
		nics, _ := vm["vmNics"].([]any)
		for _, nic := range nics {
			nic, _ := nic.(row)
			ip := textOf(nic, "ip")
			if !strings.Contains(static, "::"+ip) {
				ip = "any"
			}
			lines = append(lines, fmt.Sprintf("%s NIC on %v with %s", who, nic["l3NetworkUuid"], ip))
		}
	}
	for uuid, volume := range c.volumes {
		vm := textOf(volume, "vmInstanceUuid")
		where := cmp.Or(c.key(vm), vm, "nowhere")
		var tags []string
		for _, tag := range c.userTags[uuid] {
			tags = append(tags, textOf(tag, "tag"))
		}
		slices.Sort(tags)
		lines = append(lines, fmt.Sprintf("volume %v %v %v %v at %s tags %v", volume["name"], volume["type"], volume["status"], volume["size"], where, tags))
	}
	slices.Sort(lines)
	return lines
}

// blockedIn lists the changes of a plan that wait for somebody.
func blockedIn(plan *planner.Plan) []string {
	var blocked []string
	for _, change := range plan.Changes {
		if change.Action == planner.Blocked {
			blocked = append(blocked, change.Key+": "+change.Reason)
		}
	}
	return blocked
}
