package planner

import (
	"slices"
	"strings"
)

// Inventory is everything observed of a cloud that a plan needs, taken once
// per plan.
//
// The fields that are of one fleet, and not of the cloud, are not in JSON:
// InventoryFile writes them for each of its fleets.
type Inventory struct {
	Scope    Scope  `json:"-"`
	Account  string `json:"account,omitempty"`  // UUID of the account that looked
	Endpoint string `json:"endpoint,omitempty"` // informational
	Version  string `json:"version,omitempty"`  // of the server, empty if unreadable
	// DeletionPolicy is the server's policy for destroyed VMs: Delay, Direct,
	// Never, or empty when it could not be read.
	DeletionPolicy string `json:"deletionPolicy,omitempty"`
	// Machines holds every VM whose UUID is in the fleet's range, that carries a
	// tag of the fleet, or whose UUID the fleet file names; in every state,
	// sorted by UUID.
	Machines []Observed `json:"machines"`
	// Disks holds every data volume that carries a disk tag of the fleet,
	// attached or not, sorted by UUID. Volumes in the recycle bin are not in it.
	Disks []Disk `json:"disks"`
	// Formerly are the names and ids that the fleet had before; Machines holds
	// the VMs that were made under them too.
	Formerly []Scope `json:"-"`
	// Relatives are fleets with live machines that share the name or the id with
	// this one, looked for only when this one has no live machine.
	Relatives []Relative `json:"-"`
	// Headroom is what is left for machines that are to be created; nil when it
	// was not read.
	Headroom *Headroom `json:"headroom,omitempty"`
	// Catalog holds what the fleet's references may be bound to.
	Catalog Catalog `json:"catalog"`
	// Asked says what was looked for of each kind in the catalog: a name that is
	// not there is unknown if nobody asked for it. Nil if all was asked for.
	Asked map[Kind]Asked `json:"asked"`

	// imaginary marks the inventory of a cloud in which the UUID of everything
	// is the text of the reference to it.
	imaginary bool
	// file is what people call the file that the inventory was read from, if it was.
	file string
}

// Relative is another fleet of nearly the same identity.
type Relative struct {
	Scope    Scope `json:"scope"`
	Machines int   `json:"machines"` // live ones
}

// Observed is one VM as the server shows it. Sizes are bytes; empty means that
// the server did not say.
type Observed struct {
	UUID           string `json:"uuid"`
	Name           string `json:"name"`
	Description    string `json:"description,omitempty"`
	State          string `json:"state"`                // the server's word: Running, Stopped, Destroyed, …
	CreateDate     string `json:"createDate,omitempty"` // the server's text, compared but never parsed
	ZoneUUID       string `json:"zoneUuid,omitempty"`
	ClusterUUID    string `json:"clusterUuid,omitempty"`
	HostUUID       string `json:"hostUuid,omitempty"`
	ImageUUID      string `json:"imageUuid,omitempty"`
	OfferingUUID   string `json:"instanceOfferingUuid,omitempty"`
	DefaultNetwork string `json:"defaultL3NetworkUuid,omitempty"`
	Platform       string `json:"platform,omitempty"`
	Architecture   string `json:"architecture,omitempty"`
	GuestOSType    string `json:"guestOsType,omitempty"`
	CPU            int    `json:"cpuNum"`
	Memory         int64  `json:"memorySize"`
	Reserved       int64  `json:"reservedMemorySize,omitempty"`
	NICs           []NIC  `json:"nics,omitempty"`    // by device id
	Volumes        []Disk `json:"volumes,omitempty"` // attached ones, root first, by device id
	UserTags       []Tag  `json:"userTags,omitempty"`
	SystemTags     []Tag  `json:"systemTags,omitempty"` // only those that are compared: the hostname
}

// NIC is one network card of an observed VM.
type NIC struct {
	NetworkUUID string   `json:"l3NetworkUuid"`
	IPs         []string `json:"ips,omitempty"`
}

// Disk is a volume. For data disks of the fleet Tags holds the tags that say so.
type Disk struct {
	UUID   string `json:"uuid"`
	Name   string `json:"name"`
	Type   string `json:"type"` // Root, Data, …
	Size   int64  `json:"size"` // bytes
	Status string `json:"status,omitempty"`
	VMUUID string `json:"vmInstanceUuid,omitempty"` // empty when detached
	Tags   []Tag  `json:"tags,omitempty"`
}

// Tag is a user or system tag with its own UUID, by which it is deleted.
// PatternUUID is set on user tags that came from a tag pattern.
type Tag struct {
	UUID        string `json:"uuid"`
	Text        string `json:"tag"`
	PatternUUID string `json:"tagPatternUuid,omitempty"`
}

// Kind is a kind of thing that a fleet file can refer to.
type Kind string

