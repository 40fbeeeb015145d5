package spec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fleetOf loads files that must be free of errors, the first without its head.
func fleetOf(t *testing.T, layers ...string) *Fleet {
	t.Helper()
	fleet, found := Load(inputs(layers...), Variables{ReadFile: readTemplate})
	if found.HasErrors() {
		t.Fatalf("findings: %v", found)
	}
	return fleet
}

const head = "apiVersion: zfleet/v1\nkind: Fleet\n"

func inputs(layers ...string) []Input {
	var list []Input
	for i, layer := range layers {
		if i == 0 {
			layer = "name: demo\nid: abcd1234\n" + layer
		}
		list = append(list, Input{Name: fmt.Sprintf("%d.yaml", i), Data: []byte(head + layer)})
	}
	return list
}

func ptr[T any](value T) *T { return &value }

// TestMachines compares whole machines with what their file says.
func TestMachines(t *testing.T) {
	app := []Network{{Network: Ref{Name: "app-net"}, Default: true}}
	small := &Ref{Name: "small"}
	image := Source{FromImage, Ref{Name: "centos"}}
	machine := func(group, instance, name string, edit func(m *Machine)) Machine {
		m := Machine{Key: group + "/" + instance, Group: group, Instance: instance, Name: name, Source: image, Offering: small, Networks: app}
		if edit != nil {
			edit(&m)
		}
		return m
	}
	const defaults = "defaults: {source: {image: centos}, instanceOffering: small, networks: [app-net]}\n"
	tests := []struct {
		name   string
		layers []string
		want   []Machine
	}{
		{"a group without count is one machine", []string{defaults + "machines: {web: {}}"},
			[]Machine{machine("web", "1", "web", nil)}},
		{"a count numbers the names", []string{defaults + "machines: {web: {count: 2}}"},
			[]Machine{machine("web", "1", "web-1", nil), machine("web", "2", "web-2", nil)}},
		{"omit leaves holes", []string{defaults + "machines: {web: {count: 3, omit: [2]}}"},
			[]Machine{machine("web", "1", "web-1", nil), machine("web", "3", "web-3", nil)}},
		{"a count of none", []string{defaults + "machines: {web: {count: 0}, db: {}}"},
			[]Machine{machine("db", "1", "db", nil)}},
		{"instances override their group, in file order", []string{defaults + `machines:
  gw:
    description: gateway ${instance} of ${group} in ${fleet}
    instances:
      west: {hostname: gw-west}
      east: {name: eastern, description: null}
      "3": {}
`}, []Machine{
			machine("gw", "west", "gw-west", func(m *Machine) {
				m.Description, m.Hostname = ptr("gateway west of gw in demo"), ptr("gw-west")
			}),
			machine("gw", "east", "eastern", nil),
			machine("gw", "3", "gw-3", func(m *Machine) { m.Description = ptr("gateway 3 of gw in demo") }),
		}},
		{"cpu and memory drop an inherited offering", []string{defaults + "machines: {web: {cpu: 2, memory: 4GiB}}"},
			[]Machine{machine("web", "1", "web", func(m *Machine) { m.Offering, m.CPU, m.Memory = nil, ptr(2), ptr(int64(4<<30)) })}},
		{"an instance goes back to an offering", []string{defaults + "machines: {web: {cpu: 2, memory: 4GiB, instances: {a: {instanceOffering: big}, b: {cpu: 4}}}}"},
			[]Machine{
				machine("web", "a", "web-a", func(m *Machine) { m.Offering = &Ref{Name: "big"} }),
				machine("web", "b", "web-b", func(m *Machine) { m.Offering, m.CPU, m.Memory = nil, ptr(4), ptr(int64(4<<30)) }),
			}},
		{"another source drops the inherited one", []string{defaults + "machines: {web: {source: {snapshot: golden}}}"},
			[]Machine{machine("web", "1", "web", func(m *Machine) { m.Source = Source{FromSnapshot, Ref{Name: "golden"}} })}},
		{"placement is one value", []string{"defaults: {source: {image: centos}, instanceOffering: small, networks: [app-net], placement: {zone: a, cluster: b}}\nmachines: {web: {placement: {host: h}}, db: {}}"},
			[]Machine{
				machine("web", "1", "web", func(m *Machine) { m.Placement.Host = &Ref{Name: "h"} }),
				machine("db", "1", "db", func(m *Machine) { m.Placement.Zone, m.Placement.Cluster = &Ref{Name: "a"}, &Ref{Name: "b"} }),
			}},
		{"root disk: other keys merge, its sizes are a choice", []string{"defaults: {source: {image: centos}, instanceOffering: small, networks: [app-net], rootDisk: {offering: ssd, primaryStorage: ps}}\nmachines: {web: {rootDisk: {size: 40GiB}}}"},
			[]Machine{machine("web", "1", "web", func(m *Machine) {
				m.RootDisk = &RootDisk{Size: ptr(int64(40 << 30)), PrimaryStorage: &Ref{Name: "ps"}}
			})}},
		{"lists are replaced, null unsets, [] is none", []string{"defaults: {source: {image: centos}, instanceOffering: small, networks: [app-net], tags: [a], userTags: [x], sshKeys: [k]}\nmachines: {web: {tags: [b, c], userTags: [], sshKeys: null}}"},
			[]Machine{machine("web", "1", "web", func(m *Machine) { m.Tags, m.UserTags = []Ref{{Name: "b"}, {Name: "c"}}, []string{} })}},
		{"defaultsFor the kind of source, over defaults", []string{defaults + `defaultsFor:
  image: {virtio: true, instanceOffering: of-image}
  volume: {strategy: CreateStopped}
machines: {web: {}, db: {source: {volume: root}}, own: {instanceOffering: mine, virtio: false}}
`}, []Machine{
			machine("web", "1", "web", func(m *Machine) { m.Virtio, m.Offering = ptr(true), &Ref{Name: "of-image"} }),
			machine("db", "1", "db", func(m *Machine) { m.Source, m.Strategy = Source{FromVolume, Ref{Name: "root"}}, "CreateStopped" }),
			machine("own", "1", "own", func(m *Machine) { m.Virtio, m.Offering = ptr(false), &Ref{Name: "mine"} }),
		}},
		{"a reference by name drops the inherited UUID", []string{"defaults: {source: {image: {uuid: 0123456789ab4def8123456789abcdef, zone: z}}, instanceOffering: small, networks: [app-net]}\nmachines: {web: {source: {image: {name: centos}}}}"},
			[]Machine{machine("web", "1", "web", func(m *Machine) { m.Source.Ref.Zone = "z" })}},
		{"overlays: count becomes instances", []string{defaults + "machines: {web: {count: 3, omit: [1]}}", "machines: {web: {instances: {a: {}}}}"},
			[]Machine{machine("web", "a", "web-a", nil)}},
		{"overlays: instances become a count", []string{defaults + "machines: {web: {instances: {a: {}}}}", "machines: {web: {count: 1}}"},
			[]Machine{machine("web", "1", "web-1", nil)}},
		{"overlays: choices in defaults, groups and instances", []string{defaults + "machines: {web: {cpu: 1, memory: 1GiB}, db: {}, gw: {instances: {a: {cpu: 1, memory: 1GiB}}}}",
			"defaults: {cpu: 8, memory: 8GiB}\nmachines: {web: {instanceOffering: small}, gw: {instances: {a: {instanceOffering: small}}}}"},
			[]Machine{machine("web", "1", "web", nil),
				machine("db", "1", "db", func(m *Machine) { m.Offering, m.CPU, m.Memory = nil, ptr(8), ptr(int64(8<<30)) }),
				machine("gw", "a", "gw-a", nil)}},
		{"overlays: null removes groups, instances and fields", []string{defaults + "machines: {web: {}, db: {hostname: db}, gw: {instances: {a: {}, b: {}}}}", "machines: {web: null, db: {hostname: null}, gw: {instances: {a: null}}}"},
			[]Machine{machine("db", "1", "db", nil), machine("gw", "b", "gw-b", nil)}},
		{"overlays: an overlay adds a group", []string{defaults + "machines: {web: {}}", "machines: {db: {}}"},
			[]Machine{machine("web", "1", "web", nil), machine("db", "1", "db", nil)}},
		{"variables of every type", []string{"variables: {n: 2, os: Linux, v: true, m: 2GiB, net: app-net}\n" + defaults + "machines: {web: {count: '${var.n}', platform: '${var.os}', virtio: '${var.v}', cpu: '${var.n}', memory: '${var.m}', networks: ['${var.net}'], name: 'n${index:3}'}}"},
			func() (list []Machine) {
				for i := range 2 {
					list = append(list, machine("web", fmt.Sprint(i+1), fmt.Sprintf("n%03d", i+1), func(m *Machine) {
						m.Platform, m.Virtio, m.Offering, m.CPU, m.Memory = "Linux", ptr(true), nil, ptr(2), ptr(int64(2<<30))
					}))
				}
				return list
			}()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fleet := fleetOf(t, tt.layers...)
			ignore := cmp.Options{cmpopts.IgnoreFields(Machine{}, "Places"), cmpopts.IgnoreFields(Ref{}, "Pos")}
			if diff := cmp.Diff(tt.want, fleet.Machines, ignore); diff != "" {
				t.Errorf("machines (-want +got):\n%s", diff)
			}
		})
	}
}

