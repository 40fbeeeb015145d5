package spec

import (
	"fmt"
	"slices"
	"strings"
)

// checker checks one decoded machine. What only a cloud can know is left to the
// planner.
type checker struct {
	*reporter
	m      *Machine
	self   *node // what the machine says itself: its instance, or else its group
	own    *node // what the group and the instance say
	tree   *node // with what they inherit
	absent *absences
}

func (c *checker) check() {
	c.checkSource()
	c.checkCompute()
	c.checkCall()
	c.checkNetworks()
	c.checkRootDisk()
	c.checkDataDisks()
	c.checkTemplates()
	c.checkChoices()
	c.checkTexts()
	c.checkTags()
	c.checkUUID()
}

// errorf reports an error at a field.
func (c *checker) errorf(field, code, hint, format string, args ...any) {
	c.add(Diagnostic{Pos: c.m.At(field), Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)}, field)
}

// asks reports whether a field is said and asks for something: empty lists and
// false do not count as saying nothing, but an empty list asks for nothing.
func (c *checker) asks(field string) bool {
	value := at(c.tree, field)
	return value != nil && (value.kind != listNode || len(value.items) > 0)
}

// at returns the value at a path of keys, or nil.
func at(n *node, path string) *node {
	for key := range strings.SplitSeq(path, ".") {
		n = n.get(key)
	}
	return n
}

// checkSource wants exactly one source.
func (c *checker) checkSource() {
	if c.m.Source.Kind == "" {
		c.absent.note(c.m, "no-source", "has no source",
			"add source: {image: NAME}, or volume: NAME or snapshot: NAME, or the like under defaults")
		return
	}
	source := c.tree.get("source")
	if arms := namedArms(source, "image", "volume", "snapshot"); len(arms) > 1 {
		c.errorf("source."+arms[1], "several-sources", "keep one of them",
			"source names both %s and %s", arms[0], arms[1])
	}
}

// namedArms returns which of some keys a map has.
func namedArms(n *node, keys ...string) []string {
	return slices.DeleteFunc(keys, func(key string) bool { return n.get(key) == nil })
}

// checkCompute wants an instance offering, or CPUs and memory.
func (c *checker) checkCompute() {
	arms := namedArms(c.tree, "cpu", "memory")
	switch offering := c.tree.get("instanceOffering") != nil; {
	case offering && len(arms) > 0:
		c.errorf(arms[0], "offering-and-cpu", "keep instanceOffering, or cpu and memory",
			"the instance offering would overrule %s", arms[0])
	case offering:
	case len(arms) == 0:
		c.absent.note(c.m, "no-offering", "has neither an instance offering nor cpu and memory",
			"add instanceOffering: NAME, or cpu: 2 and memory: 4GiB, or the like under defaults")
	case len(arms) == 1:
		missing := map[string]string{"cpu": "memory", "memory": "cpu"}[arms[0]]
		if !c.unsure() {
			c.errorf(arms[0], "no-"+missing, "add "+missing+", or use an instanceOffering instead", "%s is set without %s", arms[0], missing)
		}
	}
	if m := c.m; m.Reserved != nil && m.Memory != nil && *m.Reserved > *m.Memory {
		c.errorf("reservedMemory", "bad-reserved-memory", "reserve at most the machine's memory",
			"%s of reserved memory is more than the machine's memory of %s",
			c.tree.get("reservedMemory").quoted(), c.tree.get("memory").quoted())
	}
}

// lackingFromDisk holds the fields that the calls from a volume and from a
// snapshot have no parameter for.
var lackingFromDisk = []string{
	"rootDisk.offering", "rootDisk.size", "dataDisks", "dataVolumeTemplates",
	"guestOsType", "architecture", "virtio", "sshKeys",
}

