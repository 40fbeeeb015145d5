package spec

import (
	"fmt"
	"slices"
	"strconv"
)

// maxMachines bounds a fleet, so that a slip of the keyboard cannot fill the
// memory.
const maxMachines = 20000

// draft is a machine before it is decoded: its tree with all layers merged.
type draft struct {
	key, group, instance string

	scope    scope
	pos      Pos    // of the machine itself
	groupPos Pos    // of its group
	name     string // the VM's name unless the tree says one
	tree     *node  // shared by the machines of a count
	self     *node  // what the machine says itself: its instance, or else its group
	own      *node  // what the group and the instance say, without what they inherit
}

// expander turns groups into machines.
type expander struct {
	*reporter
	fleet       string
	defaults    *node
	defaultsFor *node
	drafts      []draft
}

// groups expands every group of a fleet, in file order.
func (x *expander) groups(machines *node) {
	if machines == nil {
		return
	}
	for _, group := range machines.entries {
		if group.value.kind != mapNode {
			continue
		}
		x.reporter.group = group.key
		x.checkKey("group", group)
		before := len(x.drafts)
		x.group(group)
		if len(x.drafts) > maxMachines {
			x.add(Diagnostic{Pos: group.pos, Code: "too-many-machines",
				Message: fmt.Sprintf("group %q brings the fleet above %d machines", group.key, maxMachines),
				Hint:    "split the fleet into several, each with its own name"}, "")
			x.drafts = x.drafts[:before+1] // enough to find what else is wrong
		}
	}
	x.reporter.group = ""
}

// group expands one group.
func (x *expander) group(group entry) {
	count, counted := present(group.value, "count")
	instances, named := present(group.value, "instances")
	if counted && named {
		x.add(Diagnostic{Pos: instances.pos, Code: "count-and-instances",
			Message: fmt.Sprintf("group %q has both count and instances", group.key),
			Hint:    "keep count for machines that are all alike, or instances for machines with names of their own"}, "")
	}
	if omit, ok := present(group.value, "omit"); ok && !counted {
		x.add(Diagnostic{Pos: omit.pos, Code: "omit-without-count",
			Message: fmt.Sprintf("group %q omits numbers but has no count", group.key),
			Hint:    "omit leaves holes in the numbers of a count: add count, or remove omit"}, "")
	}
	own := without(group.value, "count", "omit", "instances")
	switch {
	case named:
		for _, instance := range instances.value.entries {
			if instance.value.kind == mapNode {
				x.checkKey("instance", instance)
				x.instance(group, instance, own)
			}
		}
	case counted:
		x.numbered(group, own, count.value)
	default:
		d := draft{name: group.key, tree: x.inherit(own), self: own, own: own, pos: group.pos, groupPos: group.pos, group: group.key}
		x.number(d, 1)
	}
}

// numbered adds the machines of a count.
func (x *expander) numbered(group entry, own, count *node) {
	if count.kind != intNode {
		x.missing(wrongKind(count, "a whole number"))
		return
	}
	n, err := parseInt(count.text)
	if err != nil || n > maxMachines {
		n = maxMachines + 1
	}
	total := int(max(n, 0))
	holes := x.omitted(group.value.get("omit"), total)
	tree := x.inherit(own)
	for n := range total {
		if !holes[n+1] {
			d := draft{tree: tree, self: own, own: own, pos: group.pos, groupPos: group.pos, group: group.key}
			d.name = group.key + "-" + strconv.Itoa(n+1)
			x.number(d, n+1)
		}
	}
}

// number adds machine n of a group.
func (x *expander) number(d draft, n int) {
	d.instance = strconv.Itoa(n)
	d.key = d.group + "/" + d.instance
	d.scope = scope{fleet: x.fleet, group: d.group, instance: d.instance, index: n}
	x.drafts = append(x.drafts, d)
}

