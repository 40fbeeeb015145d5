package cloud

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/planner"
	"zfleet/spec"
)

// The parameters of the three create calls, as the API reference lists them.
var callParameters = map[spec.SourceKind]string{
	spec.FromImage: `name instanceOfferingUuid imageUuid l3NetworkUuids vmNicParams type rootDiskOfferingUuid dataDiskSizes
		dataDiskOfferingUuids zoneUuid clusterUuid hostUuid primaryStorageUuidForRootVolume description defaultL3NetworkUuid
		resourceUuid tagUuids systemTags userTags strategy rootVolumeSystemTags dataVolumeSystemTags cpuNum memorySize
		rootDiskSize dataVolumeSystemTagsOnIndex sshKeyPairUuids dataVolumeTemplateUuids diskAOs platform guestOsType
		architecture reservedMemorySize virtio`,
	spec.FromVolume: `name description instanceOfferingUuid cpuNum memorySize l3NetworkUuids vmNicParams type volumeUuid platform
		zoneUuid clusterUuid hostUuid primaryStorageUuid defaultL3NetworkUuid strategy resourceUuid tagUuids systemTags
		userTags reservedMemorySize`,
	spec.FromSnapshot: `name description instanceOfferingUuid cpuNum memorySize l3NetworkUuids type vmNicParams volumeSnapshotUuid
		platform zoneUuid clusterUuid hostUuid primaryStorageUuid defaultL3NetworkUuid strategy resourceUuid tagUuids
		systemTags userTags rootVolumeSystemTags reservedMemorySize`,
}

// parameterCase sets one parameter; want is what it adds to the base body.
type parameterCase struct {
	name  string
	calls string // image, volume, snapshot; empty means all
	edit  func(b *planner.Blueprint)
	want  string
}

