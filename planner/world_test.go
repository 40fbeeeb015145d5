package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"zfleet/spec"
)

// uid returns a UUID that is easy to recognise.
func uid(kind string, n int) string { return fmt.Sprintf("%s%0*x", kind, 32-len(kind), n) }

var testScope = Scope{Name: "staging", ID: "k7c1f0e5"}

func ptr[T any](v T) *T { return &v }

func byName(name string) spec.Ref { return spec.Ref{Name: name} }

// testCatalog is a small data center.
func testCatalog() Catalog {
	return Catalog{
		KindZone: {{UUID: uid("20e", 1), Name: "shanghai-1", State: "Enabled"}, {UUID: uid("20e", 2), Name: "shanghai-2", State: "Enabled"}},
		KindCluster: {
			{UUID: uid("c1", 1), Name: "kvm-a", State: "Enabled", ZoneUUID: uid("20e", 1)},
			{UUID: uid("c1", 2), Name: "kvm-b", State: "Enabled", ZoneUUID: uid("20e", 1)},
			{UUID: uid("c1", 3), Name: "kvm-c", State: "Enabled", ZoneUUID: uid("20e", 2)},
			{UUID: uid("c1", 4), Name: "kvm-off", State: "Disabled", ZoneUUID: uid("20e", 1)},
		},
		KindHost: {
			{UUID: uid("ab", 1), Name: "host-1", State: "Enabled", Status: "Connected", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1)}},
			{UUID: uid("ab", 2), Name: "host-2", State: "Maintenance", Status: "Connected", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1)}},
			{UUID: uid("ab", 3), Name: "host-3", State: "Enabled", Status: "Disconnected", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1)}},
		},
		KindPrimaryStorage: {
			{UUID: uid("95", 1), Name: "ps-ssd", State: "Enabled", Status: "Connected", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1), uid("c1", 2)}},
			{UUID: uid("95", 2), Name: "ps-far", State: "Enabled", Status: "Connected", ZoneUUID: uid("20e", 2), ClusterUUIDs: []string{uid("c1", 3)}},
		},
		KindInstanceOffering: {
			{UUID: uid("0f", 1), Name: "small", State: "Enabled", Type: "UserVm", CPU: 2, Memory: 4 << 30},
			{UUID: uid("0f", 2), Name: "large", State: "Enabled", Type: "UserVm", CPU: 8, Memory: 16 << 30},
			{UUID: uid("0f", 3), Name: "router", State: "Enabled", Type: "VirtualRouter", CPU: 1, Memory: 1 << 30},
		},
		KindDiskOffering: {{UUID: uid("d0", 1), Name: "ssd-100g", State: "Enabled", Size: 100 << 30}, {UUID: uid("d0", 2), Name: "off", State: "Disabled", Size: 1 << 30}},
		KindImage: {
			{UUID: uid("1a", 1), Name: "centos-7.9", State: "Enabled", Status: "Ready", MediaType: "RootVolumeTemplate"},
			{UUID: uid("1a", 2), Name: "ubuntu-22.04", State: "Enabled", Status: "Ready", MediaType: "RootVolumeTemplate"},
			{UUID: uid("1a", 3), Name: "centos-iso", State: "Enabled", Status: "Ready", MediaType: "ISO"},
			{UUID: uid("1a", 4), Name: "old-image", State: "Disabled", Status: "Ready", MediaType: "RootVolumeTemplate"},
			{UUID: uid("1a", 5), Name: "duplicate", State: "Enabled", Status: "Ready", MediaType: "RootVolumeTemplate", CreateDate: "Jan 1, 2026 1:00:00 AM"},
			{UUID: uid("1a", 6), Name: "duplicate", State: "Enabled", Status: "Ready", MediaType: "RootVolumeTemplate", CreateDate: "Jan 2, 2026 1:00:00 AM"},
			{UUID: uid("1a", 7), Name: "data-template", State: "Enabled", Status: "Ready", MediaType: "DataVolumeTemplate"},
			{UUID: uid("1a", 8), Name: "coming", State: "Enabled", Status: "Downloading", MediaType: "RootVolumeTemplate"},
		},
		KindNetwork: {
			{UUID: uid("3e", 1), Name: "app-net", State: "Enabled", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1), uid("c1", 2)}},
			{UUID: uid("3e", 2), Name: "db-net", State: "Enabled", ZoneUUID: uid("20e", 1), ClusterUUIDs: []string{uid("c1", 1), uid("c1", 2)}},
			{UUID: uid("3e", 3), Name: "app-net", State: "Enabled", ZoneUUID: uid("20e", 2), ClusterUUIDs: []string{uid("c1", 3)}},
			{UUID: uid("3e", 4), Name: "mgmt-net", State: "Enabled", System: true, ZoneUUID: uid("20e", 1)},
		},
		KindVolume: {
			{UUID: uid("70", 1), Name: "db-root", State: "Enabled", Status: "Ready", Type: "Data", PrimaryStorageUUID: uid("95", 1)},
			{UUID: uid("70", 2), Name: "busy", State: "Enabled", Status: "Ready", Type: "Data", VMUUID: uid("ff", 9)},
			{UUID: uid("70", 3), Name: "raw", State: "Enabled", Status: "NotInstantiated", Type: "Data"},
			{UUID: uid("70", 4), Name: "shared", State: "Enabled", Status: "Ready", Type: "Data", Shareable: true},
		},
		KindSnapshot: {{UUID: uid("5a", 1), Name: "golden-nightly", State: "Enabled", Status: "Ready", PrimaryStorageUUID: uid("95", 1)}},
		KindSSHKey:   {{UUID: uid("5b", 1), Name: "ops"}},
		KindTag:      {{UUID: uid("7a", 1), Name: "prod"}, {UUID: uid("7a", 2), Name: "test"}},
	}
}

