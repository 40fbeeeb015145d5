package simulator

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vmFields, nicFields and volumeFields are what the server documents for a
// running VM and its parts.
var (
	vmFields = []string{"uuid", "name", "description", "zoneUuid", "clusterUuid", "imageUuid", "hostUuid", "lastHostUuid",
		"instanceOfferingUuid", "rootVolumeUuid", "platform", "architecture", "defaultL3NetworkUuid", "type", "hypervisorType",
		"memorySize", "reservedMemorySize", "cpuNum", "cpuSpeed", "allocatorStrategy", "createDate", "lastOpDate", "state",
		"guestOsType", "internalId", "vmNics", "allVolumes", "vmCdRoms"}
	nicFields = []string{"uuid", "vmInstanceUuid", "l3NetworkUuid", "usedIpUuid", "ip", "netmask", "gateway", "mac",
		"hypervisorType", "internalName", "ipVersion", "driverType", "usedIps", "deviceId", "type", "createDate", "lastOpDate"}
	volumeFields = []string{"uuid", "name", "primaryStorageUuid", "vmInstanceUuid", "rootImageUuid", "installPath", "type",
		"format", "size", "actualSize", "deviceId", "state", "status", "isShareable", "createDate", "lastOpDate", "lastAttachDate"}
)

func missing(row record, fields []string) []string {
	return slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return row[f] != nil })
}

func TestCreateAnswersWithTheWholeVM(t *testing.T) {
	c := newCloud(t)
	app, db := c.id("l3-networks", "app-net"), c.id("l3-networks", "db-net")
	vm := c.create(record{
		"description": "the first", "resourceUuid": "11111111111141118111111111111111",
		"l3NetworkUuids": []any{app, db}, "defaultL3NetworkUuid": db,
		"dataDiskOfferingUuids": []any{c.id("disk-offerings", "ssd-100g")}, "dataDiskSizes": []any{10 << 30},
		"primaryStorageUuidForRootVolume": c.id("primary-storage", "ps-ssd"),
		"systemTags":                      []any{"hostname::web-1", "staticIp::" + app + "::10.0.3.7"},
		"userTags":                        []any{"env:prod"},
	})
	if m := missing(vm, vmFields); len(m) > 0 {
		t.Errorf("fields of the VM are missing: %v", m)
	}
	nics, volumes := list(vm, "vmNics"), list(vm, "allVolumes")
	if len(nics) != 2 || len(volumes) != 3 || len(list(vm, "vmCdRoms")) != 1 {
		t.Fatalf("%d nics, %d volumes, %d drives", len(nics), len(volumes), len(list(vm, "vmCdRoms")))
	}
	if m := missing(nics[0], nicFields); len(m) > 0 {
		t.Errorf("fields of the NIC are missing: %v", m)
	}
	if m := missing(volumes[0], volumeFields); len(m) > 0 {
		t.Errorf("fields of the root volume are missing: %v", m)
	}
	got := record{
		"uuid": vm["uuid"], "state": vm["state"], "default": vm["defaultL3NetworkUuid"], "cpu": vm["cpuNum"], "memory": vm["memorySize"],
		"ip": nics[0]["ip"], "root": volumes[0]["name"], "rootSize": volumes[0]["size"], "rootStore": volumes[0]["primaryStorageUuid"],
		"disk": volumes[1]["name"], "diskSize": volumes[1]["size"], "last": volumes[2]["size"],
	}
	want := record{
		"uuid": "11111111111141118111111111111111", "state": "Running", "default": db, "cpu": int64(2), "memory": int64(4 << 30),
		"ip": "10.0.3.7", "root": "ROOT-for-web", "rootSize": int64(40 << 30), "rootStore": c.id("primary-storage", "ps-ssd"),
		"disk": "DATA-for-web", "diskSize": int64(100 << 30), "last": int64(10 << 30),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"hostname::web-1", "staticIp::" + app + "::10.0.3.7", "syncPorts::" + text(vm, "uuid")}, c.tags("system-tags", vm)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"env:prod"}, c.tags("user-tags", vm)); diff != "" {
		t.Error(diff)
	}
	if f := c.sim.Findings(); len(f) > 0 {
		t.Errorf("findings: %v", f)
	}
}

// tags returns the tags of a VM in order.
func (c *testCloud) tags(table string, vm record) []string {
	c.Helper()
	var found []string
	for _, row := range list(c.send("GET", "/"+table+"?q=resourceUuid="+text(vm, "uuid"), "").body, "inventories") {
		found = append(found, text(row, "tag"))
	}
	slices.Sort(found)
	return found
}

