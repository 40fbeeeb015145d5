package main

import (
	"github.com/spf13/cobra"
)

func newValidate(a *app) *cobra.Command {
	var f fleetFlags
	cmd := &cobra.Command{
		Use:   "validate -f FILE…",
		Short: "Check a fleet file without a network",
		Long: `Check a fleet file without a network: syntax, schema, variables and everything
about its meaning that needs no cloud. Every problem is shown at once.

With --server-version also what that version of the server does not have.`,
		Example: `  zfleet validate -f examples/staging.yaml
  zfleet validate -f base.yaml -f overlays/production.yaml`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachFleet(cmd, f, func(files []string) error {
				f.files = files
				fleet, err := a.load(f)
				if err != nil {
					return err
				}
				a.say("%s: fleet %s is valid: %s.", files[len(files)-1], fleet.Name, plural(len(fleet.Machines), "machine"))
				return nil
			})
		},
	}
	f.add(cmd)
	f.addSeveral(cmd)
	a.ci.addQuality(cmd)
	f.serverVersion.add(cmd)
	return cmd
}
