package main

import (
	"bytes"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"zfleet/internal/render"
	"zfleet/planner"
)

func newInventory(a *app) *cobra.Command {
	var (
		f      planFlags
		out    string
		format string
	)
	cmd := &cobra.Command{
		Use:   "inventory -f FILE…",
		Short: "Show or save what exists of a fleet",
		Long: `Show what exists of a fleet, or save it so that a plan can be made later without a
network: zfleet plan -f FILE --inventory FILE. Secrets are never in it.`,
		Example: `  zfleet inventory --simulate -f examples/staging.yaml
  zfleet inventory -f fleet.yaml --out inventory.json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format, "table", "json", "yaml"); err != nil {
				return err
			}
			return a.runInventory(cmd.Context(), f, out, format)
		},
	}
	f.fleet.add(cmd)
	f.connection.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the inventory to `FILE` as JSON")
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table, json or yaml")
	return cmd
}

func (a *app) runInventory(ctx context.Context, f planFlags, out, format string) error {
	fleet, err := a.load(f.fleet)
	if err != nil {
		return err
	}
	s, err := a.connect(ctx, f.connection, wire{requestsPerSecond: fleet.Limits.RequestsPerSecond})
	if err != nil {
		return err
	}
	defer s.close()
	inventory, err := a.takeInventory(ctx, s, planner.Scope{Name: fleet.Name, ID: fleet.ID}, planner.RequestsFor(fleet.Fleet))
	if err != nil {
		return err
	}
	hideSecretTags(inventory, fleet.secrets())
	if out != "" {
		var file bytes.Buffer
		if err := render.InventoryJSON(&file, inventory); err != nil {
			return err
		}
		if err := writeFile(out, file.Bytes()); err != nil {
			return err
		}
		a.say("Inventory written to %s.", out)
		return nil
	}
	switch format {
	case "json":
		return render.InventoryJSON(a.stdout, inventory)
	case "yaml":
		return render.InventoryYAML(a.stdout, inventory)
	}
	return render.InventoryTable(a.stdout, inventory, a.style(a.stdout))
}

// hideSecretTags masks the system tags that hold secrets of the fleet, which the
// server tells to whoever asks. Those of fixed names are masked before.
func hideSecretTags(inventory *planner.Inventory, secrets map[string]string) {
	hidden := make(map[string]bool)
	for _, secret := range secrets {
		hidden[secret] = true
	}
	for i := range inventory.Machines {
		tags := inventory.Machines[i].SystemTags
		for j := range tags {
			if name, _, _ := strings.Cut(tags[j].Text, "::"); hidden[tags[j].Text] {
				tags[j].Text = name + "::*****"
			}
		}
	}
}
