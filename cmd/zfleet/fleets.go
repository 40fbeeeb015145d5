package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// addSeveral adds the flag by which one run treats several fleets.
func (f *fleetFlags) addSeveral(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.fleets, "fleet", nil, "fleet `FILE|DIR` of its own; repeat to treat several fleets, one after the other")
}

// eachFleet runs a command for the files of -f, or once for each --fleet. Every
// fleet gets its turn, whatever became of those before it, unless the operator
// interrupts; the exit code is that of the worst.
func (a *app) eachFleet(cmd *cobra.Command, f fleetFlags, run func(files []string) error) error {
	switch {
	case len(f.fleets) == 0:
		return run(f.files)
	case len(f.files) > 0:
		return errFilesAndFleets()
	case len(f.fleets) == 1:
		return run(f.fleets)
	}
	for _, flag := range []string{"out", "inventory", "report", "events", "run-dir", "expect-digest"} {
		if cmd.Flags().Changed(flag) {
			return usageError("--%s goes with one fleet; run zfleet once for each --fleet", flag)
		}
	}
	if format := cmd.Flags().Lookup("output"); format != nil && format.Value.String() != formatText {
		return usageError("-o %s goes with one fleet; run zfleet once for each --fleet", format.Value)
	}
	worst := exitOK
	var troubled []string
	for i, fleet := range f.fleets {
		a.say("%sFleet %d of %d: %s", map[bool]string{true: "\n"}[i > 0], i+1, len(f.fleets), fleet)
		code := a.exitCode(run([]string{fleet}))
		worst = worseExit(worst, code)
		if code != exitOK {
			troubled = append(troubled, fmt.Sprintf("%s (exit code %d)", fleet, code))
		}
		if code == exitInterrupted || code == exitTerminated {
			for _, left := range f.fleets[i+1:] {
				troubled = append(troubled, left+" (not begun)")
			}
			break
		}
	}
	if len(troubled) > 0 {
		a.say("\n%d of %d fleets did not end with 0: %s.", len(troubled), len(f.fleets), strings.Join(troubled, ", "))
	}
	return exit(worst)
}

func errFilesAndFleets() error {
	return usageError("-f and --fleet exclude each other: -f lays files over each other, --fleet names fleets of their own")
}

// worseExit returns the exit code that outranks the other.
func worseExit(a, b int) int {
	rank := []int{exitOK, exitPending, exitSpec, exitStale, exitRefused, exitFailure, exitUsage, exitPartial, exitTerminated, exitInterrupted, exitIndeterminate}
	if slices.Index(rank, b) > slices.Index(rank, a) {
		return b
	}
	return a
}
