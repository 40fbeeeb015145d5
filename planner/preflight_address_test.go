package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// netRoom is app-net with free addresses out of 10.0.0.10 … 10.0.0.99.
func netRoom(free int64, taken ...TakenAddress) *Headroom {
	return &Headroom{Addresses: taken, Networks: []NetworkRoom{{UUID: uid("3e", 1), Free: free,
		Ranges: []AddressRange{{Start: "10.0.0.10", End: "10.0.0.99", Gateway: "10.0.0.50"}}}}}
}

// at gives a machine an address of its own on app-net.
func at(m spec.Machine, ip string) spec.Machine {
	m.Networks = []spec.Network{{Network: byName("app-net"), Default: true, IP: ip}}
	m.Places = map[string]spec.Pos{"": {File: "fleet.yaml", Line: 10, Column: 3}, "networks[0].ip": {File: "fleet.yaml", Line: 20, Column: 5}}
	return m
}

// withAddresses gives the VMs of an inventory addresses by their names.
func withAddresses(inv *Inventory, ips map[string]string) *Inventory {
	for i := range inv.Machines {
		if ip := ips[inv.Machines[i].Name]; ip != "" {
			inv.Machines[i].NICs = []NIC{{NetworkUUID: uid("3e", 1), IPs: []string{ip}}}
		}
	}
	return inv
}

