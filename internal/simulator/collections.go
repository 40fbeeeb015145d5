package simulator

import (
	"net/url"
	"slices"
	"strings"
)

// A collection is a table that can be queried.
type collection struct {
	path  string // and the name of the table, without the leading slash
	name  string // of the query, without Query
	class string
	byID  bool // whether /path/{uuid} exists
	own   bool // other accounts see only what they own
}

var collections = []collection{
	{path: "zones", name: "Zone", class: "zone.ZoneInventory", byID: true},
	{path: "clusters", name: "Cluster", class: "cluster.ClusterInventory", byID: true},
	{path: "hosts", name: "Host", class: "host.HostInventory", byID: true},
	{path: "primary-storage", name: "PrimaryStorage", class: "storage.primary.PrimaryStorageInventory"},
	{path: "backup-storage", name: "BackupStorage", class: "storage.backup.BackupStorageInventory", byID: true},
	{path: "instance-offerings", name: "InstanceOffering", class: "configuration.InstanceOfferingInventory", byID: true},
	{path: "disk-offerings", name: "DiskOffering", class: "configuration.DiskOfferingInventory", byID: true},
	{path: "images", name: "Image", class: "image.ImageInventory", byID: true},
	{path: "l2-networks", name: "L2Network", class: "network.l2.L2NetworkInventory", byID: true},
	{path: "l3-networks", name: "L3Network", class: "network.l3.L3NetworkInventory", byID: true},
	{path: "l3-networks/ip-ranges", name: "IpRange", class: "network.l3.IpRangeInventory", byID: true},
	{path: "l3-networks/ip-address", name: "IpAddress", class: "network.l3.UsedIpInventory", byID: true},
	{path: "vm-instances", name: "VmInstance", class: "vm.VmInstanceInventory", byID: true, own: true},
	{path: "vm-instances/nics", name: "VmNic", class: "vm.VmNicInventory", byID: true, own: true},
	{path: "vm-instances/cdroms", name: "VmCdRom", class: "vm.cdrom.VmCdRomInventory", byID: true, own: true},
	{path: "volumes", name: "Volume", class: "volume.VolumeInventory", byID: true, own: true},
	{path: "volume-snapshots", name: "VolumeSnapshot", class: "storage.snapshot.VolumeSnapshotInventory", byID: true},
	{path: "volume-snapshots/group", name: "VolumeSnapshotGroup", class: "storage.snapshot.group.VolumeSnapshotGroupInventory", byID: true},
	{path: "volume-snapshots/trees", name: "VolumeSnapshotTree", class: "storage.snapshot.VolumeSnapshotTreeInventory", byID: true},
	{path: "ssh-key-pair", name: "SshKeyPair", class: "sshkeypair.SshKeyPairInventory", byID: true},
	{path: "user-tags", name: "UserTag", class: "tag.UserTagInventory", byID: true},
	{path: "system-tags", name: "SystemTag", class: "tag.SystemTagInventory", byID: true},
	{path: "tags", name: "Tag", class: "tag2.TagPatternInventory"},
	{path: "accounts", name: "Account", class: "identity.AccountInventory", byID: true},
	{path: "accounts/quotas", name: "Quota", class: "identity.QuotaInventory"},
	{path: "accesskeys", name: "AccessKey", class: "accessKey.AccessKeyInventory"},
	{path: "management-nodes", name: "ManagementNode", class: "managementnode.ManagementNodeInventory", byID: true},
	{path: "global-configurations", name: "GlobalConfig", class: "core.config.GlobalConfigInventory"},
}

// queryOperations declares GET /path and, where it exists, GET /path/{uuid}.
func queryOperations() []*operation {
	var ops []*operation
	for _, col := range collections {
		op := &operation{name: "Query" + col.name, method: "GET", path: "/" + col.path, sync: true, query: true,
			handle: func(c *call) (record, error) { return c.query(col, c.values()) }}
		ops = append(ops, op)
		if col.byID {
			one := *op
			one.path += "/{uuid}"
			one.handle = func(c *call) (record, error) { return c.queryOne(col, c.text("uuid")) }
			ops = append(ops, &one)
		}
	}
	return ops
}

func (c *call) query(col collection, values url.Values) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	deep := slices.ContainsFunc(values["q"], func(q string) bool { return strings.ContainsAny(q, "._") })
	result, err := runQuery(values, c.visible(col, c.store.queryable(col.path, deep)), c.now())
	if err != nil {
		return nil, err
	}
	return clone(result), nil
}

// queryOne ignores all parameters of the query language. A miss is no error.
func (c *call) queryOne(col collection, uuid string) (record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row := c.store.get(col.path, uuid)
	if col.path == "vm-instances" {
		row = c.store.vm(uuid)
	}
	if row == nil || len(c.visible(col, []record{row})) == 0 {
		return record{"inventories": []any{}}, nil
	}
	shown := clone(row)
	delete(shown, "internalId")
	if col.path == "vm-instances/nics" {
		delete(shown, "usedIpUuid")
	}
	return record{"inventories": []any{shown}}, nil
}

// visible leaves out what belongs to others.
func (c *call) visible(col collection, rows []record) []record {
	if !col.own || c.account.admin {
		return rows
	}
	return slices.DeleteFunc(rows, func(row record) bool {
		owner := text(row, "uuid")
		if col.path == "vm-instances/nics" || col.path == "vm-instances/cdroms" {
			owner = text(row, "vmInstanceUuid")
		}
		return c.store.Owners[owner] != c.account.uuid
	})
}

// classOf names the class of the objects that an operation answers with.
func classOf(op *operation) string {
	for _, col := range collections {
		if op.query && op.name == "Query"+col.name || !op.query && strings.Contains(op.name, col.name) {
			return "org.zstack.header." + col.class
		}
	}
	return ""
}
