package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"zfleet/internal/cloud"
	"zfleet/internal/render"
	"zfleet/planner"
)

// planFlags steer what a plan looks at and what it may do.
type planFlags struct {
	fleet      fleetFlags
	connection connectionFlags

	targets, excludes []string
	safety            safetyFlags
	allowShortage     bool
	allowVolumeLoss   []string
	nextGeneration    []string
	serverVersion     versionFlag
}

// safetyFlags allow what the safety limits of a fleet file refuse.
type safetyFlags struct {
	deletes, replacements int
	disjoint              bool
}

func (f *safetyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.deletes, "allow-deletes", -1, "allow `N` deletions, whatever safety.maxDeletes says")
	flags.IntVar(&f.replacements, "allow-replacements", -1, "allow `N` replacements, whatever safety.maxReplacements says")
	for _, name := range []string{"allow-deletes", "allow-replacements"} {
		flags.Lookup(name).DefValue = "0" // --help says nothing of a zero, and of -1 it would
	}
	flags.BoolVar(&f.disjoint, "allow-disjoint", false, "go on although no machine that the fleet owns is in the file")
}

func (f *safetyFlags) options() planner.Options {
	return planner.Options{AllowDeletes: f.deletes, AllowReplacements: f.replacements, AllowDisjoint: f.disjoint}
}

func (f *planFlags) add(cmd *cobra.Command) {
	f.fleet.add(cmd)
	f.connection.add(cmd)
	flags := cmd.Flags()
	f.addSelection(cmd)
	f.safety.add(cmd)
	flags.BoolVar(&f.allowShortage, "allow-shortage", false, "go on although quota, addresses, storage or hosts would not suffice")
	flags.StringArrayVar(&f.nextGeneration, "next-generation", nil, "give up the UUID of machine `KEY` and use the next one; repeatable")
	f.serverVersion.add(cmd)
}

func (f *planFlags) addSelection(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.targets, "target", nil, "only these machines: a `KEY`, a group, or a glob such as 'web/*'; repeatable")
	flags.StringArrayVar(&f.excludes, "exclude", nil, "not these machines, as in --target: a `KEY`, a group or a glob; repeatable")
	addVolumeLoss(cmd, &f.allowVolumeLoss)
}

func addVolumeLoss(cmd *cobra.Command, keys *[]string) {
	cmd.Flags().StringArrayVar(keys, "allow-volume-loss", nil, "allow machine `KEY` to be deleted together with the volume it was made from; repeatable")
}

func (f *planFlags) options() planner.Options {
	opts := f.safety.options()
	opts.Targets, opts.Excludes = f.targets, f.excludes
	opts.AllowShortage, opts.AllowVolumeLoss = f.allowShortage, f.allowVolumeLoss
	opts.NextGeneration = f.nextGeneration
	return opts
}

// output formats of a document on stdout.
const (
	formatText     = "text"
	formatJSON     = "json"
	formatMarkdown = "markdown"
	formatHTML     = "html"
)

// outputFlags say how a document is to be written to stdout.
type outputFlags struct {
	format        string
	markdownLimit int
}

func (f *outputFlags) add(cmd *cobra.Command, formats string) {
	flags := cmd.Flags()
	flags.StringVarP(&f.format, "output", "o", formatText, formats)
	flags.IntVar(&f.markdownLimit, "markdown-limit", render.DefaultMarkdownLimit, "shorten a plan as markdown to this many `BYTES`; 0 does not")
}

// check refuses formats other than those allowed, and limits that are too low.
func (f *outputFlags) check(allowed ...string) error {
	if f.markdownLimit != 0 && f.markdownLimit < render.MinMarkdownLimit {
		return usageError("--markdown-limit %d: want 0, or at least %d", f.markdownLimit, render.MinMarkdownLimit)
	}
	return checkFormat(f.format, allowed...)
}

// markdown returns how to write a plan as Markdown; full is the command that
// shows all of it.
func (f *outputFlags) markdown(full string) render.MarkdownOptions {
	return render.MarkdownOptions{Limit: f.markdownLimit, Full: full}
}

