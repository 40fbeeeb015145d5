package cloud

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"zfleet/planner"
	"zfleet/spec"
)

func inventoryOf(t *testing.T, f *fake, scope planner.Scope, wants planner.Wants) *planner.Inventory {
	t.Helper()
	inventory, err := Inventory(t.Context(), f.client(), scope, wants, nil)
	if err != nil {
		t.Fatal(err)
	}
	return inventory
}

func TestInventory(t *testing.T) {
	f := newFake(t, succeedAll)
	clone := strings.Repeat("9", 12) + "41118111111111111111"
	adopted := strings.Repeat("8", 12) + "41118111111111111111"
	f.add("/vm-instances",
		vmRow("Running", row{
			"description": "d", "createDate": "Nov 14, 2017 10:20:57 PM", "zoneUuid": "z", "clusterUuid": "c", "hostUuid": "h",
			"imageUuid": "i", "instanceOfferingUuid": "o", "rootVolumeUuid": "v0", "defaultL3NetworkUuid": "l3", "platform": "Linux",
			"architecture": "x86_64", "guestOsType": "CentOS", "reservedMemorySize": 1,
			"vmNics": []row{
				{"uuid": "n2", "l3NetworkUuid": "l3b", "deviceId": 1, "mac": "fa:02"},
				{"uuid": "n1", "l3NetworkUuid": "l3", "mac": "fa:01", "ip": "10.0.0.5", "usedIps": []row{{"ip": "10.0.0.5", "ipVersion": 4}}},
			},
			"allVolumes": []row{
				diskRow("v2", row{"deviceId": 2}), diskRow(diskUUID, row{"deviceId": 1, "primaryStorageUuid": "ps"}),
				{"uuid": "v0", "name": "ROOT-for-web-1", "type": "Root", "size": 5},
			},
		}),
		row{"uuid": clone, "name": "clone", "state": "Running"},
		row{"uuid": adopted, "name": "old", "state": "Stopped"},
		row{"uuid": otherUUID, "name": "somebody's", "state": "Running"},
	)
	f.add("/user-tags",
		tagRow(3, typeVM, testUUID, testScope.KeyTag(testKey)), tagRow(4, typeVM, testUUID, "owner:me"),
		tagRow(5, typeVM, clone, testScope.KeyTag(testKey)),
		tagRow(6, typeVolume, diskUUID, diskTag),
		tagRow(7, typeVolume, "d0", testScope.DiskTag("web/2", 0)),
		tagRow(8, typeVolume, "d1", testScope.DiskTag("web/3", 0)),
		tagRow(9, typeVolume, "d2", "zfleet::another-fleet::disk::web/3::0"),
	)
	f.add("/volumes", diskRow("d0", row{"vmInstanceUuid": nil}), diskRow("d1", row{"status": "Deleted"}), diskRow("d2", nil))
	f.add("/system-tags",
		tagRow(20, typeVM, testUUID, "userdata::c2VjcmV0"), tagRow(21, typeVM, testUUID, "consolePassword::hunter2"),
		tagRow(22, typeVM, testUUID, "rootPassword::hunter3"), tagRow(23, typeVM, testUUID, "sshkey::ssh-rsa AAAA"),
		tagRow(24, typeVM, testUUID, "hostname::web1"))
	f.add("/global-configurations", row{"uuid": "g", "category": "vm", "name": "deletionPolicy", "value": "Delay"})

	got := inventoryOf(t, f, testScope, planner.Wants{VMUUIDs: []string{adopted, testUUID}})
	tag := func(n int, text string) planner.Tag {
		return planner.Tag{UUID: fmt.Sprintf("%032x", 0x7a60000+n), Text: text}
	}
	ofMachine := planner.Disk{UUID: diskUUID, Name: "DATA-for-web-1", Type: "Data", Size: 1 << 30, Status: "Ready", VMUUID: testUUID}
	tagged := ofMachine
	tagged.Tags = []planner.Tag{tag(6, diskTag)}
	want := &planner.Inventory{
		Scope: testScope, Account: testAccount, Version: "5.2.1", DeletionPolicy: "Delay",
		Machines: []planner.Observed{
			{
				UUID: testUUID, Name: "web-1", Description: "d", State: "Running", CreateDate: "Nov 14, 2017 10:20:57 PM",
				ZoneUUID: "z", ClusterUUID: "c", HostUUID: "h", ImageUUID: "i", OfferingUUID: "o", DefaultNetwork: "l3",
				Platform: "Linux", Architecture: "x86_64", GuestOSType: "CentOS", CPU: 2, Memory: 4 << 30, Reserved: 1,
				NICs: []planner.NIC{
					{NetworkUUID: "l3", IPs: []string{"10.0.0.5"}},
					{NetworkUUID: "l3b"},
				},
				Volumes: []planner.Disk{
					{UUID: "v0", Name: "ROOT-for-web-1", Type: "Root", Size: 5}, ofMachine,
					{UUID: "v2", Name: "DATA-for-web-1", Type: "Data", Size: 1 << 30, Status: "Ready", VMUUID: testUUID},
				},
				UserTags:   []planner.Tag{tag(4, "owner:me"), tag(3, testScope.KeyTag(testKey))},
				SystemTags: []planner.Tag{tag(24, "hostname::web1")},
			},
			{UUID: adopted, Name: "old", State: "Stopped"},
			{UUID: clone, Name: "clone", State: "Running", UserTags: []planner.Tag{tag(5, testScope.KeyTag(testKey))}},
		},
		Disks: []planner.Disk{
			tagged,
			{UUID: "d0", Name: "DATA-for-web-1", Type: "Data", Size: 1 << 30, Status: "Ready", Tags: []planner.Tag{tag(7, testScope.DiskTag("web/2", 0))}},
		},
		Catalog: planner.Catalog{}, Asked: map[planner.Kind]planner.Asked{},
	}
	slices.SortFunc(want.Machines, func(a, b planner.Observed) int { return strings.Compare(a.UUID, b.UUID) })
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(planner.Inventory{})); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
}

