package spec

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpand(t *testing.T) {
	numbered := scope{fleet: "f", group: "web", instance: "7", index: 7}
	named := scope{fleet: "f", group: "gw", instance: "east"}
	tests := []struct {
		name, in string
		scope    scope
		want     string // the text, or the findings
	}{
		{"all names", "${fleet}/${group}/${instance}/${index}/${index:3}", numbered, "f/web/7/7/007"},
		{"named instance", "${group}-${instance}", named, "gw-east"},
		{"escape", "$${fleet} $$${fleet} $ $$ {fleet}", named, "${fleet} $${fleet} $ $$ {fleet}"},
		{"dollar before a name", "$a ${group}", named, "$a gw"},
		{"no index", "web-${index:2}", named, "f:1:9: there is no ${index:2} here [no-index]\n  hint: only a group with a count numbers its machines; use ${instance}\n"},
		{"index of the fleet", "${index}", scope{fleet: "f"}, "f:1:5: there is no ${index} here [unknown-name]\n  hint: it is known inside of machines and defaults only\n"},
		{"typo", "中 ${gruop}", named, "f:1:7: ${gruop} stands for nothing [unknown-name]\n  hint: did you mean ${group}? Write $${ for a plain ${\n"},
		{"typo with width", "${indx:2}", numbered, "f:1:5: ${indx:2} stands for nothing [unknown-name]\n  hint: did you mean ${index}? Write $${ for a plain ${\n"},
		{"shell", "${HOSTNAME}", named, "f:1:5: ${HOSTNAME} stands for nothing [unknown-name]\n  hint: known here: ${fleet}, ${group}, ${instance}, ${index}, ${index:2} and ${var.NAME}; write $${ for a plain ${\n"},
		{"bad width", "${index:0}", numbered, "f:1:5: ${index:0} has no valid width [unknown-name]\n  hint: write ${index:2} for 01, 02 and so on; widths go from 1 to 9\n"},
		{"open", "${fleet", named, "f:1:5: ${ has no closing } [bad-interpolation]\n  hint: close it, or write $${ for a plain ${\n"},
		{"nested", "${${fleet}}", named, "f:1:5: ${ has no closing } [bad-interpolation]\n  hint: close it, or write $${ for a plain ${\n"},
		{"all at once", "${a1} ${b2}", named, "f:1:5: ${a1} stands for nothing [unknown-name]\n  hint: known here: ${fleet}, ${group}, ${instance}, ${index}, ${index:2} and ${var.NAME}; write $${ for a plain ${\n" +
			"f:1:11: ${b2} stands for nothing [unknown-name]\n  hint: known here: ${fleet}, ${group}, ${instance}, ${index}, ${index:2} and ${var.NAME}; write $${ for a plain ${\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := parse(t, fmt.Sprintf("k: \"%s\"\n", test.in))
			got := said(test.scope.expand(root))
			if got == "" {
				got = root.get("k").text
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpandReaches(t *testing.T) {
	root := parse(t, "a: [\"${fleet}\", {b: \"${fleet}\"}]\nuserData: echo ${HOME} ${fleet}\nn: {userData: {template: \"${fleet}.tmpl\"}}\n\"${fleet}\": 1\n")
	if found := (scope{fleet: "f"}).expand(root); len(found) > 0 {
		t.Fatal(said(found))
	}
	want := `{"${fleet}":1,"a":["f",{"b":"f"}],"n":{"userData":{"template":"f.tmpl"}},"userData":"echo ${HOME} ${fleet}"}`
	if diff := cmp.Diff(want, asJSON(t, root)); diff != "" {
		t.Error(diff)
	}
}

// Every finding points at its own ${, wherever YAML lets text stand.
func TestExpandPlaces(t *testing.T) {
	root := parse(t, "a: plain ${x1}\n  ${x2}\nb: 'it''s ${x3}'\nc: \"\\t中 ${x4}\"\nd: | # ${comment}\n  ${x5}\n   中${x6} ${x7}\ne: >-\n\n  ${x8}\nf: [x, \"${x9}\"]\n")
	got := make(map[string]string)
	for _, d := range (scope{}).expand(root) {
		got[d.Message[:5]] = d.Pos.String()
	}
	want := map[string]string{
		"${x1}": "f:1:10", "${x2}": "f:2:3", "${x3}": "f:3:11", "${x4}": "f:4:9",
		"${x5}": "f:6:3", "${x6}": "f:7:5", "${x7}": "f:7:11", "${x8}": "f:10:3", "${x9}": "f:11:9",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
