package spec

import (
	"fmt"
	"regexp"
)

const maxKey = 40 // characters of the names of fleets, groups and instances

var (
	keyPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	idPattern  = regexp.MustCompile(`^[a-z][a-z0-9]{7}$`)
)

// keyProblem returns the diagnostic of a name that machines' keys cannot hold.
func keyProblem(what, name string, pos Pos) *Diagnostic {
	d := Diagnostic{Pos: pos, Code: "bad-name"}
	article := "a"
	if what == "instance" {
		article = "an"
	}
	switch {
	case len(name) > maxKey:
		d.Message = fmt.Sprintf("the name %s of the %s has %d characters", quote(name), what, len([]rune(name)))
		d.Hint = fmt.Sprintf("use at most %d", maxKey)
	case !keyPattern.MatchString(name):
		d.Message = fmt.Sprintf("%s is no name for %s %s", quote(name), article, what)
		d.Hint = "use lower-case letters, digits and hyphens, beginning and ending with a letter or digit"
	default:
		return nil
	}
	return &d
}

// checkKey checks the name of a group or an instance.
func (x *expander) checkKey(what string, e entry) {
	if problem := keyProblem(what, e.key, e.pos); problem != nil {
		x.add(*problem, "")
	}
}

// checkIdentity checks what a fleet's machines are known by for ever.
func (l *loader) checkIdentity(root, top *node) {
	f := l.fleet
	name, id := top.get("name"), top.get("id")
	if name == nil {
		l.missing(Diagnostic{Pos: root.pos, Code: "no-name", Message: "the fleet has no name",
			Hint: "add name: NAME; with the id it is what the fleet's machines are known by"})
	} else if problem := keyProblem("fleet", f.Name, name.pos); problem != nil && isString(name) {
		l.add(*problem, "")
	}
	switch {
	case id != nil && isString(id) && !idPattern.MatchString(f.ID):
		l.add(Diagnostic{Pos: id.pos, Code: "bad-id", Message: quote(f.ID) + " is no id of a fleet",
			Hint: "an id is a lower-case letter and 7 letters or digits; zfleet init writes a random one"}, "")
	case id == nil && name != nil:
		l.missing(Diagnostic{Severity: Warning, Pos: name.pos, Code: "no-id", Message: "the fleet has no id",
			Hint: "without one, the account's UUID takes its place, so two fleets of this name in one account are one; zfleet init writes an id"})
	}
}

// claim is something that only one machine of a fleet can have.
type claim struct {
	what, value string
	shown       string // how a message says it
	field       string
	code, hint  string
}

// claims returns what a machine wants for itself.
func claims(m *Machine) []claim {
	var list []claim
	list = append(list, claim{"name", m.Name, "the name " + quote(m.Name), "name", "name-twice",
		"use ${index} or ${instance} in the name, or leave it out"})
	if m.ResourceUUID != "" {
		list = append(list, claim{"uuid", m.ResourceUUID, "the resourceUuid " + quote(m.ResourceUUID), "resourceUuid", "uuid-twice",
			"a resourceUuid is for a single machine; leave it out and zfleet computes one"})
	}
	volume := func(ref Ref, field, hint string) {
		if key := refKey(ref); key != "" {
			list = append(list, claim{"volume", key, "the volume " + quote(ref.String()), field, "volume-twice", hint})
		}
	}
	if m.Source.Kind == FromVolume {
		volume(m.Source.Ref, "source.volume", "a volume is the disk of one machine; for several, make a snapshot and use source: {snapshot: NAME}")
	}
	for i, disk := range m.DataDisks {
		if disk.Volume != nil {
			volume(*disk.Volume, indexed("dataDisks", i)+".volume", "a volume can be attached to one machine only")
		}
	}
	for i, nic := range m.Networks {
		path := indexed("networks", i)
		if nic.IP != "" {
			list = append(list, claim{"ip", refKey(nic.Network) + "\x00" + nic.IP, "the address " + quote(nic.IP), path + ".ip", "ip-twice",
				"give each machine its own, in instances"})
		}
		if nic.MAC != "" {
			list = append(list, claim{"mac", nic.MAC, "the MAC address " + quote(nic.MAC), path + ".mac", "mac-twice",
				"give each machine its own, in instances"})
		}
	}
	return list
}

// checkClaims reports what two machines of the fleet both want for themselves.
func (l *loader) checkClaims() {
	type thing struct{ what, value string }
	holders := make(map[thing]*Machine)
	for i := range l.fleet.Machines {
		m := &l.fleet.Machines[i]
		for _, c := range claims(m) {
			holder, held := holders[thing{c.what, c.value}]
			switch {
			case !held:
				holders[thing{c.what, c.value}] = m
			case holder != m && c.value != "":
				l.add(Diagnostic{Pos: m.At(c.field), Code: c.code, Hint: c.hint,
					Message: fmt.Sprintf("machines %q and %q would both have %s", holder.Key, m.Key, c.shown)}, "")
			}
		}
	}
}
