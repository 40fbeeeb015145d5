package zstack

// Zone is a zone.
type Zone struct {
	UUID        string `json:"uuid"`
	Name        string `json:"name"`
	Description string `json:"description"`
	State       string `json:"state"` // Enabled, Disabled
	Type        string `json:"type"`
	IsDefault   bool   `json:"isDefault"`
	CreateDate  string `json:"createDate"`
}

// Cluster is a cluster of hosts.
type Cluster struct {
	UUID           string `json:"uuid"`
	Name           string `json:"name"`
	Description    string `json:"description"`
	State          string `json:"state"`
	HypervisorType string `json:"hypervisorType"`
	ZoneUUID       string `json:"zoneUuid"`
	Type           string `json:"type"`
	Architecture   string `json:"architecture"`
	CreateDate     string `json:"createDate"`
}

// Host is a hypervisor.
type Host struct {
	UUID                    string `json:"uuid"`
	Name                    string `json:"name"`
	ZoneUUID                string `json:"zoneUuid"`
	ClusterUUID             string `json:"clusterUuid"`
	ManagementIP            string `json:"managementIp"`
	HypervisorType          string `json:"hypervisorType"`
	Architecture            string `json:"architecture"`
	State                   string `json:"state"`  // Enabled, Disabled, PreMaintenance, Maintenance
	Status                  string `json:"status"` // Connecting, Connected, Disconnected
	TotalCPUCapacity        int64  `json:"totalCpuCapacity"`
	AvailableCPUCapacity    int64  `json:"availableCpuCapacity"`
	TotalMemoryCapacity     int64  `json:"totalMemoryCapacity"`
	AvailableMemoryCapacity int64  `json:"availableMemoryCapacity"`
	CreateDate              string `json:"createDate"`
}

// PrimaryStorage is where volumes are.
type PrimaryStorage struct {
	UUID                 string   `json:"uuid"`
	Name                 string   `json:"name"`
	ZoneUUID             string   `json:"zoneUuid"`
	Type                 string   `json:"type"`
	State                string   `json:"state"` // Enabled, Disabled, Maintenance, Deleting
	Status               string   `json:"status"`
	TotalCapacity        int64    `json:"totalCapacity"`
	AvailableCapacity    int64    `json:"availableCapacity"`
	AttachedClusterUUIDs []string `json:"attachedClusterUuids"`
	CreateDate           string   `json:"createDate"`
}

// BackupStorage is where images are.
type BackupStorage struct {
	UUID              string   `json:"uuid"`
	Name              string   `json:"name"`
	State             string   `json:"state"`
	Status            string   `json:"status"`
	AttachedZoneUUIDs []string `json:"attachedZoneUuids"`
}

// Account is an account.
type Account struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Type string `json:"type"` // SystemAdmin, Normal, …
}

// InstanceOffering is a size of VMs.
type InstanceOffering struct {
	UUID               string `json:"uuid"`
	Name               string `json:"name"`
	CPUNum             int    `json:"cpuNum"`
	MemorySize         int64  `json:"memorySize"`
	ReservedMemorySize int64  `json:"reservedMemorySize"`
	Type               string `json:"type"` // UserVm, VirtualRouter, …
	AllocatorStrategy  string `json:"allocatorStrategy"`
	State              string `json:"state"`
	CreateDate         string `json:"createDate"`
}

// DiskOffering is a size of disks.
type DiskOffering struct {
	UUID              string `json:"uuid"`
	Name              string `json:"name"`
	DiskSize          int64  `json:"diskSize"`
	State             string `json:"state"`
	Type              string `json:"type"`
	AllocatorStrategy string `json:"allocatorStrategy"`
	CreateDate        string `json:"createDate"`
}

// Image is what a VM or a data volume is made from.
type Image struct {
	UUID         string `json:"uuid"`
	Name         string `json:"name"`
	State        string `json:"state"`
	Status       string `json:"status"` // Creating, Downloading, Ready, Error, Deleted, Migrating
	Size         int64  `json:"size"`
	ActualSize   int64  `json:"actualSize"`
	MediaType    string `json:"mediaType"` // RootVolumeTemplate, DataVolumeTemplate, ISO
	Platform     string `json:"platform"`
	GuestOSType  string `json:"guestOsType"`
	Architecture string `json:"architecture"`
	Format       string `json:"format"`
	Type         string `json:"type"`
	System       bool   `json:"system"`
	Virtio       bool   `json:"virtio"`
	CreateDate   string `json:"createDate"`
	Stores       []struct {
		UUID string `json:"backupStorageUuid"`
	} `json:"backupStorageRefs"`
}

// L2Network is a network's link layer; through it an L3 network reaches
// clusters.
type L2Network struct {
	UUID                 string   `json:"uuid"`
	Name                 string   `json:"name"`
	Type                 string   `json:"type"`
	ZoneUUID             string   `json:"zoneUuid"`
	AttachedClusterUUIDs []string `json:"attachedClusterUuids"`
	CreateDate           string   `json:"createDate"`
}

// L3Network is a network that NICs are on.
type L3Network struct {
	UUID          string   `json:"uuid"`
	Name          string   `json:"name"`
	ZoneUUID      string   `json:"zoneUuid"`
	L2NetworkUUID string   `json:"l2NetworkUuid"`
	State         string   `json:"state"`
	Type          string   `json:"type"`
	Category      string   `json:"category"` // Public, Private, System
	System        bool     `json:"system"`
	IPVersion     int      `json:"ipVersion"`
	EnableIPAM    bool     `json:"enableIPAM"`
	DNSDomain     string   `json:"dnsDomain"`
	DNS           []string `json:"dns"`
	CreateDate    string   `json:"createDate"`
}

// GlobalConfig is a setting of the whole server. It has no UUID.
type GlobalConfig struct {
	Category     string `json:"category"`
	Name         string `json:"name"`
	Value        string `json:"value"`
	DefaultValue string `json:"defaultValue"`
}

// accountRow and accessKeyRow are read to learn whose credentials are in use.
type accountRow struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
}

type accessKeyRow struct {
	UUID        string `json:"uuid"`
	AccountUUID string `json:"accountUuid"`
	AccessKeyID string `json:"AccessKeyID"`
}

// RowUUID implements [Resource].
func (r Zone) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r Cluster) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r Host) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r PrimaryStorage) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r BackupStorage) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r Account) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r InstanceOffering) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r DiskOffering) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r Image) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r L2Network) RowUUID() string { return r.UUID }

// RowUUID implements [Resource].
func (r L3Network) RowUUID() string { return r.UUID }

// RowUUID is the setting's category and name, which are its key.
func (r GlobalConfig) RowUUID() string { return r.Category + "." + r.Name }

func (r accountRow) RowUUID() string   { return r.UUID }
func (r accessKeyRow) RowUUID() string { return r.UUID }
