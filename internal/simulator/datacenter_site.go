package simulator

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// infrastructure adds zones, clusters, hosts and storage.
func (b *dcBuilder) infrastructure(file *dcFile) {
	for _, zone := range file.Zones {
		b.add("zones", zone.DatacenterEntry, record{
			"state": cmp.Or(zone.State, "Enabled"), "type": "zstack", "isDefault": zone.Default,
		})
	}
	for _, cluster := range file.Clusters {
		zone := b.find("zones", cluster.Zone, cluster.Name, "zone")
		b.add("clusters", cluster.DatacenterEntry, record{
			"zoneUuid":       zone["uuid"],
			"hypervisorType": cmp.Or(cluster.Hypervisor, "KVM"),
			"architecture":   cmp.Or(cluster.Architecture, "x86_64"),
			"state":          cmp.Or(cluster.State, "Enabled"),
			"type":           "zstack",
		})
	}
	for _, host := range file.Hosts {
		b.host(host)
	}
	for _, storage := range file.BackupStorages {
		b.add("backup-storage", storage.DatacenterEntry, record{
			"type":              cmp.Or(storage.Type, "ImageStoreBackupStorage"),
			"url":               "/zstack_bs",
			"state":             cmp.Or(storage.State, "Enabled"),
			"status":            "Connected",
			"totalCapacity":     int64(storage.Capacity),
			"availableCapacity": int64(storage.Capacity),
			"attachedZoneUuids": b.findAll("zones", storage.Zones, storage.Name, "zones"),
		})
	}
	for _, storage := range file.PrimaryStorages {
		b.primaryStorage(storage)
	}
	if len(b.problems) == 0 {
		dateless(b.put("management-nodes", derivedUUID("management-nodes", "simulator"), record{
			"hostName": "127.0.0.1", "joinDate": dcCreated, "heartBeat": dcCreated,
		}))
	}
}

func (b *dcBuilder) host(host dcHost) {
	cluster := b.find("clusters", host.Cluster, host.Name, "cluster")
	if host.CPU <= 0 || host.Memory <= 0 {
		b.fail(host.Name.line, "%q needs cpu and memory above zero", host.Name.text)
	}
	var address netip.Addr
	if ip := host.ManagementIP; ip.text != "" {
		parsed, err := netip.ParseAddr(ip.text)
		if err != nil {
			b.fail(ip.line, "managementIp of %q: %q is not an address", host.Name.text, ip.text)
		}
		address = parsed
	}
	if host.Count < 0 || host.Count > 0 && host.UUID.text != "" {
		b.fail(host.Name.line, "%q: count must be above zero and goes without uuid", host.Name.text)
		return
	}
	for n := range max(host.Count, 1) {
		entry := host.DatacenterEntry
		if host.Count > 0 {
			entry.Name.text = fmt.Sprintf("%s-%02d", host.Name.text, n+1)
		}
		fields := record{
			"zoneUuid":                cluster["zoneUuid"],
			"clusterUuid":             cluster["uuid"],
			"hypervisorType":          cluster["hypervisorType"],
			"architecture":            cluster["architecture"],
			"state":                   cmp.Or(host.State, "Enabled"),
			"status":                  cmp.Or(host.Status, "Connected"),
			"cpuNum":                  host.CPU,
			"cpuSockets":              int64(2),
			"totalCpuCapacity":        host.CPU,
			"availableCpuCapacity":    host.CPU,
			"totalMemoryCapacity":     int64(host.Memory),
			"availableMemoryCapacity": int64(host.Memory),
		}
		if address.IsValid() {
			fields["managementIp"] = address.String()
			address = address.Next()
		}
		b.add("hosts", entry, fields)
	}
}

func (b *dcBuilder) primaryStorage(storage dcPrimaryStorage) {
	zone := b.find("zones", storage.Zone, storage.Name, "zone")
	clusters := b.findAll("clusters", storage.Clusters, storage.Name, "clusters")
	b.sameZone(storage.Name, zone, clusters)
	kind := cmp.Or(storage.Type, "LocalStorage")
	b.add("primary-storage", storage.DatacenterEntry, record{
		"zoneUuid":                  zone["uuid"],
		"url":                       primaryStorageURL(kind, storage.Name.text),
		"type":                      kind,
		"state":                     cmp.Or(storage.State, "Enabled"),
		"status":                    cmp.Or(storage.Status, "Connected"),
		"totalCapacity":             int64(storage.Capacity),
		"availableCapacity":         int64(storage.Capacity),
		"totalPhysicalCapacity":     int64(storage.Capacity),
		"availablePhysicalCapacity": int64(storage.Capacity),
		"systemUsedCapacity":        int64(0),
		"attachedClusterUuids":      clusters,
	})
}

func primaryStorageURL(kind, name string) string {
	if kind == "NFS" {
		return "nas.example.com:/" + name
	}
	return "/" + name
}

