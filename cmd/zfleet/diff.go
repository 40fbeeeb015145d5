package main

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"zfleet/internal/render"
	"zfleet/planner"
)

func newDiff(a *app) *cobra.Command {
	var (
		variables fleetFlags
		safety    safetyFlags
		losses    []string
		old, new  []string
		output    outputFlags
		detailed  bool
	)
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show what a change of a fleet file would do, without a cloud",
		Long: `Show what a change of a fleet file would do to a fleet that is as OLD asks for,
without a cloud and without credentials. OLD and NEW are files, directories of
*.yaml, or - for stdin. Files that are laid over them are named with --old and
--new.

Everything that the files refer to is taken to exist. The same text means the
same thing in both, another text another thing: a name and the UUID that it
stands for differ here. What drifted in the cloud is not known; plan shows that.

What a policy denies, or a safety limit of NEW refuses for the machines of OLD, is
shown and refused as by plan, with exit code 5.`,
		Example: `  zfleet diff before.yaml after.yaml
  git show main:fleet.yaml | zfleet diff - fleet.yaml
  zfleet diff base.yaml base.yaml --old staging.yaml --new production.yaml
  zfleet diff main/ branch/ -o markdown > comment.md`,
		Args: args(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := output.check(formatText, formatMarkdown, formatJSON, formatHTML); err != nil {
				return err
			}
			from, to := variables, variables
			from.policies = nil
			from.files = append([]string{args[0]}, old...)
			to.files = append([]string{args[1]}, new...)
			if slices.Contains(from.files, "-") && slices.Contains(to.files, "-") {
				return usageError("OLD and NEW cannot both be stdin")
			}
			opts := safety.options()
			opts.AllowVolumeLoss = losses
			return a.runDiff(from, to, opts, output, detailed)
		},
	}
	variables.addVariables(cmd)
	variables.addPolicies(cmd)
	variables.serverVersion.add(cmd)
	safety.add(cmd)
	addVolumeLoss(cmd, &losses)
	flags := cmd.Flags()
	flags.StringArrayVar(&old, "old", nil, "lay `FILE` over OLD; repeatable")
	flags.StringArrayVar(&new, "new", nil, "lay `FILE` over NEW; repeatable")
	output.add(cmd, "text, markdown, json or html")
	a.ci.addQuality(cmd)
	a.ci.addTerraform(cmd)
	flags.BoolVar(&detailed, "detailed-exitcode", false, "exit 2 when anything would change")
	return cmd
}

func (a *app) runDiff(from, to fleetFlags, opts planner.Options, output outputFlags, detailed bool) error {
	// The old file is what it is: its warnings are of no use any more.
	old, err := a.read(from)
	if err != nil {
		return err
	}
	fleet, err := a.load(to)
	if err != nil {
		return err
	}
	diff, found := planner.Diff(old.Fleet, fleet.Fleet, opts)
	if found.HasErrors() {
		sources := maps.Clone(old.sources)
		maps.Copy(sources, fleet.sources)
		return &diagnosticsError{found, sources}
	}
	if err := a.showDiff(diff, output); err != nil {
		return err
	}
	a.ci.planned(diff)
	a.summarizePlan(diff, render.DiffMarkdown, "")
	return verdict(diff, detailed)
}

func (a *app) showDiff(diff *planner.Plan, output outputFlags) error {
	switch output.format {
	case formatJSON:
		return render.DiffJSON(a.stdout, diff)
	case formatMarkdown:
		return render.DiffMarkdown(a.stdout, diff, output.markdown(""))
	case formatHTML:
		return render.DiffHTML(a.stdout, diff)
	}
	return render.PlanText(a.stdout, diff, a.style(a.stdout))
}
