package simulator

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuota(t *testing.T) {
	admin := newCloud(t)
	c := admin.as("dev")
	big := record{"instanceOfferingUuid": nil, "cpuNum": 79, "memorySize": 1 << 30}
	vm := c.create(big)
	if a := c.call("POST", "/vm-instances", c.params(nil)); a.codes() != "ID.1003" {
		t.Fatalf("81 of 80 CPUs: %s", a.raw)
	}
	if a := admin.call("POST", "/vm-instances", c.params(nil)); a.status != 200 {
		t.Errorf("admin has no quota: %s", a.raw)
	}
	var account string
	for _, row := range list(admin.send("GET", "/accounts?q=name=dev", "").body, "inventories") {
		account = text(row, "uuid")
	}
	used := map[string]int64{}
	for _, row := range list(c.send("GET", "/accounts/quota/"+account+"/usages", "").body, "usages") {
		used[text(row, "name")] = number(row, "used")
	}
	want := map[string]int64{"vm.num": 1, "vm.totalNum": 1, "vm.cpuNum": 79, "vm.memorySize": 1 << 30, "volume.capacity": 40 << 30, "volume.data.num": 0}
	if diff := cmp.Diff(want, used); diff != "" {
		t.Error(diff)
	}
	c.act(vm, "stopVmInstance", "")
	if a := c.call("POST", "/vm-instances", c.params(nil)); a.status != 200 {
		t.Errorf("a stopped VM uses CPUs: %s", a.raw)
	}
}

func TestAccountsSeeTheirOwn(t *testing.T) {
	admin := newCloud(t)
	dev := admin.as("dev")
	foreign, own := admin.create(nil), dev.create(nil)
	seen := list(dev.send("GET", "/vm-instances", "").body, "inventories")
	if len(seen) != 1 || seen[0]["uuid"] != own["uuid"] {
		t.Errorf("dev sees %d VMs", len(seen))
	}
	if dev.vm(text(foreign, "uuid")) != nil {
		t.Error("dev sees a VM of admin by its UUID")
	}
	for _, a := range []*answer{
		dev.act(foreign, "stopVmInstance", ""),
		dev.call("DELETE", "/vm-instances/"+text(foreign, "uuid"), ""),
		dev.call("POST", "/user-tags", `{"params":{"resourceType":"VmInstanceVO","resourceUuid":"`+text(foreign, "uuid")+`","tag":"x"}}`),
		dev.call("DELETE", "/primary-storage/"+dev.id("primary-storage", "ps-c"), ""),
	} {
		if a.codes() != "ID.1002" {
			t.Errorf("%s, want ID.1002", a.raw)
		}
	}
	if len(list(dev.send("GET", "/images", "").body, "inventories")) == 0 {
		t.Error("dev sees no images")
	}
}

func TestAddressesRunOut(t *testing.T) {
	c := newCloud(t)
	app := c.id("l3-networks", "app-net")
	c.sim.mu.Lock()
	for _, r := range c.sim.store.ranges(app) {
		r["endIp"] = "10.0.0.3"
	}
	c.sim.mu.Unlock()
	first, second := c.create(nil), c.create(nil)
	if a, b := list(first, "vmNics")[0]["ip"], list(second, "vmNics")[0]["ip"]; a == b {
		t.Errorf("both have %v", a)
	}
	if a := c.call("POST", "/vm-instances", c.params(nil)); a.codes() != "SYS.1006>L3.1000" {
		t.Error(a.raw)
	}
	if a := c.send("GET", "/l3-networks/"+app+"/ip/10.0.0.2/availability", ""); a.body["available"] != false {
		t.Error(a.raw)
	}
}

