package simulator

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testRanges() []record {
	return []record{
		{"uuid": "r1", "startIp": "10.0.0.254", "endIp": "10.0.1.1", "netmask": "255.255.0.0", "gateway": "10.0.1.0"},
		{"uuid": "r2", "startIp": "10.9.0.2", "endIp": "10.9.0.2", "netmask": "255.255.255.0", "gateway": "10.9.0.1"},
	}
}

// The ranges hold four addresses beside the gateway of the first.
func TestAllocateAddressUntilExhausted(t *testing.T) {
	used := make(map[string]bool)
	var got []string
	for {
		ip, netmask, gateway, err := allocateAddress(testRanges(), used, "")
		if err != nil {
			break
		}
		got = append(got, ip+" "+netmask+" "+gateway)
		if used[ip] {
			t.Fatalf("%s is given twice", ip)
		}
		used[ip] = true
	}
	want := []string{
		"10.0.0.254 255.255.0.0 10.0.1.0", "10.0.0.255 255.255.0.0 10.0.1.0", "10.0.1.1 255.255.0.0 10.0.1.0",
		"10.9.0.2 255.255.255.0 10.9.0.1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	delete(used, "10.0.0.255")
	if ip, _, _, err := allocateAddress(testRanges(), used, ""); ip != "10.0.0.255" {
		t.Errorf("after a release: %q, %v", ip, err)
	}
}

func TestAllocateWantedAddress(t *testing.T) {
	used := map[string]bool{"10.0.0.255": true}
	for _, test := range []struct{ wanted, ip, gateway, problem string }{
		{"10.0.0.254", "10.0.0.254", "10.0.1.0", ""},
		{"10.9.0.2", "10.9.0.2", "10.9.0.1", ""},
		{"10.0.0.255", "", "", "ip address 10.0.0.255 is in use"},
		{"10.0.1.0", "", "", "ip address 10.0.1.0 is in use"},
		{"10.0.1.2", "", "", "ip address 10.0.1.2 is in no ip range of the l3 network"},
		{"::1", "", "", "ip address ::1 is in no ip range of the l3 network"},
		{"10.0.0.300", "", "", `"10.0.0.300" is not an ip address`},
	} {
		ip, _, gateway, err := allocateAddress(testRanges(), used, test.wanted)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if diff := cmp.Diff([]string{test.ip, test.gateway, test.problem}, []string{ip, gateway, problem}); diff != "" {
			t.Errorf("%s: %s", test.wanted, diff)
		}
	}
}

func TestAllocateAddressWithoutRanges(t *testing.T) {
	for _, ranges := range [][]record{nil, {{"startIp": "x"}}} {
		if ip, _, _, err := allocateAddress(ranges, nil, ""); err == nil {
			t.Errorf("%v gives %q", ranges, ip)
		}
	}
	// The last address of all has no successor to stop at.
	ranges := []record{{"startIp": "255.255.255.255", "endIp": "255.255.255.255", "netmask": "255.0.0.0", "gateway": "255.0.0.1"}}
	if ip, _, _, err := allocateAddress(ranges, map[string]bool{"255.255.255.255": true}, ""); err == nil {
		t.Errorf("a full range gives %q", ip)
	}
}

func TestMaskBits(t *testing.T) {
	for mask, want := range map[string]int{
		"255.255.0.0": 16, "255.255.255.255": 32, "0.0.0.0": 0, "255.255.255.252": 30, "255.0.255.0": -1, "0.0.0.1": -1, "ffff::": -1,
	} {
		got, ok := maskBits(netip.MustParseAddr(mask))
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%s: %d, want %d", mask, got, want)
		}
	}
}

func TestNewMAC(t *testing.T) {
	for n, want := range map[int]string{0: "fa:00:00:00:00:00", 1: "fa:00:00:00:00:01", 0x123456: "fa:00:00:12:34:56"} {
		if got := newMAC(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
