package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLoadIdentity: of a file that is good for nothing else, the identity is read.
func TestLoadIdentity(t *testing.T) {
	const head = "apiVersion: zfleet/v1\nkind: Fleet\nname: lab\nid: abcd1234\n"
	for _, tt := range []struct {
		name     string
		files    []string
		vars     Variables
		limits   Limits
		formerly []Identity
		want     []string
	}{
		{name: "nothing but the identity", files: []string{head}},
		{name: "machines that make no sense", files: []string{head + "machines: {web: {cuont: 3, source: {image: [1]}}, east: }\nfoo: 1\n"}},
		{name: "a variable without a value", files: []string{head + "variables: {pw: {sensitive: true}}\ndefaults: {consolePassword: \"${var.pw}\"}\n"},
			vars: Variables{Values: map[string]string{"other": "x"}, OnCommandLine: map[string]bool{"other": true}}},
		{name: "limits", files: []string{head + "limits: {parallelism: 4}\n"}, limits: Limits{Parallelism: 4}},
		{name: "limits by a variable", files: []string{head + "limits: {parallelism: \"${var.n}\"}\nvariables: {n: 3}\n"},
			vars: Variables{Values: map[string]string{"n": "5"}}, limits: Limits{Parallelism: 5}},
		{name: "overlays", files: []string{"apiVersion: zfleet/v1\nkind: Fleet\nname: base\nid: abcd1234\n", "apiVersion: zfleet/v1\nkind: Fleet\nname: lab\n"}},
		{name: "formerly", files: []string{head + "formerly: [{name: old, id: abcd0000}]\n"}, formerly: []Identity{{"old", "abcd0000"}}},
		{name: "formerly without an id", files: []string{head + "formerly: [{name: old}]\n"}, want: []string{"missing-key"}},
		{name: "no name", files: []string{"apiVersion: zfleet/v1\nkind: Fleet\nid: abcd1234\n"}, want: []string{"no-name"}},
		{name: "a bad id", files: []string{"apiVersion: zfleet/v1\nkind: Fleet\nname: lab\nid: X\n"}, want: []string{"bad-id"}},
		{name: "no YAML", files: []string{head + "machines: [\n"}, want: []string{"yaml-syntax"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var inputs []Input
			for _, text := range tt.files {
				inputs = append(inputs, Input{Name: "f.yaml", Data: []byte(text)})
			}
			fleet, found := LoadIdentity(inputs, tt.vars)
			var codes []string
			for _, d := range found {
				codes = append(codes, d.Code)
			}
			if d := cmp.Diff(tt.want, codes); d != "" {
				t.Fatalf("findings (-want +got):\n%s\n%v", d, found)
			}
			if tt.want != nil {
				return
			}
			if fleet.Name != "lab" || fleet.ID != "abcd1234" || fleet.Limits != tt.limits {
				t.Errorf("got %s-%s with limits %+v", fleet.Name, fleet.ID, fleet.Limits)
			}
			if d := cmp.Diff(tt.formerly, fleet.Formerly); d != "" {
				t.Errorf("formerly (-want +got):\n%s", d)
			}
		})
	}
}