func TestTags(t *testing.T) {
	c := newCloud(t)
	vm := c.create(nil)
	uuid := text(vm, "uuid")
	tag := func(tag string) string {
		return fmt.Sprintf(`{"params":{"resourceType":"VmInstanceVO","resourceUuid":"%s","tag":"%s"}}`, uuid, tag)
	}
	made := c.ok("POST", "/user-tags", tag("env:prod")).inventory()
	if a := c.call("POST", "/user-tags", tag("env:prod")); a.codes() != "SYS.1006" {
		t.Errorf("the same user tag: %s", a.raw)
	}
	for _, query := range []string{"__userTag__=env:prod", "__userTag__~=env:%25", "__systemTag__~=syncPorts::%25"} {
		if rows := list(c.send("GET", "/vm-instances?q="+query, "").body, "inventories"); len(rows) != 1 || rows[0]["uuid"] != uuid {
			t.Errorf("%s finds %d", query, len(rows))
		}
	}
	c.ok("DELETE", "/tags/"+text(made, "uuid"), "")
	if a := c.call("POST", "/system-tags", tag("colour::red")); a.codes() != "SYS.1007" {
		t.Errorf("unknown system tag: %s", a.raw)
	}
	c.ok("POST", "/system-tags", tag("hostname::web-1"))
	c.act(vm, "setVmHostname", `{"hostname":"web-2"}`)
	if diff := cmp.Diff([]string{"hostname::web-2", "syncPorts::" + uuid}, c.tags("system-tags", vm)); diff != "" {
		t.Error(diff)
	}
	if a := c.send("GET", "/vm-instances/"+uuid+"/hostnames", ""); a.body["hostname"] != "web-2" {
		t.Error(a.raw)
	}
	c.ok("DELETE", "/vm-instances/"+uuid+"/hostnames", "")
	if a := c.act(vm, "setVmConsolePassword", `{"consolePassword":"password1"}`); a.codes() != "SYS.1007" {
		t.Error(a.raw)
	}
	c.act(vm, "setVmConsolePassword", `{"consolePassword":"secret"}`)
	if diff := cmp.Diff([]string{"consolePassword::secret", "syncPorts::" + uuid}, c.tags("system-tags", vm)); diff != "" {
		t.Error(diff)
	}
	pattern := c.id("tags", "prod")
	c.ok("POST", "/tags/"+pattern+"/resources", `{"params":{"resourceUuids":["`+uuid+`"]}}`)
	if diff := cmp.Diff([]string{"prod"}, c.tags("user-tags", vm)); diff != "" {
		t.Error(diff)
	}
	c.ok("DELETE", "/tags/"+pattern+"/resources?resourceUuids="+uuid, "")
	if left := c.tags("user-tags", vm); left != nil {
		t.Errorf("left: %v", left)
	}
	key := "/ssh-key-pair/" + c.id("ssh-key-pair", "ops") + "/vm-instance/" + uuid
	c.ok("POST", key, "")
	if a := c.call("POST", key, ""); a.codes() != "SYS.1006" {
		t.Errorf("the same key: %s", a.raw)
	}
	c.ok("DELETE", key, "")
}

func TestStaticIP(t *testing.T) {
	c := newCloud(t)
	vm := c.create(nil)
	nic := list(vm, "vmNics")[0]
	l3 := text(nic, "l3NetworkUuid")
	set := func(ip string) *answer {
		return c.act(vm, "setVmStaticIp", `{"l3NetworkUuid":"`+l3+`","ip":"`+ip+`"}`)
	}
	for ip, codes := range map[string]string{"10.0.15.200": "SYS.1006", "192.168.0.1": "L3.1000"} {
		if a := set(ip); a.codes() != codes {
			t.Errorf("%s: %s", ip, a.raw)
		}
		if now := list(c.vm(text(vm, "uuid")), "vmNics")[0]; now["ip"] != nic["ip"] {
			t.Errorf("after %s the address is %v", ip, now["ip"])
		}
	}
	if a := set("10.0.9.9"); a.status != 200 {
		t.Fatal(a.raw)
	}
	if now := list(c.vm(text(vm, "uuid")), "vmNics")[0]; now["ip"] != "10.0.9.9" {
		t.Errorf("the address is %v", now["ip"])
	}
}

