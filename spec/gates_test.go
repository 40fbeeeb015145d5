package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseVersion(t *testing.T) {
	for _, tt := range []struct {
		text, want string // want is empty where the text is no version
	}{
		{"5.2.1", "5.2.1"},
		{"v4.7", "4.7"},
		{" 4.4.24\n", "4.4.24"},
		{"5.2.1-rc2", "5.2.1"},
		{"5.2.1.318", "5.2.1.318"},
		{"5.2.1+build", "5.2.1"},
		{"", ""}, {"5", ""}, {"5..1", ""}, {"5.2.", ""}, {"latest", ""}, {"5.x", ""}, {"-1.2", ""}, {"99999999999999999999.1", ""},
	} {
		v, ok := ParseVersion(tt.text)
		if got := v.String(); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("ParseVersion(%q) = %s, %t, want %q", tt.text, got, ok, tt.want)
		}
	}
}

func TestVersionCompare(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"5.2.1", "5.10.0", -1}, {"4.7.21", "4.7.3", 1}, {"4.7", "4.7.0", 0}, {"4.7.0.1", "4.7", 1}, {"3.10.0", "4.1.0", -1},
	} {
		a, _ := ParseVersion(tt.a)
		b, _ := ParseVersion(tt.b)
		if got := a.Compare(b); got != tt.want {
			t.Errorf("%s against %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := b.Compare(a); got != -tt.want {
			t.Errorf("%s against %s: %d, want %d", tt.b, tt.a, got, -tt.want)
		}
	}
}

func TestCheckVersion(t *testing.T) {
	const web = "machines:\n  web:\n    count: 3\n    source: {image: centos}\n    cpu: 2\n    memory: 4GiB\n    networks: [app-net]\n"
	const all = "machines: {web: {source: {snapshot: s}, cpu: 2, memory: 4GiB, networks: [app-net]}}\n"
	tests := []struct {
		name, file, server string
		want               []string
	}{
		{"what every version has", web, "3.10.0", nil},
		{"below the version of a parameter", web + "    reservedMemory: 1GiB\n", "4.4.0",
			[]string{"0.yaml:12:21: reservedMemory needs ZStack 4.7.21, the server is 4.4.0 [server-too-old]"}},
		{"versions are numbers", web + "    reservedMemory: 1GiB\n", "4.7.3",
			[]string{"0.yaml:12:21: reservedMemory needs ZStack 4.7.21, the server is 4.7.3 [server-too-old]"}},
		{"the very version", web + "    reservedMemory: 1GiB\n", "4.7.21", nil},
		{"a later version", web + "    reservedMemory: 1GiB\n", "4.10.0", nil},
		{"unset is not asked for", web + "    reservedMemory: null\n    sshKeys: []\n", "4.4.0", nil},
		{"a list is reported once", web + "    sshKeys: [a, b]\n", "4.4.0",
			[]string{"0.yaml:12:5: sshKeys needs ZStack 4.7.21, the server is 4.4.0 [server-too-old]"}},
		{"below both versions", web + "    dataDisks: [{size: 50GiB}]\n", "4.4.5",
			[]string{"0.yaml:12:24: dataDisks[0].size needs ZStack 4.4.24, the server is 4.4.5 [server-too-old]"}},
		{"between the two versions", web + "    dataDisks: [{size: 50GiB}]\n", "4.4.6",
			[]string{"0.yaml:12:24: warning: dataDisks[0].size may need ZStack 4.4.24, the server is 4.4.6 [server-too-old]"}},
		{"from the later of the two on", web + "    dataDisks: [{size: 50GiB}]\n", "4.4.24", nil},
		{"offerings are older than sizes", web + "    dataDisks: [{offering: ssd}]\n", "3.10.0", nil},
		{"disks that only diskAOs can say", web + "    dataDisks: [{size: 50GiB}, {offering: ssd}]\n", "4.6.0",
			[]string{"0.yaml:12:5: a list of data disks on several storages, or with offerings after sizes, needs ZStack 4.7.0, the server is 4.6.0 [server-too-old]"}},
		{"a disk's name says why", web + "    dataDisks: [{size: 50GiB, name: logs}]\n", "4.6.0",
			[]string{"0.yaml:12:37: dataDisks[0].name needs ZStack 4.7.0, the server is 4.6.0 [server-too-old]"}},
		{"tags of single disks", web + "    dataDisks: [{offering: ssd}, {offering: ssd, systemTags: [\"a::b\"]}]\n", "4.4.0",
			[]string{"0.yaml:12:5: a list of data disks with systemTags of their own needs ZStack 4.4.24, the server is 4.4.0 [server-too-old]"}},
		{"tags of all disks", web + "    dataDisks: [{offering: ssd, systemTags: [\"a::b\"]}, {offering: ssd, systemTags: [\"a::b\"]}]\n", "4.4.0", nil},
		{"each call has its own versions: image", "machines: {web: {source: {image: i}, platform: Linux, cpu: 2, memory: 4GiB, networks: [app-net]}}\n", "4.1.0",
			[]string{"0.yaml:5:48: platform needs ZStack 4.7.0, the server is 4.1.0 [server-too-old]"}},
		{"each call has its own versions: snapshot", all, "4.1.0", nil},
		{"the call itself", all, "4.0.0", []string{
			"0.yaml:5:37: source.snapshot needs ZStack 4.1.0, the server is 4.0.0 [server-too-old]",
		}},
		{"parameters of NICs", "machines: {web: {source: {image: i}, cpu: 2, memory: 4GiB, networks: [{network: n, nicParams: {state: disable}}]}}\n", "3.10.0", []string{
			"0.yaml:5:84: networks[0].nicParams needs ZStack 4.7.0, the server is 3.10.0 [server-too-old]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, ok := ParseVersion(tt.server)
			if !ok {
				t.Fatalf("%q is no version", tt.server)
			}
			var got []string
			for _, d := range CheckVersion(fleetOf(t, tt.file).Machines, server).Sorted() {
				got = append(got, d.String())
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
	}
}

// TestFieldGates holds that the schema's versions are found wherever they stand.
func TestFieldGates(t *testing.T) {
	gates, err := fieldGates()
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ Parameter, Certain, Possible string }
	want := map[string]row{
		"CreateVmInstance networks[].nicParams.driverType":       {"vmNicParams[].driverType", "4.7.0", "4.0.0"},
		"CreateVmInstance rootDisk.size":                         {"rootDiskSize", "3.4.0", "3.4.0"},
		"CreateVmInstanceFromVolume source.volume":               {"volumeUuid", "4.1.0", "3.10.0"},
		"CreateVmInstanceFromVolumeSnapshot rootDisk.systemTags": {"rootVolumeSystemTags", "4.1.0", "4.1.0"},
		"CreateVmInstanceFromVolume placement.host":              {"hostUuid", "3.10.0", "3.10.0"},
	}
	got := make(map[string]row)
	for call, fields := range gates {
		for path, g := range fields {
			if _, asked := want[call+" "+path]; asked {
				got[call+" "+path] = row{g.parameter, g.certain.String(), g.possible.String()}
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("gates (-want +got):\n%s", d)
	}
}
