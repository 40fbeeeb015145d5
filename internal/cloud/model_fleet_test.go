package cloud

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zfleet/spec"
)

// modelFleet is a fleet file of the model test, as text by group and field.
type modelFleet struct {
	limits map[string]string
	groups []*modelGroup
	names  int // of groups so far
	static int // addresses given out
}

// modelGroup is one group of machines. A field that is empty is not in the file.
type modelGroup struct {
	name   string
	kind   spec.SourceKind
	count  int // 0: one machine without a count
	fields map[string]string
}

// modelFields are what the fields of a group may say. "" leaves a field out,
// which unsets nothing: it is not managed any more. The order is fixed, so that
// a seed always draws the same.
var modelFields = []struct {
	name   string
	image  bool // only machines from images have it
	once   bool // cannot be had on a machine that exists
	values []string
}{
	{"source", true, false, []string{"{image: centos-7.9}", "{image: ubuntu-22.04}"}},
	{"size", false, false, []string{"instanceOffering: small", "instanceOffering: medium", "cpu: 2\n    memory: 3GiB", "cpu: 1\n    memory: 4GiB", "cpu: 2\n    memory: 4GiB"}},
	{"networks", false, false, []string{"[app-net]", "[db-net]", "[{network: app-net, default: true}, db-net]", "[{network: db-net, ip: \"STATIC${index}\"}]"}},
	{"placement", false, false, []string{"{zone: shanghai-1}", "{cluster: kvm-a}", "{cluster: kvm-b}", "{host: host-a-01}", "{host: host-b-02}"}},
	{"dataDisks", true, false, []string{"", "[{size: 10GiB}]", "[{offering: ssd-100g}, {size: 20GiB}]", "[{size: 5GiB, name: logs}]"}},
	{"rootDisk", true, false, []string{"", "", "", "{primaryStorage: ps-hdd}"}},
	{"strategy", true, true, []string{"", "", "", "CreateStopped"}},
	{"tags", false, false, []string{"", "[prod]", "[prod, test]", "[]"}},
	{"userTags", false, false, []string{"", `["team::a"]`, `["team::a", "x::y"]`, "[]"}},
	{"description", false, false, []string{"", "of ${group}", `"second text"`, `""`}},
	{"hostname", false, false, []string{"", "${group}-${instance}", "other-${instance}"}},
	{"name", false, false, []string{"", "${group}-no-${instance}"}},
	{"lifecycle", false, false, []string{"", "", "", "{protect: true}"}},
}

func newModelFleet(random *rand.Rand) *modelFleet {
	f := &modelFleet{limits: map[string]string{"parallelism": fmt.Sprint(1 + random.IntN(6))}}
	for _, limit := range []string{"perCluster", "perHost", "perPrimaryStorage", "perSource"} {
		if random.IntN(3) == 0 {
			f.limits[limit] = fmt.Sprint(1 + random.IntN(3))
		}
	}
	if random.IntN(6) == 0 {
		f.limits["requestsPerSecond"] = fmt.Sprint(20 + random.IntN(40))
	}
	for range 1 + random.IntN(3) {
		f.add(random, spec.FromImage)
	}
	if random.IntN(2) == 0 {
		f.add(random, spec.FromSnapshot)
	}
	if random.IntN(2) == 0 {
		f.add(random, spec.FromVolume)
	}
	return f
}

func (f *modelFleet) add(random *rand.Rand, kind spec.SourceKind) {
	f.names++
	g := &modelGroup{name: fmt.Sprintf("g%d", f.names), kind: kind, fields: make(map[string]string)}
	if kind != spec.FromVolume {
		g.count = random.IntN(4)
	}
	switch kind {
	case spec.FromSnapshot:
		g.fields["source"] = "{snapshot: golden-nightly}"
	case spec.FromVolume:
		g.fields["source"] = "{volume: db-root}"
	case spec.FromImage:
	}
	for _, field := range modelFields {
		if !field.image || kind == spec.FromImage {
			g.fields[field.name] = f.value(field.values, random)
		}
	}
	if kind == spec.FromImage && random.IntN(1000) == 0 {
		g.fields["userData"] = `"#cloud-config\n"` // rarely: digests of secrets are slow on purpose
	}
	f.groups = append(f.groups, g)
}

// value draws a value. Each static one is given out once.
func (f *modelFleet) value(values []string, random *rand.Rand) string {
	value := values[random.IntN(len(values))]
	if strings.Contains(value, "STATIC") {
		f.static++
		value = strings.ReplaceAll(value, "STATIC", fmt.Sprintf("10.1.%d.%d", 2+f.static/24, f.static%24+1))
	}
	return value
}

// change alters the fleet as people do between two runs. Machines from a volume
// keep what only a new machine can have: zfleet never replaces them.
func (f *modelFleet) change(random *rand.Rand) {
	if random.IntN(3) == 0 {
		f.add(random, spec.FromImage)
	}
	if at := random.IntN(2 * len(f.groups)); at < len(f.groups) && len(f.groups) > 1 && f.groups[at].kind != spec.FromVolume {
		f.groups = slices.Delete(f.groups, at, at+1)
	}
	for _, g := range f.groups {
		if g.kind != spec.FromVolume && g.count > 0 && random.IntN(3) == 0 {
			g.count = max(1, g.count+random.IntN(3)-1)
		}
		for range random.IntN(3) {
			field := modelFields[random.IntN(len(modelFields))]
			changeable := !field.once && (!field.image || g.kind == spec.FromImage)
			if changeable && (g.kind != spec.FromVolume || !slices.Contains([]string{"networks", "placement"}, field.name)) {
				g.fields[field.name] = f.value(field.values, random)
			}
		}
	}
}

func (f *modelFleet) yaml() string {
	var b strings.Builder
	b.WriteString("apiVersion: zfleet/v1\nkind: Fleet\nname: model\nid: k7c1f0e5\nlimits:\n")
	for _, limit := range []string{"parallelism", "perCluster", "perHost", "perPrimaryStorage", "perSource", "requestsPerSecond"} {
		if value := f.limits[limit]; value != "" {
			fmt.Fprintf(&b, "  %s: %s\n", limit, value)
		}
	}
	b.WriteString("machines:\n")
	for _, g := range f.groups {
		fmt.Fprintf(&b, "  %s:\n", g.name)
		if g.count > 0 {
			fmt.Fprintf(&b, "    count: %d\n", g.count)
		}
		for _, name := range append([]string{"userData"}, modelFieldNames()...) {
			switch value := g.fields[name]; {
			case value == "":
			case name == "size":
				fmt.Fprintf(&b, "    %s\n", value)
			default:
				fmt.Fprintf(&b, "    %s: %s\n", name, value)
			}
		}
	}
	return b.String()
}

func modelFieldNames() []string {
	var names []string
	for _, field := range modelFields {
		names = append(names, field.name)
	}
	return names
}

// load reads the fleet as the command line does.
func (f *modelFleet) load(t *testing.T) *spec.Fleet {
	t.Helper()
	fleet, found := spec.Load([]spec.Input{{Name: "fleet.yaml", Data: []byte(f.yaml())}}, spec.Variables{})
	if fleet == nil {
		t.Fatalf("the test's fleet is wrong: %v\n%s", found, f.yaml())
	}
	return fleet
}
