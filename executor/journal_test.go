package executor

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"zfleet/planner"
)

var noon = time.Date(2026, 7, 30, 12, 0, 0, 123456789, time.UTC)

// after is so many seconds after noon.
func after(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

// everyEvent is a made-up run with all that events can carry.
func everyEvent() []Event {
	plan := planOf(step("a stop"), step("a start", "a stop"), step("b create"))
	plan.Changes[1].Reason = "new <b> & “Ω”\u2028"
	failure := Failure{
		Class: "capacity", Operation: "create VM", Code: "SYS.1006", Description: "failed", Details: "no host\nhas room",
		Chain: []Cause{{Code: "HOST.1", Description: "d", Details: "x"}}, Message: "no room", Hint: "free some",
	}
	return []Event{
		runStarted(plan, Options{RunID: "run-1"}, noon),
		StepStarted{At: after(1), Step: "a stop", Try: 1},
		AttemptStarted{At: after(2), Step: "a stop", Operation: "stop VM", JobUUID: "0123"},
		StepRetried{At: after(3), Step: "a stop", Try: 1, Failure: failure, WaitMS: 1500},
		StepStarted{At: after(5), Step: "b create", Try: 1},
		AdmissionStopped{At: after(6), Reason: "auth", Detail: "gone"},
		StepFinished{At: after(7), Step: "a stop", Status: Failed, Failure: &failure, Note: "was busy"},
		StepFinished{At: after(7), Step: "a start", Status: Skipped, Note: "needs a stop"},
		StepFinished{At: after(8), Step: "b create", Status: Succeeded,
			Facts: &Facts{UUID: "vm-b", Name: "b", State: "Running", IPs: []string{"10.0.0.1"}, Host: "h1"}},
		AdmissionPaused{At: after(8), Reason: "server-unreachable", Detail: "refused", WaitMS: 5000},
		AdmissionResumed{At: after(8)},
		RunFinished{At: after(9)},
	}
}

// written returns the journal of events.
func written(t testing.TB, events ...Event) []byte {
	t.Helper()
	var d disk
	j := &Journal{file: &d}
	for _, e := range events {
		j.append(e)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return d.data.Bytes()
}

func TestJournalKeepsEveryEvent(t *testing.T) {
	events := everyEvent()
	data := written(t, events...)
	expect(t, "events", events, readAll(t, data))
	if lines := bytes.Count(data, []byte("\n")); lines != len(events) {
		t.Errorf("%d lines for %d events", lines, len(events))
	}
}

// TestMarshalEvent fixes the bytes: journals and event streams are read by
// other programs.
func TestMarshalEvent(t *testing.T) {
	for want, event := range map[string]Event{
		`{"type":"step-started","at":"2026-07-30T12:00:00.123456789Z","step":"a stop","try":2}`:                                                StepStarted{At: noon, Step: "a stop", Try: 2},
		`{"type":"attempt-started","at":"2026-07-30T12:00:00.123456789Z","step":"a stop","operation":"stop VM","jobUuid":"01"}`:                AttemptStarted{At: noon, Step: "a stop", Operation: "stop VM", JobUUID: "01"},
		`{"type":"step-phase","at":"2026-07-30T12:00:00.123456789Z","step":"a stop","text":"waits"}`:                                           StepPhase{At: noon, Step: "a stop", Text: "waits"},
		`{"type":"step-retried","at":"2026-07-30T12:00:00.123456789Z","step":"a stop","try":1,"failure":{"class":"","message":""},"waitMs":5}`: StepRetried{At: noon, Step: "a stop", Try: 1, WaitMS: 5},
		`{"type":"step-finished","at":"2026-07-30T12:00:00.123456789Z","step":"a stop","status":"succeeded"}`:                                  StepFinished{At: noon, Step: "a stop", Status: Succeeded},
		`{"type":"admission-stopped","at":"2026-07-30T12:00:00.123456789Z","reason":"interrupted"}`:                                            AdmissionStopped{At: noon, Reason: "interrupted"},
		`{"type":"admission-paused","at":"2026-07-30T12:00:00.123456789Z","reason":"server-unreachable","waitMs":5000}`:                        AdmissionPaused{At: noon, Reason: "server-unreachable", WaitMS: 5000},
		`{"type":"admission-resumed","at":"2026-07-30T12:00:00.123456789Z"}`:                                                                   AdmissionResumed{At: noon},
		`{"type":"run-started","at":"2026-07-30T12:00:00.123456789Z","format_version":"1.0","runId":"r","scope":{"name":"a","id":"b"},"planDigest":"d","resumeCommand":"c","machines":[{"key":"k","name":"n","action":"create"}],"steps":[{"id":"k create","key":"k","verb":"create"}]}`: RunStarted{
			At: noon, Format: "1.0", RunID: "r", Scope: planner.Scope{Name: "a", ID: "b"}, PlanDigest: "d", Resume: "c",
			Machines: []PlannedMachine{{Key: "k", Name: "n", Action: planner.Create}}, Steps: []PlannedStep{{ID: "k create", Key: "k", Verb: "create"}}},
		`{"type":"run-finished","at":"2026-07-30T12:00:00.123456789Z"}`: RunFinished{At: noon},
	} {
		got, err := MarshalEvent(event)
		if err != nil {
			t.Error(err)
		}
		expect(t, event.Type(), want, string(got))
		back, err := unmarshalEvent(got)
		if err != nil {
			t.Error(err)
		}
		expect(t, "read back", event, back)
	}
	if _, err := MarshalEvent(RunFinished{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}); err == nil {
		t.Error("an event that JSON cannot say was written")
	}
}

// TestEveryEventCutAnywhere cuts all that a journal can hold at every byte, also
// within the letters of names: what is whole is read, the rest is dropped.
func TestEveryEventCutAnywhere(t *testing.T) {
	events := everyEvent()
	whole := written(t, events...)
	if !bytes.Contains(whole, []byte("Ω")) {
		t.Fatal("no letter of several bytes can be cut")
	}
	for n := range len(whole) + 1 {
		for _, tail := range []string{"", "\x00\x00\x00"} {
			got, err := ReadJournal(strings.NewReader(string(whole[:n]) + tail))
			want := events[:bytes.Count(whole[:n], []byte("\n"))]
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Fatalf("cut at %d, then %q: %v (-want +got):\n%s", n, tail, err, diff)
			}
		}
	}
}

func TestReadJournalNamesTheDamage(t *testing.T) {
	start := string(written(t, everyEvent()[0]))
	newer := strings.Replace(start, `"1.0"`, `"1.7"`, 1)
	end := `{"type":"run-finished","at":"2026-07-30T12:00:00Z","later":true}` + "\n"
	for name, c := range map[string]struct {
		text   string
		events int
		want   string // of the error
	}{
		"empty":                 {"", 0, ""},
		"torn last line":        {start + `{"type":"run-fin`, 1, ""},
		"last line without end": {start + strings.TrimSpace(end), 1, ""},
		"zeros at the end":      {start + "\x00\x00\x00", 1, ""},
		"zeros in a line":       {start + `{"type":"run-` + "\x00\x00\x00\n", 1, ""},
		"zeros before a line":   {start + "\x00\x00\n" + end, 1, ""},
		"cut within a letter":   {start + `{"type":"step-phase","text":"` + "Ω"[:1], 1, ""},
		"unknown field":         {start + end, 2, ""},
		"newer minor":           {newer + `{"type":"machine-yawned"}` + "\n" + end, 2, ""},
		"newer and damaged":     {newer + "{\n" + end, 0, "journal line 2: not an event"},
		"damaged middle":        {start + `{"type":"run-fin` + "\n" + end, 0, "journal line 2: not an event"},
		"no type":               {start + "{}\n", 0, "journal line 2: not an event: it has no type"},
		"not an object":         {start + "7\n", 0, "journal line 2: not an event"},
		"blank line":            {start + "\n" + end, 0, "journal line 2: not an event"},
		"unknown event":         {start + end + `{"type":"machine-yawned"}` + "\n", 0, `journal line 3: unknown event "machine-yawned"`},
		"wrong field":           {`{"type":"step-started","try":"x"}` + "\n", 0, "journal line 1: step-started: "},
		"newer major":           {strings.Replace(start, `"1.0"`, `"2.0"`, 1), 0, "journal line 1: format version 2.0 cannot be read, only 1.x"},
		"no version":            {strings.Replace(start, `"1.0"`, `""`, 1), 0, `journal line 1: format version "": want major.minor`},
		"odd version":           {strings.Replace(start, `"1.0"`, `"1.x"`, 1), 0, `journal line 1: format version "1.x": want`},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := ReadJournal(strings.NewReader(c.text))
			if c.want == "" {
				if err != nil || len(events) != c.events {
					t.Errorf("got %d events, %v, want %d", len(events), err, c.events)
				}
			} else if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := ReadJournal(badReader{}); !errors.Is(err, errFull) {
		t.Errorf("got %v from a reader that fails", err)
	}
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errFull }

func TestCreateJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	journal, err := CreateJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), planOf(step("a create")), lasting(0), journal, Options{RunID: "run-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "mode", os.FileMode(0o600), info.Mode())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	folded, err := Fold(readAll(t, data))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, folded); diff != "" {
		t.Errorf("the journal gives another report (-live +journal):\n%s", diff)
	}
	if _, err := CreateJournal(path); !errors.Is(err, os.ErrExist) {
		t.Errorf("a journal was made over another: %v", err)
	}
	if _, err := CreateJournal(filepath.Join(path, "no", "such")); err == nil {
		t.Error("a journal was made nowhere")
	}
}

