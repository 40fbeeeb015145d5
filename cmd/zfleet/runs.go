package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"zfleet/executor"
	"zfleet/planner"
)

// The names of what a run directory holds.
const (
	planFile    = "plan.json"
	journalFile = "journal.jsonl"
	reportFile  = "report.json"
)

// recordedRun is what a run directory says of its run.
type recordedRun struct {
	id, dir string
	report  *executor.Report // nil when the run was killed before its first event
	running bool             // a zfleet is still at it
	problem error            // why the record cannot be read
	bare    bool             // has a plan, but no journal
	settled string           // id of the later run that did all there was to do, or empty
}

// The states of a recorded run.
const (
	runRunning    = "running"
	runFinished   = "finished"
	runUnfinished = "unfinished"
	runResumed    = "resumed"    // unfinished, but another run took it up
	runSuperseded = "superseded" // unfinished, but a later run did all there was to do
	runDamaged    = "damaged"
)

// state says how a run stands; resumed holds the runs that others took up.
func (r *recordedRun) state(resumed map[string]bool) string {
	switch {
	case r.problem != nil:
		return runDamaged
	case r.running:
		return runRunning
	case !r.unfinished():
		return runFinished
	case resumed[r.id]:
		return runResumed
	case r.settled != "":
		return runSuperseded
	}
	return runUnfinished
}

func (r *recordedRun) unfinished() bool { return r.report == nil || r.report.Unfinished() }

// openRun reads a run directory. Problems are part of what it returns.
func openRun(dir string) *recordedRun {
	r := &recordedRun{id: filepath.Base(filepath.Clean(dir)), dir: dir}
	f, err := os.Open(filepath.Join(dir, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, planFile)); err != nil {
			r.problem = fmt.Errorf("%s holds no run", dir)
		}
		r.bare = true
		return r
	}
	if err != nil {
		r.problem = err
		return r
	}
	defer f.Close()
	r.running = isLocked(f.Name())
	events, err := executor.ReadJournal(f)
	if err == nil && len(events) > 0 {
		r.report, err = executor.Fold(events)
	}
	if err != nil {
		r.problem = &exitError{code: exitFailure, message: fmt.Sprintf("%s: %v", f.Name(), err), hint: hintWithoutRecord}
	}
	return r
}

// hintWithoutRecord is the way out where a run's record is of no use.
const hintWithoutRecord = "zfleet apply finds out what is left to do from the cloud alone, and asks for consent"

// recordedRuns reads the runs below the runs directory, newest first, and says
// which of them were taken up by others.
func recordedRuns() (runs []*recordedRun, resumed map[string]bool, err error) {
	entries, err := os.ReadDir(runsDirectory())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("runs: %w", err)
	}
	resumed = make(map[string]bool)
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		run := openRun(filepath.Join(runsDirectory(), entry.Name()))
		runs = append(runs, run)
		if run.report != nil && run.report.Resumes != "" {
			resumed[run.report.Resumes] = true
		}
	}
	slices.SortStableFunc(runs, func(a, b *recordedRun) int { return cmp.Compare(b.id, a.id) })
	supersede(runs)
	return runs, resumed, nil
}

// supersede finds for each unfinished run the latest run that settled it.
func supersede(runs []*recordedRun) {
	for _, r := range runs {
		if r.problem != nil || r.running || r.report == nil || !r.unfinished() {
			continue
		}
		for _, later := range runs {
			if later.settles(r) {
				r.settled = later.id
				break
			}
		}
	}
}

