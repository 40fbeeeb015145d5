package spec

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// explainChoice turns the failure of an anyOf into the findings of the
// arm that the author most likely meant.
func (s *schema) explainChoice(root *node, invalid *jsonschema.ValidationError) Diagnostics {
	at := locate(root, invalid.InstanceLocation)
	arms := slices.DeleteFunc(slices.Clone(invalid.Causes), isSilentArm)
	if len(arms) == 0 { // the field takes nothing but a variable or null
		arms = invalid.Causes
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
		return s.typeWords(r.schema), true
	}
	for _, cause := range arm.Causes {
		if r.keyword == "anyOf" && isSilentArm(cause) {
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
