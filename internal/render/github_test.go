package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/spec"
)

func TestGitHubAnnotations(t *testing.T) {
	golden(t, "annotations.txt", func(w io.Writer) error {
		return GitHubAnnotations(w, PlanFindings(mixedPlan(), "fleet.yaml"))
	})
	at := func(line int) spec.Pos { return spec.Pos{File: "a,b:c%.yaml", Line: line, Column: 5} }
	many := spec.Diagnostics{
		{Pos: at(1), Code: "unknown-key", Message: "unknown key \"memroy\"", Hint: "did you mean \"memory\"?"},
		{Pos: at(2), Code: "same", Message: "twice"}, {Pos: at(3), Code: "same", Message: "twice"},
		{Message: "no place: 100%\n::set-output name=x::y\r\n::stop-commands::z"},
	}
	for n := range 20 {
		many = append(many, spec.Diagnostic{Pos: at(10 + n), Code: "c", Message: fmt.Sprint("error ", n)},
			spec.Diagnostic{Severity: spec.Note, Pos: at(10 + n), Code: "c", Message: fmt.Sprint("note ", n%10)})
	}
	golden(t, "annotations-many.txt", func(w io.Writer) error { return GitHubAnnotations(w, many) })
}

// FuzzGitHubAnnotations: whatever a finding says, it is one command, and the
// runner reads back from it what was said.
func FuzzGitHubAnnotations(f *testing.F) {
	for _, text := range append(hostile, hostileNames...) {
		f.Add(text)
	}
	f.Add("%0A::set-output name=x::y")
	f.Fuzz(func(t *testing.T, text string) {
		found := spec.Diagnostics{{Pos: spec.Pos{File: text, Line: 3, Column: 4}, Code: text, Message: text}}
		var out bytes.Buffer
		if err := GitHubAnnotations(&out, found); err != nil {
			t.Fatal(err)
		}
		line, end, _ := strings.Cut(out.String(), "\n")
		if end != "" {
			t.Fatalf("more than one line: %q", out.String())
		}
		head, message, _ := strings.Cut(strings.TrimPrefix(line, "::"), "::")
		command, list, _ := strings.Cut(head, " ")
		got := map[string]string{"command": command, "message": unescapeCommand(message)}
		for _, property := range strings.Split(list, ",") {
			name, value, _ := strings.Cut(property, "=")
			got[name] = unescapeCommand(value)
		}
		want := map[string]string{"command": "error", "message": visible(text), "title": visible(text)}
		if text == "" {
			want["title"] = "zfleet"
		} else {
			want["file"], want["line"], want["col"] = visible(text), "3", "4"
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// unescapeCommand is what the runner does with values.
func unescapeCommand(text string) string {
	return strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",").Replace(text)
}

func TestGitHubLog(t *testing.T) {
	for in, want := range map[string]string{
		"plain\n":                      "plain\n",
		"::error::x\n":                 ": :error::x\n",
		"a\n  ::error::x\n":            "a\n  : :error::x\n",
		"fleet.yaml:3:5: x::y\n":       "fleet.yaml:3:5: x::y\n",
		"a\r::stop-commands::b":        "a\r: :stop-commands::b",
		"\u3000\u00a0::group::x":       "\u3000\u00a0: :group::x",
		"x ##[add-mask]y\n##[error]z":  "x ## [add-mask]y\n## [error]z",
		"# [1] #[2] ##\n[3] ###[4]":    "# [1] #[2] ##\n[3] ### [4]",
		"fd00::1 is an address\n::1\n": "fd00::1 is an address\n: :1\n",
	} {
		for size := 1; size <= len(in); size++ {
			var out bytes.Buffer
			log := NewGitHubLog(&out)
			for rest := []byte(in); len(rest) > 0; {
				n := min(size, len(rest))
				if wrote, err := log.Write(rest[:n]); err != nil || wrote != n {
					t.Fatalf("Write = %d, %v", wrote, err)
				}
				rest = rest[n:]
			}
			if d := cmp.Diff(want, out.String()); d != "" {
				t.Errorf("%q in pieces of %d (-want +got):\n%s", in, size, d)
			}
		}
	}
}

// FuzzGitHubLog: nothing that passes through is a command, and nothing but
// blanks is added.
func FuzzGitHubLog(f *testing.F) {
	for _, text := range []string{"::error::x", " \u2003::x", "##[error]x", ":::", "\x00::a", "a\n\n::\r::", "\ufeff::x", "\x85::x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var out bytes.Buffer
		if _, err := NewGitHubLog(&out).Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' || r == '\r' }) {
			if strings.HasPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::") || strings.Contains(line, "##[") {
				t.Errorf("a command: %q", line)
			}
		}
		if strings.ReplaceAll(out.String(), " ", "") != strings.ReplaceAll(text, " ", "") {
			t.Errorf("%q became %q", text, out.String())
		}
	})
}