var parameterCases = []parameterCase{
	{name: "name", edit: func(b *planner.Blueprint) { b.Name = "web-01" }, want: `{"params":{"name":"web-01"}}`},
	{name: "resourceUuid", edit: func(*planner.Blueprint) {}, want: `{}`},
	{name: "imageUuid", calls: "image", edit: func(b *planner.Blueprint) { b.SourceUUID = "i2" }, want: `{"params":{"imageUuid":"i2"}}`},
	{name: "volumeUuid", calls: "volume", edit: func(b *planner.Blueprint) { b.SourceUUID = "v2" }, want: `{"params":{"volumeUuid":"v2"}}`},
	{name: "volumeSnapshotUuid", calls: "snapshot", edit: func(*planner.Blueprint) {}, want: `{}`}, // in the path
	{name: "description", edit: func(b *planner.Blueprint) { b.Description = new("web server") }, want: `{"params":{"description":"web server"}}`},
	{name: "instanceOfferingUuid", edit: func(b *planner.Blueprint) { b.OfferingUUID = "o1" }, want: `{"params":{"instanceOfferingUuid":"o1"}}`},
	{name: "cpuNum", edit: func(b *planner.Blueprint) { b.CPU = 8 }, want: `{"params":{"cpuNum":8}}`},
	{name: "memorySize", edit: func(b *planner.Blueprint) { b.Memory = 34359738368 }, want: `{"params":{"memorySize":34359738368}}`},
	{name: "reservedMemorySize", edit: func(b *planner.Blueprint) { b.Reserved = new(int64(0)) }, want: `{"params":{"reservedMemorySize":0}}`},
	{name: "l3NetworkUuids", edit: func(b *planner.Blueprint) { b.NICs = []planner.NICPlan{{NetworkUUID: "n2"}, {NetworkUUID: "n1"}} },
		want: `{"params":{"l3NetworkUuids":["n2","n1"]}}`},
	{name: "defaultL3NetworkUuid", edit: func(b *planner.Blueprint) { b.DefaultNetwork = "n1" }, want: `{"params":{"defaultL3NetworkUuid":"n1"}}`},
	{name: "vmNicParams", edit: func(b *planner.Blueprint) {
		b.NICs = []planner.NICPlan{{NetworkUUID: "n1"}, {NetworkUUID: "n2", Params: &spec.NICParams{
			DriverType: "e1000", Type: "VNIC", State: "disable", IP6: "fd00::2", Prefix6: "64", Gateway6: "fd00::1",
			OutboundBandwidth: new(int64(8192)), InboundBandwidth: new(int64(16384)), MultiQueueNum: new(4),
			SecurityGroups: []string{"sg1"}, MetaData: "m",
		}}}
	}, want: `{"params":{"l3NetworkUuids":["n1","n2"],"vmNicParams":"[{\"l3NetworkUuid\":\"n2\",\"driverType\":\"e1000\",\"VmNicType\":\"VNIC\",\"state\":\"disable\",\"ip6\":\"fd00::2\",\"prefix6\":\"64\",\"gateway6\":\"fd00::1\",\"outboundBandwidth\":8192,\"inboundBandwidth\":16384,\"multiQueueNum\":4,\"sgUuids\":[\"sg1\"],\"metaData\":\"m\"}]"}}`},
	{name: "type", edit: func(b *planner.Blueprint) { b.Type = "UserVm" }, want: `{"params":{"type":"UserVm"}}`},
	{name: "zoneUuid", edit: func(b *planner.Blueprint) { b.ZoneUUID = "z1" }, want: `{"params":{"zoneUuid":"z1"}}`},
	{name: "clusterUuid", edit: func(b *planner.Blueprint) { b.ClusterUUID = "c1" }, want: `{"params":{"clusterUuid":"c1"}}`},
	{name: "hostUuid", edit: func(b *planner.Blueprint) { b.HostUUID = "h1" }, want: `{"params":{"hostUuid":"h1"}}`},
	{name: "strategy", edit: func(b *planner.Blueprint) { b.Strategy = "CreateStopped" }, want: `{"params":{"strategy":"CreateStopped"}}`},
	{name: "platform", edit: func(b *planner.Blueprint) { b.Platform = "Windows" }, want: `{"params":{"platform":"Windows"}}`},
	{name: "guestOsType", calls: "image", edit: func(b *planner.Blueprint) { b.GuestOSType = "CentOS 7" }, want: `{"params":{"guestOsType":"CentOS 7"}}`},
	{name: "architecture", calls: "image", edit: func(b *planner.Blueprint) { b.Architecture = "aarch64" }, want: `{"params":{"architecture":"aarch64"}}`},
	{name: "virtio", calls: "image", edit: func(b *planner.Blueprint) { b.Virtio = new(false) }, want: `{"params":{"virtio":false}}`},
	{name: "sshKeyPairUuids", calls: "image", edit: func(b *planner.Blueprint) { b.SSHKeyUUIDs = []string{"k1", "k2"} }, want: `{"params":{"sshKeyPairUuids":["k1","k2"]}}`},
	{name: "tagUuids", edit: func(b *planner.Blueprint) { b.TagUUIDs = []string{"t1"} }, want: `{"params":{"tagUuids":["t1"]}}`},
	{name: "userTags", edit: func(b *planner.Blueprint) { b.UserTags = []string{"owner:me", "zfleet::s-id::key::web/1"} },
		want: `{"userTags":["owner:me","zfleet::s-id::key::web/1"]}`},
	{name: "systemTags", edit: func(b *planner.Blueprint) {
		b.SystemTags = []string{"hostname::web1"}
		b.Secrets = []planner.SecretTag{
			{Prefix: "userdata::", Base64: true, Secret: "web/1.userData"},
			{Prefix: "consolePassword::", Secret: "web/1.consolePassword"},
		}
	}, want: `{"systemTags":["hostname::web1","userdata::I2Nsb3VkLWNvbmZpZwo=","consolePassword::hunter2"]}`},
	{name: "rootDiskOfferingUuid", calls: "image", edit: func(b *planner.Blueprint) { b.RootDisk = &planner.DiskPlan{OfferingUUID: "d1"} }, want: `{"params":{"rootDiskOfferingUuid":"d1"}}`},
	{name: "rootDiskSize", calls: "image", edit: func(b *planner.Blueprint) { b.RootDisk = &planner.DiskPlan{Size: 1 << 30} }, want: `{"params":{"rootDiskSize":1073741824}}`},
	{name: "primaryStorageUuidForRootVolume", calls: "image", edit: rootStorage, want: `{"params":{"primaryStorageUuidForRootVolume":"p1"}}`},
	{name: "primaryStorageUuid", calls: "volume snapshot", edit: rootStorage, want: `{"params":{"primaryStorageUuid":"p1"}}`},
	{name: "rootVolumeSystemTags", calls: "image snapshot", edit: func(b *planner.Blueprint) { b.RootDisk = &planner.DiskPlan{SystemTags: []string{"thick"}} },
		want: `{"params":{"rootVolumeSystemTags":["thick"]}}`},
	{name: "dataDiskOfferingUuids", calls: "image", edit: disks(planner.DiskPlan{OfferingUUID: "d1"}, planner.DiskPlan{OfferingUUID: "d1"}),
		want: `{"params":{"dataDiskOfferingUuids":["d1","d1"]}}`},
	{name: "dataDiskSizes", calls: "image", edit: disks(planner.DiskPlan{Size: 5}, planner.DiskPlan{Size: 6}), want: `{"params":{"dataDiskSizes":[5,6]}}`},
	{name: "dataDiskSizes after offerings", calls: "image", edit: disks(planner.DiskPlan{OfferingUUID: "d1"}, planner.DiskPlan{Size: 5}),
		want: `{"params":{"dataDiskOfferingUuids":["d1"],"dataDiskSizes":[5]}}`},
	{name: "dataVolumeSystemTags", calls: "image", edit: disks(
		planner.DiskPlan{Size: 5, SystemTags: []string{"a"}}, planner.DiskPlan{Size: 6, SystemTags: []string{"a"}}),
		want: `{"params":{"dataDiskSizes":[5,6],"dataVolumeSystemTags":["a"]}}`},
	{name: "dataVolumeSystemTagsOnIndex", calls: "image", edit: disks(
		planner.DiskPlan{OfferingUUID: "d1"}, planner.DiskPlan{Size: 6, SystemTags: []string{"a", "b"}}),
		want: `{"params":{"dataDiskOfferingUuids":["d1"],"dataDiskSizes":[6],"dataVolumeSystemTagsOnIndex":{"1":["a","b"]}}}`},
	{name: "one storage for all data disks", calls: "image", edit: disks(
		planner.DiskPlan{Size: 5, PrimaryStorageUUID: "p2"}, planner.DiskPlan{Size: 6, PrimaryStorageUUID: "p2"}),
		want: `{"params":{"dataDiskSizes":[5,6]},"systemTags":["primaryStorageUuidForDataVolume::p2"]}`},
	{name: "dataVolumeTemplateUuids", calls: "image", edit: func(b *planner.Blueprint) { b.DataVolumeTemplateUUIDs = []string{"i9"} },
		want: `{"params":{"dataVolumeTemplateUuids":["i9"]}}`},
	{name: "diskAOs", calls: "image", edit: func(b *planner.Blueprint) {
		disks(planner.DiskPlan{Size: 5, Name: "logs", PrimaryStorageUUID: "p2", SystemTags: []string{"a"}}, planner.DiskPlan{OfferingUUID: "d1"},
			planner.DiskPlan{TemplateUUID: "i9"}, planner.DiskPlan{VolumeUUID: "v9"})(b)
		b.RootDisk = &planner.DiskPlan{Size: 9, PrimaryStorageUUID: "p1"}
	}, want: `{"params":{"rootDiskSize":9,"primaryStorageUuidForRootVolume":"p1","diskAOs":[
		{"boot":true,"platform":"Linux","guestOsType":"Linux","architecture":"x86_64","systemTags":["driver::virtio"]},
		{"boot":false,"size":5,"name":"logs","primaryStorageUuid":"p2","systemTags":["a"]},
		{"boot":false,"diskOfferingUuid":"d1"},
		{"boot":false,"templateUuid":"i9"},
		{"boot":false,"sourceType":"VolumeVO","sourceUuid":"v9"}]}}`},
	{name: "diskAOs for offerings after sizes, system as asked", calls: "image", edit: func(b *planner.Blueprint) {
		disks(planner.DiskPlan{Size: 5}, planner.DiskPlan{OfferingUUID: "d1"})(b)
		b.Platform, b.GuestOSType, b.Architecture, b.Virtio = "Other", "VyOS", "aarch64", new(false)
	}, want: `{"params":{"platform":"Other","guestOsType":"VyOS","architecture":"aarch64","virtio":false,"diskAOs":[
		{"boot":true,"platform":"Other","guestOsType":"VyOS","architecture":"aarch64"},
		{"boot":false,"size":5},
		{"boot":false,"diskOfferingUuid":"d1"}]}}`},
	{name: "diskAOs for different storages", calls: "image", edit: disks(planner.DiskPlan{Size: 5, PrimaryStorageUUID: "p1"}, planner.DiskPlan{Size: 5}),
		want: `{"params":{"diskAOs":[
		{"boot":true,"platform":"Linux","guestOsType":"Linux","architecture":"x86_64","systemTags":["driver::virtio"]},
		{"boot":false,"size":5,"primaryStorageUuid":"p1"},
		{"boot":false,"size":5}]}}`},
}

