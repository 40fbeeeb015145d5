package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expectations of scripts")

// TestMain lets the test binary stand in for zfleet in scripts, as a process of
// its own with real signals, streams and exit codes.
func TestMain(m *testing.M) {
	if os.Getenv("GORACE") == "" {
		_ = os.Setenv("GORACE", raceOptions)
	}
	testscript.Main(m, map[string]func(){"zfleet": main, "jq": jqTool, "gh": ghTool, "curl": curlTool})
}

// raceOptions are for the processes that tests start: one built with the race
// detector sleeps for a second at its end otherwise, and there are hundreds.
const raceOptions = "atexit_sleep_ms=0"

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup:         setupScript,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     exits,
			"serve":     serve,
			"serve-in":  serveIn,
			"cp-r":      copyTree,
			"set-field": setField,
			"set-env":   setEnv,
			"forge":     forgeCommand(),
			"workflow":  runWorkflow,
			"pipeline":  runPipeline,
			"drift":     drift,
			"digest-of": digestOf,
		},
	})
}

// setupScript gives a script the examples, a state directory of its own, and no
// connection to anything.
func setupScript(env *testscript.Env) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	env.Setenv("EXAMPLES", filepath.Join(root, "examples"))
	env.Setenv("ROOT", root)
	env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", raceOptions)
	return nil
}

// exits runs zfleet and wants an exit code: exits CODE ARGS….
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("zfleet", args[1:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("zfleet %v: %v", args[1:], err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("zfleet %v: exit code %d, want %d", args[1:], got, want)
	}
}

// copyTree copies a directory: cp-r FROM TO.
func copyTree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cp-r FROM TO")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}
