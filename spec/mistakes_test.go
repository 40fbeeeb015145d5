package spec

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected findings of testdata/mistakes")

// templateFiles are the files that the fleets of testdata/mistakes may name.
var templateFiles = map[string]string{
	"ok.yaml":      "#cloud-config\nhostname: ${instance}\n",
	"unknown.yaml": "#cloud-config\nhostname: ${var.nobody}\n",
	"name.yaml":    "#cloud-config\nusers: []\nhostname: x-${instanc}\n",
	"secret.yaml":  "#cloud-config\npassword: ${var.s}\n",
	"script.sh":    "#!/bin/sh\necho ${instance} $${HOME}\n",
}

func readTemplate(name string) ([]byte, error) {
	if text, ok := templateFiles[name]; ok {
		return []byte(text), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// swordfish is the value of the sensitive variable s in testdata/mistakes.
const swordfish = "swordfish-1"

// TestMistakes loads fleets with one mistake each and compares what is said
// about them: place, code, message and hint.
func TestMistakes(t *testing.T) {
	names, err := filepath.Glob("testdata/mistakes/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var rewritten strings.Builder
		for block := range strings.SplitSeq(strings.TrimPrefix(string(text), "=== "), "\n=== ") {
			title, rest, _ := strings.Cut(block, "\n")
			fleet, want, ok := strings.Cut(rest, "---\n")
			if !ok {
				t.Fatalf("%s: %s has no expectation", name, title)
			}
			got := findings(t, fleet)
			fmt.Fprintf(&rewritten, "=== %s\n%s---\n%s\n", title, fleet, got)
			t.Run(filepath.Base(name)+"/"+title, func(t *testing.T) {
				if strings.Contains(got, "swordfish") {
					t.Errorf("the secret shows in\n%s", got)
				}
				if diff := cmp.Diff(strings.TrimSpace(want), strings.TrimSpace(got)); diff != "" && !*update {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
			})
		}
		if *update {
			if err := os.WriteFile(name, []byte(strings.TrimSuffix(rewritten.String(), "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// findings loads a fleet and returns what is said about it as text.
func findings(t *testing.T, text string) string {
	t.Helper()
	var values map[string]string
	if strings.Contains(text, "sensitive") {
		values = map[string]string{"s": swordfish}
	}
	fleet, found := Load([]Input{{Name: "f.yaml", Data: []byte(text)}}, Variables{Values: values, ReadFile: readTemplate})
	if (fleet == nil) != found.HasErrors() {
		t.Errorf("fleet %v, but findings %v", fleet, found)
	}
	var b strings.Builder
	for _, d := range found {
		fmt.Fprintln(&b, d)
		if d.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", d.Hint)
		}
	}
	return b.String()
}
