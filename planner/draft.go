package planner

import (
	"net/netip"
	"strings"

	"zfleet/spec"
)

// draft is a machine of the fleet file with its references bound.
type draft struct {
	m       *spec.Machine
	bp      Blueprint
	site    site
	source  *Entry
	uses    []bound
	digests map[string]string // by field: what the machine's tags will remember
	places  []string          // place tags, without the prefix
	secrets map[string]SecretTag
	// missing says that the source could not be bound: no matter for a machine
	// that exists.
	missing *spec.Diagnostic
}

// bound is a reference of a machine and what it means.
type bound struct {
	kind  Kind
	path  string
	entry *Entry
}

// drafter turns machines into drafts.
type drafter struct {
	scope   Scope
	resolve *resolver
	secrets secretDigests
}

// draft binds a machine. Findings go to the resolver; ok says that there were
// none. A source that does not exist is not reported: whether that matters is
// known later.
func (d *drafter) draft(m *spec.Machine) (w *draft, ok bool) {
	before := len(d.resolve.findings)
	w = &draft{m: m, digests: make(map[string]string), secrets: make(map[string]SecretTag)}
	w.site = d.site(m)
	w.bp = Blueprint{
		Source: m.Source.Kind, Name: m.Name, Description: m.Description,
		Reserved: m.Reserved, Strategy: m.Strategy, Platform: m.Platform, GuestOSType: m.GuestOSType,
		Architecture: m.Architecture, Virtio: m.Virtio, Type: m.Type,
		ZoneUUID: uuidOf(w.site.zone), ClusterUUID: uuidOf(w.site.cluster), HostUUID: uuidOf(w.site.host),
	}
	d.bindSource(w)
	bind := func(kind Kind, ref *spec.Ref, path string) string {
		entry := d.resolve.bind(kind, ref, w.site, m.At(path))
		if entry == nil {
			return ""
		}
		w.uses = append(w.uses, bound{kind, path, entry})
		return entry.UUID
	}
	d.size(w, bind)
	d.networks(w, bind)
	d.disks(w, bind)
	for i := range m.SSHKeys {
		w.bp.SSHKeyUUIDs = append(w.bp.SSHKeyUUIDs, bind(KindSSHKey, &m.SSHKeys[i], indexed("sshKeys", i)))
	}
	for i := range m.Tags {
		w.bp.TagUUIDs = append(w.bp.TagUUIDs, bind(KindTag, &m.Tags[i], indexed("tags", i)))
	}
	for i := range m.DataVolumeTemplates {
		w.bp.DataVolumeTemplateUUIDs = append(w.bp.DataVolumeTemplateUUIDs, bind(KindImage, &m.DataVolumeTemplates[i], indexed("dataVolumeTemplates", i)))
	}
	if spec.Diagnostics(d.resolve.findings[before:]).HasErrors() {
		return w, false
	}
	d.remember(w)
	return w, true
}

// site binds the placement: each part narrows the next.
func (d *drafter) site(m *spec.Machine) site {
	var s site
	p := m.Placement
	s.zone = d.resolve.bind(KindZone, p.Zone, site{}, m.At("placement.zone"))
	s.cluster = d.resolve.bind(KindCluster, p.Cluster, site{zone: s.zone}, m.At("placement.cluster"))
	s.host = d.resolve.bind(KindHost, p.Host, site{zone: s.zone, cluster: s.cluster}, m.At("placement.host"))
	if s.zone != nil && s.cluster != nil && !s.zone.holds(s.cluster) {
		d.resolve.errorf(m.At("placement.cluster"), "placement-conflict", "the server would look at the cluster only: remove the zone, or name its own",
			"cluster %q is in zone %q, not in %q", s.cluster.Name, d.resolve.nameOf(KindZone, s.cluster.ZoneUUID), s.zone.Name)
	}
	if s.host != nil && s.cluster != nil && !s.site().admits(*s.host) {
		d.resolve.errorf(m.At("placement.host"), "placement-conflict", "the server would look at the host only: remove the cluster, or name its own",
			"host %q is not in cluster %q", s.host.Name, s.cluster.Name)
	}
	if s.host != nil && s.zone != nil && !s.zone.holds(s.host) {
		d.resolve.errorf(m.At("placement.host"), "placement-conflict", "the server would look at the host only: remove the zone, or name its own",
			"host %q is not in zone %q", s.host.Name, s.zone.Name)
	}
	return s
}

// site returns the place without its host, for checking the host against it.
func (s site) site() site { return site{zone: s.zone, cluster: s.cluster} }

// holds reports whether something is in a zone, as far as it is known where it is.
func (e *Entry) holds(part *Entry) bool { return part.ZoneUUID == "" || part.ZoneUUID == e.UUID }

