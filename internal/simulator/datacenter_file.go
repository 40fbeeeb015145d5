package simulator

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// dcFile is the data center file as people write it. References are names or
// UUIDs, sizes are dcSize.
type dcFile struct {
	Zones             []dcZone           `yaml:"zones"`
	Clusters          []dcCluster        `yaml:"clusters"`
	Hosts             []dcHost           `yaml:"hosts"`
	BackupStorages    []dcBackupStorage  `yaml:"backupStorages"`
	PrimaryStorages   []dcPrimaryStorage `yaml:"primaryStorages"`
	L2Networks        []dcL2Network      `yaml:"l2Networks"`
	L3Networks        []dcL3Network      `yaml:"l3Networks"`
	Images            []dcImage          `yaml:"images"`
	InstanceOfferings []dcInstanceOffer  `yaml:"instanceOfferings"`
	DiskOfferings     []dcDiskOffer      `yaml:"diskOfferings"`
	VMs               []dcVM             `yaml:"vms"`
	Volumes           []dcVolume         `yaml:"volumes"`
	SnapshotGroups    []dcSnapshotGroup  `yaml:"snapshotGroups"`
	Snapshots         []dcSnapshot       `yaml:"snapshots"`
	SSHKeys           []dcSSHKey         `yaml:"sshKeys"`
	Tags              []dcTag            `yaml:"tags"`
	Accounts          []dcAccountEntry   `yaml:"accounts"`
	GlobalConfig      map[string]dcText  `yaml:"globalConfig"`
}

// DatacenterEntry is what everything in a data center file has. It is exported
// because the YAML decoder fills no embedded struct that is not.
type DatacenterEntry struct {
	Name        dcText `yaml:"name"`
	UUID        dcText `yaml:"uuid"`
	Description string `yaml:"description"`
	State       string `yaml:"state"`
}

type dcZone struct {
	DatacenterEntry `yaml:",inline"`
	Default         bool `yaml:"default"`
}

type dcCluster struct {
	DatacenterEntry `yaml:",inline"`
	Zone            dcText `yaml:"zone"`
	Hypervisor      string `yaml:"hypervisor"`
	Architecture    string `yaml:"architecture"`
}

type dcHost struct {
	DatacenterEntry `yaml:",inline"`
	Cluster         dcText `yaml:"cluster"`
	Count           int    `yaml:"count"`
	CPU             int64  `yaml:"cpu"`
	Memory          dcSize `yaml:"memory"`
	ManagementIP    dcText `yaml:"managementIp"`
	Status          string `yaml:"status"`
}

type dcBackupStorage struct {
	DatacenterEntry `yaml:",inline"`
	Type            string   `yaml:"type"`
	Zones           []dcText `yaml:"zones"`
	Capacity        dcSize   `yaml:"capacity"`
}

type dcPrimaryStorage struct {
	DatacenterEntry `yaml:",inline"`
	Zone            dcText   `yaml:"zone"`
	Clusters        []dcText `yaml:"clusters"`
	Type            string   `yaml:"type"`
	Capacity        dcSize   `yaml:"capacity"`
	Status          string   `yaml:"status"`
}

type dcL2Network struct {
	DatacenterEntry   `yaml:",inline"`
	Zone              dcText   `yaml:"zone"`
	Clusters          []dcText `yaml:"clusters"`
	Type              string   `yaml:"type"`
	VLAN              *int64   `yaml:"vlan"`
	PhysicalInterface string   `yaml:"physicalInterface"`
}

type dcL3Network struct {
	DatacenterEntry `yaml:",inline"`
	L2Network       dcText    `yaml:"l2Network"`
	Category        string    `yaml:"category"`
	System          bool      `yaml:"system"`
	DNS             []string  `yaml:"dns"`
	Domain          string    `yaml:"domain"`
	Ranges          []dcRange `yaml:"ranges"`
}

type dcRange struct {
	UUID    dcText `yaml:"uuid"`
	Start   dcText `yaml:"start"`
	End     dcText `yaml:"end"`
	Netmask dcText `yaml:"netmask"`
	Gateway dcText `yaml:"gateway"`
}

type dcImage struct {
	DatacenterEntry `yaml:",inline"`
	MediaType       string `yaml:"mediaType"`
	Platform        string `yaml:"platform"`
	GuestOSType     string `yaml:"guestOsType"`
	Architecture    string `yaml:"architecture"`
	Format          string `yaml:"format"`
	Size            dcSize `yaml:"size"`
	ActualSize      dcSize `yaml:"actualSize"`
	System          bool   `yaml:"system"`
	Virtio          bool   `yaml:"virtio"`
	Status          string `yaml:"status"`
	BackupStorage   dcText `yaml:"backupStorage"` // the first one, if not said
}

