package simulator

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func exampleDatacenter(t testing.TB) *datacenter {
	t.Helper()
	data, err := os.ReadFile("../../examples/datacenter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dc, err := parseDatacenter(data)
	if err != nil {
		t.Fatal(err)
	}
	return dc
}

// named returns the only record of a table with that name.
func named(t testing.TB, dc *datacenter, table, name string) record {
	t.Helper()
	var found record
	for _, row := range dc.tables[table] {
		if row["name"] == name {
			if found != nil {
				t.Fatalf("two records of %s are named %q", table, name)
			}
			found = row
		}
	}
	if found == nil {
		t.Fatalf("no record of %s is named %q", table, name)
	}
	return found
}

func TestExampleDatacenterNames(t *testing.T) {
	dc := exampleDatacenter(t)
	got := make(map[string][]string)
	for _, table := range []string{"zones", "clusters", "primary-storage", "l3-networks", "images", "instance-offerings",
		"disk-offerings", "volumes", "volume-snapshots", "volume-snapshots/group", "ssh-key-pair", "tags", "accounts", "vm-instances"} {
		for _, row := range dc.tables[table] {
			got[table] = append(got[table], text(row, "name"))
		}
		slices.Sort(got[table])
	}
	want := map[string][]string{
		"zones":           {"shanghai-1", "shanghai-2"},
		"clusters":        {"kvm-a", "kvm-b", "kvm-c"},
		"primary-storage": {"ps-c", "ps-hdd", "ps-ssd"},
		"l3-networks":     {"app-net", "app-net-c", "db-net", "mgmt-net", "public"},
		"images": {"centos-7.9", "centos-7.9-iso", "data-template", "duplicate", "duplicate", "old-image",
			"ubuntu-22.04", "vyos", "windows-2022"},
		"instance-offerings":     {"large", "medium", "small"},
		"disk-offerings":         {"hdd-500g", "root-40g", "ssd-100g"},
		"volumes":                {"ROOT-for-legacy-app", "ROOT-for-vrouter-app", "data-attached", "db-root", "db-root-2"},
		"volume-snapshots":       {"golden-nightly"},
		"volume-snapshots/group": {"golden-nightly-group"},
		"ssh-key-pair":           {"ops"},
		"tags":                   {"prod", "test"},
		"accounts":               {"admin", "dev"},
		"vm-instances":           {"legacy-app", "vrouter-app"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(dc.tables["hosts"]); n != 60 {
		t.Errorf("%d hosts, want 60", n)
	}
	if dc.globalConfig["vm.deletionPolicy"] != "Delay" {
		t.Errorf("global config %v", dc.globalConfig)
	}
}

func TestExampleDatacenterRecords(t *testing.T) {
	dc := exampleDatacenter(t)
	vm := named(t, dc, "vm-instances", "legacy-app")
	volumes, _ := vm["allVolumes"].([]any)
	nics, _ := vm["vmNics"].([]any)
	if len(volumes) != 2 || len(nics) != 1 {
		t.Fatalf("legacy-app has %d volumes and %d nics, want 2 and 1", len(volumes), len(nics))
	}
	nic := nics[0].(record)
	if diff := cmp.Diff(dc.tables["vm-instances/nics"][text(nic, "uuid")], nic); diff != "" {
		t.Errorf("the NIC of the VM and the one of the table differ: %s", diff)
	}
	snapshot := named(t, dc, "volume-snapshots", "golden-nightly")
	group := named(t, dc, "volume-snapshots/group", "golden-nightly-group")
	attached := named(t, dc, "volumes", "data-attached")
	detached := named(t, dc, "volumes", "db-root")
	host := dc.tables["hosts"][text(vm, "hostUuid")]
	image := named(t, dc, "images", "centos-7.9")
	got := record{
		"type":       vm["type"],
		"router":     named(t, dc, "vm-instances", "vrouter-app")["type"],
		"network":    dc.tables["l3-networks"][text(vm, "defaultL3NetworkUuid")]["name"],
		"ip":         nic["ip"],
		"ipInLong":   nic["usedIps"].([]any)[0].(record)["ipInLong"],
		"ipInBinary": nic["usedIps"].([]any)[0].(record)["ipInBinary"],
		"root":       dc.tables["volumes"][text(snapshot, "volumeUuid")]["vmInstanceUuid"] == vm["uuid"],
		"group":      snapshot["groupUuid"] == group["uuid"],
		"grouped":    group["snapshotCount"],
		"attached":   attached["vmInstanceUuid"] == vm["uuid"],
		"deviceId":   attached["deviceId"],
		"status":     detached["status"],
		"owner":      detached["vmInstanceUuid"],
		"hostLeft":   host["availableMemoryCapacity"],
		"imageRefs":  len(image["backupStorageRefs"].([]any)),
		"date":       image["createDate"],
	}
	want := record{
		"type": "UserVm", "router": "ApplianceVm", "network": "app-net", "ip": "10.0.15.200",
		"ipInLong": int64(10<<24 + 15<<8 + 200), "ipInBinary": []any{int64(10), int64(0), int64(15), int64(-56)},
		"root": true, "group": true, "grouped": int64(1), "attached": true, "deviceId": int64(1),
		"status": "Ready", "owner": nil, "hostLeft": int64(504 << 30), "imageRefs": 1, "date": "Jan 1, 2024 8:00:00 AM",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExampleDatacenterLeavesAddressesFree(t *testing.T) {
	dc := exampleDatacenter(t)
	var ranges []record
	app := named(t, dc, "l3-networks", "app-net")
	for _, r := range app["ipRanges"].([]any) {
		ranges = append(ranges, r.(record))
	}
	used := make(map[string]bool)
	for _, address := range dc.tables["l3-networks/ip-address"] {
		used[text(address, "ip")] = true
	}
	for _, wanted := range []string{"10.0.0.2", "10.0.0.3"} {
		if _, _, _, err := allocateAddress(ranges, used, wanted); err != nil {
			t.Error(err)
		}
	}
	for range 2000 {
		ip, _, _, err := allocateAddress(ranges, used, "")
		if err != nil {
			t.Fatal(err)
		}
		used[ip] = true
	}
}

// Every field of a record must be one of its inventory, or hidden on purpose:
// else queries would know fields that the API does not have.
func TestDatacenterFieldsAreOfTheAPI(t *testing.T) {
	dc := exampleDatacenter(t)
	hidden := []string{"internalId", "usedIpUuid"}
	for table, rows := range dc.tables {
		fields := append(strings.Fields(inventoryFields[table]), hidden...)
		for _, row := range rows {
			for key, value := range row {
				if !slices.Contains(fields, key) {
					t.Errorf("%s has a field %q that is not of the API", table, key)
				}
				if value == nil {
					t.Errorf("%s %v: %s is null, which the API leaves out", table, row["name"], key)
				}
			}
		}
	}
}

func TestDatacenterUUIDs(t *testing.T) {
	one, two := exampleDatacenter(t), exampleDatacenter(t)
	if diff := cmp.Diff(one.tables, two.tables); diff != "" {
		t.Errorf("two readings differ: %s", diff)
	}
	seen := make(map[string]string)
	for _, table := range slices.Sorted(maps.Keys(one.tables)) {
		for uuid := range one.tables[table] {
			if !isUUID(uuid) {
				t.Errorf("%s: %q is no UUID", table, uuid)
			}
			if seen[uuid] != "" {
				t.Errorf("%s is in %s and in %s", uuid, seen[uuid], table)
			}
			seen[uuid] = table
		}
	}
}

func TestDatacenterErrors(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"unknown key":        {"zones:\n  - name: a\n    colour: red\n", `line 3: unknown field "colour"`},
		"unknown list":       {"zones: []\nvolume: []\n", `line 2: unknown field "volume"`},
		"size":               {"diskOfferings:\n  - name: a\n    size: 50G\n", `line 3: "50G" is not a size`},
		"huge size":          {"diskOfferings:\n  - {name: a, size: 9000000TiB}\n", `line 2: "9000000TiB" is not a size`},
		"no such zone":       {"zones:\n  - name: a\nclusters:\n  - name: k\n    zone: b\n", `line 5: zone of "k": there is no "b" in zones`},
		"missing reference":  {"clusters:\n  - name: k\n", `line 2: "k" needs zone`},
		"no name":            {"zones:\n  - description: x\n", `an entry of zones has no name`},
		"same name":          {"zones:\n  - name: a\n  - name: a\n", `line 3: a second "a" in zones`},
		"uuid":               {"zones:\n  - name: a\n    uuid: X\n", `line 3: "X" is not a UUID`},
		"list for a text":    {"zones:\n  - name: [a]\n", `line 2: want a text`},
		"ambiguous":          {"zones:\n  - {name: a, uuid: 0d0d0d0d0d0d4d0d8d0d0d0d0d0d0d01}\n  - {name: a, uuid: 0d0d0d0d0d0d4d0d8d0d0d0d0d0d0d02}\nclusters:\n  - {name: k, zone: a}\n", `line 5: zone of "k": 2 entries of zones are named "a": write the UUID`},
		"range backwards":    {l3File("10.0.0.9", "10.0.0.2", "255.255.255.0"), `line 6: the range ends at 10.0.0.2, before`},
		"range outside":      {l3File("10.0.0.2", "10.0.1.2", "255.255.255.0"), `line 6: the range leaves its network 10.0.0.0/24`},
		"netmask":            {l3File("10.0.0.2", "10.0.0.9", "255.0.255.0"), `line 6: "255.0.255.0" is not a netmask`},
		"range address":      {l3File("10.0.0", "10.0.0.9", "255.255.255.0"), `line 6: range 1 of "n": "10.0.0" is not an IPv4 address`},
		"host without power": {"zones: [{name: a}]\nclusters: [{name: k, zone: a}]\nhosts:\n  - {name: h, cluster: k}\n", `line 4: "h" needs cpu and memory`},
		"not yaml":           {"zones: [\n", "line "},
		"global config":      {"globalConfig:\n  deletionPolicy: Delay\n", `line 2: globalConfig "deletionPolicy": write category.name`},
		"two access keys":    {"accounts:\n  - {name: a, password: p, accessKeys: [{id: a, secret: b}, {id: c, secret: d}]}\n", `line 2: account "a": give at most one access key`},
		"half an access key": {"accounts:\n  - {name: a, password: p, accessKeys: [{id: a}]}\n", `line 2: the access key of "a" needs id and secret`},
		"no password":        {"accounts:\n  - {name: a}\n", `line 2: account "a" needs a password`},
		"offering":           {"instanceOfferings:\n  - {name: a, cpu: 1}\n", `line 2: "a" needs cpu and memory`},
		"media type":         {"images:\n  - {name: a, mediaType: Floppy}\n", `line 2: mediaType of "a": "Floppy" is none of`},
		"other zone": {"zones: [{name: a}, {name: b}]\nclusters: [{name: k, zone: a}]\nprimaryStorages:\n  - {name: p, zone: b, clusters: [k]}\n",
			`line 4: "p" is in zone b, its cluster k is not`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseDatacenter([]byte(test.file))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func l3File(start, end, netmask string) string {
	return fmt.Sprintf("zones: [{name: a}]\nl2Networks: [{name: l2, zone: a}]\nl3Networks:\n  - {name: n, l2Network: l2,\n    ranges: [\n"+
		"      {start: %s, end: %s, netmask: %s, gateway: 10.0.0.1}]}\n", start, end, netmask)
}

// All wrong references come in one error.
func TestDatacenterReportsEveryReference(t *testing.T) {
	_, err := parseDatacenter([]byte("clusters:\n  - {name: k, zone: x}\n  - {name: l, zone: y}\n"))
	if err == nil || !strings.Contains(err.Error(), `"x"`) || !strings.Contains(err.Error(), `"y"`) {
		t.Errorf("error %v, want both zones", err)
	}
}

// A file that says nothing still lets somebody log in.
func TestEmptyDatacenter(t *testing.T) {
	dc, err := parseDatacenter(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(dc.accounts) != 1 || dc.accounts[0].name != "admin" || !dc.accounts[0].admin {
		t.Errorf("accounts %+v", dc.accounts)
	}
	if len(dc.tables) != len(dcTables) {
		t.Errorf("%d tables, want %d", len(dc.tables), len(dcTables))
	}
}

// What the example does not have: a chain of snapshots, tags, quotas by name.
func TestDatacenterDetails(t *testing.T) {
	dc, err := parseDatacenter([]byte(`
zones: [{name: z}]
clusters: [{name: k, zone: z}]
hosts: [{name: h, cluster: k, cpu: 4, memory: 8GiB}]
primaryStorages: [{name: p, zone: z, clusters: [k], capacity: 1TiB}]
images: [{name: i, size: 10GiB}]
tags: [{name: prod, value: production}]
vms: [{name: v, host: h, image: i, primaryStorage: p, cpu: 1, memory: 1GiB, tags: [prod], userTags: [mine], systemTags: ["hostname::v"]}]
snapshots: [{name: old, volume: ROOT-for-v}, {name: new, volume: ROOT-for-v}]
accounts: [{name: dev, password: p, quotas: {vm.num: 3}}]
globalConfig: {vm.expungePeriod: 60}
`))
	if err != nil {
		t.Fatal(err)
	}
	older, newer := named(t, dc, "volume-snapshots", "old"), named(t, dc, "volume-snapshots", "new")
	tags := make(map[string][]string)
	for _, table := range []string{"user-tags", "system-tags"} {
		for _, row := range dc.tables[table] {
			tags[table] = append(tags[table], text(row, "tag"))
		}
		slices.Sort(tags[table])
	}
	got := []any{
		newer["parentUuid"] == older["uuid"], older["latest"], newer["latest"], newer["distance"],
		len(dc.tables["volume-snapshots/trees"]), tags, dc.accounts[0].quotas, dc.globalConfig,
		named(t, dc, "primary-storage", "p")["availableCapacity"], named(t, dc, "accounts/quotas", "vm.num")["value"],
	}
	want := []any{
		true, false, true, int64(2), 1,
		map[string][]string{"user-tags": {"mine", "production"}, "system-tags": {"hostname::v"}},
		map[string]int64{"vm.num": 3}, map[string]string{"vm.deletionPolicy": "Delay", "vm.expungePeriod": "60"},
		int64(1014 << 30), int64(3),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