func TestAddresses(t *testing.T) {
	masked := at(web(1), "10.9.0.1")
	masked.Networks[0].Netmask = "255.255.0.0"
	foreign := TakenAddress{NetworkUUID: uid("3e", 1), IP: "10.0.0.20", VMUUID: uid("ff", 1), VMName: "legacy"}
	hidden := TakenAddress{NetworkUUID: uid("3e", 1), IP: "10.0.0.20"}
	elsewhere := TakenAddress{NetworkUUID: uid("3e", 2), IP: "10.0.0.20", VMUUID: uid("ff", 1), VMName: "legacy"}
	for _, tt := range []struct {
		name string
		file []spec.Machine
		room *Headroom
		want []string
	}{
		{"enough", webs(3, nil), netRoom(3), []string{"addresses app-net: 3 of 3"}},
		{"too few", webs(5, nil), netRoom(2), []string{"addresses app-net: 5 of 2, 3 short: web/3 web/4 web/5",
			`refused no-addresses: addresses of network "app-net": 5 needed, 2 available; web/3 … web/5 would not fit`}},
		{"free and in range", []spec.Machine{at(web(1), "10.0.0.20")}, netRoom(9, elsewhere), []string{"addresses app-net: 1 of 9"}},
		{"in use", []spec.Machine{at(web(1), "10.0.0.20")}, netRoom(9, foreign), []string{
			`fleet.yaml:20:5: address 10.0.0.20 on network "app-net" is in use by VM "legacy" (` + uid("ff", 1) + `) [address-taken]`}},
		{"in use by who knows what", []spec.Machine{at(web(1), "10.0.0.20")}, netRoom(9, hidden), []string{
			`fleet.yaml:20:5: address 10.0.0.20 on network "app-net" is in use by something that the account may not see [address-taken]`}},
		{"out of range", []spec.Machine{at(web(1), "10.9.0.1")}, netRoom(9), []string{
			`fleet.yaml:20:5: address 10.9.0.1 is in no range of network "app-net" [address-out-of-range]`}},
		{"out of range, with a netmask", []spec.Machine{masked}, netRoom(9), []string{
			`fleet.yaml:20:5: warning: address 10.9.0.1 is in no range of network "app-net" [address-out-of-range]`}},
		{"the gateway", []spec.Machine{at(web(1), "10.0.0.50")}, netRoom(9), []string{
			`fleet.yaml:20:5: address 10.0.0.50 is the gateway of network "app-net" [address-taken]`}},
		{"chosen twice", []spec.Machine{at(web(1), "10.0.0.20"), at(web(2), "10.0.0.20")}, netRoom(9), []string{
			`fleet.yaml:20:5: address 10.0.0.20 on network "app-net" is chosen for web/1 and for web/2 [address-taken]`}},
		{"a network that hands out none", webs(3, nil), &Headroom{Networks: []NetworkRoom{{UUID: uid("3e", 1)}}}, nil},
		{"a network that was not asked about", []spec.Machine{at(web(1), "10.9.0.1")}, &Headroom{}, nil},
		{"IPv6 has enough", webs(3, nil), &Headroom{Networks: []NetworkRoom{{UUID: uid("3e", 1), Ranges: []AddressRange{{Start: "fd00::2", End: "fd00::ff"}}}}}, nil},
		{"registered machines take none", webs(3, func(m *spec.Machine) { m.Strategy = "JustCreate" }), netRoom(0), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := emptyInventory()
			inv.Headroom = tt.room
			plan, found := Build(fleetOf(tt.file...), inv, none)
			var got []string
			if plan != nil {
				got = verdict(plan)
			} else {
				for _, d := range found {
					got = append(got, d.String())
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestAddressesOfThePlan: an address that the plan itself frees can be taken,
// after the VM that has it.
func TestAddressesOfThePlan(t *testing.T) {
	ubuntu := func(m spec.Machine) spec.Machine {
		m.Source.Ref = byName("ubuntu-22.04")
		return m
	}
	cloud := func() *Inventory {
		inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(at(web(1), "10.0.0.21"), at(web(2), "10.0.0.22"), at(web(3), "10.0.0.23")), emptyInventory(), none))
		return withAddresses(inv, map[string]string{"web-1": "10.0.0.21", "web-2": "10.0.0.22", "web-3": "10.0.0.23"})
	}
	for _, tt := range []struct {
		name  string
		file  []spec.Machine
		free  int64
		want  []string // without keeps
		steps []string
	}{
		{"its own", []spec.Machine{ubuntu(at(web(1), "10.0.0.21")), at(web(2), "10.0.0.22"), at(web(3), "10.0.0.23")}, 0,
			[]string{"addresses app-net: 1 of 0 +1"},
			[]string{"web/1 destroy", "web/1 create < web/1 destroy"}},
		{"of a machine that is deleted", []spec.Machine{at(web(1), "10.0.0.21"), at(web(2), "10.0.0.22"), at(web(4), "10.0.0.23")}, 5,
			[]string{"addresses app-net: 1 of 5 +1"},
			[]string{"web/3 destroy", "web/4 create < web/3 destroy"}},
		{"two that swap", []spec.Machine{at(web(1), "10.0.0.22"), at(web(2), "10.0.0.21"), at(web(3), "10.0.0.23")}, 0,
			[]string{"addresses app-net: 2 of 0 +2"},
			[]string{"web/1 destroy", "web/2 destroy", "web/1 create < web/1 destroy < web/2 destroy", "web/2 create < web/2 destroy < web/1 destroy"}},
		{"of one that stays", []spec.Machine{at(web(1), "10.0.0.21"), at(web(2), "10.0.0.22"), at(web(3), "10.0.0.23"), at(web(4), "10.0.0.23")}, 5,
			[]string{`fleet.yaml:20:5: address 10.0.0.23 on network "app-net" is in use by web/3 (VM "web-3") [address-taken]`}, nil},
		{"any, when one goes", []spec.Machine{at(web(1), "10.0.0.21"), at(web(2), "10.0.0.22"), web(4)}, 0,
			[]string{"addresses app-net: 1 of 0 +1",
				`fleet.yaml:10:3: warning: addresses of network "app-net": 1 needed, 0 available and 1 freed by this plan; ` +
					"web/4 may not fit before the deletions of this plan are done [no-addresses]"},
			[]string{"web/4 create", "web/3 destroy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := cloud()
			inv.Headroom = netRoom(tt.free)
			plan, found := Build(fleetOf(tt.file...), inv, none)
			if plan == nil {
				if d := cmp.Diff(tt.want, []string{found[0].String()}); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				return
			}
			if d := cmp.Diff(tt.want, verdict(plan)); d != "" {
				t.Errorf("preflight (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.steps, steps(plan)); d != "" {
				t.Errorf("steps (-want +got):\n%s", d)
			}
			data, err := plan.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decode(data); err != nil {
				t.Errorf("the plan file is refused: %v", err)
			}
		})
	}
}

func TestHosts(t *testing.T) {
	fleet := fleetOf(append(webs(3, nil), db())...)
	inv := emptyInventory()
	decision, found := Decide(fleet, inv, none)
	if found.HasErrors() {
		t.Fatal(found)
	}
	wants := decision.Wants()
	shape := Shape{ImageUUID: uid("1a", 1), NetworkUUIDs: []string{uid("3e", 1)}, OfferingUUID: uid("0f", 1), ZoneUUID: uid("20e", 1), ClusterUUID: uid("c1", 1)}
	want := HeadroomWants{Machines: true, Images: true, Networks: []string{uid("3e", 1)}, Shapes: []Shape{shape}}
	if d := cmp.Diff(want, wants); d != "" {
		t.Errorf("wants (-want +got):\n%s", d)
	}
	inv.Headroom = &Headroom{Shapes: []CandidateHosts{{Shape: shape, Hosts: 1}}}
	if got := verdict(mustBuild(t, fleet, inv, none)); got != nil {
		t.Errorf("one host will do, but: %v", got)
	}
	inv.Headroom.Shapes[0].Hosts = 0
	none0 := []string{"hosts web/1 … web/3: 1 of 0, 3 short: web/1 web/2 web/3",
		`refused no-host: no host can take even one of web/1 … web/3: 2 CPUs and 4 GiB of memory, image "centos-7.9", cluster kvm-a`}
	if d := cmp.Diff(none0, verdict(mustBuild(t, fleet, inv, none))); d != "" {
		t.Errorf("no host (-want +got):\n%s", d)
	}

	// A replacement may go where the old machine was.
	old := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1)), emptyInventory(), none))
	other := web(1)
	other.Source.Ref = byName("ubuntu-22.04")
	shape.ImageUUID = uid("1a", 2)
	old.Headroom = &Headroom{Shapes: []CandidateHosts{{Shape: shape}}}
	got := verdict(mustBuild(t, fleetOf(other), old, none))
	if len(got) != 2 || !strings.Contains(got[1], "warning: no host can take even one of web/1") {
		t.Errorf("a replacement on a full cluster: %v", got)
	}
}

