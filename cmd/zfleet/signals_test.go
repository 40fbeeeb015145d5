package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"zfleet/examples"
	"zfleet/executor"
	"zfleet/internal/simulator"
)

const signalFleet = `apiVersion: zfleet/v1
kind: Fleet
name: signals
id: abcd1234
limits: {parallelism: 2}
machines:
  web: {count: 4, instanceOffering: small, networks: [app-net], source: {image: centos-7.9}}
`

// process is a zfleet of its own at work on a simulated data center.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	dir    string
	server *simulator.Server
	stderr lockedBuffer
}

// lockedBuffer is written by a process and read by a test.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// launch prepares a command on a data center of its own.
func launch(t *testing.T, options simulator.Options, args ...string) *process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there are no such signals")
	}
	t.Parallel()
	options.Datacenter = examples.Datacenter
	server, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(func() { _ = server.Close(); listener.Close() })
	p := &process{t: t, dir: t.TempDir(), server: server}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test binary is zfleet when it is called so, see TestMain.
	name := filepath.Join(p.dir, "zfleet")
	if err := errors.Join(os.Symlink(self, name), os.WriteFile(filepath.Join(p.dir, "fleet.yaml"), []byte(signalFleet), 0o600)); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(name, args...)
	p.cmd.Dir = p.dir
	p.cmd.Env = append(os.Environ(), "ZFLEET_ENDPOINT="+listener.URL, "ZSTACK_ACCOUNT_NAME="+simulatorAccount,
		"ZSTACK_ACCOUNT_PASSWORD="+simulatorPassword, "XDG_STATE_HOME="+filepath.Join(p.dir, "state"))
	p.cmd.Stderr = &p.stderr
	return p
}

// apply prepares an apply where a creation lasts that long.
func apply(t *testing.T, latency time.Duration, more ...string) *process {
	t.Helper()
	return launch(t, simulator.Options{Latency: latency}, append([]string{"apply", "-f", "fleet.yaml", "--auto-approve", "--run-dir", "run"}, more...)...)
}

func (p *process) start() {
	p.t.Helper()
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
}

// awaitCreates waits until the server has so many creations to do.
func (p *process) awaitCreates(n int) {
	p.t.Helper()
	p.await("creations on the server", func() bool {
		count := 0
		for _, request := range p.server.Requests() {
			if request.Operation == "CreateVmInstance" {
				count++
			}
		}
		return count >= n
	})
}

func (p *process) await(what string, met func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !met(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s; stderr:\n%s", what, &p.stderr)
		}
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for the process and holds its exit code.
func (p *process) ends(want int) {
	p.t.Helper()
	timer := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		p.t.Errorf("exit code %d (%s), want %d; stderr:\n%s", got, p.cmd.ProcessState, want, &p.stderr)
	}
}