func newPlan(a *app) *cobra.Command {
	var (
		f         planFlags
		out       string
		inventory string
		output    outputFlags
		detailed  bool
	)
	cmd := &cobra.Command{
		Use:   "plan -f FILE…",
		Short: "Show what apply would do",
		Long: `Show what apply would do, without doing any of it: plan sends nothing that could change the cloud.

It says too whether what would be created fits: quotas, addresses, storage, CPUs,
memory and hosts, as far as the account may read them. What cannot fit is refused.

With --out the plan is kept in a file that apply carries out as it was reviewed.

Policies of the fleet file, and of --policy, are asked about the plan. What one
denies refuses it, with exit code 5.

With -o markdown it is written for a comment on a change: what stands in the way,
deletes and replacements first, the rest folded, within --markdown-limit. The
first line is hidden and the same for every plan of the fleet, so that a bot can
find the comment that it has to replace.`,
		Example: `  zfleet plan --simulate -f examples/staging.yaml
  zfleet plan -f fleet.yaml --out plan.json
  zfleet plan -f fleet.yaml --out plan.json -o markdown > comment.md
  zfleet plan -f fleet.yaml --inventory inventory.json    # no network`,
		Args: filesByFlag,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := output.check(formatText, formatMarkdown, formatJSON, formatHTML); err != nil {
				return err
			}
			return a.eachFleet(cmd, f.fleet, func(files []string) error {
				f.fleet.files = files
				return a.runPlan(cmd.Context(), f, inventory, out, output, detailed)
			})
		},
	}
	f.add(cmd)
	f.fleet.addSeveral(cmd)
	f.fleet.addPolicies(cmd)
	flags := cmd.Flags()
	flags.StringVar(&out, "out", "", "write the plan to `FILE`, which only its owner may read")
	flags.StringVar(&inventory, "inventory", "", "plan from an inventory `FILE` instead of a cloud")
	output.add(cmd, "text, markdown, json or html")
	a.ci.addQuality(cmd)
	a.ci.addTerraform(cmd)
	flags.BoolVar(&detailed, "detailed-exitcode", false, "exit 2 when changes are pending or blocked")
	return cmd
}

func checkFormat(format string, allowed ...string) error {
	for _, known := range allowed {
		if format == known {
			return nil
		}
	}
	return usageError("-o %q: want one of %s", format, strings.Join(allowed, ", "))
}

func (a *app) runPlan(ctx context.Context, f planFlags, inventory, out string, output outputFlags, detailed bool) error {
	if out != "" {
		if err := checkWritable("--out", out); err != nil {
			return err
		}
	}
	fleet, err := a.load(f.fleet)
	if err != nil {
		return err
	}
	var plan *planner.Plan
	if inventory != "" {
		plan, err = a.planOffline(fleet, inventory, f)
	} else {
		plan, err = a.planOnline(ctx, fleet, f)
	}
	if err != nil {
		return err
	}
	if out != "" {
		if err := writePlan(out, plan); err != nil {
			return err
		}
	}
	full := f.planCommand(inventory)
	if out != "" {
		full = "zfleet show " + quoted(out)
	}
	if err := a.showPlan(plan, output, full); err != nil {
		return err
	}
	a.ci.planned(plan)
	a.summarizePlan(plan, render.PlanMarkdown, full)
	if out != "" {
		a.say("%s", f.howToApply(plan, out))
	}
	return verdict(plan, detailed)
}

// verdict is the exit code of a plan that was shown.
func verdict(plan *planner.Plan, detailed bool) error {
	switch {
	case len(plan.Refusals) > 0:
		return exit(exitRefused)
	case detailed && pending(plan):
		return exit(exitPending)
	}
	return nil
}

// howToApply says what becomes of a plan file.
func (f *planFlags) howToApply(plan *planner.Plan, out string) string {
	if len(plan.Refusals) > 0 {
		return fmt.Sprintf("Plan written to %s; apply refuses it as it stands. Its digest is %s.", out, plan.Digest)
	}
	command := words{"zfleet apply", quoted(out)}
	if planner.CheckSecrets(plan, nil) != nil {
		command = append(command, f.fleet.again()...) // for the secrets that the plan refers to
	}
	command = append(command, f.connection.again()...)
	return fmt.Sprintf("Plan written to %s; %s carries it out. Its digest is %s.", out, command, plan.Digest)
}

