package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scene returns a plan that creates web/1 … web/n and deletes db/1.
func scene(n int) *Scene {
	s := &Scene{Fleet: Fleet{Name: "prod", ID: "k7c1f0e5"}, Server: Server{Version: "5.2.1"}}
	for i := range n {
		s.Plan.Changes = append(s.Plan.Changes, &Change{
			Key: fmt.Sprintf("web/%d", i+1), Group: "web", Name: fmt.Sprintf("web-%02d", i+1), Action: "create",
			Machine: &Machine{Source: "image", Image: "centos-7.9", CPU: 4, Memory: 8 << 30, Networks: []string{"app-net", "backup-net"}, Zone: "shanghai-1", Cluster: "kvm-a",
				DataDisks: []Disk{{Size: 50 << 30}, {Offering: "ssd-100g", Size: 100 << 30}}, UserTags: []string{"owner::ops", "tier::web"}, Tags: []string{"prod"}},
		})
	}
	s.Plan.Changes = append(s.Plan.Changes, &Change{
		Key: "db/1", Group: "db", Name: "db", Action: "update", Stops: true,
		Differences: []Difference{{Field: "memory", Before: "8 GiB", After: "64 GiB", NeedsStop: true}},
	})
	s.Plan.Creates, s.Plan.Updates, s.Plan.Stops = n, 1, 1
	return s
}

func judge(t testing.TB, text string, s *Scene) Verdict {
	t.Helper()
	condition, problems := Compile(text, "")
	if problems != nil {
		t.Fatalf("%s: %+v", text, problems)
	}
	return condition.Judge(s)
}

func TestJudge(t *testing.T) {
	all := []int{0, 1, 2}
	for text, want := range map[string]Verdict{
		`plan.creates > 3 && fleet.name == "prod"`:                                 {},
		`plan.creates >= 3 && fleet.name == "prod"`:                                {True: true},
		`plan.changes.exists(c, c.stops && c.group == "db")`:                       {True: true},
		`plan.changes.exists(change, change.action == "delete")`:                   {},
		`plan.changes.filter(c, c.action == "create").size() == 3`:                 {True: true},
		`plan.deletes * 100 > 10 * size(plan.changes)`:                             {},
		`server.version.startsWith("5.") && server.account == ""`:                  {True: true},
		`change.group == "db"`:                                                     {True: true, Changes: []int{3}},
		`change.action == "create"`:                                                {True: true, Changes: all},
		`change.machine.memory > 4 * GiB`:                                          {True: true, Changes: all},
		`!change.machine.userTags.exists(t, t.startsWith("owner::"))`:              {True: true, Changes: []int{3}},
		`change.machine.image.matches("^centos-[67]\\.")`:                          {True: true, Changes: all},
		`change.machine.dataDisks.map(d, d.size).exists(s, s > 80 * GiB)`:          {True: true, Changes: all},
		`change.differences.exists(d, d.field == "memory" && d.after == "64 GiB")`: {True: true, Changes: []int{3}},
		`has(change.machine.image) ? change.machine.cpu < 2 : false`:               {},
		`change.machine.rootDisk.size == 0 && change.key.endsWith("/2")`:           {True: true, Changes: []int{1}},
		`"backup-net" in change.machine.networks && change.key == "web/3"`:         {True: true, Changes: []int{2}},
		`change.machine.networks[1] == "backup-net" || change.group == "db"`:       {True: true, Changes: []int{0, 1, 2, 3}},
	} {
		if want.At = -1; !cmp.Equal(want, judge(t, text, scene(3))) {
			t.Errorf("%s (-want +got):\n%s", text, cmp.Diff(want, judge(t, text, scene(3))))
		}
	}
}

