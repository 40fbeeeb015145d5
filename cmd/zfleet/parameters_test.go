package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/examples"
	"zfleet/internal/cloud"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// creates are the three calls, with the source that picks each and the fleet
// file that every case is laid over.
var creates = map[string]struct{ source, path string }{
	"CreateVmInstance":                   {"{image: centos-7.9}", "/vm-instances"},
	"CreateVmInstanceFromVolume":         {"{volume: db-root}", "/vm-instances/from/volume"},
	"CreateVmInstanceFromVolumeSnapshot": {"{snapshot: golden-nightly}", "/vm-instances/from/volume-snapshots/@golden-nightly"},
}

const baseFleet = `apiVersion: zfleet/v1
kind: Fleet
name: parameters
id: abcd1234
machines:
  m: {source: %s, cpu: 1, memory: 1GiB, networks: [app-net]}
`

const baseBody = `{"params": {"name": "m", "cpuNum": 1, "memorySize": 1073741824, "l3NetworkUuids": ["@app-net"], "resourceUuid": "@uuid"}}`

// parameterCases set one parameter of the create calls each: say is laid over
// the base fleet, want over the base body (null removes); @name is the UUID of
// what has that name. A case without calls holds for every call that has the
// parameter; in the other calls what it says must be refused.
var parameterCases = []struct {
	parameter, say, want string
}{
	{"name", `{name: web}`, `{"params": {"name": "web"}}`},
	{"description", `{description: front}`, `{"params": {"description": "front"}}`},
	{"instanceOfferingUuid", `{instanceOffering: small}`, `{"params": {"instanceOfferingUuid": "@small", "cpuNum": null, "memorySize": null}}`},
	{"imageUuid", `{source: {image: ubuntu-22.04}}`, `{"params": {"imageUuid": "@ubuntu-22.04"}}`},
	{"volumeUuid", `{source: {volume: db-root-2}}`, `{"params": {"volumeUuid": "@db-root-2"}}`},
	{"volumeSnapshotUuid", `{source: {snapshot: golden-nightly}}`, `{}`},
	{"l3NetworkUuids", `{networks: [db-net]}`, `{"params": {"l3NetworkUuids": ["@db-net"]}}`},
	{"defaultL3NetworkUuid", `{networks: [app-net, {network: db-net, default: true}]}`, `{"params": {"l3NetworkUuids": ["@app-net", "@db-net"], "defaultL3NetworkUuid": "@db-net"}}`},
	{"type", `{type: UserVm}`, `{"params": {"type": "UserVm"}}`},
	{"zoneUuid", `{placement: {zone: shanghai-1}}`, `{"params": {"zoneUuid": "@shanghai-1"}}`},
	{"clusterUuid", `{placement: {cluster: kvm-b}}`, `{"params": {"clusterUuid": "@kvm-b"}}`},
	{"hostUuid", `{placement: {host: host-b-01}}`, `{"params": {"hostUuid": "@host-b-01"}}`},
	{"resourceUuid", `{resourceUuid: 3f2504e04f8941d39a0c0305e82c3301}`, `{"params": {"resourceUuid": "3f2504e04f8941d39a0c0305e82c3301"}}`},
	{"tagUuids", `{tags: [prod]}`, `{"params": {"tagUuids": ["@prod"]}}`},
	{"userTags", `{userTags: ["team::web"]}`, `{"userTags": ["team::web"]}`},
	{"strategy", `{strategy: CreateStopped}`, `{"params": {"strategy": "CreateStopped"}}`},
	{"cpuNum", `{cpu: 8}`, `{"params": {"cpuNum": 8}}`},
	{"memorySize", `{memory: 32GiB}`, `{"params": {"memorySize": 34359738368}}`},
	{"reservedMemorySize", `{reservedMemory: 512MiB}`, `{"params": {"reservedMemorySize": 536870912}}`},
	{"platform", `{platform: Linux}`, `{"params": {"platform": "Linux"}}`},
	{"guestOsType", `{guestOsType: CentOS 7}`, `{"params": {"guestOsType": "CentOS 7"}}`},
	{"architecture", `{architecture: x86_64}`, `{"params": {"architecture": "x86_64"}}`},
	{"virtio", `{virtio: true}`, `{"params": {"virtio": true}}`},
	{"sshKeyPairUuids", `{sshKeys: [ops]}`, `{"params": {"sshKeyPairUuids": ["@ops"]}}`},
	{"rootDiskOfferingUuid", `{rootDisk: {offering: root-40g}}`, `{"params": {"rootDiskOfferingUuid": "@root-40g"}}`},
	{"rootDiskSize", `{rootDisk: {size: 50GiB}}`, `{"params": {"rootDiskSize": 53687091200}}`},
	{"primaryStorageUuidForRootVolume", `{rootDisk: {primaryStorage: ps-ssd}}`, `{"params": {"primaryStorageUuidForRootVolume": "@ps-ssd"}}`},
	{"primaryStorageUuid", `{rootDisk: {primaryStorage: ps-ssd}}`, `{"params": {"primaryStorageUuid": "@ps-ssd"}}`},
	{"rootVolumeSystemTags", `{rootDisk: {systemTags: ["volumeProvisioningStrategy::ThinProvisioning"]}}`, `{"params": {"rootVolumeSystemTags": ["volumeProvisioningStrategy::ThinProvisioning"]}}`},
	{"dataDiskSizes", `{dataDisks: [{size: 50GiB}, {size: 1GiB}]}`, `{"params": {"dataDiskSizes": [53687091200, 1073741824]}}`},
	{"dataDiskOfferingUuids", `{dataDisks: [{offering: ssd-100g}, {offering: hdd-500g}]}`, `{"params": {"dataDiskOfferingUuids": ["@ssd-100g", "@hdd-500g"]}}`},
	{"dataVolumeSystemTags", `{dataDisks: [{size: 1GiB, systemTags: ["capability::virtio-scsi"]}, {size: 2GiB, systemTags: ["capability::virtio-scsi"]}]}`,
		`{"params": {"dataDiskSizes": [1073741824, 2147483648], "dataVolumeSystemTags": ["capability::virtio-scsi"]}}`},
	{"dataVolumeSystemTagsOnIndex", `{dataDisks: [{size: 1GiB}, {size: 2GiB, systemTags: ["capability::virtio-scsi"]}]}`,
		`{"params": {"dataDiskSizes": [1073741824, 2147483648], "dataVolumeSystemTagsOnIndex": {"1": ["capability::virtio-scsi"]}}}`},
	{"dataVolumeTemplateUuids", `{dataVolumeTemplates: [data-template]}`, `{"params": {"dataVolumeTemplateUuids": ["@data-template"]}}`},
	{"diskAOs", `{virtio: true, platform: Linux, guestOsType: CentOS 8, architecture: x86_64, dataDisks: [{size: 1GiB, name: logs, systemTags: ["capability::virtio-scsi"], primaryStorage: ps-hdd}, {offering: ssd-100g}, {template: data-template}, {volume: db-root-2}]}`,
		`{"params": {"virtio": true, "platform": "Linux", "guestOsType": "CentOS 8", "architecture": "x86_64", "diskAOs": [
			{"boot": true, "platform": "Linux", "guestOsType": "CentOS 8", "architecture": "x86_64", "systemTags": ["driver::virtio"]},
			{"boot": false, "size": 1073741824, "name": "logs", "systemTags": ["capability::virtio-scsi"], "primaryStorageUuid": "@ps-hdd"},
			{"boot": false, "diskOfferingUuid": "@ssd-100g"}, {"boot": false, "templateUuid": "@data-template"},
			{"boot": false, "sourceType": "VolumeVO", "sourceUuid": "@db-root-2"}]}}`},
	{"vmNicParams", `{networks: [{network: app-net, nicParams: {driverType: e1000, vmNicType: VNIC, state: disable, ip6: "fd00::2", prefix6: "64", gateway6: "fd00::1", outboundBandwidth: 8192, inboundBandwidth: 16384, multiQueueNum: 4, securityGroups: [0123456789abcdef0123456789abcdef], metaData: x}}]}`,
		`{"params": {"vmNicParams": "[{\"l3NetworkUuid\":\"@app-net\",\"driverType\":\"e1000\",\"VmNicType\":\"VNIC\",\"state\":\"disable\",\"ip6\":\"fd00::2\",\"prefix6\":\"64\",\"gateway6\":\"fd00::1\",\"outboundBandwidth\":8192,\"inboundBandwidth\":16384,\"multiQueueNum\":4,\"sgUuids\":[\"0123456789abcdef0123456789abcdef\"],\"metaData\":\"x\"}]"}}`},
	{"systemTags", `{systemTags: ["bootMode::UEFI"], hostname: web1, userData: "#cloud-config\n", consolePassword: s3cret, networks: [{network: app-net, ip: 10.0.0.9, mac: "fa:16:3e:00:00:01", netmask: 255.255.0.0, gateway: 10.0.0.1}]}`,
		`{"systemTags": ["bootMode::UEFI", "hostname::web1", "staticIp::@app-net::10.0.0.9", "ipv4Netmask::@app-net::255.255.0.0", "ipv4Gateway::@app-net::10.0.0.1", "customMac::@app-net::fa:16:3e:00:00:01", "userdata::I2Nsb3VkLWNvbmZpZwo=", "consolePassword::s3cret"]}`},
}

