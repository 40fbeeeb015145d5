package planner

import (
	"zfleet/spec"
	"zfleet/spec/policy"
)

// Plan is the decision about a whole fleet. It is immutable once built.
type Plan struct {
	FormatVersion string `json:"format_version"` // "major.minor": minor adds, major breaks
	Scope         Scope  `json:"scope"`
	SpecDigest    string `json:"specDigest"` // spec.Fleet.Digest
	Account       string `json:"account,omitempty"`
	Endpoint      string `json:"endpoint,omitempty"` // informational, compared with nothing
	ServerVersion string `json:"serverVersion,omitempty"`
	// DeletionPolicy is what the server does with VMs that are destroyed (see
	// Inventory), where the plan destroys any. It is for readers, as the version is.
	DeletionPolicy string      `json:"deletionPolicy,omitempty"`
	Limits         spec.Limits `json:"limits"`
	// References lists every name that was bound, sorted by kind and text.
	References []Binding `json:"references"`
	// Changes holds one decision per machine: the machines of the fleet file in
	// its order, then what the fleet owns and the file does not have, by key.
	Changes []Change `json:"changes"`
	// Preflight holds the machines that are to be created against what there is
	// for them; absent when none is, or when nothing is known.
	Preflight *Preflight `json:"preflight,omitempty"`
	// Refusals say why the plan must not be applied as it stands. An empty list
	// means that it may.
	Refusals []Refusal `json:"refusals,omitempty"`
	// Policies are all that were asked about the plan, in the order in which they
	// were given, also those that it passed. What they deny is among the refusals
	// or, if they only warn, the notes.
	Policies []PolicyResult `json:"policies,omitempty"`
	// Copies are VMs that carry the fleet's tags but are not proven to be its
	// machines; zfleet never touches them.
	Copies []Copy `json:"copies,omitempty"`
	// Notes are findings that change nothing, such as a VM that was moved.
	Notes []spec.Diagnostic `json:"notes,omitempty"`
	// Steps are derived from Changes by DeriveSteps; needs come before dependents.
	Steps []Step `json:"steps"`
	// Digest is the SHA-256 (64 hex) over all the rest but the preflight.
	Digest string `json:"digest"`
}

// Binding is a reference and what it was bound to.
type Binding struct {
	Kind Kind   `json:"kind"`
	Ref  string `json:"ref"` // as written
	UUID string `json:"uuid"`
	Name string `json:"name"`
	// Facts are what the plan relies on, as "what: value" lines. They leave out
	// what moves by itself, such as actual sizes.
	Facts []string `json:"facts,omitempty"`
}

// Refusal is a reason not to apply a plan: a safety limit, a guard, a policy.
type Refusal struct {
	Code    string `json:"code"` // "max-deletes", "max-replacements", "disjoint", "renamed", "over-quota", "no-addresses", "no-storage", "no-host", "policy"
	Message string `json:"message"`
	Hint    string `json:"hint"` // the flag or the change of the file that would allow it
	// Pos is the line of the fleet file that asks for what is refused, if any
	// does, or that of a policy.
	Pos spec.Pos `json:"pos,omitzero"`
}

// Copy is a VM with the fleet's tags that is not the fleet's machine.
type Copy struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Key  string `json:"key"`
	Why  string `json:"why"`
}

// Action is what a plan does with a machine.
type Action string

// The actions. Recover, start, stop and adopt are decided by later rules.
const (
	Create  Action = "create"
	Update  Action = "update"
	Replace Action = "replace"
	Delete  Action = "delete"
	Keep    Action = "keep"
	Blocked Action = "blocked"
)

// Symbol returns the sign that stands before a change of this action.
func (a Action) Symbol() string {
	switch a {
	case Create:
		return "+"
	case Update:
		return "~"
	case Replace:
		return "-/+"
	case Delete:
		return "-"
	case Blocked:
		return "!"
	case Keep:
		return " "
	}
	return "?"
}