// The kinds of references.
const (
	KindZone             Kind = "zone"
	KindCluster          Kind = "cluster"
	KindHost             Kind = "host"
	KindPrimaryStorage   Kind = "primary storage"
	KindInstanceOffering Kind = "instance offering"
	KindDiskOffering     Kind = "disk offering"
	KindImage            Kind = "image"
	KindNetwork          Kind = "network"
	KindVolume           Kind = "volume"
	KindSnapshot         Kind = "volume snapshot"
	KindSSHKey           Kind = "SSH key pair"
	KindTag              Kind = "tag"
)

// kinds returns all kinds.
func kinds() []Kind {
	return []Kind{KindZone, KindCluster, KindHost, KindPrimaryStorage, KindInstanceOffering, KindDiskOffering,
		KindImage, KindNetwork, KindVolume, KindSnapshot, KindSSHKey, KindTag}
}

// ByName says that a kind is one of which a cloud may have very many, so that
// an inventory looks for the names and UUIDs that are referred to, and reads the
// whole collection only when one of the names is not there. Other kinds are
// always read whole.
func (k Kind) ByName() bool { return k == KindImage || k == KindVolume || k == KindSnapshot }

// Catalog holds entries by kind, each list sorted by UUID. A kind that is not
// in the map was not looked up.
type Catalog map[Kind][]Entry

// Entry is one thing that a reference may be bound to. Which fields are filled
// depends on its kind; entries in a recycle bin are not in a catalog.
type Entry struct {
	UUID         string   `json:"uuid"`
	Name         string   `json:"name"`
	State        string   `json:"state,omitempty"`  // Enabled, Disabled, …
	Status       string   `json:"status,omitempty"` // Ready, Connected, …
	CreateDate   string   `json:"createDate,omitempty"`
	ZoneUUID     string   `json:"zoneUuid,omitempty"`
	ClusterUUIDs []string `json:"clusterUuids,omitempty"` // of a host its own; of storage and networks those that it is attached to

	MediaType          string   `json:"mediaType,omitempty"` // images: RootVolumeTemplate, DataVolumeTemplate, ISO
	Platform           string   `json:"platform,omitempty"`  // images
	GuestOSType        string   `json:"guestOsType,omitempty"`
	Architecture       string   `json:"architecture,omitempty"` // images, clusters, hosts
	System             bool     `json:"system,omitempty"`       // images, networks
	Size               int64    `json:"size,omitempty"`         // images, volumes, snapshots, disk offerings; bytes
	CPU                int      `json:"cpuNum,omitempty"`       // instance offerings
	Memory             int64    `json:"memorySize,omitempty"`   // instance offerings; bytes
	Reserved           int64    `json:"reservedMemorySize,omitempty"`
	Type               string   `json:"type,omitempty"`               // the server's word: volumes Root or Data, offerings UserVm, …
	VMUUID             string   `json:"vmInstanceUuid,omitempty"`     // volumes: where attached
	StoreUUIDs         []string `json:"storeUuids,omitempty"`         // images: the backup storages that they are on
	VolumeUUID         string   `json:"volumeUuid,omitempty"`         // snapshots
	PrimaryStorageUUID string   `json:"primaryStorageUuid,omitempty"` // volumes, snapshots
	Shareable          bool     `json:"shareable,omitempty"`          // volumes
}

// sorted returns the inventory in an order of its own, so that a plan does not
// depend on the order in which a server lists things. NICs and the volumes of a
// VM have an order that means something and keep it.
func (inv *Inventory) sorted() *Inventory {
	other := *inv
	other.Machines = sortedBy(inv.Machines, func(vm Observed) string { return vm.UUID })
	for i := range other.Machines {
		vm := &other.Machines[i]
		vm.UserTags, vm.SystemTags = sortedTags(vm.UserTags), sortedTags(vm.SystemTags)
	}
	other.Disks = sortedBy(inv.Disks, func(d Disk) string { return d.UUID })
	for i := range other.Disks {
		other.Disks[i].Tags = sortedTags(other.Disks[i].Tags)
	}
	other.Catalog = make(Catalog, len(inv.Catalog))
	for kind, entries := range inv.Catalog {
		other.Catalog[kind] = sortedBy(entries, func(e Entry) string { return e.UUID })
		for i := range other.Catalog[kind] {
			e := &other.Catalog[kind][i]
			e.ClusterUUIDs = sortedBy(e.ClusterUUIDs, func(uuid string) string { return uuid })
		}
	}
	return &other
}

func sortedTags(tags []Tag) []Tag {
	return sortedBy(tags, func(t Tag) string { return t.Text + "\x00" + t.PatternUUID + "\x00" + t.UUID })
}

// sortedBy returns a sorted copy.
func sortedBy[T any](list []T, key func(T) string) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return list
}
