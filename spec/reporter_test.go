package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMistakesOfGroups: what is wrong in one group hides nothing of another,
// and what is wrong in what they share hides only what may follow from it.
func TestMistakesOfGroups(t *testing.T) {
	const head = "apiVersion: zfleet/v1\nkind: Fleet\nname: lab\nid: abcd1234\n"
	const groups = `machines:
  a: {instanceOffering: small, networks: [n]}
  b: {source: {image: i}, instanceOffering: small, networks: [n, m]}
  c: {source: {image: i}, networks: [n]}
`
	alone := []string{"no-source", "no-default-network", "no-offering"}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"no other", head + groups, alone},
		{"a key of another group", head + groups + "  z: {foo: 1, source: {image: i}}\n", append(append([]string{}, alone...), "unknown-key")},
		{"a key of the same group", head + groups + "  a2: {foo: 1}\n", append(append([]string{}, alone...), "unknown-key")},
		{"a key of the defaults", head + "defaults: {foo: 1}\n" + groups, []string{"unknown-key"}},
	} {
		_, found := Load([]Input{{Name: "f.yaml", Data: []byte(tt.text)}}, Variables{})
		var got []string
		for _, d := range found {
			got = append(got, d.Code)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s\n%v", tt.name, d, found)
		}
	}
}