// TestWants: what is asked does not grow with the machines, and nothing is
// asked where nothing is to be created.
func TestWants(t *testing.T) {
	decision, _ := Decide(fleetOf(webs(500, nil)...), emptyInventory(), none)
	wants := decision.Wants()
	if len(wants.Networks) != 1 || len(wants.Shapes) != 1 || len(wants.Addresses) != 0 {
		t.Errorf("for 500 equal machines: %d networks, %d shapes, %d addresses", len(wants.Networks), len(wants.Shapes), len(wants.Addresses))
	}
	var different []spec.Machine
	for i := range 2 * maxShapes {
		m := web(i + 1)
		m.Offering, m.CPU, m.Memory = nil, ptr(i+1), ptr(gib)
		different = append(different, m)
	}
	inv := emptyInventory()
	decision, _ = Decide(fleetOf(different...), inv, none)
	wants = decision.Wants()
	if len(wants.Shapes) != maxShapes {
		t.Errorf("%d shapes, want %d", len(wants.Shapes), maxShapes)
	}
	room := &Headroom{}
	for _, s := range wants.Shapes {
		room.Shapes = append(room.Shapes, CandidateHosts{s, 1})
	}
	plan, _ := decision.Plan(room)
	want := []string{fmt.Sprintf("unchecked hosts for a machine: %d of %d kinds of machines were not asked about", maxShapes, 2*maxShapes)}
	if d := cmp.Diff(want, verdict(plan)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	inv = applied(t, emptyInventory(), mustBuild(t, fleetOf(webs(3, nil)...), emptyInventory(), none))
	decision, _ = Decide(fleetOf(webs(3, nil)...), inv, none)
	if d := cmp.Diff(HeadroomWants{}, decision.Wants()); d != "" {
		t.Errorf("nothing is created, but it wants (-want +got):\n%s", d)
	}
	inv.Headroom = &Headroom{Unread: []Unread{{"quota", "nobody knows"}}}
	if plan := mustBuild(t, fleetOf(webs(3, nil)...), inv, none); plan.Preflight != nil {
		t.Errorf("nothing is created, but: %v", plan.Preflight)
	}
	if got := decision.AllWants(); !slices.Equal(got.Networks, []string{uid("3e", 1)}) {
		t.Errorf("an inventory asks about networks %v", got.Networks)
	}
}

// TestHeadroomOrder: in which order a server lists things does not show.
func TestHeadroomOrder(t *testing.T) {
	room := netRoom(2)
	room.Networks[0].Ranges = append(room.Networks[0].Ranges, AddressRange{Start: "10.0.1.10", End: "10.0.1.20"})
	room.Networks = append(room.Networks, NetworkRoom{UUID: uid("3e", 2), Free: 1, Ranges: []AddressRange{{Start: "10.2.0.1", End: "10.2.0.9"}}})
	room.Hosts = []Room{{uid("40", 1), uid("20e", 1), uid("c1", 1), 3, gib}, {uid("40", 2), uid("20e", 1), uid("c1", 2), 1, 9 * gib}, {uid("40", 3), uid("20e", 2), uid("c1", 3), 1, gib}}
	for i, name := range []string{"ps-ssd", "ps-far", "ps-hdd"} {
		room.Storages = append(room.Storages, StorageRoom{UUID: uid("95", i+1), Name: name, State: "Enabled", Status: "Connected",
			ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 2), uid("c1", 1)}, Available: int64(i) * 40 * gib})
	}
	room.Quotas = []Quota{{"vm.num", 2, 0}, {"vm.cpuNum", 3, 0}, {"volume.capacity", 10 * gib, gib}}
	room.Unread = []Unread{{"hosts", "b"}, {"backup storage", "a"}}
	file := fleetOf(append(webs(5, nil), replica(1))...)
	inv := sized(emptyInventory())
	inv.Headroom = room
	want, err := mustBuild(t, file, inv, none).Encode()
	if err != nil {
		t.Fatal(err)
	}
	other := *room
	other.Networks, other.Hosts, other.Storages = reversed(room.Networks), reversed(room.Hosts), reversed(room.Storages)
	other.Quotas, other.Unread = reversed(room.Quotas), reversed(room.Unread)
	other.Networks[1].Ranges = reversed(other.Networks[1].Ranges)
	inv.Headroom = &other
	got, err := mustBuild(t, file, inv, none).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("the plan of the same headroom in another order (-want +got):\n%s", d)
	}
}