func rootStorage(b *planner.Blueprint) { b.RootDisk = &planner.DiskPlan{PrimaryStorageUUID: "p1"} }

func disks(plans ...planner.DiskPlan) func(*planner.Blueprint) {
	return func(b *planner.Blueprint) { b.DataDisks = plans }
}

var baseBodies = map[spec.SourceKind]string{
	spec.FromImage:    `{"params":{"resourceUuid":"u1","name":"vm1","imageUuid":"s1"}}`,
	spec.FromVolume:   `{"params":{"resourceUuid":"u1","name":"vm1","volumeUuid":"s1"}}`,
	spec.FromSnapshot: `{"params":{"resourceUuid":"u1","name":"vm1"}}`,
}

func TestCreateRequest(t *testing.T) {
	secrets := map[string]string{"web/1.userData": "#cloud-config\n", "web/1.consolePassword": "hunter2"}
	image := system{platform: "Linux", guestOSType: "Linux", architecture: "x86_64", virtio: true}
	paths := map[spec.SourceKind]string{
		spec.FromImage:    "/vm-instances",
		spec.FromVolume:   "/vm-instances/from/volume",
		spec.FromSnapshot: "/vm-instances/from/volume-snapshots/s1",
	}
	for kind, list := range callParameters {
		missing := make(map[string]bool)
		for _, name := range strings.Fields(list) {
			missing[name] = true
		}
		for _, c := range parameterCases {
			if c.calls != "" && !slices.Contains(strings.Fields(c.calls), string(kind)) {
				continue
			}
			delete(missing, c.name)
			t.Run(string(kind)+"/"+c.name, func(t *testing.T) {
				blueprint := planner.Blueprint{Source: kind, SourceUUID: "s1", Name: "vm1"}
				c.edit(&blueprint)
				request, err := newCreateRequest("u1", &blueprint, secrets, image)
				if err != nil {
					t.Fatal(err)
				}
				body, err := json.Marshal(request.body)
				if err != nil {
					t.Fatal(err)
				}
				want := overlay(decoded(t, baseBodies[kind]), decoded(t, c.want))
				if d := cmp.Diff(want, decoded(t, string(body))); d != "" {
					t.Errorf("body (-want +got):\n%s", d)
				}
				if request.path != paths[kind] {
					t.Errorf("path = %s, want %s", request.path, paths[kind])
				}
			})
		}
		if len(missing) > 0 {
			t.Errorf("%s: no case for %v", kind, slices.Sorted(maps.Keys(missing)))
		}
	}
}

