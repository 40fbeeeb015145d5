package planner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestChanges starts from a fleet that was applied, changes one thing in the
// file, and checks the decision; then it carries the plan out and checks that
// nothing is left to do.
func TestChanges(t *testing.T) {
	type expected struct {
		Action   Action
		Fields   string
		Verbs    []string
		Stops    bool
		Replaces bool
	}
	replaced := []string{"destroy", "create"}
	for _, tt := range []struct {
		name   string
		before func(*spec.Machine)
		change func(*spec.Machine)
		want   expected
	}{
		{"nothing", nil, func(*spec.Machine) {}, expected{Action: Keep}},
		{"name", nil, func(m *spec.Machine) { m.Name = "www" }, expected{Update, "name", []string{"update"}, false, false}},
		{"description", nil, func(m *spec.Machine) { m.Description = ptr("front") }, expected{Update, "description", []string{"update"}, false, false}},
		{"description with spaces", func(m *spec.Machine) { m.Description = ptr("front") }, func(m *spec.Machine) { m.Description = ptr(" front\n") }, expected{Action: Keep}},
		{"unmanaged description", func(m *spec.Machine) { m.Description = ptr("front") }, func(m *spec.Machine) { m.Description = nil }, expected{Action: Keep}},
		{"instance offering", nil, func(m *spec.Machine) { m.Offering = ptr(byName("large")) },
			expected{Update, "instanceOffering", []string{"add-tag", "stop", "change-offering", "start", "remove-tag"}, true, false}},
		{"offering to the same numbers", nil, func(m *spec.Machine) { m.Offering, m.CPU, m.Memory = nil, ptr(2), ptr(int64(4<<30)) }, expected{Action: Keep}},
		{"offering to cpu and memory", nil, func(m *spec.Machine) { m.Offering, m.CPU, m.Memory = nil, ptr(4), ptr(int64(8<<30)) },
			expected{Update, "cpu, memory", []string{"add-tag", "stop", "update", "start", "remove-tag"}, true, false}},
		{"memory within the server's rounding", func(m *spec.Machine) { m.Offering, m.CPU, m.Memory = nil, ptr(4), ptr(int64(8<<30)) },
			func(m *spec.Machine) { m.Memory = ptr(int64(8<<30 + 64<<20)) }, expected{Action: Keep}},
		{"platform and guest OS", nil, func(m *spec.Machine) { m.Platform, m.GuestOSType = "Linux", "CentOS 7" }, expected{Update, "platform, guestOsType", []string{"update"}, false, false}},
		{"hostname", nil, func(m *spec.Machine) { m.Hostname = ptr("web1") }, expected{Update, "hostname", []string{"set-hostname"}, false, false}},
		{"hostname away", func(m *spec.Machine) { m.Hostname = ptr("web1") }, func(m *spec.Machine) { m.Hostname = ptr("") }, expected{Update, "hostname", []string{"set-hostname"}, false, false}},
		{"reserved memory", nil, func(m *spec.Machine) { m.Reserved = ptr(int64(1 << 30)) }, expected{Update, "reservedMemory", []string{"update"}, false, false}},
		{"a user tag more", func(m *spec.Machine) { m.UserTags = []string{"a"} }, func(m *spec.Machine) { m.UserTags = []string{"a", "b"} },
			expected{Update, "userTags", []string{"add-tag", "add-tag"}, false, false}},
		{"a user tag less", func(m *spec.Machine) { m.UserTags = []string{"a", "b"} }, func(m *spec.Machine) { m.UserTags = []string{"a"} },
			expected{Update, "userTags", []string{"remove-tag", "remove-tag"}, false, false}},
		{"user tags unmanaged", func(m *spec.Machine) { m.UserTags = []string{"a", "b"} }, func(m *spec.Machine) { m.UserTags = nil }, expected{Action: Keep}},
		{"another tag pattern", func(m *spec.Machine) { m.Tags = []spec.Ref{byName("prod")} }, func(m *spec.Machine) { m.Tags = []spec.Ref{byName("test")} },
			expected{Update, "tags", []string{"add-tag", "attach-tag", "detach-tag", "remove-tag"}, false, false}},
		{"protection", nil, func(m *spec.Machine) { m.Lifecycle.Protect = true }, expected{Update, "lifecycle.protect", []string{"add-tag"}, false, false}},
		{"no protection", func(m *spec.Machine) { m.Lifecycle.Protect = true }, func(m *spec.Machine) { m.Lifecycle.Protect = false },
			expected{Update, "lifecycle.protect", []string{"remove-tag"}, false, false}},
		{"default network", func(m *spec.Machine) { m.Networks = append(m.Networks, spec.Network{Network: byName("db-net")}) },
			func(m *spec.Machine) { m.Networks[0].Default, m.Networks[1].Default = false, true }, expected{Update, "networks", []string{"update"}, false, false}},
		{"console password", func(m *spec.Machine) { m.ConsolePassword = secret("web/1.consolePassword", "old") },
			func(m *spec.Machine) { m.ConsolePassword = secret("web/1.consolePassword", "new") },
			expected{Update, "consolePassword", []string{"add-tag", "set-console-password", "remove-tag"}, false, false}},
		{"first console password", nil, func(m *spec.Machine) { m.ConsolePassword = secret("web/1.consolePassword", "new") },
			expected{Update, "consolePassword", []string{"add-tag", "set-console-password"}, false, false}},

		{"image", nil, func(m *spec.Machine) { m.Source.Ref = byName("ubuntu-22.04") }, expected{Replace, "source.image", replaced, false, true}},
		{"image to snapshot", nil, func(m *spec.Machine) { m.Source = replica(1).Source }, expected{Replace, "source", replaced, false, true}},
		{"placement", nil, func(m *spec.Machine) { m.Placement.Cluster = ptr(byName("kvm-b")) }, expected{Replace, "placement", replaced, false, true}},
		{"placement by UUID", nil, func(m *spec.Machine) { m.Placement.Cluster = &spec.Ref{UUID: uid("c1", 1)} }, expected{Action: Keep}},
		{"another network", nil, func(m *spec.Machine) { m.Networks[0].Network = byName("db-net") }, expected{Replace, "networks", replaced, false, true}},
		{"an address", nil, func(m *spec.Machine) { m.Networks[0].IP = "10.0.0.2" }, expected{Replace, "networks", replaced, false, true}},
		{"NIC parameters", nil, func(m *spec.Machine) { m.Networks[0].Params = &spec.NICParams{DriverType: "e1000"} }, expected{Replace, "nicParams", replaced, false, true}},
		{"first data disk", nil, func(m *spec.Machine) { m.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}} },
			expected{Replace, "dataDisks", []string{"destroy", "create", "tag-disks"}, false, true}},
		{"no data disk any more", func(m *spec.Machine) { m.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}} },
			func(m *spec.Machine) { m.DataDisks = []spec.DataDisk{} }, expected{Replace, "dataDisks", []string{"destroy", "delete-disk", "create"}, false, true}},
		{"empty list of data disks", nil, func(m *spec.Machine) { m.DataDisks = []spec.DataDisk{} }, expected{Action: Keep}},
		{"root disk", nil, func(m *spec.Machine) { m.RootDisk = &spec.RootDisk{Size: ptr(int64(50 << 30))} }, expected{Replace, "rootDisk", replaced, false, true}},
		{"virtio", nil, func(m *spec.Machine) { m.Virtio = ptr(true) }, expected{Replace, "virtio", replaced, false, true}},
		{"SSH keys", nil, func(m *spec.Machine) { m.SSHKeys = []spec.Ref{byName("ops")} }, expected{Replace, "sshKeys", replaced, false, true}},
		{"system tags", nil, func(m *spec.Machine) { m.SystemTags = []spec.Text{{Value: "bootMode::UEFI"}} }, expected{Replace, "systemTags", replaced, false, true}},
		{"user data", func(m *spec.Machine) { m.UserData = secret("web/1.userData", "#cloud-config\na: 1") },
			func(m *spec.Machine) { m.UserData = secret("web/1.userData", "#cloud-config\na: 2") }, expected{Replace, "userData", replaced, false, true}},
		{"user data unmanaged", func(m *spec.Machine) { m.UserData = secret("web/1.userData", "#cloud-config\na: 1") },
			func(m *spec.Machine) { m.UserData = nil }, expected{Action: Keep}},
		{"replacement without the old protection", func(m *spec.Machine) { m.Lifecycle.Protect = true },
			func(m *spec.Machine) { m.Lifecycle.Protect, m.Source.Ref = false, byName("ubuntu-22.04") },
			expected{Replace, "source.image, lifecycle.protect", []string{"remove-tag", "destroy", "create"}, false, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			old := web(1)
			if tt.before != nil {
				tt.before(&old)
			}
			inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(old), emptyInventory(), none))
			changed := old
			changed.Networks = slices.Clone(old.Networks)
			tt.change(&changed)
			plan := mustBuild(t, fleetOf(changed), inv, none)
			c := plan.Changes[0]
			got := expected{Action: c.Action, Fields: fields(c.Differences, func(Difference) bool { return true }),
				Stops:    slices.ContainsFunc(c.Differences, func(d Difference) bool { return d.NeedsStop }),
				Replaces: slices.ContainsFunc(c.Differences, func(d Difference) bool { return d.ForcesReplace })}
			for _, step := range plan.Steps {
				got.Verbs = append(got.Verbs, step.Op.Verb())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			after := applied(t, inv, plan)
			if again := mustBuild(t, fleetOf(changed), after, none); again.Changes[0].Action != Keep || len(again.Steps) > 0 {
				t.Errorf("after the plan was carried out: %s %s %v", again.Changes[0].Action, again.Changes[0].Reason, again.Changes[0].Differences)
			}
		})
	}
}

