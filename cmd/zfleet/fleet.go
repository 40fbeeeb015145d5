package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"zfleet/internal/render"
	"zfleet/spec"
)

// fleetFlags say which fleet file to read and with which variables.
type fleetFlags struct {
	files    []string
	fleets   []string
	vars     []string
	varFiles []string
	policies []string // files

	serverVersion versionFlag // of the commands that ask no server
}

func (f *fleetFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.files, "file", "f", nil, "fleet `FILE`, directory of *.yaml, or - for stdin; repeat for overlays")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	f.addVariables(cmd)
}

func (f *fleetFlags) addVariables(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.vars, "var", nil, "set a variable, `NAME=VALUE` (not for sensitive ones)")
	flags.StringArrayVar(&f.varFiles, "var-file", nil, "YAML `FILE` of variables")
	_ = cmd.MarkFlagFilename("var-file", "yaml", "yml")
}

func (f *fleetFlags) addPolicies(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.policies, "policy", nil, "`FILE` of policies that the plan has to keep too; repeatable")
	_ = cmd.MarkFlagFilename("policy", "yaml", "yml")
}

// filesByFlag refuses arguments of a command whose files are named by -f, and says
// what was meant: a shell's *.yaml after one -f is such arguments, too.
func filesByFlag(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	w := words{cmd.CommandPath()}
	files, _ := cmd.Flags().GetStringArray("file") // every such command has it
	w.add("-f", append(files, args...)...)
	return &exitError{code: exitUsage, message: fmt.Sprintf("unexpected argument %q: fleet files are named with -f, each with its own", args[0]), hint: "did you mean " + w.String() + "?"}
}

// loaded is a fleet together with the bytes it was read from, for excerpts.
type loaded struct {
	*spec.Fleet
	sources map[string][]byte
	found   spec.Diagnostics // none of them an error
}

// reader is spec.Load, or spec.LoadIdentity where no more than the identity of a
// fleet matters.
type reader func([]spec.Input, spec.Variables) (*spec.Fleet, spec.Diagnostics)

// load reads and checks the fleet file. Findings that are not errors are printed.
func (a *app) load(f fleetFlags) (*loaded, error) { return a.loadBy(spec.Load, f) }

func (a *app) loadBy(by reader, f fleetFlags) (*loaded, error) {
	fleet, err := a.readBy(by, f)
	if err != nil {
		return nil, err
	}
	if err := f.serverVersion.check(fleet); err != nil {
		return nil, err
	}
	if len(fleet.found) > 0 {
		a.ci.foundIn(fleet.found)
		_ = render.Diagnostics(a.stderr, fleet.found, fleet.sources, a.style(a.stderr))
	}
	return fleet, nil
}

// read reads and checks the fleet file.
func (a *app) read(f fleetFlags) (*loaded, error) { return a.readBy(spec.Load, f) }

func (a *app) readBy(by reader, f fleetFlags) (*loaded, error) {
	if len(f.files) == 0 {
		return nil, &exitError{code: exitUsage, message: "no fleet file", hint: "name one with -f FILE; zfleet init writes one to start from"}
	}
	inputs, err := a.inputs(f.files)
	if err != nil {
		return nil, err
	}
	variables, err := a.variables(f)
	if err != nil {
		return nil, err
	}
	sources := make(map[string][]byte)
	a.ci.file = inputs[len(inputs)-1].Name
	for _, input := range inputs { // files of variables may hold secrets: no excerpts
		sources[input.Name] = input.Data
	}
	fleet, found := by(inputs, variables)
	policies, more, err := a.readPolicies(f.policies, sources)
	if err != nil {
		return nil, err
	}
	if found = append(found, more...); found.HasErrors() {
		return nil, &diagnosticsError{found, sources}
	}
	fleet.Policies = append(fleet.Policies, policies...)
	return &loaded{fleet, sources, found}, nil
}

// readPolicies reads what --policy names, and adds it to the sources.
func (a *app) readPolicies(names []string, sources map[string][]byte) ([]spec.Policy, spec.Diagnostics, error) {
	inputs, err := a.inputs(names)
	if err != nil {
		return nil, nil, err
	}
	var (
		policies []spec.Policy
		found    spec.Diagnostics
	)
	for _, input := range inputs {
		sources[input.Name] = input.Data
		some, problems := spec.LoadPolicies(input)
		policies, found = append(policies, some...), append(found, problems...)
	}
	return policies, found, nil
}