type dcInstanceOffer struct {
	DatacenterEntry `yaml:",inline"`
	CPU             int64  `yaml:"cpu"`
	Memory          dcSize `yaml:"memory"`
	ReservedMemory  dcSize `yaml:"reservedMemory"`
}

type dcDiskOffer struct {
	DatacenterEntry `yaml:",inline"`
	Size            dcSize `yaml:"size"`
}

type dcVM struct {
	DatacenterEntry  `yaml:",inline"`
	Type             string   `yaml:"type"`
	Host             dcText   `yaml:"host"`
	InstanceOffering dcText   `yaml:"instanceOffering"`
	CPU              int64    `yaml:"cpu"`
	Memory           dcSize   `yaml:"memory"`
	Image            dcText   `yaml:"image"`
	PrimaryStorage   dcText   `yaml:"primaryStorage"`
	RootDisk         dcSize   `yaml:"rootDisk"`
	NICs             []dcNIC  `yaml:"nics"`
	Tags             []dcText `yaml:"tags"`
	UserTags         []string `yaml:"userTags"`
	SystemTags       []string `yaml:"systemTags"`
}

type dcNIC struct {
	Network dcText `yaml:"network"`
	IP      dcText `yaml:"ip"`
}

type dcVolume struct {
	DatacenterEntry `yaml:",inline"`
	Type            string `yaml:"type"`
	PrimaryStorage  dcText `yaml:"primaryStorage"`
	DiskOffering    dcText `yaml:"diskOffering"`
	Size            dcSize `yaml:"size"`
	ActualSize      dcSize `yaml:"actualSize"`
	VM              dcText `yaml:"vm"`
	Shareable       bool   `yaml:"shareable"`
	Status          string `yaml:"status"`
}

type dcSnapshotGroup struct {
	DatacenterEntry `yaml:",inline"`
	VM              dcText `yaml:"vm"`
}

type dcSnapshot struct {
	DatacenterEntry `yaml:",inline"`
	Volume          dcText `yaml:"volume"`
	Group           dcText `yaml:"group"`
	Size            dcSize `yaml:"size"`
	Status          string `yaml:"status"`
}

type dcSSHKey struct {
	DatacenterEntry `yaml:",inline"`
	PublicKey       string `yaml:"publicKey"`
}

type dcTag struct {
	DatacenterEntry `yaml:",inline"`
	Value           string `yaml:"value"`
	Type            string `yaml:"type"`
	Color           string `yaml:"color"`
}

type dcAccountEntry struct {
	DatacenterEntry `yaml:",inline"`
	Admin           bool              `yaml:"admin"`
	Password        string            `yaml:"password"`
	AccessKeys      []dcAccessKey     `yaml:"accessKeys"`
	Quotas          map[string]dcSize `yaml:"quotas"`
}

type dcAccessKey struct {
	ID     string `yaml:"id"`
	Secret string `yaml:"secret"`
}

// dcText is a string that knows its line, for errors found after decoding.
type dcText struct {
	text string
	line int
}

func (t *dcText) UnmarshalYAML(node ast.Node) error {
	t.line = nodeLine(node)
	switch n := node.(type) {
	case *ast.NullNode:
	case ast.ScalarNode:
		// The token holds 007 as it was written; the value would be 7.
		t.text = n.GetToken().Value
	default:
		return fmt.Errorf("line %d: want a text, got %s", t.line, strings.ToLower(node.Type().String()))
	}
	return nil
}

// dcSize is a number of bytes, written as a whole number or with a unit.
type dcSize int64

func (s *dcSize) UnmarshalYAML(node ast.Node) error {
	var text dcText
	if err := text.UnmarshalYAML(node); err != nil {
		return err
	}
	n, err := parseSize(text.text)
	if err != nil {
		return fmt.Errorf("line %d: %w", text.line, err)
	}
	*s = dcSize(n)
	return nil
}

func parseSize(text string) (int64, error) {
	digits, shift := text, 0
	for unit, bits := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			digits, shift = rest, bits
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<63-1)>>shift {
		return 0, fmt.Errorf("%q is not a size: write bytes as a whole number, or a unit as in 512MiB, 50GiB, 2TiB", text)
	}
	return n << shift, nil
}

func nodeLine(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 0
}
