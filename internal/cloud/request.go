package cloud

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"zfleet/planner"
	"zfleet/spec"
)

// createRequest is one of the three create calls, ready to be sent by POST.
type createRequest struct {
	operation string // the API's name, for journals and failures
	path      string // below /zstack/v1
	body      createBody
}

// createBody is the body of a create call. Tags stand beside params, not in them.
type createBody struct {
	Params     createParams `json:"params"`
	SystemTags []string     `json:"systemTags,omitempty"`
	UserTags   []string     `json:"userTags,omitempty"`
}

// createParams holds the parameters of all three create calls. The server drops
// what a call does not know without a word, so newCreateRequest refuses a
// blueprint that asks for more than its call can carry.
type createParams struct {
	ResourceUUID string  `json:"resourceUuid"`
	Name         string  `json:"name"`
	Description  *string `json:"description,omitempty"`
	VolumeUUID   string  `json:"volumeUuid,omitempty"` // from a volume
	ImageUUID    string  `json:"imageUuid,omitempty"`  // from an image

	OfferingUUID string `json:"instanceOfferingUuid,omitempty"`
	CPU          int    `json:"cpuNum,omitempty"`
	Memory       int64  `json:"memorySize,omitempty"`
	Reserved     *int64 `json:"reservedMemorySize,omitempty"`

	NetworkUUIDs   []string `json:"l3NetworkUuids,omitempty"`
	DefaultNetwork string   `json:"defaultL3NetworkUuid,omitempty"`
	NICParams      string   `json:"vmNicParams,omitempty"` // a JSON array in a string

	ZoneUUID    string `json:"zoneUuid,omitempty"`
	ClusterUUID string `json:"clusterUuid,omitempty"`
	HostUUID    string `json:"hostUuid,omitempty"`

	Type         string   `json:"type,omitempty"`
	Strategy     string   `json:"strategy,omitempty"`
	Platform     string   `json:"platform,omitempty"`
	GuestOSType  string   `json:"guestOsType,omitempty"`
	Architecture string   `json:"architecture,omitempty"`
	Virtio       *bool    `json:"virtio,omitempty"`
	SSHKeyUUIDs  []string `json:"sshKeyPairUuids,omitempty"`
	TagUUIDs     []string `json:"tagUuids,omitempty"`

	RootOfferingUUID   string   `json:"rootDiskOfferingUuid,omitempty"`
	RootSize           int64    `json:"rootDiskSize,omitempty"`
	RootStorage        string   `json:"primaryStorageUuidForRootVolume,omitempty"` // from an image
	PrimaryStorageUUID string   `json:"primaryStorageUuid,omitempty"`              // from a volume or snapshot
	RootSystemTags     []string `json:"rootVolumeSystemTags,omitempty"`

	DataOfferingUUIDs   []string            `json:"dataDiskOfferingUuids,omitempty"`
	DataSizes           []int64             `json:"dataDiskSizes,omitempty"`
	DataSystemTags      []string            `json:"dataVolumeSystemTags,omitempty"`
	DataSystemTagsIndex map[string][]string `json:"dataVolumeSystemTagsOnIndex,omitempty"`
	DataTemplateUUIDs   []string            `json:"dataVolumeTemplateUuids,omitempty"`
	Disks               []diskObject        `json:"diskAOs,omitempty"`
}

// diskObject is one entry of diskAOs.
type diskObject struct {
	Boot               bool     `json:"boot"`
	Platform           string   `json:"platform,omitempty"`
	GuestOSType        string   `json:"guestOsType,omitempty"`
	Architecture       string   `json:"architecture,omitempty"`
	PrimaryStorageUUID string   `json:"primaryStorageUuid,omitempty"`
	Size               int64    `json:"size,omitempty"`
	TemplateUUID       string   `json:"templateUuid,omitempty"`
	OfferingUUID       string   `json:"diskOfferingUuid,omitempty"`
	SourceType         string   `json:"sourceType,omitempty"`
	SourceUUID         string   `json:"sourceUuid,omitempty"`
	Name               string   `json:"name,omitempty"`
	SystemTags         []string `json:"systemTags,omitempty"`
}

// nicObject is one entry of vmNicParams.
type nicObject struct {
	NetworkUUID       string   `json:"l3NetworkUuid"`
	DriverType        string   `json:"driverType,omitempty"`
	Type              string   `json:"VmNicType,omitempty"` // the server's spelling
	State             string   `json:"state,omitempty"`
	IP6               string   `json:"ip6,omitempty"`
	Prefix6           string   `json:"prefix6,omitempty"`
	Gateway6          string   `json:"gateway6,omitempty"`
	OutboundBandwidth *int64   `json:"outboundBandwidth,omitempty"`
	InboundBandwidth  *int64   `json:"inboundBandwidth,omitempty"`
	MultiQueueNum     *int     `json:"multiQueueNum,omitempty"`
	SecurityGroups    []string `json:"sgUuids,omitempty"`
	MetaData          string   `json:"metaData,omitempty"`
}