// A record that somebody removed, or put another in the place of, is no record:
// what cannot be read afterwards must not be sent.
func TestJournalWithoutItsName(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"removed":           os.Remove,
		"directory removed": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		},
	} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "journal.jsonl")
		journal, err := CreateJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		journal.append(RunFinished{})
		if err := journal.flush(true); err != nil {
			t.Errorf("%s: before: %v", name, err)
		}
		if err := lose(path); err != nil {
			t.Fatal(err)
		}
		journal.append(RunFinished{})
		if err := journal.flush(true); err == nil {
			t.Errorf("%s: the journal was written to nowhere", name)
		}
		_ = journal.Close()
	}
}

func TestJournalWritesNothingAfterAFailure(t *testing.T) {
	d := &disk{failAfter: 1}
	j := &Journal{file: d}
	j.append(RunFinished{At: noon})
	_ = j.flush(false)
	j.append(RunFinished{At: noon})
	if err := j.flush(false); !errors.Is(err, errFull) {
		t.Fatalf("got %v", err)
	}
	d.failAfter = 0 // there is room again
	size := d.data.Len()
	j.append(RunFinished{At: noon})
	if err := j.Close(); !errors.Is(err, errFull) || !d.closed {
		t.Errorf("Close: %v, closed: %v", err, d.closed)
	}
	expect(t, "size", size, d.data.Len())
}

