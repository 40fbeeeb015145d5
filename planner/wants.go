package planner

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"zfleet/spec"
)

// Wants says what an inventory must hold so that a fleet can be planned: the
// names and UUIDs that it refers to, by kind, sorted and without repeats, and
// the VMs that it names by an explicit resourceUuid.
type Wants struct {
	Refs     map[Kind][]spec.Ref
	VMUUIDs  []string
	Formerly []Scope // names and ids that the fleet had before
}

// Everything wants every kind whole, and names nothing.
func Everything() map[Kind]Asked {
	all := make(map[Kind]Asked)
	for _, kind := range kinds() {
		all[kind] = Asked{Whole: true}
	}
	return all
}

// WithImages wants the images that machines were made from too, where images
// are wanted at all: a plan that replaces one image by another names both.
func (w Wants) WithImages(machines []Observed) Wants {
	refs := slices.Clone(w.Refs[KindImage])
	if len(refs) == 0 {
		return w
	}
	for _, vm := range machines {
		if ref := (spec.Ref{UUID: vm.ImageUUID}); vm.ImageUUID != "" && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	w.Refs = maps.Clone(w.Refs)
	w.Refs[KindImage] = refs
	return w
}

// RequestsFor says what an inventory for a fleet has to hold.
func RequestsFor(fleet *spec.Fleet) Wants {
	wants := Wants{Refs: make(map[Kind][]spec.Ref), Formerly: formerScopes(fleet)}
	add := func(kind Kind, ref *spec.Ref) {
		if ref == nil {
			return
		}
		wants.Refs[kind] = append(wants.Refs[kind], spec.Ref{UUID: ref.UUID, Name: ref.Name})
		for kind, text := range map[Kind]string{KindZone: ref.Zone, KindCluster: ref.Cluster} {
			if text != "" {
				wants.Refs[kind] = append(wants.Refs[kind], textRef(text))
			}
		}
	}
	for i := range fleet.Machines {
		m := &fleet.Machines[i]
		for use := range references(m) {
			add(use.kind, use.ref)
		}
		if m.ResourceUUID != "" {
			wants.VMUUIDs = append(wants.VMUUIDs, m.ResourceUUID)
		}
	}
	for kind, refs := range wants.Refs {
		slices.SortFunc(refs, func(a, b spec.Ref) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.UUID, b.UUID))
		})
		wants.Refs[kind] = slices.Compact(refs)
	}
	slices.Sort(wants.VMUUIDs)
	return wants
}

// reference is one place in a machine that refers to something in the cloud.
type reference struct {
	kind Kind
	path string // of the field in the fleet file
	ref  *spec.Ref
}

// references yields every reference of a machine.
func references(m *spec.Machine) func(yield func(reference) bool) {
	return func(yield func(reference) bool) {
		ok := true
		visit := func(kind Kind, path string, ref *spec.Ref) {
			if ok && ref != nil {
				ok = yield(reference{kind, path, ref})
			}
		}
		visit(KindZone, "placement.zone", m.Placement.Zone)
		visit(KindCluster, "placement.cluster", m.Placement.Cluster)
		visit(KindHost, "placement.host", m.Placement.Host)
		visit(sourceKind(m.Source.Kind), "source."+string(m.Source.Kind), &m.Source.Ref)
		visit(KindInstanceOffering, "instanceOffering", m.Offering)
		for i := range m.Networks {
			visit(KindNetwork, indexed("networks", i), &m.Networks[i].Network)
		}
		if root := m.RootDisk; root != nil {
			visit(KindDiskOffering, "rootDisk.offering", root.Offering)
			visit(KindPrimaryStorage, "rootDisk.primaryStorage", root.PrimaryStorage)
		}
		for i, disk := range m.DataDisks {
			path := indexed("dataDisks", i)
			visit(KindDiskOffering, path+".offering", disk.Offering)
			visit(KindImage, path+".template", disk.Template)
			visit(KindVolume, path+".volume", disk.Volume)
			visit(KindPrimaryStorage, path+".primaryStorage", disk.PrimaryStorage)
		}
		for i := range m.SSHKeys {
			visit(KindSSHKey, indexed("sshKeys", i), &m.SSHKeys[i])
		}
		for i := range m.Tags {
			visit(KindTag, indexed("tags", i), &m.Tags[i])
		}
		for i := range m.DataVolumeTemplates {
			visit(KindImage, indexed("dataVolumeTemplates", i), &m.DataVolumeTemplates[i])
		}
	}
}

func sourceKind(kind spec.SourceKind) Kind {
	switch kind {
	case spec.FromVolume:
		return KindVolume
	case spec.FromSnapshot:
		return KindSnapshot
	case spec.FromImage:
	}
	return KindImage
}

// textRef reads a qualifier, which is a name or a UUID.
func textRef(text string) spec.Ref {
	if isUUID(text) {
		return spec.Ref{UUID: text}
	}
	return spec.Ref{Name: text}
}

func isUUID(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == ""
}
