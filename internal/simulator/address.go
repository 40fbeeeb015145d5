package simulator

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
)

// allocateAddress picks an IPv4 address out of the ranges of an L3 network,
// which are records with startIp, endIp, netmask and gateway. It returns wanted
// if that is in a range and free, or with an empty wanted the lowest free
// address of the first range that has one. It does not change used. A failure
// is what the server reports as L3.1000.
func allocateAddress(ranges []record, used map[string]bool, wanted string) (ip, netmask, gateway string, err error) {
	if wanted != "" {
		return allocateWanted(ranges, used, wanted)
	}
	for _, r := range ranges {
		start, end, ok := rangeBounds(r)
		if !ok {
			continue
		}
		for address := start; address.IsValid() && address.Compare(end) <= 0; address = address.Next() {
			if ip := address.String(); !used[ip] && ip != text(r, "gateway") {
				return ip, text(r, "netmask"), text(r, "gateway"), nil
			}
		}
	}
	return "", "", "", fmt.Errorf("no ip range has a free address left")
}

func allocateWanted(ranges []record, used map[string]bool, wanted string) (ip, netmask, gateway string, err error) {
	address, err := netip.ParseAddr(wanted)
	if err != nil {
		return "", "", "", fmt.Errorf("%q is not an ip address", wanted)
	}
	ip = address.String()
	for _, r := range ranges {
		start, end, ok := rangeBounds(r)
		if !ok || address.Less(start) || end.Less(address) {
			continue
		}
		if used[ip] || ip == text(r, "gateway") {
			return "", "", "", fmt.Errorf("ip address %s is in use", ip)
		}
		return ip, text(r, "netmask"), text(r, "gateway"), nil
	}
	return "", "", "", fmt.Errorf("ip address %s is in no ip range of the l3 network", ip)
}

func rangeBounds(r record) (start, end netip.Addr, ok bool) {
	start, err := netip.ParseAddr(text(r, "startIp"))
	if err != nil {
		return start, end, false
	}
	end, err = netip.ParseAddr(text(r, "endIp"))
	return start, end, err == nil
}

// maskBits returns the prefix length that an IPv4 netmask stands for.
func maskBits(mask netip.Addr) (int, bool) {
	if !mask.Is4() {
		return 0, false
	}
	quad := mask.As4()
	value := binary.BigEndian.Uint32(quad[:])
	ones := bits.LeadingZeros32(^value)
	return ones, ones == bits.OnesCount32(value)
}

// newMAC returns the n-th address of the prefix for virtual NICs. Addresses
// repeat after 2^24.
func newMAC(n int) string {
	return fmt.Sprintf("fa:00:00:%02x:%02x:%02x", byte(n>>16), byte(n>>8), byte(n))
}
