package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVariablePrecedence(t *testing.T) {
	declared := "variables: {x: default}\nk: ${var.x}\n"
	first, second := Input{"1.yaml", []byte("x: file 1\n")}, Input{"2.yaml", []byte("x: file 2\n")}
	tests := []struct {
		name string
		vars Variables
		want string
	}{
		{"default", Variables{}, "default"},
		{"environment", Variables{Values: map[string]string{"x": "environment"}}, "environment"},
		{"file", Variables{Values: map[string]string{"x": "environment"}, Files: []Input{first}}, "file 1"},
		{"later file", Variables{Files: []Input{first, second}}, "file 2"},
		{"empty file", Variables{Files: []Input{first, {"e.yaml", nil}}}, "file 1"},
		{"command line", Variables{Values: map[string]string{"x": "flag"}, OnCommandLine: map[string]bool{"x": true}, Files: []Input{first}}, "flag"},
		{"empty value", Variables{Values: map[string]string{"x": ""}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := parse(t, declared)
			set, found := readVariables(root, test.vars)
			found = append(found, set.substitute(root)...)
			if len(found) > 0 {
				t.Fatal(said(found))
			}
			if got := root.get("k").text; got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestVariableProblems(t *testing.T) {
	given := func(values map[string]string) Variables {
		v := Variables{Values: values, OnCommandLine: make(map[string]bool)}
		for name := range values {
			v.OnCommandLine[name] = true
		}
		return v
	}
	tests := []struct {
		name, in string
		vars     Variables
		want     string
	}{
		{"missing", "variables:\n  size:\n  pw: {sensitive: true}\n", Variables{},
			"f:2:3: the variable \"size\" has no value [missing-variable]\n  hint: set ZFLEET_VAR_size, give --var size=VALUE or name it in a --var-file\n" +
				"f:3:3: the variable \"pw\" has no value [missing-variable]\n  hint: set ZFLEET_VAR_pw or ZFLEET_VAR_pw_FILE, or name it in a --var-file\n"},
		{"unknown on the command line", "variables: {size: s}\n", given(map[string]string{"siez": "x"}),
			"--var \"siez\": no such variable is declared [unknown-variable]\n  hint: did you mean \"size\"?\n"},
		{"unknown where none is declared", "a: 1\n", given(map[string]string{"x": "x"}),
			"--var \"x\": no such variable is declared [unknown-variable]\n  hint: declare it under variables\n"},
		{"unknown in the environment", "variables: {size: s}\n", Variables{Values: map[string]string{"other": "x"}}, ""},
		{"unknown in a file", "variables: {size: s}\n", Variables{Files: []Input{{"v.yaml", []byte("size: 1\nsiez: x\n")}}},
			"v.yaml:2:1: no variable \"siez\" is declared [unknown-variable]\n  hint: did you mean \"size\"?\n"},
		{"list in a file", "variables: {size: s}\n", Variables{Files: []Input{{"v.yaml", []byte("size: [1]\n")}}},
			"v.yaml:1:7: want a string, a number, true or false for the variable \"size\", got a list [wrong-type]\n  hint: a variable holds one value; write one variable for each item\n"},
		{"null in a file", "variables: {size: s}\n", Variables{Files: []Input{{"v.yaml", []byte("size:\n")}}},
			"v.yaml:1:6: the variable \"size\" has an empty value [wrong-type]\n  hint: write \"\" for an empty string\n"},
		{"broken file", "variables: {size: s}\n", Variables{Files: []Input{{"v.yaml", []byte("- a\n")}}},
			"v.yaml:1:1: want a map of variables, got a list [wrong-type]\n  hint: write lines such as name: value\n"},
		{"secret on the command line", "variables:\n  pw: {sensitive: true}\n", given(map[string]string{"pw": "hunter2"}),
			"f:2:3: the sensitive variable \"pw\" stands on the command line, where other users can read it [secret-on-command-line]\n  hint: set ZFLEET_VAR_pw or ZFLEET_VAR_pw_FILE, or use --var-file\n"},
		{"secret in the fleet file", "variables:\n  pw: {default: hunter2, sensitive: true}\n", Variables{},
			"f:2:17: warning: the sensitive variable \"pw\" has its value in the fleet file [secret-in-file]\n  hint: set ZFLEET_VAR_pw instead\n"},
		{"list as a value", "variables:\n  a: [1]\n  b: {default: {c: 1}}\n", Variables{},
			"f:2:6: want a string, a number, true or false for the variable \"a\", got a list [wrong-type]\n  hint: a variable holds one value; write one variable for each item\n" +
				"f:3:16: want a string, a number, true or false for the variable \"b\", got a map [wrong-type]\n  hint: a variable holds one value; write one variable for each item\n"},
		{"bad name", "variables: {a-b: 1}\n", Variables{}, "f:1:13: \"a-b\" is no name for a variable [bad-name]\n  hint: use letters, digits and _, beginning with a letter or _\n"},
		{"unknown in text", "variables: {size: s}\nk: 中 x ${var.sise} ${var.size}\n", Variables{},
			"f:2:8: no variable \"sise\" is declared [unknown-variable]\n  hint: did you mean \"size\"?\n"},
		{"open", "variables: {size: s}\nk: ${var.size\n", Variables{}, "f:2:4: ${ has no closing } [bad-interpolation]\n  hint: close it, or write $${ for a plain ${\n"},
		{"missing is said once", "variables: {size: }\nk: ${var.size}\n", Variables{},
			"f:1:13: the variable \"size\" has no value [missing-variable]\n  hint: set ZFLEET_VAR_size, give --var size=VALUE or name it in a --var-file\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := parse(t, test.in)
			set, found := readVariables(root, test.vars)
			found = append(found, set.substitute(root)...)
			found = append(found, scope{fleet: "f", group: "g", instance: "i"}.expand(root)...)
			if diff := cmp.Diff(test.want, said(found.Sorted())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSubstitute(t *testing.T) {
	root := parse(t, `
variables:
  size: small
  count: 3
  tricky: "${fleet} $${x} ${var.size} {index}"
  other: ${var.size}
  half: $
x-note: ${var.nothing}
a: ${var.size}-${var.count}
b: ["${var.tricky}", "<${var.tricky}> ${fleet}"]
c: $${var.size} ${var.other}
d: "$${var.size}${var.half}{fleet}"
userData: ${var.size}
e: {userData: {template: "${var.size}.tmpl"}}
`)
	set, found := readVariables(root, Variables{})
	found = append(found, set.substitute(root)...)
	found = append(found, scope{fleet: "F"}.expand(root.get("a"))...)
	found = append(found, scope{fleet: "F"}.expand(root.get("b"))...)
	found = append(found, scope{fleet: "F"}.expand(root.get("c"))...)
	found = append(found, scope{fleet: "F"}.expand(root.get("d"))...)
	if len(found) > 0 {
		t.Fatal(said(found))
	}
	got := root.plain().(map[string]any)
	delete(got, "variables")
	want := map[string]any{
		"x-note":   "${var.nothing}",
		"a":        "small-3",
		"b":        []any{"${fleet} $${x} ${var.size} {index}", "<${fleet} $${x} ${var.size} {index}> F"},
		"c":        "${var.size} ${var.size}",
		"d":        "${var.size}${fleet}",
		"userData": "${var.size}",
		"e":        map[string]any{"userData": map[string]any{"template": "small.tmpl"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Text becomes secret by the least part that is, and no message shows it.
func TestSecretsSpread(t *testing.T) {
	root := parse(t, "variables:\n  pw: {sensitive: true}\n  env: {}\n  open: o\na: x-${var.pw}\nb: ${var.open}\nc: [\"${var.env}\"]\n")
	vars := Variables{Values: map[string]string{"pw": "hunter2", "env": "hunter3"}, Sensitive: map[string]bool{"env": true}}
	set, found := readVariables(root, vars)
	found = append(found, set.substitute(root)...)
	if len(found) > 0 {
		t.Fatal(said(found))
	}
	for path, want := range map[string]bool{"a": true, "b": false} {
		if got := root.get(path).secret; got != want {
			t.Errorf("%s: secret is %v, want %v", path, got, want)
		}
	}
	if !root.get("c").items[0].secret {
		t.Error("a value that the caller calls sensitive is not secret")
	}
	if got := root.get("a").quoted(); got != "(secret)" {
		t.Errorf("a message would show %s", got)
	}
}
