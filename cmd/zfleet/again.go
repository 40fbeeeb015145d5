package main

import (
	"errors"
	"strconv"
	"strings"

	"zfleet/planner"
)

// What is shown to be typed has to work as it stands: the commands below carry
// the flags with which zfleet was called.

// words collects the words of a shell command.
type words []string

// add adds a flag with each of its values.
func (w *words) add(flag string, values ...string) {
	for _, value := range values {
		if value != "" {
			*w = append(*w, flag, quoted(value))
		}
	}
}

func (w words) String() string { return strings.Join(w, " ") }

// again returns the arguments that read the same fleet.
func (f *fleetFlags) again() words {
	var w words
	w.add("-f", f.files...)
	w.add("--var-file", f.varFiles...)
	w.add("--var", f.vars...)
	return w
}

// again returns the arguments that connect to the same cloud with the same
// fleet file.
func (f *applyFlags) again() string {
	return append(f.plan.fleet.again(), f.plan.connection.again()...).String()
}

// applyCommand is the apply that plans anew what this command was called for. A
// plan file that was applied without the fleet file leaves that to be filled in.
func (f *applyFlags) applyCommand() string {
	w := words{"zfleet apply"}
	if len(f.plan.fleet.files) == 0 {
		w = append(w, "-f FILE")
	}
	w = append(w, f.plan.fleet.again()...)
	w.add("--policy", f.plan.fleet.policies...)
	return append(w, f.plan.connection.again()...).String()
}

// destroyCommand is the destroy that plans anew what this command was called for.
func (f *applyFlags) destroyCommand() string {
	w := append(words{"zfleet destroy"}, f.plan.fleet.again()...)
	w.add("--policy", f.plan.fleet.policies...)
	w = append(w, f.plan.connection.again()...)
	return append(w, f.plan.selection()...).String()
}

// planCommand is the plan that shows the same, as text.
func (f *planFlags) planCommand(inventory string) string {
	w := append(words{"zfleet plan"}, f.fleet.again()...)
	w.add("--policy", f.fleet.policies...)
	w.add("--inventory", inventory)
	w = append(w, f.connection.again()...)
	w = append(w, f.selection()...)
	if f.safety.deletes >= 0 {
		w.add("--allow-deletes", strconv.Itoa(f.safety.deletes))
	}
	if f.safety.replacements >= 0 {
		w.add("--allow-replacements", strconv.Itoa(f.safety.replacements))
	}
	if f.safety.disjoint {
		w = append(w, "--allow-disjoint")
	}
	if f.allowShortage {
		w = append(w, "--allow-shortage")
	}
	w.add("--next-generation", f.nextGeneration...)
	w.add("--server-version", f.serverVersion.String())
	return w.String()
}

// selection returns the flags that destroy has of a plan's.
func (f *planFlags) selection() words {
	var w words
	w.add("--target", f.targets...)
	w.add("--exclude", f.excludes...)
	w.add("--allow-volume-loss", f.allowVolumeLoss...)
	return w
}

// inventoryCommand takes an inventory that the same plan can be made from.
func (f *planFlags) inventoryCommand(file string) string {
	w := append(words{"zfleet inventory"}, f.fleet.again()...)
	w.add("--out", file)
	return append(w, f.connection.again()...).String()
}

// takeAgain puts into findings about what an inventory was taken without the
// command that takes it with that.
func (f *planFlags) takeAgain(err error, file string) error {
	if found, ok := errors.AsType[*diagnosticsError](err); ok {
		for i := range found.found {
			if found.found[i].Code == "beyond-inventory" {
				found.found[i].Hint = "take it again: " + f.inventoryCommand(file)
			}
		}
	}
	return err
}

// again returns the flags that lead to the same server.
func (f *connectionFlags) again() words {
	var w words
	w.add("--endpoint", f.endpoint)
	w.add("--ca-file", f.caFile)
	if f.insecure {
		w = append(w, "--dangerous-skip-tls-verify")
	}
	if f.simulate {
		w = append(w, "--simulate")
	}
	return w
}

// quoted writes a word for a POSIX shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=@%+,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// resumeCommand is what carries on with a run that has something left.
func resumeCommand(plan *planner.Plan, runID, dir string, f runFlags) string {
	w := words{"zfleet resume", runID}
	if f.dir != "" {
		w[1] = quoted(dir)
	}
	if plan.SpecDigest != "" && !strings.HasPrefix(f.again, "-f ") {
		w = append(w, "-f FILE") // a plan file was applied without it
	}
	if f.again != "" {
		w = append(w, f.again)
	}
	return w.String()
}