// Change is the decision about one machine. It carries all that the steps are
// derived from.
type Change struct {
	Key    string `json:"key"`
	Name   string `json:"name"` // of the VM: as desired, or as observed for a delete
	Action Action `json:"action"`
	// Reason is one line for people; it never steers what is done.
	Reason string `json:"reason,omitempty"`
	// Protected marks a blocked change that is blocked only because the machine
	// is protected: that is as it should be, not a fault.
	Protected bool `json:"protected,omitempty"`
	// Passing is the state for which a blocked machine has to be waited, if
	// that is all that blocks it. It is not kept in plan files.
	Passing string `json:"-"`
	// UUID is the VM's after the change; for delete, blocked and keep the one that exists.
	UUID       string `json:"uuid,omitempty"`
	Generation int    `json:"generation"`
	// OldUUID is the VM that a replace destroys.
	OldUUID     string       `json:"oldUuid,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	// Machine says in names what the machine will be like or, for a delete, is
	// like. Readers and policies look at it; no step follows from it.
	Machine *policy.Machine `json:"machine,omitempty"`
	// Blueprint is what a create or replace asks for.
	Blueprint *Blueprint `json:"blueprint,omitempty"`
	// Edit is what an update does.
	Edit *Edit `json:"edit,omitempty"`
	// Disks are data disks of the fleet that go with a delete or replace, or
	// that are left of a machine that is gone.
	Disks []DiskFate `json:"disks,omitempty"`
	Notes []string   `json:"notes,omitempty"`
	// Fingerprint is what the decision was made from: facts about the VMs and
	// disks with this key as "what: value" lines, sorted. Empty on keep.
	Fingerprint []string `json:"fingerprint,omitempty"`
	// After are the keys of machines whose VM has to go before this one is made,
	// because it has an address that this one takes.
	After []string `json:"after,omitempty"`
	// Uses names what keyed limits count, as far as it is known at planning.
	Uses []Use    `json:"uses,omitempty"`
	Pos  spec.Pos `json:"pos,omitzero"`
}

// Difference is one field that differs. Values are for people and never secret.
type Difference struct {
	Field  string `json:"field"` // path as in the fleet file
	Before string `json:"before"`
	After  string `json:"after"`
	// NeedsStop: the change of this field stops and starts the machine.
	NeedsStop bool `json:"needsStop,omitempty"`
	// ForcesReplace: only a new VM can have the new value.
	ForcesReplace bool `json:"forcesReplace,omitempty"`
}

// DiskFate is a data disk that a change deletes.
type DiskFate struct {
	UUID string `json:"uuid"`
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
	Tag  string `json:"tag"`  // proves, when the disk is read again, that it is still the fleet's
}

// Blueprint is a machine with every reference bound: what a create call asks
// for, apart from secrets, which stand in Secrets by path and digest.
type Blueprint struct {
	Source     spec.SourceKind `json:"source"`
	SourceUUID string          `json:"sourceUuid"`

	Name         string  `json:"name"`
	Description  *string `json:"description,omitempty"`
	OfferingUUID string  `json:"instanceOfferingUuid,omitempty"`
	CPU          int     `json:"cpuNum,omitempty"`
	Memory       int64   `json:"memorySize,omitempty"`
	Reserved     *int64  `json:"reservedMemorySize,omitempty"`

	NICs           []NICPlan `json:"nics,omitempty"`
	DefaultNetwork string    `json:"defaultL3NetworkUuid,omitempty"` // always set with more than one NIC

	RootDisk  *DiskPlan  `json:"rootDisk,omitempty"`
	DataDisks []DiskPlan `json:"dataDisks,omitempty"`

	ZoneUUID    string `json:"zoneUuid,omitempty"`
	ClusterUUID string `json:"clusterUuid,omitempty"`
	HostUUID    string `json:"hostUuid,omitempty"`

	Strategy     string `json:"strategy,omitempty"`
	Platform     string `json:"platform,omitempty"`
	GuestOSType  string `json:"guestOsType,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Virtio       *bool  `json:"virtio,omitempty"`
	Type         string `json:"type,omitempty"`

	SSHKeyUUIDs             []string    `json:"sshKeyPairUuids,omitempty"`
	TagUUIDs                []string    `json:"tagUuids,omitempty"`
	UserTags                []string    `json:"userTags"`             // the user's, then zfleet's own
	SystemTags              []string    `json:"systemTags,omitempty"` // the user's, then those made of other fields (hostname, addresses)
	Secrets                 []SecretTag `json:"secrets,omitempty"`
	DataVolumeTemplateUUIDs []string    `json:"dataVolumeTemplateUuids,omitempty"`
}

