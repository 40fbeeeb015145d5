package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/planner"
)

// deletion deletes the n-th of many machines with two data disks each.
func deletion(n int) planner.Change {
	return planner.Change{Key: fmt.Sprintf("db/%d", n), Name: fmt.Sprintf("db-%d", n), Action: planner.Delete, UUID: uid("f1ee7000", n),
		Reason: "not in the fleet file", Disks: []planner.DiskFate{
			{UUID: uid("d15c", 2*n), Name: fmt.Sprintf("log-%d", n), Size: 10 << 30},
			{UUID: uid("d15c", 2*n+1), Name: fmt.Sprintf("data-%d", n), Size: 100 << 30}}}
}

// TestManyDisks: all disks of a fold are named with their size, many of them as
// ranges, and a gap is a gap.
func TestManyDisks(t *testing.T) {
	for _, tt := range []struct {
		machines []int
		want     string
	}{
		{[]int{1}, "log-1 (10 GiB), data-1 (100 GiB)"},
		{[]int{1, 2}, "log-1 (10 GiB), data-1 (100 GiB), log-2 (10 GiB), data-2 (100 GiB)"},
		{[]int{1, 2, 3, 4, 5, 7, 8, 9}, "log-1 … log-5 (10 GiB each), log-7 … log-9 (10 GiB each), data-1 … data-5 (100 GiB each), data-7 … data-9 (100 GiB each)"},
		{[]int{1, 2, 3, 5, 7, 9, 11}, "log-1 … log-3 (10 GiB each), log-5 (10 GiB), log-7 (10 GiB), log-9 (10 GiB), log-11 (10 GiB), " +
			"data-1 … data-3 (100 GiB each), data-5 (100 GiB), data-7 (100 GiB), data-9 (100 GiB), data-11 (100 GiB)"},
	} {
		var changes []planner.Change
		for _, n := range tt.machines {
			changes = append(changes, deletion(n))
		}
		folds := fold(changes, nil)
		if len(folds) != 1 {
			t.Fatalf("%v: %d folds, want 1", tt.machines, len(folds))
		}
		if d := cmp.Diff(tt.want, joinSpans(folds[0].diskSpans())); d != "" {
			t.Errorf("%v (-want +got):\n%s", tt.machines, d)
		}
	}
	var changes []planner.Change
	for n := range 500 {
		changes = append(changes, deletion(n+1))
	}
	for name, write := range map[string]func(io.Writer) error{
		"text":     func(w io.Writer) error { return PlanText(w, planOf(changes...), Style{}) },
		"markdown": func(w io.Writer) error { return PlanMarkdown(w, planOf(changes...), MarkdownOptions{}) },
		"html":     func(w io.Writer) error { return PlanHTML(w, planOf(changes...)) },
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"1000 data disks, 55000 GiB", "data-1 … data-500 (100 GiB each)", "1000 data disks will be deleted"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the %s does not say %q", name, want)
			}
		}
	}
}

// TestCommon: what different changes have in common is said once, and nothing is
// lost or said of a machine that it is not true of.
func TestCommon(t *testing.T) {
	var changes []planner.Change
	for n := range 5 {
		c := create(n + 1)
		c.Reason = "no machine has this key"
		c.Blueprint.Memory = int64(n+1) << 30
		c.Blueprint.DataDisks[0].Size = int64(n+1) << 30
		if n == 3 {
			c.Blueprint.ZoneUUID = ""
			c.Blueprint.UserTags = nil
		}
		changes = append(changes, c)
	}
	golden(t, "plan-apart.txt", func(w io.Writer) error { return PlanText(w, planOf(changes...), Style{Width: 80}) })
	golden(t, "plan-apart.md", func(w io.Writer) error { return PlanMarkdown(w, planOf(changes...), MarkdownOptions{}) })

	whole := fold(changes, nil)
	apart := fold(changes, nil)
	c := setApart(apart, planner.Create)
	if c == nil {
		t.Fatal("nothing is in common")
	}
	for i, f := range apart {
		for _, r := range whole[i].rows {
			if n := strings.Count(fmt.Sprint(f.rows, c.rows), fmt.Sprint(r)); n != 1 {
				t.Errorf("%v: %s %v is said %d times", f.keys, r.label, r.values, n)
			}
		}
		if len(f.rows)+len(c.rows) != len(whole[i].rows) {
			t.Errorf("%v: %d rows of its own and %d in common, want %d", f.keys, len(f.rows), len(c.rows), len(whole[i].rows))
		}
	}
	if c := setApart(fold(changes[:2], nil), planner.Create); c != nil {
		t.Errorf("of two machines %v is set apart", c.rows)
	}
}