// TestParameters reaches every parameter of the three create calls from YAML,
// in each call that has it and in no other, and reads the request that left.
func TestParameters(t *testing.T) {
	has, covered := callParameters(t), make(map[string]bool)
	for _, tt := range parameterCases {
		covered[tt.parameter] = true
		for call, create := range creates {
			inputs := []spec.Input{
				{Name: "base.yaml", Data: fmt.Appendf(nil, baseFleet, create.source)},
				{Name: "case.yaml", Data: []byte("apiVersion: zfleet/v1\nkind: Fleet\nmachines:\n  m: " + tt.say + "\n")},
			}
			switch {
			case has[call][tt.parameter]:
				t.Run(call+"/"+tt.parameter, func(t *testing.T) {
					t.Parallel()
					wire := newWire(t)
					got, want := wire.create(inputs), wire.body(call, tt.want)
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("the body of %s (-want +got):\n%s", call, d)
					}
				})
			case !strings.HasPrefix(tt.say, "{source:") && !slices.Contains([]string{"primaryStorageUuid", "primaryStorageUuidForRootVolume"}, tt.parameter):
				_, found := spec.Load(inputs, spec.Variables{})
				if !found.HasErrors() || !strings.Contains(fmt.Sprint(found), "field-not-in-call") {
					t.Errorf("%s has no %s, and %s was taken: %v", call, tt.parameter, tt.say, found)
				}
			}
		}
	}
	for call, parameters := range has {
		for parameter := range parameters {
			if !covered[parameter] {
				t.Errorf("no case sets %s of %s", parameter, call)
			}
		}
	}
}