// web is a plain machine from an image.
func web(n int) spec.Machine {
	return spec.Machine{
		Key: fmt.Sprintf("web/%d", n), Group: "web", Instance: fmt.Sprint(n), Name: fmt.Sprintf("web-%d", n),
		Source: spec.Source{Kind: spec.FromImage, Ref: byName("centos-7.9")}, Offering: ptr(byName("small")),
		Placement: spec.Placement{Zone: ptr(byName("shanghai-1")), Cluster: ptr(byName("kvm-a"))},
		Networks:  []spec.Network{{Network: byName("app-net"), Default: true}},
		Places:    map[string]spec.Pos{"": {File: "fleet.yaml", Line: 10, Column: 3}, "source.image": {File: "fleet.yaml", Line: 11, Column: 21}},
	}
}

// db is made from a volume, replica from a snapshot.
func db() spec.Machine {
	m := web(1)
	m.Key, m.Group, m.Name = "db/1", "db", "db"
	m.Source = spec.Source{Kind: spec.FromVolume, Ref: byName("db-root")}
	return m
}

func replica(n int) spec.Machine {
	m := web(n)
	m.Key, m.Group, m.Name = fmt.Sprintf("replica/%d", n), "replica", fmt.Sprintf("replica-%d", n)
	m.Source = spec.Source{Kind: spec.FromSnapshot, Ref: byName("golden-nightly")}
	return m
}

func fleetOf(machines ...spec.Machine) *spec.Fleet {
	return &spec.Fleet{Name: testScope.Name, ID: testScope.ID, Machines: machines, Digest: strings.Repeat("d", 64), Places: map[string]spec.Pos{}}
}

func emptyInventory() *Inventory {
	return &Inventory{Scope: testScope, Account: uid("acc", 1), Version: "5.2.1", Catalog: testCatalog()}
}

var none = Options{AllowDeletes: -1, AllowReplacements: -1}

// mustBuild builds a plan that has to come out without errors.
func mustBuild(t testing.TB, fleet *spec.Fleet, inv *Inventory, opts Options) *Plan {
	t.Helper()
	plan, found := Build(fleet, inv, opts)
	if found.HasErrors() || plan == nil {
		t.Fatalf("no plan: %v", found)
	}
	return plan
}

// applied returns the inventory as it is after a plan was carried out by a
// cloud that does exactly what it is told.
func applied(t testing.TB, inv *Inventory, plan *Plan) *Inventory {
	t.Helper()
	w := &world{inv: &Inventory{Scope: inv.Scope, Account: inv.Account, Version: inv.Version, Catalog: inv.Catalog,
		Machines: slices.Clone(inv.Machines), Disks: slices.Clone(inv.Disks)}, t: t}
	for _, step := range plan.Steps {
		w.perform(step)
	}
	return w.inv
}

type world struct {
	inv *Inventory
	t   testing.TB
}

func (w *world) vm(uuid string) *Observed {
	for i := range w.inv.Machines {
		if w.inv.Machines[i].UUID == uuid {
			return &w.inv.Machines[i]
		}
	}
	w.t.Fatalf("no VM %s", uuid)
	return nil
}

func (w *world) perform(step Step) {
	switch op := step.Op.(type) {
	case CreateVM:
		w.create(step.UUID, op.Blueprint)
	case TagDisks:
		vm := w.vm(step.UUID)
		for _, v := range vm.Volumes {
			if v.Type == "Data" && !slices.Contains(op.Attached, v.UUID) && !slices.ContainsFunc(w.inv.Disks, func(d Disk) bool { return d.UUID == v.UUID }) {
				v.Tags = []Tag{{UUID: "t", Text: op.Tag}}
				w.inv.Disks = append(w.inv.Disks, v)
			}
		}
	case DestroyVM:
		vm := w.vm(step.UUID)
		vm.State = "Destroyed"
		for i := range w.inv.Disks {
			if w.inv.Disks[i].VMUUID == vm.UUID {
				w.inv.Disks[i].VMUUID = ""
			}
		}
	case DeleteDisk:
		w.inv.Disks = slices.DeleteFunc(w.inv.Disks, func(d Disk) bool { return d.UUID == op.VolumeUUID })
	default:
		w.edit(w.vm(step.UUID), step.Op)
	}
}

