package main

import (
	"errors"

	"github.com/spf13/cobra"

	"zfleet/spec"
)

// versionFlag is --server-version: against which version of the server to hold
// the parameters of a fleet file. Empty where it is not given.
type versionFlag struct{ version spec.Version }

func (v *versionFlag) add(cmd *cobra.Command) {
	cmd.Flags().Var(v, "server-version", "hold the file against this version of the server, `X.Y.Z`, whatever the server says")
}

// String implements pflag.Value.
func (v *versionFlag) String() string { return v.version.String() }

// Type implements pflag.Value.
func (v *versionFlag) Type() string { return "version" }

// Set implements pflag.Value.
func (v *versionFlag) Set(text string) error {
	version, ok := spec.ParseVersion(text)
	if !ok {
		return errors.New("want numbers with dots between them, such as 4.7.21")
	}
	v.version = version
	return nil
}

// override puts the version that was given in the place of one that was read.
func (v *versionFlag) override(read *string) {
	if v.version != nil {
		*read = v.version.String()
	}
}

// check holds a fleet that no server was asked about against the version.
func (v *versionFlag) check(fleet *loaded) error {
	if v.version == nil {
		return nil
	}
	found := spec.CheckVersion(fleet.Machines, v.version).Sorted()
	if found.HasErrors() {
		return &diagnosticsError{found, fleet.sources}
	}
	fleet.found = append(fleet.found, found...)
	return nil
}