// A scope without an ID is the account's, and what only informs may be missing.
func TestInventoryOfAnAccount(t *testing.T) {
	t.Parallel()
	f := newFake(t, succeedAll)
	f.broken = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/global-configurations") }
	got := inventoryOf(t, f, planner.Scope{Name: "lab"}, planner.Wants{})
	want := &planner.Inventory{
		Scope: planner.Scope{Name: "lab", ID: testAccount}, Account: testAccount, Version: "5.2.1",
		Machines: []planner.Observed{}, Disks: []planner.Disk{}, Catalog: planner.Catalog{}, Asked: map[planner.Kind]planner.Asked{},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(planner.Inventory{})); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}
}

func TestCatalog(t *testing.T) {
	f := newFake(t, succeedAll)
	f.add("/zones", row{"uuid": "z1", "name": "east", "state": "Enabled", "type": "zstack", "createDate": "d"})
	f.add("/clusters", row{"uuid": "c1", "name": "rack", "state": "Enabled", "zoneUuid": "z1", "architecture": "x86_64", "type": "zstack"})
	f.add("/hosts", row{"uuid": "h1", "name": "kvm", "state": "Enabled", "status": "Connected", "zoneUuid": "z1", "clusterUuid": "c1", "architecture": "x86_64"})
	f.add("/primary-storage", row{"uuid": "p1", "name": "ceph", "state": "Enabled", "status": "Connected", "zoneUuid": "z1", "type": "Ceph",
		"attachedClusterUuids": []string{"c2", "c1"}})
	f.add("/instance-offerings", row{"uuid": "o1", "name": "small", "state": "Enabled", "type": "UserVm", "cpuNum": 2, "memorySize": 1 << 30, "reservedMemorySize": 7})
	f.add("/disk-offerings", row{"uuid": "s2", "name": "b", "state": "Enabled", "type": "DefaultDiskOfferingType", "diskSize": 5},
		row{"uuid": "s1", "name": "temporary", "type": "TemporaryDiskOfferingType", "diskSize": 5})
	f.add("/l2-networks", row{"uuid": "l2", "name": "vlan", "attachedClusterUuids": []string{"c1"}})
	f.add("/l3-networks", row{"uuid": "l3", "name": "prod", "state": "Enabled", "zoneUuid": "z1", "l2NetworkUuid": "l2", "type": "L3BasicNetwork", "system": true})
	f.add("/ssh-key-pair", row{"uuid": "k1", "name": "ops"})
	f.add("/tags", row{"uuid": "t1", "name": "env", "type": "simple"})
	f.add("/images", row{"uuid": "i1", "name": "rocky", "state": "Enabled", "status": "Ready", "mediaType": "RootVolumeTemplate", "platform": "Linux",
		"guestOsType": "Rocky", "architecture": "x86_64", "size": 9, "type": "zstack"},
		row{"uuid": "i2", "name": "rocky", "status": "Deleted"}, row{"uuid": "i3", "name": "debian"})
	f.add("/volumes", row{"uuid": "v1", "name": "data", "type": "Data", "status": "Ready", "state": "Enabled", "size": 3, "vmInstanceUuid": "vm",
		"primaryStorageUuid": "p1", "isShareable": true}, row{"uuid": "v2", "name": "dataa", "type": "Data"})
	f.add("/volume-snapshots", row{"uuid": imageUUID, "name": "snap", "status": "Ready", "state": "Enabled", "volumeType": "Root", "volumeUuid": "v1",
		"primaryStorageUuid": "p1", "size": 4}, row{"uuid": otherUUID, "name": "other"})

	wants := planner.Wants{Refs: map[planner.Kind][]spec.Ref{
		planner.KindImage:    {{Name: "rocky"}},
		planner.KindVolume:   {{Name: "DATA"}},    // no such name in this spelling: all are listed
		planner.KindSnapshot: {{UUID: imageUUID}}, // only this one is asked for
	}}
	for _, kind := range []planner.Kind{planner.KindZone, planner.KindCluster, planner.KindHost, planner.KindPrimaryStorage,
		planner.KindInstanceOffering, planner.KindDiskOffering, planner.KindNetwork, planner.KindSSHKey, planner.KindTag} {
		wants.Refs[kind] = []spec.Ref{{Name: "x"}}
	}
	got := inventoryOf(t, f, testScope, wants).Catalog
	want := planner.Catalog{
		planner.KindZone:             {{UUID: "z1", Name: "east", State: "Enabled", Type: "zstack", CreateDate: "d"}},
		planner.KindCluster:          {{UUID: "c1", Name: "rack", State: "Enabled", ZoneUUID: "z1", Architecture: "x86_64", Type: "zstack"}},
		planner.KindHost:             {{UUID: "h1", Name: "kvm", State: "Enabled", Status: "Connected", ZoneUUID: "z1", ClusterUUIDs: []string{"c1"}, Architecture: "x86_64"}},
		planner.KindPrimaryStorage:   {{UUID: "p1", Name: "ceph", State: "Enabled", Status: "Connected", ZoneUUID: "z1", Type: "Ceph", ClusterUUIDs: []string{"c1", "c2"}}},
		planner.KindInstanceOffering: {{UUID: "o1", Name: "small", State: "Enabled", Type: "UserVm", CPU: 2, Memory: 1 << 30, Reserved: 7}},
		planner.KindDiskOffering:     {{UUID: "s2", Name: "b", State: "Enabled", Type: "DefaultDiskOfferingType", Size: 5}},
		planner.KindNetwork:          {{UUID: "l3", Name: "prod", State: "Enabled", ZoneUUID: "z1", ClusterUUIDs: []string{"c1"}, System: true, Type: "L3BasicNetwork"}},
		planner.KindSSHKey:           {{UUID: "k1", Name: "ops"}},
		planner.KindTag:              {{UUID: "t1", Name: "env", Type: "simple"}},
		planner.KindImage: {{UUID: "i1", Name: "rocky", State: "Enabled", Status: "Ready", MediaType: "RootVolumeTemplate", Platform: "Linux",
			GuestOSType: "Rocky", Architecture: "x86_64", Size: 9, Type: "zstack"}},
		planner.KindVolume: {{UUID: "v1", Name: "data", Type: "Data", Status: "Ready", State: "Enabled", Size: 3, VMUUID: "vm", PrimaryStorageUUID: "p1", Shareable: true},
			{UUID: "v2", Name: "dataa", Type: "Data"}},
		planner.KindSnapshot: {{UUID: imageUUID, Name: "snap", Status: "Ready", State: "Enabled", Type: "Root", VolumeUUID: "v1", PrimaryStorageUUID: "p1", Size: 4}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(planner.Inventory{})); diff != "" {
		t.Errorf("catalog (-want +got):\n%s", diff)
	}
}

func TestInventorySaysWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	f := newFake(t, succeedAll)
	f.broken = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/zones") }
	wants := planner.Wants{Refs: map[planner.Kind][]spec.Ref{planner.KindZone: {{Name: "east"}}}}
	_, err := Inventory(t.Context(), f.client(), testScope, wants, nil)
	if err == nil || !strings.Contains(err.Error(), "reading the zones") {
		t.Errorf("got %v", err)
	}
}

