package simulator

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// allocate finds a host and a storage for a VM and makes its disks, networks
// and drives. It may fail half-way: the caller cleans up.
func (c *call) allocate(vm record, p *creation) error {
	host, storage, err := c.findHost(p, text(vm, "architecture"))
	if err != nil {
		return err
	}
	c.enterHost(vm, host)
	if err := c.makeRoot(vm, p, storage); err != nil {
		return err
	}
	for i, d := range p.Disks {
		if err := c.makeDisk(vm, d, int64(i+1)); err != nil {
			return err
		}
	}
	for i, l3 := range p.L3s {
		if err := c.makeNIC(vm, p, l3, int64(i)); err != nil {
			return err
		}
	}
	setText(vm, "defaultL3NetworkUuid", p.DefaultL3)
	for i, iso := range p.ISOs {
		drive := record{
			"uuid": newUUID(), "vmInstanceUuid": vm["uuid"], "deviceId": int64(i),
			"name":       fmt.Sprintf("vm-%s-cdRom", vm["uuid"]),
			"createDate": formatDate(c.now()), "lastOpDate": formatDate(c.now()),
		}
		setText(drive, "isoUuid", iso)
		c.store.put("vm-instances/cdroms", drive)
	}
	return nil
}

// findHost picks the host with the most memory left of those that fit, and a
// storage for the root disk that the host reaches.
func (c *call) findHost(p *creation, arch string) (host, storage record, err error) {
	zone := c.zoneOf(p)
	var full error
	for _, candidate := range c.hostsByRoom() {
		cluster := text(candidate, "clusterUuid")
		if !c.takes(candidate, p, zone, arch) {
			continue
		}
		storage, err := c.findStorage(p.RootStorage, cluster, p.RootSize)
		if err != nil {
			full = cmp.Or(full, err)
			continue
		}
		return candidate, storage, nil
	}
	if full != nil {
		return nil, nil, full
	}
	return nil, nil, fail("HOST_ALLOCATION.1000", "没有可用的物理机: 需要cpu[%d], 内存[%d bytes], 区域[uuid:%s], 集群[uuid:%s], 物理机[uuid:%s]",
		p.CPU, p.Memory, zone, p.Cluster, p.Host)
}

// takes says whether a host is where a VM may go, and has room for it.
func (c *call) takes(host record, p *creation, zone, arch string) bool {
	cluster := text(host, "clusterUuid")
	switch {
	case p.Host != "" && text(host, "uuid") != p.Host,
		p.Cluster != "" && cluster != p.Cluster,
		text(host, "zoneUuid") != zone,
		text(host, "state") != "Enabled" || text(host, "status") != "Connected",
		text(c.store.get("clusters", cluster), "state") == "Disabled",
		text(host, "architecture") != arch,
		number(host, "availableCpuCapacity") < p.CPU,
		number(host, "availableMemoryCapacity") < p.Memory,
		!c.reaches(cluster, p.L3s),
		!c.canFetch(p.Image, zone):
		return false
	}
	return true
}

// canFetch says whether an image is on a backup storage that the zone reaches.
func (c *call) canFetch(image, zone string) bool {
	references := list(c.store.get("images", image), "backupStorageRefs")
	return len(references) == 0 || slices.ContainsFunc(references, func(ref record) bool {
		store := c.store.get("backup-storage", text(ref, "backupStorageUuid"))
		return slices.Contains(texts(store, "attachedZoneUuids"), zone)
	})
}

func (c *call) hostsByRoom() []record {
	hosts := make([]record, 0, len(c.store.Tables["hosts"]))
	for _, host := range c.store.Tables["hosts"] {
		hosts = append(hosts, host)
	}
	slices.SortFunc(hosts, func(a, b record) int {
		return cmp.Or(cmp.Compare(number(b, "availableMemoryCapacity"), number(a, "availableMemoryCapacity")),
			cmp.Compare(text(a, "name"), text(b, "name")))
	})
	return hosts
}

// reaches says whether the L2 networks below all the L3 networks are attached
// to the cluster.
func (c *call) reaches(cluster string, l3s []string) bool {
	for _, l3 := range l3s {
		l2 := c.store.get("l2-networks", text(c.store.get("l3-networks", l3), "l2NetworkUuid"))
		if !slices.Contains(texts(l2, "attachedClusterUuids"), cluster) {
			return false
		}
	}
	return true
}

