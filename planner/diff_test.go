package planner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// verdicts writes what a diff says of each machine, in a line.
func verdicts(plan *Plan) []string {
	var lines []string
	for _, c := range plan.Changes {
		line := fmt.Sprintf("%s %s", c.Action, c.Key)
		for _, d := range c.Differences {
			line += fmt.Sprintf(" %s: %s → %s", d.Field, d.Before, d.After)
			if d.ForcesReplace {
				line += " (forces replacement)"
			}
		}
		for _, d := range c.Disks {
			line += fmt.Sprintf(" loses %s", d.Name)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestDiff(t *testing.T) {
	with := func(m spec.Machine, change func(*spec.Machine)) spec.Machine {
		change(&m)
		return m
	}
	disks := func(m *spec.Machine) {
		m.DataDisks = []spec.DataDisk{{Offering: ptr(byName("ssd-100g"))}, {Size: ptr(int64(1 << 30))}}
	}
	sized := func(cpu int, memory int64) func(*spec.Machine) {
		return func(m *spec.Machine) { m.Offering, m.CPU, m.Memory = nil, &cpu, &memory }
	}
	for _, tt := range []struct {
		name     string
		old, new []spec.Machine
		want     []string
	}{
		{"nothing", []spec.Machine{web(1), db(), replica(1)}, []spec.Machine{web(1), db(), replica(1)}, []string{"keep web/1", "keep db/1", "keep replica/1"}},
		{"one more and one less", []spec.Machine{web(1), with(web(2), disks)}, []spec.Machine{web(1), web(3)},
			[]string{"keep web/1", "create web/3", "delete web/2 loses data disk 1 of web-2, ssd-100g loses data disk 2 of web-2"}},
		{"another image", []spec.Machine{web(1)}, []spec.Machine{with(web(1), func(m *spec.Machine) { m.Source.Ref = byName("ubuntu-22.04") })},
			[]string{"replace web/1 source.image: centos-7.9 → ubuntu-22.04 (forces replacement)"}},
		{"another kind of source", []spec.Machine{web(1)}, []spec.Machine{with(web(1), func(m *spec.Machine) { m.Source = replica(1).Source })},
			[]string{"replace web/1 source: image centos-7.9 → snapshot golden-nightly (forces replacement)"}},
		{"another offering", []spec.Machine{web(1)}, []spec.Machine{with(web(1), func(m *spec.Machine) { m.Offering = ptr(byName("large")) })},
			[]string{"update web/1 instanceOffering: small → large"}},
		{"numbers for an offering", []spec.Machine{web(1)}, []spec.Machine{with(web(1), sized(8, 4<<30))},
			[]string{"update web/1 cpu: as in small → 8 memory: as in small → 4 GiB"}},
		{"an offering for numbers", []spec.Machine{with(web(1), sized(8, 4<<30))}, []spec.Machine{web(1)},
			[]string{"update web/1 instanceOffering: 8 CPU, 4 GiB → small"}},
		{"other disks", []spec.Machine{with(web(1), disks)}, []spec.Machine{with(with(web(1), disks), func(m *spec.Machine) { m.DataDisks = m.DataDisks[:1] })},
			[]string{"replace web/1 dataDisks: [ssd-100g, 1 GiB] → [ssd-100g] (forces replacement) loses data disk 1 of web-1, ssd-100g loses data disk 2 of web-1"}},
		{"another place", []spec.Machine{web(1)}, []spec.Machine{with(web(1), func(m *spec.Machine) { m.Placement.Cluster = ptr(byName("kvm-b")) })},
			[]string{"replace web/1 placement: cluster kvm-a, zone shanghai-1 → cluster kvm-b, zone shanghai-1 (forces replacement)"}},
		{"what the old file did not say", []spec.Machine{web(1)}, []spec.Machine{with(web(1), func(m *spec.Machine) { m.Platform, m.Description = "Linux", ptr("x") })},
			[]string{"update web/1 description:  → x platform: (not said) → Linux"}},
		{"a volume's machine goes", []spec.Machine{web(1), db()}, []spec.Machine{web(1)}, []string{"keep web/1", "blocked db/1"}},
		{"a secret", []spec.Machine{with(web(1), func(m *spec.Machine) { m.UserData = &spec.Text{Value: "a", Secret: true, Path: "web/1.userData"} })},
			[]spec.Machine{with(web(1), func(m *spec.Machine) { m.UserData = &spec.Text{Value: "b", Secret: true, Path: "web/1.userData"} })},
			[]string{"replace web/1 userData: (another) → (changed) (forces replacement)"}},
		{"a qualified name", []spec.Machine{web(1)}, []spec.Machine{with(web(1), func(m *spec.Machine) {
			m.Networks = []spec.Network{{Network: spec.Ref{Name: "app-net", Zone: "shanghai-2"}, Default: true}}
		})}, []string{"replace web/1 networks: [app-net] → [app-net (zone shanghai-2)] (forces replacement)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, found := Diff(fleetOf(tt.old...), fleetOf(tt.new...), Options{})
			if found.HasErrors() {
				t.Fatal(found)
			}
			if d := cmp.Diff(tt.want, verdicts(plan)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestDiffIsNoPlan: what was found without a cloud cannot be carried out.
func TestDiffIsNoPlan(t *testing.T) {
	plan, _ := Diff(fleetOf(web(1)), fleetOf(web(2)), Options{})
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(data); err == nil {
		t.Error("a diff was taken for a plan file")
	}
	if text := string(data); strings.Contains(text, testScope.UUIDPrefix()) {
		t.Errorf("a UUID that no cloud has is in the diff:\n%s", text)
	}
}

func TestDiffOfOtherFleets(t *testing.T) {
	other := fleetOf(web(1))
	other.ID = "aaaaaaaa"
	if plan, found := Diff(other, fleetOf(web(1)), Options{}); plan != nil || len(found) != 1 || found[0].Code != "other-fleet" {
		t.Errorf("got %v, want other-fleet", found)
	}
}

// TestDiffSafety: limits are measured against the machines of the old file.
func TestDiffSafety(t *testing.T) {
	fleet := fleetOf(web(1))
	fleet.Safety.MaxDeletes = spec.Amount{Set: true, Percent: true, Value: 10}
	plan, _ := Diff(fleetOf(web(1), web(2), web(3)), fleet, Options{})
	if len(plan.Refusals) != 1 || plan.Refusals[0].Code != "max-deletes" {
		t.Errorf("refusals %v, want max-deletes", plan.Refusals)
	}
	if plan, _ = Diff(fleetOf(web(1), web(2), web(3)), fleet, Options{AllowDeletes: 2}); len(plan.Refusals) != 0 {
		t.Errorf("refusals %v of what was allowed", plan.Refusals)
	}
}
