package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const oneMachine = "machines: {web: {source: {image: a}, instanceOffering: s, networks: [n]}}\n"

// policyLines says what policies are like, one on a line.
func policyLines(policies []Policy) string {
	var b strings.Builder
	for _, p := range policies {
		fmt.Fprintf(&b, "%s %s: %s [%s, %s, off %t]\n", p.Pos, p.Name, p.Condition, p.Condition.Over(), p.Severity, p.Off)
	}
	return b.String()
}

// TestOverlaysCannotDropPolicies wants an overlay to add policies and to change
// those that it names, and nothing to be lost that it does not name.
func TestOverlaysCannotDropPolicies(t *testing.T) {
	base := `policies:
  - {name: a, deny: plan.deletes > 0, message: no deletes}
  - {name: b, deny: change.stops, message: no stops, severity: warning}
` + oneMachine
	const a, b = "0.yaml:6:12 a: plan.deletes > 0 [plan, error, off false]\n", "0.yaml:7:12 b: change.stops [change, warning, off false]\n"
	for name, test := range map[string]struct{ over, want string }{
		"says nothing":     {"x-a: 1", a + b},
		"adds":             {"policies: [{name: c, deny: plan.creates > 9, message: few}]", a + b + "1.yaml:3:19 c: plan.creates > 9 [plan, error, off false]\n"},
		"adds none":        {"policies: []", a + b},
		"weakens one":      {"policies: [{name: a, severity: warning}]", "1.yaml:3:19 a: plan.deletes > 0 [plan, warning, off false]\n" + b},
		"switches one off": {"policies: [{name: b, severity: off}]", a + "1.yaml:3:19 b: change.stops [change, error, off true]\n"},
		"says one anew":    {"policies: [{name: a, deny: plan.deletes > 3, message: few}]", "1.yaml:3:19 a: plan.deletes > 3 [plan, error, off false]\n" + b},
		"unsets severity":  {"policies: [{name: b, severity: null}]", a + "1.yaml:3:19 b: change.stops [change, error, off false]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			layers := inputs(base, test.over)
			fleet, found := Load(layers, Variables{})
			if found.HasErrors() {
				t.Fatal(found)
			}
			if diff := cmp.Diff(test.want, policyLines(fleet.Policies)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			identity, found := LoadIdentity(layers, Variables{})
			if found.HasErrors() {
				t.Fatal(found)
			}
			if diff := cmp.Diff(test.want, policyLines(identity.Policies)); diff != "" {
				t.Errorf("of a destroy (-want +got):\n%s", diff)
			}
		})
	}
	_, found := Load(inputs(base, "policies: null"), Variables{})
	want := "1.yaml:3:1: the policies of the files below cannot be unset as a whole [policies-unset]"
	if len(found) != 1 || found[0].String() != want {
		t.Errorf("got %v, want %s", found, want)
	}
	if _, found := Load(inputs("policies: null\n"+oneMachine, base), Variables{}); found.HasErrors() {
		t.Errorf("nothing to unset: %v", found)
	}
}

// TestPoliciesOfABrokenFile wants a fleet to be taken down by its identity when
// the rest of its file is no good, but not past a policy that cannot be asked.
func TestPoliciesOfABrokenFile(t *testing.T) {
	fleet, found := LoadIdentity(inputs("machines: {web: {soruce: 3}}\npolicies: [{name: a, deny: plan.deletes > 0, message: no}]"), Variables{})
	if found.HasErrors() || len(fleet.Policies) != 1 {
		t.Errorf("policies %v, findings %v", fleet, found)
	}
	_, found = LoadIdentity(inputs("policies: [{name: a, deny: plan.deletez > 0, message: no}]"), Variables{})
	want := `0.yaml:5:33: plan has no field "deletez" [bad-policy]`
	if len(found) != 1 || found[0].String() != want {
		t.Errorf("got %v, want %s", found, want)
	}
}

// TestPoliciesCountForTheDigest wants a fleet with another policy to be another
// fleet file, and one that only moved to be the same.
func TestPoliciesCountForTheDigest(t *testing.T) {
	digest := func(policies string) string { return fleetOf(t, oneMachine+policies).Digest }
	plain := digest("policies: [{name: a, deny: plan.deletes > 0, message: no}]")
	if other := digest("\n\npolicies:\n  - {name: a, deny: plan.deletes > 0, message: no, severity: error}"); other != plain {
		t.Error("the place of a policy counts")
	}
	for _, policies := range []string{
		"", "policies: [{name: b, deny: plan.deletes > 0, message: no}]", "policies: [{name: a, deny: plan.deletes > 1, message: no}]",
		"policies: [{name: a, deny: plan.deletes > 0, message: yes}]", "policies: [{name: a, deny: plan.deletes > 0, message: no, severity: warning}]",
		"policies: [{name: a, deny: plan.deletes > 0, message: no, severity: off}]",
	} {
		if digest(policies) == plain {
			t.Errorf("the digest does not tell %q", policies)
		}
	}
	if digest("policies: []") != digest("") {
		t.Error("no policies differ from none")
	}
}

func TestLoadPolicies(t *testing.T) {
	const top = "apiVersion: zfleet/v1\nkind: Policies\n"
	for name, test := range map[string]struct{ text, want string }{
		"good":         {top + "policies: [{name: a, deny: change.stops, message: no}]", "p.yaml:3:19 a: change.stops [change, error, off false]\n"},
		"anchors":      {top + "x-a: &d plan.deletes > 0\npolicies: [{name: a, deny: *d, message: no}]", "p.yaml:4:19 a: plan.deletes > 0 [plan, error, off false]\n"},
		"none":         {top + "policies: []", "p.yaml:1:1: warning: the file holds no policy [no-policies]\n"},
		"a fleet file": {"apiVersion: zfleet/v1\nkind: Fleet\nname: a\n", "p.yaml:1:1: the key \"policies\" is missing [missing-key]\np.yaml:2:7: want \"Policies\" for \"kind\", got \"Fleet\" [bad-choice]\np.yaml:3:1: unknown key \"name\" [unknown-key]\n"},
		"a variable":   {top + "policies: [{name: a, deny: \"plan.deletes > ${var.x}\", message: no}]", "p.yaml:3:44: policies take no variables: ${ means nothing here [no-interpolation]\n"},
		"no YAML":      {"policies: [", "p.yaml:1:11: the list that begins here has no end [yaml-syntax]\n"},
		"nothing":      {"", "p.yaml:1:1: the file is empty [empty-file]\n"},
		"not a list":   {top + "policies: {a: 1}", "p.yaml:3:11: want a list for \"policies\", got a map [wrong-type]\n"},
		"too many":     {top + "policies:\n" + strings.Repeat("  - {name: a, deny: change.stops, message: no}\n", 51), "p.yaml:3:1: there are 51 policies [too-many-policies]\n"},
		"too long":     {top + "policies: [{name: a, deny: change.stops, message: " + strings.Repeat("no ", 200) + "}]", "p.yaml:3:51: the message has 599 characters [out-of-range]\n"},
		"too large":    {top + "policies: [{name: a, deny: " + strings.Repeat("true || ", 600) + "true, message: no}]", "p.yaml:3:28: the expression has 4804 characters [bad-policy]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			policies, found := LoadPolicies(Input{Name: "p.yaml", Data: []byte(test.text)})
			got := policyLines(policies)
			for _, d := range found {
				got += d.String() + "\n"
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