// record reads journal and report of the run, which must tell the same.
func (p *process) record() *executor.Report {
	p.t.Helper()
	file, err := os.Open(filepath.Join(p.dir, "run", "journal.jsonl"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer file.Close()
	events, err := executor.ReadJournal(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if len(events) == 0 || events[len(events)-1].Type() != "run-finished" {
		p.t.Errorf("the journal is not closed; stderr:\n%s", &p.stderr)
	}
	folded, err := executor.Fold(events)
	if err != nil {
		p.t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(p.dir, "run", "report.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	var written executor.Report
	if err := json.Unmarshal(data, &written); err != nil {
		p.t.Fatal(err)
	}
	if written.Totals != folded.Totals {
		p.t.Errorf("the report says %+v, the journal %+v", written.Totals, folded.Totals)
	}
	return folded
}

func (p *process) totals(want executor.Totals) {
	p.t.Helper()
	if got := p.record().Totals; got != want {
		p.t.Errorf("totals %+v, want %+v; stderr:\n%s", got, want, &p.stderr)
	}
}

func (p *process) says(want string) {
	p.t.Helper()
	if !strings.Contains(p.stderr.String(), want) {
		p.t.Errorf("stderr does not say %q:\n%s", want, &p.stderr)
	}
}

func TestInterruptDrains(t *testing.T) {
	p := apply(t, 1500*time.Millisecond)
	p.start()
	p.awaitCreates(2)
	p.signal(os.Interrupt)
	p.ends(exitInterrupted)
	p.totals(executor.Totals{Succeeded: 2, NotStarted: 2})
	p.says("waiting for what is in flight")
	p.says("zfleet resume run")
	if strings.Contains(p.stderr.String(), "nothing more is started") {
		t.Errorf("one interrupt is answered twice:\n%s", &p.stderr)
	}
}

// TestInterruptOfTheLast: an interrupt that leaves nothing out is no trouble.
func TestInterruptOfTheLast(t *testing.T) {
	p := apply(t, 1500*time.Millisecond, "--target", "web/1", "--target", "web/2", "--report", "report.md")
	p.start()
	p.awaitCreates(2)
	p.signal(os.Interrupt)
	p.ends(exitOK)
	report, err := os.ReadFile(filepath.Join(p.dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(report); !strings.Contains(text, "applied: 2 machines succeeded") || strings.Contains(text, "no further step") {
		t.Errorf("the report:\n%.600s", text)
	}
}

func TestSecondInterruptLeavesAtOnce(t *testing.T) {
	p := apply(t, time.Hour)
	p.start()
	p.awaitCreates(2)
	p.signal(os.Interrupt)
	p.await("answer to the first interrupt", func() bool { return strings.Contains(p.stderr.String(), "Interrupt again") })
	p.signal(os.Interrupt)
	left := time.Now()
	p.ends(exitIndeterminate) // which outranks the interrupt
	if took := time.Since(left); took > 5*time.Second {
		t.Errorf("leaving took %s", took)
	}
	p.totals(executor.Totals{Indeterminate: 2, NotStarted: 2})
	p.says("zfleet resume run")
}

func TestTerminateDrainsForAWhile(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		p := apply(t, 1500*time.Millisecond)
		p.start()
		p.awaitCreates(2)
		p.signal(syscall.SIGTERM)
		p.ends(exitTerminated)
		p.totals(executor.Totals{Succeeded: 2, NotStarted: 2})
	})
	t.Run("too late", func(t *testing.T) {
		p := apply(t, time.Hour, "--drain-timeout", "100ms")
		p.start()
		p.awaitCreates(2)
		p.signal(syscall.SIGTERM)
		p.ends(exitIndeterminate)
		p.totals(executor.Totals{Indeterminate: 2, NotStarted: 2})
	})
}

func TestHangUpDoesNotEndARun(t *testing.T) {
	p := apply(t, 500*time.Millisecond)
	p.start()
	p.awaitCreates(2)
	p.signal(syscall.SIGHUP)
	p.ends(exitOK)
	p.totals(executor.Totals{Succeeded: 4})
}

// TestStreamsThatNobodyReads closes the reading ends of stdout and stderr in
// the middle of a run.
func TestStreamsThatNobodyReads(t *testing.T) {
	for name, args := range map[string][]string{
		"text": {}, "json": {"-o", "json"}, "events": {"--events", "-"}, "verbose": {"-v"},
	} {
		t.Run(name, func(t *testing.T) {
			p := apply(t, 500*time.Millisecond, args...)
			p.cmd.Stderr = nil
			out, err1 := p.cmd.StdoutPipe()
			log, err2 := p.cmd.StderrPipe()
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, out) }()
			go func() { _, _ = io.Copy(&p.stderr, log) }()
			p.start()
			p.awaitCreates(2)
			if err := errors.Join(out.Close(), log.Close()); err != nil {
				t.Fatal(err)
			}
			p.ends(exitOK)
			p.totals(executor.Totals{Succeeded: 4})
		})
	}
}

// TestInterruptBeforeTheRun ends what only reads or asks, at once.
func TestInterruptBeforeTheRun(t *testing.T) {
	for name, args := range map[string][]string{"plan": {"plan", "-f", "fleet.yaml"}, "apply": {"apply", "-f", "fleet.yaml"}} {
		t.Run(name, func(t *testing.T) {
			faults, err := simulator.ParseFaults([]byte("- {path: /vm-instances, fault: hang}\n"))
			if err != nil {
				t.Fatal(err)
			}
			p := launch(t, simulator.Options{Faults: faults}, args...)
			p.start()
			p.await("query", func() bool {
				return slices.ContainsFunc(p.server.Requests(), func(r simulator.Request) bool { return r.Operation == "QueryVmInstance" })
			})
			p.signal(os.Interrupt)
			p.ends(exitInterrupted)
			p.says("interrupted; nothing was changed")
		})
	}
}
