package main

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
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
	serveWith(ts, options)
}

// serveIn starts a simulated management server of another data center, and logs
// in as one of its accounts: serve-in DATACENTER ACCOUNT PASSWORD.
func serveIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: serve-in DATACENTER ACCOUNT PASSWORD")
	}
	serveWith(ts, simulator.Options{Datacenter: []byte(ts.ReadFile(args[0]))})
	ts.Setenv("ZSTACK_ACCOUNT_NAME", args[1])
	ts.Setenv("ZSTACK_ACCOUNT_PASSWORD", args[2])
}

func serveWith(ts *testscript.TestScript, options simulator.Options) {
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

// drift changes one thing of the simulated cloud behind zfleet's back, or takes
// it away: drift TABLE NAME FIELD VALUE, or drift TABLE NAME gone. A value that
// is a number becomes one.
func drift(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 && (len(args) != 3 || args[2] != "gone") {
		ts.Fatalf("usage: drift TABLE NAME FIELD VALUE, or drift TABLE NAME gone")
	}
	path := filepath.Join(".zfleet", "simulator.json")
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(path)))
	decoder.UseNumber()
	var state map[string]any
	ts.Check(decoder.Decode(&state))
	tables, _ := state["tables"].(map[string]any)
	table, _ := tables[args[0]].(map[string]any)
	found := false
	for uuid, row := range table {
		fields, _ := row.(map[string]any)
		if fields["name"] != args[1] {
			continue
		}
		found = true
		if len(args) == 3 {
			delete(table, uuid)
			continue
		}
		fields[args[2]] = args[3]
		if _, err := strconv.Atoi(args[3]); err == nil {
			fields[args[2]] = json.Number(args[3])
		}
	}
	if !found {
		ts.Fatalf("nothing in %s is called %q", args[0], args[1])
	}
	data, err := json.Marshal(state)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(path), data, 0o600))
}
