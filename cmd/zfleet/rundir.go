package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"zfleet/executor"
)

func runsDirectory() string { return filepath.Join(xdg.StateHome, "zfleet", "runs") }

// runDirectory makes the directory of a run. Only its owner may read it.
func runDirectory(dir string) (path, runID string, err error) {
	random := make([]byte, 3)
	_, _ = rand.Read(random) // never fails: crypto/rand documents it
	runID = time.Now().UTC().Format("20060102-150405-") + hex.EncodeToString(random)
	if dir == "" {
		dir = filepath.Join(runsDirectory(), runID)
	} else {
		runID = filepath.Base(dir)
	}
	if err := makeDirectory(dir); err != nil {
		return "", "", notRecorded(err)
	}
	return dir, runID, nil
}

// makeDirectory makes a directory, and those above it that are missing, for its
// owner alone. Their entries are on disk when it returns: a journal is worth
// nothing in a directory that a power failure takes away. One that is there and
// empty becomes its owner's alone; one that holds something is not a run's alone
// and stays as it is.
func makeDirectory(dir string) error {
	if entries, err := os.ReadDir(dir); err == nil {
		if len(entries) == 0 {
			_ = os.Chmod(dir, 0o700) // of somebody else's directory that one may write to, only they can
		}
		return nil
	}
	var above []string // the directories that get an entry
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		above = append(above, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, parent := range above {
		if err := executor.SyncDirectory(parent); err != nil {
			return err
		}
	}
	return nil
}

// findRun finds a run by its id, by its directory, or by the beginning of its id.
func findRun(name string) (*recordedRun, error) {
	path := ""
	for _, dir := range []string{filepath.Join(runsDirectory(), name), name} {
		if info, err := os.Stat(dir); name != "" && err == nil && info.IsDir() {
			path = dir
			break
		}
	}
	if path == "" {
		var err error
		if path, err = runNamed(name); err != nil {
			return nil, err
		}
	}
	if path == "" {
		return nil, &exitError{code: exitFailure, message: fmt.Sprintf("no run %q", name), hint: "zfleet runs lists them; they are in " + runsDirectory()}
	}
	run := openRun(path)
	return run, run.problem
}

// runNamed returns the directory of the run whose id is name, or of the only one
// whose id begins so; "" if there is none.
func runNamed(name string) (string, error) {
	entries, _ := os.ReadDir(runsDirectory()) // none, if it cannot be read
	var ids []string
	for _, entry := range entries {
		switch {
		case !entry.IsDir() || name == "" || !strings.HasPrefix(entry.Name(), name):
		case entry.Name() == name:
			return filepath.Join(runsDirectory(), name), nil
		default:
			ids = append(ids, entry.Name())
		}
	}
	switch len(ids) {
	case 0:
		return "", nil
	case 1:
		return filepath.Join(runsDirectory(), ids[0]), nil
	}
	return "", &exitError{code: exitUsage, message: fmt.Sprintf("run %q may be any of %s", name, few(ids)), hint: "give more of its id"}
}