func TestGitLabReports(t *testing.T) {
	golden(t, "codequality.json", func(w io.Writer) error {
		return GitLabCodeQuality(w, append(PlanFindings(mixedPlan(), "fleets/staging.yaml"),
			spec.Diagnostic{Severity: spec.Note, Code: "nowhere", Message: "no file"}))
	})
	var out bytes.Buffer
	if err := GitLabCodeQuality(&out, nil); err != nil || out.String() != "[]\n" {
		t.Errorf("without findings: %q, %v", out.String(), err)
	}
	out.Reset()
	if err := GitLabTerraform(&out, planner.Counts{Create: 5, Update: 2, Replace: 3, Delete: 1, Keep: 7, Blocked: 9}); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff("{\n  \"create\": 8,\n  \"update\": 2,\n  \"delete\": 4\n}\n", out.String()); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
}

// TestGitLabFingerprints: a finding keeps its fingerprint where lines are put in
// before it, and no two findings share one.
func TestGitLabFingerprints(t *testing.T) {
	prints := func(shift int) []string {
		var found spec.Diagnostics
		for _, d := range []spec.Diagnostic{{Code: "a", Message: "x"}, {Code: "a", Message: "x"}, {Code: "a", Message: "y"}, {Code: "b", Message: "x"}} {
			d.Pos = spec.Pos{File: "f.yaml", Line: len(found) + shift}
			found = append(found, d)
		}
		var out bytes.Buffer
		if err := GitLabCodeQuality(&out, found); err != nil {
			t.Fatal(err)
		}
		var prints []string
		for _, line := range strings.Split(out.String(), "\n") {
			if strings.Contains(line, "fingerprint") {
				prints = append(prints, line)
			}
		}
		return prints
	}
	before, after := prints(1), prints(30)
	if d := cmp.Diff(before, after); d != "" || len(before) != 4 {
		t.Errorf("fingerprints (-before +after):\n%s", d)
	}
	seen := make(map[string]bool)
	for _, p := range before {
		if seen[p] {
			t.Errorf("%s twice", p)
		}
		seen[p] = true
	}
}

func TestReportMarkdownWithin(t *testing.T) {
	var whole, short bytes.Buffer
	if err := ReportMarkdown(&whole, stoppedReport()); err != nil {
		t.Fatal(err)
	}
	if err := ReportMarkdownWithin(&short, stoppedReport(), whole.Len()); err != nil || short.String() != whole.String() {
		t.Errorf("a report that fits is changed: %v", err)
	}
	for limit := MinMarkdownLimit; limit < whole.Len(); limit += 37 {
		short.Reset()
		if err := ReportMarkdownWithin(&short, stoppedReport(), limit); err != nil {
			t.Fatal(err)
		}
		if short.Len() > limit || !strings.Contains(short.String(), "Left out to stay within") || !strings.HasSuffix(short.String(), mdText(ReportSummary(stoppedReport()))+"\n") {
			t.Errorf("within %d: %d bytes:\n%s", limit, short.Len(), short.String())
		}
	}
}

// TestReportFindings: what is unknown comes with the command that settles it,
// what is protected is no finding.
func TestReportFindings(t *testing.T) {
	var got []string
	for _, r := range []*executor.Report{report400(), stoppedReport()} {
		for _, d := range ReportFindings(r) {
			got = append(got, d.Code+" "+d.Message[:strings.Index(d.Message, ":")]+": "+d.Hint)
		}
	}
	want := []string{
		"indeterminate create web/318: to settle it: " + report400().Resume,
		"failed create web/17, web/203: ",
		"failed create web/17: ",
		"blocked create web/6, web/9, web/12: ",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}
