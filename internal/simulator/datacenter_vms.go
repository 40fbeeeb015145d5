package simulator

import (
	"cmp"
	"fmt"
	"net/netip"
)

// dcFirstMAC numbers the NICs of the data center file from the end of the
// prefix, so that the server may count from 0 for those that it makes.
const dcFirstMAC = 0xff0000

// machines adds the VMs that are there from the start, running.
func (b *dcBuilder) machines(file *dcFile) {
	for n, vm := range file.VMs {
		b.machine(int64(n+1), vm)
	}
}

func (b *dcBuilder) machine(id int64, vm dcVM) {
	host := b.find("hosts", vm.Host, vm.Name, "host")
	image := b.find("images", vm.Image, vm.Name, "image")
	storage := b.find("primary-storage", vm.PrimaryStorage, vm.Name, "primaryStorage")
	cpu, memory := vm.CPU, int64(vm.Memory)
	fields := record{
		"zoneUuid":             host["zoneUuid"],
		"clusterUuid":          host["clusterUuid"],
		"hostUuid":             host["uuid"],
		"lastHostUuid":         host["uuid"],
		"imageUuid":            image["uuid"],
		"platform":             image["platform"],
		"guestOsType":          image["guestOsType"],
		"architecture":         cmp.Or(text(image, "architecture"), "x86_64"),
		"type":                 cmp.Or(vm.Type, "UserVm"),
		"hypervisorType":       host["hypervisorType"],
		"reservedMemorySize":   int64(0),
		"cpuSpeed":             int64(0),
		"allocatorStrategy":    "LeastVmPreferredHostAllocatorStrategy",
		"state":                "Running",
		"internalId":           id,
		"vmNics":               []any{},
		"allVolumes":           []any{},
		"vmCdRoms":             []any{},
		"defaultL3NetworkUuid": nil,
	}
	if vm.InstanceOffering.text != "" {
		offering := b.find("instance-offerings", vm.InstanceOffering, vm.Name, "instanceOffering")
		fields["instanceOfferingUuid"] = offering["uuid"]
		cpu, memory = number(offering, "cpuNum"), number(offering, "memorySize")
	}
	if cpu <= 0 || memory <= 0 {
		b.fail(vm.Name.line, "%q needs instanceOffering, or cpu and memory above zero", vm.Name.text)
	}
	fields["cpuNum"], fields["memorySize"] = cpu, memory
	row := b.add("vm-instances", vm.DatacenterEntry, fields)
	if host["uuid"] != nil {
		host["availableCpuCapacity"] = number(host, "availableCpuCapacity") - cpu
		host["availableMemoryCapacity"] = number(host, "availableMemoryCapacity") - memory
	}
	size := int64(cmp.Or(vm.RootDisk, dcSize(number(image, "size"))))
	root := b.volume(DatacenterEntry{Name: dcText{"ROOT-for-" + vm.Name.text, vm.Name.line}}, storage, record{
		"type": "Root", "size": size, "actualSize": size / 4, "deviceId": int64(0),
		"vmInstanceUuid": row["uuid"], "rootImageUuid": image["uuid"], "lastAttachDate": dcCreated,
	})
	fields["rootVolumeUuid"] = root["uuid"]
	b.nics(vm, row)
	b.tag(vm, row)
	dropNulls(row)
}

// nics gives a VM its NICs, in the order of the file. The first is the default.
func (b *dcBuilder) nics(vm dcVM, row record) {
	nics := make([]any, 0, len(vm.NICs))
	for n, entry := range vm.NICs {
		network := b.find("l3-networks", entry.Network, vm.Name, "network")
		if network["uuid"] == nil {
			continue
		}
		if n == 0 {
			row["defaultL3NetworkUuid"] = network["uuid"]
		}
		nic, err := b.nic(n, row, network, entry.IP.text)
		if err != nil {
			b.fail(cmp.Or(entry.IP.line, entry.Network.line), "nic of %q: %v", vm.Name.text, err)
			continue
		}
		nics = append(nics, clone(nic))
	}
	row["vmNics"] = nics
}