// TestCreateRequestRefuses: what a call cannot carry must not be dropped, as
// the server would.
func TestCreateRequestRefuses(t *testing.T) {
	for _, kind := range []spec.SourceKind{spec.FromVolume, spec.FromSnapshot} {
		listed := strings.Fields(callParameters[kind])
		for _, c := range parameterCases {
			if c.calls != "image" && (c.name != "rootVolumeSystemTags" || slices.Contains(listed, c.name)) ||
				c.name == "imageUuid" || c.name == "primaryStorageUuidForRootVolume" { // said by another parameter
				continue
			}
			blueprint := planner.Blueprint{Source: kind, SourceUUID: "s1", Name: "vm1"}
			c.edit(&blueprint)
			if request, err := newCreateRequest("u1", &blueprint, nil, system{}); err == nil {
				t.Errorf("%s, %s: no error, but %+v", kind, c.name, request.body)
			}
		}
	}
	blueprint := planner.Blueprint{Source: spec.FromImage, Secrets: []planner.SecretTag{{Prefix: "userdata::", Secret: "web/1.userData"}}}
	if _, err := newCreateRequest("u1", &blueprint, nil, system{}); err == nil {
		t.Error("an unknown secret: no error")
	}
}

func TestNeedsImage(t *testing.T) {
	blueprint := planner.Blueprint{Source: spec.FromImage, DataDisks: []planner.DiskPlan{{Size: 1, Name: "a"}}}
	if !needsImage(&blueprint) {
		t.Error("diskAOs without a system: false")
	}
	blueprint.Platform, blueprint.GuestOSType, blueprint.Architecture, blueprint.Virtio = "Linux", "Linux", "x86_64", new(true)
	if needsImage(&blueprint) {
		t.Error("diskAOs with a whole system: true")
	}
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// overlay lays one JSON object over another, in place.
func overlay(base, over map[string]any) map[string]any {
	for key, value := range over {
		below, ok := base[key].(map[string]any)
		above, ok2 := value.(map[string]any)
		if ok && ok2 {
			value = overlay(below, above)
		}
		base[key] = value
	}
	return base
}
