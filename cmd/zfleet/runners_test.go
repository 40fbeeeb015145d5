package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"zfleet/executor"
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
