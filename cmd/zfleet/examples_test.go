package main

import (
	"bytes"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zfleet/examples"
	"zfleet/internal/simulator"
)

// TestExamples validates, plans and applies every example against the data
// center that it is written for, and wants nothing to differ afterwards.
func TestExamples(t *testing.T) {
	dir := filepath.Join("..", "..", "examples")
	for name, args := range exampleFleets(t, dir) {
		t.Run(name, func(t *testing.T) {
			zfleet := simulatedApp(t)
			zfleet(t, exitOK, append([]string{"validate"}, args...)...)
			zfleet(t, exitPending, append([]string{"plan", "--detailed-exitcode"}, args...)...)
			zfleet(t, exitOK, append([]string{"apply", "--auto-approve", "--run-dir", filepath.Join(t.TempDir(), "run")}, args...)...)
			zfleet(t, exitOK, append([]string{"plan", "--detailed-exitcode"}, args...)...)
		})
	}
}

// exampleFleets finds the fleet files among the examples: each alone, and each
// directory of overlays with its base first.
func exampleFleets(t *testing.T, dir string) map[string][]string {
	t.Helper()
	fleets := make(map[string][]string)
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := filepath.Base(file); name != "datacenter.yaml" && name != "faults.yaml" && name != "policies.yaml" {
			fleets[filepath.Base(file)] = []string{"-f", file}
		}
	}
	base := filepath.Join(dir, "overlays", "base.yaml")
	overlays, err := filepath.Glob(filepath.Join(dir, "overlays", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, overlay := range overlays {
		if overlay != base {
			fleets["overlays/"+filepath.Base(overlay)] = []string{"-f", base, "-f", overlay}
		}
	}
	if len(fleets) < 3 {
		t.Fatalf("found only %d example fleets: %v", len(fleets), fleets)
	}
	return fleets
}

// TestBrokenExamples wants every broken example to be refused with what stands
// beside it.
func TestBrokenExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "broken", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no broken examples")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".out")
			if err != nil {
				t.Fatal(err)
			}
			_, stderr := simulatedApp(t)(t, exitSpec, "validate", "-f", file)
			for line := range strings.Lines(string(want)) {
				line = strings.TrimSpace(line)
				if _, message, ok := strings.Cut(line, ".yaml:"); ok {
					line = message
				}
				if !strings.Contains(stderr, line) {
					t.Errorf("missing in the output: %s\ngot:\n%s", line, stderr)
				}
			}
		})
	}
}

// simulatedApp starts a management server and returns zfleet connected to it.
// The returned function wants an exit code and returns both streams. When the
// test ends, the server must not have been sent anything that it does not know.
func simulatedApp(t *testing.T) func(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Datacenter: examples.Datacenter})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		for _, finding := range sim.Findings() {
			t.Errorf("the server does not know what it was sent: %v", finding)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	env := map[string]string{
		"ZFLEET_ENDPOINT":         server.URL,
		"ZSTACK_ACCOUNT_NAME":     simulatorAccount,
		"ZSTACK_ACCOUNT_PASSWORD": simulatorPassword,
	}
	return func(t *testing.T, code int, args ...string) (string, string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		app := &app{
			stdin:   strings.NewReader(""),
			stdout:  &stdout,
			stderr:  io.Writer(&stderr),
			env:     func(name string) (string, bool) { value, ok := env[name]; return value, ok },
			environ: func() []string { return nil },
		}
		if got := app.main(t.Context(), args); got != code {
			t.Fatalf("zfleet %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout.String(), stderr.String())
		}
		return stdout.String(), stderr.String()
	}
}
