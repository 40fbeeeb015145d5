package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"zfleet/schemas"
)

// TestDocumentsFollowSchemas holds what the examples are planned to and what
// comes of it against the published schemas: plans of machines that are to be
// made, that are there and that have to go, diffs, inventories and reports.
func TestDocumentsFollowSchemas(t *testing.T) {
	for name, args := range exampleFleets(t, filepath.Join("..", "..", "examples")) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zfleet := simulatedApp(t)
			dir := t.TempDir()
			file := func(name string) []byte {
				data, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			with := func(command string, more ...string) []string {
				return append(append([]string{command}, args...), more...)
			}
			events := filepath.Join(dir, "events.jsonl")
			stdout, _ := zfleet(t, exitOK, with("plan", "-o", "json", "--out", filepath.Join(dir, "plan.json"))...)
			follows(t, schemas.Plan, []byte(stdout))
			follows(t, schemas.Plan, file("plan.json"))
			zfleet(t, exitOK, with("apply", "--auto-approve", "--run-dir", filepath.Join(dir, "run"), "--events", events)...)
			follows(t, schemas.Report, file("run/report.json"))
			for line := range bytes.Lines(file("events.jsonl")) {
				follows(t, schemas.Event, line)
			}
			zfleet(t, exitOK, with("inventory", "--out", filepath.Join(dir, "inventory.json"))...)
			follows(t, schemas.Inventory, file("inventory.json"))
			stdout, _ = zfleet(t, exitOK, with("plan", "-o", "json", "--inventory", filepath.Join(dir, "inventory.json"))...)
			follows(t, schemas.Plan, []byte(stdout))
			zfleet(t, exitOK, with("destroy", "--auto-approve", "--run-dir", filepath.Join(dir, "gone"))...)
			follows(t, schemas.Plan, file("gone/plan.json"))
			follows(t, schemas.Report, file("gone/report.json"))
		})
	}
}

// follows wants a document to be as a schema says.
func follows(t *testing.T, schema, document []byte) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat = true
	if err := compiler.AddResource("schema.json", bytes.NewReader(schema)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %.200s", err, document)
	}
	if err := compiled.Validate(value); err != nil {
		t.Errorf("%.200s: %#v", document, err)
	}
}
