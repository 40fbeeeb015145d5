package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"zfleet/executor"
	"zfleet/internal/render"
	"zfleet/planner"
)

func newShow(a *app) *cobra.Command {
	var output outputFlags
	cmd := &cobra.Command{
		Use:   "show PLAN|REPORT|RUN",
		Short: "Render a plan, a report or a run again",
		Long: `Render a plan file, a report file or a run again, with no network and no
credentials. RUN is a run's id, the beginning of one, or a directory; a run that was
killed is shown from its journal.`,
		Example: `  zfleet show plan.json
  zfleet show plan.json -o markdown --markdown-limit 20000
  zfleet show plan.json -o html > plan.html
  zfleet show report.json -o markdown
  zfleet show 20260102-030405-a1b2c3`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := output.check(formatText, formatJSON, formatMarkdown, "junit", formatHTML); err != nil {
				return err
			}
			return a.runShow(args[0], output)
		},
	}
	output.add(cmd, "text, markdown, json or html; for reports also junit")
	return cmd
}

func (a *app) runShow(name string, output outputFlags) error {
	plan, report, err := openDocument(name)
	if err != nil {
		return err
	}
	if plan != nil {
		if output.format == "junit" {
			return usageError("-o junit is for reports; %s is a plan", name)
		}
		if output.format == formatText {
			defer a.say("The plan's digest is %s.", plan.Digest)
		}
		return a.showPlan(plan, output, "zfleet show "+quoted(name))
	}
	switch output.format {
	case formatJSON:
		return render.ReportJSON(a.stdout, report)
	case formatMarkdown:
		return render.ReportMarkdown(a.stdout, report)
	case "junit":
		return render.ReportJUnit(a.stdout, report)
	case formatHTML:
		return render.ReportHTML(a.stdout, report)
	}
	return render.ReportText(a.stdout, report, a.style(a.stdout))
}

// openDocument finds out what a name names and reads it.
func openDocument(name string) (*planner.Plan, *executor.Report, error) {
	path := name
	info, err := os.Stat(path)
	if err != nil {
		if path, err = runNamed(name); err != nil {
			return nil, nil, err
		}
		if info, err = os.Stat(path); err != nil {
			return nil, nil, &exitError{code: exitFailure, message: fmt.Sprintf("%q is neither a file nor a run", name), hint: "runs are in " + runsDirectory()}
		}
	}
	if info.IsDir() {
		report, err := reportOfRun(path)
		return nil, report, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var probe struct {
		Changes *json.RawMessage `json:"changes"`
		Totals  *json.RawMessage `json:"totals"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return nil, nil, &exitError{code: exitFailure, message: fmt.Sprintf("%s: neither a plan nor a report: %v", name, err)}
	}
	if probe.Changes != nil {
		plan, err := readPlan(path)
		return plan, nil, err
	}
	report, err := executor.DecodeReport(data)
	if err != nil || probe.Totals == nil {
		return nil, nil, &exitError{code: exitFailure, message: fmt.Sprintf("%s: neither a plan nor a report", name)}
	}
	return nil, report, nil
}

// reportOfRun folds the journal of a run, which is true even if the run was killed.
func reportOfRun(dir string) (*executor.Report, error) {
	f, err := os.Open(filepath.Join(dir, journalFile))
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	defer f.Close()
	events, err := executor.ReadJournal(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return executor.Fold(events)
}