// callParameters reads which call has which parameter, from the table that the
// schema is held to as well.
func callParameters(t *testing.T) map[string]map[string]bool {
	data, err := os.ReadFile(filepath.Join("..", "..", "schemas", "testdata", "parameters.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	has := make(map[string]map[string]bool)
	for line := range strings.Lines(string(data)) {
		columns := strings.Split(line, "\t")
		if call, parameter := columns[0], columns[1]; call != "call" && !strings.Contains(parameter, "[]") {
			if has[call] == nil {
				has[call] = make(map[string]bool)
			}
			has[call][parameter] = true
		}
	}
	if len(has) != len(creates) {
		t.Fatalf("the table speaks of %d calls", len(has))
	}
	return has
}

// recordedWire is a data center whose requests are read.
type recordedWire struct {
	t      *testing.T
	server *simulator.Server
	client *zstack.Client
	uuids  map[string]string
}

func newWire(t *testing.T) *recordedWire {
	server, err := simulator.New(simulator.Options{Datacenter: examples.Datacenter})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	client, err := zstack.New(zstack.Config{Endpoint: listener.URL, AccountName: simulatorAccount, AccountPassword: simulatorPassword})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); _ = server.Close() })
	return &recordedWire{t, server, client, make(map[string]string)}
}

// create plans and performs the creation that the inputs ask for, and returns
// the body that left, without zfleet's own tags.
func (w *recordedWire) create(inputs []spec.Input) any {
	fleet, found := spec.Load(inputs, spec.Variables{})
	if found.HasErrors() {
		w.t.Fatal(found)
	}
	scope := planner.Scope{Name: fleet.Name, ID: fleet.ID}
	inventory, err := cloud.Inventory(w.t.Context(), w.client, scope, planner.RequestsFor(fleet), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entries := range inventory.Catalog {
		for _, entry := range entries {
			w.uuids[entry.Name] = entry.UUID
		}
	}
	plan, found := planner.Build(fleet, inventory, planner.Options{})
	if found.HasErrors() {
		w.t.Fatal(found)
	}
	w.uuids["uuid"] = plan.Steps[0].UUID
	secrets := (&loaded{Fleet: fleet}).secrets()
	cloud.NewDriver(w.client, cloud.Options{Scope: scope, Secrets: secrets}).Perform(w.t.Context(), plan.Steps[0], loneRecorder{})
	for _, request := range w.server.Requests() {
		if request.Method != "POST" {
			continue
		}
		var body map[string]any
		if err := json.Unmarshal([]byte(request.Body), &body); err != nil {
			w.t.Fatal(err)
		}
		body["path"] = request.Path
		tags, _ := body["userTags"].([]any)
		tags = slices.DeleteFunc(tags, func(tag any) bool { return strings.HasPrefix(fmt.Sprint(tag), planner.TagNamespace) })
		body["userTags"] = tags
		if len(tags) == 0 {
			delete(body, "userTags")
		}
		return body
	}
	w.t.Fatal("no create call left")
	return nil
}

// loneRecorder lets every request leave.
type loneRecorder struct{}

func (loneRecorder) Attempt(string) (string, error) { return "8f14e45fceea467fb4a9a2f7b2f6c1d0", nil }
func (loneRecorder) AttemptAs(string, string) error { return nil }
func (loneRecorder) Phase(string)                   {}

// body lays what a case wants over the base body of a call.
func (w *recordedWire) body(call, want string) any {
	var base, over map[string]any
	source := map[string]string{"CreateVmInstance": `"imageUuid": "@centos-7.9"`, "CreateVmInstanceFromVolume": `"volumeUuid": "@db-root"`}[call]
	text := baseBody
	if source != "" {
		text = strings.Replace(text, `"name"`, source+`, "name"`, 1)
	}
	for _, part := range []struct {
		text string
		into *map[string]any
	}{{text, &base}, {want, &over}} {
		if err := json.Unmarshal([]byte(w.named(part.text)), part.into); err != nil {
			w.t.Fatal(err)
		}
	}
	base["path"] = "/zstack/v1" + w.named(creates[call].path)
	return overlay(base, over)
}

// named puts UUIDs in the place of names, the longest names first.
func (w *recordedWire) named(text string) string {
	byLength := slices.SortedFunc(maps.Keys(w.uuids), func(a, b string) int { return len(b) - len(a) })
	for _, name := range byLength {
		text = strings.ReplaceAll(text, "@"+name, w.uuids[name])
	}
	return text
}

func overlay(base, over map[string]any) map[string]any {
	for key, value := range over {
		below, ok := base[key].(map[string]any)
		if object, isObject := value.(map[string]any); ok && isObject {
			base[key] = overlay(below, object)
		} else if value == nil {
			delete(base, key)
		} else {
			base[key] = value
		}
	}
	return base
}