func secret(path, value string) *spec.Text { return &spec.Text{Value: value, Secret: true, Path: path} }

// TestMarksOfRemovedTags cuts a run off between a tag and the mark that says
// whose it was. A tag of that name which somebody sets later is not the fleet's.
func TestMarksOfRemovedTags(t *testing.T) {
	old, changed := web(1), web(1)
	old.UserTags, old.Tags = []string{"a", "b"}, []spec.Ref{byName("prod")}
	changed.UserTags, changed.Tags = []string{"a"}, []spec.Ref{}
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(old), emptyInventory(), none))
	plan := mustBuild(t, fleetOf(changed), inv, none)
	cut := *plan
	cut.Steps = slices.DeleteFunc(slices.Clone(plan.Steps), func(s Step) bool {
		op, ok := s.Op.(RemoveTag)
		return ok && strings.HasPrefix(op.Tag, TagNamespace)
	})
	inv = applied(t, inv, &cut)
	rest := mustBuild(t, fleetOf(changed), inv, none)
	var verbs []string
	for _, step := range rest.Steps {
		verbs = append(verbs, step.Op.Verb())
	}
	if d := cmp.Diff([]string{"remove-tag", "remove-tag"}, verbs); d != "" {
		t.Errorf("what is left to do (-want +got):\n%s", d)
	}
	if moved := beyond(plan, rest); len(moved) > 0 {
		t.Errorf("a resume may not do it: %v", moved)
	}
	inv = applied(t, inv, rest)
	for _, tag := range inv.Machines[0].UserTags {
		if strings.Contains(tag.Text, "::tags.") || strings.Contains(tag.Text, valueField("userTags", "b")) {
			t.Errorf("tag %s is left", tag.Text)
		}
	}
	inv.Machines[0].UserTags = append(inv.Machines[0].UserTags, Tag{UUID: uid("7a", 1), Text: "b"})
	if again := mustBuild(t, fleetOf(changed), inv, none); again.Changes[0].Action != Keep {
		t.Errorf("a tag that was set by hand: %s %s", again.Changes[0].Action, again.Changes[0].Reason)
	}
}

