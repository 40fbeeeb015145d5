package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
)

// hostile are texts that servers and fleet files may send to break a page.
var hostile = []string{
	"plain",
	"</td><script>alert(1)</script>",
	"a | b | c `code` ``more`` \\| end`",
	"line\nbreak\r\n## heading",
	"\x1b[31mred\x1b[0m \x00 \x07 bell",
	"]]> &amp; <!-- -->",
	"right\u202eto left \u2028 separator",
	"\xff\xfe invalid",
	"| --- |",
	"`",
}

// hostileReport has text wherever a server or a file can put some.
func hostileReport(text string) *executor.Report {
	machine := executor.PlannedMachine{Key: "web/1", Name: text, Action: planner.Create, UUID: uid("f1ee", 1), Reason: text}
	failure := &executor.Failure{Class: "input", Code: text, Message: text, Details: "d " + text, Hint: text,
		Chain: []executor.Cause{{Code: "X.1", Details: text}}}
	facts := &executor.Facts{UUID: uid("f1ee", 1), State: text, Host: text, IPs: []string{text}}
	return &executor.Report{RunID: "r1", Scope: scope, Started: time.Unix(0, 0), Others: []executor.OtherRun{{RunID: text, Host: text}},
		Machines: []executor.MachineResult{{PlannedMachine: machine, Status: executor.Failed, Failure: failure, Facts: facts}},
		Steps: []executor.StepResult{
			{PlannedStep: executor.PlannedStep{ID: "web/1 create", Key: "web/1", Verb: "create"}, Status: executor.Failed, Failure: failure, Note: text, MadeBy: &executor.OtherRun{RunID: text, Host: text},
				Attempts: []executor.Attempt{{Operation: text, JobUUID: text}}},
			{PlannedStep: executor.PlannedStep{ID: "web/1 tag", Key: "web/1", Verb: "tag"}, Status: executor.Succeeded, Note: text},
		}}
}

// FuzzReport puts hostile text into a report and asserts for every format that
// the text stays text: the structure of the document does not depend on it.
func FuzzReport(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		report := hostileReport(text)
		document := func(write func(io.Writer, *executor.Report) error) string {
			var b bytes.Buffer
			if err := write(&b, report); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		checkText(t, document(func(w io.Writer, r *executor.Report) error { return ReportText(w, r, Style{Width: 80}) }))
		checkText(t, document(ReportMarkdown))
		checkMarkdown(t, document(ReportMarkdown))
		checkXML(t, document(ReportJUnit))
		checkHTML(t, document(ReportHTML))
	})
}

// checkText asserts that nothing in a document can steer a terminal.
func checkText(t *testing.T, document string) {
	t.Helper()
	for line := range strings.Lines(document) {
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unprintable) {
			t.Fatalf("a line holds a control character: %q", line)
		}
	}
}

// checkMarkdown asserts that each table keeps its columns and that code spans
// are closed on their line.
func checkMarkdown(t *testing.T, document string) {
	t.Helper()
	columns := 0
	for line := range strings.Lines(document) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if columns != 0 && n != columns {
			t.Fatalf("a row has %d bars, its table %d: %q", n, columns, line)
		}
		columns = n
	}
	if strings.Contains(document, "\n## heading") || strings.Contains(document, "\n<") {
		t.Fatalf("text became markup:\n%s", document)
	}
}

func checkXML(t *testing.T, document string) {
	t.Helper()
	depth, elements := 0, 0
	for decoder := xml.NewDecoder(strings.NewReader(document)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, document)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
			elements++
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 || elements != 6 {
		t.Fatalf("%d elements, %d open; want 6 and none:\n%s", elements, depth, document)
	}
}

func checkHTML(t *testing.T, document string) {
	t.Helper()
	if strings.Contains(document, "<script") || strings.Contains(document, "<!-- -->") {
		t.Fatalf("text became markup:\n%s", document)
	}
	var plain bytes.Buffer
	if err := ReportHTML(&plain, hostileReport("plain")); err != nil {
		t.Fatal(err)
	}
	// Facts and cells that are empty take their tags with them, so at most as
	// many as with plain text may be there.
	if got, want := strings.Count(document, "<"), strings.Count(plain.String(), "<"); got > want {
		t.Fatalf("%d tags, want at most %d:\n%s", got, want, document)
	}
}

func TestXMLText(t *testing.T) {
	got := xmlText("a\x1b[1;31mb\x1b[0m\x00\x0b\ufffe\uffff\tc\nd")
	if d := cmp.Diff("ab\tc\nd", got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestEventJSON(t *testing.T) {
	at := time.Date(2026, 7, 30, 2, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	for _, e := range []executor.Event{
		executor.RunFinished{At: at},
		executor.StepPhase{At: at, Step: "web/1 create", Text: "a\nb"},
	} {
		if err := EventJSON(&b, e); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"type":"run-finished","at":"2026-07-30T02:00:00Z"}` + "\n" +
		`{"type":"step-phase","at":"2026-07-30T02:00:00Z","step":"web/1 create","text":"a\nb"}` + "\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for line := range strings.Lines(b.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

// TestHideSecret: what may be a secret never stands in an excerpt, and the
// columns of the rest stay.
func TestHideSecret(t *testing.T) {
	for line, want := range map[string]string{
		`  consolePassword: geheim5`:                               `  consolePassword: *******`,
		`  db: {consolePassword: "密码 x", userData: abc, cpu: 2}`:   `  db: {consolePassword: ******, userData: ***, cpu: 2}`,
		`  userData: 'pw: geheim5'`:                                `  userData: *************`,
		`  userData: {template: web.yaml}`:                         `  userData: {template: web.yaml}`,
		`  consolePassword: ${var.pw}`:                             `  consolePassword: ${var.pw}`,
		`  p: {sensitive: true, default: geheim}`:                  `  p: {sensitive: true, default: ******}`,
		`  p: {default: small}`:                                    `  p: {default: small}`,
		`  systemTags: ["rootPassword::geheim", "bootMode::UEFI"]`: `  systemTags: ["rootPassword::******", "bootMode::UEFI"]`,
	} {
		if got := hideSecret(line); got != want {
			t.Errorf("hideSecret(%s)\n got %s\nwant %s", line, got, want)
		}
	}
}
