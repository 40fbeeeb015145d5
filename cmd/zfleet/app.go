package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"zfleet/internal/render"
	"zfleet/internal/term"
	"zfleet/spec"
)

// app holds what the process gives to the commands. Only this package chooses
// streams, colours, credentials and exit codes.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	environ        func() []string
	signals        <-chan os.Signal
	early          *early // reads the signals until a run does

	noColor bool
	quiet   bool
	verbose bool
	ci      ci
}

// exitError is an error that decides the exit code. An empty message means that
// all has been said already.
type exitError struct {
	code    int
	message string
	hint    string
}

func (e *exitError) Error() string { return e.message }

// exit ends a command whose output says everything, with a code.
func exit(code int) error {
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

func usageError(format string, args ...any) *exitError {
	return &exitError{code: exitUsage, message: fmt.Sprintf(format, args...)}
}

// diagnosticsError carries findings about a fleet file to the one place that
// prints them.
type diagnosticsError struct {
	found   spec.Diagnostics
	sources map[string][]byte
}

func (e *diagnosticsError) Error() string {
	return fmt.Sprintf("%d problems in the fleet file", len(e.found))
}

// main runs the command line and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.command()
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	ctx, stop := a.untilSignal(ctx)
	defer stop()
	err := root.ExecuteContext(ctx)
	if code := a.early.code(); code != exitOK && err != nil {
		fmt.Fprintln(a.stderr, "zfleet: interrupted; nothing was changed")
		return code
	}
	return a.endCI(a.exitCode(err))
}

// exitCode prints an error where one has not been printed yet, and turns it
// into the exit code.
func (a *app) exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if found, ok := errors.AsType[*diagnosticsError](err); ok {
		_ = render.Diagnostics(a.stderr, found.found, found.sources, a.style(a.stderr))
		a.ci.foundIn(found.found)
		return exitSpec
	}
	code, hint := codeAndHint(err)
	if text := err.Error(); text != "" {
		fmt.Fprintf(a.stderr, "zfleet: %s\n", text)
	}
	if hint != "" {
		fmt.Fprintf(a.stderr, "  hint: %s\n", hint)
	}
	a.ci.failed(err.Error(), hint)
	return code
}

func codeAndHint(err error) (code int, hint string) {
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code, e.hint
	}
	return exitFailure, ""
}

// command builds the command tree. Nothing of it is shared between calls.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "zfleet",
		Short: "Keep a fleet of ZStack Cloud virtual machines as a YAML file says",
		Long: `zfleet compares a fleet file with what exists in a ZStack Cloud, shows a plan,
and carries it out: many machines at once, from an image, a volume or a volume
snapshot, with a report of every machine.

Start with "zfleet init", then "zfleet plan --simulate -f FILE": no cloud needed.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
		Args:          cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
		RunE:                       withoutCommand,
		PersistentPreRunE:          func(cmd *cobra.Command, _ []string) error { return a.beginCI(cmd) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		// Flags of a command that is misspelt are unknown, but not the mistake.
		if words := cmd.Flags().Args(); cmd == root && len(words) > 0 {
			return withoutCommand(root, words)
		}
		return &exitError{code: exitUsage, message: err.Error(), hint: fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())}
	})
	flags := root.PersistentFlags()
	flags.BoolVar(&a.noColor, "no-color", false, "no colours (NO_COLOR does the same)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log every API request to stderr (never secrets)")
	a.ci.addMode(root)
	root.AddCommand(
		newInit(a), newValidate(a), newPlan(a), newDiff(a), newApply(a), newShow(a), newDestroy(a), newResume(a), newRuns(a),
		newInventory(a), newSimulator(a), newSchema(a), newVersion(a),
	)
	for _, cmd := range root.Commands() {
		cmd.Long = strings.TrimSpace(cmd.Long) + "\n\n" + exitCodesOf(cmd.Name())
	}
	root.AddCommand(exitCodesTopic())
	root.InitDefaultCompletionCmd(root.Name())
	return root
}

// withoutCommand shows the help, or says what an unknown command may have meant.
func withoutCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return root.Help()
	}
	hint := root.Name() + " --help lists the commands"
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return &exitError{code: exitUsage, message: fmt.Sprintf("unknown command %q", args[0]), hint: hint}
}

// args wraps cobra's argument checks so that they end in the usage exit code.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &exitError{code: exitUsage, message: err.Error(), hint: "usage: " + cmd.UseLine()}
		}
		return nil
	}
}

// style decides how text for a stream is drawn.
func (a *app) style(w io.Writer) render.Style {
	return render.Style{Color: term.Color(w, a.noColor, a.env), Width: term.Width(w)}
}

// say writes a line about the work to stderr, unless it is to be quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, format+"\n", args...)
	}
}
