package main

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"zfleet/schemas"
)

func newSchema(a *app) *cobra.Command {
	documents := map[string][]byte{
		"fleet":     schemas.Fleet,
		"policies":  schemas.Policies,
		"plan":      schemas.Plan,
		"inventory": schemas.Inventory,
		"report":    schemas.Report,
		"event":     schemas.Event,
	}
	names := slices.Sorted(maps.Keys(documents))
	return &cobra.Command{
		Use:   "schema fleet|policies|plan|inventory|report|event",
		Short: "Print the JSON Schema of a file format",
		Long: `Print the JSON Schema of a file format. An editor with a YAML language server uses
the fleet schema when the first line of a fleet file names it:

  # yaml-language-server: $schema=fleet.v1.json`,
		Example:   `  zfleet schema fleet > fleet.v1.json`,
		ValidArgs: names,
		Args:      args(cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)),
		RunE: func(_ *cobra.Command, args []string) error {
			_, err := a.stdout.Write(documents[args[0]])
			return err
		},
	}
}