// sameZone refuses clusters of another zone than that of their network or
// storage.
func (b *dcBuilder) sameZone(owner dcText, zone record, clusters []any) {
	for _, uuid := range clusters {
		id, _ := uuid.(string)
		cluster := b.dc.tables["clusters"][id]
		if cluster != nil && zone["uuid"] != nil && cluster["zoneUuid"] != zone["uuid"] {
			b.fail(owner.line, "%q is in zone %v, its cluster %v is not", owner.text, zone["name"], cluster["name"])
		}
	}
}

// networks adds L2 and L3 networks and their ranges.
func (b *dcBuilder) networks(file *dcFile) {
	for _, l2 := range file.L2Networks {
		zone := b.find("zones", l2.Zone, l2.Name, "zone")
		clusters := b.findAll("clusters", l2.Clusters, l2.Name, "clusters")
		b.sameZone(l2.Name, zone, clusters)
		fields := record{
			"zoneUuid":             zone["uuid"],
			"type":                 cmp.Or(l2.Type, "L2NoVlanNetwork"),
			"physicalInterface":    cmp.Or(l2.PhysicalInterface, "bond0"),
			"attachedClusterUuids": clusters,
		}
		if l2.VLAN != nil {
			fields["vlan"] = *l2.VLAN
			fields["virtualNetworkId"] = *l2.VLAN
		}
		b.add("l2-networks", l2.DatacenterEntry, fields)
	}
	for _, l3 := range file.L3Networks {
		b.l3Network(l3)
	}
}

func (b *dcBuilder) l3Network(l3 dcL3Network) {
	l2 := b.find("l2-networks", l3.L2Network, l3.Name, "l2Network")
	dns := make([]any, 0, len(l3.DNS))
	for _, server := range l3.DNS {
		dns = append(dns, server)
	}
	kind := "L3BasicNetwork"
	category := cmp.Or(l3.Category, "Private")
	if !slices.Contains([]string{"Public", "Private", "System"}, category) {
		b.fail(l3.Name.line, "category of %q: %q is none of Public, Private, System", l3.Name.text, category)
	}
	fields := record{
		"zoneUuid":        l2["zoneUuid"],
		"l2NetworkUuid":   l2["uuid"],
		"state":           cmp.Or(l3.State, "Enabled"),
		"type":            kind,
		"category":        category,
		"system":          l3.System,
		"ipVersion":       int64(4),
		"enableIPAM":      len(l3.Ranges) > 0,
		"dns":             dns,
		"networkServices": []any{},
		"hostRoute":       []any{},
	}
	if l3.Domain != "" {
		fields["dnsDomain"] = l3.Domain
	}
	network := b.add("l3-networks", l3.DatacenterEntry, fields)
	ranges := make([]any, 0, len(l3.Ranges))
	for n, entry := range l3.Ranges {
		if ipRange := b.ipRange(network, n, entry); ipRange != nil {
			ranges = append(ranges, clone(ipRange))
		}
	}
	fields["ipRanges"] = ranges
}

// ipRange adds the n-th range of a network; nil when it makes no sense.
func (b *dcBuilder) ipRange(network record, n int, entry dcRange) record {
	name := fmt.Sprintf("%s-range-%d", text(network, "name"), n+1)
	for _, address := range []dcText{entry.Start, entry.End, entry.Netmask, entry.Gateway} {
		if ip, err := netip.ParseAddr(address.text); err != nil || !ip.Is4() {
			b.fail(cmp.Or(address.line, entry.Start.line),
				"range %d of %q: %q is not an IPv4 address; a range needs start, end, netmask and gateway",
				n+1, text(network, "name"), address.text)
			return nil
		}
	}
	start, end := netip.MustParseAddr(entry.Start.text), netip.MustParseAddr(entry.End.text)
	bits, ok := maskBits(netip.MustParseAddr(entry.Netmask.text))
	prefix := netip.PrefixFrom(start, bits).Masked()
	switch {
	case !ok:
		b.fail(entry.Netmask.line, "%q is not a netmask", entry.Netmask.text)
		return nil
	case end.Less(start):
		b.fail(entry.End.line, "the range ends at %s, before it starts at %s", end, start)
		return nil
	case !prefix.Contains(end):
		b.fail(entry.End.line, "the range leaves its network %s", prefix)
		return nil
	}
	return b.add("l3-networks/ip-ranges", DatacenterEntry{Name: dcText{name, entry.Start.line}, UUID: entry.UUID}, record{
		"l3NetworkUuid": network["uuid"],
		"startIp":       entry.Start.text,
		"endIp":         entry.End.text,
		"netmask":       entry.Netmask.text,
		"gateway":       entry.Gateway.text,
		"networkCidr":   prefix.String(),
		"ipVersion":     int64(4),
		"prefixLen":     int64(bits),
		"ipRangeType":   "Normal",
	})
}