func TestCreateRules(t *testing.T) {
	c := newCloud(t)
	app, db := c.id("l3-networks", "app-net"), c.id("l3-networks", "db-net")
	iso := c.id("images", "centos-7.9-iso")
	c.alter("hosts", "host-a-05", record{"status": "Disconnected"})
	for name, test := range map[string]struct {
		fields record
		codes  string
	}{
		"no name":                  {record{"name": nil}, "SYS.1007"},
		"name too long":            {record{"name": strings.Repeat("名", 256)}, "SYS.1007"},
		"name of 255 characters":   {record{"name": strings.Repeat("名", 255)}, ""},
		"strategy unknown":         {record{"strategy": "Later"}, "SYS.1007"},
		"image does not exist":     {record{"imageUuid": "22222222222242228222222222222222"}, "SYS.1003"},
		"image disabled":           {record{"imageUuid": c.id("images", "old-image")}, "SYS.1006"},
		"image is for data":        {record{"imageUuid": c.id("images", "data-template")}, "SYS.1007"},
		"no size":                  {record{"instanceOfferingUuid": nil}, "SYS.1006"},
		"sizes":                    {record{"instanceOfferingUuid": nil, "cpuNum": 1, "memorySize": 1 << 30}, ""},
		"reserved over memory":     {record{"instanceOfferingUuid": nil, "cpuNum": 1, "memorySize": 1 << 30, "reservedMemorySize": 2 << 30}, "SYS.1006"},
		"reserved with offering":   {record{"reservedMemorySize": 64 << 30}, ""},
		"reserved below zero":      {record{"reservedMemorySize": -1}, "SYS.1007"},
		"no place":                 {record{"l3NetworkUuids": nil}, "SYS.1006"},
		"place only":               {record{"l3NetworkUuids": nil, "clusterUuid": c.id("clusters", "kvm-b")}, ""},
		"network twice":            {record{"l3NetworkUuids": []any{app, app}}, "SYS.1006"},
		"system network":           {record{"l3NetworkUuids": []any{c.id("l3-networks", "mgmt-net")}}, "SYS.1006"},
		"no default of two":        {record{"l3NetworkUuids": []any{app, db}}, "SYS.1007"},
		"default of two":           {record{"l3NetworkUuids": []any{app, db}, "defaultL3NetworkUuid": app}, ""},
		"default elsewhere":        {record{"defaultL3NetworkUuid": db}, "SYS.1007"},
		"default without a list":   {record{"l3NetworkUuids": nil, "clusterUuid": c.id("clusters", "kvm-a"), "defaultL3NetworkUuid": db}, "SYS.1000"},
		"host not connected":       {record{"hostUuid": c.id("hosts", "host-a-05")}, "SYS.1006"},
		"cluster in another zone":  {record{"clusterUuid": c.id("clusters", "kvm-c")}, "SYS.1006>HOST_ALLOCATION.1000"},
		"ISO without a root disk":  {record{"imageUuid": iso}, "SYS.1007"},
		"ISO with an empty disk":   {record{"imageUuid": iso, "rootDiskSize": 0}, "SYS.1006"},
		"ISO with a root disk":     {record{"imageUuid": iso, "rootDiskSize": 20 << 30}, ""},
		"no image":                 {record{"imageUuid": nil}, "SYS.1007"},
		"no image, all said":       {record{"imageUuid": nil, "rootDiskSize": 1 << 30, "platform": "Linux", "guestOsType": "x", "architecture": "x86_64"}, ""},
		"data disk of no size":     {record{"dataDiskSizes": []any{0}}, "SYS.1006"},
		"storage not reached":      {record{"primaryStorageUuidForRootVolume": c.id("primary-storage", "ps-c")}, "SYS.1006>PS.1000"},
		"no host is that large":    {record{"instanceOfferingUuid": nil, "cpuNum": 1000, "memorySize": 1 << 30}, "SYS.1006>HOST_ALLOCATION.1000"},
		"no storage is that large": {record{"rootDiskSize": int64(1) << 60}, "SYS.1006>PS.1000"},
		"address out of range":     {record{"systemTags": []any{"staticIp::" + app + "::192.168.1.1"}}, "SYS.1006>L3.1000"},
		"address taken":            {record{"systemTags": []any{"staticIp::" + app + "::10.0.15.200"}}, "SYS.1006"},
		"tag unknown":              {record{"systemTags": []any{"colour::red"}}, "SYS.1007"},
		"tag of a volume":          {record{"systemTags": []any{"capability::virtio-scsi"}}, "SYS.1007"},
		"hostname wrong":           {record{"systemTags": []any{"hostname::web_1"}}, "SYS.1007"},
		"hostname below no TLD":    {record{"systemTags": []any{"hostname::web.corp"}}, "SYS.1007"},
		"two hostnames":            {record{"systemTags": []any{"hostname::a", "hostname::b"}}, "SYS.1007"},
		"a tag twice":              {record{"systemTags": []any{"hostname::a", "hostname::a"}}, ""},
		"userdata no base64":       {record{"systemTags": []any{"userdata::%%%"}}, "SYS.1000"},
		"MAC twice":                {record{"systemTags": []any{"customMac::" + app + "::fa:00:00:00:00:01", "customMac::" + db + "::FA:00:00:00:00:01"}}, "SYS.1006"},
		"resourceUuid no UUID":     {record{"resourceUuid": "11111111111111111111111111111111"}, "SYS.1007"},
		"vmNicParams no JSON":      {record{"vmNicParams": "["}, "SYS.1006"},
		"vmNicParams elsewhere":    {record{"vmNicParams": `[{"l3NetworkUuid":"` + db + `"}]`}, "SYS.1007"},
		"vmNicParams":              {record{"vmNicParams": `[{"l3NetworkUuid":"` + app + `","driverType":"e1000"}]`}, ""},
		"vmNicParams too slow":     {record{"vmNicParams": `[{"l3NetworkUuid":"` + app + `","outboundBandwidth":1}]`}, "SYS.1007"},
		"no boot disk":             {record{"diskAOs": []any{record{"size": 1 << 30}}}, "SYS.1007"},
		"disk of two sources":      {record{"diskAOs": []any{record{"boot": true}, record{"size": 1 << 30, "templateUuid": "x"}}}, "SYS.1006"},
		"key does not exist":       {record{"sshKeyPairUuids": []any{"22222222222242228222222222222222"}}, "SYS.1006"},
	} {
		t.Run(name, func(t *testing.T) {
			c := *c
			c.T = t
			a := c.call("POST", "/vm-instances", c.params(test.fields))
			if a.codes() != test.codes {
				t.Fatalf("got %q, want %q: %s", a.codes(), test.codes, a.raw)
			}
			if test.codes != "" && a.status != 503 {
				t.Errorf("status %d, want 503", a.status)
			}
		})
	}
}

