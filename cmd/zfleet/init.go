package main

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// initTemplate is a fleet file to start from; NAME and FLEETID are filled in.
//
//go:embed init.yaml
var initTemplate string

var fleetName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func newInit(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "init [NAME]",
		Short: "Write a commented fleet file to start from",
		Long: `Write a commented fleet file to start from, with a fresh id. The name and the id
together are the fleet's identity: every machine's UUID is computed from them.`,
		Example: `  zfleet init staging            # writes staging.yaml
  zfleet init staging --out -    # to stdout`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			name := "fleet"
			if len(args) > 0 {
				name = args[0]
			}
			return a.runInit(name, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to `FILE`, or - for stdout (default NAME.yaml)")
	return cmd
}

func (a *app) runInit(name, out string) error {
	if !fleetName.MatchString(name) || len(name) > 40 {
		return usageError("%q cannot be a fleet's name: want lower-case letters, digits and inner hyphens, at most 40", name)
	}
	text := strings.NewReplacer("NAME", name, "FLEETID", freshID()).Replace(initTemplate)
	if out == "-" {
		_, err := fmt.Fprint(a.stdout, text)
		return err
	}
	if out == "" {
		out = name + ".yaml"
	}
	f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return &exitError{code: exitFailure, message: out + " exists already", hint: "choose another with --out FILE"}
	}
	if err != nil {
		return fmt.Errorf("write the fleet file: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the fleet file: %w", err)
	}
	a.say("Wrote %s. Try it without a cloud: zfleet plan --simulate -f %s", out, out)
	return nil
}

// freshID draws a fleet id: a letter and seven letters or digits.
func freshID() string {
	const letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails: crypto/rand documents it
	id := make([]byte, len(random))
	for i, b := range random {
		alphabet := letters + digits
		if i == 0 {
			alphabet = letters
		}
		id[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(id)
}
