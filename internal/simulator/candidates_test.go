package simulator

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCandidates compares where a VM could go with what the hosts have left.
func TestCandidates(t *testing.T) {
	c := newCloud(t)
	image, net := c.id("images", "centos-7.9"), c.id("l3-networks", "app-net")
	ask := func(values url.Values) map[string]int {
		t.Helper()
		for name, value := range map[string]string{"imageUuid": image, "l3NetworkUuids": net, "cpuNum": "2", "memorySize": "4294967296"} {
			if values.Get(name) == "" {
				values.Set(name, value)
			}
		}
		body := c.send("GET", "/vm-instances/candidate-destinations?"+values.Encode(), "").body
		return map[string]int{"zones": len(list(body, "zones")), "clusters": len(list(body, "clusters")), "hosts": len(list(body, "hosts"))}
	}
	tests := []struct {
		name   string
		values url.Values
		want   map[string]int
	}{
		{"the network decides", url.Values{}, map[string]int{"zones": 1, "clusters": 2, "hosts": 40}},
		{"a cluster", url.Values{"clusterUuid": {c.id("clusters", "kvm-b")}}, map[string]int{"zones": 1, "clusters": 1, "hosts": 20}},
		{"a cluster that the network does not reach", url.Values{"clusterUuid": {c.id("clusters", "kvm-c")}}, map[string]int{"zones": 0, "clusters": 0, "hosts": 0}},
		{"more CPUs than any host has", url.Values{"cpuNum": {"129"}}, map[string]int{"zones": 0, "clusters": 0, "hosts": 0}},
		{"all of a host's memory", url.Values{"memorySize": {"549755813888"}}, map[string]int{"zones": 1, "clusters": 2, "hosts": 38}},
		{"an offering", url.Values{"instanceOfferingUuid": {c.id("instance-offerings", "small")}, "cpuNum": {"129"}}, map[string]int{"zones": 1, "clusters": 2, "hosts": 40}},
		{"a root disk that no storage takes", url.Values{"rootDiskSize": {"1125899906842624"}}, map[string]int{"zones": 0, "clusters": 0, "hosts": 0}},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, ask(tt.values)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if a := c.send("GET", "/vm-instances/candidate-destinations?imageUuid="+image, ""); a.status != 503 {
		t.Errorf("without networks: %d %s", a.status, a.raw)
	}
	iso := url.Values{"imageUuid": {c.id("images", "centos-7.9-iso")}, "l3NetworkUuids": {net}, "cpuNum": {"1"}, "memorySize": {"1"}}
	if a := c.send("GET", "/vm-instances/candidate-destinations?"+iso.Encode(), ""); a.codes() != "SYS.1007" {
		t.Errorf("an ISO without a root disk: %s", a.raw)
	}
}

// TestQuotaOfTheRecycleBin: what is destroyed runs no more but still takes space.
func TestQuotaOfTheRecycleBin(t *testing.T) {
	c := newCloud(t).as("dev")
	vm := c.create(record{"strategy": "InstantStart"})
	c.create(record{"strategy": "JustCreate"})
	c.ok("DELETE", "/vm-instances/"+text(vm, "uuid"), "")
	account := c.id("accounts", "dev")
	got := map[string]int64{}
	for _, row := range list(c.send("GET", "/accounts/quota/"+account+"/usages", "").body, "usages") {
		got[text(row, "name")] = number(row, "used")
	}
	want := map[string]int64{"vm.num": 0, "vm.totalNum": 0, "vm.cpuNum": 0, "vm.memorySize": 0, "volume.capacity": 40 << 30, "volume.data.num": 0}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("usage (-want +got):\n%s", d)
	}
}

// TestImageOfAnotherZone: an image is only where its backup storage is.
func TestImageOfAnotherZone(t *testing.T) {
	c := newCloud(t)
	c.alter("backup-storage", "images", record{"attachedZoneUuids": []any{c.id("zones", "shanghai-2")}})
	if a := c.call("POST", "/vm-instances", c.params(nil)); a.codes() != "SYS.1006>HOST_ALLOCATION.1000" {
		t.Errorf("%q: %s", a.codes(), a.raw)
	}
}