func TestPrecedenceAndOfferingWin(t *testing.T) {
	c := newCloud(t)
	host := c.id("hosts", "host-b-03")
	vm := c.create(record{
		"zoneUuid": c.id("zones", "shanghai-2"), "clusterUuid": c.id("clusters", "kvm-a"), "hostUuid": host,
		"cpuNum": 99, "memorySize": 1 << 20,
	})
	want := record{"hostUuid": host, "clusterUuid": c.id("clusters", "kvm-b"), "zoneUuid": c.id("zones", "shanghai-1"), "cpuNum": int64(2)}
	got := maps.Clone(vm)
	maps.DeleteFunc(got, func(key string, _ any) bool { return want[key] == nil })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFailedCreationLeavesNothing(t *testing.T) {
	c := newCloud(t)
	app := c.id("l3-networks", "app-net")
	before := c.capacities()
	uuid := "33333333333343338333333333333333"
	fields := record{"resourceUuid": uuid, "dataDiskSizes": []any{1 << 30}, "systemTags": []any{"staticIp::" + app + "::1.1.1.1"}}
	if a := c.call("POST", "/vm-instances", c.params(fields)); a.codes() != "SYS.1006>L3.1000" {
		t.Fatal(a.raw)
	}
	if vm := c.vm(uuid); vm != nil {
		t.Errorf("the VM is still there: %v", vm)
	}
	if diff := cmp.Diff(before, c.capacities()); diff != "" {
		t.Error(diff)
	}
	delete(fields, "systemTags")
	c.create(fields) // the UUID is free again
	burnt := record{"resourceUuid": "44444444444444448444444444444444", "sshKeyPairUuids": []any{uuid}}
	c.call("POST", "/vm-instances", c.params(burnt))
	delete(burnt, "sshKeyPairUuids")
	if a := c.call("POST", "/vm-instances", c.params(burnt)); a.codes() != "SYS.1000" {
		t.Errorf("a UUID that failed at its keys is free: %s", a.raw)
	}
}

// capacities returns what is left everywhere, and how many rows there are.
func (c *testCloud) capacities() record {
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	left := record{}
	for _, table := range []string{"hosts", "primary-storage"} {
		for uuid, row := range c.sim.store.Tables[table] {
			left[uuid] = []int64{number(row, "availableCpuCapacity"), number(row, "availableMemoryCapacity"), number(row, "availableCapacity")}
		}
	}
	for _, table := range []string{"vm-instances", "vm-instances/nics", "volumes", "l3-networks/ip-address", "system-tags"} {
		left[table] = len(c.sim.store.Tables[table])
	}
	return left
}

// TestIPv6OfNICParams: vmNicParams may give a NIC an IPv6 address beside the
// other, and only one NIC can have it.
func TestIPv6OfNICParams(t *testing.T) {
	c := newCloud(t)
	app := c.id("l3-networks", "app-net")
	params := record{"vmNicParams": `[{"l3NetworkUuid":"` + app + `","ip6":"fd00::2","prefix6":"64","gateway6":"fd00::1"}]`}
	vm := c.create(params)
	used := list(list(vm, "vmNics")[0], "usedIps")
	if len(used) != 2 || text(used[1], "ip") != "fd00::2" || text(used[1], "gateway") != "fd00::1" || number(used[1], "ipVersion") != 6 {
		t.Errorf("addresses %v", used)
	}
}
