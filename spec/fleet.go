package spec

import (
	"cmp"
	"fmt"
	"sync"

	"zfleet/schemas"
)

// Load reads a fleet from one or several files, later ones laid over earlier
// ones, and returns it fully expanded. It reports every problem that it can
// find, sorted by place. The fleet is nil if any finding is an error.
//
// Paths of templates are relative to the directory of the file that names them.
func Load(inputs []Input, vars Variables) (*Fleet, Diagnostics) {
	r := newReporter()
	if len(inputs) == 0 {
		return nil, Diagnostics{{Code: "no-file", Message: "no fleet file is given", Hint: "name one with -f"}}
	}
	root := overlay(inputs, r)
	if root == nil {
		return nil, r.found.Sorted()
	}
	variables := fill(root, vars, r)
	l := loader{
		reporter:  r,
		fleet:     &Fleet{Places: make(map[string]Pos)},
		templates: &templates{read: vars.ReadFile, variables: variables, known: make(map[string]*node), checked: make(map[string]string)},
		absent:    &absences{},
	}
	l.fleet.Policies = r.policies(root, inputs)
	l.load(root)
	found := r.sorted(inputs)
	if found.HasErrors() {
		return nil, found
	}
	l.fleet.Digest = digest(l.fleet)
	return l.fleet, found
}

// overlay parses all files and lays each over those before it.
func overlay(inputs []Input, r *reporter) *node {
	var root *node
	for _, in := range inputs {
		layer, found := parseYAML(in)
		r.stage(found)
		if layer == nil {
			r.partial[""] = true
			continue
		}
		r.locate(layer)
		checkUnsets(root, layer, r)
		dropShapes(root, layer)
		stackPolicies(root, layer, r)
		if root == nil {
			root = layer
		} else {
			root = mergeNodes(root, layer, fleetUnits)
		}
	}
	return root
}

// checkUnsets reports groups and instances that are null without unsetting any:
// "east:" with nothing after it would silently be no machine at all.
func checkUnsets(base, over *node, r *reporter) {
	check := func(what string, base *node, e entry) {
		if e.value.kind == nullNode && base.get(e.key) == nil {
			r.add(Diagnostic{Pos: e.pos, Code: "empty-" + what,
				Message: fmt.Sprintf("%s %s says nothing", what, quote(e.key)),
				Hint:    fmt.Sprintf("write %s: {} for one that only has what it inherits", e.key)}, "")
		}
	}
	groups := over.get("machines")
	if groups == nil {
		return
	}
	for _, group := range groups.entries {
		below := base.get("machines").get(group.key)
		check("group", base.get("machines"), group)
		if instances := group.value.get("instances"); instances != nil {
			for _, instance := range instances.entries {
				check("instance", below.get("instances"), instance)
			}
		}
	}
}

// dropShapes removes count from groups to which a later file gives instances,
// and the other way round.
func dropShapes(base, over *node) {
	groups := over.get("machines")
	if groups == nil {
		return
	}
	for _, group := range groups.entries {
		below := base.get("machines").get(group.key)
		if below == nil || below.kind != mapNode {
			continue
		}
		if _, named := present(group.value, "instances"); named {
			*below = *without(below, "count", "omit")
		} else if _, counted := present(group.value, "count"); counted {
			*below = *without(below, "instances")
		}
	}
}

// fleetSchema compiles the schema of fleet files, once.
var fleetSchema = sync.OnceValues(func() (*schema, error) { return newSchema(schemas.Fleet) })

// fill checks the tree against the schema, replaces its variables, and checks
// what came of it.
func fill(root *node, vars Variables, r *reporter) variableSet {
	rules, err := fleetSchema()
	if err != nil {
		r.add(Diagnostic{Code: "bad-schema", Message: "the schema of fleet files is broken: " + err.Error()}, "")
		return nil
	}
	raw := rules.check(root)
	r.stage(raw)
	variables, found := readVariables(root, vars)
	found = append(found, variables.substitute(root)...)
	r.stage(found)
	r.stage(rules.check(root))
	return variables
}

// loader makes a fleet of a tree.
type loader struct {
	*reporter
	fleet     *Fleet
	templates *templates
	absent    *absences
}

func (l *loader) load(root *node) {
	f := l.fleet
	l.top(root)
	defaults, defaultsFor := root.get("defaults"), root.get("defaultsFor")
	x := expander{reporter: l.reporter, fleet: f.Name, defaults: defaults, defaultsFor: defaultsFor}
	if machines, ok := present(root, "machines"); !ok {
		l.missing(Diagnostic{Pos: cmp.Or(machines.pos, root.pos), Code: "no-machines", Message: "the fleet has no machines",
			Hint: "add machines: with a group, such as web: {count: 3, source: {image: centos-7.9}}"})
	} else {
		x.groups(machines.value)
	}
	f.Machines = make([]Machine, len(x.drafts))
	for i := range x.drafts {
		l.machine(&x.drafts[i], &f.Machines[i])
	}
	l.absent.report(l.reporter, x.drafts)
	l.checkClaims()
}

// machine decodes and checks one machine.
func (l *loader) machine(d *draft, m *Machine) {
	l.group = d.group
	defer func() { l.group = "" }()
	*m = Machine{Key: d.key, Group: d.group, Instance: d.instance, Places: map[string]Pos{"": d.pos}}
	tree := d.tree.clone()
	l.stage(d.scope.expand(tree))
	l.sanitize(tree, "", mayHoldSecret)
	places(tree, "", m.Places)
	decoding := decoder{reporter: l.reporter, machine: m, files: l.templates, scope: d.scope}
	decoding.decode(tree)
	if m.Name == "" && tree.get("name") == nil {
		m.Name = d.name
	}
	checking := checker{reporter: l.reporter, m: m, self: d.self, own: d.own, tree: tree, absent: l.absent}
	checking.check()
}

// top reads the fields of the fleet itself.
func (l *loader) top(root *node) {
	f := l.fleet
	top := &node{kind: mapNode, pos: root.pos}
	for _, key := range []string{"name", "id", "formerly", "description", "limits", "safety"} {
		if e, ok := present(root, key); ok {
			e.value = e.value.clone()
			l.stage(scope{fleet: f.Name}.expand(e.value))
			top.entries = append(top.entries, e)
			if key == "name" {
				f.Name = stringOf(e.value)
			}
		}
	}
	prune(top)
	l.sanitize(top, "", nil)
	places(top, "", f.Places)
	f.Name = stringOf(top.get("name"))
	f.ID = stringOf(top.get("id"))
	f.Description = stringOf(top.get("description"))
	if formerly := top.get("formerly"); isList(formerly) {
		for _, item := range formerly.items {
			f.Formerly = append(f.Formerly, Identity{Name: stringOf(item.get("name")), ID: stringOf(item.get("id"))})
		}
	}
	d := &decoder{reporter: l.reporter}
	f.Limits = d.limits(top.get("limits"))
	f.Safety.MaxDeletes = d.amount(top.get("safety").get("maxDeletes"))
	f.Safety.MaxReplacements = d.amount(top.get("safety").get("maxReplacements"))
	l.checkIdentity(root, top)
}