// loadPolicies reads what --policy names where there is no fleet file.
func (a *app) loadPolicies(names []string) ([]spec.Policy, error) {
	sources := make(map[string][]byte)
	policies, found, err := a.readPolicies(names, sources)
	if err != nil {
		return nil, err
	}
	if found.HasErrors() {
		return nil, &diagnosticsError{found, sources}
	}
	a.ci.foundIn(found)
	_ = render.Diagnostics(a.stderr, found, sources, a.style(a.stderr))
	return policies, nil
}

// inputs reads what -f names: files, the YAML files of directories, stdin.
func (a *app) inputs(names []string) ([]spec.Input, error) {
	var inputs []spec.Input
	for i, name := range names {
		if name == "-" && slices.Contains(names[:i], "-") {
			return nil, usageError("stdin (-) can be read only once")
		}
		if name == "-" {
			data, err := io.ReadAll(a.stdin)
			if err != nil {
				return nil, fmt.Errorf("read the fleet from stdin: %w", err)
			}
			inputs = append(inputs, spec.Input{Name: "<stdin>", Data: data})
			continue
		}
		files := []string{name}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			if files, err = yamlFiles(name); err != nil {
				return nil, err
			}
		}
		for _, file := range files {
			input, err := readInput(file)
			if err != nil {
				return nil, err
			}
			inputs = append(inputs, input)
		}
	}
	return inputs, nil
}

// yamlFiles lists the YAML files of a directory in the order of their names.
func yamlFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read fleet directory: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if ext := filepath.Ext(entry.Name()); !entry.IsDir() && (ext == ".yaml" || ext == ".yml") {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, &exitError{code: exitSpec, message: fmt.Sprintf("no *.yaml file in %s", dir)}
	}
	return files, nil
}

// shortPath is the same path on every computer, where that can be: a file below
// the working directory is named from there, however it was given.
func shortPath(name string) string {
	name = filepath.Clean(name)
	if dir, err := os.Getwd(); err == nil && filepath.IsAbs(name) {
		if below, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(below) {
			name = below
		}
	}
	return filepath.ToSlash(name)
}

func readInput(name string) (spec.Input, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return spec.Input{}, &exitError{code: exitFailure, message: fmt.Sprintf("%s: no such file", name)}
	}
	if err != nil {
		return spec.Input{}, err
	}
	return spec.Input{Name: shortPath(name), Data: data}, nil
}

const variablePrefix = "ZFLEET_VAR_"

// variables gathers values from the environment and, ranking above it, from
// --var. ZFLEET_VAR_x_FILE names a file that holds the value of x.
func (a *app) variables(f fleetFlags) (spec.Variables, error) {
	v := spec.Variables{Values: make(map[string]string), ReadFile: os.ReadFile}
	for _, pair := range a.environ() {
		name, value, _ := strings.Cut(pair, "=")
		name, ok := strings.CutPrefix(name, variablePrefix)
		if !ok {
			continue
		}
		if inFile, ok := strings.CutSuffix(name, "_FILE"); ok {
			text, err := os.ReadFile(value)
			if err != nil {
				// It may be meant for another fleet: the variable has no value then,
				// which is an error only where it is declared.
				a.say("No value for variable %q: %s%s: %v", inFile, variablePrefix, name, err)
				continue
			}
			v.Values[inFile] = strings.TrimRight(string(text), "\r\n")
			continue
		}
		v.Values[name] = value
	}
	v.OnCommandLine = make(map[string]bool)
	for _, pair := range f.vars {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return v, usageError("--var %q: want NAME=VALUE", pair)
		}
		v.Values[name], v.OnCommandLine[name] = value, true
	}
	for _, name := range f.varFiles {
		input, err := readInput(name)
		if err != nil {
			return v, err
		}
		v.Files = append(v.Files, input)
	}
	return v, nil
}

// secrets collects the secret values of a fleet by the paths that plans use.
func (l *loaded) secrets() map[string]string {
	if l == nil {
		return nil
	}
	values := make(map[string]string)
	add := func(t *spec.Text) {
		if t != nil && t.Secret {
			values[t.Path] = t.Value
		}
	}
	for i := range l.Machines {
		m := &l.Machines[i]
		add(m.UserData)
		add(m.ConsolePassword)
		for j := range m.SystemTags {
			add(&m.SystemTags[j])
		}
	}
	return values
}