// findStorage returns the wanted storage, or the one with the most room, if the
// cluster reaches it and size bytes fit.
func (c *call) findStorage(wanted, cluster string, size int64) (record, error) {
	var best record
	for _, storage := range c.store.Tables["primary-storage"] {
		switch {
		case wanted != "" && text(storage, "uuid") != wanted,
			!slices.Contains(texts(storage, "attachedClusterUuids"), cluster),
			text(storage, "state") != "Enabled" || text(storage, "status") != "Connected",
			number(storage, "availableCapacity") < size:
			continue
		}
		if best == nil || number(storage, "availableCapacity") > number(best, "availableCapacity") ||
			number(storage, "availableCapacity") == number(best, "availableCapacity") && text(storage, "name") < text(best, "name") {
			best = storage
		}
	}
	if best == nil {
		return nil, fail("PS.1000", "没有可用的主存储: 集群[uuid:%s], 指定的主存储[uuid:%s], 需要容量[%d bytes]", cluster, wanted, size)
	}
	return best, nil
}

// enterHost puts a VM on a host and takes its share.
func (c *call) enterHost(vm, host record) {
	for _, key := range []string{"zoneUuid", "clusterUuid", "hypervisorType"} {
		vm[key] = host[key]
	}
	vm["hostUuid"], vm["lastHostUuid"] = host["uuid"], host["uuid"]
	host["availableCpuCapacity"] = number(host, "availableCpuCapacity") - number(vm, "cpuNum")
	host["availableMemoryCapacity"] = number(host, "availableMemoryCapacity") - number(vm, "memorySize")
}

// leaveHost takes a VM off its host, which gets its share back.
func (s *store) leaveHost(vm record) {
	if host := s.get("hosts", text(vm, "hostUuid")); host != nil {
		host["availableCpuCapacity"] = number(host, "availableCpuCapacity") + number(vm, "cpuNum")
		host["availableMemoryCapacity"] = number(host, "availableMemoryCapacity") + number(vm, "memorySize")
	}
	delete(vm, "hostUuid")
}

// makeNIC gives a VM an interface on an L3 network. Tags and vmNicParams may
// say its address, MAC and UUID.
func (c *call) makeNIC(vm record, p *creation, l3 string, device int64) error {
	params := p.NICs[l3]
	tagged := func(name string) string { return first(withPrefix(p.Tags, name+"::"+l3+"::")) }
	network, now := c.store.get("l3-networks", l3), formatDate(c.now())
	nic := record{
		"uuid": cmp.Or(tagged("customNicUuid"), newUUID()), "vmInstanceUuid": vm["uuid"], "l3NetworkUuid": l3,
		"mac":            strings.ToLower(cmp.Or(tagged("customMac"), text(params, "mac"))),
		"hypervisorType": vm["hypervisorType"], "internalName": fmt.Sprintf("vnic%d.%d", number(vm, "internalId"), device),
		"ipVersion": int64(4), "driverType": cmp.Or(text(params, "driverType"), driverOf(p)), "deviceId": device,
		"type": cmp.Or(text(params, "VmNicType"), "VNIC"), "state": cmp.Or(text(params, "state"), "enable"),
		"usedIps": []any{}, "createDate": now, "lastOpDate": now,
	}
	setText(nic, "metaData", text(params, "metaData"))
	if text(nic, "mac") == "" {
		c.store.NextMAC++
		nic["mac"] = newMAC(c.store.NextMAC)
	}
	for _, other := range c.store.Tables["vm-instances/nics"] {
		if text(other, "mac") == text(nic, "mac") && text(other, "l3NetworkUuid") == l3 {
			return fail("VM.1009", "MAC地址[%s]在L3网络[uuid:%s]上已被占用", nic["mac"], l3)
		}
	}
	c.store.put("vm-instances/nics", nic)
	wanted := cmp.Or(tagged("staticIp"), text(params, "ip"))
	if ipam, _ := network["enableIPAM"].(bool); !ipam {
		setText(nic, "ip", wanted)
		return nil
	}
	if err := c.giveAddress(nic, wanted); err != nil {
		return err
	}
	if ip6 := text(params, "ip6"); ip6 != "" {
		return c.addIPv6(nic, ip6, params)
	}
	return nil
}

