package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// explain turns an error of the validator into findings.
func (s *schema) explain(root *node, invalid *jsonschema.ValidationError) Diagnostics {
	r := s.rule(invalid)
	if r.keyword == "anyOf" {
		return s.explainChoice(root, invalid)
	}
	if len(invalid.Causes) > 0 {
		var found Diagnostics
		for _, cause := range invalid.Causes {
			found = append(found, s.explain(root, cause)...)
		}
		return found
	}
	at := locate(root, invalid.InstanceLocation)
	switch r.keyword {
	case "additionalProperties":
		return s.unknownKeys(at.value, r)
	case "required":
		return missingKeys(at, r)
	case "pattern", "enum", "const":
		if at.value.kind == stringNode && len(at.value.dollars) > 0 {
			return nil // checked again when nothing is left to replace
		}
	}
	return Diagnostics{s.leaf(at, r)}
}

// leaf says what is wrong with one value.
func (s *schema) leaf(at located, r rule) Diagnostic {
	bound := fmt.Sprint(r.schema[r.keyword])
	if f, ok := r.schema[r.keyword].(float64); ok {
		bound = strconv.FormatFloat(f, 'f', -1, 64)
	}
	switch r.keyword {
	case "type":
		return wrongType(at, s.typeWords(r.schema))
	case "enum", "const":
		return wrongChoice(at, r)
	case "pattern":
		return wrongPattern(at, r)
	case "minimum":
		if _, bad := parseByteCount(at.value); bad != nil && bound == strconv.Itoa(minSize) {
			return *bad
		}
		return outOfRange(at, "at least "+bound)
	case "maximum":
		return outOfRange(at, "at most "+bound)
	case "exclusiveMinimum":
		return outOfRange(at, "more than "+bound)
	case "minLength":
		return outOfRange(at, "text of at least length "+bound)
	}
	return Diagnostic{Pos: at.pos(), Code: "bad-value", Message: "the value is not valid" + of(at), Hint: text(r.schema, "description")}
}

// of names the field that a value was wanted for.
func of(at located) string {
	if at.label == "" {
		return ""
	}
	return " for " + quote(at.label)
}

// text returns a string of a schema, or "".
func text(m map[string]any, key string) string {
	value, _ := m[key].(string)
	return value
}

// wrongType is the diagnostic of a value of the wrong type.
func wrongType(at located, want []string) Diagnostic {
	hint := ""
	if len(want) == 1 && want[0] == "true or false" && at.value.kind == stringNode {
		hint = map[string]string{"yes": "write true", "on": "write true", "no": "write false", "off": "write false"}[strings.ToLower(at.value.text)]
	}
	if len(want) == 1 && want[0] == "a string" && at.value.kind < stringNode && at.value.kind > nullNode && !at.value.secret {
		hint = fmt.Sprintf("put it in quotes: %q", at.value.text)
	}
	// The parser takes a::b in a list within braces for a map.
	if entries := at.value.entries; len(entries) == 1 && entries[0].value.kind == stringNode && strings.HasPrefix(entries[0].value.text, ":") && !entries[0].value.secret {
		hint = fmt.Sprintf("put it in quotes: %q", entries[0].key+":"+entries[0].value.text)
	}
	if hint == "" && len(at.value.literal) > 0 {
		hint = "the value comes from a variable"
	}
	return Diagnostic{Pos: at.value.pos, Code: "wrong-type",
		Message: fmt.Sprintf("want %s%s, got %s", orList(want), of(at), at.value.quoted()), Hint: hint}
}

