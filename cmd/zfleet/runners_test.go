package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"zfleet/executor"
	"zfleet/planner"
)

// TestTwoRunners lets two processes carry out the same change of the same fleet
// at the same time. Whoever wins, no machine is there twice, what a report
// calls succeeded is so, and one more apply finds the fleet as the file says.
func TestTwoRunners(t *testing.T) {
	rounds := 1
	if os.Getenv(longCrashes) != "" {
		rounds = 20
	}
	for _, tc := range crashCases {
		for round := range rounds {
			t.Run(fmt.Sprintf("%s/%d", tc.name, round), func(t *testing.T) {
				t.Parallel()
				b := newCrashBed(t)
				b.prepare(tc.before, tc.after)
				dirs := []string{"one", "two"}
				codes := make([]int, len(dirs))
				var runners sync.WaitGroup
				for i, dir := range dirs {
					runners.Go(func() { codes[i] = b.run(append(tc.command[:len(tc.command):len(tc.command)], "--run-dir", dir)...) })
				}
				runners.Wait()
				for i, dir := range dirs {
					b.checkReport(dir, codes[i])
				}
				b.converge(tc.command...)
				b.check(tc.want, tc.binned)
			})
		}
	}
}

// checkReport holds a runner's report against its exit code.
func (b *crashBed) checkReport(dir string, code int) {
	b.t.Helper()
	if code == exitStale {
		return // it saw the other at work, and did nothing
	}
	data, err := os.ReadFile(filepath.Join(b.dir, dir, reportFile))
	if err != nil {
		b.t.Error(err)
		return
	}
	report, err := executor.DecodeReport(data)
	if err != nil {
		b.t.Error(err)
		return
	}
	n := report.Totals
	if n.Indeterminate > 0 || report.Ended == nil {
		b.t.Errorf("%s: an outcome is unknown although every answer came: %+v", dir, n)
	}
	if undone := n.Failed + n.Blocked + n.Skipped + n.NotStarted; undone > 0 && code != exitPartial || undone == 0 && code == exitIndeterminate {
		b.t.Errorf("%s: exit code %d with %d steps not done", dir, code, undone)
	}
	if sum := n.Succeeded + n.Failed + n.Indeterminate + n.Blocked + n.Skipped + n.NotStarted; sum != len(report.Steps) {
		text, _ := json.Marshal(n)
		b.t.Errorf("%s: totals %s do not add up to %d steps", dir, text, len(report.Steps))
	}
}

// TestRunnersNameEachOther lets two processes make the same machines, both
// having seen none of them: the server's record says who made each, and who
// came second says so too.
func TestRunnersNameEachOther(t *testing.T) {
	t.Parallel()
	b := newCrashBed(t)
	b.holdCreates("one", "two")
	b.prepare("", crashFleet)
	var runners sync.WaitGroup
	for _, dir := range []string{"one", "two"} {
		runners.Go(func() {
			if code := b.run("apply", "-f", "fleet.yaml", "--auto-approve", "--run-dir", dir, "--report", dir+".md"); code != exitOK {
				t.Errorf("%s: exit code %d", dir, code)
			}
		})
	}
	runners.Wait()
	makers := b.makers()
	second := 0
	for _, dir := range []string{"one", "two"} {
		report := b.report(dir)
		others := make(map[string]bool)
		for _, s := range report.Steps {
			maker := makers[s.UUID]
			switch {
			case s.Verb != "create":
			case maker == dir && s.MadeBy != nil:
				t.Errorf("%s: %s is its own, but said to be made by %+v", dir, s.ID, s.MadeBy)
			case maker != dir && (s.MadeBy == nil || s.MadeBy.RunID != maker || s.MadeBy.Host == "" || !strings.Contains(s.Note, "made by run "+maker+" on ")):
				t.Errorf("%s: %s was made by %q, and the report says %+v, %q", dir, s.ID, maker, s.MadeBy, s.Note)
			case maker != dir:
				second++
				others[maker] = true
			}
		}
		if len(report.Others) != len(others) {
			t.Errorf("%s: the report names %+v, and %v were at work", dir, report.Others, others)
		}
		text, err := os.ReadFile(filepath.Join(b.dir, dir+".md"))
		if err != nil {
			t.Fatal(err)
		}
		if said := strings.Count(string(text), "another run was at work on this fleet"); said != len(others) {
			t.Errorf("%s: said %d times that another run was at work, want %d", dir, said, len(others))
		}
	}
	if second != len(makers) || second != 5 {
		t.Errorf("%d machines, of which %d had a second runner, want 5", len(makers), second)
	}
	b.converge("apply", "-f", "fleet.yaml", "--auto-approve")
	b.check(crashCases[0].want, 0)
}

// holdCreates keeps the first create requests back until each of the runs has
// sent one: none of them then knows of a machine of the others.
func (b *crashBed) holdCreates(runs ...string) {
	var (
		mu      sync.Mutex
		missing = slices.Clone(runs)
		all     = make(chan struct{})
	)
	b.before = func(r *http.Request) {
		if r.Method != http.MethodPost || !strings.Contains(r.URL.Path, "/vm-instances") {
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		mu.Lock()
		was := len(missing)
		missing = slices.DeleteFunc(missing, func(run string) bool { return bytes.Contains(body, []byte("::run::"+run+"@")) })
		if was > 0 && len(missing) == 0 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-r.Context().Done():
		}
	}
}

// makers returns, by VM, the run that the server's record says made it.
func (b *crashBed) makers() map[string]string {
	b.t.Helper()
	makers := make(map[string]string)
	for _, tag := range b.sim.UserTags() {
		uuid := fmt.Sprint(tag["resourceUuid"])
		if run, _, ok := (planner.Scope{Name: "crash", ID: "c0ffee42"}).ParseRunTag(fmt.Sprint(tag["tag"])); ok {
			if makers[uuid] != "" {
				b.t.Errorf("VM %s says twice who made it", uuid)
			}
			makers[uuid] = run
		}
	}
	return makers
}

// report reads the report of a run.
func (b *crashBed) report(dir string) *executor.Report {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, dir, reportFile))
	if err != nil {
		b.t.Fatal(err)
	}
	report, err := executor.DecodeReport(data)
	if err != nil {
		b.t.Fatal(err)
	}
	return report
}
