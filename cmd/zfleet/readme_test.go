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

// TestReadmeCommands runs every command that the README and the pages of docs
// show, in their order.
func TestReadmeCommands(t *testing.T) {
	atLeast := map[string]int{"README.md": 10, "docs/formats.md": 8}
	for _, name := range documents(t) {
		t.Run(name, func(t *testing.T) {
			commands := consoleCommands(readDocument(t, name))
			if len(commands) < atLeast[name] {
				t.Fatalf("found only %d commands: %q", len(commands), commands)
			}
			if len(commands) == 0 {
				return
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
		})
	}
}

// documents are the files that people read first, by their path from the root.
func documents(t *testing.T) []string {
	t.Helper()
	names := []string{"README.md", "CONTRIBUTING.md", "examples/ci/README.md"}
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil || len(pages) < 2 {
		t.Fatalf("pages of docs: %v, %v", pages, err)
	}
	for _, page := range pages {
		names = append(names, "docs/"+filepath.Base(page))
	}
	return names
}

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentQueries asks the questions of docs/formats.md of documents that
// have an answer to each: two machines with disks would go, more than allowed,
// one would be made, and a run had to leave a protected machine alone.
func TestDocumentQueries(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	fleet := func(web, more string) {
		text := "apiVersion: zfleet/v1\nkind: Fleet\nname: queries\nid: abcd1234\nsafety: {maxDeletes: 1}\n" +
			"defaults: {instanceOffering: small, networks: [app-net], source: {image: centos-7.9}}\n" +
			"machines:\n  db: {lifecycle: {protect: true}}\n  web: {" + web + ", dataDisks: [{size: 1GiB}]}\n  " + more + "\n"
		if err := os.WriteFile(file("fleet.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	zfleet := simulatedApp(t)
	fleet("count: 3", "")
	zfleet(t, exitOK, "apply", "-f", file("fleet.yaml"), "--auto-approve", "--run-dir", file("run"))
	zfleet(t, exitOK, "inventory", "-f", file("fleet.yaml"), "--out", file("inventory.json"))
	fleet("count: 1", "more: {}")
	zfleet(t, exitRefused, "plan", "-f", file("fleet.yaml"), "--out", file("plan.json"))
	zfleet(t, exitOK, "destroy", "-f", file("fleet.yaml"), "--auto-approve", "--run-dir", file("gone"), "--report", file("report.json"))
	asked := 0
	for _, command := range consoleCommands(readDocument(t, "docs/formats.md")) {
		if !strings.HasPrefix(command, "jq ") {
			continue
		}
		asked++
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) == "" {
			t.Errorf("%s: %v, answers %q", command, err, out)
		}
	}
	if asked < 6 {
		t.Errorf("only %d questions", asked)
	}
}

// TestLinks wants what the documents link to in the repository to be there.
func TestLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	links := 0
	for _, name := range documents(t) {
		for _, link := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(readDocument(t, name), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), filepath.FromSlash(link[1]))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if links < 10 {
		t.Errorf("only %d links found", links)
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
