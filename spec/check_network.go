package spec

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
)

// checkNetworks checks what NICs a machine is to have, and that the server can
// find a zone for it.
func (c *checker) checkNetworks() {
	m := c.m
	switch placed := m.Placement != (Placement{}); {
	case len(m.Networks) == 0 && m.Source.Kind == FromSnapshot:
		c.absent.note(m, "no-networks", "is made from a snapshot and has no networks",
			"add networks: [NAME]; the call from a snapshot requires them")
	case len(m.Networks) == 0 && !placed:
		c.absent.note(m, "no-place", "has neither networks nor a placement, so the server knows no zone for it",
			"add networks: [NAME], or placement: {zone: NAME}")
	}
	first := make(map[string]int)
	macs := make(map[string]int)
	for i := range m.Networks {
		nic, path := &m.Networks[i], indexed("networks", i)
		c.checkAddresses(nic, path)
		c.checkNICParams(nic, path)
		if key := refKey(nic.Network); key != "" {
			if j, again := first[key]; again {
				c.errorf(path, "network-twice", "a machine has at most one NIC on a network: remove one of them",
					"the network %s is in networks twice, first as number %d", quote(nic.Network.String()), j+1)
			} else {
				first[key] = i
			}
		}
		if nic.MAC != "" {
			if _, again := macs[nic.MAC]; again {
				c.errorf(path+".mac", "mac-twice", "give each NIC its own address", "the MAC address %s is given to two NICs", quote(nic.MAC))
			}
			macs[nic.MAC] = i
		}
	}
	c.checkDefault()
}

// checkDefault wants exactly one default among several networks.
func (c *checker) checkDefault() {
	chosen := -1
	for i, nic := range c.m.Networks {
		switch {
		case !nic.Default:
		case chosen >= 0:
			c.errorf(indexed("networks", i)+".default", "several-defaults", "keep default: true for one network",
				"two networks are the default: number %d and number %d", chosen+1, i+1)
		default:
			chosen = i
		}
	}
	if chosen < 0 && len(c.m.Networks) > 1 && !c.unsure() {
		c.errorf("networks", "no-default-network", fmt.Sprintf("write {network: %s, default: true} for the one with the default route", c.m.Networks[0].Network.String()),
			"none of the %d networks is the default", len(c.m.Networks))
	}
}

// checkAddresses checks that the addresses of a NIC fit together.
func (c *checker) checkAddresses(nic *Network, path string) {
	ip, _ := netip.ParseAddr(nic.IP)
	if ip.IsValid() && !isHost(ip) {
		c.errorf(path+".ip", "bad-ip", "give an address out of the network's range", "%s cannot be the address of a machine", quote(nic.IP))
	}
	if !ip.IsValid() {
		c.checkBareAddress(nic, path)
		return
	}
	switch gateway, err := netip.ParseAddr(nic.Gateway); {
	case err != nil:
	case gateway.Is6() != ip.Is6():
		c.errorf(path+".gateway", "bad-gateway", "a gateway is of the same family as the address beside it",
			"the gateway %s does not fit the address %s", quote(nic.Gateway), quote(nic.IP))
	case gateway == ip:
		c.errorf(path+".gateway", "bad-gateway", "the gateway is another machine", "the gateway %s is the machine itself", quote(nic.Gateway))
	}
	switch {
	case nic.Netmask == "":
	case ip.Is6():
		if length, err := strconv.Atoi(nic.Netmask); err != nil || length < 1 || length > 128 {
			c.errorf(path+".netmask", "bad-netmask", "beside an IPv6 address write the length of the prefix, such as 64",
				"%s is not the length of an IPv6 prefix", quote(nic.Netmask))
		}
	case !isNetmask(nic.Netmask):
		hint := "write a mask such as 255.255.255.0"
		if length, err := strconv.Atoi(nic.Netmask); err == nil && length > 0 && length <= 32 {
			mask := ^uint32(0) << (32 - length)
			hint = fmt.Sprintf("write /%d as %d.%d.%d.%d", length, mask>>24, mask>>16&255, mask>>8&255, mask&255)
		}
		c.errorf(path+".netmask", "bad-netmask", hint, "%s is not a netmask", quote(nic.Netmask))
	}
}