// TestTagsOfAnUntaggedMachine cuts the mending of a machine without tags off
// after each step: the next plan must still see that tags are missing.
func TestTagsOfAnUntaggedMachine(t *testing.T) {
	m := web(1)
	made := applied(t, emptyInventory(), mustBuild(t, fleetOf(m), emptyInventory(), none))
	want := tagTexts(made.Machines[0])
	made.Machines[0].UserTags = nil
	plan := mustBuild(t, fleetOf(m), made, none)
	for n := range plan.Steps {
		cut := *plan
		cut.Steps = plan.Steps[:n]
		inv := applied(t, made, &cut)
		inv = applied(t, inv, mustBuild(t, fleetOf(m), inv, none))
		if d := cmp.Diff(want, tagTexts(inv.Machines[0])); d != "" {
			t.Errorf("cut off after %d steps, and mended (-want +got):\n%s", n, d)
		}
	}
}

func tagTexts(vm Observed) []string {
	var texts []string
	for _, tag := range vm.UserTags {
		texts = append(texts, tag.Text)
	}
	slices.Sort(texts)
	return texts
}

// TestSourceMissing: a source that is gone is no matter for the machine that was
// made from it; a file that asks for another source that does not exist is wrong.
func TestSourceMissing(t *testing.T) {
	without := func(kind Kind, name string) func(*Inventory) {
		return func(inv *Inventory) {
			inv.Catalog[kind] = filter(inv.Catalog[kind], func(e Entry) bool { return e.Name != name })
		}
	}
	const stays = "the machines that were made from it stay as they are; a new one could not be made"
	for _, tt := range []struct {
		name   string
		made   spec.Machine
		cloud  func(*Inventory)
		change func(*spec.Machine)
		kept   bool
		want   []string
	}{
		{"image gone", web(1), without(KindImage, "centos-7.9"), func(*spec.Machine) {}, true,
			[]string{`warning: fleet.yaml:11:21: no image "centos-7.9" [source-gone] ` + stays}},
		{"image misspelt", web(1), func(*Inventory) {}, func(m *spec.Machine) { m.Source.Ref = byName("ubunto-22.04") }, false,
			[]string{`error: fleet.yaml:11:21: no image "ubunto-22.04" [unknown-reference] did you mean "ubuntu-22.04"?; its machines were made from "centos-7.9"`}},
		{"snapshot gone", replica(1), without(KindSnapshot, "golden-nightly"), func(*spec.Machine) {}, true,
			[]string{`warning: fleet.yaml:10:3: no volume snapshot "golden-nightly" [source-gone] ` + stays}},
		{"image to a snapshot that is not there", web(1), without(KindImage, "centos-7.9"), func(m *spec.Machine) {
			m.Source = spec.Source{Kind: spec.FromSnapshot, Ref: byName("golden-nightli")}
			m.Places["source.snapshot"] = m.Places["source.image"]
		}, false, []string{`error: fleet.yaml:11:21: no volume snapshot "golden-nightli" [unknown-reference] did you mean "golden-nightly"?`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(tt.made), emptyInventory(), none))
			tt.cloud(inv)
			changed := tt.made
			tt.change(&changed)
			plan, found := Build(fleetOf(changed), inv, none)
			var got []string
			for _, d := range found {
				got = append(got, fmt.Sprintf("%s: %s: %s [%s] %s", d.Severity, d.Pos, d.Message, d.Code, d.Hint))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if kept := plan != nil && plan.Changes[0].Action == Keep; kept != tt.kept {
				t.Errorf("kept: %t, want %t", kept, tt.kept)
			}
		})
	}
}
