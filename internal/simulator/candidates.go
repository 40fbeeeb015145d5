package simulator

import (
	"cmp"
	"slices"
)

var candidateOperations = []*operation{{
	name: "GetCandidateZonesClustersHostsForCreatingVm", method: "GET", path: "/vm-instances/candidate-destinations", sync: true, handle: candidates,
	params: []param{
		{name: "imageUuid", required: true, refers: "images"},
		{name: "l3NetworkUuids", kind: kindTexts, required: true, filled: true, refers: "l3-networks"},
		{name: "instanceOfferingUuid", refers: "instance-offerings"},
		{name: "cpuNum", kind: kindInt, low: 1, high: 1024},
		{name: "memorySize", kind: kindInt, low: 1, high: maxInt},
		{name: "rootDiskOfferingUuid", refers: "disk-offerings"},
		{name: "rootDiskSize", kind: kindInt, low: 1, high: maxInt},
		{name: "dataDiskOfferingUuids", kind: kindTexts, refers: "disk-offerings"},
		{name: "zoneUuid"}, {name: "clusterUuid"}, {name: "defaultL3NetworkUuid"},
	},
}}

// candidates lists where a VM of some shape could go now. That there is no such
// place is no error.
func candidates(c *call) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &creation{
		CPU: c.number("cpuNum"), Memory: c.number("memorySize"), L3s: texts(c.params, "l3NetworkUuids"),
		Image: c.text("imageUuid"), Zone: c.text("zoneUuid"), Cluster: c.text("clusterUuid"), RootSize: c.number("rootDiskSize"),
	}
	if offering := c.store.get("instance-offerings", c.text("instanceOfferingUuid")); offering != nil {
		p.CPU, p.Memory = number(offering, "cpuNum"), number(offering, "memorySize")
	}
	if p.CPU <= 0 || p.Memory <= 0 {
		return nil, fail("SYS.1006", "没有指定计算规格时，必须指定cpuNum和memorySize，且都大于0")
	}
	image := c.store.get("images", p.Image)
	if root := c.store.get("disk-offerings", c.text("rootDiskOfferingUuid")); root != nil {
		p.RootSize = number(root, "diskSize")
	}
	if p.RootSize == 0 {
		if text(image, "mediaType") == "ISO" {
			return nil, fail("SYS.1007", "镜像[uuid:%s]是ISO，必须指定rootDiskOfferingUuid或rootDiskSize", p.Image)
		}
		p.RootSize = number(image, "size")
	}
	space := p.RootSize
	for _, uuid := range texts(c.params, "dataDiskOfferingUuids") {
		space += number(c.store.get("disk-offerings", uuid), "diskSize")
	}
	zone := c.zoneOf(p)
	found := map[string]map[string]record{"zones": {}, "clusters": {}, "hosts": {}}
	storages := record{}
	for _, host := range c.store.Tables["hosts"] {
		cluster := text(host, "clusterUuid")
		if !c.takes(host, p, zone, text(image, "architecture")) {
			continue
		}
		if _, err := c.findStorage("", cluster, space); err != nil {
			continue
		}
		found["hosts"][text(host, "uuid")] = host
		found["clusters"][cluster] = c.store.get("clusters", cluster)
		found["zones"][text(host, "zoneUuid")] = c.store.get("zones", text(host, "zoneUuid"))
		storages[cluster] = c.storagesOf(cluster)
	}
	answer := record{"success": true, "clusterPsMap": storages}
	for name, rows := range found {
		answer[name] = byName(rows)
	}
	return clone(answer), nil
}

func (c *call) number(name string) int64 { return number(c.params, name) }

// storagesOf lists the storages that a cluster reaches.
func (c *call) storagesOf(cluster string) []any {
	attached := map[string]record{}
	for uuid, storage := range c.store.Tables["primary-storage"] {
		if slices.Contains(texts(storage, "attachedClusterUuids"), cluster) {
			attached[uuid] = storage
		}
	}
	return byName(attached)
}

func byName(rows map[string]record) []any {
	list := make([]record, 0, len(rows))
	for _, row := range rows {
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b record) int {
		return cmp.Or(cmp.Compare(text(a, "name"), text(b, "name")), cmp.Compare(text(a, "uuid"), text(b, "uuid")))
	})
	anyList := make([]any, 0, len(list))
	for _, row := range list {
		anyList = append(anyList, row)
	}
	return anyList
}