func (w *world) create(uuid string, b Blueprint) {
	vm := Observed{UUID: uuid, Name: b.Name, Description: valueOf(b.Description), State: "Running", CreateDate: "Jan 1, 2026 1:00:00 AM",
		CPU: b.CPU, Memory: b.Memory, OfferingUUID: b.OfferingUUID, Platform: b.Platform, Architecture: b.Architecture,
		GuestOSType: b.GuestOSType, Reserved: valueOf(b.Reserved), DefaultNetwork: b.DefaultNetwork,
		ZoneUUID: b.ZoneUUID, ClusterUUID: b.ClusterUUID, HostUUID: b.HostUUID}
	for _, e := range w.inv.Catalog[KindInstanceOffering] {
		if e.UUID == b.OfferingUUID {
			vm.CPU, vm.Memory = e.CPU, e.Memory
		}
	}
	if b.Source == spec.FromImage {
		vm.ImageUUID = b.SourceUUID
	}
	for _, n := range b.NICs {
		vm.NICs = append(vm.NICs, NIC{NetworkUUID: n.NetworkUUID, IPs: []string{n.IP}})
	}
	for i, d := range b.DataDisks {
		vm.Volumes = append(vm.Volumes, Disk{UUID: uid("dd"+uuid[20:], i), Name: "DATA-for-" + b.Name, Type: "Data", Size: d.Size, VMUUID: uuid})
	}
	for _, text := range b.UserTags {
		vm.UserTags = append(vm.UserTags, Tag{UUID: "t" + text, Text: text})
	}
	for _, pattern := range b.TagUUIDs {
		vm.UserTags = append(vm.UserTags, Tag{UUID: "t" + pattern, Text: "pattern " + pattern, PatternUUID: pattern})
	}
	for _, text := range b.SystemTags {
		vm.SystemTags = append(vm.SystemTags, Tag{Text: text})
	}
	w.inv.Machines = append(w.inv.Machines, vm)
	slices.SortFunc(w.inv.Machines, func(a, b Observed) int { return strings.Compare(a.UUID, b.UUID) })
}

func (w *world) edit(vm *Observed, op Op) {
	set := func(to *string, value *string) {
		if value != nil {
			*to = *value
		}
	}
	switch op := op.(type) {
	case UpdateVM:
		set(&vm.Name, op.Name)
		set(&vm.Description, op.Description)
		set(&vm.Platform, op.Platform)
		set(&vm.GuestOSType, op.GuestOSType)
		set(&vm.DefaultNetwork, op.DefaultNetwork)
		if op.CPU != nil {
			vm.CPU = *op.CPU
		}
		if op.Memory != nil {
			vm.Memory = *op.Memory
		}
		if op.Reserved != nil {
			vm.Reserved = *op.Reserved
		}
	case ChangeOffering:
		for _, e := range w.inv.Catalog[KindInstanceOffering] {
			if e.UUID == op.OfferingUUID {
				vm.OfferingUUID, vm.CPU, vm.Memory = e.UUID, e.CPU, e.Memory
			}
		}
	case SetHostname:
		vm.SystemTags = slices.DeleteFunc(slices.Clone(vm.SystemTags), func(t Tag) bool { return strings.HasPrefix(t.Text, hostnameTag) })
		if op.Hostname != "" {
			vm.SystemTags = append(vm.SystemTags, Tag{Text: hostnameTag + op.Hostname})
		}
	case SetConsolePassword:
	case StopVM:
		vm.State = "Stopped"
		own := testScope.RestartTagOf("world", "here", uid("ab", 9))
		vm.UserTags = append(slices.Clone(vm.UserTags), Tag{UUID: "t" + own, Text: own})
	case StartVM:
		vm.State = "Running"
	case AddTag:
		vm.UserTags = append(slices.Clone(vm.UserTags), Tag{UUID: "t" + op.Tag, Text: op.Tag})
	case RemoveTag:
		vm.UserTags = slices.DeleteFunc(slices.Clone(vm.UserTags), func(t Tag) bool {
			ofRun := op.Tag == testScope.RestartTag() && t.Text == testScope.RestartTagOf("world", "here", uid("ab", 9))
			return t.Text == op.Tag || ofRun
		})
	case AttachTag:
		vm.UserTags = append(slices.Clone(vm.UserTags), Tag{UUID: "t" + op.TagUUID, Text: "pattern " + op.TagUUID, PatternUUID: op.TagUUID})
	case DetachTag:
		vm.UserTags = slices.DeleteFunc(slices.Clone(vm.UserTags), func(t Tag) bool { return t.PatternUUID == op.TagUUID })
	default:
		w.t.Fatalf("unknown op %T", op)
	}
}
