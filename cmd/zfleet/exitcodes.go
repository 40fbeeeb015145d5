package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes, a contract that scripts rely on.
const (
	exitOK            = 0
	exitFailure       = 1
	exitPending       = 2
	exitSpec          = 3
	exitStale         = 4
	exitRefused       = 5
	exitPartial       = 6
	exitIndeterminate = 7
	exitUsage         = 64
	exitInterrupted   = 130
	exitTerminated    = 143
)

// exitMeaning is an exit code and what it means, for people.
type exitMeaning struct {
	code    int
	meaning string
}

func exitMeanings() []exitMeaning {
	return []exitMeaning{
		{exitOK, "done, or nothing to do, or declined at the prompt"},
		{exitFailure, "error"},
		{exitPending, "changes pending or blocked (--detailed-exitcode only)"},
		{exitSpec, "the fleet file must be fixed"},
		{exitStale, "the plan file is stale or was changed"},
		{exitRefused, "refused by a limit, a guard or a policy, or because it cannot fit"},
		{exitPartial, "some steps were not done"},
		{exitIndeterminate, "the outcome of a step is unknown"},
		{exitUsage, "usage, or no way to get consent"},
		{exitInterrupted, fmt.Sprintf("interrupted (%d: terminated)", exitTerminated)},
	}
}

// exitCodesOf is the part of a command's help about the codes that it can end
// with, but for the three of every command if it has no others.
func exitCodesOf(command string) string {
	every := []int{exitOK, exitFailure, exitUsage}
	runs := append(every, exitSpec, exitStale, exitRefused, exitPartial, exitIndeterminate, exitInterrupted)
	codes, ok := map[string][]int{
		"validate":  append(every, exitSpec),
		"plan":      append(every, exitPending, exitSpec, exitRefused, exitInterrupted),
		"diff":      append(every, exitPending, exitSpec, exitRefused),
		"apply":     runs,
		"destroy":   runs,
		"resume":    runs,
		"show":      append(every, exitStale),
		"inventory": append(every, exitSpec, exitInterrupted),
		"simulator": append(every, exitSpec),
	}[command]
	if !ok {
		return "Exit codes: 0 done, 1 error, 64 usage."
	}
	table := exitCodeTable(codes)
	if slices.Contains(codes, exitIndeterminate) {
		table += "\n\n\"zfleet help exit-codes\" says which outranks which."
	}
	return table
}

func exitCodeTable(codes []int) string {
	lines := []string{"Exit codes:"}
	for _, m := range exitMeanings() {
		if slices.Contains(codes, m.code) {
			lines = append(lines, fmt.Sprintf("  %-3d  %s", m.code, m.meaning))
		}
	}
	return strings.Join(lines, "\n")
}

// exitCodesTopic is a page of the help, not a command.
func exitCodesTopic() *cobra.Command {
	var all []int
	for _, m := range exitMeanings() {
		all = append(all, m.code)
	}
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: exitCodeTable(all) + `

Of a run in which several are true, 7 outranks 130 and 143, and those outrank 6. An
interrupt that left nothing undone ends with 0, and so does a machine that was not
touched because it is protected. With several --fleet the worst of all is the code.`,
	}
}