// checkCall reports fields that the create call of the source cannot carry. The
// server would drop them without a word.
func (c *checker) checkCall() {
	kind := c.m.Source.Kind
	if kind != FromVolume && kind != FromSnapshot {
		return
	}
	lacking := lackingFromDisk
	if kind == FromVolume {
		lacking = append(slices.Clone(lacking), "rootDisk.systemTags")
	}
	for _, field := range lacking {
		if c.asks(field) {
			c.lacks(field, field)
		}
	}
	if c.m.Strategy == "JustCreate" {
		c.lacks("strategy", "strategy JustCreate")
	}
}

// lacks reports a field that the call has no parameter for: at the field where
// it was said beside the source, or at the source where it is inherited.
func (c *checker) lacks(field, asked string) {
	message := fmt.Sprintf("a machine from a %s cannot have %s", c.m.Source.Kind, asked)
	hint := fmt.Sprintf("remove %s; only machines from an image can have it", field)
	switch field {
	case "strategy":
		hint = "write InstantStart or CreateStopped"
	case "rootDisk.systemTags":
		hint = "remove rootDisk.systemTags; only machines from an image or a snapshot can have it"
	}
	beside, unsetIn := c.own, fmt.Sprintf("group %q, or say it in defaultsFor: {image: …} only", c.m.Group)
	if c.self != c.own && c.self.get("source") != nil {
		beside, unsetIn = c.self, fmt.Sprintf("instance %q", c.m.Key)
	}
	if at(beside, field) != nil {
		c.errorf(field, "field-not-in-call", hint, "%s", message)
		return
	}
	unset := field + ": null"
	if outer, inner, nested := strings.Cut(field, "."); nested {
		unset = fmt.Sprintf("%s: {%s: null}", outer, inner)
	}
	c.add(Diagnostic{
		Pos: c.m.At("source"), Code: "field-not-in-call",
		Message: fmt.Sprintf("%s, which is inherited from %s", message, c.m.At(field)),
		Hint:    fmt.Sprintf("set %s in %s", unset, unsetIn),
	}, field)
}

// choices holds the values that the server knows for a field.
var choices = map[string][]string{
	"strategy":     {"CreateStopped", "InstantStart", "JustCreate"},
	"platform":     {"Linux", "Other", "Paravirtualization", "Windows", "WindowsVirtio"},
	"architecture": {"aarch64", "loongarch64", "mips64el", "x86_64"},
	"type":         {"ApplianceVm", "UserVm"},
}

// checkChoices wants one of the server's values.
func (c *checker) checkChoices() {
	for field, allowed := range choices {
		value := c.tree.get(field)
		if isString(value) && !slices.Contains(allowed, value.text) {
			c.errorf(field, "unknown-value", didYouMean(value.text, allowed), "%s is no %s", value.quoted(), field)
		}
	}
}

// absences gathers what machines lack, so that a group whose machines all lack
// the same is reported once.
type absences struct {
	list []absence
}

type absence struct {
	machine             *Machine
	code, lacking, hint string
}

// note remembers that a machine lacks something.
func (a *absences) note(m *Machine, code, lacking, hint string) {
	a.list = append(a.list, absence{m, code, lacking, hint})
}

// report reports each absence at the group if all its machines share it, else
// at the machine.
func (a *absences) report(r *reporter, drafts []draft) {
	machines := make(map[string]int)
	places := make(map[string]Pos)
	for _, d := range drafts {
		machines[d.group]++
		places[d.group] = d.groupPos
	}
	type shared struct{ group, code string }
	lack := make(map[shared]int)
	for _, one := range a.list {
		lack[shared{one.machine.Group, one.code}]++
	}
	defer func() { r.group = "" }()
	for _, one := range a.list {
		group := one.machine.Group
		r.group = group
		d := Diagnostic{Pos: one.machine.At(""), Code: one.code, Hint: one.hint,
			Message: fmt.Sprintf("machine %q %s", one.machine.Key, one.lacking)}
		if lack[shared{group, one.code}] == machines[group] {
			d.Pos = places[group]
			d.Message = fmt.Sprintf("group %q %s", group, one.lacking)
		}
		r.missing(d)
	}
}
