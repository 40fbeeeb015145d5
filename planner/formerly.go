package planner

import (
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
)

// formerScopes returns the names and ids that a fleet had before.
func formerScopes(fleet *spec.Fleet) []Scope {
	var scopes []Scope
	for _, f := range fleet.Formerly {
		scopes = append(scopes, Scope{Name: f.Name, ID: f.ID})
	}
	return scopes
}

// sortFormer recognises a machine of the fleet by a name or an id that it had
// before, and reports whether it is one.
func (o *ownership) sortFormer(vm *Observed, formerly []Scope) bool {
	for _, former := range formerly {
		tags := former.readTags(vm.UserTags)
		for _, tag := range vm.UserTags {
			key, ok := strings.CutPrefix(tag.Text, former.KeyTag(""))
			if !ok {
				continue
			}
			if _, computed := former.Generation(key, vm.UUID); computed || tags.has("adopted::"+vm.UUID) {
				own := o.of(key)
				own.binned = append(own.binned, member{Observed: vm, tags: tags, tagged: true, former: &former})
				return true
			}
		}
	}
	return false
}

// takeOver gives a machine the tags of the fleet's present name and id. It
// changes nothing else: what differs from the file is planned afterwards, when
// the tags can be read as the fleet's own.
func (b *builder) takeOver(change *Change, w *draft, vm *member) {
	former := *vm.former
	change.Action = Update
	change.Reason = fmt.Sprintf("it was made by this fleet as %s", former)
	change.Differences = []Difference{{Field: "fleet", Before: former.String(), After: b.scope.String()}}
	edit := &Edit{AddTags: []string{b.scope.KeyTag(change.Key), b.scope.TagPrefix() + "adopted::" + vm.UUID}}
	for _, tag := range vm.UserTags {
		rest, ours := strings.CutPrefix(tag.Text, former.TagPrefix())
		if !ours {
			continue
		}
		edit.RemoveTags = append(edit.RemoveTags, tag)
		if kept := b.translate(former, w, rest); kept != "" && !slices.Contains(edit.AddTags, kept) {
			edit.AddTags = append(edit.AddTags, kept)
		}
	}
	healed := comparison{w: w, vm: vm, scope: b.scope, names: b.names}
	healed.dataDisks(diskPlaces{})
	edit.TagDisks = healed.edit.TagDisks
	change.Edit = edit
}

// translate says a tag of a former scope in the present one, or "" for a tag
// that is not kept. Digests of secrets are salted with the scope: they are made
// anew if the secret is still what it was, and else dropped, which makes the
// field unknown.
func (b *builder) translate(former Scope, w *draft, rest string) string {
	kind, value, _ := strings.Cut(rest, "::")
	switch kind {
	case "key", "adopted":
		return ""
	case digestVersion:
		field, digest, _ := strings.Cut(value, "::")
		secret, isSecret := w.secretOf(field)
		if !isSecret {
			break
		}
		if secretDigest(former, secret) != digest {
			return ""
		}
		return b.scope.digestTag(field, secretDigest(b.scope, secret))
	}
	return b.scope.TagPrefix() + rest
}

// secretOf returns the value that is digested as a secret for a field.
func (w *draft) secretOf(field string) (value string, secret bool) {
	switch field {
	case "userData":
		if w.m.UserData != nil {
			value = w.m.UserData.Value
		}
		return value, true
	case "consolePassword":
		if w.m.ConsolePassword != nil {
			value = w.m.ConsolePassword.Value
		}
		return value, true
	case "systemTags":
		return joinTags(w.m.SystemTags)
	}
	return "", false
}
