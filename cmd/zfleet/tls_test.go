package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zfleet/examples"
	"zfleet/internal/simulator"
)

// TestTLSIsVerified: nothing but the one flag, which is warned of, talks to a
// server whose certificate nobody vouches for; no variable does.
func TestTLSIsVerified(t *testing.T) {
	server, err := simulator.New(simulator.Options{Datacenter: examples.Datacenter})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(server)
	listener.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of refused handshakes
	listener.StartTLS()
	t.Cleanup(func() { listener.Close(); _ = server.Close() })
	env := map[string]string{"ZFLEET_ENDPOINT": listener.URL, "ZSTACK_ACCOUNT_NAME": "admin", "ZSTACK_ACCOUNT_PASSWORD": "password"}
	for _, name := range []string{"ZFLEET_DANGEROUS_SKIP_TLS_VERIFY", "ZFLEET_INSECURE", "ZFLEET_SKIP_TLS_VERIFY", "ZSTACK_INSECURE", "ZSTACK_SKIP_TLS_VERIFY"} {
		env[name] = "true"
	}
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	fleet := "apiVersion: zfleet/v1\nkind: Fleet\nname: tls\nid: abcd1234\nmachines:\n  web: {instanceOffering: small, networks: [app-net], source: {image: centos-7.9}}\n"
	if err := os.WriteFile(file, []byte(fleet), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags   []string
		code    int
		said    string
		arrives bool
	}{
		{nil, exitFailure, "certificate signed by unknown authority; check the endpoint, or name the authority", false},
		{[]string{"--dangerous-skip-tls-verify=false"}, exitFailure, "certificate", false},
		{[]string{"--dangerous-skip-tls"}, exitUsage, "unknown flag", false},
		{[]string{"--insecure"}, exitUsage, "unknown flag", false},
		{[]string{"--dangerous-skip-tls-verify"}, exitOK, "warning: whoever answers as " + listener.URL + " is believed", true},
	} {
		var stdout, stderr bytes.Buffer
		a := &app{
			stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
			env:     func(name string) (string, bool) { value, ok := env[name]; return value, ok },
			environ: func() []string { return nil },
			signals: make(chan os.Signal),
		}
		before := len(server.Requests())
		code := a.main(t.Context(), append([]string{"plan", "-f", file}, c.flags...))
		if code != c.code || !strings.Contains(stderr.String(), c.said) {
			t.Errorf("%q: exit code %d, want %d and %q in:\n%s", c.flags, code, c.code, c.said, stderr.String())
		}
		if arrived := len(server.Requests()) > before; arrived != c.arrives {
			t.Errorf("%q: requests arrived: %v, want %v", c.flags, arrived, c.arrives)
		}
	}
}
