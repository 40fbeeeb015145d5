package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/examples"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
)

// readingRequests is what a command that changes nothing may send. It is
// written down again here so that a wrong line of the client's own table shows.
var readingRequests = regexp.MustCompile(`^(` + strings.Join([]string{
	`PUT /accounts/login logInByAccount`,
	`DELETE /accounts/sessions/[0-9a-f]{32}`,
	`PUT /management-nodes/actions (getVersion|getCurrentTime)`,
	`GET /management-nodes/platform-timezone`,
	`GET /(accesskeys|accounts|accounts/quotas|global-configurations|primary-storage|tags)`,
	`GET /(backup-storage|clusters|disk-offerings|hosts|images|instance-offerings|l2-networks|ssh-key-pair|` +
		`system-tags|user-tags|volume-snapshots(/group)?|volumes|zones|l3-networks(/ip-address|/ip-ranges)?|` +
		`vm-instances(/nics)?)(/[0-9a-f]{32})?`,
	`GET /(accounts/quota/[0-9a-f]{32}/usages|hosts/capacities/cpu-memory|ip-capacity|primary-storage/capacities)`,
	`GET /l3-networks/[0-9a-f]{32}/ip/[0-9a-f.:]+/availability`,
	`GET /vm-instances/candidate-destinations`,
}, `|`) + `)$`)

// wiretap is a management server that remembers what arrived.
type wiretap struct {
	server http.Handler
	mu     sync.Mutex
	got    []string
}

func (w *wiretap) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	line := r.Method + " " + strings.TrimPrefix(r.URL.EscapedPath(), "/zstack/v1")
	var actions map[string]any
	_ = json.Unmarshal(body, &actions)
	for action := range actions {
		line += " " + action
	}
	w.mu.Lock()
	w.got = append(w.got, line)
	w.mu.Unlock()
	w.server.ServeHTTP(rw, r)
}

func (w *wiretap) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.got
	w.got = nil
	return got
}

// tapped returns a wiretap and zfleet connected to it with those credentials.
func tapped(t *testing.T, credentials map[string]string) (*wiretap, *app, string) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Datacenter: examples.Datacenter})
	if err != nil {
		t.Fatal(err)
	}
	tap := &wiretap{server: sim}
	server := httptest.NewServer(tap)
	t.Cleanup(func() { server.Close(); _ = sim.Close() })
	a := &app{
		stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
		env: func(name string) (string, bool) {
			if name == "ZFLEET_ENDPOINT" {
				return server.URL, true
			}
			value, ok := credentials[name]
			return value, ok
		},
		environ: func() []string { return nil },
	}
	return tap, a, server.URL
}

var simulatorCredentials = map[string]map[string]string{
	"password":   {"ZSTACK_ACCOUNT_NAME": simulatorAccount, "ZSTACK_ACCOUNT_PASSWORD": simulatorPassword},
	"access key": {"ZSTACK_ACCESS_KEY_ID": "simulatoraccesskey01", "ZSTACK_ACCESS_KEY_SECRET": "simulatorsecretsimulatorsecretsimulator0"},
}

// TestReadingCommands runs every command that is there to look, in a cloud
// where all is yet to be made and in one where much differs, and wants nothing
// to arrive but what stands in the closed table.
func TestReadingCommands(t *testing.T) {
	for name, credentials := range simulatorCredentials {
		t.Run(name, func(t *testing.T) {
			tap, a, _ := tapped(t, credentials)
			t.Setenv("XDG_STATE_HOME", t.TempDir())
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			run := func(code int, args ...string) {
				t.Helper()
				var stderr bytes.Buffer
				a.stderr = &stderr
				if got := a.main(t.Context(), args); got != code {
					t.Fatalf("zfleet %q: exit code %d, want %d\n%s", args, got, code, stderr.String())
				}
			}
			looked := 0
			look := func(code int, args ...string) {
				t.Helper()
				run(code, args...)
				for _, line := range tap.take() {
					looked++
					if !readingRequests.MatchString(line) {
						t.Errorf("zfleet %q sends %s", args, line)
					}
				}
			}
			const staging = "examples/staging.yaml"
			edit(t, staging, [2]string{"requestsPerSecond: 20 ", "requestsPerSecond: 500 "})
			lookAround(look, staging)
			run(exitOK, "apply", "-f", staging, "--auto-approve", "--report", "report.json")
			tap.take()
			edit(t, staging, // so that machines would be made, changed, replaced and deleted
				[2]string{"count: 12", "count: 13\n    omit: [3]\n    description: changed"},
				[2]string{"source: {image: vyos}", "source: {image: centos-7.9}"})
			lookAround(look, staging)
			look(exitOK, "show", "report.json")
			if looked < 50 {
				t.Errorf("only %d requests were seen", looked)
			}
		})
	}
}

