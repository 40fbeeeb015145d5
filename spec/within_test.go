package spec

import (
	"strings"
	"testing"
	"unicode"
)

// TestWithin finds every character of scalars, however they are written, again
// in the file.
func TestWithin(t *testing.T) {
	for name, text := range map[string]string{
		"plain":                    "deny: plan.deletes > 0 && fleet.name != 'a'  # not this",
		"plain over lines":         "deny: plan.deletes\n  > 0\n\n  && fleet.name == 'x'\nnext: 1",
		"in a list":                "- - {deny: plan.deletes > 0}",
		"single quotes":            "deny: 'fleet.name == ''数据'' && change.key == ''b'''",
		"single quotes over lines": "deny: 'fleet.name\n\n   == ''数据'''",
		"double quotes":            `deny: "fleet.name == \"a\" && \x61 \u6570\t== \\ '中' \/ b"`,
		"double quotes over lines": "deny: \"fleet.name \\\n  == \\\"a\\\"\n  && b\"",
		"a block":                  "deny: |\n  fleet.name == \"数据\" &&\n    change.key == 'b'  # a part of it\n\n  // more\n  || c\nnext: 1",
		"a block that keeps":       "deny: |+\n    fleet.name\n      == b\n\n",
		"folded text":              "deny: >-\n  fleet.name == \"数据\"\n  && change.key\n\n    == 'b'\n",
		"folded text with tabs":    "deny: >\n  fleet.name\t== 'a'\t\t&& b\n",
		"an anchor":                "deny: &a fleet.name == 'a'",
		"an anchor before a block": "deny: &a |\n  fleet.name == 'a'",
		"a tag":                    "deny: !!str fleet.name == 'a'",
		"carriage returns":         "deny: |\r\n  fleet.name\r\n  == 'a'\r\n",
		"after wide characters":    "数据: {文: 一, deny: \"一 == 二\"}",
		"after a byte order mark":  "\ufeffdeny: fleet.name == 'a'",
	} {
		t.Run(name, func(t *testing.T) {
			in := Input{Name: "f.yaml", Data: []byte(text)}
			root, found := readYAML(in)
			if root == nil {
				t.Fatal(found)
			}
			n := denyIn(root)
			lines := strings.Split(strings.ReplaceAll(strings.TrimPrefix(text, "\ufeff"), "\r\n", "\n"), "\n")
			count := 0
			for i, r := range []rune(n.text) {
				if unicode.IsSpace(r) {
					continue
				}
				count++
				at := within(n, i, []Input{in})
				line := []rune(lines[at.Line-1])[at.Column-1:]
				if line[0] != r && !strings.HasPrefix(string(line), `\`) {
					t.Errorf("character %d, %q, is placed at %v: %q", i, r, at, string(line))
				}
			}
			first, last := within(n, 0, []Input{in}), within(n, len([]rune(n.text)), []Input{in})
			if count < 4 || first == last {
				t.Errorf("%d characters from %v to %v", count, first, last)
			}
		})
	}
}

// TestWithinGivesUp wants the place of the scalar where its text is not found.
func TestWithinGivesUp(t *testing.T) {
	in := Input{Name: "f.yaml", Data: []byte("deny: plan.deletes > 0\n")}
	root, _ := readYAML(in)
	n := denyIn(root)
	for name, test := range map[string]struct {
		text   string
		inputs []Input
	}{
		"other text":   {"plan.creates > 0", []Input{in}},
		"longer text":  {"plan.deletes > 0 && more", []Input{in}},
		"no such file": {"plan.deletes > 0", nil},
	} {
		other := *n
		other.text = test.text
		if at := within(&other, 40, test.inputs); at != n.pos {
			t.Errorf("%s: %v, want %v", name, at, n.pos)
		}
	}
}

// denyIn returns the value of the key deny.
func denyIn(n *node) *node {
	for _, e := range n.entries {
		if e.key == "deny" {
			return e.value
		}
		if inner := denyIn(e.value); inner != nil {
			return inner
		}
	}
	for _, item := range n.items {
		if inner := denyIn(item); inner != nil {
			return inner
		}
	}
	return nil
}
