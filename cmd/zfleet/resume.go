package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"zfleet/planner"
	"zfleet/spec"
)

func newResume(a *app) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "resume [RUN] -f FILE…",
		Short: "Carry on with a run that was killed or interrupted",
		Long: `Carry on with a run that was killed or interrupted. RUN is a run's id,
the beginning of one, or a directory; without it, the newest unfinished run of the
fleet is taken, unless that deletes or replaces machines: such a run has to be named.

resume tells what the run left, reads the cloud again, and plans what is missing:
what the run did is done, whether or not its journal tells how it ended. Machines,
and with them --target, are those of the run. The consent to the run's plan covers
that, so nothing is asked. It covers no more: when the cloud was changed by others
so that more would be done than was agreed to, or the fleet file is not the one that
the run was made from, resume does nothing and exits with 4. zfleet apply plans anew.

-f and variables must be those of the run; they also supply the secrets. A run of
destroy needs no file. The rest is a run of its own, with its own journal that names
the one it resumes.

What was in flight may still go on in the server: resume asks for its jobs, and
waits up to --settle-timeout for them and for machines that are changing. What the
server has not decided by then is blocked; resume again when that is over.`,
		Example: `  zfleet runs
  zfleet resume -f fleet.yaml
  zfleet resume 20260102-030405-a1b2c3 -f fleet.yaml`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(nil); err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return a.runResume(cmd.Context(), f, name)
		},
	}
	f.plan.fleet.add(cmd)
	f.plan.connection.add(cmd)
	f.run.add(cmd)
	cmd.Flags().StringVarP(&f.format, "output", "o", formatText, "text or json (the report)")
	return cmd
}

func (a *app) runResume(ctx context.Context, f applyFlags, name string) error {
	f.run.again, f.run.anew = f.again(), f.applyCommand()
	var (
		fleet *loaded
		err   error
	)
	if len(f.plan.fleet.files) > 0 {
		if fleet, err = a.load(f.plan.fleet); err != nil {
			return err
		}
	}
	run, err := runToResume(name, fleet)
	if err != nil {
		return err
	}
	a.say("%s", strings.Join(run.describe(), "\n"))
	if !run.unfinished() && run.report.Totals.Succeeded == len(run.report.Steps) {
		a.say("Nothing is left to do.")
		return nil
	}
	old, err := planOf(run)
	if err != nil {
		return err
	}
	if err := resumable(run, old, fleet, &f); err != nil {
		return err
	}
	s, err := a.connect(ctx, f.plan.connection, wire{changes: true, requestsPerSecond: old.Limits.RequestsPerSecond})
	if err != nil {
		return err
	}
	defer s.close()
	if s.endpoint != old.Endpoint {
		fmt.Fprintf(a.stderr, "warning: the run worked on %s, this is %s\n", old.Endpoint, s.endpoint)
	}
	if err := a.followLate(ctx, s, &f.run, run.report, fleet.secrets()); err != nil {
		return err
	}
	plan, err := a.settled(ctx, s, &f.run, func() (*planner.Plan, error) { return a.planRest(ctx, s, old, fleet, f.run.anew) })
	if err != nil {
		return err
	}
	f.run.resumes = run.id
	return a.carryOut(ctx, s, plan, consent{auto: true}, fleet.secrets(), f.format, f.run)
}

// runToResume finds the run by name, or else the newest unfinished one of the fleet.
func runToResume(name string, fleet *loaded) (*recordedRun, error) {
	if name != "" {
		return findRun(name)
	}
	runs, resumed, err := recordedRuns()
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		if run.state(resumed) != runUnfinished || run.report == nil {
			continue
		}
		scope := run.report.Scope
		if fleet != nil && (scope.Name != fleet.Name || fleet.ID != "" && scope.ID != fleet.ID) {
			continue
		}
		// Nothing is asked, so what deletes is not picked by a guess.
		if run.takes() {
			return nil, &exitError{code: exitUsage, message: fmt.Sprintf("run %s of fleet %s deletes machines (%s); it has to be named", run.id, scope, undertakenText(run.undertaken())),
				hint: cmp.Or(run.report.Resume, "zfleet resume "+run.id+", with the -f and variables that it had") + " carries on with it; zfleet runs lists all"}
		}
		return run, nil
	}
	return nil, &exitError{code: exitFailure, message: "no run is unfinished", hint: "zfleet runs lists all; zfleet apply does what is left to do, whoever left it"}
}

// resumable refuses what cannot be the run's own rest.
func resumable(run *recordedRun, old *planner.Plan, fleet *loaded, f *applyFlags) error {
	destroys := old.SpecDigest == ""
	switch {
	case run.running:
		return &exitError{code: exitFailure, message: fmt.Sprintf("run %s is still going on", run.id), hint: "wait for its end, or interrupt it first"}
	case fleet == nil && !destroys:
		return &exitError{code: exitUsage, message: "no fleet file", hint: "name the one that the run was made from with -f FILE"}
	case fleet != nil && (fleet.Name != old.Scope.Name || fleet.ID != "" && fleet.ID != old.Scope.ID):
		return &exitError{code: exitStale, message: fmt.Sprintf("run %s is of fleet %s, not of %q", run.id, old.Scope, fleet.Name)}
	case fleet != nil && !destroys && fleet.Digest != old.SpecDigest:
		return &exitError{code: exitStale, message: fmt.Sprintf("the fleet file, or a variable, is not what run %s was made from", run.id),
			hint: f.run.anew + " plans anew and asks for consent"}
	case f.plan.connection.simulate != (old.Endpoint == "simulator"):
		return usageError("run %s worked on %s: --simulate has to be given as it was then", run.id, old.Endpoint)
	}
	return nil
}

// planRest plans what the run left, and refuses to do more than it was to do.
func (a *app) planRest(ctx context.Context, s *session, old *planner.Plan, fleet *loaded, anew string) (*planner.Plan, error) {
	var (
		wants planner.Wants
		file  *spec.Fleet
	)
	if fleet != nil && old.SpecDigest != "" {
		file = fleet.Fleet
		wants = planner.RequestsFor(file)
	}
	inventory, err := a.takeInventory(ctx, s, old.Scope, wants)
	if err != nil {
		return nil, err
	}
	if old.Account != "" && inventory.Account != "" && old.Account != inventory.Account {
		return nil, &exitError{code: exitStale, message: "the run worked with another account", hint: "use the credentials that it was started with"}
	}
	plan, moved, found := planner.Resume(old, file, inventory)
	if plan == nil {
		return nil, &diagnosticsError{found, fleet.sources}
	}
	if len(moved) == 0 {
		return plan, nil
	}
	keys := make(map[string][]string) // what moved alike is told once
	var whats []string
	for _, m := range moved {
		if keys[m.What] == nil {
			whats = append(whats, m.What)
		}
		keys[m.What] = append(keys[m.What], m.Key)
	}
	for _, what := range whats {
		fmt.Fprintf(a.stderr, "moved: %s: %s\n", few(keys[what]), what)
	}
	return nil, &exitError{code: exitStale, message: fmt.Sprintf("more would be done with %s than the run was allowed to; nothing was done", plural(len(moved), "machine")),
		hint: anew + " plans anew and asks for consent"}
}

// claimRun marks the run of a journal as going on, until unlock. Who lists runs
// at that moment holds it up for an instant.
func claimRun(journal string) (unlock func(), err error) {
	const tries, pause = 20, 50 * time.Millisecond
	for range tries {
		if unlock, err = lockFile(journal); err == nil {
			return unlock, nil
		}
		time.Sleep(pause)
	}
	return nil, errors.New("run directory: another zfleet uses it")
}