// bindSource binds the source, and keeps the finding if there is nothing to bind.
func (d *drafter) bindSource(w *draft) {
	ref, kind, path := &w.m.Source.Ref, sourceKind(w.m.Source.Kind), "source."+string(w.m.Source.Kind)
	if d.resolve.unasked(kind, ref) == "" && len(d.resolve.candidates(kind, ref)) == 0 {
		aside := newResolver(&Inventory{Catalog: d.resolve.catalog})
		aside.bind(kind, ref, w.site, w.m.At(path))
		w.missing = &aside.findings[0]
		return
	}
	if w.source = d.resolve.bind(kind, ref, w.site, w.m.At(path)); w.source != nil {
		w.bp.SourceUUID = w.source.UUID
		w.uses = append(w.uses, bound{kind, path, w.source})
	}
}

type binder func(kind Kind, ref *spec.Ref, path string) (uuid string)

func (d *drafter) size(w *draft, bind binder) {
	if w.m.Offering != nil {
		w.bp.OfferingUUID = bind(KindInstanceOffering, w.m.Offering, "instanceOffering")
		return
	}
	if w.m.CPU != nil {
		w.bp.CPU = *w.m.CPU
	}
	if w.m.Memory != nil {
		w.bp.Memory = *w.m.Memory
	}
}

// offering returns the catalog's entry of the instance offering, or nil.
func (w *draft) offering() *Entry {
	for _, use := range w.uses {
		if use.kind == KindInstanceOffering {
			return use.entry
		}
	}
	return nil
}

func (d *drafter) networks(w *draft, bind binder) {
	for i, n := range w.m.Networks {
		uuid := bind(KindNetwork, &w.m.Networks[i].Network, indexed("networks", i))
		w.bp.NICs = append(w.bp.NICs, NICPlan{NetworkUUID: uuid, IP: n.IP, MAC: n.MAC, Netmask: n.Netmask, Gateway: n.Gateway, Params: n.Params})
		if n.Default && len(w.m.Networks) > 1 {
			w.bp.DefaultNetwork = uuid
		}
	}
}

func (d *drafter) disks(w *draft, bind binder) {
	if root := w.m.RootDisk; root != nil {
		w.bp.RootDisk = &DiskPlan{
			OfferingUUID:       bind(KindDiskOffering, root.Offering, "rootDisk.offering"),
			PrimaryStorageUUID: bind(KindPrimaryStorage, root.PrimaryStorage, "rootDisk.primaryStorage"),
			Size:               valueOf(root.Size), SystemTags: root.SystemTags,
		}
	}
	for i, disk := range w.m.DataDisks {
		path := indexed("dataDisks", i)
		w.bp.DataDisks = append(w.bp.DataDisks, DiskPlan{
			OfferingUUID:       bind(KindDiskOffering, disk.Offering, path+".offering"),
			TemplateUUID:       bind(KindImage, disk.Template, path+".template"),
			VolumeUUID:         bind(KindVolume, disk.Volume, path+".volume"),
			PrimaryStorageUUID: bind(KindPrimaryStorage, disk.PrimaryStorage, path+".primaryStorage"),
			Size:               valueOf(disk.Size), Name: disk.Name, SystemTags: disk.SystemTags,
		})
	}
}

// ownDisks returns how many data disks are made with the machine: all that are
// asked for but existing volumes.
func (b *Blueprint) ownDisks() int {
	return len(filter(b.DataDisks, func(d DiskPlan) bool { return d.VolumeUUID == "" }))
}

// attachedVolumes returns the existing volumes that the machine gets.
func (b *Blueprint) attachedVolumes() []string {
	var uuids []string
	for _, d := range b.DataDisks {
		if d.VolumeUUID != "" {
			uuids = append(uuids, d.VolumeUUID)
		}
	}
	return uuids
}

// addressTags returns the system tags by which the server takes addresses.
// IPv6 addresses are written with "--" for "::", which separates a tag's parts.
func addressTags(nics []NICPlan) []string {
	var tags []string
	for _, nic := range nics {
		add := func(name, value string) {
			if value != "" {
				tags = append(tags, name+"::"+nic.NetworkUUID+"::"+strings.ReplaceAll(value, "::", "--"))
			}
		}
		netmask, gateway := "ipv4Netmask", "ipv4Gateway"
		if ip, err := netip.ParseAddr(nic.IP); err == nil && ip.Is6() {
			netmask, gateway = "ipv6Prefix", "ipv6Gateway"
		}
		add("staticIp", nic.IP)
		add(netmask, nic.Netmask)
		add(gateway, nic.Gateway)
		add("customMac", nic.MAC)
	}
	return tags
}

func uuidOf(entry *Entry) string {
	if entry == nil {
		return ""
	}
	return entry.UUID
}

func valueOf[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
