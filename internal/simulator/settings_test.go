package simulator

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServerCalls(t *testing.T) {
	c := newCloud(t)
	renewed := c.ok("PUT", "/accounts/sessions/"+c.token+"/renew", `{"renewSession":{"duration":60}}`).inventory()
	if renewed["uuid"] != c.token {
		t.Errorf("renewed: %v", renewed)
	}
	token := c.token
	c.token = "" // none of these needs one
	if a := c.send("PUT", "/management-nodes/actions", `{"getVersion":{}}`); a.body["version"] != "5.2.1" || a.body["success"] != true {
		t.Error(a.raw)
	}
	if a := c.send("PUT", "/management-nodes/actions", `{"getCurrentTime":{}}`); number(a.body["currentTime"].(record), "Seconds") == 0 {
		t.Error(a.raw)
	}
	if a := c.send("GET", "/management-nodes/platform-timezone", ""); a.body["offset"] == nil {
		t.Error(a.raw)
	}
	if a := c.send("GET", "/management-nodes/ready", ""); a.raw != "{}" {
		t.Error(a.raw)
	}
	c.token = token
	if a := c.send("GET", "/global-configurations?q=name=deletionPolicy", ""); list(a.body, "inventories")[0]["value"] != "Delay" {
		t.Error(a.raw)
	}
	if a := c.send("GET", "/ip-capacity?l3NetworkUuids="+c.id("l3-networks", "public"), ""); number(a.body, "availableCapacity") != 190 {
		t.Error(a.raw)
	}
	if a := c.send("GET", "/primary-storage/capacities?all=true", ""); number(a.body, "totalCapacity") != 1600<<40 {
		t.Error(a.raw)
	}
	last := c.sim.Requests()[len(c.sim.Requests())-1]
	want := Request{Method: "GET", Path: "/zstack/v1/primary-storage/capacities?all=true", Operation: "GetPrimaryStorageCapacity",
		Header: map[string]string{"Authorization": "OAuth " + token}}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
}

// On a path without another call, a GET of a resource deletes it.
func TestGetOfPrimaryStorageDeletes(t *testing.T) {
	c := newCloud(t)
	storage := c.id("primary-storage", "ps-c")
	c.ok("GET", "/primary-storage/"+storage, "")
	if rows := list(c.send("GET", "/primary-storage?q=uuid="+storage, "").body, "inventories"); len(rows) != 0 {
		t.Errorf("the storage is still there: %v", rows)
	}
}

func TestDrives(t *testing.T) {
	c := newCloud(t)
	iso := c.id("images", "centos-7.9-iso")
	for tag, want := range map[string][]any{
		"numa":                                  {nil},
		"createWithoutCdRom::true":              {},
		"cdroms::" + iso + "::Empty::None":      {iso, nil},
		"cdroms::Empty::None::None":             {nil},
		"cdroms::" + iso + "::None::" + nowhere: nil, // no such image
	} {
		a := c.call("POST", "/vm-instances", c.params(record{"systemTags": []any{tag}}))
		if want == nil {
			if a.codes() != "SYS.1007" {
				t.Errorf("%s: %s", tag, a.raw)
			}
			continue
		}
		got := []any{}
		for _, drive := range list(a.inventory(), "vmCdRoms") {
			got = append(got, drive["isoUuid"])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tag, diff)
		}
	}
}

func TestVolumeTagsAndSources(t *testing.T) {
	c := newCloud(t)
	vm := c.create(record{
		"dataDiskSizes": []any{1 << 30, 2 << 30}, "rootVolumeSystemTags": []any{"volumeProvisioningStrategy::ThickProvisioning"},
		"dataVolumeSystemTags":        []any{"capability::virtio-scsi"},
		"dataVolumeSystemTagsOnIndex": record{"1": []any{"volumeProvisioningStrategy::ThinProvisioning"}},
	})
	want := [][]string{
		{"volumeProvisioningStrategy::ThickProvisioning"},
		{"capability::virtio-scsi"},
		{"capability::virtio-scsi", "volumeProvisioningStrategy::ThinProvisioning"},
	}
	for i, volume := range list(vm, "allVolumes") {
		if diff := cmp.Diff(want[i], c.tags("system-tags", volume)); diff != "" {
			t.Errorf("volume %d: %s", i, diff)
		}
	}
	free := c.id("volumes", "db-root")
	source := func(kind, uuid string) record {
		return record{"diskAOs": []any{record{"boot": true}, record{"sourceUuid": uuid, "sourceType": kind}}}
	}
	for _, refused := range []record{source("Other", free), source("VolumeVO", nowhere), source("VolumeVO", c.id("volumes", "data-attached"))} {
		if a := c.call("POST", "/vm-instances", c.params(refused)); a.codes() != "SYS.1006" {
			t.Error(a.raw)
		}
	}
	taker := c.create(source("VolumeVO", free))
	if row := list(c.send("GET", "/volumes/"+free, "").body, "inventories")[0]; row["vmInstanceUuid"] != taker["uuid"] {
		t.Errorf("not attached: %v", row)
	}
}

func TestPatternsAndSystemTagCalls(t *testing.T) {
	c := newCloud(t)
	vm := text(c.create(nil), "uuid")
	pattern := c.ok("POST", "/tags", `{"params":{"name":"owner","value":"owner::{name}","type":"withToken"}}`).inventory()
	c.ok("PUT", "/tags/"+text(pattern, "uuid")+"/actions", `{"updateTag":{"color":"#ffffff"}}`)
	c.ok("POST", "/tags/"+text(pattern, "uuid")+"/resources", `{"params":{"resourceUuids":["`+vm+`"],"tokens":{"name":"ann"}}}`)
	if diff := cmp.Diff([]string{"owner::ann"}, c.tags("user-tags", record{"uuid": vm})); diff != "" {
		t.Error(diff)
	}
	if rows := list(c.send("GET", "/vm-instances?q=__tagUuid__="+text(pattern, "uuid"), "").body, "inventories"); len(rows) != 1 {
		t.Errorf("%d VMs have the pattern", len(rows))
	}
	c.ok("DELETE", "/tags/"+text(pattern, "uuid"), "")
	if left := c.tags("user-tags", record{"uuid": vm}); left != nil {
		t.Errorf("tags of a deleted pattern: %v", left)
	}
	made := c.ok("POST", "/system-tags/"+vm+"/tags", `{"params":{"resourceType":"VmInstanceVO","tags":["hostname::a","numa"]}}`)
	tag := text(list(made.body, "inventories")[0], "uuid")
	for body, codes := range map[string]string{`{"updateSystemTag":{"tag":"hostname::b"}}`: "", `{"updateSystemTag":{"tag":"numa"}}`: "SYS.1007"} {
		if a := c.call("PUT", "/system-tags/"+tag+"/actions", body); a.codes() != codes {
			t.Errorf("%s: %s", body, a.raw)
		}
	}
	if diff := cmp.Diff([]string{"hostname::b", "numa", "syncPorts::" + vm}, c.tags("system-tags", record{"uuid": vm})); diff != "" {
		t.Error(diff)
	}
}