// everything says every field of a machine from an image.
const everything = `description: All of it
limits: {parallelism: 4, perCluster: 3, perHost: 2, perPrimaryStorage: 5, perSource: 1, requestsPerSecond: 2.5, stepTimeout: 1h30m}
safety: {maxDeletes: 10%, maxReplacements: 3}
machines:
  all:
    name: everything
    source: {image: {name: centos, zone: z, cluster: c}}
    cpu: 2
    memory: 4GiB
    reservedMemory: 0
    networks:
      - network: app-net
        ip: FD00::0:2
        mac: FA-16-3E-00-00-01
        netmask: "64"
        gateway: fd00::1
        nicParams: {driverType: virtio, vmNicType: VNIC, state: disable, ip6: "fd00::0:3", prefix6: 64, gateway6: "fd00::1", outboundBandwidth: 8192, inboundBandwidth: 32212254720, multiQueueNum: 4, securityGroups: [0123456789ab4def8123456789abcdef], metaData: m}
      - {network: 0123456789ab4def8123456789abcdef, default: true}
    rootDisk: {offering: ssd, primaryStorage: ps, systemTags: [a]}
    dataDisks:
      - {offering: ssd, name: one, primaryStorage: ps, systemTags: [b]}
      - {size: 1073741824}
      - {template: data}
      - {volume: old}
    placement: {zone: z, cluster: c, host: h}
    description: ""
    strategy: CreateStopped
    platform: Linux
    guestOsType: CentOS 7
    architecture: x86_64
    virtio: false
    sshKeys: [ops]
    tags: [prod]
    userTags: [mine]
    systemTags: [qemuga, "rootPassword::x"]
    hostname: web-1.example.com
    userData: {template: ok.yaml}
    consolePassword: hunter2
    type: UserVm
    resourceUuid: 0123456789ab4def8123456789abcdef
    dataVolumeTemplates: [t]
    lifecycle: {protect: true}
`

