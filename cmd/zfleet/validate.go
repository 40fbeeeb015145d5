package main

import (
	"github.com/spf13/cobra"
)

func newValidate(a *app) *cobra.Command {
	var f fleetFlags
	cmd := &cobra.Command{
		Use:   "validate -f FILE… [--policy FILE]",
		Short: "Check a fleet file without a network",
		Long: `Check a fleet file without a network: syntax, schema, variables and everything
about its meaning that needs no cloud. Every problem is shown at once.

With --server-version also what that version of the server does not have; with
--policy a file of policies too, or alone.`,
		Example: `  zfleet validate -f examples/staging.yaml
  zfleet validate -f base.yaml -f overlays/production.yaml
  zfleet validate --policy examples/policies.yaml`,
		Args: filesByFlag,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(f.files) == 0 && len(f.fleets) == 0 && len(f.policies) > 0 {
				policies, err := a.loadPolicies(f.policies)
				if err != nil {
					return err
				}
				a.say("%s: valid: %s.", f.policies[len(f.policies)-1], count(len(policies), "policy", "policies"))
				return nil
			}
			return a.eachFleet(cmd, f, func(files []string) error {
				f.files = files
				fleet, err := a.load(f)
				if err != nil {
					return err
				}
				what := plural(len(fleet.Machines), "machine")
				if n := len(fleet.Policies); n > 0 {
					what += ", " + count(n, "policy", "policies")
				}
				a.say("%s: fleet %s is valid: %s.", files[len(files)-1], fleet.Name, what)
				return nil
			})
		},
	}
	f.add(cmd)
	f.addSeveral(cmd)
	f.addPolicies(cmd)
	a.ci.addQuality(cmd)
	f.serverVersion.add(cmd)
	return cmd
}
