package simulator

import (
	"cmp"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// act runs an action on a VM.
func (c *testCloud) act(vm record, action, params string) *answer {
	c.Helper()
	return c.call("PUT", "/vm-instances/"+text(vm, "uuid")+"/actions", `{"`+action+`":`+cmp.Or(params, "{}")+`}`)
}

func TestPower(t *testing.T) {
	c := newCloud(t)
	idle := c.capacities()
	vm := c.create(record{"dataDiskSizes": []any{1 << 30}})
	for _, step := range []struct {
		action, params, codes, state string
		onHost                       bool
	}{
		{"startVmInstance", "", "", "Running", true}, // no-op
		{"rebootVmInstance", "", "", "Running", true},
		{"stopVmInstance", `{"type":"cold"}`, "", "Stopped", false},
		{"stopVmInstance", `{"type":"slow"}`, "SYS.1007", "Stopped", false},
		{"stopVmInstance", "", "", "Stopped", false}, // no-op
		{"rebootVmInstance", "", "VM.1003>VM.1010", "Stopped", false},
		{"recoverVmInstance", "", "SYS.1006>VM.1010", "Stopped", false},
		{"expungeVmInstance", "", "VM.1010", "Stopped", false},
		{"startVmInstance", `{"hostUuid":"` + c.id("hosts", "host-b-07") + `"}`, "", "Running", true},
	} {
		a := c.act(vm, step.action, step.params)
		now := c.vm(text(vm, "uuid"))
		if a.codes() != step.codes || now["state"] != step.state || (now["hostUuid"] != nil) != step.onHost {
			t.Errorf("%s %s: %q, state %v, host %v", step.action, step.params, a.codes(), now["state"], now["hostUuid"])
		}
	}
	if host := c.vm(text(vm, "uuid"))["hostUuid"]; host != c.id("hosts", "host-b-07") {
		t.Errorf("on host %v", host)
	}
	disk := text(list(vm, "allVolumes")[1], "uuid")
	c.ok("DELETE", "/vm-instances/"+text(vm, "uuid"), "")
	c.ok("PUT", "/vm-instances/"+text(vm, "uuid")+"/actions", `{"expungeVmInstance":{}}`)
	c.ok("DELETE", "/volumes/"+disk, "")
	c.ok("PUT", "/volumes/"+disk+"/actions", `{"expungeDataVolume":{}}`)
	if diff := gocmp.Diff(idle, c.capacities()); diff != "" {
		t.Errorf("not everything is given back: %s", diff)
	}
}

func TestRecycleBin(t *testing.T) {
	c := newCloud(t)
	vm := c.create(record{"resourceUuid": nowhere, "dataDiskSizes": []any{1 << 30}, "userTags": []any{"a"}})
	disk := text(list(vm, "allVolumes")[1], "uuid")
	ip := list(vm, "vmNics")[0]["ip"]
	for range 2 { // the second time nothing is left to do
		if a := c.ok("DELETE", "/vm-instances/"+nowhere+"?deleteMode=Permissive", ""); a.raw != "{}" {
			t.Error(a.raw)
		}
	}
	destroyed := c.vm(nowhere)
	nic := list(destroyed, "vmNics")[0]
	if destroyed["state"] != "Destroyed" || nic["ip"] != nil || len(list(destroyed, "allVolumes")) != 1 {
		t.Errorf("in the bin: %v", destroyed)
	}
	kept := list(c.send("GET", "/volumes/"+disk, "").body, "inventories")[0]
	if kept["vmInstanceUuid"] != nil || kept["lastVmInstanceUuid"] != nowhere || kept["status"] != "Ready" {
		t.Errorf("the data disk: %v", kept)
	}
	if a := c.call("POST", "/vm-instances", c.params(record{"resourceUuid": nowhere})); a.codes() != "SYS.1000" {
		t.Errorf("its UUID is free: %s", a.raw)
	}
	c.create(record{"name": "thief", "systemTags": []any{"staticIp::" + text(nic, "l3NetworkUuid") + "::" + ip.(string)}})
	if a := c.act(vm, "recoverVmInstance", ""); text(a.inventory(), "state") != "Stopped" {
		t.Fatal(a.raw)
	}
	if a := c.act(vm, "startVmInstance", ""); list(a.inventory(), "vmNics")[0]["ip"] == ip {
		t.Errorf("the address is there twice: %s", a.raw)
	}
	c.ok("DELETE", "/vm-instances/"+nowhere, "")
	if a := c.act(vm, "expungeVmInstance", ""); a.status != 200 {
		t.Fatal(a.raw)
	}
	if a := c.send("GET", "/vm-instances/"+nowhere, ""); a.status != 200 || len(list(a.body, "inventories")) != 0 {
		t.Errorf("after the expunge: %d %s", a.status, a.raw)
	}
	if tags := c.tags("user-tags", vm); tags != nil {
		t.Errorf("tags are left: %v", tags)
	}
	if a := c.act(vm, "expungeVmInstance", ""); a.codes() != "SYS.1003" {
		t.Errorf("expunge of nothing: %s", a.raw)
	}
	c.create(record{"resourceUuid": nowhere})
}

func TestDeletionArguments(t *testing.T) {
	c := newCloud(t)
	for path, codes := range map[string]string{
		"/vm-instances/" + nowhere: "", "/volumes/" + nowhere: "", "/tags/" + nowhere: "",
		"/vm-instances/abc":                          "SYS.1003",
		"/vm-instances/" + nowhere + "?deleteMode=x": "SYS.1000",
	} {
		if a := c.call("DELETE", path, ""); a.codes() != codes {
			t.Errorf("DELETE %s: %s, want %q", path, a.raw, codes)
		}
	}
}

func TestDirectPolicy(t *testing.T) {
	c := newCloud(t)
	c.sim.mu.Lock()
	for _, row := range c.sim.store.Tables["global-configurations"] {
		if text(row, "name") == "deletionPolicy" {
			row["value"] = "Direct"
		}
	}
	c.sim.mu.Unlock()
	before := c.capacities()
	vm := c.create(nil)
	c.ok("DELETE", "/vm-instances/"+text(vm, "uuid"), "")
	if diff := gocmp.Diff(before, c.capacities()); diff != "" {
		t.Error(diff)
	}
}

func TestUpdate(t *testing.T) {
	c := newCloud(t)
	vm := c.create(nil)
	for _, step := range []struct {
		action, params, codes string
		field                 string
		want                  any
	}{
		{"updateVmInstance", `{"name":"new","description":"said"}`, "", "name", "new"},
		{"updateVmInstance", `{"description":null}`, "", "description", "said"},
		{"updateVmInstance", `{"cpuNum":4}`, "SYS.1006", "cpuNum", int64(2)}, // running, no NUMA
		{"updateVmInstance", `{"cpuNum":2}`, "", "cpuNum", int64(2)},
		{"updateVmInstance", `{"cpuNum":2000}`, "SYS.1007", "cpuNum", int64(2)},
		{"changeInstanceOffering", `{"instanceOfferingUuid":"` + c.id("instance-offerings", "large") + `"}`, "SYS.1006", "cpuNum", int64(2)},
		{"stopVmInstance", `{}`, "", "state", "Stopped"},
		{"updateVmInstance", `{"memorySize":2147483648}`, "", "memorySize", int64(2 << 30)},
		{"changeInstanceOffering", `{"instanceOfferingUuid":"` + c.id("instance-offerings", "large") + `"}`, "", "cpuNum", int64(8)},
		{"changeInstanceOffering", `{"instanceOfferingUuid":"` + nowhere + `"}`, "SYS.1003", "cpuNum", int64(8)},
	} {
		a := c.act(vm, step.action, step.params)
		if got := c.vm(text(vm, "uuid"))[step.field]; a.codes() != step.codes || got != step.want {
			t.Errorf("%s %s: %q, %s is %v, want %v: %s", step.action, step.params, a.codes(), step.field, got, step.want, a.raw)
		}
	}
	numa := c.create(record{"systemTags": []any{"numa"}})
	if a := c.act(numa, "updateVmInstance", fmt.Sprintf(`{"memorySize":%d}`, int64(4<<30+100<<20))); number(a.inventory(), "memorySize") != 4<<30+128<<20 {
		t.Errorf("growth is not rounded to 128 MiB: %s", a.raw)
	}
}

func TestStrategies(t *testing.T) {
	c := newCloud(t)
	stopped := c.create(record{"strategy": "CreateStopped"})
	if stopped["state"] != "Stopped" || stopped["hostUuid"] != nil || stopped["lastHostUuid"] == nil || len(list(stopped, "vmNics")) != 1 {
		t.Errorf("CreateStopped: %v", stopped)
	}
	just := c.create(record{"strategy": "JustCreate", "dataDiskSizes": []any{1 << 30}})
	if just["state"] != "Created" || just["rootVolumeUuid"] != nil || len(list(just, "vmNics"))+len(list(just, "allVolumes")) != 0 || just["hypervisorType"] != nil {
		t.Errorf("JustCreate: %v", just)
	}
	if a := c.act(just, "updateVmInstance", `{"name":"kept","cpuNum":3}`); a.codes() != "SYS.1006>VM.1010" {
		t.Errorf("resize of a created VM: %s", a.raw)
	}
	if a := c.act(just, "updateVmInstance", `{"name":"kept"}`); a.codes() != "SYS.1006" || c.vm(text(just, "uuid"))["name"] != "kept" {
		t.Errorf("the name is stored before the host fails: %s", a.raw)
	}
	if a := c.act(just, "startVmInstance", ""); text(a.inventory(), "state") != "Running" || len(list(a.inventory(), "allVolumes")) != 2 {
		t.Errorf("start of a created VM: %s", a.raw)
	}
	disks := c.create(record{"diskAOs": []any{record{"boot": true}, record{"size": 1 << 30, "name": "extra"}}})
	if disks["state"] != "Stopped" || len(list(disks, "allVolumes")) != 1 {
		t.Errorf("the answer shows what comes later: %v", disks)
	}
	if now := c.vm(text(disks, "uuid")); now["state"] != "Running" || len(list(now, "allVolumes")) != 2 || list(now, "vmNics")[0]["driverType"] != "e1000" {
		t.Errorf("diskAOs: %v", now)
	}
}

func TestCreateFromVolumeAndSnapshot(t *testing.T) {
	for _, profile := range []Profile{Commercial, Open} {
		c := newCloud(t, func(o *Options) { o.Profile = profile })
		volume := c.id("volumes", "db-root")
		path := "/vm-instances/from/volume-snapshots/" + c.id("volume-snapshots", "golden-nightly")
		fromVolume := c.call("POST", "/vm-instances/from/volume", c.params(record{"imageUuid": nil, "volumeUuid": volume}))
		fromSnapshot := c.call("POST", path, c.params(record{"imageUuid": nil, "name": "snap"}))
		if profile == Open {
			if fromVolume.codes() != "SYS.1008" || fromSnapshot.codes() != "SYS.1008" {
				t.Errorf("open: %s, %s", fromVolume.raw, fromSnapshot.raw)
			}
			continue
		}
		vm := fromVolume.inventory()
		root := list(vm, "allVolumes")[0]
		if vm["rootVolumeUuid"] != volume || root["type"] != "Root" || root["name"] != "db-root" || vm["state"] != "Running" {
			t.Errorf("from volume: %s", fromVolume.raw)
		}
		if again := c.call("POST", "/vm-instances/from/volume", c.params(record{"imageUuid": nil, "volumeUuid": volume})); again.codes() != "SYS.1006" {
			t.Errorf("the volume is in use: %s", again.raw)
		}
		vm = fromSnapshot.inventory()
		if m := missing(vm, []string{"rootVolumeUuid", "hostUuid", "platform", "guestOsType"}); len(m) > 0 {
			t.Errorf("from snapshot, missing %v: %s", m, fromSnapshot.raw)
		}
	}
}

func TestDryRun(t *testing.T) {
	c := newCloud(t)
	dry := record{"systemTags": []any{"ephemeral::validationOnly"}, "resourceUuid": nowhere}
	if a := c.ok("POST", "/vm-instances", c.params(dry)); a.raw != "{}" || c.vm(nowhere) != nil {
		t.Errorf("a dry run: %s", a.raw)
	}
	dry["imageUuid"] = c.id("images", "old-image")
	if a := c.call("POST", "/vm-instances", c.params(dry)); a.codes() != "SYS.1006" {
		t.Errorf("a dry run of a wrong image: %s", a.raw)
	}
	mixed := record{"systemTags": []any{"hostname::a", "ephemeral::validationOnly"}}
	if a := c.call("POST", "/vm-instances", c.params(mixed)); a.codes() != "SYS.1007" {
		t.Errorf("with another tag: %s", a.raw)
	}
}
