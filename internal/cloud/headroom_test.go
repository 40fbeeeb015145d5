package cloud

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// watchedCloud is a simulated data center and a read-only client of it. Requests
// for which broken returns a status are refused with that; all are counted.
func watchedCloud(t *testing.T, account string, broken func(path string) int) (*zstack.Client, *atomic.Int64) {
	t.Helper()
	server := newDatacenter(t, "")
	var requests atomic.Int64
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if broken != nil {
			if status := broken(r.URL.Path); status != 0 {
				w.WriteHeader(status)
				fmt.Fprint(w, `{"error":{"code":"ID.1002","description":"Operation denied"}}`)
				return
			}
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		listener.Close()
		if findings := server.Findings(); len(findings) > 0 {
			t.Errorf("parameters that the server does not know: %v", findings)
		}
		_ = server.Close()
	})
	client, err := zstack.New(zstack.Config{Endpoint: listener.URL, AccountName: account, AccountPassword: "password", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return client, &requests
}

// websOf are machines that differ in name and address only.
func websOf(n int) *spec.Fleet {
	fleet := &spec.Fleet{Name: testScope.Name, ID: testScope.ID}
	for i := range n {
		fleet.Machines = append(fleet.Machines, spec.Machine{
			Key: fmt.Sprintf("web/%d", i+1), Group: "web", Name: fmt.Sprintf("web-%d", i+1), CPU: new(2), Memory: new(int64(4 << 30)),
			Source:   spec.Source{Kind: spec.FromImage, Ref: spec.Ref{Name: "centos-7.9"}},
			Networks: []spec.Network{{Network: spec.Ref{Name: "app-net"}, Default: true}},
		})
	}
	return fleet
}

func planOf(t *testing.T, client *zstack.Client, fleet *spec.Fleet) (*planner.Plan, spec.Diagnostics) {
	t.Helper()
	inventory, err := Inventory(t.Context(), client, testScope, planner.RequestsFor(fleet), nil)
	if err != nil {
		t.Fatal(err)
	}
	decision, found := planner.Decide(fleet, inventory, planner.Options{AllowDeletes: -1, AllowReplacements: -1})
	if found.HasErrors() {
		t.Fatal(found)
	}
	room, err := Headroom(t.Context(), client, inventory.Account, decision.Wants(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return decision.Plan(room)
}

// TestHeadroomRequests: a thousand equal machines are one question.
func TestHeadroomRequests(t *testing.T) {
	count := func(machines int) int64 {
		client, requests := watchedCloud(t, "dev", nil)
		plan, found := planOf(t, client, websOf(machines))
		if found.HasErrors() || plan.Preflight == nil {
			t.Fatalf("%d machines: %v", machines, found)
		}
		return requests.Load()
	}
	few, many := count(1), count(1000)
	if few != many || many > 30 {
		t.Errorf("%d requests for a plan of 1 machine, %d for one of 1000; want the same, and at most 30", few, many)
	}
	client, requests := watchedCloud(t, "dev", nil)
	if room, err := Headroom(t.Context(), client, testAccount, planner.HeadroomWants{}, nil); room != nil || err != nil || requests.Load() != 0 {
		t.Errorf("where nothing is created: %v, %v, %d requests", room, err, requests.Load())
	}
}

// TestHeadroomOfAnAccount compares what is read with the example's data center.
func TestHeadroomOfAnAccount(t *testing.T) {
	fleet := websOf(2)
	fleet.Machines[0].Networks[0].IP, fleet.Machines[1].Networks[0].IP = "10.0.0.20", "10.0.0.21"
	client, _ := watchedCloud(t, "dev", nil)
	plan, _ := planOf(t, client, fleet)
	var got []string
	for _, c := range plan.Preflight.Checks {
		got = append(got, fmt.Sprintf("%s %s %s/%s", c.Resource, c.Of, c.Amount(c.Needed), c.Amount(c.Available)))
	}
	want := []string{
		"addresses app-net 2/4091",
		"quota vm.cpuNum 4/80", "quota vm.memorySize 8 GiB/160 GiB", "quota vm.num 2/20", "quota vm.totalNum 2/20",
		"quota volume.capacity 80 GiB/10 TiB",
		"cpu the cloud 4/7674", "memory the cloud 8 GiB/29.99 TiB",
		"storage ps-hdd, ps-ssd 80 GiB/1199 TiB",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("checks (-want +got):\n%s", d)
	}
	if plan.Preflight.Unchecked != nil {
		t.Errorf("unchecked: %v", plan.Preflight.Unchecked)
	}

	fleet.Machines[0].Networks[0].IP = "10.0.15.200" // of a VM that is there already
	admin, _ := watchedCloud(t, "admin", nil)
	_, found := planOf(t, admin, fleet)
	if len(found) != 1 || !strings.Contains(found[0].Message, `address 10.0.15.200 on network "app-net" is in use by VM "legacy-app"`) {
		t.Errorf("an address that is in use: %v", found)
	}
}

// TestHeadroomUnread: what an account may not read is named, and stops nothing.
func TestHeadroomUnread(t *testing.T) {
	client, _ := watchedCloud(t, "dev", func(path string) int {
		for _, part := range []string{"/hosts", "/usages", "/primary-storage", "/ip-", "/backup-storage", "/candidate-destinations"} {
			if strings.Contains(path, part) {
				return http.StatusServiceUnavailable
			}
		}
		return 0
	})
	plan, found := planOf(t, client, websOf(2))
	if len(found) > 0 {
		t.Errorf("found: %v", found)
	}
	want := &planner.Preflight{Digest: plan.Preflight.Digest, Unchecked: []string{
		"addresses: the server reports ID.1002", "backup storage: the server reports ID.1002", "cpu and memory: the server reports ID.1002",
		"hosts for a machine: the server reports ID.1002", "quota: the server reports ID.1002", "storage: the server reports ID.1002",
	}}
	if d := cmp.Diff(want, plan.Preflight); d != "" {
		t.Errorf("preflight (-want +got):\n%s", d)
	}
}

// TestNamePlaces: people are told where machines are in names, as far as the account
// may read them, and what was read for a plan stays as it is.
func TestNamePlaces(t *testing.T) {
	client, _ := watchedCloud(t, "dev", func(path string) int {
		if strings.Contains(path, "/hosts") {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	file := planner.NewInventoryFile(false)
	zones := []planner.Entry{{UUID: "z", Name: "as the plan saw it"}}
	file.Catalog[planner.KindZone], file.Asked[planner.KindZone] = zones, planner.Asked{Whole: true}
	if err := NamePlaces(t.Context(), client, file, func(string) {}); err != nil {
		t.Fatal(err)
	}
	got := make(map[planner.Kind][]string)
	for kind, entries := range file.Catalog {
		for _, e := range entries {
			got[kind] = append(got[kind], e.Name)
		}
		slices.Sort(got[kind])
	}
	want := map[planner.Kind][]string{planner.KindZone: {"as the plan saw it"}, planner.KindCluster: {"kvm-a", "kvm-b", "kvm-c"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("catalog (-want +got):\n%s", d)
	}
}
