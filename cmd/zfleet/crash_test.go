package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zfleet/examples"
	"zfleet/internal/simulator"
)

// longCrashes makes the crash tests kill at every line and at hundreds of
// moments; see CONTRIBUTING.md. ZFLEET_TEST_SEED repeats a failure.
const longCrashes = "ZFLEET_TEST_LONG"

// crashFleet is a fleet of machines from all three sources.
const crashFleet = `apiVersion: zfleet/v1
kind: Fleet
name: crash
id: c0ffee42
safety: {maxDeletes: 5, maxReplacements: 5}
limits: {parallelism: 4}
defaults: {networks: [app-net], instanceOffering: small}
machines:
  web:
    source: {image: centos-7.9}
    dataDisks: [{size: 10GiB}]
    instances: {a: {}, b: {}, c: {}}
  copy:
    source: {snapshot: golden-nightly}
    networks: [db-net]
    placement: {zone: shanghai-1}
    lifecycle: {protect: true}
  db:
    source: {volume: db-root}
    networks: [db-net]
`

// crashChange asks for an update with a stop, a replacement, a deletion with a
// data disk, and a new machine.
func crashChange() string {
	return strings.NewReplacer(
		"instances: {a: {}, b: {}, c: {}}", `instances:
      a: {instanceOffering: medium, description: changed, userTags: ["x::y"]}
      b: {source: {image: ubuntu-22.04}}
      d: {}`,
		"lifecycle: {protect: true}", "hostname: copy",
	).Replace(crashFleet)
}

// crashBinary builds zfleet as users run it, without the race detector.
var crashBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "zfleet-crash")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "zfleet")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
})

// crashBed is one simulated cloud and one working directory.
type crashBed struct {
	t      *testing.T
	binary string
	dir    string
	state  string
	sim    *simulator.Server
	url    string
	before func(*http.Request) // called with every request, if set
	log    bytes.Buffer        // what all runs said, for a failure
	mu     sync.Mutex
}

func newCrashBed(t *testing.T) *crashBed {
	t.Helper()
	return newSlowBed(t, 80*time.Millisecond)
}

// newSlowBed is newCrashBed with a server that takes so long for each job.
func newSlowBed(t *testing.T, latency time.Duration) *crashBed {
	t.Helper()
	binary, err := crashBinary()
	if err != nil {
		t.Fatal(err)
	}
	b := &crashBed{t: t, binary: binary, dir: t.TempDir()}
	b.state = filepath.Join(b.dir, "cloud.json")
	b.sim, err = simulator.New(simulator.Options{Datacenter: examples.Datacenter, StatePath: b.state, Latency: latency})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.before != nil {
			b.before(r)
		}
		b.sim.ServeHTTP(w, r)
	}))
	b.url = server.URL
	t.Cleanup(func() {
		server.Close()
		_ = b.sim.Close()
		if t.Failed() {
			t.Logf("what the runs said:\n%s", b.log.String())
		}
	})
	return b
}