// TestObstaclesOnce: what stands in the way is said once, after all else, and the
// top of a plan that fills more than a screen, and only of such a one, points there.
func TestObstaclesOnce(t *testing.T) {
	for _, test := range []struct {
		machines int
		pointer  string
	}{
		{machines: 1},
		{machines: 40, pointer: "\n\nRefused. Blocked: nothing is done to 2 machines. The end of the plan says why.\n\nweb: "},
	} {
		var changes []planner.Change
		for n := range test.machines {
			c := create(n + 1)
			c.Blueprint.Memory = int64(n+1) << 30
			changes = append(changes, c)
		}
		for n := range 2 {
			changes = append(changes, planner.Change{Key: fmt.Sprintf("db/%d", n), Action: planner.Blocked, Reason: fmt.Sprint("reason ", n)})
		}
		plan := planOf(changes...)
		plan.References = nil
		plan.Refusals = []planner.Refusal{{Code: "policy", Message: "message 0"}, {Code: "policy", Message: "message 1"}}
		var out bytes.Buffer
		if err := PlanText(&out, plan, Style{}); err != nil {
			t.Fatal(err)
		}
		_, end, _ := strings.Cut(out.String(), "\ndb: 2 blocked\n")
		want := `
Blocked: nothing is done to 2 machines.
  ! blocked  db/0
    reason 0
  ! blocked  db/1
    reason 1

Refused: this plan cannot be applied as it stands.
  ! message 0 [policy]
  ! message 1 [policy]

` + PlanSummary(plan.Counts()) + "\n"
		if d := cmp.Diff(want, end); d != "" {
			t.Errorf("the end of a plan of %d machines (-want +got):\n%s", test.machines, d)
		}
		pointed := strings.Contains(out.String(), "The end of the plan says why")
		if pointed != (test.pointer != "") || !strings.Contains(out.String(), test.pointer) {
			t.Errorf("the top of a plan of %d machines, want %q:\n%.300s", test.machines, test.pointer, out.String())
		}
	}
}

// TestImpact: a machine of a diff has no UUID and goes all the same; one of which
// only disks are left has no VM to go.
func TestImpact(t *testing.T) {
	ofDiff, left := deletion(1), deletion(2)
	ofDiff.UUID, left.UUID, left.Name = "", "", ""
	i := impactOf(planOf(deletion(3), ofDiff, left))
	if d := cmp.Diff("2 VMs will be deleted; 6 data disks will be deleted, 330 GiB", i.vms()+"; "+i.lost()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for policy, want := range map[string]string{"": "", "Delay": "can be recovered", "Never": "can be recovered", "Direct": "cannot be recovered", "Later": ""} {
		plan := planOf(deletion(3))
		plan.DeletionPolicy = policy
		if got := impactOf(plan).fate(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("the policy %q makes it say %q", policy, got)
		}
	}
	if got := impactOf(planOf(left, create(1))).fate(); got != "" {
		t.Errorf("no VM goes and %q is said", got)
	}
	ofDiff.Disks[1].Size = 0 // of an offering, whose size no file says
	i = impactOf(planOf(ofDiff))
	if d := cmp.Diff("2 data disks will be deleted, 10 GiB and 1 of unknown size", i.lost()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
