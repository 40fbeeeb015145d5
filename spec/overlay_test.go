package spec

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMergeNodes(t *testing.T) {
	units := func(path []string) [][]string {
		switch {
		case slices.Equal(path, []string{"m"}):
			return [][]string{{"offering"}, {"cpu", "memory"}}
		case slices.Equal(path, []string{"m", "placement"}):
			return [][]string{{"*"}}
		}
		return nil
	}
	tests := []struct{ name, base, over, want string }{
		{"maps merge deeply", "a: {b: {c: 1, d: 2}}", "a: {b: {d: 3, e: 4}, f: 5}", `{"a":{"b":{"c":1,"d":3,"e":4},"f":5}}`},
		{"lists are replaced", "a: [1, 2]", "a: [3]", `{"a":[3]}`},
		{"null unsets and stays", "a: {b: 1}\nc: 2", "a: null", `{"a":null,"c":2}`},
		{"a value over null", "a: null", "a: {b: 1}", `{"a":{"b":1}}`},
		{"a map over a scalar", "a: 1", "a: {b: 2}", `{"a":{"b":2}}`},
		{"another arm drops the first", "m: {offering: s, x: 1}", "m: {cpu: 2}", `{"m":{"cpu":2,"x":1}}`},
		{"the same arm completes itself", "m: {cpu: 2}", "m: {memory: 4}", `{"m":{"cpu":2,"memory":4}}`},
		{"and back", "m: {cpu: 2, memory: 4}", "m: {offering: s}", `{"m":{"offering":"s"}}`},
		{"null chooses no arm", "m: {offering: s}", "m: {cpu: null}", `{"m":{"cpu":null,"offering":"s"}}`},
		{"both arms of one layer stay for the check", "m: {offering: s}", "m: {offering: t, cpu: 1}", `{"m":{"cpu":1,"offering":"t"}}`},
		{"a whole map as a unit", "m: {placement: {zone: z, cluster: c}}", "m: {placement: {host: h}}", `{"m":{"placement":{"host":"h"}}}`},
		{"units hold at their path only", "n: {offering: s, placement: {zone: z}}", "n: {cpu: 1, placement: {host: h}}", `{"n":{"cpu":1,"offering":"s","placement":{"host":"h","zone":"z"}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base, over := parse(t, test.base), parse(t, test.over)
			before := asJSON(t, base) + asJSON(t, over)
			merged := mergeNodes(base, over, units)
			if diff := cmp.Diff(test.want, asJSON(t, merged)); diff != "" {
				t.Error(diff)
			}
			scramble(merged)
			if diff := cmp.Diff(before, asJSON(t, base)+asJSON(t, over)); diff != "" {
				t.Errorf("the merged tree shares values with its layers:\n%s", diff)
			}
		})
	}
}

// scramble changes every scalar of a tree.
func scramble(n *node) {
	n.text += "!"
	for _, e := range n.entries {
		scramble(e.value)
	}
	for _, item := range n.items {
		scramble(item)
	}
}

// A key keeps the order of the base and takes the place of the layer that had
// the last word.
func TestMergedPlaces(t *testing.T) {
	base, found := parseYAML(Input{"base", []byte("a: 1\nb: {c: 2}\n")})
	over, more := parseYAML(Input{"over", []byte("\nd: 4\na: 3\n")})
	if len(found)+len(more) > 0 {
		t.Fatal(said(append(found, more...)))
	}
	merged := mergeNodes(base, over, nil)
	var got []string
	for _, e := range merged.entries {
		got = append(got, e.key+" "+e.pos.String()+" "+e.value.pos.String())
	}
	want := []string{"a over:3:1 over:3:4", "b base:2:1 base:2:4", "d over:2:1 over:2:4"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