// lookAround runs every command and output format that reads.
func lookAround(look func(code int, args ...string), fleet string) {
	look(exitOK, "validate", "-f", fleet)
	look(exitOK, "version")
	look(exitOK, "runs")
	look(exitPending, "plan", "-f", fleet, "--detailed-exitcode")
	look(exitOK, "plan", "-f", fleet, "-o", "markdown", "--out", "plan.json")
	look(exitOK, "plan", "-f", fleet, "-o", "json", "--target", "web/1", "--allow-deletes", "100")
	look(exitOK, "show", "plan.json")
	look(exitOK, "show", "plan.json", "-o", "markdown")
	look(exitOK, "inventory", "-f", fleet)
	look(exitOK, "inventory", "-f", fleet, "-o", "yaml")
	look(exitOK, "inventory", "-f", fleet, "--out", "inventory.json")
	look(exitOK, "plan", "-f", fleet, "--inventory", "inventory.json")
	look(exitOK, "diff", fleet, fleet)
	look(exitOK, "schema", "plan")
	look(exitOK, "completion", "bash")
	_ = os.Remove("fresh.yaml")
	look(exitOK, "init", "fresh")
}

// edit replaces texts in a file, each of which has to be there.
func edit(t *testing.T, file string, edits ...[2]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, edit := range edits {
		changed := strings.Replace(text, edit[0], edit[1], 1)
		if changed == text {
			t.Fatalf("%s holds no %q", file, edit[0])
		}
		text = changed
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The commands by what they do to a cloud. A new command has to be put into one
// of them, and a reading one into lookAround.
var (
	readingCommands  = []string{"completion", "diff", "help", "init", "inventory", "plan", "runs", "schema", "show", "simulator", "validate", "version"}
	changingCommands = []string{"apply", "destroy", "resume"}
)

func TestCommandsAreReadingOrChanging(t *testing.T) {
	root := (&app{}).command()
	root.InitDefaultHelpCmd()
	var names []string
	for _, cmd := range root.Commands() {
		if !cmd.IsAdditionalHelpTopicCommand() { // a page, which does nothing
			names = append(names, cmd.Name())
		}
	}
	slices.Sort(names)
	want := slices.Sorted(slices.Values(slices.Concat(readingCommands, changingCommands)))
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("commands (-want +got):\n%s", d)
	}
}

// TestOnlyChangingCommandsMayChange holds who asks for a client that can change
// the cloud: the files of the changing commands, and no other.
func TestOnlyChangingCommandsMayChange(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if name, ok := literal.Type.(*ast.Ident); ok && name.Name == "wire" && len(literal.Elts) > 0 {
				for _, element := range literal.Elts {
					field, ok := element.(*ast.KeyValueExpr)
					if !ok || field.Key.(*ast.Ident).Name == "changes" {
						found = append(found, strings.TrimSuffix(file, ".go"))
					}
				}
			}
			return true
		})
	}
	if d := cmp.Diff(changingCommands, slices.Compact(found)); d != "" {
		t.Errorf("who may change the cloud (-want +got):\n%s", d)
	}
}

// TestReadingClientRefuses asks the client that plan and inventory get for what
// apply does.
func TestReadingClientRefuses(t *testing.T) {
	const uuid = "0123456789ab5cde8123456789abcdef"
	for name, credentials := range simulatorCredentials {
		t.Run(name, func(t *testing.T) {
			tap, a, _ := tapped(t, credentials)
			s, err := a.connect(t.Context(), connectionFlags{}, wire{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			for _, call := range []zstack.Call{
				{Method: "POST", Path: "/vm-instances", Body: map[string]any{"params": map[string]any{"name": "x"}}},
				{Method: "PUT", Path: "/vm-instances/" + uuid + "/actions", Body: map[string]any{"stopVmInstance": map[string]any{}}},
				{Method: "DELETE", Path: "/vm-instances/" + uuid},
				{Method: "DELETE", Path: "/tags/" + uuid},
				{Method: "POST", Path: "/user-tags"},
				{Method: "GET", Path: "/primary-storage/" + uuid},
			} {
				call.JobUUID = uuid
				_, err := s.client.Do(t.Context(), call)
				if _, refused := errors.AsType[*zstack.NotSentError](err); !refused {
					t.Errorf("%s %s: %v", call.Method, call.Path, err)
				}
			}
			if got := tap.take(); len(got) > 0 {
				t.Errorf("sent %q", got)
			}
		})
	}
}
