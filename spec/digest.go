package spec

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// digest returns the SHA-256 of a fleet in canonical form: what it asks for,
// without places, in the order of the machines' keys, and with the paths of
// secrets instead of their values.
func digest(f *Fleet) string {
	canonical := *f
	canonical.Digest, canonical.Places = "", nil
	canonical.Machines = slices.Clone(f.Machines)
	for i := range canonical.Machines {
		m := &canonical.Machines[i]
		m.Places = nil
		m.UserData = withoutValue(m.UserData)
		m.ConsolePassword = withoutValue(m.ConsolePassword)
		m.SystemTags = slices.Clone(m.SystemTags)
		for j := range m.SystemTags {
			m.SystemTags[j] = *withoutValue(&m.SystemTags[j])
		}
	}
	slices.SortFunc(canonical.Machines, func(a, b Machine) int { return cmp.Compare(a.Key, b.Key) })
	text, err := json.Marshal(canonical)
	if err != nil {
		panic("spec: a fleet holds what JSON cannot: " + err.Error()) // it holds strings and finite numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// withoutValue returns a text whose value does not show if it is a secret.
func withoutValue(t *Text) *Text {
	if t == nil || !t.Secret {
		return t
	}
	return &Text{Secret: true, Path: t.Path}
}