// planOnline plans against the cloud with a client that cannot change it.
func (a *app) planOnline(ctx context.Context, fleet *loaded, f planFlags) (*planner.Plan, error) {
	s, err := a.connect(ctx, f.connection, wire{requestsPerSecond: fleet.Limits.RequestsPerSecond})
	if err != nil {
		return nil, err
	}
	defer s.close()
	return a.plan(ctx, s, fleet, f)
}

func (a *app) planOffline(fleet *loaded, file string, f planFlags) (*planner.Plan, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	inventory, err := planner.DecodeInventory(data)
	if err != nil {
		return nil, &exitError{code: exitSpec, message: fmt.Sprintf("%s: %v", file, err), hint: f.inventoryCommand(file) + " writes one"}
	}
	ofFleet, found := inventory.Of(fleet.Fleet, file)
	if found.HasErrors() {
		return nil, f.takeAgain(&diagnosticsError{found, fleet.sources}, file)
	}
	decision, err := decide(fleet, ofFleet, f)
	if err != nil {
		return nil, f.takeAgain(err, file)
	}
	room := ofFleet.Headroom
	if room == nil {
		room = planner.UnknownHeadroom(file + " was taken without it")
	}
	plan, err := finish(fleet, decision, room)
	return plan, f.takeAgain(err, file)
}

// plan takes an inventory, decides, reads what is left for what is to be
// created, and makes the plan.
func (a *app) plan(ctx context.Context, s *session, fleet *loaded, f planFlags) (*planner.Plan, error) {
	inventory, err := a.takeInventory(ctx, s, planner.Scope{Name: fleet.Name, ID: fleet.ID}, planner.RequestsFor(fleet.Fleet))
	if err != nil {
		return nil, err
	}
	decision, err := decide(fleet, inventory, f)
	if err != nil {
		return nil, err
	}
	room, err := cloud.Headroom(ctx, s.client, inventory.Account, decision.Wants(), a.reading)
	if err != nil {
		return nil, inventoryError(s, err)
	}
	return finish(fleet, decision, room)
}

func (a *app) takeInventory(ctx context.Context, s *session, scope planner.Scope, wants planner.Wants) (*planner.Inventory, error) {
	inventory, err := cloud.Inventory(ctx, s.client, scope, wants, a.reading)
	if err != nil {
		return nil, inventoryError(s, err)
	}
	inventory.Endpoint = s.endpoint
	return inventory, nil
}

// reading tells what of an inventory is read next.
func (a *app) reading(what string) { a.logger().Debug("inventory", "reading", what) }

func inventoryError(s *session, err error) error {
	return fmt.Errorf("read the inventory of %s: %w", s.endpoint, err)
}

func decide(fleet *loaded, inventory *planner.Inventory, f planFlags) (*planner.Decision, error) {
	f.serverVersion.override(&inventory.Version)
	decision, found := planner.Decide(fleet.Fleet, inventory, f.options())
	if found.HasErrors() {
		return nil, &diagnosticsError{found, fleet.sources}
	}
	return decision, nil
}

func finish(fleet *loaded, decision *planner.Decision, room *planner.Headroom) (*planner.Plan, error) {
	plan, found := decision.Plan(room)
	if found.HasErrors() {
		return nil, &diagnosticsError{found, fleet.sources}
	}
	return plan, nil
}

func (a *app) showPlan(plan *planner.Plan, output outputFlags, full string) error {
	switch output.format {
	case formatJSON:
		return render.PlanJSON(a.stdout, plan)
	case formatMarkdown:
		return render.PlanMarkdown(a.stdout, plan, output.markdown(full))
	case formatHTML:
		return render.PlanHTML(a.stdout, plan)
	}
	return render.PlanText(a.stdout, plan, a.style(a.stdout))
}

// pending reports whether a plan has anything left to do, or cannot do it. A
// machine that is blocked because it is protected is as it should be.
func pending(plan *planner.Plan) bool {
	for _, change := range plan.Changes {
		if change.Action != planner.Keep && !change.Protected {
			return true
		}
	}
	return false
}

func writePlan(path string, plan *planner.Plan) error {
	data, err := plan.Encode()
	if err != nil {
		return fmt.Errorf("encode the plan: %w", err)
	}
	return writeFile(path, data)
}
