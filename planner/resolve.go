package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"zfleet/spec"
)

// resolver binds references to catalog entries and collects what is wrong.
type resolver struct {
	catalog  Catalog
	bindings map[bindingKey]Binding
	findings spec.Diagnostics
	seen     map[spec.Diagnostic]bool
	asked    map[Kind]Asked // what of the cloud was looked at; nil if everything
	file     string         // of the inventory, for people
	// imaginary: the UUID of everything is the text of the reference to it.
	imaginary bool
}

func newResolver(inv *Inventory) *resolver {
	return &resolver{catalog: inv.Catalog, asked: inv.Asked, file: inv.file, imaginary: inv.imaginary,
		bindings: make(map[bindingKey]Binding), seen: make(map[spec.Diagnostic]bool)}
}

// bindingKey tells bindings apart: one name may mean different things in
// different places.
type bindingKey struct {
	kind      Kind
	ref, uuid string
}

// report adds a finding once: the machines of a group share their lines.
func (r *resolver) report(d spec.Diagnostic) {
	if !r.seen[d] {
		r.seen[d] = true
		r.findings = append(r.findings, d)
	}
}

func (r *resolver) errorf(pos spec.Pos, code, hint, format string, args ...any) {
	r.report(spec.Diagnostic{Pos: pos, Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// site is where a machine was asked to stand, once bound. It narrows names down.
type site struct{ zone, cluster, host *Entry }

// zoneUUID returns the zone that the site lies in, or "".
func (s site) zoneUUID() string {
	for _, entry := range []*Entry{s.host, s.cluster} {
		if entry != nil {
			return entry.ZoneUUID
		}
	}
	if s.zone != nil {
		return s.zone.UUID
	}
	return ""
}

// clusterUUID returns the cluster that the site lies in, or "".
func (s site) clusterUUID() string {
	switch {
	case s.host != nil && len(s.host.ClusterUUIDs) > 0:
		return s.host.ClusterUUIDs[0]
	case s.cluster != nil:
		return s.cluster.UUID
	}
	return ""
}

// hostUUID returns the host that the site is, or "".
func (s site) hostUUID() string {
	if s.host == nil {
		return ""
	}
	return s.host.UUID
}

// admits reports whether an entry can be used where the site is: entries that
// say nothing of zones or clusters can be used everywhere.
func (s site) admits(e Entry) bool {
	if zone := s.zoneUUID(); zone != "" && e.ZoneUUID != "" && e.ZoneUUID != zone {
		return false
	}
	cluster := s.clusterUUID()
	return cluster == "" || len(e.ClusterUUIDs) == 0 || slices.Contains(e.ClusterUUIDs, cluster)
}

// bind returns the one entry that a reference means, or nil after a finding.
func (r *resolver) bind(kind Kind, ref *spec.Ref, at site, pos spec.Pos) *Entry {
	if ref == nil {
		return nil
	}
	if !ref.Pos.IsZero() {
		pos = ref.Pos
	}
	if what := r.unasked(kind, ref); what != "" {
		file := cmp.Or(r.file, "the inventory")
		r.errorf(pos, beyondInventory, takeAgain(cmp.Or(r.file, "FILE")), "%s was not taken with %s", file, what)
		return nil
	}
	found := r.candidates(kind, ref)
	if len(found) > 1 {
		if narrowed := filter(found, at.admits); len(narrowed) > 0 {
			found = narrowed
		}
	}
	switch len(found) {
	case 1:
		text, entry := ref.String(), &found[0]
		r.bindings[bindingKey{kind, text, entry.UUID}] = Binding{Kind: kind, Ref: text, UUID: entry.UUID, Name: entry.Name, Facts: entry.facts(kind, ref.UUID == "")}
		return &found[0]
	case 0:
		r.missing(kind, ref, pos)
	default:
		r.ambiguous(kind, ref, found, pos)
	}
	return nil
}

// unasked says what of a reference the inventory was taken without, or "".
func (r *resolver) unasked(kind Kind, ref *spec.Ref) string {
	if r.asked == nil {
		return ""
	}
	if !r.asked[kind].covers(ref.Name, ref.UUID) {
		return fmt.Sprintf("%s %q", kind, cmp.Or(ref.UUID, ref.Name))
	}
	for _, qualifier := range []struct {
		kind Kind
		text string
	}{{KindZone, ref.Zone}, {KindCluster, ref.Cluster}} {
		if q := textRef(qualifier.text); qualifier.text != "" && !r.asked[qualifier.kind].covers(q.Name, q.UUID) {
			return fmt.Sprintf("%s %q", qualifier.kind, qualifier.text)
		}
	}
	return ""
}

// candidates returns the entries that a reference fits, before placement narrows them.
func (r *resolver) candidates(kind Kind, ref *spec.Ref) []Entry {
	if r.imaginary {
		return filter(r.catalog[kind], func(e Entry) bool { return e.UUID == ref.String() })
	}
	return filter(r.catalog[kind], func(e Entry) bool {
		if ref.UUID != "" && e.UUID != ref.UUID || ref.UUID == "" && e.Name != ref.Name {
			return false
		}
		return r.within(KindZone, ref.Zone, e.ZoneUUID) &&
			(ref.Cluster == "" || slices.ContainsFunc(e.ClusterUUIDs, func(uuid string) bool { return r.within(KindCluster, ref.Cluster, uuid) }))
	})
}

// within reports whether a qualifier, a name or a UUID, means the thing with a UUID.
func (r *resolver) within(kind Kind, qualifier, uuid string) bool {
	return qualifier == "" || uuid == qualifier ||
		slices.ContainsFunc(r.catalog[kind], func(e Entry) bool { return e.UUID == uuid && e.Name == qualifier })
}

// missing reports a reference that fits nothing, with the nearest name.
func (r *resolver) missing(kind Kind, ref *spec.Ref, pos spec.Pos) {
	hint := "check the name, and that the account may see it"
	switch near := r.nearest(kind, ref.Name); {
	case near != "":
		hint = fmt.Sprintf("did you mean %q?", near)
	case ref.Name != "" && len(r.named(kind, ref.Name)) > 0:
		hint = "it exists, but not there: " + r.list(r.named(kind, ref.Name))
	case len(r.catalog[kind]) > 0 && len(r.catalog[kind]) <= 8:
		hint = "there are: " + names(r.catalog[kind])
	}
	r.errorf(pos, "unknown-reference", hint, "no %s %q", kind, ref.String())
}

func (r *resolver) named(kind Kind, name string) []Entry {
	return filter(r.catalog[kind], func(e Entry) bool { return e.Name == name })
}

// ambiguous reports a name that fits several entries, and what would decide.
func (r *resolver) ambiguous(kind Kind, ref *spec.Ref, found []Entry, pos spec.Pos) {
	decides := "write the UUID instead of the name"
	if distinct(found, func(e Entry) string { return e.ZoneUUID }) {
		decides = fmt.Sprintf("say which: {name: %s, zone: …}, or write the UUID", ref.Name)
	} else if distinct(found, func(e Entry) string { return strings.Join(e.ClusterUUIDs, ",") }) {
		decides = fmt.Sprintf("say which: {name: %s, cluster: …}, or write the UUID", ref.Name)
	}
	r.errorf(pos, "ambiguous-reference", decides+"; candidates: "+r.list(found), "%d %ss are named %q", len(found), kind, ref.Name)
}

// list describes entries so that a person can tell them apart.
func (r *resolver) list(entries []Entry) string {
	var texts []string
	for _, e := range entries {
		facts := []string{e.UUID}
		if e.ZoneUUID != "" {
			facts = append(facts, "zone "+r.nameOf(KindZone, e.ZoneUUID))
		}
		if state := cmp.Or(e.State, e.Status); state != "" {
			facts = append(facts, state)
		}
		if e.CreateDate != "" {
			facts = append(facts, "created "+e.CreateDate)
		}
		texts = append(texts, e.Name+" ("+strings.Join(facts, ", ")+")")
	}
	return strings.Join(texts, "; ")
}

// nameOf returns the name of a catalog entry, or its UUID if it has none.
func (r *resolver) nameOf(kind Kind, uuid string) string {
	for _, e := range r.catalog[kind] {
		if e.UUID == uuid {
			return cmp.Or(e.Name, uuid)
		}
	}
	return uuid
}

// nearest returns the name of the kind that is most like a misspelt one, or "".
func (r *resolver) nearest(kind Kind, name string) string {
	if name == "" {
		return ""
	}
	best, bound := "", 1+len([]rune(name))/4
	for _, e := range r.catalog[kind] {
		distance := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(e.Name))
		if e.Name != name && (distance < bound || distance == bound && best == "") {
			best, bound = e.Name, distance
		}
	}
	return best
}

// sorted returns the bindings by kind and text.
func (r *resolver) sorted() []Binding {
	list := make([]Binding, 0, len(r.bindings))
	for _, b := range r.bindings {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Binding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.UUID, b.UUID))
	})
	return list
}

func filter[T any](items []T, keep func(T) bool) []T {
	var kept []T
	for _, item := range items {
		if keep(item) {
			kept = append(kept, item)
		}
	}
	return kept
}

// distinct reports whether a property tells all entries apart.
func distinct(entries []Entry, property func(Entry) string) bool {
	seen := make(map[string]bool)
	for _, e := range entries {
		seen[property(e)] = true
	}
	return len(seen) == len(entries)
}

func names(entries []Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, e.Name)
	}
	return strings.Join(uniqueSorted(list), ", ")
}

func indexed(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }
