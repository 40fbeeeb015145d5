package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

const gib = int64(1) << 30

// verdict says in lines what a plan's preflight found: checks, refusals, notes.
func verdict(plan *Plan) []string {
	var lines []string
	if plan.Preflight != nil {
		for _, c := range plan.Preflight.Checks {
			line := fmt.Sprintf("%s %s: %s of %s", c.Resource, c.Of, c.Amount(c.Needed), c.Amount(c.Available))
			if c.Freed > 0 {
				line += " +" + c.Amount(c.Freed)
			}
			if c.Short > 0 {
				line += fmt.Sprintf(", %d short: %s", c.Short, strings.Join(c.First, " "))
			}
			lines = append(lines, line)
		}
		for _, what := range plan.Preflight.Unchecked {
			lines = append(lines, "unchecked "+what)
		}
	}
	for _, r := range plan.Refusals {
		lines = append(lines, "refused "+r.Code+": "+r.Message)
	}
	for _, d := range plan.Notes {
		lines = append(lines, d.String())
	}
	return lines
}

// webs are n machines of the group web.
func webs(n int, edit func(*spec.Machine)) []spec.Machine {
	var machines []spec.Machine
	for i := range n {
		m := web(i + 1)
		if edit != nil {
			edit(&m)
		}
		machines = append(machines, m)
	}
	return machines
}

// sized gives the test catalog's images a size.
func sized(inv *Inventory) *Inventory {
	for i := range inv.Catalog[KindImage] {
		inv.Catalog[KindImage][i].Size = 40 * gib
	}
	return inv
}

func TestQuotas(t *testing.T) {
	quota := func(name string, limit, used int64) *Headroom {
		return &Headroom{Quotas: []Quota{{Name: name, Limit: limit, Used: used}}}
	}
	disks := func(m *spec.Machine) {
		m.DataDisks = []spec.DataDisk{{Offering: ptr(byName("ssd-100g"))}, {Size: ptr(10 * gib)}}
	}
	stopped := func(m *spec.Machine) { m.Strategy = "CreateStopped" }
	registered := func(m *spec.Machine) { m.Strategy = "JustCreate" }
	large := func(m *spec.Machine) { m.RootDisk = &spec.RootDisk{Size: ptr(60 * gib)} }
	for _, tt := range []struct {
		name  string
		edit  func(*spec.Machine)
		room  *Headroom
		allow bool
		want  []string
	}{
		{name: "fits exactly", room: quota("vm.num", 5, 1), want: []string{"quota vm.num: 4 of 4"}},
		{name: "one too many", room: quota("vm.num", 5, 2), want: []string{"quota vm.num: 4 of 3, 1 short: web/4",
			"refused over-quota: quota vm.num of the account (limit 5, used 2): 4 needed, 3 available; web/4 would not fit"}},
		{name: "used up and more", room: quota("vm.num", 5, 9), want: []string{"quota vm.num: 4 of 0, 4 short: web/1 web/2 web/3 web/4",
			"refused over-quota: quota vm.num of the account (limit 5, used 9): 4 needed, 0 available; web/1 … web/4 would not fit"}},
		{name: "the operator knows better", allow: true, room: quota("vm.num", 5, 2), want: []string{"quota vm.num: 4 of 3, 1 short: web/4",
			"fleet.yaml:10:3: warning: quota vm.num of the account (limit 5, used 2): 4 needed, 3 available; web/4 would not fit [over-quota]"}},
		{name: "no limit", room: quota("vm.num", -1, 9)},
		{name: "a quota of something else", room: quota("eip.num", 0, 0)},
		{name: "CPUs of the offering", room: quota("vm.cpuNum", 80, 74), want: []string{"quota vm.cpuNum: 8 of 6, 1 short: web/4",
			"refused over-quota: quota vm.cpuNum of the account (limit 80, used 74): 8 needed, 6 available; web/4 would not fit"}},
		{name: "memory is bytes", room: quota("vm.memorySize", 12*gib, 0), want: []string{"quota vm.memorySize: 16 GiB of 12 GiB, 1 short: web/4",
			"refused over-quota: quota vm.memorySize of the account (limit 12 GiB, used 0 B): 16 GiB needed, 12 GiB available; web/4 would not fit"}},
		{name: "stopped machines run nothing", edit: stopped, room: quota("vm.cpuNum", 2, 0), want: []string{"quota vm.cpuNum: 2 of 2"}},
		{name: "but are started for a moment", edit: stopped, room: quota("vm.cpuNum", 1, 0), want: []string{
			"quota vm.cpuNum: 2 of 1, 4 short: web/1 web/2 web/3 web/4",
			"refused over-quota: quota vm.cpuNum of the account (limit 1, used 0): 2 needed, 1 available; web/1 … web/4 would not fit"}},
		{name: "they count all the same", edit: stopped, room: quota("vm.totalNum", 3, 0), want: []string{"quota vm.totalNum: 4 of 3, 1 short: web/4",
			"refused over-quota: quota vm.totalNum of the account (limit 3, used 0): 4 needed, 3 available; web/4 would not fit"}},
		{name: "registered ones do not", edit: registered, room: quota("vm.totalNum", 0, 0)},
		{name: "disks by size are not asked for, but count", edit: disks, room: quota("volume.data.num", 7, 0), want: []string{"quota volume.data.num: 8 of 7"}},
		{name: "disks by offering are asked for", edit: disks, room: quota("volume.data.num", 6, 0), want: []string{"quota volume.data.num: 8 of 6, 1 short: web/4",
			"refused over-quota: quota volume.data.num of the account (limit 6, used 0): 8 needed, 6 available; web/4 would not fit"}},
		{name: "space of all disks", edit: disks, room: quota("volume.capacity", 590*gib, 0), want: []string{"quota volume.capacity: 600 GiB of 590 GiB"}},
		{name: "space of the image is asked for, that of the root disk taken", edit: large, room: quota("volume.capacity", 220*gib, 0), want: []string{
			"quota volume.capacity: 240 GiB of 220 GiB"}},
		{name: "space of larger root disks is taken", edit: large, room: quota("volume.capacity", 219*gib, 0), want: []string{
			"quota volume.capacity: 240 GiB of 219 GiB, 1 short: web/4",
			"refused over-quota: quota volume.capacity of the account (limit 219 GiB, used 0 B): 240 GiB needed, 219 GiB available; web/4 would not fit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := sized(emptyInventory())
			inv.Headroom = tt.room
			opts := none
			opts.AllowShortage = tt.allow
			if d := cmp.Diff(tt.want, verdict(mustBuild(t, fleetOf(webs(4, tt.edit)...), inv, opts))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestQuotaOfReplacements: what goes gives back what the server counts no more.
func TestQuotaOfReplacements(t *testing.T) {
	before := applied(t, sized(emptyInventory()), mustBuild(t, fleetOf(webs(4, nil)...), sized(emptyInventory()), none))
	other := func(m *spec.Machine) { m.Source.Ref = byName("ubuntu-22.04") }
	quotas := func(used int64) *Headroom {
		return &Headroom{Quotas: []Quota{{Name: "vm.num", Limit: 4, Used: used}, {Name: "volume.capacity", Limit: 300 * gib, Used: 160 * gib}}}
	}
	for _, tt := range []struct {
		name   string
		file   []spec.Machine
		policy string
		want   []string
	}{
		{"a replacement takes the place of the old machine, not its disk", webs(4, other), "Delay", []string{
			"quota vm.num: 4 of 0 +4", "quota volume.capacity: 160 GiB of 140 GiB, 1 short: web/4",
			"refused over-quota: quota volume.capacity of the account (limit 300 GiB, used 160 GiB): 160 GiB needed, 140 GiB available; web/4 would not fit"}},
		{"where nothing is kept in the recycle bin the disk goes too", webs(4, other), "Direct", []string{
			"quota vm.num: 4 of 0 +4", "quota volume.capacity: 160 GiB of 140 GiB +160 GiB"}},
		{"a deletion may come too late", append(webs(3, nil), replica(1)), "Delay", []string{
			"quota vm.num: 1 of 0 +1", "quota volume.capacity: 0 B of 140 GiB",
			"fleet.yaml:10:3: warning: quota vm.num of the account (limit 4, used 4): 1 needed, 0 available and 1 freed by this plan; " +
				"replica/1 may not fit before the deletions of this plan are done [over-quota]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := *before
			for i := range inv.Machines {
				inv.Machines[i].Volumes = []Disk{{UUID: uid("f0", i), Type: "Root", Size: 40 * gib}}
			}
			inv.DeletionPolicy, inv.Headroom = tt.policy, quotas(4)
			got := verdict(mustBuild(t, fleetOf(tt.file...), &inv, none))
			got = slices.DeleteFunc(got, func(line string) bool { return strings.HasPrefix(line, "quota volume.capacity: 0") })
			want := slices.DeleteFunc(slices.Clone(tt.want), func(line string) bool { return strings.HasPrefix(line, "quota volume.capacity: 0") })
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestStorages(t *testing.T) {
	storages := func(ssd, hdd int64) *Headroom {
		return &Headroom{Storages: []StorageRoom{
			{UUID: uid("95", 3), Name: "ps-hdd", State: "Enabled", Status: "Connected", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1)}, Available: hdd * gib},
			{UUID: uid("95", 1), Name: "ps-ssd", State: "Enabled", Status: "Connected", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1), uid("c1", 2)}, Available: ssd * gib},
			{UUID: uid("95", 2), Name: "ps-far", State: "Enabled", Status: "Connected", ZoneUUID: uid("20e", 2), ClusterUUIDs: []string{uid("c1", 3)}, Available: 1000 * gib},
		}}
	}
	pinned := func(m *spec.Machine) { m.RootDisk = &spec.RootDisk{PrimaryStorage: ptr(byName("ps-ssd"))} }
	onlyOne := func(m *spec.Machine) { m.Placement.Cluster = ptr(byName("kvm-b")) }
	data := func(m *spec.Machine) {
		m.DataDisks = []spec.DataDisk{{Offering: ptr(byName("ssd-100g")), PrimaryStorage: ptr(byName("ps-ssd"))}, {Size: ptr(20 * gib)}}
	}
	lost := storages(100, 100)
	lost.Storages[0].Status, lost.Storages[1].State = "Disconnected", "Disabled"
	for _, tt := range []struct {
		name string
		file []spec.Machine
		room *Headroom
		want []string
	}{
		{"either can hold it", webs(3, nil), storages(60, 60), []string{"storage ps-hdd, ps-ssd: 120 GiB of 120 GiB"}},
		{"both together may not", webs(3, nil), storages(60, 59), []string{"storage ps-hdd, ps-ssd: 120 GiB of 119 GiB, 1 short: web/3",
			"fleet.yaml:11:21: warning: space on primary storage ps-hdd, ps-ssd: 120 GiB needed, 119 GiB available; web/3 would not fit [no-storage]"}},
		{"the one that was chosen cannot", webs(3, pinned), storages(119, 999), []string{"storage ps-ssd: 120 GiB of 119 GiB, 1 short: web/3",
			"refused no-storage: space on primary storage ps-ssd: 120 GiB needed, 119 GiB available; web/3 would not fit"}},
		{"the only one of the cluster cannot", webs(3, onlyOne), storages(80, 999), []string{"storage ps-ssd: 120 GiB of 80 GiB, 1 short: web/3",
			"refused no-storage: space on primary storage ps-ssd: 120 GiB needed, 80 GiB available; web/3 would not fit"}},
		{"disks on one and on any", webs(2, data), storages(200, 120), []string{"storage ps-ssd: 200 GiB of 200 GiB",
			"storage ps-hdd, ps-ssd: 320 GiB of 320 GiB"}},
		{"disks on one leave too little for the others", webs(2, data), storages(200, 119), []string{"storage ps-ssd: 200 GiB of 200 GiB",
			"storage ps-hdd, ps-ssd: 320 GiB of 319 GiB, 1 short: web/2",
			"fleet.yaml:11:21: warning: space on primary storage ps-hdd, ps-ssd: 320 GiB needed, 319 GiB available; web/2 would not fit [no-storage]"}},
		{"what is short in the part is not said of the whole", webs(2, data), storages(150, 0), []string{"storage ps-ssd: 200 GiB of 150 GiB, 1 short: web/2",
			"storage ps-hdd, ps-ssd: 320 GiB of 150 GiB, 2 short: web/1 web/2",
			"refused no-storage: space on primary storage ps-ssd: 200 GiB needed, 150 GiB available; web/2 would not fit"}},
		{"a volume takes nothing", []spec.Machine{db()}, storages(0, 0), nil},
		{"a snapshot stays where it is", []spec.Machine{replica(1)}, storages(2, 999), []string{"storage ps-ssd: 3 GiB of 2 GiB, 1 short: replica/1",
			"refused no-storage: space on primary storage ps-ssd: 3 GiB needed, 2 GiB available; replica/1 would not fit"}},
		{"none is there", webs(2, nil), lost, []string{
			"refused no-storage: no primary storage that is enabled and connected can hold the disks of group web"}},
		{"not known", webs(2, nil), &Headroom{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := sized(emptyInventory())
			inv.Catalog[KindSnapshot][0].Size = 3 * gib
			inv.Headroom = tt.room
			if d := cmp.Diff(tt.want, verdict(mustBuild(t, fleetOf(tt.file...), inv, none))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestImageStores(t *testing.T) {
	inv := emptyInventory()
	inv.Catalog[KindImage][0].StoreUUIDs = []string{uid("b5", 1)}
	for _, tt := range []struct {
		name  string
		store BackupStorage
		want  []string
	}{
		{"served", BackupStorage{UUID: uid("b5", 1), State: "Enabled", Status: "Connected", ZoneUUIDs: []string{uid("20e", 1)}}, nil},
		{"of another zone", BackupStorage{UUID: uid("b5", 1), State: "Enabled", Status: "Connected", ZoneUUIDs: []string{uid("20e", 2)}},
			[]string{`fleet.yaml:11:21: image "centos-7.9" is on no backup storage that zone "shanghai-1" reaches [out-of-reach]`}},
		{"down", BackupStorage{UUID: uid("b5", 1), State: "Enabled", Status: "Disconnected", ZoneUUIDs: []string{uid("20e", 1)}},
			[]string{`fleet.yaml:11:21: warning: the backup storages of zone "shanghai-1" that have image "centos-7.9" are not enabled and connected [not-ready]`}},
		{"one that the account does not see", BackupStorage{UUID: uid("b5", 2), State: "Enabled", Status: "Connected"}, nil},
	} {
		inv.Headroom = &Headroom{Stores: []BackupStorage{tt.store}}
		_, found := Build(fleetOf(webs(3, nil)...), inv, none)
		var got []string
		for _, d := range found {
			got = append(got, d.String())
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestKeyRanges(t *testing.T) {
	for _, tt := range []struct{ keys, want string }{
		{"", ""},
		{"web/1", "web/1"},
		{"web/1 web/2", "web/1, web/2"},
		{"web/9 web/10 web/11 db/1", "web/9 … web/11, db/1"},
		{"web/1 web/3 web/5 web/7 web/9 web/10 web/11", "web/1, web/3, web/5, web/7 and 3 more"},
		{"gw/east gw/west web/1 db/2", "gw/east, gw/west, web/1, db/2"},
	} {
		if got := keyRanges(strings.Fields(tt.keys)); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.keys, got, tt.want)
		}
	}
}

// TestPreflightDigest: what a cloud has left is no part of the plan's identity,
// and cannot be edited all the same.
func TestPreflightDigest(t *testing.T) {
	planWith := func(used int64) *Plan {
		inv := emptyInventory()
		inv.Headroom = &Headroom{Quotas: []Quota{{Name: "vm.num", Limit: 20, Used: used}},
			Hosts: []Room{{ZoneUUID: uid("20e", 1), ClusterUUID: uid("c1", 1), CPU: 4 - used, Memory: 99 << 30}}}
		return mustBuild(t, fleetOf(webs(2, nil)...), inv, none)
	}
	one, other := planWith(1), planWith(2)
	if one.Digest != other.Digest || one.Preflight.Digest == other.Preflight.Digest {
		t.Errorf("digests of the plan: %s, %s; of its preflight: %s, %s", one.Digest, other.Digest, one.Preflight.Digest, other.Preflight.Digest)
	}
	if len(one.Notes) != 1 || len(other.Notes) != 1 || one.Notes[0].Message == other.Notes[0].Message {
		t.Errorf("want a warning each that tells of the room, got %v, %v", one.Notes, other.Notes)
	}
	edited := *one
	edited.Notes = nil
	if data, err := edited.Encode(); err != nil {
		t.Fatal(err)
	} else if _, err := Decode(data); err == nil {
		t.Error("a warning was taken out of a plan, and nothing says so")
	}
	if planWith(19).Digest == one.Digest {
		t.Error("a plan that is refused has the digest of one that is not")
	}
	data, err := one.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(data); err != nil {
		t.Errorf("as it was written: %v", err)
	}
	bare := *one
	bare.Preflight = nil
	without, err := bare.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(without); err == nil {
		t.Error("a plan that lost its preflight is read")
	}
	text := strings.Replace(string(data), `"available": 19`, `"available": 190`, 1)
	if _, err := Decode([]byte(text)); text == string(data) || err == nil {
		t.Error("an edit of the preflight is not seen")
	}
}
