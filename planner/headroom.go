package planner

import "fmt"

// Headroom is what a cloud has left for machines that are to be created. What
// could not be read is not in it and is named in Unread.
type Headroom struct {
	Hosts     []Room           `json:"hosts,omitempty"`     // of those that take machines
	Storages  []StorageRoom    `json:"storages,omitempty"`  // by UUID
	Networks  []NetworkRoom    `json:"networks,omitempty"`  // by UUID, those that were asked about
	Quotas    []Quota          `json:"quotas,omitempty"`    // by name; none for an account without limits, such as admin
	Stores    []BackupStorage  `json:"stores,omitempty"`    // backup storages, where images are, by UUID
	Addresses []TakenAddress   `json:"addresses,omitempty"` // those asked about that are in use, by network and address
	Shapes    []CandidateHosts `json:"shapes,omitempty"`    // in the order in which they were asked about
	Unread    []Unread         `json:"unread,omitempty"`
}

// UnknownHeadroom is that of a cloud of which nothing is known, and why.
func UnknownHeadroom(why string) *Headroom { return &Headroom{Unread: []Unread{{everything, why}}} }

// Room is what a host that takes machines has left, as its server counts it:
// with overcommitment, and without what is reserved.
type Room struct {
	UUID        string `json:"uuid"`
	ZoneUUID    string `json:"zoneUuid"`
	ClusterUUID string `json:"clusterUuid"`
	CPU         int64  `json:"availableCpu"`
	Memory      int64  `json:"availableMemory"` // bytes
}

// StorageRoom is a primary storage and how many bytes volumes may still take.
type StorageRoom struct {
	UUID         string   `json:"uuid"`
	Name         string   `json:"name"`
	State        string   `json:"state"`
	Status       string   `json:"status"`
	ZoneUUID     string   `json:"zoneUuid"`
	ClusterUUIDs []string `json:"clusterUuids"`
	Available    int64    `json:"available"`
}

// NetworkRoom is an L3 network, its address ranges, and how many IPv4 addresses
// of them are free. One without ranges hands out no addresses.
type NetworkRoom struct {
	UUID   string         `json:"uuid"`
	Free   int64          `json:"free"`
	Ranges []AddressRange `json:"ranges,omitempty"`
	// Asked are the addresses on it of which it is known whether they are in use.
	Asked []string `json:"asked,omitempty"`
}

// AddressRange is a range of addresses, both ends included.
type AddressRange struct {
	Start   string `json:"start"`
	End     string `json:"end"`
	Gateway string `json:"gateway,omitempty"`
}

// Address is an address on a network.
type Address struct{ NetworkUUID, IP string }

// TakenAddress is an address that is in use, and by which VM as far as the
// account may see it.
type TakenAddress struct {
	NetworkUUID string `json:"l3NetworkUuid"`
	IP          string `json:"ip"`
	VMUUID      string `json:"vmInstanceUuid,omitempty"`
	VMName      string `json:"vmName,omitempty"`
}

// Quota is one limit of the account and how much of it is used.
type Quota struct {
	Name  string `json:"name"`
	Limit int64  `json:"limit"`
	Used  int64  `json:"used"`
}

// BackupStorage is where images are fetched from.
type BackupStorage struct {
	UUID      string   `json:"uuid"`
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Status    string   `json:"status"`
	ZoneUUIDs []string `json:"zoneUuids"`
}

// Shape is what the server needs to know of a machine from an image to say on
// which hosts one such machine could be made now.
type Shape struct {
	ImageUUID        string   `json:"imageUuid"`
	NetworkUUIDs     []string `json:"l3NetworkUuids"`
	DefaultNetwork   string   `json:"defaultL3NetworkUuid,omitempty"`
	OfferingUUID     string   `json:"instanceOfferingUuid,omitempty"`
	CPU              int      `json:"cpuNum,omitempty"`
	Memory           int64    `json:"memorySize,omitempty"`
	RootOfferingUUID string   `json:"rootDiskOfferingUuid,omitempty"`
	RootSize         int64    `json:"rootDiskSize,omitempty"`
	DiskOfferings    []string `json:"dataDiskOfferingUuids,omitempty"`
	ZoneUUID         string   `json:"zoneUuid,omitempty"`
	ClusterUUID      string   `json:"clusterUuid,omitempty"`
	HostUUID         string   `json:"hostUuid,omitempty"`
}

// key tells shapes apart.
func (s Shape) key() string { return fmt.Sprint(s) }

// CandidateHosts is how many hosts could take a machine of a shape.
type CandidateHosts struct {
	Shape Shape `json:"shape"`
	Hosts int   `json:"hosts"`
}

// Unread is something that could not be read, and why.
type Unread struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// maxShapes is about how many shapes the server is asked at most.
const maxShapes = 20

// HeadroomWants says what of a cloud's headroom matters to a plan. The zero
// value says that nothing does.
type HeadroomWants struct {
	Machines  bool      // hosts, storages, quotas: machines are to be created
	Images    bool      // backup storages: some of them from images
	Networks  []string  // UUIDs of the networks on which they take addresses
	Addresses []Address // of the file's own choice
	Shapes    []Shape   // not more than the server can be asked
}

// JoinWants wants what any of several plans does.
func JoinWants(wants ...HeadroomWants) HeadroomWants {
	var all HeadroomWants
	shapes := make(map[string]bool)
	for _, w := range wants {
		all.Machines, all.Images = all.Machines || w.Machines, all.Images || w.Images
		all.Networks = append(all.Networks, w.Networks...)
		all.Addresses = append(all.Addresses, w.Addresses...)
		for _, shape := range w.Shapes {
			if !shapes[shape.key()] {
				shapes[shape.key()] = true
				all.Shapes = append(all.Shapes, shape)
			}
		}
	}
	all.Networks = uniqueSorted(all.Networks)
	return all
}

// AllWants says what of a headroom matters to plans of fleets that nobody knows
// yet.
func (f *InventoryFile) AllWants() HeadroomWants {
	return HeadroomWants{Machines: true, Images: true, Networks: uniqueSorted(uuidsOf(f.Catalog[KindNetwork], func(e Entry) string { return e.UUID }))}
}
