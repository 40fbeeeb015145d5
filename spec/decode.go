package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// uuidPattern is how the cloud writes UUIDs. References of this shape are
// UUIDs, all others are names.
var uuidPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// decoder turns the merged tree of one machine into a Machine. The tree has
// been checked against the schema; what it does not allow has been reported and
// is skipped here.
type decoder struct {
	*reporter
	machine *Machine
	files   *templates
	scope   scope
}

// decode fills the machine from its tree.
func (d *decoder) decode(n *node) {
	m := d.machine
	m.Name = stringOf(n.get("name"))
	d.source(n.get("source"))
	m.Offering = d.reference(n.get("instanceOffering"))
	m.CPU = d.integer(n.get("cpu"))
	m.Memory = d.size(n.get("memory"))
	m.Reserved = d.sizeOrZero(n.get("reservedMemory"))
	m.Networks = d.networks(n.get("networks"))
	m.RootDisk = d.rootDisk(n.get("rootDisk"))
	m.DataDisks = d.dataDisks(n.get("dataDisks"))
	if p := n.get("placement"); p != nil {
		m.Placement = Placement{d.reference(p.get("zone")), d.reference(p.get("cluster")), d.reference(p.get("host"))}
	}
	m.Description = optionalText(n.get("description"))
	m.Strategy = stringOf(n.get("strategy"))
	m.Platform = stringOf(n.get("platform"))
	m.GuestOSType = stringOf(n.get("guestOsType"))
	m.Architecture = stringOf(n.get("architecture"))
	m.Virtio = d.boolean(n.get("virtio"))
	m.SSHKeys = d.references(n.get("sshKeys"))
	m.Tags = d.references(n.get("tags"))
	m.UserTags = texts(n.get("userTags"))
	m.SystemTags = d.systemTags(n.get("systemTags"))
	m.Hostname = optionalText(n.get("hostname"))
	m.UserData = d.userData(n.get("userData"))
	if password := n.get("consolePassword"); isString(password) {
		m.ConsolePassword = d.secret(password.text, "consolePassword")
	}
	m.Type = stringOf(n.get("type"))
	m.ResourceUUID = stringOf(n.get("resourceUuid"))
	m.DataVolumeTemplates = d.references(n.get("dataVolumeTemplates"))
	if protect := d.boolean(n.get("lifecycle").get("protect")); protect != nil {
		m.Lifecycle.Protect = *protect
	}
}

// source reads which of the three sources a machine has.
func (d *decoder) source(n *node) {
	for _, kind := range []SourceKind{FromImage, FromVolume, FromSnapshot} {
		if ref := d.reference(n.get(string(kind))); ref != nil {
			d.machine.Source = Source{Kind: kind, Ref: *ref}
			return
		}
	}
}

// secret returns a text that is always a secret.
func (d *decoder) secret(value, field string) *Text {
	return &Text{Value: value, Secret: true, Path: d.machine.Key + "." + field}
}

// secretTags are the system tags that hold a secret, by prefix.
var secretTags = []string{"consolePassword::", "rootPassword::", "userdata::", "sshkey::"}

// systemTags reads system tags, some of which are secret by what they are.
func (d *decoder) systemTags(n *node) []Text {
	if !isList(n) {
		return nil
	}
	tags := []Text{}
	for i, item := range n.items {
		tag := Text{Value: stringOf(item)}
		secret := item.secret
		for _, prefix := range secretTags {
			secret = secret || strings.HasPrefix(tag.Value, prefix)
		}
		if secret {
			tag = *d.secret(tag.Value, indexed("systemTags", i))
		}
		tags = append(tags, tag)
	}
	return tags
}

// integer reads a whole number, or nil if there is none.
func (d *decoder) integer(n *node) *int {
	if n == nil {
		return nil
	}
	if n.kind != intNode {
		d.missing(wrongKind(n, "a whole number"))
		return nil
	}
	value, err := parseInt(n.text)
	if err != nil {
		d.add(Diagnostic{Pos: n.pos, Code: "bad-number", Message: n.quoted() + " is too large a number"}, "")
		return nil
	}
	number := int(value)
	return &number
}