// TestNoAnswer wants a condition that fails while it runs to say so, and to
// keep what it found before.
func TestNoAnswer(t *testing.T) {
	for text, want := range map[string]struct {
		err     string
		at      int
		changes []int
	}{
		`1 / plan.deletes > 0`:                    {"division by zero", -1, nil},
		`plan.changes[99].key == ""`:              {"index out of bounds: 99", -1, nil},
		`change.machine.networks[0] == "app-net"`: {"index out of bounds: 0", 3, []int{0, 1, 2}},
		`int(fleet.name) > 0`:                     {"type conversion error", -1, nil},
		`{"a": 1}[fleet.name] == 1`:               {"no such key", -1, nil},
		`change.machine.memory * TiB > 0`:         {"overflow", 0, nil},
		`plan.creates > 9223372036854775807 - 9223372036854775807 - 9223372036854775807 - 9`: {"overflow", -1, nil},
	} {
		got := judge(t, text, scene(3))
		if got.Err == nil || !strings.Contains(got.Err.Error(), want.err) || got.At != want.at || !cmp.Equal(want.changes, got.Changes) {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// hostile are conditions that would work for ever, or fill the memory, if they
// were let.
func hostile() map[string]string {
	long := `"` + strings.Repeat("a", 1000) + `"`
	doubled := func(text string, times int) string {
		return strings.Repeat("(", times) + text + strings.Repeat("+"+text+")", times)
	}
	return map[string]string{
		"loops inside of each other":     `plan.changes.all(a, plan.changes.all(b, a.key != b.key || a.key == b.key))`,
		"loops in every change":          `plan.changes.exists(c, c.key == change.key && c.name == "no")`,
		"a list compared in a loop":      `plan.changes.all(c, plan.changes == plan.changes)`,
		"lists in a list, compared":      `plan.changes.all(c, [[], [plan.changes]].size() > 0 && [plan.changes] == [plan.changes])`,
		"a change sought in a loop":      `plan.changes.all(c, c in plan.changes.filter(x, x.key != "") && c in plan.changes)`,
		"long texts joined":              `plan.changes.map(c, ` + long + `+ c.key).all(t, plan.changes.all(c, (t + t + t + t).contains(c.key + "x") == false))`,
		"lengths of long texts":          `[` + doubled(long, 1) + `].all(t, plan.changes.all(c, ` + strings.Repeat(`size(t + t + t + t) > 0 && `, 30) + `true))`,
		"patterns on long texts":         `plan.changes.all(c, (` + long + ` + c.key).matches("(a*)*(a|aa)*b?.{0,60}x") == false)`,
		"a pattern in every change":      `[` + long + `].all(t, change.key == "" || !t.matches("(.*)(.*)(.*)(.*)(.*)[^a]$"))`,
		"many lists joined and searched": `plan.changes.all(c, (plan.changes + plan.changes + plan.changes + plan.changes).exists(d, d.key == "no") == false)`,
		"lists of lists":                 `plan.changes.map(a, plan.changes.map(b, a.key + b.key)).size() > 0`,
		"numbers as texts":               `plan.changes.all(c, plan.changes.all(d, string(c.generation) + string(d.generation) != ""))`,
	}
}

// TestHostile bounds the work of every condition, whatever it is like. Without
// the bound some of them would go on for hours.
func TestHostile(t *testing.T) {
	s := scene(2000)
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			if got := judge(t, text, s); !errors.Is(got.Err, ErrTooMuchWork) {
				t.Errorf("got %+v, want too much work", got.Err)
			}
		})
	}
}

// TestLongText wants texts that grow to end the evaluation before they fill the memory.
func TestLongText(t *testing.T) {
	text := `["` + strings.Repeat("a", 500) + `"].map(t, t` + strings.Repeat("+t", 40) + `).map(t, t` + strings.Repeat("+t", 40) + `).size() > 0`
	got := judge(t, text, scene(1))
	if want := "it makes a text of more than 10000 bytes"; got.Err == nil || got.Err.Error() != want {
		t.Errorf("got %v, want %s", got.Err, want)
	}
}

// TestEveryLoopIsCounted wants loops to be paid for, whatever they go over.
func TestEveryLoopIsCounted(t *testing.T) {
	s := scene(800)
	for _, over := range []string{
		`plan.changes`, `(plan.changes + plan.changes)`, `plan.changes.filter(c, true)`, `plan.changes.map(c, c.key)`,
		`(change.stops ? plan.changes : plan.changes)`, `{"a": plan.changes}["a"]`, `{"a": plan.changes}.a`, `[plan.changes][0]`,
	} {
		text := over + `.all(x, change.key != "")`
		if got := judge(t, text, s); !errors.Is(got.Err, ErrTooMuchWork) {
			t.Errorf("%s: got %v", text, got.Err)
		}
	}
}

// TestBudgetIsCounted wants the same verdict on a fast computer and on a slow
// one: work is counted, not timed.
func TestBudgetIsCounted(t *testing.T) {
	s := scene(2000)
	text := hostile()["loops in every change"]
	first := judge(t, text, s)
	for range 3 {
		again := judge(t, text, s)
		if first.At != again.At || !errors.Is(again.Err, ErrTooMuchWork) {
			t.Errorf("gave up at change %d, then at %d", first.At, again.At)
		}
	}
}

func BenchmarkJudge(b *testing.B) {
	s := scene(5000)
	for _, text := range []string{
		`plan.deletes > 0 && fleet.name == "prod"`,
		`change.action in ["delete", "replace"] && change.group == "db"`,
		`change.machine.memory > 64 * GiB || change.machine.cpu > 32`,
		`change.action != "delete" && !change.machine.userTags.exists(t, t.startsWith("owner::"))`,
		`change.machine.image.matches("^(centos|rocky)-[0-9.]+-test$")`,
		`plan.changes.filter(c, c.stops && c.group == "web").size() > 2`,
	} {
		condition, problems := Compile(text, "")
		if problems != nil {
			b.Fatal(problems)
		}
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if v := condition.Judge(s); v.Err != nil {
					b.Fatal(v)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, problems := Compile(`change.action == "delete" && fleet.name == "prod"`, OverChange); problems != nil {
			b.Fatal(problems)
		}
	}
}
