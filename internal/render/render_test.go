package render

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/spec"
)

func TestPlanText(t *testing.T) {
	var many []planner.Change
	for n := 1; n <= 400; n++ {
		many = append(many, create(n))
	}
	keep := planner.Change{Key: "web/1", Name: "web-01", Action: planner.Keep}
	for _, tt := range []struct {
		name  string
		plan  *planner.Plan
		style Style
	}{
		{"plan-one", planOf(create(1)), Style{Width: 80}},
		{"plan-mixed", mixedPlan(), Style{Width: 100}},
		{"plan-mixed-unwrapped", mixedPlan(), Style{}},
		{"plan-mixed-color", mixedPlan(), Style{Color: true, Width: 100}},
		{"plan-400", planOf(many...), Style{Width: 80}},
		{"plan-none", planOf(keep, keep), Style{}},
		{"plan-empty", planOf(), Style{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, tt.name+".txt", func(w io.Writer) error { return PlanText(w, tt.plan, tt.style) })
		})
	}
}

func TestReport(t *testing.T) {
	golden(t, "report-400.txt", func(w io.Writer) error { return ReportText(w, report400(), Style{Width: 100}) })
	golden(t, "report-400.md", func(w io.Writer) error { return ReportMarkdown(w, report400()) })
	golden(t, "report-stopped.txt", func(w io.Writer) error { return ReportText(w, stoppedReport(), Style{Color: true}) })
	golden(t, "report-stopped.md", func(w io.Writer) error { return ReportMarkdown(w, stoppedReport()) })
	golden(t, "report-stopped.xml", func(w io.Writer) error { return ReportJUnit(w, stoppedReport()) })
	golden(t, "report-stopped.html", func(w io.Writer) error { return ReportHTML(w, stoppedReport()) })
}

func TestDiagnostics(t *testing.T) {
	sources := map[string][]byte{
		"fleet.yaml": []byte("name: staging\n" +
			"machines:\n" +
			"  网关: {source: {image: \"没有的镜像\"}, memroy: 4GiB}\n" +
			"\t\tcpu: 8\r\n" +
			"  db: {consolePassword: swordfish, networks: [app-net], description: a long line that goes on and on and on until it is far wider than any terminal, count: x}\n" +
			"  esc: \x1b[31mred\n"),
	}
	at := func(line, column int) spec.Pos { return spec.Pos{File: "fleet.yaml", Line: line, Column: column} }
	ds := spec.Diagnostics{
		{Pos: at(3, 24), Code: "no-such-image", Message: "no image is named \"没有的镜像\"", Hint: "near: \"没有的镜像-2\"; or give its uuid"},
		{Pos: at(3, 34), Code: "unknown-key", Message: "unknown key \"memroy\" in machine \"网关\"", Hint: "did you mean \"memory\"?"},
		{Pos: at(4, 3), Code: "syntax", Message: "found a tab where indentation is expected"},
		{Severity: spec.Warning, Pos: at(5, 8), Code: "inline-secret", Message: "a password stands in the file"},
		{Pos: at(5, 149), Code: "type", Message: "count must be a number, not \"x\""},
		{Severity: spec.Note, Pos: at(6, 3), Code: "control", Message: "\"\x1b[31mred\" has control characters"},
		{Pos: at(99, 1), Code: "past-the-end", Message: "no such line"},
		{Severity: spec.Warning, Pos: spec.Pos{File: "other.yaml", Line: 1, Column: 1}, Code: "elsewhere", Message: "a source that is not at hand"},
		{Severity: spec.Warning, Code: "nowhere", Message: "a finding without a place"},
	}
	golden(t, "diagnostics.txt", func(w io.Writer) error { return Diagnostics(w, ds, sources, Style{Width: 80}) })
	golden(t, "diagnostics-color.txt", func(w io.Writer) error { return Diagnostics(w, ds[:4], sources, Style{Color: true}) })
}

func TestInventory(t *testing.T) {
	vm := func(n int, key, name, state string) planner.Observed {
		return planner.Observed{UUID: uid("f1ee7000", n), Name: name, State: state, CPU: 2, Memory: 4 << 30,
			ZoneUUID: uid("20e0", 1), ClusterUUID: uid("c1a57e70", 2), HostUUID: uid("105e", 1), NICs: []planner.NIC{{IPs: []string{"10.0.0.2", "fd00::2"}}},
			UserTags: []planner.Tag{{Text: "prod"}, {Text: scope.KeyTag(key)}}}
	}
	tagged := []planner.Tag{{Text: scope.DiskTag("web/2", 0)}}
	file := planner.NewInventoryFile(false)
	file.Endpoint, file.Version = "http://172.20.0.10:8080", "5.2.1"
	file.Add(planner.InventoryFleet{Scope: scope},
		[]planner.Observed{vm(1, "web/10", "web-10", "Running"), vm(2, "web/2", "网站-2", "Stopped"),
			{UUID: uid("f1ee7000", 3), Name: "untagged", State: "Destroyed", ClusterUUID: uid("c1a57e70", 1)}},
		[]planner.Disk{{UUID: uid("d15c", 1), Name: "web-2-data", Size: 100 << 30, Status: "Ready", Tags: tagged},
			{UUID: uid("d15c", 2), Name: "attached", Size: 1 << 30, VMUUID: uid("f1ee7000", 1), Tags: tagged}})
	file.Fleets[0].VMUUIDs = []string{uid("f1ee7000", 3)}
	file.Asked = map[planner.Kind]planner.Asked{planner.KindHost: {Whole: true}, planner.KindImage: {Names: []string{"centos-7.9"}}}
	file.Catalog = planner.Catalog{planner.KindZone: {{UUID: uid("20e0", 1), Name: "shanghai-1"}},
		planner.KindHost: {{UUID: uid("105e", 1), Name: "host-1"}}, planner.KindImage: {}}
	golden(t, "inventory.txt", func(w io.Writer) error { return InventoryTable(w, file, Style{}) })
	golden(t, "inventory.yaml", func(w io.Writer) error { return InventoryYAML(w, file) })
	golden(t, "inventory.json", func(w io.Writer) error { return InventoryJSON(w, file) })
}

