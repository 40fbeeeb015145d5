package cloud

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/internal/redact"
	"zfleet/planner"
)

// maxOthers bounds the secrets of other steps, in bytes, that a failure is
// searched for: a fleet may have user data of its own for each of its machines.
const maxOthers = 4 << 20

// secretsFor lists the secrets that a failure of an operation must not show, in
// every form that a server may quote: those that the operation sends, then, as
// far as there is room, all others.
func (d *Driver) secretsFor(op planner.Op) []string {
	var forms []string
	switch op := op.(type) {
	case planner.CreateVM:
		for _, tag := range op.Blueprint.Secrets {
			forms = append(forms, formsOf(d.secrets[tag.Secret])...)
		}
	case planner.SetConsolePassword:
		forms = formsOf(d.secrets[op.Secret.Secret])
	}
	room := maxOthers
	for _, path := range slices.Sorted(maps.Keys(d.secrets)) {
		if room -= len(d.secrets[path]); room < 0 {
			break
		}
		forms = append(forms, formsOf(d.secrets[path])...)
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// formsOf returns a secret as it is, as user data travels, and, of a system
// tag, what follows its name.
func formsOf(secret string) []string {
	forms := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
	if _, value, ok := strings.Cut(secret, "::"); ok {
		forms = append(forms, value)
	}
	return forms
}

// hideSecrets takes secrets out of all that a failure says.
func hideSecrets(f *executor.Failure, secrets []string) {
	for _, text := range []*string{&f.Description, &f.Details, &f.Message} {
		*text = redact.Hide(*text, secrets...)
	}
	for i := range f.Chain {
		f.Chain[i].Description = redact.Hide(f.Chain[i].Description, secrets...)
		f.Chain[i].Details = redact.Hide(f.Chain[i].Details, secrets...)
	}
}
