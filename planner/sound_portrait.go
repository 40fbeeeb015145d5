package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zfleet/spec/policy"
)

// forged says where what a change says of its machine, which policies and
// people look at, is not what its steps make, or "". Names are those of the
// references; what an update leaves as it was cannot be told.
func (c *Change) forged(scope Scope, references []Binding) string {
	m, b, e := c.Machine, c.Blueprint, c.Edit
	if c.Action == Delete {
		return ""
	}
	if m == nil {
		return "does not say what its machine is like"
	}
	if c.Action == Update {
		switch {
		case e.CPU != nil && m.CPU != *e.CPU, e.Memory != nil && m.Memory != *e.Memory,
			e.OfferingUUID != "" && !isNamed(references, KindInstanceOffering, e.OfferingUUID, m.InstanceOffering):
			return "says another size of its machine than it sets"
		case e.Hostname != nil && m.Hostname != *e.Hostname, e.Description != nil && m.Description != *e.Description:
			return "says another description or hostname of its machine than it sets"
		}
		return ""
	}
	for _, part := range []struct {
		what       string
		kind       Kind
		uuid, said string
	}{
		{"source", sourceKind(b.Source), b.SourceUUID, cmp.Or(m.Image, m.Volume, m.Snapshot)},
		{"instance offering", KindInstanceOffering, b.OfferingUUID, m.InstanceOffering},
		{"zone", KindZone, b.ZoneUUID, m.Zone},
		{"cluster", KindCluster, b.ClusterUUID, m.Cluster},
		{"host", KindHost, b.HostUUID, m.Host},
	} {
		if part.uuid != "" && !isNamed(references, part.kind, part.uuid, part.said) {
			return fmt.Sprintf("says another %s of its machine than it makes", part.what)
		}
	}
	own := filter(b.UserTags, func(tag string) bool { return !strings.HasPrefix(tag, TagNamespace) })
	switch {
	case m.Source != string(b.Source):
		return "says another source of its machine than it makes"
	case (m.InstanceOffering == "") != (b.OfferingUUID == ""), b.OfferingUUID == "" && (m.CPU != b.CPU || m.Memory != b.Memory),
		b.OfferingUUID != "" && !offers(references, b.OfferingUUID, m.CPU, m.Memory):
		return "says another size of its machine than it makes"
	case len(m.Networks) != len(b.NICs), slices.ContainsFunc(b.NICs, func(n NICPlan) bool {
		return !slices.ContainsFunc(m.Networks, func(name string) bool { return isNamed(references, KindNetwork, n.NetworkUUID, name) })
	}):
		return "says other networks of its machine than it makes"
	case len(m.DataDisks) != len(b.DataDisks), slices.ContainsFunc(b.DataDisks, func(d DiskPlan) bool {
		return d.Size != 0 && !slices.ContainsFunc(m.DataDisks, func(said policy.Disk) bool { return said.Size == d.Size })
	}):
		return "says other data disks of its machine than it makes"
	case !slices.Equal(uniqueSorted(own), uniqueSorted(m.UserTags)):
		return "says other user tags of its machine than it makes"
	case m.Protect != slices.Contains(b.UserTags, scope.TagPrefix()+protectTag):
		return "says of its machine's protection what is not so"
	case m.Description != valueOf(b.Description):
		return "says another description of its machine than it makes"
	}
	return ""
}

// isNamed reports whether a name is that of what a plan refers to.
func isNamed(references []Binding, kind Kind, uuid, name string) bool {
	return slices.ContainsFunc(references, func(b Binding) bool { return b.Kind == kind && b.UUID == uuid && cmp.Or(b.Name, b.UUID) == name })
}

// offers reports whether an instance offering has a size, as the plan relies on
// it; an apply holds that against the cloud.
func offers(references []Binding, uuid string, cpu int, memory int64) bool {
	return slices.ContainsFunc(references, func(b Binding) bool {
		if b.Kind != KindInstanceOffering || b.UUID != uuid {
			return false
		}
		facts := factsOf(b.Facts)
		return (cpu == 0 || facts["cpu"] == strconv.Itoa(cpu)) && (memory == 0 || facts["memory"] == formatSize(memory))
	})
}
