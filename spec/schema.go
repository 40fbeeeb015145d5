package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// schema checks trees against a JSON Schema and says what it finds in the words
// of the author of a fleet file.
type schema struct {
	compiled *jsonschema.Schema
	raw      any // the schema itself, where the words come from
}

// newSchema compiles a JSON Schema of draft 7.
func newSchema(data []byte) (*schema, error) {
	// A relative name would be resolved against the working directory, whose
	// own name may mean something in a URL.
	const name = "urn:zfleet:schema-of-fleet-files"
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("schema is not JSON: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft7
	compiler.AssertFormat = true
	if err := compiler.AddResource(name, bytes.NewReader(data)); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return &schema{compiled: compiled, raw: raw}, nil
}

// check returns everything about a tree that the schema forbids. It also
// settles the type of values that are one whole variable: they stay strings
// where the schema takes a string and become numbers or booleans elsewhere.
// Strings that still hold ${ are not held to patterns and choices.
func (s *schema) check(root *node) Diagnostics {
	for {
		err := s.compiled.Validate(root.plain())
		if err == nil {
			return nil
		}
		var invalid *jsonschema.ValidationError
		if !errors.As(err, &invalid) {
			return Diagnostics{{Pos: root.pos, Code: "bad-schema", Message: "the value cannot be checked: " + err.Error()}}
		}
		if retypeAny(root, invalid) {
			continue
		}
		return s.explain(root, invalid).Sorted()
	}
}

// retypeAny gives whole variables that an error is about the type of their
// text. It reports whether any changed, which happens once for each.
func retypeAny(root *node, invalid *jsonschema.ValidationError) bool {
	changed := false
	for _, cause := range invalid.Causes {
		changed = retypeAny(root, cause) || changed
	}
	if len(invalid.Causes) > 0 {
		return changed
	}
	n := locate(root, invalid.InstanceLocation).value
	if n == nil || !n.retype || n.kind != stringNode {
		return changed
	}
	n.retype = false
	n.kind = coreKind(n.text)
	if n.text == "" {
		n.kind = stringNode
	}
	return true
}

// located is a value together with where it hangs in its tree.
type located struct {
	value *node
	key   Pos    // of its key; zero for list items and the root
	label string // "cpu", "networks[1]", or "" for the root
}

// pos is the best place for a finding about the value as a whole.
func (l located) pos() Pos {
	if !l.key.IsZero() {
		return l.key
	}
	return l.value.pos
}

// locate follows a JSON pointer as far as it leads.
func locate(root *node, pointer string) located {
	at := located{value: root}
	for _, part := range pointerParts(pointer) {
		next := at
		if e, ok := at.value.lookup(part); ok {
			next = located{value: e.value, key: e.pos, label: e.key}
		} else if i, err := strconv.Atoi(part); err == nil && at.value.kind == listNode && i < len(at.value.items) {
			next = located{value: at.value.items[i], label: fmt.Sprintf("%s[%d]", at.label, i)}
		}
		at = next
	}
	return at
}

// pointerParts splits a JSON pointer, which the validator escapes as a URL.
func pointerParts(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, part := range parts {
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts
}

// rule is the place in the schema that an error is about.
type rule struct {
	keyword string         // "type", "required", "anyOf"
	schema  map[string]any // that holds the keyword
}

// rule finds what an error is about.
func (s *schema) rule(invalid *jsonschema.ValidationError) rule {
	_, pointer, _ := strings.Cut(invalid.AbsoluteKeywordLocation, "#")
	at := s.raw
	var r rule
	for _, part := range pointerParts(pointer) {
		switch here := at.(type) {
		case map[string]any:
			r = rule{keyword: part, schema: here}
			at = here[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(here) {
				return r
			}
			at = here[i]
		}
	}
	if last, ok := at.(map[string]any); ok && r.keyword != "$ref" {
		return rule{schema: last}
	}
	return r
}

// deref follows $ref inside of the schema.
func (s *schema) deref(m map[string]any) map[string]any {
	for range 10 {
		ref, ok := m["$ref"].(string)
		if !ok {
			return m
		}
		at := s.raw
		for _, part := range pointerParts(strings.TrimPrefix(ref, "#")) {
			object, _ := at.(map[string]any)
			at = object[part]
		}
		m, _ = at.(map[string]any)
	}
	return m
}
