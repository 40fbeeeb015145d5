package zstack

// Resource is a row of a query. Fields for which the server has no value are
// empty. Dates are the server's local time as text: show and compare them, never
// parse them. Sizes are bytes.
type Resource interface {
	// RowUUID is the row's primary key; [List] pages by it.
	RowUUID() string
}

// VM is a virtual machine.
type VM struct {
	UUID                 string   `json:"uuid"`
	Name                 string   `json:"name"`
	Description          string   `json:"description"`
	State                string   `json:"state"`
	Type                 string   `json:"type"`
	ZoneUUID             string   `json:"zoneUuid"`
	ClusterUUID          string   `json:"clusterUuid"`
	HostUUID             string   `json:"hostUuid"` // only while on a host
	LastHostUUID         string   `json:"lastHostUuid"`
	ImageUUID            string   `json:"imageUuid"` // may name an image that is gone
	InstanceOfferingUUID string   `json:"instanceOfferingUuid"`
	RootVolumeUUID       string   `json:"rootVolumeUuid"`
	DefaultL3NetworkUUID string   `json:"defaultL3NetworkUuid"`
	Platform             string   `json:"platform"`
	Architecture         string   `json:"architecture"`
	GuestOSType          string   `json:"guestOsType"`
	HypervisorType       string   `json:"hypervisorType"`
	CPUNum               int      `json:"cpuNum"`
	MemorySize           int64    `json:"memorySize"`
	ReservedMemorySize   int64    `json:"reservedMemorySize"`
	CreateDate           string   `json:"createDate"`
	LastOpDate           string   `json:"lastOpDate"`
	NICs                 []NIC    `json:"vmNics"`     // in no particular order
	Volumes              []Volume `json:"allVolumes"` // of all types, in no particular order
}

// NIC is a network card of a VM.
type NIC struct {
	UUID           string   `json:"uuid"`
	VMInstanceUUID string   `json:"vmInstanceUuid"`
	L3NetworkUUID  string   `json:"l3NetworkUuid"`
	IP             string   `json:"ip"` // the primary address
	Netmask        string   `json:"netmask"`
	Gateway        string   `json:"gateway"`
	MAC            string   `json:"mac"` // lower case, with colons
	IPVersion      int      `json:"ipVersion"`
	DriverType     string   `json:"driverType"`
	DeviceID       int      `json:"deviceId"` // from 0
	Type           string   `json:"type"`
	State          string   `json:"state"`
	UsedIPs        []UsedIP `json:"usedIps"` // every address
}

// UsedIP is an address in use.
type UsedIP struct {
	UUID          string `json:"uuid"`
	L3NetworkUUID string `json:"l3NetworkUuid"`
	VMNicUUID     string `json:"vmNicUuid"`
	IPVersion     int    `json:"ipVersion"` // 4 or 6
	IP            string `json:"ip"`
	Netmask       string `json:"netmask"`
	Gateway       string `json:"gateway"`
}

// Volume is a disk.
type Volume struct {
	UUID               string `json:"uuid"`
	Name               string `json:"name"`
	Description        string `json:"description"`
	VMInstanceUUID     string `json:"vmInstanceUuid"` // empty when detached
	LastVMInstanceUUID string `json:"lastVmInstanceUuid"`
	PrimaryStorageUUID string `json:"primaryStorageUuid"`
	DiskOfferingUUID   string `json:"diskOfferingUuid"`
	RootImageUUID      string `json:"rootImageUuid"`
	Type               string `json:"type"` // Root, Data, Memory, Cache
	Format             string `json:"format"`
	Size               int64  `json:"size"`
	ActualSize         int64  `json:"actualSize"` // allocated so far
	DeviceID           int    `json:"deviceId"`   // 0 for the root volume
	State              string `json:"state"`
	Status             string `json:"status"` // NotInstantiated, Creating, Ready, Migrating, Deleted
	IsShareable        bool   `json:"isShareable"`
	VolumeQoS          string `json:"volumeQos"`
	CreateDate         string `json:"createDate"`
}

// VolumeSnapshot is a snapshot of a volume.
type VolumeSnapshot struct {
	UUID               string `json:"uuid"`
	Name               string `json:"name"`
	Description        string `json:"description"`
	Type               string `json:"type"`
	VolumeUUID         string `json:"volumeUuid"`
	VolumeType         string `json:"volumeType"`
	PrimaryStorageUUID string `json:"primaryStorageUuid"`
	Format             string `json:"format"`
	Size               int64  `json:"size"`
	State              string `json:"state"`
	Status             string `json:"status"` // Creating, Ready, Deleted, Deleting
	GroupUUID          string `json:"groupUuid"`
	CreateDate         string `json:"createDate"`
}

// Tag is a user or system tag on a resource.
type Tag struct {
	UUID           string `json:"uuid"`
	ResourceUUID   string `json:"resourceUuid"`
	ResourceType   string `json:"resourceType"` // VmInstanceVO, VolumeVO, …
	Tag            string `json:"tag"`
	Type           string `json:"type"`           // User, System
	TagPatternUUID string `json:"tagPatternUuid"` // user tags made from a pattern
	Inherent       bool   `json:"inherent"`       // system tags that cannot be changed
}

// TagPattern is a named tag that resources can be given.
type TagPattern struct {
	UUID        string `json:"uuid"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Value       string `json:"value"`
	Type        string `json:"type"` // simple, withToken
	Color       string `json:"color"`
	CreateDate  string `json:"createDate"`
}

// SSHKeyPair is a public key that VMs can be created with.
type SSHKeyPair struct {
	UUID        string `json:"uuid"`
	Name        string `json:"name"`
	Description string `json:"description"`
	PublicKey   string `json:"publicKey"`
	CreateDate  string `json:"createDate"`
}

// RowUUID implements [Resource].
func (r VM) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r NIC) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r UsedIP) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r Volume) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r VolumeSnapshot) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r Tag) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r TagPattern) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r SSHKeyPair) RowUUID() string { return r.UUID }