func (b *dcBuilder) nic(n int, vm, network record, wanted string) (record, error) {
	l3 := text(network, "uuid")
	var ranges []record
	for _, uuid := range b.dc.order["l3-networks/ip-ranges"] {
		if r := b.dc.tables["l3-networks/ip-ranges"][uuid]; r["l3NetworkUuid"] == l3 {
			ranges = append(ranges, r)
		}
	}
	used := make(map[string]bool)
	for _, address := range b.dc.tables["l3-networks/ip-address"] {
		if address["l3NetworkUuid"] == l3 {
			used[text(address, "ip")] = true
		}
	}
	ip, netmask, gateway, err := allocateAddress(ranges, used, wanted)
	if err != nil {
		return nil, err
	}
	uuid := derivedUUID("nic", fmt.Sprintf("%s/%d", text(vm, "uuid"), n))
	parsed := netip.MustParseAddr(ip)
	address := b.put("l3-networks/ip-address", derivedUUID("ip", l3+"/"+ip), record{
		"l3NetworkUuid": l3, "vmNicUuid": uuid, "ipVersion": int64(4),
		"ip": ip, "netmask": netmask, "gateway": gateway,
		"ipInLong": addressNumber(parsed), "ipInBinary": addressBytes(parsed),
		"ipRangeUuid": rangeOf(ranges, parsed),
	})
	nic := b.put("vm-instances/nics", uuid, record{
		"vmInstanceUuid": vm["uuid"], "l3NetworkUuid": l3, "usedIpUuid": address["uuid"],
		"ip": ip, "netmask": netmask, "gateway": gateway, "mac": newMAC(dcFirstMAC + b.macs),
		"hypervisorType": vm["hypervisorType"], "internalName": fmt.Sprintf("vnic%d.%d", vm["internalId"], n),
		"ipVersion": int64(4), "driverType": "virtio", "deviceId": int64(n), "type": "VNIC",
		"state": "enable", "usedIps": []any{clone(address)},
	})
	b.macs++
	return nic, nil
}

// rangeOf returns the UUID of the range that an address is in.
func rangeOf(ranges []record, address netip.Addr) any {
	for _, r := range ranges {
		if start, end, ok := rangeBounds(r); ok && !address.Less(start) && !end.Less(address) {
			return r["uuid"]
		}
	}
	return nil
}

// addressNumber is an IPv4 address as a number, 0 for any other.
func addressNumber(address netip.Addr) int64 {
	if !address.Is4() {
		return 0
	}
	var n int64
	for _, octet := range address.AsSlice() {
		n = n<<8 | int64(octet)
	}
	return n
}

// addressBytes are the octets of an address as the server writes them: signed.
func addressBytes(address netip.Addr) []any {
	var octets []any
	for _, octet := range address.AsSlice() {
		octets = append(octets, int64(int8(octet)))
	}
	return octets
}

func (b *dcBuilder) tag(vm dcVM, row record) {
	uuid := text(row, "uuid")
	put := func(table, tag string, fields record) {
		fields["resourceUuid"], fields["resourceType"], fields["tag"] = uuid, "VmInstanceVO", tag
		b.put(table, derivedUUID(table, uuid+"/"+tag), fields)
	}
	for _, ref := range vm.Tags {
		pattern := b.find("tags", ref, vm.Name, "tags")
		put("user-tags", text(pattern, "value"), record{
			"type": "User", "tagPatternUuid": pattern["uuid"], "tagPattern": clone(pattern),
		})
	}
	for _, tag := range vm.UserTags {
		put("user-tags", tag, record{"type": "User"})
	}
	for _, tag := range vm.SystemTags {
		put("system-tags", tag, record{"type": "System", "inherent": false})
	}
}

// dropNulls removes what has no value: the API leaves such fields out.
func dropNulls(row record) {
	for key, value := range row {
		if value == nil {
			delete(row, key)
		}
	}
}
