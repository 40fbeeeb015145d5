package planner

import (
	"slices"
	"strings"
)

// remember decides what the machine's tags have to say of fields that cannot
// be read back, and completes the tags of the blueprint.
func (d *drafter) remember(w *draft) {
	if w.bp.SourceUUID != "" {
		w.digests["source."+string(w.bp.Source)] = plainDigest(w.bp.SourceUUID)
	}
	if w.bp.RootDisk != nil {
		w.digests["rootDisk"] = valueDigest(w.bp.RootDisk)
	}
	if w.m.DataDisks != nil {
		w.digests["dataDisks"] = listDigest(w.bp.DataDisks)
	}
	if w.m.Networks != nil {
		nics := slices.Clone(w.bp.NICs)
		params := make(map[string]any)
		for i := range nics {
			if nics[i].Params != nil {
				params[nics[i].NetworkUUID] = nics[i].Params
				nics[i].Params = nil
			}
		}
		w.digests["networks"] = listDigest(nics)
		w.digests["nicParams"] = unset
		if len(params) > 0 {
			w.digests["nicParams"] = valueDigest(params)
		}
	}
	if w.m.Virtio != nil {
		w.digests["virtio"] = valueDigest(*w.m.Virtio)
	}
	if w.m.SSHKeys != nil {
		w.digests["sshKeys"] = listDigest(uniqueSorted(w.bp.SSHKeyUUIDs))
	}
	d.rememberSecrets(w)
	for _, tag := range w.m.UserTags {
		w.digests[valueField("userTags", tag)] = plainDigest(tag)
	}
	for _, uuid := range w.bp.TagUUIDs {
		w.digests[valueField("tags", uuid)] = plainDigest(uuid)
	}
	w.places = places(w.site)
	w.bp.UserTags = slices.Concat(w.m.UserTags, d.ownTags(w))
}

// rememberSecrets covers the fields whose values may be secret, and puts them
// among the blueprint's system tags.
func (d *drafter) rememberSecrets(w *draft) {
	if w.m.SystemTags != nil {
		joined, secret := joinTags(w.m.SystemTags)
		w.digests["systemTags"] = listDigest(w.m.SystemTags)
		switch {
		case secret:
			w.digests["systemTags"] = d.secrets[joined]
		case joined != "":
			w.digests["systemTags"] = plainDigest(joined)
		}
		for _, text := range w.m.SystemTags {
			if text.Secret {
				w.bp.Secrets = append(w.bp.Secrets, SecretTag{Secret: text.Path, Digest: d.secrets[text.Value]})
			} else {
				w.bp.SystemTags = append(w.bp.SystemTags, text.Value)
			}
		}
	}
	if w.m.Hostname != nil && *w.m.Hostname != "" {
		w.bp.SystemTags = append(w.bp.SystemTags, hostnameTag+*w.m.Hostname)
	}
	w.bp.SystemTags = append(w.bp.SystemTags, addressTags(w.bp.NICs)...)
	if text := w.m.UserData; text != nil && text.Value != "" {
		w.digests["userData"] = d.secrets[text.Value]
		w.bp.Secrets = append(w.bp.Secrets, SecretTag{Prefix: "userdata::", Base64: true, Secret: text.Path, Digest: d.secrets[text.Value]})
	}
	if text := w.m.ConsolePassword; text != nil && text.Value != "" {
		w.digests["consolePassword"] = d.secrets[text.Value]
		secret := SecretTag{Prefix: "consolePassword::", Secret: text.Path, Digest: d.secrets[text.Value]}
		w.bp.Secrets = append(w.bp.Secrets, secret)
		w.secrets["consolePassword"] = SecretTag{Secret: secret.Secret, Digest: secret.Digest}
	}
}

const hostnameTag = "hostname::"

// ownTags returns the tags by which zfleet knows a machine again, sorted but
// for the one that says ownership, which comes first.
func (d *drafter) ownTags(w *draft) []string {
	var tags []string
	for field, digest := range w.digests {
		if digest != unset {
			tags = append(tags, d.scope.digestTag(field, digest))
		}
	}
	var without []string
	for _, field := range append([]string{"consolePassword"}, createdFields...) {
		if digest := w.digests[field]; digest == "" || digest == unset {
			without = append(without, field)
		}
	}
	if without != nil {
		tags = append(tags, d.scope.digestTag(unset, strings.Join(without, "-")))
	}
	for _, place := range w.places {
		tags = append(tags, d.scope.TagPrefix()+place)
	}
	if uuid := w.m.ResourceUUID; uuid != "" {
		// Proof of ownership that outlives the line in the file.
		tags = append(tags, d.scope.TagPrefix()+"adopted::"+uuid)
	}
	if w.m.Lifecycle.Protect {
		tags = append(tags, d.scope.TagPrefix()+protectTag)
	}
	slices.Sort(tags)
	return append([]string{d.scope.KeyTag(w.m.Key)}, tags...)
}

// What the fleet's tags say after their prefix, apart from key and digests.
const (
	protectTag  = "protect"
	restartTag  = "restart" // also restart::<run>@<host>::<job>
	releasedTag = "released"
	// keepDisksTag is obeyed although nothing sets it yet: policies that act on
	// a deletion live on the machine.
	keepDisksTag = "keep-disks"
)

// valueField names the digest tag of one value of a list, so that only values
// which zfleet set are ever removed.
func valueField(list, value string) string { return list + "." + hashHex(value)[:8] }

// places says where a machine was asked to stand, as tags without their prefix.
func places(s site) []string {
	var list []string
	for _, part := range []struct {
		level string
		entry *Entry
	}{{"zone", s.zone}, {"cluster", s.cluster}, {"host", s.host}} {
		if part.entry != nil {
			list = append(list, "place::"+part.level+"::"+part.entry.UUID)
		}
	}
	if list == nil {
		list = []string{"place::any"}
	}
	return list
}

// createdFields are the fields that only a new VM can have and that cannot be
// read back, apart from the source.
var createdFields = []string{"rootDisk", "dataDisks", "networks", "nicParams", "systemTags", "userData", "virtio", "sshKeys"}

// unset stands for the digest of a field without a value, and names the tag
// that lists such fields: what was created without something is known, what
// merely has no tag is not.
const unset = "unset"

// listDigest is the digest of a list, and unset for an empty one.
func listDigest[T any](list []T) string {
	if len(list) == 0 {
		return unset
	}
	return valueDigest(list)
}
