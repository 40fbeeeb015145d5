package main

import (
	"context"

	"github.com/spf13/cobra"

	"zfleet/planner"
	"zfleet/spec"
)

func newDestroy(a *app) *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "destroy -f FILE…",
		Short: "Delete every machine that the fleet owns",
		Long: `Delete every machine that the fleet owns, with the data disks that zfleet made for
it. Of the fleet file only the name, the id, limits and policies matter: what those
forbid to delete stays. Safety limits do not apply, protected machines stay.

Unless the server is set to delete at once, it keeps destroyed VMs in its recycle bin
until they are expunged, and they can be recovered there. zfleet expunges nothing.`,
		Example: `  zfleet destroy -f fleet.yaml
  zfleet destroy -f fleet.yaml --target 'web/*' --auto-approve`,
		Args: filesByFlag,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(nil); err != nil {
				return err
			}
			return a.eachFleet(cmd, f.plan.fleet, func(files []string) error {
				f.plan.fleet.files = files
				return a.runDestroy(cmd.Context(), f)
			})
		},
	}
	f.plan.fleet.add(cmd)
	f.plan.fleet.addSeveral(cmd)
	f.plan.fleet.addPolicies(cmd)
	f.plan.connection.add(cmd)
	f.plan.addSelection(cmd)
	f.run.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.autoApprove, "auto-approve", false, "do not ask for consent")
	f.addSkipMoved(cmd)
	flags.StringVarP(&f.format, "output", "o", formatText, "text or json (the report)")
	return cmd
}

func (a *app) runDestroy(ctx context.Context, f applyFlags) error {
	fleet, err := a.loadBy(spec.LoadIdentity, f.plan.fleet)
	if err != nil {
		return err
	}
	s, err := a.connect(ctx, f.plan.connection, wire{changes: true, requestsPerSecond: fleet.Limits.RequestsPerSecond})
	if err != nil {
		return err
	}
	defer s.close()
	scope := planner.Scope{Name: fleet.Name, ID: fleet.ID}
	options := f.plan.options()
	options.Limits, options.Policies = fleet.Limits, fleet.Policies
	plan, err := a.settled(ctx, s, &f.run, func() (*planner.Plan, error) {
		inventory, err := a.takeInventory(ctx, s, scope, planner.RequestsFor(fleet.Fleet))
		if err != nil {
			return nil, err
		}
		return planner.BuildDestroy(inventory.Scope, inventory, options), nil
	})
	if err != nil {
		return err
	}
	f.run.again = f.plan.connection.again().String() // of the file only the scope mattered
	f.run.anew = f.destroyCommand()
	return a.carryOut(ctx, s, plan, consent{auto: f.autoApprove, skipMoved: f.skipMoved}, nil, f.format, f.run)
}