// TestProgressLines is what a build log gets: a line for what happened, nothing
// for what has not.
func TestProgressLines(t *testing.T) {
	at := time.Date(2026, 7, 30, 2, 0, 0, 0, time.UTC)
	capacity := capacityFailure(executor.PlannedMachine{Name: "web-02", UUID: uid("f1ee", 2)})
	events := []executor.Event{
		executor.RunStarted{At: at, Steps: make([]executor.PlannedStep, 4)},
		executor.StepStarted{At: at, Step: "web/1 create", Try: 1},
		executor.StepPhase{At: at, Step: "web/1 create", Text: "waiting for the job"},
		executor.AttemptStarted{At: at, Step: "web/1 create", Operation: "create VM", JobUUID: uid("10b0", 1)},
		executor.StepStarted{At: at, Step: "web/2 create", Try: 1},
		executor.StepRetried{At: at, Step: "web/2 create", Try: 1, Failure: *capacity, WaitMS: 1500},
		executor.StepFinished{At: at, Step: "web/1 create", Status: executor.Succeeded, Facts: &executor.Facts{IPs: []string{"10.0.0.2"}}, Note: "was there already"},
		executor.StepFinished{At: at, Step: "web/2 create", Status: executor.Failed, Failure: capacity},
		executor.StepFinished{At: at, Step: "web/2 tag-disks", Status: executor.Skipped},
		executor.AdmissionStopped{At: at, Reason: "interrupted"}, // whoever interrupts is told already
		executor.AdmissionStopped{At: at, Reason: "auth", Detail: "the session\x1b[2J ended"},
		executor.StepFinished{At: at, Step: "web/3 create", Status: executor.NotStarted},
		executor.StepFinished{At: at, Step: "web/4 create\x1b[2J", Status: executor.Indeterminate},
		executor.RunFinished{At: at},
	}
	steps := []planner.Step{{Key: "web/1", Claims: []string{"app-net"}}, {Key: "web/2", Yields: []string{"app-net"}}}
	golden(t, "progress.txt", func(w io.Writer) error {
		progress := NewProgress(w, steps, Style{})
		for _, e := range events {
			progress.Observe(e)
		}
		progress.Close()
		if len(progress.busy) != 0 || progress.done != 5 {
			t.Errorf("%d steps in flight and %d done, want 0 and 5", len(progress.busy), progress.done)
		}
		return nil
	})
}

// TestStaleText: what happened to many machines alike is told once.
func TestStaleText(t *testing.T) {
	vm := func(key, uuid, found string) planner.Moved {
		return planner.Moved{Key: key, Things: []planner.MovedThing{
			{Thing: "VM " + strings.Repeat(uuid, 32), Facts: []planner.MovedFact{{Fact: "state", Planned: "Running", Wanted: "Running", Found: found}}},
			{Thing: `image "centos" (` + strings.Repeat("a", 32) + ")", Facts: []planner.MovedFact{{Fact: "state", Planned: "Enabled", Wanted: "Enabled", Found: "Disabled"}}},
		}}
	}
	moved := []planner.Moved{vm("web/1", "1", "Stopped"), vm("web/2", "2", "Stopped"), vm("web/3", "3", "Paused"), vm("web/4", "4", "Stopped")}
	var out strings.Builder
	if err := StaleText(&out, moved, Style{}); err != nil {
		t.Fatal(err)
	}
	image := "  image \"centos\" (aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)\n    state: was Enabled, is Disabled\n"
	want := "web/1, web/2, web/4: changed since the plan was made\n  VM\n    state: was Running, is Stopped\n" + image +
		"web/3: changed since the plan was made\n  VM 33333333333333333333333333333333\n    state: was Running, is Paused\n" + image
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestHeldBack: who waits for the addresses of others is told, and nothing where
// nobody does.
func TestHeldBack(t *testing.T) {
	step := func(key string, claims, yields string) planner.Step {
		s := planner.Step{Key: key}
		if claims != "" {
			s.Claims = strings.Split(claims, " ")
		}
		if yields != "" {
			s.Yields = strings.Split(yields, " ")
		}
		return s
	}
	for _, test := range []struct {
		name  string
		steps []planner.Step
		want  string
	}{
		{"no addresses", []planner.Step{step("a/1", "", ""), step("a/2", "", "")}, ""},
		{"on another network", []planner.Step{step("a/1", "app", ""), step("b/1", "", "db")}, ""},
		{"nobody else", []planner.Step{step("a/1", "app", ""), step("a/2", "app", "")}, ""},
		{"one for one", []planner.Step{step("a/1", "app", ""), step("b/1", "", "db app"), step("c/1", "db2", "")},
			"a/1 has a fixed address and is made first; 1 machine on the same network waits for that"},
		{"some for some", []planner.Step{step("b/1", "", "app"), step("a/1", "app", ""), step("a/2", "app db", ""), step("a/3", "db", ""), step("b/2", "", "db")},
			"a/1 … a/3 have fixed addresses and are made first; 2 machines on the same network wait for that"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := heldBack(test.steps); got != test.want {
				t.Errorf("it says %q, want %q", got, test.want)
			}
		})
	}
}