// system is the side of an image that a boot entry of diskAOs has to repeat.
type system struct {
	platform, guestOSType, architecture string
	virtio                              bool
}

// newCreateRequest says a blueprint in the simplest parameters that its call
// has. secrets maps spec.Text.Path to values; image is what the source image
// says of itself, used only where needsImage reports true.
func newCreateRequest(uuid string, b *planner.Blueprint, secrets map[string]string, image system) (createRequest, error) {
	nicParams, err := nicParamsText(b.NICs)
	if err != nil {
		return createRequest{}, err
	}
	request := createRequest{body: createBody{
		Params: createParams{
			ResourceUUID: uuid, Name: b.Name, Description: b.Description,
			OfferingUUID: b.OfferingUUID, CPU: b.CPU, Memory: b.Memory, Reserved: b.Reserved,
			NetworkUUIDs: networkUUIDs(b.NICs), DefaultNetwork: b.DefaultNetwork, NICParams: nicParams,
			ZoneUUID: b.ZoneUUID, ClusterUUID: b.ClusterUUID, HostUUID: b.HostUUID,
			Type: b.Type, Strategy: b.Strategy, Platform: b.Platform, TagUUIDs: b.TagUUIDs,
		},
		SystemTags: slices.Clone(b.SystemTags),
		UserTags:   b.UserTags,
	}}
	for _, secret := range b.Secrets {
		tag, err := secretText(secret, secrets)
		if err != nil {
			return createRequest{}, err
		}
		request.body.SystemTags = append(request.body.SystemTags, tag)
	}
	switch b.Source {
	case spec.FromImage:
		request.fromImage(b, image)
	case spec.FromVolume:
		err = request.fromVolume(b)
	case spec.FromSnapshot:
		err = request.fromSnapshot(b)
	default:
		err = fmt.Errorf("unknown source %q in the blueprint", b.Source)
	}
	return request, err
}

func (r *createRequest) fromImage(b *planner.Blueprint, image system) {
	r.operation, r.path = "CreateVmInstance", "/vm-instances"
	p := &r.body.Params
	p.ImageUUID = b.SourceUUID
	p.GuestOSType, p.Architecture, p.Virtio = b.GuestOSType, b.Architecture, b.Virtio
	p.SSHKeyUUIDs, p.DataTemplateUUIDs = b.SSHKeyUUIDs, b.DataVolumeTemplateUUIDs
	if root := b.RootDisk; root != nil {
		p.RootOfferingUUID, p.RootSize = root.OfferingUUID, root.Size
		p.RootStorage, p.RootSystemTags = root.PrimaryStorageUUID, root.SystemTags
	}
	if needsDiskObjects(b.DataDisks) {
		p.Disks = append(p.Disks, bootObject(b, image))
		for _, disk := range b.DataDisks {
			p.Disks = append(p.Disks, newDiskObject(disk))
		}
		return
	}
	r.plainDisks(b.DataDisks)
}

func (r *createRequest) fromVolume(b *planner.Blueprint) error {
	r.operation, r.path = "CreateVmInstanceFromVolume", "/vm-instances/from/volume"
	r.body.Params.VolumeUUID = b.SourceUUID
	if b.RootDisk != nil && len(b.RootDisk.SystemTags) > 0 {
		return fmt.Errorf("%s has no parameter for rootDisk.systemTags", r.operation)
	}
	return r.fromDisk(b)
}

func (r *createRequest) fromSnapshot(b *planner.Blueprint) error {
	r.operation = "CreateVmInstanceFromVolumeSnapshot"
	r.path = "/vm-instances/from/volume-snapshots/" + b.SourceUUID
	if b.RootDisk != nil {
		r.body.Params.RootSystemTags = b.RootDisk.SystemTags
	}
	return r.fromDisk(b)
}

// fromDisk adds what the calls from a volume and from a snapshot share, and
// refuses what neither can carry: the server would drop it silently.
func (r *createRequest) fromDisk(b *planner.Blueprint) error {
	root := b.RootDisk
	if root != nil {
		r.body.Params.PrimaryStorageUUID = root.PrimaryStorageUUID
	}
	for _, lacking := range []struct {
		field string
		asked bool
	}{
		{"rootDisk.offering", root != nil && root.OfferingUUID != ""},
		{"rootDisk.size", root != nil && root.Size != 0},
		{"dataDisks", len(b.DataDisks) > 0},
		{"dataVolumeTemplates", len(b.DataVolumeTemplateUUIDs) > 0},
		{"guestOsType", b.GuestOSType != ""},
		{"architecture", b.Architecture != ""},
		{"virtio", b.Virtio != nil},
		{"sshKeys", len(b.SSHKeyUUIDs) > 0},
		{"strategy JustCreate", b.Strategy == "JustCreate"},
	} {
		if lacking.asked {
			return fmt.Errorf("%s has no parameter for %s", r.operation, lacking.field)
		}
	}
	return nil
}