// omitted returns the numbers that a count leaves out.
func (x *expander) omitted(omit *node, total int) map[int]bool {
	holes := make(map[int]bool)
	if !isList(omit) {
		return holes
	}
	for _, item := range omit.items {
		if item.kind != intNode {
			x.missing(wrongKind(item, "a whole number"))
			continue
		}
		n, err := parseInt(item.text)
		switch {
		case err != nil || n < 1 || n > int64(total):
			x.add(Diagnostic{Pos: item.pos, Code: "bad-omit",
				Message: fmt.Sprintf("omit names %s, but the machines are numbered from 1 to %d", item.text, total),
				Hint:    "remove it from omit, or raise count"}, "")
		case holes[int(n)]:
			x.add(Diagnostic{Severity: Warning, Pos: item.pos, Code: "bad-omit",
				Message: fmt.Sprintf("omit names %d twice", n), Hint: "remove one of them"}, "")
		}
		holes[int(n)] = true
	}
	return holes
}

// instance adds a machine with a name of its own.
func (x *expander) instance(group, instance entry, ofGroup *node) {
	own := mergeNodes(ofGroup, instance.value, machineUnits)
	x.drafts = append(x.drafts, draft{
		key: group.key + "/" + instance.key, group: group.key, instance: instance.key,
		scope: scope{fleet: x.fleet, group: group.key, instance: instance.key},
		pos:   instance.pos, groupPos: group.pos, name: group.key + "-" + instance.key,
		tree: x.inherit(own), self: instance.value, own: own,
	})
}

// inherit lays what a machine says itself over the defaults of all machines
// and, over those, the defaults of machines with its kind of source.
func (x *expander) inherit(own *node) *node {
	kind := sourceKindOf(own)
	if kind == "" {
		kind = sourceKindOf(x.defaults)
	}
	tree := own
	for _, layer := range []*node{x.defaultsFor.get(string(kind)), x.defaults} {
		if layer != nil && layer.kind == mapNode {
			tree = mergeNodes(layer, tree, machineUnits)
		}
	}
	return prune(tree.clone())
}

// sourceKindOf returns the kind of source that a layer names.
func sourceKindOf(layer *node) SourceKind {
	for _, kind := range []SourceKind{FromImage, FromVolume, FromSnapshot} {
		if arm := layer.get("source").get(string(kind)); arm != nil && arm.kind != nullNode {
			return kind
		}
	}
	return ""
}

// machineUnits returns the choices among the fields of a machine.
func machineUnits(path []string) [][]string {
	switch {
	case len(path) == 0:
		return [][]string{{"instanceOffering"}, {"cpu", "memory"}}
	case len(path) == 2 && (path[0] == "source" || path[0] == "rootDisk"), len(path) == 1 && path[0] == "instanceOffering":
		return [][]string{{"name"}, {"uuid"}} // of a reference
	case len(path) > 1:
		return nil
	}
	switch path[0] {
	case "source":
		return [][]string{{"image"}, {"volume"}, {"snapshot"}}
	case "rootDisk":
		return [][]string{{"offering"}, {"size"}}
	case "placement", "userData":
		return [][]string{{"*"}}
	}
	return nil
}

// fleetUnits returns the choices in a whole fleet file, for overlays.
func fleetUnits(path []string) [][]string {
	switch {
	case len(path) >= 1 && path[0] == "defaults":
		return machineUnits(path[1:])
	case len(path) >= 4 && path[0] == "machines" && path[2] == "instances":
		return machineUnits(path[4:])
	case len(path) >= 2 && (path[0] == "machines" || path[0] == "defaultsFor"):
		return machineUnits(path[2:])
	}
	return nil
}

// present returns the entry of a key that is there and not null.
func present(n *node, key string) (entry, bool) {
	e, ok := n.lookup(key)
	return e, ok && e.value.kind != nullNode
}

// without returns a map without some of its keys.
func without(n *node, keys ...string) *node {
	c := *n
	c.entries = slices.DeleteFunc(slices.Clone(n.entries), func(e entry) bool { return slices.Contains(keys, e.key) })
	return &c
}

// prune removes the keys that null has unset, in place.
func prune(n *node) *node {
	n.entries = slices.DeleteFunc(n.entries, func(e entry) bool { return e.value.kind == nullNode })
	for _, e := range n.entries {
		prune(e.value)
	}
	for _, item := range n.items {
		prune(item)
	}
	return n
}
