package spec

import (
	"net"
	"net/netip"
	"strings"
)

// networks reads the NICs: nil if absent, empty if empty. The only NIC of a
// machine is its default one.
func (d *decoder) networks(n *node) []Network {
	if !isList(n) {
		return nil
	}
	nics := []Network{}
	for _, item := range n.items {
		nics = append(nics, d.network(item))
	}
	if len(nics) == 1 {
		nics[0].Default = true
	}
	return nics
}

// network reads one NIC: the reference of a network, or a map around one.
func (d *decoder) network(n *node) Network {
	if isString(n) {
		return Network{Network: *d.reference(n)}
	}
	nic := Network{
		IP:      d.address(n.get("ip")),
		MAC:     d.mac(n.get("mac")),
		Netmask: scalarText(n.get("netmask")),
		Gateway: d.address(n.get("gateway")),
		Params:  d.nicParams(n.get("nicParams")),
	}
	if ref := d.reference(n.get("network")); ref != nil {
		nic.Network = *ref
	} else {
		d.missing(Diagnostic{Pos: n.pos, Code: "no-network", Message: "the NIC has no network", Hint: "add network: NAME"})
	}
	if isDefault := d.boolean(n.get("default")); isDefault != nil {
		nic.Default = *isDefault
	}
	return nic
}

// address reads an IP address into the one way to write it.
func (d *decoder) address(n *node) string {
	if !isString(n) {
		return ""
	}
	addr, err := netip.ParseAddr(n.text)
	if err != nil || addr.Zone() != "" {
		hint := "write an IPv4 address such as 10.0.0.2, or an IPv6 address such as fd00::2"
		if _, err := netip.ParsePrefix(n.text); err == nil {
			hint = "write the address without the length of its prefix"
		}
		d.add(Diagnostic{Pos: n.pos, Code: "bad-ip", Message: n.quoted() + " is not an IP address", Hint: hint}, "")
		return ""
	}
	return addr.Unmap().String()
}

// mac reads a MAC address into lower case with colons.
func (d *decoder) mac(n *node) string {
	if !isString(n) {
		return ""
	}
	bad := Diagnostic{Pos: n.pos, Code: "bad-mac", Message: n.quoted() + " is not a MAC address",
		Hint: "write six bytes in hexadecimal, such as fa:16:3e:00:00:01"}
	mac, err := net.ParseMAC(n.text)
	if err != nil || len(mac) != 6 {
		d.add(bad, "")
		return ""
	}
	if mac[0]&1 != 0 {
		bad.Message = n.quoted() + " is a multicast address, which no NIC can have"
		bad.Hint = "the second digit of a NIC's address is even, as in fa:16:3e:00:00:01"
		d.add(bad, "")
		return ""
	}
	return strings.ToLower(mac.String())
}

// nicParams reads what only the server's NIC parameters can say.
func (d *decoder) nicParams(n *node) *NICParams {
	if n == nil || n.kind != mapNode {
		return nil
	}
	return &NICParams{
		DriverType:        stringOf(n.get("driverType")),
		Type:              stringOf(n.get("vmNicType")),
		State:             stringOf(n.get("state")),
		IP6:               d.address(n.get("ip6")),
		Prefix6:           scalarText(n.get("prefix6")),
		Gateway6:          d.address(n.get("gateway6")),
		OutboundBandwidth: d.wide(n.get("outboundBandwidth")),
		InboundBandwidth:  d.wide(n.get("inboundBandwidth")),
		MultiQueueNum:     d.integer(n.get("multiQueueNum")),
		SecurityGroups:    texts(n.get("securityGroups")),
		MetaData:          stringOf(n.get("metaData")),
	}
}

// wide reads a whole number of 64 bits.
func (d *decoder) wide(n *node) *int64 {
	number := d.integer(n)
	if number == nil {
		return nil
	}
	value := int64(*number)
	return &value
}

// scalarText reads a string, or a whole number as it is written.
func scalarText(n *node) string {
	if n != nil && n.kind == intNode {
		return n.text
	}
	return stringOf(n)
}