func (b *crashBed) fleet(text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "fleet.yaml"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// prepare applies one fleet file, if there is one, and lays out the next.
func (b *crashBed) prepare(before, after string) {
	b.t.Helper()
	if before != "" {
		b.fleet(before)
		if code := b.run("apply", "-f", "fleet.yaml", "--auto-approve"); code != exitOK {
			b.t.Fatalf("exit code %d before the run", code)
		}
	}
	if after != "" {
		b.fleet(after)
	}
}

// command prepares a zfleet process of its own.
func (b *crashBed) command(ctx context.Context, args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(ctx, b.binary, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+filepath.Join(b.dir, "state"), "HOME="+b.dir,
		"ZFLEET_ENDPOINT="+b.url, "ZSTACK_ACCOUNT_NAME="+simulatorAccount, "ZSTACK_ACCOUNT_PASSWORD="+simulatorPassword)
	out := new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// note keeps what a process said.
func (b *crashBed) note(cmd *exec.Cmd, out *bytes.Buffer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(&b.log, "$ %s → %v\n%s\n", strings.Join(cmd.Args[1:], " "), cmd.ProcessState, out)
}

// run runs zfleet to its end and returns the exit code.
func (b *crashBed) run(args ...string) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	cmd, out := b.command(ctx, args...)
	err := cmd.Run()
	b.note(cmd, out)
	failed, ok := errors.AsType[*exec.ExitError](err)
	if err != nil && !ok {
		b.t.Fatal(err)
	}
	if !ok {
		return exitOK
	}
	return failed.ExitCode()
}

// runKilled starts zfleet and kills it as soon as its journal has some lines
// and a while has passed then. It reports whether the process was still alive.
func (b *crashBed) runKilled(journal string, lines int, after time.Duration, args ...string) (killed bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	cmd, out := b.command(ctx, args...)
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	for alive := true; alive; {
		data, _ := os.ReadFile(filepath.Join(b.dir, journal))
		if bytes.Count(data, []byte("\n")) >= lines {
			break
		}
		select {
		case <-ended:
			alive = false
		case <-time.After(500 * time.Microsecond):
		}
	}
	select {
	case <-ended:
	case <-time.After(after):
	}
	_ = cmd.Process.Kill()
	<-ended
	b.note(cmd, out)
	return cmd.ProcessState.ExitCode() < 0
}

// converge repeats a command while the server is still at work on what was in
// flight, and then wants exit code 0.
func (b *crashBed) converge(args ...string) {
	b.t.Helper()
	code := -1
	for range 12 {
		if code = b.run(args...); code == exitOK {
			return
		}
		if code != exitPartial {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	b.t.Errorf("zfleet %v: exit code %d, want 0", args, code)
}

// crashCases are the plans that are killed.
var crashCases = []struct {
	name          string
	before, after string
	command       []string
	want          map[string]int // data disks by machine that must exist in the end
	binned        int            // VMs in the recycle bin in the end
	lines         int            // of the journal of an undisturbed run
}{
	{"create", "", crashFleet, []string{"apply", "-f", "fleet.yaml", "--auto-approve"},
		map[string]int{"web/a": 1, "web/b": 1, "web/c": 1, "copy/1": 0, "db/1": 0}, 0, 26},
	{"change", crashFleet, crashChange(), []string{"apply", "-f", "fleet.yaml", "--auto-approve"},
		map[string]int{"web/a": 1, "web/b": 1, "web/d": 1, "copy/1": 0, "db/1": 0}, 2, 56},
	{"destroy", strings.Replace(crashFleet, "lifecycle: {protect: true}", "", 1), "", []string{"destroy", "-f", "fleet.yaml", "--auto-approve", "--allow-volume-loss", "db/1"},
		map[string]int{}, 5, 26},
}

func crashSeed(t *testing.T) (uint64, *rand.Rand) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("ZFLEET_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return seed, rand.New(rand.NewPCG(seed, 0))
}

// TestCrash kills runs with SIGKILL, at lines of their journal and moments
// after them, and goes on with resume or with apply as if the journal was lost.
// The simulator's own record must then be that of an undisturbed run.
func TestCrash(t *testing.T) {
	seed, random := crashSeed(t)
	for _, tc := range crashCases {
		step, moments := (tc.lines+4)/5, 1
		if os.Getenv(longCrashes) != "" {
			step, moments = 1, 5
		}
		for line := random.IntN(step); line < tc.lines; line += step {
			for moment := range moments {
				after, resume := time.Duration(0), random.IntN(2) == 0
				if moment > 0 || moments == 1 && random.IntN(2) == 0 {
					after = time.Duration(random.Int64N(int64(60 * time.Millisecond)))
				}
				t.Run(fmt.Sprintf("%s/%d+%s", tc.name, line, after.Round(time.Millisecond)), func(t *testing.T) {
					t.Parallel()
					b := newCrashBed(t)
					b.prepare(tc.before, tc.after)
					killed := b.runKilled("killed/journal.jsonl", line, after, append(tc.command, "--run-dir", "killed")...)
					next := tc.command
					if _, err := os.Stat(filepath.Join(b.dir, "killed", planFile)); resume && killed && err == nil {
						next = []string{"resume", "killed", "-f", "fleet.yaml"}
					}
					b.converge(next...)
					b.check(tc.want, tc.binned)
					if t.Failed() {
						t.Logf("repeat with ZFLEET_TEST_SEED=%d (killed: %v, then %s)", seed, killed, next[0])
					}
				})
			}
		}
	}
}

// cloudRecord is what the simulator keeps.
type cloudRecord struct {
	Tables map[string]map[string]map[string]any `json:"tables"`
	Jobs   map[string]struct {
		Done bool `json:"done"`
	} `json:"jobs"`
}

// check holds the simulator's record against the machines that must be there,
// each once, with their data disks, and what was destroyed once too.
func (b *crashBed) check(want map[string]int, binned int) {
	b.t.Helper()
	_ = b.sim.Close() // writes the record
	data, err := os.ReadFile(b.state)
	if err != nil {
		b.t.Fatal(err)
	}
	var record cloudRecord
	if err := json.Unmarshal(data, &record); err != nil {
		b.t.Fatal(err)
	}
	tags := make(map[string][]string)
	for _, tag := range record.Tables["user-tags"] {
		tags[fmt.Sprint(tag["resourceUuid"])] = append(tags[fmt.Sprint(tag["resourceUuid"])], fmt.Sprint(tag["tag"]))
	}
	keys := make(map[string]string) // by VM
	count := make(map[string]int)
	roots := make(map[string]string) // VM by root volume
	for uuid, vm := range record.Tables["vm-instances"] {
		state, key := fmt.Sprint(vm["state"]), tagValue(tags[uuid], "zfleet::crash-c0ffee42::key::")
		switch {
		case vm["name"] == "legacy-app" || vm["name"] == "vrouter-app":
			continue
		case state == "Destroyed":
			binned--
			continue
		case key == "":
			b.t.Errorf("VM %v (%s) has no owner tag: %v", vm["name"], state, tags[uuid])
		case state != "Running":
			b.t.Errorf("%s is %s", key, state)
		}
		if tagValue(tags[uuid], "zfleet::crash-c0ffee42::restart") != "" {
			b.t.Errorf("%s has a restart tag left", key)
		}
		root := fmt.Sprint(vm["rootVolumeUuid"])
		if roots[root] != "" {
			b.t.Errorf("%s and %s have one root volume", key, roots[root])
		}
		keys[uuid], roots[root] = key, key
		if count[key]++; count[key] > 1 {
			b.t.Errorf("%s is there %d times", key, count[key])
		}
	}
	if binned != 0 {
		b.t.Errorf("%d more VMs in the recycle bin were expected", binned)
	}
	for key := range want {
		if count[key] == 0 {
			b.t.Errorf("%s is missing", key)
		}
	}
	if len(count) != len(want) {
		b.t.Errorf("machines %v, want %v", count, want)
	}
	b.checkDisks(record.Tables["volumes"], tags, keys, want)
}

// checkDisks wants every live data disk of the fleet attached to the machine
// that it came with and tagged, and no more of them than were asked for.
func (b *crashBed) checkDisks(volumes map[string]map[string]any, tags map[string][]string, keys map[string]string, want map[string]int) {
	b.t.Helper()
	disks := make(map[string]int)
	for uuid, volume := range volumes {
		if volume["type"] != "Data" || volume["status"] == "Deleted" || strings.HasPrefix(fmt.Sprint(volume["name"]), "db-root") || volume["name"] == "data-attached" {
			continue
		}
		vm, _ := volume["vmInstanceUuid"].(string)
		tag := tagValue(tags[uuid], "zfleet::crash-c0ffee42::disk::")
		if keys[vm] == "" || !strings.HasPrefix(tag, keys[vm]+"::") {
			b.t.Errorf("data disk %v leaked: attached to %q (%s), tag %q", volume["name"], vm, keys[vm], tag)
			continue
		}
		disks[keys[vm]]++
	}
	for key, n := range want {
		if disks[key] != n {
			b.t.Errorf("%s has %d data disks, want %d", key, disks[key], n)
		}
	}
}

// tagValue returns the rest of the tag that begins with prefix; a tag that is
// the prefix is its own value.
func tagValue(tags []string, prefix string) string {
	for _, tag := range tags {
		if rest, ok := strings.CutPrefix(tag, prefix); ok {
			if rest == "" {
				return tag
			}
			return rest
		}
	}
	return ""
}
