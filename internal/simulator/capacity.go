package simulator

import (
	"maps"
	"slices"
)

var capacityOperations = []*operation{
	{name: "GetCpuMemoryCapacity", method: "GET", path: "/hosts/capacities/cpu-memory", sync: true, handle: hostCapacity, params: []param{
		{name: "zoneUuids", kind: kindTexts}, {name: "clusterUuids", kind: kindTexts}, {name: "hostUuids", kind: kindTexts},
		{name: "all", kind: kindBool},
	}},
	{name: "GetPrimaryStorageCapacity", method: "GET", path: "/primary-storage/capacities", sync: true, handle: storageCapacity, params: []param{
		{name: "zoneUuids", kind: kindTexts}, {name: "clusterUuids", kind: kindTexts}, {name: "primaryStorageUuids", kind: kindTexts},
		{name: "all", kind: kindBool},
	}},
	{name: "GetIpAddressCapacity", method: "GET", path: "/ip-capacity", sync: true, handle: addressCapacity, params: []param{
		{name: "zoneUuids", kind: kindTexts}, {name: "l3NetworkUuids", kind: kindTexts}, {name: "ipRangeUuids", kind: kindTexts},
		{name: "all", kind: kindBool},
	}},
	{name: "CheckIpAvailability", method: "GET", path: "/l3-networks/{l3NetworkUuid}/ip/{ip}/availability", sync: true, handle: checkAddress,
		params: []param{{name: "l3NetworkUuid", required: true, refers: "l3-networks"}, {name: "ip", required: true}}},
	{name: "GetAccountQuotaUsage", method: "GET", path: "/accounts/quota/{uuid}/usages", sync: true, handle: quotaUsage,
		params: []param{{name: "uuid", required: true, refers: "accounts"}}},
}

// chosen says whether a row is in one of the lists of a capacity call; the
// lists name fields of the row by parameter.
func (c *call) chosen(row record, fields map[string]string) bool {
	if c.flag("all") {
		return true
	}
	for name, field := range fields {
		for _, uuid := range texts(c.params, name) {
			if text(row, field) == uuid || slices.Contains(texts(row, field), uuid) {
				return true
			}
		}
	}
	return false
}

// sum adds up number fields of all chosen rows of a table under the names that
// the answer has for them.
func (c *call) sum(table string, by, fields map[string]string) record {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := record{"success": true}
	for name := range fields {
		total[name] = int64(0)
	}
	for _, row := range c.store.Tables[table] {
		if c.chosen(row, by) {
			for name, field := range fields {
				total[name] = number(total, name) + number(row, field)
			}
		}
	}
	return total
}

func hostCapacity(c *call) (record, error) {
	total := c.sum("hosts",
		map[string]string{"zoneUuids": "zoneUuid", "clusterUuids": "clusterUuid", "hostUuids": "uuid"},
		map[string]string{
			"totalCpu": "totalCpuCapacity", "availableCpu": "availableCpuCapacity", "managedCpuNum": "cpuNum",
			"totalMemory": "totalMemoryCapacity", "availableMemory": "availableMemoryCapacity",
		})
	total["resourceType"] = "HostVO"
	return total, nil
}

func storageCapacity(c *call) (record, error) {
	fields := map[string]string{}
	for _, name := range []string{"totalCapacity", "availableCapacity", "totalPhysicalCapacity", "availablePhysicalCapacity"} {
		fields[name] = name
	}
	return c.sum("primary-storage", map[string]string{
		"zoneUuids": "zoneUuid", "clusterUuids": "attachedClusterUuids", "primaryStorageUuids": "uuid",
	}, fields), nil
}

func addressCapacity(c *call) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var total, used int64
	for _, r := range c.store.Tables["l3-networks/ip-ranges"] {
		l3 := c.store.get("l3-networks", text(r, "l3NetworkUuid"))
		row := record{"uuid": r["uuid"], "l3": r["l3NetworkUuid"], "zone": l3["zoneUuid"]}
		if !c.chosen(row, map[string]string{"zoneUuids": "zone", "l3NetworkUuids": "l3", "ipRangeUuids": "uuid"}) {
			continue
		}
		if start, end, ok := rangeBounds(r); ok {
			total += addressNumber(end) - addressNumber(start) + 1
		}
		for _, address := range c.store.Tables["l3-networks/ip-address"] {
			if text(address, "ipRangeUuid") == text(r, "uuid") {
				used++
			}
		}
	}
	return record{
		"success": true, "totalCapacity": total, "availableCapacity": total - used, "usedIpAddressNumber": used,
		"ipv4TotalCapacity": total, "ipv4AvailableCapacity": total - used, "ipv4UsedIpAddressNumber": used,
	}, nil
}

func checkAddress(c *call) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l3 := c.text("l3NetworkUuid")
	if _, _, _, err := allocateAddress(c.store.ranges(l3), c.store.usedAddresses(l3), c.text("ip")); err != nil {
		return record{"available": false, "reason": err.Error()}, nil
	}
	return record{"available": true}, nil
}

func quotaUsage(c *call) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	uuid := c.text("uuid")
	if !c.account.admin && uuid != c.account.uuid {
		return nil, fail("ID.1002", "账户[%s]无权查看其他账户的配额", c.account.name)
	}
	used, usages := c.usage(uuid), []any{}
	for _, account := range c.accounts {
		if account.uuid != uuid {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(account.quotas)) {
			usages = append(usages, record{"name": name, "total": account.quotas[name], "used": used[name]})
		}
	}
	return record{"usages": usages}, nil
}