// plainDisks says data disks by lists of offerings and sizes. The server makes
// those of offerings first, and numbers the disks for tags in that order.
func (r *createRequest) plainDisks(disks []planner.DiskPlan) {
	p := &r.body.Params
	for i, disk := range disks {
		if disk.OfferingUUID != "" {
			p.DataOfferingUUIDs = append(p.DataOfferingUUIDs, disk.OfferingUUID)
		} else {
			p.DataSizes = append(p.DataSizes, disk.Size)
		}
		if len(disk.SystemTags) > 0 {
			if p.DataSystemTagsIndex == nil {
				p.DataSystemTagsIndex = make(map[string][]string)
			}
			p.DataSystemTagsIndex[strconv.Itoa(i)] = disk.SystemTags
		}
	}
	if len(disks) == 0 {
		return
	}
	first := disks[0]
	if !slices.ContainsFunc(disks, func(d planner.DiskPlan) bool { return !slices.Equal(d.SystemTags, first.SystemTags) }) {
		p.DataSystemTags, p.DataSystemTagsIndex = first.SystemTags, nil
	}
	if first.PrimaryStorageUUID != "" {
		r.body.SystemTags = append(r.body.SystemTags, "primaryStorageUuidForDataVolume::"+first.PrimaryStorageUUID)
	}
}

// needsDiskObjects reports whether only diskAOs can say what the disks are to
// be: lists of offerings and sizes know no names, no sources, one storage for
// all, and no order but offerings before sizes.
func needsDiskObjects(disks []planner.DiskPlan) bool {
	sized := false
	for _, d := range disks {
		switch {
		case d.TemplateUUID != "", d.VolumeUUID != "", d.Name != "",
			d.PrimaryStorageUUID != disks[0].PrimaryStorageUUID,
			sized && d.OfferingUUID != "":
			return true
		}
		sized = sized || d.OfferingUUID == ""
	}
	return false
}

// needsImage reports whether the request has to repeat what the source image
// says and the blueprint does not.
func needsImage(b *planner.Blueprint) bool {
	return b.Source == spec.FromImage && needsDiskObjects(b.DataDisks) &&
		(b.Platform == "" || b.GuestOSType == "" || b.Architecture == "" || b.Virtio == nil)
}

// bootObject returns the entry of diskAOs that stands for the system. The
// server lets it overwrite the parameters of the same names, also with nothing,
// and takes virtio from the presence of a tag, so it always says everything.
func bootObject(b *planner.Blueprint, image system) diskObject {
	boot := diskObject{
		Boot:         true,
		Platform:     cmp.Or(b.Platform, image.platform),
		GuestOSType:  cmp.Or(b.GuestOSType, image.guestOSType),
		Architecture: cmp.Or(b.Architecture, image.architecture),
	}
	virtio := image.virtio
	if b.Virtio != nil {
		virtio = *b.Virtio
	}
	if virtio {
		boot.SystemTags = []string{"driver::virtio"}
	}
	return boot
}

func newDiskObject(d planner.DiskPlan) diskObject {
	object := diskObject{
		Size: d.Size, OfferingUUID: d.OfferingUUID, TemplateUUID: d.TemplateUUID,
		PrimaryStorageUUID: d.PrimaryStorageUUID, Name: d.Name, SystemTags: d.SystemTags,
	}
	if d.VolumeUUID != "" {
		object.SourceType, object.SourceUUID = "VolumeVO", d.VolumeUUID
	}
	return object
}

func networkUUIDs(nics []planner.NICPlan) []string {
	var uuids []string
	for _, nic := range nics {
		uuids = append(uuids, nic.NetworkUUID)
	}
	return uuids
}

// nicParamsText encodes the NICs that carry parameters; empty if none does.
func nicParamsText(nics []planner.NICPlan) (string, error) {
	var objects []nicObject
	for _, nic := range nics {
		if p := nic.Params; p != nil {
			objects = append(objects, nicObject{
				NetworkUUID: nic.NetworkUUID, DriverType: p.DriverType, Type: p.Type, State: p.State,
				IP6: p.IP6, Prefix6: p.Prefix6, Gateway6: p.Gateway6,
				OutboundBandwidth: p.OutboundBandwidth, InboundBandwidth: p.InboundBandwidth,
				MultiQueueNum: p.MultiQueueNum, SecurityGroups: p.SecurityGroups, MetaData: p.MetaData,
			})
		}
	}
	if objects == nil {
		return "", nil
	}
	text, err := json.Marshal(objects)
	return string(text), err
}

// missingSecretError says that a step needs a secret that nobody supplied.
type missingSecretError struct{ path string }

func (e *missingSecretError) Error() string {
	return fmt.Sprintf("the value of secret %s is not known", e.path)
}

// secretText returns the system tag of a secret.
func secretText(s planner.SecretTag, secrets map[string]string) (string, error) {
	value, ok := secrets[s.Secret]
	if !ok {
		return "", &missingSecretError{s.Secret}
	}
	if s.Base64 {
		value = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return s.Prefix + value, nil
}
