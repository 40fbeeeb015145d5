package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse holds the reader to three promises for any bytes: it never panics,
// it says something where it returns no tree, and every place it names is one
// that an editor can go to.
func FuzzParse(f *testing.F) {
	seeds := []string{
		"", "a: 1\n", "\ufeffa: &a [*a]\n", "a: &x {b: 1}\nc: {<<: *x}\n", "\t- a\n", "a: |2\n   x\n b\n", "? [a]\n: b\n",
		"名: \"東\\n京 ${var.x}\" # x\r\nb: 'c''d'\r\n", "---\na: 1\n...\n---\n", "%YAML 1.2\n---\n", "a: {b: [c, {d: e}]}\n", "!!map {a: !x b}\n",
		"a: >-\n\n  x ${index}\n\n y\n", "- - - a\n", "a: \"\\x24{\"\n", "&a a: *a\n", "*a : 1\n", "a: b: c\n", "\xff", "a: \"x",
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	examples, _ := filepath.Glob("../examples/*.yaml")
	for _, name := range examples {
		if data, err := os.ReadFile(name); err == nil {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		root, problems := parseYAML(Input{Name: "f", Data: data})
		if root == nil && !problems.HasErrors() {
			t.Fatal("no tree and no error")
		}
		lines := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
		inside := func(what string, at Pos) {
			if at.Line < 1 || at.Line > len(lines) || at.Column < 1 {
				t.Fatalf("%s at %v is outside of the file", what, at)
			}
			if columns := utf8.RuneCountInString(strings.TrimSuffix(lines[at.Line-1], "\r")); at.Column > columns+1 {
				t.Fatalf("%s at %v is behind the end of its line", what, at)
			}
		}
		for _, d := range problems {
			inside(d.Message, d.Pos)
		}
		var walk func(n *node)
		walk = func(n *node) {
			inside("value "+n.text, n.pos)
			for _, at := range n.dollars {
				inside("${ in "+n.text, at)
			}
			if want := strings.Count(n.text, "${"); n.kind == stringNode && len(n.dollars) != want {
				t.Fatalf("%q has %d places of ${, want %d", n.text, len(n.dollars), want)
			}
			for _, e := range n.entries {
				inside("key "+e.key, e.pos)
				walk(e.value)
			}
			for _, item := range n.items {
				walk(item)
			}
		}
		if root == nil {
			return
		}
		walk(root)
		root.plain()
		set, problems := readVariables(root, Variables{})
		problems = append(problems, set.substitute(root)...)
		problems = append(problems, scope{fleet: "f", group: "g", instance: "1", index: 1}.expand(root)...)
		for _, d := range problems {
			inside(d.Message, d.Pos)
		}
	})
}
