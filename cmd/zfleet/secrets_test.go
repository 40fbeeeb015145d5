package main

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"zfleet/examples"
	"zfleet/internal/simulator"
)

// What is planted, each recognisable wherever it turns up.
const (
	plantedPassword  = "planted-account-password"
	plantedKeySecret = "plantedKeySecretplantedKeySecretplanted0"
	plantedUserData  = "planted-user-data"
	plantedConsole   = "plantcns" // consoles take eight characters
	plantedOld       = "plantcn2" // of the file before
	plantedVariable  = "planted-variable"
	plantedTag       = "planted-system-tag"
)

const secretFleet = `apiVersion: zfleet/v1
kind: Fleet
name: secrets
id: abcd1234
variables:
  token: {sensitive: true}
  tag: {sensitive: true}
  console: {sensitive: true}
machines:
  vault:
    count: 2
    instanceOffering: small
    networks: [app-net]
    source: {image: centos-7.9}
    userData: {template: cloud-init.yaml}
    consolePassword: ${var.console}
    systemTags: ["vmSystemSerialNumber::${var.tag}"]
  plain:
    instanceOffering: small
    networks: [app-net]
    source: {image: centos-7.9}
    userData: "planted-user-data"
    consolePassword: plantcns
`

const secretTemplate = "#cloud-config\n# planted-user-data ${var.token}\n"

// userData as it goes over the wire, encoded.
func plantedWire() string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Replace(secretTemplate, "${var.token}", plantedVariable, 1)))
}

// planted lists all that must show nowhere.
func planted() []string {
	sum := sha512.Sum512([]byte(plantedPassword))
	return []string{plantedPassword, hex.EncodeToString(sum[:]), plantedKeySecret, plantedUserData, plantedConsole, plantedOld, plantedVariable,
		plantedTag, plantedWire(), plantedWire()[:24], base64.StdEncoding.EncodeToString([]byte(plantedUserData))}
}

// echoes are faults whose texts repeat what the request held, as a server that
// quotes its input does.
func echoes(operation string) string {
	quoted := fmt.Sprintf("cannot handle [userdata::%s, consolePassword::%s, vmSystemSerialNumber::%s] of %s %s", plantedWire(), plantedConsole, plantedTag, plantedUserData, plantedVariable)
	return fmt.Sprintf(`
- {operation: %[1]s, nth: 1, fault: error, error: {code: SYS.1007, description: %[2]q, details: %[2]q, cause: {code: VM.1002, description: %[2]q, details: %[2]q}}}
- {operation: %[1]s, nth: 2, fault: garbage, status: 400, text: %[2]q}
- {operation: %[1]s, nth: 3, fault: garbage, status: 502, text: %[2]q}
`, operation, quoted)
}

// secretRun is a place to run commands in that hold secrets.
type secretRun struct {
	t      *testing.T
	server *simulator.Server
	url    string
	env    map[string]string
	in     string // files that may hold secrets
	out    string // files that must not
	said   lockedBuffer
}

func newSecretRun(t *testing.T, faults string) *secretRun {
	t.Helper()
	datacenter := strings.NewReplacer("password: password", "password: "+plantedPassword,
		"simulatorsecretsimulatorsecretsimulator0", plantedKeySecret).Replace(string(examples.Datacenter))
	options := simulator.Options{Datacenter: []byte(datacenter)}
	if faults != "" {
		var err error
		if options.Faults, err = simulator.ParseFaults([]byte(faults)); err != nil {
			t.Fatal(err)
		}
	}
	server, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(func() { listener.Close(); _ = server.Close() })
	s := &secretRun{t: t, server: server, url: listener.URL, in: t.TempDir(), out: t.TempDir()}
	s.write("fleet.yaml", secretFleet)
	s.write("cloud-init.yaml", secretTemplate)
	s.env = map[string]string{"ZFLEET_ENDPOINT": s.url, "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": filepath.Join(s.out, "summary.md")}
	return s
}

func (s *secretRun) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.in, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// zfleet runs a command line; @ stands for the directory of the output.
func (s *secretRun) zfleet(args ...string) int {
	s.t.Helper()
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "@", s.out)
	}
	var environ []string
	for name, value := range s.env {
		environ = append(environ, name+"="+value)
	}
	a := &app{
		stdin: strings.NewReader(""), stdout: &s.said, stderr: &s.said,
		env:     func(name string) (string, bool) { value, ok := s.env[name]; return value, ok },
		environ: func() []string { return environ },
		signals: make(chan os.Signal),
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	fmt.Fprintf(&s.said, "\n$ zfleet %s\n", strings.Join(args, " "))
	code := a.main(ctx, args)
	fmt.Fprintf(&s.said, "exit code %d\n", code)
	return code
}

