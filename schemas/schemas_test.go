package schemas_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v5"

	"zfleet/schemas"
)

// documents are all schemas by file name.
var documents = map[string][]byte{
	"fleet.v1.json":     schemas.Fleet,
	"plan.v1.json":      schemas.Plan,
	"inventory.v1.json": schemas.Inventory,
	"report.v1.json":    schemas.Report,
	"event.v1.json":     schemas.Event,
	"policies.v1.json":  schemas.Policies,
}

// compile compiles a schema of draft 7.
func compile(t *testing.T, data []byte) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft7
	compiler.AssertFormat = true
	if err := compiler.AddResource("schema.json", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// fromYAML reads YAML into the values that the validator takes.
func fromYAML(t *testing.T, text string) any {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return fromJSON(t, data)
}

func fromJSON(t *testing.T, data []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAreDraft7(t *testing.T) {
	for name, data := range documents {
		t.Run(name, func(t *testing.T) {
			compile(t, data)
			root := parse(t, data)
			if got := root["$schema"]; got != "http://json-schema.org/draft-07/schema#" {
				t.Errorf("$schema is %v", got)
			}
			if root["title"] == nil || root["$id"] == nil {
				t.Error("no title or no $id")
			}
		})
	}
}

// TestPropertiesAreDescribed wants a description at every property, and maps
// that refuse unknown keys.
func TestPropertiesAreDescribed(t *testing.T) {
	for name, data := range documents {
		t.Run(name, func(t *testing.T) {
			root := parse(t, data)
			eachObject("", root, func(path string, object map[string]any) {
				properties, ok := object["properties"].(map[string]any)
				if !ok || strings.HasSuffix(path, "/if") || strings.HasSuffix(path, "/then") {
					return
				}
				if _, said := object["additionalProperties"]; !said {
					t.Errorf("%s does not say whether it is open", path)
				}
				for key, property := range properties {
					if text, _ := deref(root, property)["description"].(string); text == "" {
						t.Errorf("%s/%s has no description", path, key)
					}
				}
			})
		})
	}
}

// TestExamplesInSchemas holds every example of a property against its property.
func TestExamplesInSchemas(t *testing.T) {
	for name, data := range documents {
		t.Run(name, func(t *testing.T) {
			count := 0
			eachObject("", parse(t, data), func(path string, object map[string]any) {
				list, _ := object["examples"].([]any)
				for i, example := range list {
					count++
					schema := compileAt(t, data, path)
					if err := schema.Validate(example); err != nil {
						t.Errorf("%s/examples/%d: %s", path, i, leaves(err))
					}
				}
			})
			if name == "fleet.v1.json" && count < 50 {
				t.Errorf("only %d examples", count)
			}
		})
	}
}

// compileAt compiles the part of a schema that a JSON pointer names.
func compileAt(t *testing.T, data []byte, pointer string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft7
	if err := compiler.AddResource("schema.json", bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// leaves returns what is at the bottom of a validation error.
func leaves(err error) string {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Sprint(err)
	}
	var lines []string
	for _, part := range invalid.BasicOutput().Errors {
		lines = append(lines, part.InstanceLocation+": "+part.Error)
	}
	return strings.Join(lines, "\n")
}

func TestExampleFleets(t *testing.T) {
	schema := compile(t, schemas.Fleet)
	var files []string
	for _, pattern := range []string{"*.yaml", "overlays/*.yaml"} {
		found, err := filepath.Glob(filepath.Join("..", "examples", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	fleets := 0
	for _, file := range files {
		if name := filepath.Base(file); name == "datacenter.yaml" || name == "faults.yaml" {
			continue
		}
		fleets++
		schema := schema
		if filepath.Base(file) == "policies.yaml" {
			schema = compile(t, schemas.Policies)
		}
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(fromYAML(t, string(data))); err != nil {
				t.Error(leaves(err))
			}
			line, _, _ := strings.Cut(string(data), "\n")
			_, named, ok := strings.Cut(line, "# yaml-language-server: $schema=")
			if !ok {
				t.Fatalf("the first line names no schema: %s", line)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), named)); err != nil {
				t.Errorf("the first line names a schema that is not there: %v", err)
			}
		})
	}
	if fleets < 4 {
		t.Errorf("only %d example fleets", fleets)
	}
}