// TestJournalCutAnywhere cuts the journal of a run at every byte, as a kill
// would, and compares the report with what had really happened by then.
func TestJournalCutAnywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		driver := driverFunc(func(ctx context.Context, s planner.Step, rec Recorder) Outcome {
			switch s.Key {
			case "b":
				if tries++; tries == 1 {
					_, _ = rec.Attempt("create VM")
					return again("busy")
				}
			case "c":
				_, _ = rec.Attempt("stop VM")
				return failed("input", "no")
			}
			time.Sleep(time.Second)
			return lasting(time.Second)(ctx, s, rec)
		})
		plan := planOf(step("a create"), step("b create"), step("c stop"), step("c start", "c stop"), step("d create", "a create"))
		r := perform(t, t.Context(), plan, driver, Options{jitter: ceiling})
		whole := r.disk.data.Bytes()
		for n := range len(whole) + 1 {
			events, err := ReadJournal(bytes.NewReader(whole[:n]))
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			report, err := Fold(events)
			if len(events) == 0 {
				if err == nil {
					t.Fatalf("cut at %d: a report of nothing", n)
				}
				continue
			}
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			for i, s := range report.Steps {
				if want := truth(events, s.ID); s.Status != want {
					t.Errorf("cut at %d, after %s: %s is %s, want %s", n, events[len(events)-1].Type(), s.ID, s.Status, want)
				}
				if s.Tries > r.report.Steps[i].Tries || s.DurationSeconds > r.report.Steps[i].DurationSeconds {
					t.Errorf("cut at %d: %s has %d tries in %v s", n, s.ID, s.Tries, s.DurationSeconds)
				}
			}
			if ended := n == len(whole); ended != (report.Ended != nil) {
				t.Errorf("cut at %d: ended %v", n, report.Ended)
			}
			if sum(report.Totals) != len(plan.Steps) {
				t.Errorf("cut at %d: totals %+v", n, report.Totals)
			}
		}
	})
}

// truth is the status of a step as the events tell it, read backwards: the last
// event of the step decides.
func truth(events []Event, id planner.StepID) Status {
	status, sent := NotStarted, false
	for _, e := range events {
		switch e := e.(type) {
		case StepStarted:
			if e.Step == id && status != Failed {
				status = NotStarted
			}
		case AttemptStarted:
			if e.Step == id {
				sent, status = true, Indeterminate
			}
		case StepRetried:
			if e.Step == id {
				status = Failed
			}
		case StepFinished:
			if e.Step == id {
				return e.Status
			}
		}
	}
	if !sent {
		return NotStarted
	}
	return status
}

func FuzzReadJournal(f *testing.F) {
	whole := written(f, everyEvent()...)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{})
	f.Add(bytes.Replace(whole, []byte(`"1.0"`), []byte(`"1.9"`), 1))
	f.Add(bytes.Replace(whole, []byte(`"b create"`), []byte(`"a stop"`), 1))
	for _, line := range bytes.SplitAfter(whole, []byte("\n")) {
		f.Add(line)
		f.Add(append(bytes.Clone(whole), line...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := ReadJournal(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := ReadJournal(bytes.NewReader(written(t, events...)))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if diff := cmp.Diff(events, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("written and read again (-first +second):\n%s", diff)
		}
		report, err := Fold(events)
		if err != nil {
			return
		}
		if n := sum(report.Totals); n != len(report.Steps) {
			t.Fatalf("totals of %d for %d steps", n, len(report.Steps))
		}
		for _, m := range report.Machines {
			if !m.Status.valid() {
				t.Fatalf("machine %q has the status %q", m.Key, m.Status)
			}
		}
	})
}