func TestVolumes(t *testing.T) {
	c := newCloud(t)
	vm := c.create(nil)
	before := c.capacities()
	volume := c.ok("POST", "/volumes/data", `{"params":{"name":"d","diskSize":1073741824,"resourceUuid":"`+nowhere+`"}}`).inventory()
	if volume["status"] != "NotInstantiated" || volume["primaryStorageUuid"] != nil {
		t.Errorf("new: %v", volume)
	}
	if a := c.call("POST", "/volumes/data", `{"params":{"name":"d","diskSize":1,"resourceUuid":"`+nowhere+`"}}`); a.codes() != "SYS.1000" {
		t.Errorf("the same UUID: %s", a.raw)
	}
	if a := c.call("POST", "/volumes/data", `{"params":{"name":"d"}}`); a.codes() != "SYS.1007" {
		t.Errorf("no size: %s", a.raw)
	}
	attach := "/volumes/" + nowhere + "/vm-instances/" + text(vm, "uuid")
	attached := c.ok("POST", attach, "").inventory()
	if attached["vmInstanceUuid"] != vm["uuid"] || attached["status"] != "Ready" || number(attached, "deviceId") != 1 {
		t.Errorf("attached: %v", attached)
	}
	if a := c.call("POST", attach, ""); a.codes() != "SYS.1006" {
		t.Errorf("attached twice: %s", a.raw)
	}
	c.ok("PUT", "/volumes/"+nowhere+"/actions", `{"updateVolume":{"name":"e"}}`)
	if all := list(c.vm(text(vm, "uuid")), "allVolumes"); len(all) != 2 || all[1]["name"] != "e" {
		t.Errorf("volumes of the VM: %v", all)
	}
	c.ok("DELETE", "/volumes/"+nowhere+"/vm-instances?vmUuid="+text(vm, "uuid"), "")
	if a := c.call("DELETE", "/volumes/"+nowhere+"/vm-instances", ""); a.codes() != "SYS.1006" {
		t.Errorf("detached twice: %s", a.raw)
	}
	if a := c.call("PUT", "/volumes/"+nowhere+"/actions", `{"expungeDataVolume":{}}`); a.codes() != "SYS.1006" {
		t.Errorf("expunge before delete: %s", a.raw)
	}
	c.ok("DELETE", "/volumes/"+nowhere, "")
	if rows := list(c.send("GET", "/volumes/"+nowhere, "").body, "inventories"); rows[0]["status"] != "Deleted" {
		t.Errorf("deleted: %v", rows)
	}
	c.ok("PUT", "/volumes/"+nowhere+"/actions", `{"recoverDataVolume":{}}`)
	c.ok("DELETE", "/volumes/"+nowhere, "")
	c.ok("PUT", "/volumes/"+nowhere+"/actions", `{"expungeDataVolume":{}}`)
	if diff := cmp.Diff(before, c.capacities()); diff != "" {
		t.Error(diff)
	}
	if a := c.call("DELETE", "/volumes/"+text(vm, "rootVolumeUuid"), ""); a.codes() != "SYS.1006" {
		t.Errorf("a root volume: %s", a.raw)
	}
}

func TestEveryCollectionAnswers(t *testing.T) {
	c := newCloud(t)
	for _, col := range collections {
		a := c.send("GET", "/"+col.path+"?limit=1&replyWithCount=true", "")
		if _, counted := a.body["total"]; a.status != 200 || a.body["inventories"] == nil || a.body["schema"] == nil || !counted {
			t.Errorf("%s: %d %s", col.path, a.status, a.raw)
		}
	}
	hosts := list(c.send("GET", "/vm-instances?q=type=ApplianceVm", "").body, "inventories")
	if len(hosts) != 1 || hosts[0]["name"] != "vrouter-app" {
		t.Errorf("ApplianceVm rows: %v", hosts)
	}
	total := c.send("GET", "/hosts/capacities/cpu-memory?zoneUuids="+c.id("zones", "shanghai-2"), "")
	if number(total.body, "totalCpu") != 20*128 {
		t.Errorf("capacity: %s", total.raw)
	}
}

// Many at a time: run with -race, and no address or capacity may be lost.
func TestManyAtOnce(t *testing.T) {
	c := newCloud(t)
	before := c.capacities()
	var all sync.WaitGroup
	for i := range 30 {
		uuid := fmt.Sprintf("aaaaaaaaaaaa4aaa8aaaaaaaaaaaa%03d", i)
		all.Go(func() {
			job := jobOf(c.send("POST", "/vm-instances", c.params(record{"resourceUuid": uuid})))
			c.wait(job)
			c.wait(jobOf(c.send("DELETE", "/vm-instances/"+uuid, "")))
			if a := c.wait(jobOf(c.send("PUT", "/vm-instances/"+uuid+"/actions", `{"expungeVmInstance":{}}`))); a.status != 200 {
				t.Error(a.raw)
			}
			c.sim.VMs()
		})
	}
	all.Wait()
	if diff := cmp.Diff(before, c.capacities()); diff != "" {
		t.Error(diff)
	}
}
