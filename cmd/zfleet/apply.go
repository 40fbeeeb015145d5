package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"zfleet/internal/render"
	"zfleet/internal/term"
	"zfleet/planner"
	"zfleet/spec"
)

// applyFlags steer how a plan is carried out.
type applyFlags struct {
	plan        planFlags
	format      string
	autoApprove bool
	digest      string
	skipMoved   bool
	run         runFlags
}

// runFlags are shared by the commands that change the cloud.
type runFlags struct {
	parallelism  int
	timeout      time.Duration
	stepTimeout  time.Duration
	drainTimeout time.Duration
	settle       time.Duration // what is left of --settle-timeout
	reports      []string
	events       string
	dir          string

	resumes string // id of the run that is resumed
	again   string // arguments with which a resume finds the same cloud and file
	anew    string // command that plans and applies anew, where this one made a plan
}

func (f *runFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.parallelism, "parallelism", 0, "at most `N` operations in flight; tightens limits.parallelism")
	flags.DurationVar(&f.timeout, "timeout", 0, "stop admitting steps after this time")
	flags.DurationVar(&f.stepTimeout, "step-timeout", 0, "how long the server may work on one step; tightens limits.stepTimeout")
	flags.DurationVar(&f.drainTimeout, "drain-timeout", 20*time.Second, "after SIGTERM, how long to follow what is in flight")
	flags.DurationVar(&f.settle, "settle-timeout", 2*time.Minute, "before planning, how long to wait for machines that the server is still working on; 0 does not wait")
	flags.StringArrayVar(&f.reports, "report", nil, "write the report to `FILE`: .json, .md, .xml (JUnit) or .html; repeatable")
	flags.StringVar(&f.events, "events", "", "write events as JSON lines to `FILE`, or - for stdout")
	flags.StringVar(&f.dir, "run-dir", "", "`DIR` for plan, journal and report (default below $XDG_STATE_HOME/zfleet/runs)")
}

func newApply(a *app) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [PLAN] [-f FILE…]",
		Short: "Make the cloud as the fleet file says",
		Long: `Make the cloud as the fleet file says: plan, ask for consent, carry the plan out,
report every machine. A failed machine does not stop the others.

Machines that the server is still working on, of a run that was cut off for instance,
are waited for before planning, up to --settle-timeout; then they are blocked.

Policies of the fleet file, and of --policy, have to allow the plan; a plan file is
held against those of --policy again.

With a plan file exactly that plan is carried out, or nothing if what it was made
from has changed since; -f then supplies the secrets that the plan refers to. At a
terminal it asks all the same; elsewhere the plan file is the consent.

What the plan touches is read again before anything is sent: its machines, their
disks, and whatever it refers to; after a question that was asked, too. Machines
that are as the plan wants already are done, and of those that somebody began the
rest is done. What changed otherwise is told, and nothing is done (exit code 4);
with --skip-moved everything else is (exit code 6). With -o json what changed is
written as JSON.`,
		Example: `  zfleet apply --simulate -f examples/staging.yaml --auto-approve
  zfleet apply plan.json
  zfleet apply -f fleet.yaml --auto-approve --report report.html --report junit.xml`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("expect-digest") && f.digest == "" {
				// A job whose approval got lost must not go on without one.
				return usageError("--expect-digest is empty: want the digest of the plan that was reviewed")
			}
			if err := f.check(args); err != nil {
				return err
			}
			return a.eachFleet(cmd, f.plan.fleet, func(files []string) error {
				f.plan.fleet.files = files
				return a.runApply(cmd.Context(), f, args)
			})
		},
	}
	f.plan.add(cmd)
	f.plan.fleet.addSeveral(cmd)
	f.plan.fleet.addPolicies(cmd)
	f.run.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.autoApprove, "auto-approve", false, "do not ask for consent")
	flags.StringVar(&f.digest, "expect-digest", "", "refuse a plan whose digest is not this `DIGEST`")
	f.addSkipMoved(cmd)
	flags.StringVarP(&f.format, "output", "o", formatText, "text or json (the report)")
	return cmd
}

func (f *applyFlags) addSkipMoved(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.skipMoved, "skip-moved", false, "do the rest of a plan of which something changed since it was made")
}

func (f *applyFlags) check(args []string) error {
	if err := checkFormat(f.format, formatText, formatJSON); err != nil {
		return err
	}
	if len(args) == 1 && (len(f.plan.targets) > 0 || len(f.plan.excludes) > 0) {
		return usageError("--target and --exclude choose what to plan; a plan file is applied whole")
	}
	if f.run.events == "-" && f.format == formatJSON {
		return usageError("--events - and -o json both write to stdout; give one of them a file")
	}
	return f.run.check()
}

// check refuses before anything is sent what would only be noticed at the end.
func (f *runFlags) check() error {
	for _, file := range f.reports {
		if reportFormat(file) == nil {
			return usageError("--report %s: the extension says the format: .json, .md, .xml or .html", file)
		}
		if f.toBeMade(filepath.Dir(file)) {
			continue
		}
		if err := checkWritable("--report", file); err != nil {
			return err
		}
	}
	if f.settle < 0 {
		return usageError("--settle-timeout %s: want a duration, or 0 not to wait", f.settle)
	}
	if f.parallelism < 0 {
		return usageError("--parallelism %d: want a number from 1", f.parallelism)
	}
	return nil
}