// checkBareAddress wants an address beside what only describes one.
func (c *checker) checkBareAddress(nic *Network, path string) {
	for field, value := range map[string]string{"netmask": nic.Netmask, "gateway": nic.Gateway} {
		if value != "" && !c.unsure() {
			c.errorf(path+"."+field, "no-ip", "add the machine's ip, or remove "+field+": without ip the server takes both from the network",
				"%s is set without ip", field)
		}
	}
}

// isHost reports whether an address can be that of a NIC.
func isHost(ip netip.Addr) bool {
	return !ip.IsUnspecified() && !ip.IsLoopback() && !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// isNetmask reports whether a text is an IPv4 mask: ones, then zeros.
func isNetmask(text string) bool {
	ip, err := netip.ParseAddr(text)
	if err != nil || !ip.Is4() {
		return false
	}
	octets := ip.As4()
	mask := binary.BigEndian.Uint32(octets[:])
	return mask != 0 && bits.LeadingZeros32(^mask)+bits.TrailingZeros32(mask) == 32 || mask == ^uint32(0)
}

// The bounds of the server for NICs.
const (
	minBandwidth   = 8192        // bit/s
	maxBandwidth   = 32212254720 // bit/s
	maxMultiQueues = 256
)

// checkNICParams checks the parameters of a NIC against the server's bounds.
func (c *checker) checkNICParams(nic *Network, path string) {
	p := nic.Params
	if p == nil {
		return
	}
	path += ".nicParams"
	for field, rate := range map[string]*int64{"outboundBandwidth": p.OutboundBandwidth, "inboundBandwidth": p.InboundBandwidth} {
		if rate != nil && (*rate < minBandwidth || *rate > maxBandwidth) {
			c.errorf(path+"."+field, "bad-bandwidth", fmt.Sprintf("bandwidths count bits per second, from %d to %d", minBandwidth, maxBandwidth),
				"%d is no possible bandwidth", *rate)
		}
	}
	if n := p.MultiQueueNum; n != nil && (*n < 1 || *n > maxMultiQueues) {
		c.errorf(path+".multiQueueNum", "bad-number", fmt.Sprintf("a NIC has 1 to %d queues", maxMultiQueues), "%d is no possible number of queues", *n)
	}
	if p.State != "" && p.State != "enable" && p.State != "disable" {
		c.errorf(path+".state", "unknown-value", didYouMean(p.State, []string{"disable", "enable"}), "%s is no state of a NIC", quote(p.State))
	}
	for field, text := range map[string]string{"ip6": p.IP6, "gateway6": p.Gateway6} {
		if ip, err := netip.ParseAddr(text); err == nil && !ip.Is6() {
			c.errorf(path+"."+field, "bad-ip", "write an IPv6 address such as fd00::2; IPv4 addresses stand beside nicParams", "%s is not an IPv6 address", quote(text))
		}
	}
	if length, err := strconv.Atoi(p.Prefix6); p.Prefix6 != "" && (err != nil || length < 1 || length > 128) {
		c.errorf(path+".prefix6", "bad-netmask", "write the length of the prefix, such as 64", "%s is not the length of an IPv6 prefix", quote(p.Prefix6))
	}
	for i, group := range p.SecurityGroups {
		if !uuidPattern.MatchString(group) {
			c.errorf(indexed(path+".securityGroups", i), "bad-uuid", "security groups are named by UUID, 32 lower-case hexadecimal digits", "%s is not a UUID", quote(group))
		}
	}
}

// refKey tells references apart; empty for an empty one.
func refKey(r Ref) string {
	if r.UUID == "" && r.Name == "" {
		return ""
	}
	if r.UUID != "" {
		return r.UUID
	}
	return r.Name + "\x00" + r.Zone + "\x00" + r.Cluster
}
