package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
)

// TestStoppedForNothing: a run that was interrupted when all of it was done, or
// on its way to a good end, does not sound like trouble; any other does.
func TestStoppedForNothing(t *testing.T) {
	begin := time.Date(2026, 7, 30, 2, 0, 0, 0, time.UTC)
	end := begin.Add(time.Minute)
	machine := func(key string, status executor.Status) executor.MachineResult {
		return executor.MachineResult{PlannedMachine: executor.PlannedMachine{Key: key, Action: planner.Create}, Status: status}
	}
	guarded := machine("db/1", executor.Blocked)
	guarded.Action, guarded.Protected = planner.Blocked, true
	for _, test := range []struct {
		name     string
		stopped  string
		ended    *time.Time
		machines []executor.MachineResult
		want     string
		why      bool
	}{
		{"all done", "interrupted", &end, []executor.MachineResult{machine("a/1", executor.Succeeded)}, "applied: 1 machine succeeded", false},
		{"all done in time", "timeout", &end, []executor.MachineResult{machine("a/1", executor.Succeeded)}, "applied: 1 machine succeeded", false},
		{"but protected", "interrupted", &end, []executor.MachineResult{machine("a/1", executor.Succeeded), guarded}, "applied: 1 of 2 machines succeeded, 1 protected", false},
		{"all protected", "", &end, []executor.MachineResult{guarded}, "applied: there was nothing to do, 1 machine is protected", false},
		{"one is left", "interrupted", &end, []executor.MachineResult{machine("a/1", executor.Succeeded), machine("a/2", executor.NotStarted)},
			"stopped: 1 of 2 machines succeeded, 1 not started", true},
		{"one failed", "interrupted", &end, []executor.MachineResult{machine("a/1", executor.Succeeded), machine("a/2", executor.Failed)},
			"stopped: 1 of 2 machines succeeded, 1 failed", true},
		{"no record", "journal", &end, []executor.MachineResult{machine("a/1", executor.Succeeded)}, "stopped: 1 machine succeeded", true},
		{"killed", "interrupted", nil, []executor.MachineResult{machine("a/1", executor.Succeeded)}, "unfinished: 1 machine succeeded", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := outcomeOf(&executor.Report{Started: begin, Ended: test.ended, Stopped: test.stopped, Machines: test.machines})
			if got := o.headline(); got != test.want {
				t.Errorf("the headline is %q, want %q", got, test.want)
			}
			if got := o.stopped() != ""; got != test.why {
				t.Errorf("that no further step was started is said: %t, want %t", got, test.why)
			}
		})
	}
}

// TestBlockedOnce: of a machine that the plan blocked there is nothing that was to
// be done, so only its status is said.
func TestBlockedOnce(t *testing.T) {
	report := &executor.Report{Machines: []executor.MachineResult{{Status: executor.Blocked,
		PlannedMachine: executor.PlannedMachine{Key: "app/b", Action: planner.Blocked, Reason: "two VMs claim it"}}}}
	for format, test := range map[string]struct {
		render func(io.Writer) error
		want   string
	}{
		"text":        {func(w io.Writer) error { return ReportText(w, report, Style{}) }, "! blocked  app/b\n"},
		"markdown":    {func(w io.Writer) error { return ReportMarkdown(w, report) }, "### blocked: app/b\n"},
		"html":        {func(w io.Writer) error { return ReportHTML(w, report) }, "</span>: app/b</h3>"},
		"annotations": {func(w io.Writer) error { return Diagnostics(w, ReportFindings(report), nil, Style{}) }, "app/b: two VMs claim it [blocked]"},
	} {
		var out bytes.Buffer
		if err := test.render(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), "blocked app/b") {
			t.Errorf("%s does not say %q:\n%.600s", format, test.want, out.String())
		}
	}
}

// TestBinned: of VMs that the server keeps, and of no others, every format for
// people says that they are still there.
func TestBinned(t *testing.T) {
	step := func(verb string, state string) executor.StepResult {
		s := executor.StepResult{PlannedStep: executor.PlannedStep{Key: "app/b", Verb: verb}, Status: executor.Succeeded}
		if state != "" {
			s.Facts = &executor.Facts{State: state}
		}
		return s
	}
	failed := step("destroy", "Destroyed")
	failed.Status = executor.Failed
	report := &executor.Report{Steps: []executor.StepResult{step("destroy", ""), step("create", "Destroyed"), step("destroy", "Running"), failed}}
	if got := outcomeOf(report).binned(); got != "" {
		t.Errorf("%q is said where no VM is kept", got)
	}
	report.Steps = append(report.Steps, step("destroy", "Destroyed"))
	if got := outcomeOf(report).binned(); !strings.HasPrefix(got, "1 VM is in") {
		t.Errorf("of one VM it says %q", got)
	}
	report.Steps = append(report.Steps, step("destroy", "Destroyed"))
	for format, render := range map[string]func(io.Writer) error{
		"text":     func(w io.Writer) error { return ReportText(w, report, Style{}) },
		"markdown": func(w io.Writer) error { return ReportMarkdown(w, report) },
		"html":     func(w io.Writer) error { return ReportHTML(w, report) },
	} {
		var out bytes.Buffer
		if err := render(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "2 VMs are in the server") {
			t.Errorf("%s does not say that VMs are kept:\n%.600s", format, out.String())
		}
	}
}

// TestNotesFolded: what is said of many steps is said once, and of each.
func TestNotesFolded(t *testing.T) {
	report := &executor.Report{}
	add := func(key, does string, note string) {
		id := planner.StepID(key + " " + does)
		report.Steps = append(report.Steps, executor.StepResult{PlannedStep: executor.PlannedStep{ID: id, Key: key}, Status: executor.Succeeded, Note: note})
	}
	for n := range 4 {
		key := fmt.Sprintf("web/%d", n+1)
		add(key, "destroy", "was already gone")
		add(key, "delete-disk 1", "was already gone")
	}
	add("web/5", "destroy", "the answer was lost")
	add("web/6", "destroy", "")
	var got []string
	for _, n := range outcomeOf(report).notes {
		got = append(got, n.steps()+": "+n.text)
	}
	want := []string{"web/1 … web/4 destroy: was already gone", "web/1 … web/4 delete-disk 1: was already gone", "web/5 destroy: the answer was lost"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

// TestSettleEach: of machines that failed alike, each has its own command.
func TestSettleEach(t *testing.T) {
	report := &executor.Report{Resume: "zfleet resume RUN"}
	for _, key := range []string{"web/1", "web/2"} {
		report.Machines = append(report.Machines, executor.MachineResult{Status: executor.Blocked,
			PlannedMachine: executor.PlannedMachine{Key: key, Action: planner.Create},
			Failure:        &executor.Failure{Message: "taken", Hint: "with --next-generation " + key, Settle: "zfleet apply --next-generation " + key}})
	}
	report.Machines = append(report.Machines, executor.MachineResult{Status: executor.Indeterminate, PlannedMachine: executor.PlannedMachine{Key: "web/3"}})
	var got [][]string
	for _, f := range outcomeOf(report).failures {
		var commands []string
		for _, fact := range f.facts() {
			if fact.label == "settle" {
				commands = append(commands, fact.text)
			}
		}
		got = append(got, commands)
	}
	want := [][]string{{"zfleet resume RUN"}, {"zfleet apply --next-generation web/1", "zfleet apply --next-generation web/2"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}