// typeWords names the types that a schema takes.
func (s *schema) typeWords(m map[string]any) []string {
	var words []string
	for _, name := range typeNames(m) {
		switch name {
		case "string":
			words = append(words, "a string")
		case "integer":
			words = append(words, "a whole number")
		case "number":
			words = append(words, "a number")
		case "boolean":
			words = append(words, "true or false")
		case "object":
			words = append(words, "a map")
		case "array":
			items, _ := m["items"].(map[string]any)
			word := "a list"
			if slices.Equal(typeNames(s.deref(items)), []string{"string"}) {
				word = "a list of strings"
			}
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		words = []string{nullNode.String()}
	}
	return words
}

// typeNames lists the type keyword of a schema.
func typeNames(m map[string]any) []string {
	switch types := m["type"].(type) {
	case string:
		return []string{types}
	case []any:
		var names []string
		for _, name := range types {
			names = append(names, fmt.Sprint(name))
		}
		return names
	}
	return nil
}

// orList joins words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// wrongChoice is the diagnostic of a value that is not among a few.
func wrongChoice(at located, r rule) Diagnostic {
	values, _ := r.schema["enum"].([]any)
	if r.keyword == "const" {
		values = []any{r.schema["const"]}
	}
	var choices, names []string
	for _, value := range values {
		if value == nil {
			continue
		}
		shown, _ := json.Marshal(value)
		choices = append(choices, string(shown))
		if name, ok := value.(string); ok {
			names = append(names, name)
		}
	}
	slices.Sort(choices)
	hint := ""
	if at.value.kind == stringNode && len(names) > 1 && !at.value.secret {
		if near := suggest(at.value.text, names); near != "" {
			hint = "did you mean " + quote(near) + "?"
		}
	}
	return Diagnostic{Pos: at.value.pos, Code: "bad-choice",
		Message: fmt.Sprintf("want %s%s, got %s", orList(choices), of(at), at.value.quoted()), Hint: hint}
}

// wrongPattern is the diagnostic of text of the wrong form.
func wrongPattern(at located, r rule) Diagnostic {
	d := Diagnostic{Pos: at.value.pos, Code: "bad-value"}
	if words := text(r.schema, "x-pattern-words"); words != "" {
		d.Message = fmt.Sprintf("want %s%s, got %s", words, of(at), at.value.quoted())
	} else {
		d.Message = fmt.Sprintf("%s is not valid%s", at.value.quoted(), of(at))
		d.Hint = text(r.schema, "description")
	}
	if strings.HasPrefix(text(r.schema, "x-pattern-words"), "a size") {
		d.Code, d.Hint = "bad-size", sizeHint(at.value)
	}
	return d
}

// outOfRange is the diagnostic of a value that is too small or too large.
func outOfRange(at located, want string) Diagnostic {
	return Diagnostic{Pos: at.value.pos, Code: "out-of-range", Message: fmt.Sprintf("want %s%s, got %s", want, of(at), at.value.quoted())}
}

// unknownKeys reports the keys of a map that its schema does not have.
func (s *schema) unknownKeys(m *node, r rule) Diagnostics {
	properties, _ := r.schema["properties"].(map[string]any)
	patterns, _ := r.schema["patternProperties"].(map[string]any)
	known := slices.Collect(maps.Keys(properties))
	var found Diagnostics
	for _, e := range m.entries {
		_, ok := properties[e.key]
		for pattern := range patterns {
			matched, err := regexp.MatchString(pattern, e.key)
			ok = ok || err == nil && matched
		}
		if !ok {
			found = append(found, Diagnostic{Pos: e.pos, Code: "unknown-key", Message: "unknown key " + quote(e.key), Hint: didYouMean(e.key, known)})
		}
	}
	return found
}

// missingKeys reports the keys that a map must have.
func missingKeys(at located, r rule) Diagnostics {
	var found Diagnostics
	for _, key := range required(r.schema) {
		if at.value.get(key) == nil {
			found = append(found, Diagnostic{Pos: at.pos(), Code: "missing-key", Message: fmt.Sprintf("the key %s is missing%s", quote(key), of(at)), Hint: fmt.Sprintf("add %s: …", key)})
		}
	}
	return found
}

// required lists the keys that a schema requires.
func required(m map[string]any) []string {
	list, _ := m["required"].([]any)
	var keys []string
	for _, key := range list {
		keys = append(keys, fmt.Sprint(key))
	}
	return keys
}