func TestEveryField(t *testing.T) {
	got := fleetOf(t, everything)
	uuid := Ref{UUID: "0123456789ab4def8123456789abcdef"}
	want := &Fleet{
		Name: "demo", ID: "abcd1234", Description: "All of it",
		Limits: Limits{Parallelism: 4, PerCluster: 3, PerHost: 2, PerPrimaryStorage: 5, PerSource: 1, RequestsPerSecond: 2.5, StepTimeoutSecs: 5400},
		Safety: Safety{MaxDeletes: Amount{Set: true, Percent: true, Value: 10}, MaxReplacements: Amount{Set: true, Value: 3}},
		Machines: []Machine{{
			Key: "all/1", Group: "all", Instance: "1", Name: "everything",
			Source: Source{FromImage, Ref{Name: "centos", Zone: "z", Cluster: "c"}},
			CPU:    ptr(2), Memory: ptr(int64(4 << 30)), Reserved: ptr(int64(0)),
			Networks: []Network{
				{Network: Ref{Name: "app-net"}, IP: "fd00::2", MAC: "fa:16:3e:00:00:01", Netmask: "64", Gateway: "fd00::1", Params: &NICParams{
					DriverType: "virtio", Type: "VNIC", State: "disable", IP6: "fd00::3", Prefix6: "64", Gateway6: "fd00::1",
					OutboundBandwidth: ptr(int64(8192)), InboundBandwidth: ptr(int64(32212254720)), MultiQueueNum: ptr(4),
					SecurityGroups: []string{uuid.UUID}, MetaData: "m",
				}},
				{Network: uuid, Default: true},
			},
			RootDisk: &RootDisk{Offering: &Ref{Name: "ssd"}, PrimaryStorage: &Ref{Name: "ps"}, SystemTags: []string{"a"}},
			DataDisks: []DataDisk{
				{Offering: &Ref{Name: "ssd"}, Name: "one", PrimaryStorage: &Ref{Name: "ps"}, SystemTags: []string{"b"}},
				{Size: ptr(int64(1 << 30))}, {Template: &Ref{Name: "data"}}, {Volume: &Ref{Name: "old"}},
			},
			Placement:   Placement{&Ref{Name: "z"}, &Ref{Name: "c"}, &Ref{Name: "h"}},
			Description: ptr(""), Strategy: "CreateStopped", Platform: "Linux", GuestOSType: "CentOS 7", Architecture: "x86_64",
			Virtio: ptr(false), SSHKeys: []Ref{{Name: "ops"}}, Tags: []Ref{{Name: "prod"}}, UserTags: []string{"mine"},
			SystemTags:      []Text{{Value: "qemuga"}, {Value: "rootPassword::x", Secret: true, Path: "all/1.systemTags[1]"}},
			Hostname:        ptr("web-1.example.com"),
			UserData:        &Text{Value: "#cloud-config\nhostname: 1\n", Secret: true, Path: "all/1.userData"},
			ConsolePassword: &Text{Value: "hunter2", Secret: true, Path: "all/1.consolePassword"},
			Type:            "UserVm", ResourceUUID: uuid.UUID, DataVolumeTemplates: []Ref{{Name: "t"}}, Lifecycle: Lifecycle{Protect: true},
		}},
	}
	ignore := cmp.Options{
		cmpopts.IgnoreFields(Fleet{}, "Places", "Digest"), cmpopts.IgnoreFields(Machine{}, "Places"), cmpopts.IgnoreFields(Ref{}, "Pos"),
		cmp.Transformer("plain", func(t Text) struct {
			V, P string
			S    bool
		} {
			return struct {
				V, P string
				S    bool
			}{t.Value, t.Path, t.Secret}
		}),
	}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("fleet (-want +got):\n%s", diff)
	}
}