// settles reports whether a run came after another of the same fleet on the same
// server, was about all machines that it left, and did everything it was to do.
func (r *recordedRun) settles(earlier *recordedRun) bool {
	if r.problem != nil || r.running || r.report == nil || r.unfinished() || r.report.Scope != earlier.report.Scope ||
		!r.report.Started.After(earlier.report.Started) || r.report.Totals.Succeeded != len(r.report.Steps) {
		return false
	}
	plan, err := readPlan(filepath.Join(r.dir, planFile))
	was, wasErr := readPlan(filepath.Join(earlier.dir, planFile))
	if err != nil || wasErr != nil || plan.Endpoint != was.Endpoint || plan.Account != was.Account {
		return false
	}
	decided := make(map[string]bool)
	for _, c := range plan.Changes {
		decided[c.Key] = c.Action != planner.Blocked
	}
	return !slices.ContainsFunc(earlier.report.Machines, func(m executor.MachineResult) bool {
		return m.Status != executor.Succeeded && !m.Protected && !decided[m.Key]
	})
}

func newRuns(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "runs [RUN]",
		Short: "List the runs that this computer has a record of",
		Long: `List the runs that this computer has a record of, newest first, or tell what one
run did and left: no network, no credentials.

A run is finished when every step came to an end, unfinished when it was killed or
interrupted before that, resumed when a later run took it up, superseded when a later
run of all its machines did everything there was to do, and running while a zfleet is
at it. zfleet resume RUN carries on with an unfinished one, zfleet show RUN
shows its whole report.`,
		Example: `  zfleet runs
  zfleet runs 20260102-030405-a1b2c3`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := checkFormat(format, formatText, formatJSON); err != nil {
				return err
			}
			return a.runRuns(args, format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", formatText, "text or json")
	return cmd
}

// runSummary is one run in the JSON of runs.
type runSummary struct {
	ID           string                 `json:"id"`
	Directory    string                 `json:"directory"`
	State        string                 `json:"state"`
	Fleet        string                 `json:"fleet,omitempty"`
	Started      *time.Time             `json:"started,omitempty"`
	Ended        *time.Time             `json:"ended,omitempty"`
	SupersededBy string                 `json:"supersededBy,omitempty"`
	Resumes      string                 `json:"resumes,omitempty"`
	Machines     map[planner.Action]int `json:"machines,omitempty"` // how many it was to do what to
	Totals       *executor.Totals       `json:"totals,omitempty"`   // of steps
	Problem      string                 `json:"problem,omitempty"`
}

func summarize(r *recordedRun, resumed map[string]bool) runSummary {
	s := runSummary{ID: r.id, Directory: r.dir, State: r.state(resumed)}
	if s.State == runSuperseded {
		s.SupersededBy = r.settled
	}
	if r.problem != nil {
		s.Problem = r.problem.Error()
	}
	if r.report != nil {
		s.Fleet, s.Started, s.Ended = r.report.Scope.String(), &r.report.Started, r.report.Ended
		s.Resumes, s.Machines, s.Totals = r.report.Resumes, r.undertaken(), &r.report.Totals
	}
	return s
}

func (a *app) runRuns(args []string, format string) error {
	runs, resumed, err := recordedRuns()
	if err != nil {
		return err
	}
	if len(args) == 1 {
		run, err := findRun(args[0])
		if err != nil {
			return err
		}
		for _, known := range runs {
			if known.dir == run.dir {
				run.settled = known.settled
			}
		}
		runs = []*recordedRun{run}
	}
	summaries := []runSummary{}
	for _, run := range runs {
		summaries = append(summaries, summarize(run, resumed))
	}
	switch {
	case format == formatJSON:
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(summaries)
	case len(runs) == 0:
		a.say("No runs in %s.", runsDirectory())
		return nil
	}
	if err := a.runTable(summaries); err != nil || len(args) == 0 {
		return err
	}
	lines := runs[0].describe()
	if report := runs[0].report; report != nil && report.Resume != "" && !runs[0].running {
		lines = append(lines, "Resume: "+report.Resume)
	}
	_, err = fmt.Fprintf(a.stdout, "\n%s\n", strings.Join(lines, "\n"))
	return err
}

func (a *app) runTable(runs []runSummary) error {
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RUN\tFLEET\tSTARTED\tSTATE\tMACHINES\tSTEPS")
	for _, r := range runs {
		started, machines, steps := "-", "-", cmp.Or(r.Problem, "-")
		if r.Started != nil {
			started = r.Started.UTC().Format("2006-01-02 15:04:05 UTC")
		}
		if r.Totals != nil {
			machines, steps = undertakenText(r.Machines), totals(*r.Totals)
		}
		if r.SupersededBy != "" {
			r.State += " by " + r.SupersededBy
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, cmp.Or(r.Fleet, "-"), started, r.State, machines, steps)
	}
	return table.Flush()
}

// totals names the counts that are not zero.
func totals(t executor.Totals) string {
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{t.Succeeded, "succeeded"}, {t.Failed, "failed"}, {t.Indeterminate, "indeterminate"}, {t.Blocked, "blocked"}, {t.Skipped, "skipped"}, {t.NotStarted, "not started"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// undertaken counts the machines that a run was to do something to, by action.
func (r *recordedRun) undertaken() map[planner.Action]int {
	if r.report == nil {
		return nil
	}
	counts := make(map[planner.Action]int)
	for _, m := range r.report.Machines {
		counts[m.Action]++
	}
	return counts
}

// takes reports whether what a run was to do loses machines.
func (r *recordedRun) takes() bool {
	counts := r.undertaken()
	return counts[planner.Delete]+counts[planner.Replace] > 0
}

// undertakenText is what a run was to do, for people: "1 to create, 2 to delete".
func undertakenText(counts map[planner.Action]int) string {
	var parts []string
	for _, action := range []planner.Action{planner.Create, planner.Update, planner.Replace, planner.Delete} {
		if n := counts[action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, action))
		}
	}
	if n := counts[planner.Blocked]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d blocked", n))
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

// describe tells what a run was to do, did and left, for people.
func (r *recordedRun) describe() []string {
	switch {
	case r.bare:
		return []string{fmt.Sprintf("Run %s has no journal: it was killed before it started anything, or the journal was removed.", r.id)}
	case r.report == nil:
		return []string{fmt.Sprintf("Run %s was killed before it started anything.", r.id)}
	}
	how := "came to its end"
	switch {
	case r.running:
		how = "is going on"
	case r.report.Ended == nil:
		how = "was killed"
	case r.report.Stopped != "" && r.report.Totals.Succeeded < len(r.report.Steps):
		how = "was ended early (" + r.report.Stopped + ")"
	}
	lines := []string{fmt.Sprintf("Run %s of fleet %s (%s) %s. Its steps: %s.", r.id, r.report.Scope, undertakenText(r.undertaken()), how, totals(r.report.Totals))}
	for _, group := range []struct {
		title  string
		status executor.Status
	}{{"Outcome unknown, in flight at the end", executor.Indeterminate}, {"Failed", executor.Failed}, {"Never done", executor.NotStarted}} {
		var ids []string
		for _, step := range r.report.Steps {
			if step.Status == group.status {
				ids = append(ids, string(step.ID))
			}
		}
		if len(ids) > 0 {
			lines = append(lines, fmt.Sprintf("  %s: %s", group.title, few(ids)))
		}
	}
	return lines
}

// few lists some of many.
func few(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// planOf reads the plan that a run began with. A run that resumed another
// stands on the plan that was consented to first.
func planOf(r *recordedRun) (*planner.Plan, error) {
	for seen := map[string]bool{}; r.report != nil && r.report.Resumes != "" && !seen[r.id]; {
		seen[r.id] = true
		earlier, err := findRun(r.report.Resumes)
		if beside, besideErr := findRun(filepath.Join(filepath.Dir(r.dir), r.report.Resumes)); besideErr == nil {
			earlier, err = beside, nil
		}
		if err != nil {
			break // its record was removed: what is left of the consent is here
		}
		r = earlier
	}
	plan, err := readPlan(filepath.Join(r.dir, planFile))
	if problem, ok := errors.AsType[*exitError](err); ok {
		problem.hint = hintWithoutRecord
	} else if err != nil {
		err = &exitError{code: exitFailure, message: err.Error(), hint: hintWithoutRecord}
	}
	return plan, err
}