func reversed[T any](list []T) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

// TestHeadroomBeyondInventory: an inventory file that was taken without something does
// not say that there is enough of it.
func TestHeadroomBeyondInventory(t *testing.T) {
	file := fleetOf(at(web(1), "10.0.0.20"))
	for _, tt := range []struct {
		name string
		room *Headroom
		want []string
	}{
		{"without anything", UnknownHeadroom("inv.json was taken without it"), []string{"unchecked what there is: inv.json was taken without it"}},
		{"without the network", &Headroom{}, []string{`unchecked addresses of network "app-net": inv.json was taken without them`}},
		{"without the addresses, for a reason", &Headroom{Unread: []Unread{{"addresses", "the server reports ID.1002"}}}, []string{"unchecked addresses: the server reports ID.1002"}},
		{"without the address", netRoom(9), []string{"addresses app-net: 1 of 9", `unchecked address 10.0.0.20 on network "app-net": inv.json was taken without looking for it`}},
	} {
		inv := emptyInventory()
		inv.file, inv.Headroom = "inv.json", tt.room
		if d := cmp.Diff(tt.want, verdict(mustBuild(t, file, inv, none))); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	inv := emptyInventory()
	inv.file, inv.Headroom = "inv.json", netRoom(9)
	inv.Headroom.Networks[0].Asked = []string{"10.0.0.20"}
	if got := verdict(mustBuild(t, file, inv, none)); len(got) != 1 {
		t.Errorf("with the address: %v", got)
	}
}
