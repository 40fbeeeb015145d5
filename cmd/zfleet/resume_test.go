//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// underWay waits until a run has sent something.
func (b *crashBed) underWay(journal string) {
	b.t.Helper()
	for range 2000 {
		data, _ := os.ReadFile(filepath.Join(b.dir, journal))
		if bytes.Contains(data, []byte("attempt-started")) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.t.Fatal("the run sent nothing")
}

// TestResumeCommandIsTrue interrupts a run twice and runs the command that it
// printed, word for word, until the server has decided about what was in flight.
func TestResumeCommandIsTrue(t *testing.T) {
	t.Parallel()
	b := newCrashBed(t)
	b.fleet(crashFleet)
	cmd, out := b.command(t.Context(), "apply", "-f", "fleet.yaml", "--var-file", "it's.yaml", "--auto-approve", "--run-dir", "a run")
	if err := os.WriteFile(filepath.Join(b.dir, "it's.yaml"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.underWay("a run/journal.jsonl")
	_ = cmd.Process.Signal(syscall.SIGINT)
	time.Sleep(20 * time.Millisecond) // signals that come together are one
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	b.note(cmd, out)
	found := regexp.MustCompile(`(?m)^Resume: (zfleet resume .*)$`).FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("no command to resume with in:\n%s", out)
	}
	if want := `zfleet resume 'a run' -f fleet.yaml --var-file 'it'\''s.yaml'`; found[1] != want {
		t.Errorf("command %s, want %s", found[1], want)
	}
	report, err := reportOfRun(filepath.Join(b.dir, "a run"))
	if err != nil || report.Resume != found[1] {
		t.Errorf("the record has the command %q, %v, want %s", report.Resume, err, found[1])
	}
	for range 12 {
		again, out := b.command(t.Context())
		shell := exec.Command("sh", "-c", found[1])
		shell.Dir, shell.Env, shell.Stdout, shell.Stderr = again.Dir, again.Env, out, out
		shell.Env = append(shell.Env, "PATH="+filepath.Dir(b.binary))
		err := shell.Run()
		b.note(shell, out)
		if err == nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.check(crashCases[0].want, 0)
}

// TestResumeOfALiveRun refuses to do the rest of a run that is still at it.
func TestResumeOfALiveRun(t *testing.T) {
	t.Parallel()
	b := newCrashBed(t)
	b.fleet(crashFleet)
	cmd, out := b.command(t.Context(), "apply", "-f", "fleet.yaml", "--auto-approve", "--run-dir", "live")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.underWay("live/journal.jsonl")
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	refused := b.run("resume", "live", "-f", "fleet.yaml")
	list := b.run("runs", "live")
	_ = cmd.Process.Signal(syscall.SIGCONT)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	b.note(cmd, out)
	if refused != exitFailure || list != exitOK || !strings.Contains(b.log.String(), "run live is still going on") {
		t.Errorf("exit codes %d and %d, want 1 and 0, and the reason", refused, list)
	}
	b.check(crashCases[0].want, 0)
}

// TestRecordRemovedInTheMiddle takes a run its directory away: it starts nothing
// more, says so, and names no command that could not work; another apply does
// the rest, each machine once.
func TestRecordRemovedInTheMiddle(t *testing.T) {
	t.Parallel()
	b := newCrashBed(t)
	b.fleet(crashFleet)
	cmd, out := b.command(t.Context(), "apply", "-f", "fleet.yaml", "--auto-approve", "--parallelism", "1", "--run-dir", "lost", "--report", "r.json")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.underWay("lost/journal.jsonl")
	if err := os.RemoveAll(filepath.Join(b.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	b.note(cmd, out)
	report, err := os.ReadFile(filepath.Join(b.dir, "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != exitPartial && code != exitIndeterminate {
		t.Errorf("exit code %d", code)
	}
	said := out.String()
	if !strings.Contains(said, "its record was removed from lost") || !strings.Contains(said, "not started") {
		t.Errorf("it does not say what happened")
	}
	if strings.Contains(said, "zfleet resume") || bytes.Contains(report, []byte("resumeCommand")) {
		t.Errorf("it names a command that cannot work")
	}
	for range 12 {
		again, out := b.command(t.Context(), "apply", "-f", "fleet.yaml", "--auto-approve")
		err := again.Run()
		b.note(again, out)
		if err == nil {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.check(crashCases[0].want, 0)
}
