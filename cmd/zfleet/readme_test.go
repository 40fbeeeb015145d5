package main

import (
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"zfleet/examples"
	"zfleet/internal/simulator"
)

// notRun are commands of the README that .ci/run runs instead.
var notRun = map[string]string{
	"go test ./...":           "it would run itself",
	"go install ./cmd/zfleet": "it would install on the machine of whoever tests",
}

// TestReadmeCommands runs every command that the README shows, in its order.
func TestReadmeCommands(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := consoleCommands(string(readme))
	if len(commands) < 10 {
		t.Fatalf("found only %d commands in the README: %q", len(commands), commands)
	}
	shell := readmeShell(t)
	for _, command := range commands {
		if _, skip := notRun[command]; skip {
			continue
		}
		if out, err := shell(command); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// consoleCommands returns the lines after "$ " in console blocks, comments cut off.
func consoleCommands(text string) []string {
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				command, _, _ = strings.Cut(command, "#")
				commands = append(commands, strings.TrimSpace(command))
			}
		}
	}
	return commands
}

// readmeShell returns a function that runs a command of the README as its
// reader would, in a copy of the examples, with a simulated cloud where the
// README speaks of a real one.
func readmeShell(t *testing.T) func(command string) (string, error) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
		t.Fatal(err)
	}
	minimal, err := os.ReadFile(filepath.Join(dir, "examples", "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fleet.yaml"), minimal, 0o644); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "zfleet")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	sim, err := simulator.New(simulator.Options{Datacenter: examples.Datacenter})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() { server.Close(); _ = sim.Close() })
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_STATE_HOME="+filepath.Join(dir, "state"),
		"ZSTACK_HOST="+address.Hostname(), "ZSTACK_PORT="+address.Port(),
		"ZSTACK_ACCOUNT_NAME="+simulatorAccount, "ZSTACK_ACCOUNT_PASSWORD="+simulatorPassword)
	return func(command string) (string, error) {
		switch {
		case strings.HasPrefix(command, "export "):
			return "", nil // the connection of the reader's own cloud; ours is in env
		case strings.HasPrefix(command, "zfleet simulator"):
			// It serves until it is interrupted, on a port that may be taken here.
			command = strings.Replace(command, "127.0.0.1:8080", "127.0.0.1:0", 1)
			command = "timeout --signal=INT --preserve-status 2 " + command
		case asksFirst.MatchString(command) && !strings.Contains(command, "plan.json"):
			command += " --auto-approve"
		}
		command = strings.Replace(command, "go run ./cmd/zfleet", "zfleet", 1)
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

var asksFirst = regexp.MustCompile(`^zfleet (apply|destroy) [^|]*$`)
