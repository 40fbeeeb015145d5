package policy

// Scene is all that conditions can speak of: the variables fleet, server and
// plan, and change, which is each of the plan's changes in turn. Fields have
// the names of their JSON tags. What is absent is empty: "", 0, false or [].
type Scene struct {
	Fleet  Fleet
	Server Server
	Plan   Plan
}

// Fleet says whose plan it is.
type Fleet struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// Server is what the plan was made for.
type Server struct {
	Version string `json:"version"` // as the server says it, empty if unknown
	Account string `json:"account"` // UUID, empty if unknown
}

// Plan counts a plan's changes and lists those that do something.
type Plan struct {
	Creates      int `json:"creates"`
	Updates      int `json:"updates"`
	Replacements int `json:"replacements"`
	Deletes      int `json:"deletes"`
	Keeps        int `json:"keeps"`
	Blocked      int `json:"blocked"`
	Stops        int `json:"stops"`        // updates that stop a machine and start it again
	DisksDeleted int `json:"disksDeleted"` // data disks that go for ever
	// Changes are the plan's changes that do something: create, update, replace
	// and delete, in the plan's order.
	Changes []*Change `json:"changes"`
}

// Change is what the plan does with one machine.
type Change struct {
	Key         string       `json:"key"`
	Group       string       `json:"group"`
	Name        string       `json:"name"`
	Action      string       `json:"action"` // create, update, replace or delete
	Reason      string       `json:"reason"`
	Generation  int          `json:"generation"`
	Stops       bool         `json:"stops"` // an update that stops the machine and starts it again
	Differences []Difference `json:"differences"`
	// DisksDeleted are data disks that go for ever with the change.
	DisksDeleted []Disk   `json:"disksDeleted"`
	Machine      *Machine `json:"machine"`
}

// Difference is one field that differs. Values are texts for people.
type Difference struct {
	Field         string `json:"field"` // path as in the fleet file
	Before        string `json:"before"`
	After         string `json:"after"`
	NeedsStop     bool   `json:"needsStop"`
	ForcesReplace bool   `json:"forcesReplace"`
}

// Machine says in names, not UUIDs, what the machine of a change will be like;
// of one that is deleted, what it is like. What the file does not manage is as
// it was found. A plan file holds it, so that a policy can be asked about a plan
// file as well. It never holds a secret.
type Machine struct {
	Source           string   `json:"source,omitempty"` // image, volume or snapshot
	Image            string   `json:"image,omitempty"`
	Volume           string   `json:"volume,omitempty"`
	Snapshot         string   `json:"snapshot,omitempty"`
	InstanceOffering string   `json:"instanceOffering,omitempty"`
	CPU              int      `json:"cpu,omitempty"`    // of the offering, if it has one
	Memory           int64    `json:"memory,omitempty"` // bytes, of the offering, if it has one
	Networks         []string `json:"networks,omitempty"`
	Addresses        []string `json:"addresses,omitempty"` // IP addresses that were chosen, or that it has
	Zone             string   `json:"zone,omitempty"`
	Cluster          string   `json:"cluster,omitempty"`
	Host             string   `json:"host,omitempty"`
	RootDisk         *Disk    `json:"rootDisk,omitempty"`
	DataDisks        []Disk   `json:"dataDisks,omitempty"`
	Description      string   `json:"description,omitempty"`
	Hostname         string   `json:"hostname,omitempty"`
	Platform         string   `json:"platform,omitempty"`
	GuestOSType      string   `json:"guestOsType,omitempty"`
	Architecture     string   `json:"architecture,omitempty"`
	Type             string   `json:"type,omitempty"`
	Strategy         string   `json:"strategy,omitempty"`
	SSHKeys          []string `json:"sshKeys,omitempty"`
	Tags             []string `json:"tags,omitempty"`
	UserTags         []string `json:"userTags,omitempty"` // without zfleet's own
	Protect          bool     `json:"protect,omitempty"`  // lifecycle.protect
}

// Disk is a disk of a machine.
type Disk struct {
	Name           string `json:"name,omitempty"`
	Offering       string `json:"offering,omitempty"`
	Template       string `json:"template,omitempty"`
	Volume         string `json:"volume,omitempty"`
	PrimaryStorage string `json:"primaryStorage,omitempty"`
	Size           int64  `json:"size,omitempty"` // bytes, of the offering or template, if it has one
}