// holds looks for the secrets in all that was said and written, and that only
// the owner may read it.
func (s *secretRun) holds() {
	s.t.Helper()
	texts := map[string][]byte{"what was said": []byte(s.said.String())}
	err := filepath.WalkDir(s.out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && path != s.out && runtime.GOOS != "windows" {
			s.t.Errorf("%s can be read by others: %o", path, mode)
		}
		if entry.IsDir() {
			return nil
		}
		texts[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	secrets := slices.Concat(planted(), s.sessions())
	for name, text := range texts {
		for _, secret := range secrets {
			if at := bytes.Index(text, []byte(secret)); at >= 0 {
				s.t.Errorf("%s holds %q: …%s…", name, secret, text[max(0, at-120):min(len(text), at+len(secret)+40)])
			}
		}
	}
	if s.t.Failed() {
		s.t.Logf("files: %q", slices.Sorted(maps.Keys(texts)))
	}
}

// sessions lists the session ids that the server has seen.
func (s *secretRun) sessions() []string {
	var ids []string
	for _, request := range s.server.Requests() {
		if id, ok := strings.CutPrefix(request.Header["Authorization"], "OAuth "); ok && len(id) == 32 && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// tour runs every command that may touch a secret, in every form of output.
func (s *secretRun) tour(with ...string) {
	s.t.Helper()
	file := append([]string{"-f", filepath.Join(s.in, "fleet.yaml")}, with...)
	run := func(args ...string) { s.t.Helper(); s.zfleet(append(args, file...)...) }
	run("validate", "-v", "--gitlab-codequality", "@/validate.json")
	run("inventory", "-v", "-o", "json")
	run("inventory", "-o", "yaml")
	run("plan", "-v", "--out", "@/plan.json")
	run("plan", "-o", "json")
	run("plan", "-o", "markdown", "--gitlab-codequality", "@/quality.json", "--gitlab-terraform", "@/counts.json")
	run("plan", "-o", "html")
	s.zfleet("show", "@/plan.json")
	reports := []string{"--report", "@/r.json", "--report", "@/r.md", "--report", "@/r.xml", "--report", "@/r.html", "--events", "@/events.jsonl"}
	run(append([]string{"apply", "@/plan.json", "-v", "--run-dir", "@/run1"}, reports...)...)
	run("apply", "-v", "--auto-approve", "--run-dir", "@/run2", "-o", "json")
	run("apply", "-v", "--auto-approve", "--run-dir", "@/run3", "--events", "-")
	for _, format := range []string{"text", "json", "markdown", "junit", "html"} {
		s.zfleet("show", "@/run1", "-o", format)
	}
	for _, format := range []string{"text", "json", "markdown", "junit", "html"} {
		s.zfleet("show", "@/r.json", "-o", format)
	}
	run("inventory", "--out", "@/inventory.json")
	run("inventory")
	run("plan", "--inventory", "@/inventory.json", "-o", "json")
	s.zfleet("inventory", "--out", "@/everything.json")
	s.zfleet("inventory", "-o", "yaml", "--fleet", filepath.Join(s.in, "fleet.yaml"))
	run("plan", "--inventory", "@/everything.json", "--out", "@/offline.json")
	run("destroy", "-v", "--auto-approve", "--run-dir", "@/run4", "--report", "@/d.json")
	run("apply", "-v", "--auto-approve", "--run-dir", "@/late", "--timeout", "1ns", "--report", "@/late.html")
	run("resume", "@/late", "-v", "--run-dir", "@/rest", "-o", "json")
	s.zfleet("runs", "@/late", "-o", "json")
	old := s.write("old.yaml", strings.NewReplacer("count: 2", "count: 3", plantedConsole, plantedOld).Replace(secretFleet))
	for _, format := range []string{"text", "json", "markdown", "html"} {
		s.zfleet(append([]string{"diff", old, filepath.Join(s.in, "fleet.yaml"), "-o", format}, with...)...)
	}
	if strings.Contains(s.said.String(), "exit code 64") {
		s.t.Errorf("a command of the tour does not exist:\n%s", s.said.String())
	}
}

func TestSecretsShowNowhere(t *testing.T) {
	variables := func(s *secretRun) {
		s.env["ZFLEET_VAR_token"], s.env["ZFLEET_VAR_tag"], s.env["ZFLEET_VAR_console"] = plantedVariable, plantedTag, plantedConsole
	}
	password := func(s *secretRun) {
		s.env["ZSTACK_ACCOUNT_NAME"], s.env["ZSTACK_ACCOUNT_PASSWORD"] = "admin", plantedPassword
	}
	for name, c := range map[string]struct {
		faults string
		set    func(s *secretRun) (with []string)
		calls  string // of an operation that must have happened
	}{
		"from the environment": {"", func(s *secretRun) []string { password(s); variables(s); return nil }, "CreateVmInstance"},
		"from files": {"", func(s *secretRun) []string {
			s.env["ZSTACK_ACCESS_KEY_ID"] = "simulatoraccesskey01"
			s.env["ZSTACK_ACCESS_KEY_SECRET_FILE"] = s.write("key", plantedKeySecret+"\n")
			s.env["ZFLEET_VAR_token_FILE"] = s.write("token", plantedVariable+"\n")
			return []string{"--var-file", s.write("vars.yaml", "tag: "+plantedTag+"\nconsole: "+plantedConsole+"\n")}
		}, "CreateVmInstance"},
		"server that quotes its input": {echoes("CreateVmInstance"), func(s *secretRun) []string { password(s); variables(s); return nil }, "CreateVmInstance"},
		"login that quotes its input": {fmt.Sprintf(`[{operation: LogInByAccount, fault: error, error: {code: ID.1000, description: "no %s", details: "%s"}}]`, plantedPassword, planted()[1]),
			func(s *secretRun) []string { password(s); variables(s); return nil }, "LogInByAccount"},
		"login behind a proxy that quotes its input": {fmt.Sprintf(`[{operation: LogInByAccount, fault: garbage, status: 400, text: '{"password":"%s"}'}]`, planted()[1]),
			func(s *secretRun) []string { password(s); variables(s); return nil }, "LogInByAccount"},
		"wrong variable file": {"", func(s *secretRun) []string {
			password(s)
			return []string{"--var-file", s.write("vars.yaml", "tag: ["+plantedTag+"\nconsole: {"+plantedConsole+": 1}\n")}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSecretRun(t, c.faults)
			s.tour(c.set(s)...)
			if !slices.ContainsFunc(s.server.Requests(), func(r simulator.Request) bool { return r.Operation == c.calls }) && c.calls != "" {
				t.Errorf("the server saw no %s:\n%s", c.calls, s.said.String())
			}
			s.holds()
			if testing.Verbose() {
				t.Logf("%s", s.said.String())
			}
		})
	}
}
