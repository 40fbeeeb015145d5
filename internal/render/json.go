package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/spec"
)

// PlanJSON writes the plan file itself, so what is shown can be applied.
func PlanJSON(w io.Writer, plan *planner.Plan) error {
	data, err := plan.Encode()
	if err != nil {
		return fmt.Errorf("plan as JSON: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// DiffJSON writes what planner.Diff found as indented JSON: changes, refusals,
// policies and notes as a plan file has them, and none of what a plan is carried out by.
func DiffJSON(w io.Writer, diff *planner.Plan) error {
	return writeJSON(w, "diff", struct {
		FormatVersion string                 `json:"format_version"`
		Kind          string                 `json:"kind"` // always "diff"
		Scope         planner.Scope          `json:"scope"`
		SpecDigest    string                 `json:"specDigest"` // of the new file
		Changes       []planner.Change       `json:"changes"`
		Refusals      []planner.Refusal      `json:"refusals"`
		Policies      []planner.PolicyResult `json:"policies"`
		Notes         []spec.Diagnostic      `json:"notes"`
	}{diff.FormatVersion, "diff", diff.Scope, diff.SpecDigest, diff.Changes, orEmpty(diff.Refusals), orEmpty(diff.Policies), orEmpty(diff.Notes)})
}

// orEmpty returns a list that JSON writes as [] and not as null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// ReportJSON writes a report as indented JSON.
func ReportJSON(w io.Writer, report *executor.Report) error {
	return writeJSON(w, "report", report)
}

// InventoryJSON writes the inventory file itself, so that a plan can be made
// from what is shown.
func InventoryJSON(w io.Writer, inv *planner.InventoryFile) error {
	data, err := inv.Encode()
	if err != nil {
		return fmt.Errorf("inventory as JSON: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// InventoryYAML writes an inventory as YAML with the names that its JSON has.
func InventoryYAML(w io.Writer, inv *planner.InventoryFile) error {
	data, err := inv.Encode()
	if err != nil {
		return fmt.Errorf("inventory as YAML: %w", err)
	}
	if data, err = yaml.JSONToYAML(data); err != nil {
		return fmt.Errorf("inventory as YAML: %w", err)
	}
	_, err = w.Write(data)
	return err
}

// EventJSON writes an event as one line of JSON, as it stands in a journal.
func EventJSON(w io.Writer, event executor.Event) error {
	line, err := executor.MarshalEvent(event)
	if err != nil {
		return fmt.Errorf("event %s as JSON: %w", event.Type(), err)
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// writeJSON writes a value as indented JSON. Angle brackets stay as they are:
// nothing here is pasted into HTML, and people read it.
func writeJSON(w io.Writer, noun string, value any) error {
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("%s as JSON: %w", noun, err)
	}
	_, err := w.Write(document.Bytes())
	return err
}
