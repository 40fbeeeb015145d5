package spec

import "strings"

// Fleet is a fleet file after merging, expansion and checking: everything that
// the file says, with defaults applied and names still unbound.
type Fleet struct {
	Name        string     // unique together with ID
	ID          string     // 8 characters; empty means that the account's UUID takes its place
	Formerly    []Identity // names and ids that the fleet had before
	Description string
	Limits      Limits
	Safety      Safety
	Policies    []Policy  `json:",omitempty"` // in the order of the files
	Machines    []Machine // groups in file order, machines of a group by index or in file order

	// Digest is the SHA-256 (64 hex) of the expanded fleet in canonical form,
	// sensitive values replaced by their paths. Two files that ask for the same
	// have the same digest.
	Digest string
	// Places holds the place of top-level fields by path ("id", "limits.perHost").
	Places map[string]Pos
}

// Identity is the name and the id of a fleet.
type Identity struct {
	Name string
	ID   string
}

// Limits bounds how hard a run may press on the cloud. Zero means no limit.
type Limits struct {
	Parallelism       int     `json:"parallelism,omitempty"`        // operations in flight
	PerCluster        int     `json:"perCluster,omitempty"`         // operations in flight per cluster
	PerHost           int     `json:"perHost,omitempty"`            // per host
	PerPrimaryStorage int     `json:"perPrimaryStorage,omitempty"`  // per primary storage
	PerSource         int     `json:"perSource,omitempty"`          // per image, volume or snapshot
	RequestsPerSecond float64 `json:"requestsPerSecond,omitempty"`  // API requests of every kind
	StepTimeoutSecs   int     `json:"stepTimeoutSeconds,omitempty"` // how long the server may work on one step
}

// Amount is an absolute number or a percentage, as safety limits are written.
// The zero Amount means that no limit is set.
type Amount struct {
	Set     bool
	Percent bool // Value counts percent of the base instead of machines
	Value   int
}

// Of returns the amount for a base, percentages rounded up and at least 1
// (a percentage of 0 stays 0).
func (a Amount) Of(base int) int {
	if !a.Percent {
		return a.Value
	}
	if a.Value == 0 {
		return 0
	}
	return max(1, (base*a.Value+99)/100)
}

// Safety bounds what a plan may take away. The base of percentages is the
// number of live machines that the fleet owns.
type Safety struct {
	MaxDeletes      Amount
	MaxReplacements Amount
}

// Machine is one desired virtual machine, fully expanded. Pointers and nil
// slices mean "absent": zfleet does not manage that field. An empty non-nil
// slice means "none of ours".
type Machine struct {
	Key      string // "<group>/<n>" or "<group>/<instance>"
	Group    string
	Instance string // the part of Key after the slash
	Name     string // the VM's name

	Source    Source
	Offering  *Ref   // instance offering; excludes CPU and Memory
	CPU       *int   // virtual CPUs
	Memory    *int64 // bytes
	Reserved  *int64 // reserved memory in bytes
	Networks  []Network
	RootDisk  *RootDisk
	DataDisks []DataDisk
	Placement Placement

	Description         *string
	Strategy            string // InstantStart, JustCreate, CreateStopped or empty
	Platform            string
	GuestOSType         string
	Architecture        string
	Virtio              *bool
	SSHKeys             []Ref
	Tags                []Ref // tag patterns, by name or UUID
	UserTags            []string
	SystemTags          []Text
	Hostname            *string
	UserData            *Text // decoded text; the wire wants it in base64
	ConsolePassword     *Text
	Type                string // UserVm, ApplianceVm or empty
	ResourceUUID        string // explicit UUID, or empty for the computed one
	DataVolumeTemplates []Ref  // raw dataVolumeTemplateUuids, which server 5.2.1 ignores
	Lifecycle           Lifecycle

	// Places holds where each field was said, by field path as in the file
	// ("source.image", "networks[1].ip", "" for the machine itself).
	Places map[string]Pos
}

