package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// explainChoice turns the failure of anyOf or oneOf into the findings of the
// arm that the author most likely meant.
func (s *schema) explainChoice(root *node, invalid *jsonschema.ValidationError, r rule) Diagnostics {
	at := locate(root, invalid.InstanceLocation)
	if found, ok := s.keyChoice(at, r); ok {
		return found
	}
	arms := slices.DeleteFunc(slices.Clone(invalid.Causes), isSilentArm)
	if len(arms) == 0 {
		return Diagnostics{{Pos: at.pos(), Code: "bad-value", Message: "the value is ambiguous" + in(at), Hint: text(r.schema, "description")}}
	}
	var want []string
	var meant []*jsonschema.ValidationError
	for _, arm := range arms {
		types, only := s.typesWanted(arm, invalid.InstanceLocation)
		if !only {
			meant = append(meant, arm)
			continue
		}
		for _, word := range types {
			if !slices.Contains(want, word) {
				want = append(want, word)
			}
		}
	}
	if len(meant) == 0 {
		return Diagnostics{wrongType(at, want)}
	}
	var best Diagnostics
	for i, arm := range meant {
		found := s.explain(root, arm)
		if i == 0 || len(found) < len(best) {
			best = found
		}
	}
	return best
}

// isSilentArm reports whether an arm is never worth a word: the one that admits
// a whole variable, and the one that admits null.
func isSilentArm(arm *jsonschema.ValidationError) bool {
	leaf := arm
	for len(leaf.Causes) == 1 {
		leaf = leaf.Causes[0]
	}
	return strings.Contains(leaf.AbsoluteKeywordLocation, "#/definitions/variable/") ||
		strings.HasPrefix(leaf.Message, "expected null,") && len(leaf.Causes) == 0
}

// typesWanted returns the types that an arm wanted of the value at a location;
// only is false where the arm failed for any other reason.
func (s *schema) typesWanted(arm *jsonschema.ValidationError, location string) (words []string, only bool) {
	r := s.rule(arm)
	if len(arm.Causes) == 0 {
		if r.keyword != "type" || arm.InstanceLocation != location {
			return nil, false
		}
		return []string{s.typeWords(r.schema)}, true
	}
	for _, cause := range arm.Causes {
		if (r.keyword == "anyOf" || r.keyword == "oneOf") && isSilentArm(cause) {
			continue
		}
		more, ok := s.typesWanted(cause, location)
		if !ok {
			return nil, false
		}
		words = append(words, more...)
	}
	return words, true
}

// keyChoice explains a choice between keys: a oneOf or anyOf whose arms require
// different keys of one map. ok is false for choices of any other kind.
func (s *schema) keyChoice(at located, r rule) (found Diagnostics, ok bool) {
	arms, _ := r.schema[r.keyword].([]any)
	if at.value.kind != mapNode {
		return nil, false
	}
	var choices [][]string
	for _, arm := range arms {
		m, _ := arm.(map[string]any)
		keys := required(s.deref(m))
		if len(keys) == 0 || typeNames(s.deref(m)) != nil {
			return nil, false
		}
		choices = append(choices, keys)
	}
	names, given := make([]string, len(choices)), []string(nil)
	var last Pos
	for i, keys := range choices {
		names[i] = strings.Join(keys, " with ")
		for _, key := range keys {
			if e, has := at.value.lookup(key); has && !slices.Contains(given, key) {
				given, last = append(given, key), e.pos
			}
		}
	}
	want := "one of " + orList(names)
	if words := text(r.schema, "x-choice"); words != "" {
		want = words
	}
	d := Diagnostic{Pos: at.pos(), Code: "missing-choice", Message: fmt.Sprintf("want %s%s", want, in(at)), Hint: "add one of them"}
	switch {
	case len(given) == 1:
		d.Code, d.Hint = "incomplete-choice", fmt.Sprintf("%s needs its other half", given[0])
	case len(given) > 1:
		d.Pos, d.Code, d.Hint = last, "exclusive-choice", ""
		d.Message = fmt.Sprintf("%s exclude each other%s", andList(given), in(at))
		d.Hint = "keep one; want " + want
	}
	return Diagnostics{d}, true
}

// andList joins quoted words as "a", "b" and "c".
func andList(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " and " + quoted[len(quoted)-1]
}

// excluded is the diagnostic of a "not", which forbids keys beside each other.
func excluded(at located, r rule) Diagnostic {
	not, _ := r.schema["not"].(map[string]any)
	keys := required(not)
	if len(keys) == 0 || at.value.kind != mapNode {
		return Diagnostic{Pos: at.value.pos, Code: "bad-value", Message: at.value.quoted() + " is not allowed" + of(at), Hint: text(r.schema, "description")}
	}
	e, _ := at.value.lookup(keys[len(keys)-1])
	message := andList(keys) + " exclude each other" + in(at)
	if len(keys) == 1 {
		message = quote(keys[0]) + " is not allowed" + in(at)
	}
	return Diagnostic{Pos: e.pos, Code: "exclusive-choice", Message: message, Hint: text(r.schema, "x-choice")}
}