// NICPlan is one NIC to create. Addresses are sent as the system tags that the
// server honours; Params as vmNicParams.
type NICPlan struct {
	NetworkUUID string          `json:"l3NetworkUuid"`
	IP          string          `json:"ip,omitempty"`
	MAC         string          `json:"mac,omitempty"`
	Netmask     string          `json:"netmask,omitempty"`
	Gateway     string          `json:"gateway,omitempty"`
	Params      *spec.NICParams `json:"params,omitempty"`
}

// DiskPlan is one disk to create or attach. For data disks exactly one of
// OfferingUUID, Size, TemplateUUID and VolumeUUID is set.
type DiskPlan struct {
	OfferingUUID       string   `json:"diskOfferingUuid,omitempty"`
	Size               int64    `json:"size,omitempty"` // bytes
	TemplateUUID       string   `json:"templateUuid,omitempty"`
	VolumeUUID         string   `json:"volumeUuid,omitempty"`
	Name               string   `json:"name,omitempty"`
	PrimaryStorageUUID string   `json:"primaryStorageUuid,omitempty"`
	SystemTags         []string `json:"systemTags,omitempty"`
}

// SecretTag is a system tag whose value is a secret: Prefix followed by the
// secret's value, in base64 if Base64 is set. Secret is the spec.Text.Path by
// which the value is found in the fleet file when the plan is applied; Digest
// proves that it is the value that was planned with.
type SecretTag struct {
	Prefix string `json:"prefix"`
	Base64 bool   `json:"base64,omitempty"`
	Secret string `json:"secret"`
	Digest string `json:"digest"`
}

// Edit is what an update changes on a VM, each part only where it differs.
type Edit struct {
	Name           *string    `json:"name,omitempty"`
	Description    *string    `json:"description,omitempty"`
	CPU            *int       `json:"cpuNum,omitempty"`
	Memory         *int64     `json:"memorySize,omitempty"`
	Reserved       *int64     `json:"reservedMemorySize,omitempty"`
	Platform       *string    `json:"platform,omitempty"`
	GuestOSType    *string    `json:"guestOsType,omitempty"`
	DefaultNetwork *string    `json:"defaultL3NetworkUuid,omitempty"`
	OfferingUUID   string     `json:"instanceOfferingUuid,omitempty"`
	Hostname       *string    `json:"hostname,omitempty"` // empty text removes it
	Password       *SecretTag `json:"consolePassword,omitempty"`
	AddTags        []string   `json:"addTags,omitempty"`    // user tags, added before anything else
	RemoveTags     []Tag      `json:"removeTags,omitempty"` // user tags, removed after everything else
	AttachTags     []string   `json:"attachTagUuids,omitempty"`
	DetachTags     []string   `json:"detachTagUuids,omitempty"`
	TagDisks       int        `json:"tagDisks,omitempty"` // data disks that lack the fleet's tag, to be tagged
	// Stop: the machine is stopped before and started after; Start: it is only
	// started, because an earlier update left it stopped.
	Stop  bool `json:"stop,omitempty"`
	Start bool `json:"start,omitempty"`
}

// Use is one thing that a keyed limit counts.
type Use struct {
	Class UseClass `json:"class"`
	UUID  string   `json:"uuid"`
}

// UseClass is a class of keyed limits.
type UseClass string

// The classes, one for each keyed limit of spec.Limits.
const (
	UseCluster        UseClass = "cluster"
	UseHost           UseClass = "host"
	UsePrimaryStorage UseClass = "primaryStorage"
	UseSource         UseClass = "source"
)