// At returns the place of a field, or of the nearest enclosing thing whose
// place is known, ending at the machine itself.
func (m *Machine) At(field string) Pos {
	for {
		if pos, ok := m.Places[field]; ok {
			return pos
		}
		if field == "" {
			return Pos{}
		}
		cut := strings.LastIndexAny(field, ".[")
		field = field[:max(cut, 0)]
	}
}

// Text is a string that may be a secret. A secret never reaches a plan, a
// journal, a report or a log: those carry its Path and a digest.
type Text struct {
	Value  string
	Secret bool
	Path   string // "<key>.<field path>", unique in the fleet; set when Secret
}

// String returns the value, or "(secret)", so that printing never leaks.
func (t Text) String() string {
	if t.Secret {
		return "(secret)"
	}
	return t.Value
}

// GoString hides secrets from %#v too.
func (t Text) GoString() string { return t.String() }

// SourceKind says which of the three create calls makes a machine.
type SourceKind string

// The three sources.
const (
	FromImage    SourceKind = "image"
	FromVolume   SourceKind = "volume"
	FromSnapshot SourceKind = "snapshot"
)

// Source is what a machine's root disk comes from.
type Source struct {
	Kind SourceKind
	Ref  Ref
}

// Ref names something in the cloud: by UUID (32 hex), by name, or by a name
// with qualifiers that narrow it down.
type Ref struct {
	UUID    string `json:"uuid,omitempty"`
	Name    string `json:"name,omitempty"`
	Zone    string `json:"zone,omitempty"`    // name or UUID
	Cluster string `json:"cluster,omitempty"` // name or UUID
	Pos     Pos    `json:"-"`
}

// String returns the reference as a person would write it.
func (r Ref) String() string {
	text := r.Name
	if text == "" {
		text = r.UUID
	}
	var narrow []string
	if r.Zone != "" {
		narrow = append(narrow, "zone "+r.Zone)
	}
	if r.Cluster != "" {
		narrow = append(narrow, "cluster "+r.Cluster)
	}
	if len(narrow) > 0 {
		text += " (" + strings.Join(narrow, ", ") + ")"
	}
	return text
}

// Placement is where the machine was asked to be created. Nil means "anywhere".
type Placement struct {
	Zone, Cluster, Host *Ref
}

// Network is one NIC on one L3 network.
type Network struct {
	Network Ref
	Default bool
	IP      string // IPv4 or IPv6
	MAC     string // lower case, colons
	Netmask string
	Gateway string
	Params  *NICParams
}

// NICParams is what only the vmNicParams parameter of the create calls carries.
type NICParams struct {
	DriverType        string   `json:"driverType,omitempty"`
	Type              string   `json:"vmNicType,omitempty"` // wire name VmNicType
	State             string   `json:"state,omitempty"`     // enable or disable
	IP6               string   `json:"ip6,omitempty"`
	Prefix6           string   `json:"prefix6,omitempty"`
	Gateway6          string   `json:"gateway6,omitempty"`
	OutboundBandwidth *int64   `json:"outboundBandwidth,omitempty"` // bit/s
	InboundBandwidth  *int64   `json:"inboundBandwidth,omitempty"`  // bit/s
	MultiQueueNum     *int     `json:"multiQueueNum,omitempty"`
	SecurityGroups    []string `json:"securityGroups,omitempty"` // UUIDs; wire name sgUuids
	MetaData          string   `json:"metaData,omitempty"`
}

// RootDisk says how the root disk is made.
type RootDisk struct {
	Offering       *Ref
	Size           *int64 // bytes
	PrimaryStorage *Ref
	SystemTags     []string
}

// DataDisk is one data disk; exactly one of Offering, Size, Template and Volume is set.
type DataDisk struct {
	Offering       *Ref
	Size           *int64 // bytes
	Template       *Ref   // a data volume template image
	Volume         *Ref   // an existing volume
	Name           string
	PrimaryStorage *Ref
	SystemTags     []string
}

// Lifecycle holds policies of a machine that act when it changes.
type Lifecycle struct {
	Protect bool // never deleted nor replaced
}