// The requests for an inventory depend on pages, not on machines.
func TestInventoryRequests(t *testing.T) {
	const machines = 1000
	f := newFake(t, succeedAll)
	for i := range machines {
		key := fmt.Sprintf("web/%d", i+1)
		uuid, disk := testScope.MachineUUID(key, 0), fmt.Sprintf("%032x", 0xd0000+i)
		f.rows["/vm-instances"] = append(f.rows["/vm-instances"], row{
			"uuid": uuid, "name": key, "state": "Running", "allVolumes": []row{{"uuid": disk, "type": "Data", "vmInstanceUuid": uuid}},
		})
		f.rows["/user-tags"] = append(f.rows["/user-tags"], tagRow(10*i, typeVM, uuid, testScope.KeyTag(key)),
			tagRow(10*i+1, typeVolume, disk, testScope.DiskTag(key, 0)))
		for n := range 7 {
			f.rows["/user-tags"] = append(f.rows["/user-tags"], tagRow(10*i+2+n, typeVM, uuid, fmt.Sprintf("%sd1::%d", testScope.TagPrefix(), n)))
		}
		f.rows["/system-tags"] = append(f.rows["/system-tags"], tagRow(i, typeVM, uuid, "hostname::h"))
	}
	wants := planner.Wants{Refs: map[planner.Kind][]spec.Ref{
		planner.KindImage: {{Name: "rocky"}}, planner.KindNetwork: {{Name: "prod"}}, planner.KindZone: {{Name: "east"}},
		planner.KindInstanceOffering: {{Name: "small"}},
	}}
	got := inventoryOf(t, f, testScope, wants)
	if len(got.Machines) != machines || len(got.Disks) != machines {
		t.Fatalf("%d machines and %d disks, want %d of each", len(got.Machines), len(got.Disks), machines)
	}
	for _, machine := range got.Machines {
		if len(machine.UserTags) != 8 || len(machine.SystemTags) != 1 {
			t.Fatalf("machine %s has %d user tags and %d system tags", machine.Name, len(machine.UserTags), len(machine.SystemTags))
		}
	}
	if len(f.queries) >= 40 {
		t.Errorf("%d queries:\n%s", len(f.queries), strings.Join(f.queries, "\n"))
	}
}
