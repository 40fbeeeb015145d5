package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
	"zfleet/spec/policy"
)

// portray says in names what the machine of a change will be like. A VM that
// stays lends what the file does not manage.
func (b *builder) portray(change *Change, w *draft, vm *Observed) *policy.Machine {
	p := &policy.Machine{}
	if change.Action == Update && vm != nil {
		p = b.portrayVM(vm, change.Edit)
	}
	m := w.m
	p.Source = string(m.Source.Kind)
	p.Image, p.Volume, p.Snapshot = "", "", ""
	switch name := sourceName(w); m.Source.Kind {
	case spec.FromImage:
		p.Image = name
	case spec.FromVolume:
		p.Volume = name
	case spec.FromSnapshot:
		p.Snapshot = name
	}
	if offering := w.offering(); offering != nil {
		p.InstanceOffering, p.CPU, p.Memory = entryName(offering), offering.CPU, offering.Memory
	} else if m.CPU != nil || m.Memory != nil {
		p.InstanceOffering, p.CPU, p.Memory = "", valueOf(m.CPU), valueOf(m.Memory)
	}
	b.portrayPlace(p, w.site)
	b.portrayNetworks(p, w)
	b.portrayDisks(p, w)
	set := func(field *string, value string) { *field = cmp.Or(value, *field) }
	set(&p.Platform, m.Platform)
	set(&p.GuestOSType, m.GuestOSType)
	set(&p.Architecture, m.Architecture)
	p.Type, p.Strategy, p.Protect = m.Type, m.Strategy, m.Lifecycle.Protect
	if m.Description != nil {
		p.Description = *m.Description
	}
	if m.Hostname != nil {
		p.Hostname = *m.Hostname
	}
	p.SSHKeys = w.boundNames(KindSSHKey)
	p.Tags = uniqueSorted(append(p.Tags, w.boundNames(KindTag)...))
	p.UserTags = uniqueSorted(append(p.UserTags, m.UserTags...))
	return p
}

// portrayVM says what a VM is like, or would be without the tags that an edit
// takes off it. Of what the inventory has no name for it says the UUID.
func (b *builder) portrayVM(vm *Observed, edit *Edit) *policy.Machine {
	p := &policy.Machine{
		Image:            b.names.nameOf(KindImage, vm.ImageUUID),
		InstanceOffering: b.names.nameOf(KindInstanceOffering, vm.OfferingUUID),
		CPU:              vm.CPU, Memory: vm.Memory,
		Zone: b.names.nameOf(KindZone, vm.ZoneUUID), Cluster: b.names.nameOf(KindCluster, vm.ClusterUUID), Host: b.names.nameOf(KindHost, vm.HostUUID),
		Description: vm.Description, Platform: vm.Platform, GuestOSType: vm.GuestOSType, Architecture: vm.Architecture,
	}
	if b.names.imaginary && vm.OfferingUUID == sizeName(vm.CPU, vm.Memory) {
		p.InstanceOffering = "" // it only stands for the size
	}
	tags := b.scope.readTags(vm.UserTags)
	p.Source, p.Protect = string(tags.sourceKind()), tags.has(protectTag)
	for _, nic := range vm.NICs {
		p.Networks = append(p.Networks, b.names.nameOf(KindNetwork, nic.NetworkUUID))
		p.Addresses = append(p.Addresses, filter(nic.IPs, func(ip string) bool { return ip != "" })...)
	}
	for _, v := range vm.Volumes {
		disk := policy.Disk{Name: v.Name, Size: v.Size}
		if v.Type == "Data" {
			p.DataDisks = append(p.DataDisks, disk)
		} else {
			p.RootDisk = &disk
		}
	}
	for _, tag := range vm.SystemTags {
		if name, ok := strings.CutPrefix(tag.Text, hostnameTag); ok {
			p.Hostname = name
		}
	}
	for _, tag := range vm.UserTags {
		switch {
		case edit != nil && (slices.Contains(edit.RemoveTags, tag) || slices.Contains(edit.DetachTags, tag.PatternUUID)):
		case tag.PatternUUID != "":
			p.Tags = append(p.Tags, b.names.nameOf(KindTag, tag.PatternUUID))
		case !strings.HasPrefix(tag.Text, TagNamespace):
			p.UserTags = append(p.UserTags, tag.Text)
		}
	}
	p.Tags, p.UserTags = uniqueSorted(p.Tags), uniqueSorted(p.UserTags)
	return p
}

func (b *builder) portrayPlace(p *policy.Machine, s site) {
	if zone := cmp.Or(uuidOf(s.zone), s.zoneUUID()); zone != "" {
		p.Zone = b.names.nameOf(KindZone, zone)
	}
	if cluster := cmp.Or(uuidOf(s.cluster), s.clusterUUID()); cluster != "" {
		p.Cluster = b.names.nameOf(KindCluster, cluster)
	}
	if s.host != nil {
		p.Host = entryName(s.host)
	}
}

func (b *builder) portrayNetworks(p *policy.Machine, w *draft) {
	if w.m.Networks == nil {
		return
	}
	p.Networks = w.boundNames(KindNetwork)
	var chosen []string
	for _, n := range w.m.Networks {
		if n.IP != "" {
			chosen = append(chosen, n.IP)
		}
	}
	if len(p.Addresses) == 0 || len(chosen) == len(w.m.Networks) {
		p.Addresses = chosen
	}
}

func (b *builder) portrayDisks(p *policy.Machine, w *draft) {
	disk := func(path string, name string, size *int64) policy.Disk {
		d := policy.Disk{Name: name, Size: valueOf(size)}
		for part, field := range map[string]*string{"offering": &d.Offering, "template": &d.Template, "volume": &d.Volume, "primaryStorage": &d.PrimaryStorage} {
			if entry := w.bound(path + "." + part); entry != nil {
				*field = entryName(entry)
				if part != "primaryStorage" {
					d.Size = entry.Size
				}
			}
		}
		return d
	}
	if root := w.m.RootDisk; root != nil {
		asked := disk("rootDisk", "", root.Size)
		p.RootDisk = &asked
	}
	if w.m.DataDisks != nil {
		p.DataDisks = nil
		for i, d := range w.m.DataDisks {
			p.DataDisks = append(p.DataDisks, disk(fmt.Sprintf("dataDisks[%d]", i), d.Name, d.Size))
		}
	}
}

// bound returns what the reference at a path was bound to, or nil.
func (w *draft) bound(path string) *Entry {
	for _, use := range w.uses {
		if use.path == path {
			return use.entry
		}
	}
	return nil
}

// boundNames returns the names of everything of a kind that a machine refers to.
func (w *draft) boundNames(kind Kind) []string {
	var names []string
	for _, use := range w.uses {
		if use.kind == kind {
			names = append(names, entryName(use.entry))
		}
	}
	return names
}

// sourceName names the source, also one that is gone.
func sourceName(w *draft) string {
	if w.source != nil {
		return entryName(w.source)
	}
	return w.m.Source.Ref.String()
}

func entryName(e *Entry) string { return cmp.Or(e.Name, e.UUID) }
