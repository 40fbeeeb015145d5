package main

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"zfleet/internal/cloud"
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
		Use:   "inventory [-f FILE…]",
		Short: "Show or save what exists of fleets",
		Long: `Show what exists of a fleet, or save it so that a plan can be made later without a
network: zfleet plan -f FILE --inventory FILE gives the same plan. The file says
what was looked for; a plan that needs more is an error that names what is missing.

--fleet, repeatable, takes one inventory of several fleets. Without -f and --fleet
it is taken of all fleets that have machines, with everything that a fleet file
could refer to, so that any can be planned from it. Secrets are never in it.`,
		Example: `  zfleet inventory --simulate -f examples/staging.yaml
  zfleet inventory -f fleet.yaml --out inventory.json
  zfleet inventory --out everything.json`,
		Args: filesByFlag,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(format, "table", "json", "yaml"); err != nil {
				return err
			}
			if len(f.fleet.fleets) > 0 && len(f.fleet.files) > 0 {
				return errFilesAndFleets()
			}
			if out != "" {
				if err := checkWritable("--out", out); err != nil {
					return err
				}
			}
			return a.runInventory(cmd.Context(), f, out, format)
		},
	}
	f.fleet.add(cmd)
	f.fleet.addSeveral(cmd)
	f.connection.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the inventory to `FILE` as JSON")
	cmd.Flags().StringVarP(&format, "output", "o", "table", "table, json or yaml")
	return cmd
}

func (a *app) runInventory(ctx context.Context, f planFlags, out, format string) error {
	fleets, err := a.loadEach(f.fleet)
	if err != nil {
		return err
	}
	var (
		asked   []cloud.Fleet
		pace    float64
		secrets = make(map[string]bool)
	)
	for _, fleet := range fleets {
		asked = append(asked, cloud.Fleet{Scope: planner.Scope{Name: fleet.Name, ID: fleet.ID}, Wants: planner.RequestsFor(fleet.Fleet)})
		if rate := fleet.Limits.RequestsPerSecond; pace == 0 || rate > 0 && rate < pace {
			pace = rate
		}
		for _, value := range fleet.secrets() {
			secrets[value] = true
		}
	}
	s, err := a.connect(ctx, f.connection, wire{requestsPerSecond: cmp.Or(pace, paceOfAll)})
	if err != nil {
		return err
	}
	defer s.close()
	inventory, err := cloud.Survey(ctx, s.client, asked, a.reading)
	if err != nil {
		return inventoryError(s, err)
	}
	inventory.Endpoint = s.endpoint
	if out != "" || format != "table" {
		if inventory.Headroom, err = cloud.Headroom(ctx, s.client, inventory.Account, headroomOf(inventory, fleets), a.reading); err != nil {
			return inventoryError(s, err)
		}
	}
	hideSecretTags(inventory, secrets)
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
	if err := cloud.NamePlaces(ctx, s.client, inventory, a.reading); err != nil {
		return inventoryError(s, err)
	}
	return render.InventoryTable(a.stdout, inventory, a.style(a.stdout))
}

// headroomOf says what of the headroom later plans of these fleets may depend
// on; without fleets, of any.
func headroomOf(inventory *planner.InventoryFile, fleets []*loaded) planner.HeadroomWants {
	if len(fleets) == 0 {
		return inventory.AllWants()
	}
	var wants []planner.HeadroomWants
	for _, fleet := range fleets {
		scope := planner.Scope{Name: fleet.Name, ID: cmp.Or(fleet.ID, inventory.Account)}
		if decision, found := planner.Decide(fleet.Fleet, inventory.Part(scope), planner.Options{}); !found.HasErrors() {
			wants = append(wants, decision.AllWants())
		}
	}
	return planner.JoinWants(wants...)
}

// paceOfAll are the requests per second where no fleet file says how many.
const paceOfAll = 20

// loadEach reads the fleet of -f, or each of --fleet, or none.
func (a *app) loadEach(f fleetFlags) ([]*loaded, error) {
	lists := [][]string{f.files}
	if len(f.fleets) > 0 {
		lists = nil
		for _, name := range f.fleets {
			lists = append(lists, []string{name})
		}
	}
	var fleets []*loaded
	for _, files := range lists {
		if len(files) == 0 {
			continue
		}
		f.files = files
		fleet, err := a.load(f)
		if err != nil {
			return nil, err
		}
		fleets = append(fleets, fleet)
	}
	return fleets, nil
}

// hideSecretTags masks the system tags that hold secrets of the fleets, which the
// server tells to whoever asks.
func hideSecretTags(inventory *planner.InventoryFile, secrets map[string]bool) {
	for i := range inventory.Machines {
		tags := inventory.Machines[i].SystemTags
		for j := range tags {
			if name, _, _ := strings.Cut(tags[j].Text, "::"); secrets[tags[j].Text] {
				tags[j].Text = name + "::*****"
			}
		}
	}
}