// toBeMade reports whether a directory is the run's own, which the run makes.
func (f *runFlags) toBeMade(dir string) bool {
	if f.dir == "" || filepath.Clean(dir) != filepath.Clean(f.dir) {
		return false
	}
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

func (a *app) runApply(ctx context.Context, f applyFlags, args []string) error {
	var (
		fleet *loaded
		plan  *planner.Plan
		err   error
	)
	f.run.again, f.run.anew = f.again(), f.applyCommand()
	if len(args) == 1 {
		if plan, err = readPlan(args[0]); err != nil {
			return err
		}
	}
	if plan != nil {
		refused, err := a.askAgain(plan, f.plan.fleet.policies)
		if refused != nil || err != nil {
			return cmp.Or(err, refused)
		}
		f.plan.fleet.policies = nil
	}
	if plan == nil || len(f.plan.fleet.files) > 0 {
		if fleet, err = a.load(f.plan.fleet); err != nil {
			return err
		}
	}
	var limits spec.Limits
	if fleet != nil {
		limits = fleet.Limits
	} else {
		limits = plan.Limits
	}
	s, err := a.connect(ctx, f.plan.connection, wire{changes: true, requestsPerSecond: limits.RequestsPerSecond})
	if err != nil {
		return err
	}
	defer s.close()

	fromFile := plan != nil
	if plan == nil {
		plan, err = a.settled(ctx, s, &f.run, func() (*planner.Plan, error) { return a.plan(ctx, s, fleet, f.plan) })
		if err != nil {
			return err
		}
	}
	if f.digest != "" && f.digest != plan.Digest {
		return &exitError{code: exitStale, message: fmt.Sprintf("the plan's digest is %s, not %s", plan.Digest, f.digest), hint: "review the plan again"}
	}
	return a.carryOut(ctx, s, plan, consent{auto: f.autoApprove || fromFile && !term.IsTerminal(a.stdin), recheck: fromFile, skipMoved: f.skipMoved}, fleet.secrets(), f.format, f.run)
}

// askAgain asks policies about a plan that was made without them, before anything
// is read from a cloud. The plan stays the one that was reviewed.
func (a *app) askAgain(plan *planner.Plan, files []string) (refused, err error) {
	policies, err := a.loadPolicies(files)
	if err != nil || len(policies) == 0 {
		return nil, err
	}
	asked := planner.WithPolicies(plan, policies)
	if len(asked.Refusals) > len(plan.Refusals) {
		a.ci.planned(asked)
		return exit(exitRefused), render.PlanText(a.stderr, asked, a.style(a.stderr))
	}
	for _, d := range asked.Notes[len(plan.Notes):] {
		fmt.Fprintf(a.stderr, "%s\n", d)
	}
	a.say("No policy of %s denies the plan.", strings.Join(files, ", "))
	return nil, nil
}

// consent says how the operator's word is had, and whether time has passed
// since the plan was made.
type consent struct {
	auto      bool
	recheck   bool
	skipMoved bool // do the rest of a plan of which something has moved
}

// carryOut shows a plan, gets consent, runs it and reports. It is the one way
// from a plan to a changed cloud.
func (a *app) carryOut(ctx context.Context, s *session, plan *planner.Plan, c consent, secrets map[string]string, format string, f runFlags) error {
	out := a.stdout
	if format == formatJSON || f.events == "-" {
		out = a.stderr
	}
	if err := render.PlanText(out, plan, a.style(out)); err != nil {
		return err
	}
	a.ci.planned(plan)
	if len(plan.Refusals) > 0 {
		return exit(exitRefused)
	}
	if len(plan.Steps) > 0 && !c.auto {
		yes, err := a.confirm(ctx, "Carry out this plan?")
		if err != nil {
			return err
		}
		if !yes {
			a.say("Nothing was done.")
			return nil
		}
		c.recheck = true
	}
	if c.recheck {
		var err error
		if plan, err = a.settle(ctx, s, plan, c.skipMoved, format); err != nil {
			return err
		}
	}
	if err := planner.CheckSecrets(plan, secrets); err != nil {
		code := exitUsage
		if _, changed := errors.AsType[*planner.DigestError](err); changed {
			code = exitStale
		}
		return &exitError{code: code, message: err.Error(), hint: "pass -f with the fleet file, and the variables, that the plan was made from"}
	}
	return a.execute(ctx, s, plan, secrets, format, f)
}

func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	if !term.IsTerminal(a.stdin) {
		return false, &exitError{code: exitUsage, message: "no terminal to ask for consent", hint: "review what would be done, then pass --auto-approve (apply also takes a plan file that was reviewed)"}
	}
	type answer struct {
		yes bool
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		yes, err := term.Confirm(a.stdin, a.stderr, question)
		answers <- answer{yes, err}
	}()
	select {
	case given := <-answers:
		return given.yes, given.err
	case <-ctx.Done():
		fmt.Fprintln(a.stderr) // what is said next does not belong to the question
		return false, context.Cause(ctx)
	}
}

func readPlan(path string) (*planner.Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	plan, err := planner.Decode(data)
	if err != nil {
		code := exitFailure
		if _, changed := errors.AsType[*planner.DigestError](err); changed {
			code = exitStale
		}
		hint := "zfleet plan -f FILE --out FILE writes a plan file; it must not be edited"
		if ext := filepath.Ext(path); ext == ".yaml" || ext == ".yml" {
			hint = "a fleet file is named with -f, as in -f " + quoted(path)
		}
		return nil, &exitError{code: code, message: fmt.Sprintf("%s: %v", path, err), hint: hint}
	}
	return plan, nil
}

func plural(n int, noun string) string { return count(n, noun, noun+"s") }

// count says how many there are of something.
func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}
