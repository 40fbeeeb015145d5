package schemas_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/schemas"
)

// parameter is one row of testdata/parameters.tsv: a parameter of a create call
// as the API reference has it. Members of lists of objects follow their list as
// "diskAOs[].size".
type parameter struct {
	call, name, typ, required string
	choices                   []string
	since                     string
	fields                    []string // of the fleet file; empty where zfleet sets it itself
	reason                    string   // why no field carries it
	sinceSource               string   // by the server's source, where it differs
	in                        string   // body.params, body or url
}

func readParameters(t *testing.T) []parameter {
	t.Helper()
	data, err := os.ReadFile("testdata/parameters.tsv")
	if err != nil {
		t.Fatal(err)
	}
	header, rows, _ := strings.Cut(string(data), "\n")
	if want := "call\tparameter\ttype\trequired\tchoices\tsince\tfield\treason\tsinceSource\tin"; header != want {
		t.Fatalf("columns %q, want %q", header, want)
	}
	var list []parameter
	for line := range strings.Lines(rows) {
		c := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(c) != 10 {
			t.Fatalf("%d columns in %q", len(c), line)
		}
		list = append(list, parameter{c[0], c[1], c[2], c[3],
			strings.FieldsFunc(c[4], func(r rune) bool { return r == ',' }),
			c[5], strings.Fields(c[6]), c[7], c[8], c[9]})
	}
	return list
}

// carrier is a field that carries a parameter, and the versions that it says.
type carrier struct {
	field, since, sinceSource string
}

// carriers returns the fields that carry a parameter of a call, by the schema.
func carriers(machine map[string]map[string]any, call, name string) []carrier {
	var found []carrier
	for _, field := range slices.Sorted(maps.Keys(machine)) {
		property := machine[field]
		if wire := lookup(property, "x-api", call); wire == name {
			found = append(found, carrier{field, lookup(property, "x-since", call), lookup(property, "x-since-source", call)})
		}
		more, _ := property["x-api-more"].(map[string]any)
		if since := lookup(more, call, name); since != "" {
			found = append(found, carrier{field: field, since: since})
		}
	}
	return found
}

// lookup returns the string at two keys, or "".
func lookup(object map[string]any, outer, inner string) string {
	m, _ := object[outer].(map[string]any)
	text, _ := m[inner].(string)
	return text
}

// TestEveryParameterIsReachable holds the table of the API's parameters against
// what the schema says, in both directions.
func TestEveryParameterIsReachable(t *testing.T) {
	root := parse(t, schemas.Fleet)
	machine := fields(root, root["definitions"].(map[string]any)["machine"], "")
	known := make(map[string]bool)
	calls := make(map[string]int)
	for _, p := range readParameters(t) {
		at := p.call + " " + p.name
		if known[at] {
			t.Errorf("%s stands in the table twice", at)
		}
		known[at] = true
		calls[p.call]++
		if (len(p.fields) == 0) == (p.reason == "") {
			t.Errorf("%s: want either fields or a reason", at)
		}
		var names []string
		for _, c := range carriers(machine, p.call, p.name) {
			names = append(names, c.field)
			if c.since != p.since {
				t.Errorf("%s: %s says since %q, the table %q", at, c.field, c.since, p.since)
			}
			if c.sinceSource != "" && c.sinceSource != p.sinceSource {
				t.Errorf("%s: %s says since %q by the source, the table %q", at, c.field, c.sinceSource, p.sinceSource)
			}
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(p.fields)), names); diff != "" {
			t.Errorf("%s: fields of the table (-) and of the schema (+):\n%s", at, diff)
		}
	}
	want := map[string]int{
		"CreateVmInstance":                   34 + 12 + 17,
		"CreateVmInstanceFromVolume":         21 + 17,
		"CreateVmInstanceFromVolumeSnapshot": 22 + 17,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("parameters by call (-want +got):\n%s", diff)
	}
	for field, property := range machine {
		for _, at := range said(property) {
			if !known[at] {
				t.Errorf("%s says %s, which the table does not have", field, at)
			}
		}
	}
}

// said returns every "<call> <parameter>" that a property names.
func said(property map[string]any) []string {
	var list []string
	api, _ := property["x-api"].(map[string]any)
	for call, name := range api {
		list = append(list, fmt.Sprint(call, " ", name))
	}
	more, _ := property["x-api-more"].(map[string]any)
	for call, names := range more {
		for name := range names.(map[string]any) {
			list = append(list, call+" "+name)
		}
	}
	return list
}

// TestVersionsStandWithParameters wants x-since, x-since-source, x-values and
// x-tag to speak only of calls and parameters that the field has.
func TestVersionsStandWithParameters(t *testing.T) {
	root := parse(t, schemas.Fleet)
	for field, property := range fields(root, root["definitions"].(map[string]any)["machine"], "") {
		api, _ := property["x-api"].(map[string]any)
		since, _ := property["x-since"].(map[string]any)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(api)), slices.Sorted(maps.Keys(since))); diff != "" {
			t.Errorf("%s: calls of x-api (-) and of x-since (+):\n%s", field, diff)
		}
		for _, key := range []string{"x-api-more", "x-since-source", "x-values", "x-values-source"} {
			byCall, _ := property[key].(map[string]any)
			for call := range byCall {
				if api[call] == nil {
					t.Errorf("%s: %s speaks of %s, x-api does not", field, key, call)
				}
			}
		}
		for call, name := range api {
			if _, tagged := property["x-tag"]; tagged != (name == "systemTags" && field != "systemTags") {
				t.Errorf("%s: x-tag and %s of %s do not fit", field, name, call)
			}
		}
	}
}

// TestChoicesAreTheCalls wants the schema to know the values that each call
// takes, and to admit all of them.
func TestChoicesAreTheCalls(t *testing.T) {
	root := parse(t, schemas.Fleet)
	machine := fields(root, root["definitions"].(map[string]any)["machine"], "")
	for _, p := range readParameters(t) {
		if len(p.choices) == 0 || len(p.fields) == 0 {
			continue
		}
		property := machine[p.fields[0]]
		admitted := enumOf(property)
		for _, choice := range p.choices {
			if !slices.Contains(admitted, choice) {
				t.Errorf("%s %s: the schema does not admit %s", p.call, p.name, choice)
			}
		}
		values, _ := property["x-values"].(map[string]any)
		if values == nil {
			continue
		}
		var got []string
		list, _ := values[p.call].([]any)
		for _, value := range list {
			got = append(got, fmt.Sprint(value))
		}
		if diff := cmp.Diff(p.choices, got); diff != "" {
			t.Errorf("%s %s: values of the table (-) and of x-values (+):\n%s", p.call, p.name, diff)
		}
	}
}

// enumOf returns the values that a property admits by name.
func enumOf(property map[string]any) []string {
	var names []string
	arms, _ := property["anyOf"].([]any)
	for _, arm := range arms {
		values, _ := arm.(map[string]any)["enum"].([]any)
		for _, value := range values {
			names = append(names, fmt.Sprint(value))
		}
	}
	return names
}
