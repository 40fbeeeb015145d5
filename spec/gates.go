package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"zfleet/schemas"
)

// calls are the create calls by what machines are made from, in the words of
// the schema.
var calls = map[SourceKind]string{
	FromImage:    "CreateVmInstance",
	FromVolume:   "CreateVmInstanceFromVolume",
	FromSnapshot: "CreateVmInstanceFromVolumeSnapshot",
}

// gate says since which version of the server a call has a parameter. Where the
// API reference and the server's source disagree, only one below both surely
// lacks it.
type gate struct {
	parameter string
	certain   Version // from here on the parameter is there for sure
	possible  Version // below this it is not there for sure
	list      bool    // an empty list is not sent
}

// CheckVersion holds the parameters that the machines ask for against what a
// version of the server has. Each finding is at the line that asks.
func CheckVersion(machines []Machine, server Version) Diagnostics {
	gates, err := fieldGates()
	if err != nil {
		return Diagnostics{{Code: "bad-schema", Message: "the schema of fleet files is broken: " + err.Error()}}
	}
	var found Diagnostics
	seen := make(map[Diagnostic]bool)
	for i := range machines {
		m := &machines[i]
		for _, d := range m.checkVersion(gates[calls[m.Source.Kind]], server) {
			if !seen[d] { // the machines of a group share their lines
				seen[d] = true
				found = append(found, d)
			}
		}
	}
	return found
}

// checkVersion checks one machine against the gates of its call.
func (m *Machine) checkVersion(gates map[string]gate, server Version) Diagnostics {
	var found Diagnostics
	report := func(path, what string, g gate) {
		d := Diagnostic{Pos: m.At(path), Code: "server-too-old",
			Message: fmt.Sprintf("%s needs ZStack %s, the server is %s", what, g.certain, server),
			Hint:    fmt.Sprintf("the server would not know %s: take it out, or upgrade the server", g.parameter)}
		switch {
		case server.Compare(g.certain) >= 0:
			return
		case server.Compare(g.possible) >= 0:
			d.Severity = Warning
			d.Message = fmt.Sprintf("%s may need ZStack %s, the server is %s", what, g.certain, server)
			d.Hint = fmt.Sprintf("the sources disagree about %s: it came with %s or with %s", g.parameter, g.possible, g.certain)
		}
		found = append(found, d)
	}
	source := "source." + string(m.Source.Kind)
	if report(source, source, gates[source]); found.HasErrors() {
		return found // the whole call is missing
	}
	objects := needsDiskObjects(m.DataDisks)
	parent := "-" // of what is found wanting: what is below it goes with it
	for _, path := range slices.Sorted(maps.Keys(m.Places)) {
		field := withoutIndexes(path)
		g, known := gates[field]
		if !known || field == source || objects && field == "dataDisks[].size" { // said in diskAOs, below
			continue
		}
		if _, items := m.Places[path+"[0]"]; g.list && !items {
			continue
		}
		if before := len(found); !strings.HasPrefix(path, parent) {
			if report(path, path, g); len(found) > before {
				parent = path + "."
			}
		}
	}
	since := func(v Version, parameter string) gate { return gate{parameter: parameter, certain: v, possible: v} }
	switch {
	case objects:
		if !slices.ContainsFunc(m.DataDisks, DataDisk.onlyAsObject) { // else that field's own gate says so
			report("dataDisks", "a list of data disks on several storages, or with offerings after sizes,", since(Version{4, 7, 0}, "diskAOs"))
		}
	case tagsDiffer(m.DataDisks):
		report("dataDisks", "a list of data disks with systemTags of their own", since(Version{4, 4, 24}, "dataVolumeSystemTagsOnIndex"))
	}
	return found
}

// needsDiskObjects reports whether data disks can be said in diskAOs only:
// simple lists know no names, no sources, one storage for all, and no order but
// offerings before sizes.
func needsDiskObjects(disks []DataDisk) bool {
	sized := false
	for _, d := range disks {
		if d.onlyAsObject() || !sameRef(d.PrimaryStorage, disks[0].PrimaryStorage) || sized && d.Offering != nil {
			return true
		}
		sized = sized || d.Offering == nil
	}
	return false
}

// onlyAsObject reports whether a disk has a field that simple lists do not.
func (d DataDisk) onlyAsObject() bool { return d.Template != nil || d.Volume != nil || d.Name != "" }

func sameRef(a, b *Ref) bool {
	return a == nil && b == nil || a != nil && b != nil && a.String() == b.String()
}

func tagsDiffer(disks []DataDisk) bool {
	return slices.ContainsFunc(disks, func(d DataDisk) bool { return !slices.Equal(d.SystemTags, disks[0].SystemTags) })
}

// withoutIndexes turns "dataDisks[2].size" into "dataDisks[].size".
func withoutIndexes(path string) string {
	var plain strings.Builder
	for part := range strings.SplitAfterSeq(path, "[") {
		if at := strings.IndexByte(part, ']'); at >= 0 {
			part = part[at:]
		}
		plain.WriteString(part)
	}
	return plain.String()
}

// fieldGates reads from the schema, once, which field of a machine needs which
// version: by call and by path without indexes.
var fieldGates = sync.OnceValues(func() (map[string]map[string]gate, error) {
	var raw struct {
		Definitions map[string]schemaNode `json:"definitions"`
	}
	if err := json.Unmarshal(schemas.Fleet, &raw); err != nil {
		return nil, err
	}
	c := gateCollector{definitions: raw.Definitions, gates: make(map[string]map[string]gate)}
	for _, call := range calls {
		c.gates[call] = make(map[string]gate)
	}
	c.visit("", raw.Definitions["machine"])
	return c.gates, c.err
})

// schemaNode is what of a schema says where fields are and since when.
type schemaNode struct {
	Ref         string                `json:"$ref"`
	AnyOf       []schemaNode          `json:"anyOf"`
	Items       *schemaNode           `json:"items"`
	Properties  map[string]schemaNode `json:"properties"`
	API         map[string]string     `json:"x-api"`
	Since       map[string]string     `json:"x-since"`
	SinceSource map[string]string     `json:"x-since-source"`
}

type gateCollector struct {
	definitions map[string]schemaNode
	gates       map[string]map[string]gate
	err         error
}

// visit collects the gates of a field and of all below it.
func (c *gateCollector) visit(path string, n schemaNode) {
	for call, since := range n.Since {
		certain, ok := ParseVersion(since)
		possible := certain
		if source := n.SinceSource[call]; source != "" {
			other, valid := ParseVersion(source)
			ok = ok && valid
			possible = slices.MinFunc([]Version{certain, other}, Version.Compare)
			certain = slices.MaxFunc([]Version{certain, other}, Version.Compare)
		}
		if !ok || c.gates[call] == nil {
			c.err = fmt.Errorf("x-since of %s in %s is no version", path, call)
			return
		}
		c.gates[call][path] = gate{n.API[call], certain, possible, n.Items != nil}
	}
	if name, ok := strings.CutPrefix(n.Ref, "#/definitions/"); ok {
		c.visit(path, c.definitions[name])
	}
	for _, arm := range n.AnyOf {
		c.visit(path, arm)
	}
	if n.Items != nil {
		c.visit(path+"[]", *n.Items)
	}
	for key, property := range n.Properties {
		c.visit(joined(path, key), property)
	}
}
