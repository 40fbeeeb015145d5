//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// cutOff kills an apply of the crash fleet when its first requests are out, on a
// server that takes its time with them.
func cutOff(t *testing.T, latency time.Duration, args ...string) *crashBed {
	t.Helper()
	b := newSlowBed(t, latency)
	b.fleet(crashFleet)
	b.runKilled("killed/journal.jsonl", 7, 40*time.Millisecond, append([]string{"apply", "-f", "fleet.yaml", "--auto-approve", "--run-dir", "killed"}, args...)...)
	for range 3000 { // the server goes on by itself
		if states := b.states(); strings.Contains(states, "Starting") && !strings.Contains(states, "Created") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !strings.Contains(b.states(), "Starting") {
		t.Fatalf("nothing is on its way: %s", b.states())
	}
	return b
}

// states lists the states of the fleet's VMs.
func (b *crashBed) states() string {
	var states []string
	for _, vm := range b.sim.VMs() {
		if name, _ := vm["name"].(string); !strings.HasSuffix(name, "-app") {
			states = append(states, name+" "+vm["state"].(string))
		}
	}
	return strings.Join(states, ", ")
}

// said runs zfleet once and returns its exit code and what it said.
func (b *crashBed) said(args ...string) (int, string) {
	b.t.Helper()
	b.mu.Lock()
	before := b.log.Len()
	b.mu.Unlock()
	code := b.run(args...)
	b.mu.Lock()
	defer b.mu.Unlock()
	return code, b.log.String()[before:]
}

// TestSettle goes on after a crash with one command: it waits for what is on its
// way, says so, and reaches the end of an undisturbed run.
func TestSettle(t *testing.T) {
	for name, tt := range map[string]struct {
		command []string
		says    []string
	}{
		"apply": {[]string{"apply", "-f", "fleet.yaml", "--auto-approve"},
			[]string{"Waiting up to 2m0s for ", "that the server is still working on: web/a (Starting)", "  web/a is Running"}},
		"resume": {[]string{"resume", "killed", "-f", "fleet.yaml"},
			[]string{"Asking the server for what was in flight, 4 jobs, up to 2m0s.", "  web/a create: job ", " did what it was sent for"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := cutOff(t, 2*time.Second)
			code, said := b.said(tt.command...)
			for _, want := range tt.says {
				if !strings.Contains(said, want) {
					t.Errorf("not said: %s", want)
				}
			}
			if code != exitOK {
				t.Errorf("exit code %d, want 0", code)
			}
			b.check(crashCases[0].want, 0)
		})
	}
}

// TestSettleInVain meets a server that forgot what it was doing, so that its
// machines and jobs stay as they are for ever.
func TestSettleInVain(t *testing.T) {
	t.Parallel()
	b := cutOff(t, 4*time.Second, "--target", "web")
	_ = b.sim.Close()
	const wayOut = "plan again when that is over, and destroy it by hand if it stays so"
	web := func(flags ...string) []string {
		return append([]string{"apply", "-f", "fleet.yaml", "--auto-approve", "--target", "web"}, flags...)
	}
	for _, tt := range []struct {
		command []string
		says    string
		not     string
	}{
		{web("--settle-timeout", "1s"), "Not settled after 1s: web/a (Starting), ", "2m0s"},
		{web("--settle-timeout", "0"), "Starting", "Waiting up to"},
		{web("--timeout", "1s"), "Waiting up to 1s for 3 machines", "2m0s"},
		{[]string{"resume", "killed", "-f", "fleet.yaml", "--settle-timeout", "2s"}, "has not been seen to end", "2m0s"},
	} {
		code, said := b.said(tt.command...)
		said = strings.Join(strings.Fields(said), " ")
		if code != exitPartial || !strings.Contains(said, tt.says) || !strings.Contains(said, wayOut) || strings.Contains(said, tt.not) {
			t.Errorf("%v: exit code %d, want 6, and %q", tt.command, code, tt.says)
		}
	}

	cmd, out := b.command(t.Context(), web()...)
	watch := &watcher{want: "Waiting up to 2m0s", seen: make(chan struct{})}
	cmd.Stderr = watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-watch.seen
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	b.note(cmd, out)
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("interrupted while waiting: exit code %d, want 130", code)
	}
}

// watcher is a stream that tells when a text has come.
type watcher struct {
	want string
	text strings.Builder
	seen chan struct{}
}

func (w *watcher) Write(p []byte) (int, error) {
	was := strings.Contains(w.text.String(), w.want)
	w.text.Write(p)
	if !was && strings.Contains(w.text.String(), w.want) {
		close(w.seen)
	}
	return len(p), nil
}