// TestPlaces holds fields to the place where they were said last.
func TestPlaces(t *testing.T) {
	fleet := fleetOf(t, `defaults:
  instanceOffering: small
  networks:
    - app-net
machines:
  web:
    source: {image: centos}
    rootDisk:
      size: 40GiB
    instances:
      east: {hostname: east}
`, "machines:\n  web: {rootDisk: {primaryStorage: ps}}\n")
	m := &fleet.Machines[0]
	for field, want := range map[string]string{
		"":                          "0.yaml:15:7",
		"name":                      "0.yaml:15:7",
		"instanceOffering":          "0.yaml:6:21",
		"networks":                  "0.yaml:7:3",
		"networks[0]":               "0.yaml:8:7",
		"networks[0].ip":            "0.yaml:8:7",
		"source.image":              "0.yaml:11:21",
		"rootDisk":                  "1.yaml:4:9",
		"rootDisk.size":             "0.yaml:13:13",
		"rootDisk.primaryStorage":   "1.yaml:4:36",
		"hostname":                  "0.yaml:15:24",
		"dataDisks[3].offering.foo": "0.yaml:15:7",
	} {
		if got := m.At(field).String(); got != want {
			t.Errorf("At(%q) = %s, want %s", field, got, want)
		}
	}
	if got := fleet.Places["id"].String(); got != "0.yaml:4:5" {
		t.Errorf("the id is at %s", got)
	}
	if got := m.Source.Ref.Pos.String(); got != "0.yaml:11:21" {
		t.Errorf("the image is named at %s", got)
	}
}

// TestDigest: what asks for the same has the same digest, and only that.
func TestDigest(t *testing.T) {
	const base = "machines: {web: {source: {image: centos}, instanceOffering: small, networks: [app-net], consolePassword: a, count: 2}, db: {source: {volume: v}, cpu: 1, memory: 1GiB, networks: [db-net]}}"
	want := fleetOf(t, base).Digest
	if len(want) != 64 {
		t.Fatalf("digest %q", want)
	}
	same := map[string][]string{
		"another order, comments, defaults": {`# comment
machines:
  db: {memory: 1073741824, cpu: 1, networks: [{network: db-net, default: true}], source: {volume: v}}
  web: {count: 2, consolePassword: a, name: "web-${index}"}
defaults: {networks: [app-net], instanceOffering: small, source: {image: {name: centos}}}
`},
		"another secret":      {strings.Replace(base, "consolePassword: a", "consolePassword: b", 1)},
		"an overlay and back": {strings.Replace(base, "small", "big", 1), "machines: {web: {instanceOffering: small}}"},
	}
	for name, layers := range same {
		if got := fleetOf(t, layers...).Digest; got != want {
			t.Errorf("%s: digest %s, want %s", name, got, want)
		}
	}
	others := []string{want}
	for _, edit := range [][2]string{
		{"small", "big"}, {"count: 2", "count: 3"}, {"consolePassword: a, ", ""}, {"memory: 1GiB", "memory: 2GiB"},
		{"volume: v", "volume: w"}, {"networks: [db-net]", "networks: [db-net], tags: []"}, {"machines:", "limits: {perHost: 1}\nmachines:"},
		{"db: {", "db: {lifecycle: {protect: true}, "},
	} {
		got := fleetOf(t, strings.Replace(base, edit[0], edit[1], 1)).Digest
		if slices.Contains(others, got) {
			t.Errorf("%q for %q changes no digest", edit[1], edit[0])
		}
		others = append(others, got)
	}
}
