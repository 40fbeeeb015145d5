package main

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"zfleet/examples"
	"zfleet/internal/simulator"
)

// serve starts a simulated management server for the rest of the script and
// points the connection variables at it: serve [FAULTS].
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: serve [FAULTS]")
	}
	options := simulator.Options{Datacenter: examples.Datacenter}
	if len(args) == 1 {
		faults, err := simulator.ParseFaults([]byte(ts.ReadFile(args[0])))
		ts.Check(err)
		options.Faults = faults
	}
	sim, err := simulator.New(options)
	ts.Check(err)
	server := httptest.NewServer(sim)
	ts.Defer(func() {
		server.Close()
		if findings := sim.Findings(); len(findings) > 0 {
			ts.Logf("parameters that the server does not know: %v", findings)
			panic("zfleet sent parameters that the server does not know")
		}
		_ = sim.Close()
	})
	address, err := url.Parse(server.URL)
	ts.Check(err)
	ts.Setenv("ZSTACK_HOST", address.Hostname())
	ts.Setenv("ZSTACK_PORT", address.Port())
	ts.Setenv("ZSTACK_ACCOUNT_NAME", simulatorAccount)
	ts.Setenv("ZSTACK_ACCOUNT_PASSWORD", simulatorPassword)
}

// setField replaces text in a file, exactly once: set-field FILE OLD NEW.
func setField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: set-field FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if strings.Count(text, args[1]) != 1 {
		ts.Fatalf("%q stands %d times in %s, want once", args[1], strings.Count(text, args[1]), args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// digestOf puts the digest of a plan file into the variable DIGEST: digest-of FILE.
func digestOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: digest-of FILE")
	}
	var plan struct{ Digest string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &plan))
	ts.Setenv("DIGEST", plan.Digest)
}

// setEnv sets a variable to what a command prints: set-env NAME COMMAND ARGS….
func setEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: set-env NAME COMMAND ARGS…")
	}
	ts.Check(ts.Exec(args[1], args[2:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}