// addIPv6 gives a NIC the IPv6 address that vmNicParams names, beside the other.
func (c *call) addIPv6(nic record, wanted string, params record) error {
	ip, err := netip.ParseAddr(wanted)
	if err != nil || !ip.Is6() || c.store.usedAddresses(text(nic, "l3NetworkUuid"))[ip.String()] {
		return fail("L3.1000", "无法在L3网络[uuid:%s]上分配IP[%s]", text(nic, "l3NetworkUuid"), wanted)
	}
	now := formatDate(c.now())
	used := record{
		"uuid": newUUID(), "l3NetworkUuid": nic["l3NetworkUuid"], "vmNicUuid": nic["uuid"], "ipVersion": int64(6),
		"ip": ip.String(), "ipInLong": int64(0), "ipInBinary": addressBytes(ip), "createDate": now, "lastOpDate": now,
	}
	setText(used, "gateway", text(params, "gateway6"))
	setText(used, "netmask", text(params, "prefix6"))
	c.store.put("l3-networks/ip-address", used)
	others, _ := nic["usedIps"].([]any)
	nic["usedIps"] = append(slices.Clone(others), any(clone(used)))
	return nil
}

func driverOf(p *creation) string {
	if p.Virtio {
		return "virtio"
	}
	return "e1000"
}

// giveAddress allocates an address for a NIC that has none.
func (c *call) giveAddress(nic record, wanted string) error {
	l3 := text(nic, "l3NetworkUuid")
	ranges := c.store.ranges(l3)
	ip, netmask, gateway, err := allocateAddress(ranges, c.store.usedAddresses(l3), wanted)
	if err != nil {
		return fail("L3.1000", "无法在L3网络[uuid:%s]上分配IP[%s]: %v", l3, wanted, err)
	}
	parsed, now := netip.MustParseAddr(ip), formatDate(c.now())
	used := record{
		"uuid": newUUID(), "l3NetworkUuid": l3, "vmNicUuid": nic["uuid"], "ipVersion": int64(4),
		"ip": ip, "netmask": netmask, "gateway": gateway, "ipRangeUuid": rangeOf(ranges, parsed),
		"ipInLong": addressNumber(parsed), "ipInBinary": addressBytes(parsed),
		"createDate": now, "lastOpDate": now,
	}
	c.store.put("l3-networks/ip-address", used)
	nic["usedIps"], nic["usedIpUuid"] = []any{clone(used)}, used["uuid"]
	nic["ip"], nic["netmask"], nic["gateway"] = ip, netmask, gateway
	return nil
}

// releaseNICs returns the addresses of a VM to the pool. The NICs stay.
func (c *call) releaseNICs(vm string) {
	for _, nic := range c.store.partsOf("vm-instances/nics", vm) {
		c.releaseAddress(nic)
	}
}

func (c *call) releaseAddress(nic record) {
	for _, used := range list(nic, "usedIps") {
		c.store.remove("l3-networks/ip-address", text(used, "uuid"))
	}
	nic["usedIps"] = []any{}
	for _, key := range []string{"ip", "netmask", "gateway", "usedIpUuid"} {
		delete(nic, key)
	}
}

// ranges returns the ranges of an L3 network in the order of their addresses.
func (s *store) ranges(l3 string) []record {
	var ranges []record
	for _, r := range s.Tables["l3-networks/ip-ranges"] {
		if text(r, "l3NetworkUuid") == l3 {
			ranges = append(ranges, r)
		}
	}
	slices.SortFunc(ranges, func(a, b record) int {
		x, _, _ := rangeBounds(a)
		y, _, _ := rangeBounds(b)
		return x.Compare(y)
	})
	return ranges
}

// usedAddresses returns the addresses that are taken on an L3 network.
func (s *store) usedAddresses(l3 string) map[string]bool {
	used := map[string]bool{}
	for _, address := range s.Tables["l3-networks/ip-address"] {
		if text(address, "l3NetworkUuid") == l3 {
			used[text(address, "ip")] = true
		}
	}
	return used
}
