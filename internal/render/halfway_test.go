package render

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"zfleet/executor"
	"zfleet/planner"
)

// TestHalfway: a machine that a run stopped, or destroyed, before it was itself
// stopped is not told as one to which nothing was done.
func TestHalfway(t *testing.T) {
	step := func(key, verb string, status executor.Status, sent int) executor.StepResult {
		return executor.StepResult{
			PlannedStep: executor.PlannedStep{ID: planner.StepID(key + " " + verb), Key: key, Verb: verb},
			Status:      status, Attempts: make([]executor.Attempt, sent),
		}
	}
	machine := func(key string, action planner.Action, status executor.Status, state string) executor.MachineResult {
		m := executor.MachineResult{PlannedMachine: executor.PlannedMachine{Key: key, Action: action}, Status: status}
		if state != "" {
			m.Facts = &executor.Facts{State: state}
		}
		return m
	}
	report := &executor.Report{
		Stopped: "interrupted",
		Machines: []executor.MachineResult{
			machine("web/1", planner.Update, executor.NotStarted, "Stopped"),
			machine("web/2", planner.Update, executor.NotStarted, "Stopped"),
			machine("web/3", planner.Update, executor.NotStarted, ""),
			machine("web/4", planner.Update, executor.NotStarted, ""), // found as it should be, nothing sent
			machine("gw/1", planner.Replace, executor.Skipped, "Destroyed"),
		},
		Steps: []executor.StepResult{
			step("web/1", "stop", executor.Succeeded, 1), step("web/1", "start", executor.NotStarted, 0),
			step("web/2", "stop", executor.Succeeded, 2), step("web/2", "start", executor.NotStarted, 0),
			step("web/3", "stop", executor.NotStarted, 0), step("web/3", "start", executor.NotStarted, 0),
			step("web/4", "stop", executor.Succeeded, 0), step("web/4", "start", executor.NotStarted, 0),
			step("gw/1", "destroy", executor.Succeeded, 1), step("gw/1", "delete-disk", executor.Succeeded, 1),
			step("gw/1", "delete-disk", executor.Skipped, 0), step("gw/1", "delete-disk", executor.Skipped, 0), step("gw/1", "create", executor.Skipped, 0),
		},
	}
	for format, test := range map[string]struct {
		render func(io.Writer) error
		want   []string
	}{
		"text": {func(w io.Writer) error { return ReportText(w, report, Style{}) }, []string{
			"Begun, not finished: 3 machines\n" +
				"    ~ update   web/1, web/2\n" +
				"               done stop; left start; the VM is Stopped\n" +
				"  -/+ replace  gw/1\n" +
				"               done destroy, delete-disk; left delete-disk (2), create; the VM is Destroyed\n\n" +
				"Not started: 2 machines\n" +
				"    ~ update   web/3, web/4\n",
			"Run: 0 succeeded, 0 failed, 0 indeterminate, 0 blocked, 1 skipped, 4 not started.\n",
		}},
		"markdown": {func(w io.Writer) error { return ReportMarkdown(w, report) }, []string{
			"### Begun, not finished: 3 machines\n\n" +
				"- update `web/1, web/2`: done stop; left start; the VM is Stopped\n" +
				"- replace `gw/1`: done destroy, delete-disk; left delete-disk (2), create; the VM is Destroyed\n",
			"### Not started: 2 machines\n\n- update `web/3, web/4`\n",
		}},
		"html": {func(w io.Writer) error { return ReportHTML(w, report) }, []string{
			"<h2>Begun, not finished: 3 machines</h2>",
			"<dd>web/1, web/2: done stop; left start; the VM is Stopped</dd>",
			"<h2>Not started: 2 machines</h2>",
		}},
		"junit": {func(w io.Writer) error { return ReportJUnit(w, report) }, []string{
			"the run ended before its turn; done stop; left start; the VM is Stopped",
			"something that it needs did not succeed; done destroy, delete-disk; left delete-disk (2), create; the VM is Destroyed",
			`"the run ended before its turn"`,
		}},
	} {
		var out bytes.Buffer
		if err := test.render(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range test.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s does not say %q:\n%s", format, want, out.String())
			}
		}
	}
}
