package planner

// StepID names a step within its plan: "<key> <verb>", for example "web/1 create".
type StepID string

// Step is one operation on the cloud. The executor orders, limits and records
// steps; only the driver looks into Op.
type Step struct {
	ID   StepID `json:"id"`
	Key  string `json:"key"`            // of the machine that the step belongs to
	UUID string `json:"uuid,omitempty"` // of the VM that the step acts on
	Op   Op     `json:"op"`
	// Needs are the steps that must have succeeded before this one starts.
	Needs []StepID `json:"needs,omitempty"`
	Uses  []Use    `json:"uses,omitempty"`
	// Claims are networks on which the step takes an address of its own choice,
	// Yields those on which it takes any: it starts after every step that
	// claims there has ended, however that ended, lest the server hand out an
	// address that another machine was promised.
	Claims []string `json:"claims,omitempty"`
	Yields []string `json:"yields,omitempty"`
}

// Op is what a step does: one of the types below and no other.
type Op interface {
	// Verb is the stable name of the operation in plans, journals and reports.
	Verb() string
	op()
}

// CreateVM creates a VM with Step.UUID from a blueprint.
type CreateVM struct {
	Blueprint  Blueprint `json:"blueprint"`
	Generation int       `json:"generation"`
}

// TagDisks tags the data disks that came with the VM, so that they can be told
// from disks that somebody attached. It fails if fewer than Count are found.
type TagDisks struct {
	Tag   string `json:"tag"`
	Count int    `json:"count"`
	// Attached are existing volumes that the blueprint attached: not ours, never tagged.
	Attached []string `json:"attached,omitempty"`
}

// UpdateVM changes fields of a VM in one request.
type UpdateVM struct {
	Name           *string `json:"name,omitempty"`
	Description    *string `json:"description,omitempty"`
	CPU            *int    `json:"cpuNum,omitempty"`
	Memory         *int64  `json:"memorySize,omitempty"`
	Reserved       *int64  `json:"reservedMemorySize,omitempty"`
	Platform       *string `json:"platform,omitempty"`
	GuestOSType    *string `json:"guestOsType,omitempty"`
	DefaultNetwork *string `json:"defaultL3NetworkUuid,omitempty"`
}

// ChangeOffering gives a VM another instance offering.
type ChangeOffering struct {
	OfferingUUID string `json:"instanceOfferingUuid"`
}

// SetHostname sets the hostname that the VM gets by DHCP; empty removes it.
type SetHostname struct {
	Hostname string `json:"hostname"`
}

// SetConsolePassword sets the console password.
type SetConsolePassword struct {
	Secret SecretTag `json:"secret"`
}

// StopVM stops a running VM.
type StopVM struct{}

// StartVM starts a stopped VM.
type StartVM struct{}

// DestroyVM moves a VM to the recycle bin, after reading it again: it must
// still be the fleet's machine Key and not be protected.
type DestroyVM struct {
	Scope Scope `json:"scope"`
}

// DeleteDisk deletes a data disk of the fleet, after reading it again: it must
// still carry Tag and be attached to no VM other than the step's.
type DeleteDisk struct {
	VolumeUUID string `json:"volumeUuid"`
	Tag        string `json:"tag"`
}

// AddTag puts a user tag on the VM; a tag that is there already is a success.
type AddTag struct {
	Tag string `json:"tag"`
}

// RemoveTag takes a user tag off the VM, found again by its text.
type RemoveTag struct {
	Tag string `json:"tag"`
}

// AttachTag attaches a tag pattern to the VM.
type AttachTag struct {
	TagUUID string `json:"tagUuid"`
}

// DetachTag detaches a tag pattern from the VM.
type DetachTag struct {
	TagUUID string `json:"tagUuid"`
}

// Verbs, in plans for ever.
func (CreateVM) Verb() string           { return "create" }
func (TagDisks) Verb() string           { return "tag-disks" }
func (UpdateVM) Verb() string           { return "update" }
func (ChangeOffering) Verb() string     { return "change-offering" }
func (SetHostname) Verb() string        { return "set-hostname" }
func (SetConsolePassword) Verb() string { return "set-console-password" }
func (StopVM) Verb() string             { return "stop" }
func (StartVM) Verb() string            { return "start" }
func (DestroyVM) Verb() string          { return "destroy" }
func (DeleteDisk) Verb() string         { return "delete-disk" }
func (AddTag) Verb() string             { return "add-tag" }
func (RemoveTag) Verb() string          { return "remove-tag" }
func (AttachTag) Verb() string          { return "attach-tag" }
func (DetachTag) Verb() string          { return "detach-tag" }

func (CreateVM) op()           {}
func (TagDisks) op()           {}
func (UpdateVM) op()           {}
func (ChangeOffering) op()     {}
func (SetHostname) op()        {}
func (SetConsolePassword) op() {}
func (StopVM) op()             {}
func (StartVM) op()            {}
func (DestroyVM) op()          {}
func (DeleteDisk) op()         {}
func (AddTag) op()             {}
func (RemoveTag) op()          {}
func (AttachTag) op()          {}
func (DetachTag) op()          {}