// size reads a size, or nil if there is none or it is malformed.
func (d *decoder) size(n *node) *int64 {
	if n == nil {
		return nil
	}
	value, bad := parseSize(n)
	if bad != nil {
		d.add(*bad, "")
		return nil
	}
	return &value
}

// sizeOrZero reads a size that may be nothing at all.
func (d *decoder) sizeOrZero(n *node) *int64 {
	if n != nil && n.kind == intNode && n.text == "0" {
		return new(int64)
	}
	return d.size(n)
}

// reference reads a reference, or nil if there is none.
func (d *decoder) reference(n *node) *Ref {
	if n == nil || n.kind != stringNode && n.kind != mapNode {
		return nil
	}
	ref := Ref{
		UUID: stringOf(n.get("uuid")), Name: stringOf(n.get("name")),
		Zone: stringOf(n.get("zone")), Cluster: stringOf(n.get("cluster")), Pos: n.pos,
	}
	switch {
	case n.kind == mapNode:
		d.checkReference(n)
	case uuidPattern.MatchString(n.text):
		ref.UUID = n.text
	default:
		ref.Name = n.text
	}
	if ref.UUID == "" && ref.Name == "" {
		d.missing(Diagnostic{Pos: n.pos, Code: "empty-reference", Message: "the reference names nothing",
			Hint: "write a name, a UUID, or a map with name or uuid"})
	}
	return &ref
}

// checkReference checks a reference that is written as a map.
func (d *decoder) checkReference(n *node) {
	name, uuid := n.get("name"), n.get("uuid")
	switch {
	case isString(name) && isString(uuid):
		d.add(Diagnostic{Pos: uuid.pos, Code: "name-and-uuid", Message: "the reference has both a name and a UUID", Hint: "keep one of them"}, "")
	case isString(uuid) && !uuidPattern.MatchString(uuid.text):
		d.add(Diagnostic{Pos: uuid.pos, Code: "bad-uuid", Message: uuid.quoted() + " is not a UUID",
			Hint: "UUIDs are 32 lower-case hexadecimal digits without hyphens; write a name as name:"}, "")
	}
}

// references reads a list of references: nil if absent, empty if empty.
func (d *decoder) references(n *node) []Ref {
	if !isList(n) {
		return nil
	}
	refs := []Ref{}
	for _, item := range n.items {
		if ref := d.reference(item); ref != nil {
			refs = append(refs, *ref)
		}
	}
	return refs
}

// stringOf reads a string; empty if there is none.
func stringOf(n *node) string {
	if !isString(n) {
		return ""
	}
	return n.text
}

// optionalText reads a string that may be set to nothing.
func optionalText(n *node) *string {
	if !isString(n) {
		return nil
	}
	value := n.text
	return &value
}

// texts reads a list of strings: nil if absent, empty if empty.
func texts(n *node) []string {
	if !isList(n) {
		return nil
	}
	list := []string{}
	for _, item := range n.items {
		list = append(list, stringOf(item))
	}
	return list
}

// boolean reads true or false; nil if there is neither.
func (d *decoder) boolean(n *node) *bool {
	if n == nil {
		return nil
	}
	if n.kind != boolNode {
		d.missing(wrongKind(n, "true or false"))
		return nil
	}
	value := strings.EqualFold(n.text, "true")
	return &value
}

// wrongKind is the diagnostic of a value that is still text once everything in
// it has been replaced.
func wrongKind(n *node, want string) Diagnostic {
	return Diagnostic{Pos: n.pos, Code: "wrong-type", Message: fmt.Sprintf("want %s, got %s", want, n.quoted()),
		Hint: "outside of texts, only a whole ${var.NAME} can stand for a value"}
}

func isString(n *node) bool { return n != nil && n.kind == stringNode }

func isList(n *node) bool { return n != nil && n.kind == listNode }

// indexed returns the path of an item of a list.
func indexed(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }
