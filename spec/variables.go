package spec

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// variableSet holds the declared variables of a run by name. A variable whose
// value is nil has been reported already; its ${var.x} stay as they are.
type variableSet map[string]*variable

// variable is one declared variable.
type variable struct {
	value     *node // a scalar
	sensitive bool
	declared  Pos
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readVariables returns the variables that the fleet file declares with the
// value that ranks highest: command line, variable files (later ones first),
// environment, default of the fleet file.
func readVariables(root *node, vars Variables) (variableSet, Diagnostics) {
	set, problems := declaredVariables(root.get("variables"))
	for name, v := range set {
		v.sensitive = v.sensitive || vars.Sensitive[name]
	}
	for name, text := range vars.Values {
		if v := set[name]; v != nil && !vars.OnCommandLine[name] {
			v.value = givenValue(text, v)
		}
	}
	for _, in := range vars.Files {
		problems = append(problems, set.readFile(in)...)
	}
	for _, name := range slices.Sorted(maps.Keys(vars.OnCommandLine)) {
		if vars.OnCommandLine[name] {
			problems = append(problems, set.fromCommandLine(name, vars.Values[name])...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		v := set[name]
		switch {
		case v.value == nil:
			problems = append(problems, missingVariable(name, v))
		case v.value.kind > stringNode: // reported
			v.value = nil
		default:
			v.value.secret = v.sensitive
		}
	}
	return set, problems
}

// missingVariable is the diagnostic of a variable that nobody gave a value.
func missingVariable(name string, v *variable) Diagnostic {
	hint := fmt.Sprintf("set ZFLEET_VAR_%s, give --var %s=VALUE or name it in a --var-file", name, name)
	if v.sensitive {
		hint = fmt.Sprintf("set ZFLEET_VAR_%s or ZFLEET_VAR_%s_FILE, or name it in a --var-file", name, name)
	}
	return Diagnostic{Pos: v.declared, Code: "missing-variable", Message: fmt.Sprintf("the variable %s has no value", quote(name)), Hint: hint}
}

// givenValue makes a node of a value from outside of any file.
func givenValue(text string, v *variable) *node {
	return &node{kind: stringNode, text: text, pos: v.declared}
}

// declaredVariables reads the variables map of a fleet file.
func declaredVariables(declared *node) (variableSet, Diagnostics) {
	set := make(variableSet)
	if declared == nil || declared.kind != mapNode {
		return set, nil // no map: the schema says so
	}
	var problems Diagnostics
	for _, e := range declared.entries {
		if !variableName.MatchString(e.key) {
			problems = append(problems, Diagnostic{Pos: e.pos, Code: "bad-name", Message: fmt.Sprintf("%s is no name for a variable", quote(e.key)),
				Hint: "use letters, digits and _, beginning with a letter or _"})
			continue
		}
		v := &variable{value: e.value, declared: e.pos}
		set[e.key] = v
		switch e.value.kind {
		case mapNode:
			v.value = e.value.get("default")
			sensitive := e.value.get("sensitive")
			v.sensitive = sensitive != nil && sensitive.kind == boolNode && sensitive.plain() == true
		case listNode:
			problems = append(problems, notScalar(e))
			continue
		}
		switch {
		case v.value == nil || v.value.kind == nullNode:
			v.value = nil
			continue
		case v.value.kind > stringNode:
			problems = append(problems, notScalar(entry{key: e.key, value: v.value}))
		case v.sensitive && v.value.text != "":
			problems = append(problems, Diagnostic{Severity: Warning, Pos: v.value.pos, Code: "secret-in-file",
				Message: fmt.Sprintf("the sensitive variable %s has its value in the fleet file", quote(e.key)),
				Hint:    fmt.Sprintf("set ZFLEET_VAR_%s instead", e.key)})
		}
		v.value = v.value.clone()
	}
	return set, problems
}

// notScalar is the diagnostic of a variable whose value is a list or a map.
func notScalar(e entry) Diagnostic {
	return Diagnostic{Pos: e.value.pos, Code: "wrong-type", Message: fmt.Sprintf("want a string, a number, true or false for the variable %s, got %s", quote(e.key), e.value.kind),
		Hint: "a variable holds one value; write one variable for each item"}
}

// readFile takes the values of a file of "name: value" lines.
func (v variableSet) readFile(in Input) Diagnostics {
	values, problems := readYAML(in)
	if values == nil {
		return problems
	}
	if values.kind != mapNode {
		return append(problems, Diagnostic{Pos: values.pos, Code: "wrong-type", Message: fmt.Sprintf("want a map of variables, got %s", values.kind),
			Hint: "write lines such as name: value"})
	}
	for _, e := range values.entries {
		known := v[e.key]
		switch {
		case known == nil:
			problems = append(problems, v.unknown(e.key, e.pos, fmt.Sprintf("no variable %s is declared", quote(e.key))))
		case e.value.kind > stringNode:
			problems = append(problems, notScalar(e))
			known.value = e.value // keeps it from being called missing
		case e.value.kind == nullNode:
			problems = append(problems, Diagnostic{Pos: e.value.pos, Code: "wrong-type", Message: fmt.Sprintf("the variable %s has an empty value", quote(e.key)),
				Hint: `write "" for an empty string`})
		default:
			known.value = e.value
		}
	}
	return problems
}

// fromCommandLine takes the value of a --var.
func (v variableSet) fromCommandLine(name, text string) Diagnostics {
	known := v[name]
	if known == nil {
		return Diagnostics{v.unknown(name, Pos{}, fmt.Sprintf("--var %s: no such variable is declared", quote(name)))}
	}
	known.value = givenValue(text, known)
	if !known.sensitive {
		return nil
	}
	return Diagnostics{{Pos: known.declared, Code: "secret-on-command-line",
		Message: fmt.Sprintf("the sensitive variable %s stands on the command line, where other users can read it", quote(name)),
		Hint:    fmt.Sprintf("set ZFLEET_VAR_%s or ZFLEET_VAR_%s_FILE, or use --var-file", name, name)}}
}

// unknown is the diagnostic of a name that no variable has.
func (v variableSet) unknown(name string, at Pos, message string) Diagnostic {
	hint := didYouMean(name, slices.Collect(maps.Keys(v)))
	if hint == "" {
		hint = "declare it under variables"
	}
	return Diagnostic{Pos: at, Code: "unknown-variable", Message: message, Hint: hint}
}

// substitute replaces ${var.x} in the strings of a whole fleet file, in place.
// The declarations themselves, policies, which are code, and x- keys stay as
// they are.
func (v variableSet) substitute(root *node) Diagnostics {
	resolve := func(name string, at Pos) (replacement, *Diagnostic) {
		name, ok := strings.CutPrefix(name, "var.")
		if !ok {
			return replacement{keep: true}, nil
		}
		known := v[name]
		switch {
		case known == nil:
			d := v.unknown(name, at, fmt.Sprintf("no variable %s is declared", quote(cut(name))))
			return replacement{}, &d
		case known.value == nil:
			return replacement{keep: true}, nil
		}
		return replacement{text: known.value.text, secret: known.sensitive, retype: true}, nil
	}
	if root == nil || root.kind != mapNode {
		return rewrite(root, resolve, false)
	}
	var found Diagnostics
	for _, e := range root.entries {
		if e.key != "variables" && e.key != "policies" && !strings.HasPrefix(e.key, "x-") && !isVerbatim(e) {
			found = append(found, rewrite(e.value, resolve, false)...)
		}
	}
	return found
}
