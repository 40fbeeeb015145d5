package planner

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"zfleet/spec"
)

// checkAddresses checks the addresses that the file chooses, one by one, and
// counts those of each network.
func (p *preflight) checkAddresses() {
	rooms := make(map[string]NetworkRoom)
	for _, n := range p.room.Networks {
		rooms[n.UUID] = n
	}
	holders := p.holders()
	chosen := make(map[Address]*draft)
	for _, w := range p.created {
		for i, nic := range w.bp.NICs {
			ip, err := netip.ParseAddr(nic.IP)
			if err != nil {
				continue // none, or one that was refused before
			}
			at, field := Address{nic.NetworkUUID, ip.String()}, indexed("networks", i)+".ip"
			if other := chosen[at]; other != nil && other != w {
				p.names.errorf(w.m.At(field), "address-taken", "give each machine an address of its own",
					"address %s on network %q is chosen for %s and for %s", ip, p.names.nameOf(KindNetwork, nic.NetworkUUID), other.m.Key, w.m.Key)
			}
			chosen[at] = w
			p.checkAsked(nic, rooms)
			p.checkRange(w, nic, field, ip, rooms[nic.NetworkUUID])
			if holder, taken := holders[at]; taken {
				p.checkHolder(w, field, at, holder)
			}
		}
	}
	p.countAddresses(rooms)
}

// holders returns which addresses are known to be in use, and by which VM.
func (p *preflight) holders() map[Address]TakenAddress {
	holders := make(map[Address]TakenAddress)
	for _, taken := range p.room.Addresses {
		if ip, err := netip.ParseAddr(taken.IP); err == nil {
			holders[Address{taken.NetworkUUID, ip.String()}] = taken
		}
	}
	for i := range p.inv.Machines {
		vm := &p.inv.Machines[i]
		if inRecycleBin(vm.State) {
			continue
		}
		for _, nic := range vm.NICs {
			for _, text := range nic.IPs {
				if ip, err := netip.ParseAddr(text); err == nil {
					holders[Address{nic.NetworkUUID, ip.String()}] = TakenAddress{NetworkUUID: nic.NetworkUUID, IP: text, VMUUID: vm.UUID, VMName: vm.Name}
				}
			}
		}
	}
	return holders
}

// checkAsked says of an address that an inventory file was taken without it:
// whether somebody has it is not known.
func (p *preflight) checkAsked(nic NICPlan, rooms map[string]NetworkRoom) {
	if room, known := rooms[nic.NetworkUUID]; known && p.inv.file != "" && !slices.Contains(room.Asked, nic.IP) {
		p.out.Unchecked = append(p.out.Unchecked, fmt.Sprintf("address %s on network %q: %s was taken without looking for it",
			nic.IP, p.names.nameOf(KindNetwork, nic.NetworkUUID), p.inv.file))
	}
}

// checkRange reports an address that the network does not have.
func (p *preflight) checkRange(w *draft, nic NICPlan, field string, ip netip.Addr, room NetworkRoom) {
	if len(room.Ranges) == 0 {
		return // not known, or the network hands out no addresses
	}
	network := p.names.nameOf(KindNetwork, nic.NetworkUUID)
	var ranges []string
	for _, r := range room.Ranges {
		if gateway, err := netip.ParseAddr(r.Gateway); err == nil && gateway == ip {
			p.names.errorf(w.m.At(field), "address-taken", "choose another address, or leave ip out", "address %s is the gateway of network %q", ip, network)
			return
		}
		if r.holds(ip) {
			return
		}
		ranges = append(ranges, r.Start+" … "+r.End)
	}
	slices.Sort(ranges)
	d := spec.Diagnostic{Pos: w.m.At(field), Code: "address-out-of-range",
		Message: fmt.Sprintf("address %s is in no range of network %q", ip, network),
		Hint:    "its ranges are: " + strings.Join(ranges, ", ")}
	if nic.Netmask != "" {
		d.Severity = spec.Warning // some servers take such an address when they are told its netmask
	}
	p.names.report(d)
}

func (r AddressRange) holds(ip netip.Addr) bool {
	start, errStart := netip.ParseAddr(r.Start)
	end, errEnd := netip.ParseAddr(r.End)
	return errStart == nil && errEnd == nil && start.Is4() == ip.Is4() && start.Compare(ip) <= 0 && ip.Compare(end) <= 0
}

// checkHolder decides about an address that is in use. A VM that this very plan
// takes away gives its address back, if it goes first.
func (p *preflight) checkHolder(w *draft, field string, at Address, holder TakenAddress) {
	if old := p.replaced(w); old != nil && old.UUID == holder.VMUUID {
		return
	}
	who := "something that the account may not see"
	if holder.VMUUID != "" {
		who = fmt.Sprintf("VM %q (%s)", holder.VMName, holder.VMUUID)
	}
	for i := range p.changes {
		c := &p.changes[i]
		goes := c.Action == Delete && c.UUID == holder.VMUUID || c.Action == Replace && c.OldUUID == holder.VMUUID
		switch {
		case holder.VMUUID == "":
		case goes:
			p.change(w).After = uniqueSorted(append(p.change(w).After, c.Key))
			return
		case c.UUID == holder.VMUUID:
			who = fmt.Sprintf("%s (VM %q)", c.Key, holder.VMName)
		}
	}
	p.names.errorf(w.m.At(field), "address-taken", "choose a free address, or leave ip out",
		"address %s on network %q is in use by %s", at.IP, p.names.nameOf(KindNetwork, at.NetworkUUID), who)
}

// change returns the change that creates a machine.
func (p *preflight) change(w *draft) *Change {
	at := slices.IndexFunc(p.changes, func(c Change) bool { return c.Key == w.m.Key })
	return &p.changes[at]
}

// countAddresses compares the addresses that NICs need with those that are free.
func (p *preflight) countAddresses(rooms map[string]NetworkRoom) {
	for _, uuid := range p.networks() {
		room, known := rooms[uuid]
		if !known && p.inv.file != "" && !p.said("addresses") {
			p.out.Unchecked = append(p.out.Unchecked, fmt.Sprintf("addresses of network %q: %s was taken without them", p.names.nameOf(KindNetwork, uuid), p.inv.file))
		}
		if !known || !slices.ContainsFunc(room.Ranges, AddressRange.isIPv4) {
			continue
		}
		name := p.names.nameOf(KindNetwork, uuid)
		fields := make(map[*draft]string)
		l := ledger{check: Check{Resource: ResourceAddresses, Of: name, UUID: uuid, Available: room.Free},
			pos: func(w *draft) spec.Pos { return w.m.At(fields[w]) }, subject: fmt.Sprintf("addresses of network %q", name),
			code: codeNoAddresses, hint: "add an address range to the network, or use another", hard: true}
		for _, w := range p.created {
			if w.bp.Strategy == "JustCreate" {
				continue
			}
			needed := int64(0)
			for i, nic := range w.bp.NICs {
				if nic.NetworkUUID == uuid && counts(nic.IP, room) {
					needed++
					fields[w] = indexed("networks", i)
				}
			}
			l.add(w, needed, needed)
			if old := p.replaced(w); old != nil {
				l.chained += addressesOf(old, uuid, room)
			}
		}
		for _, vm := range p.going {
			l.loose += addressesOf(vm, uuid, room)
		}
		if len(l.entries) > 0 {
			p.settle(l)
		}
	}
}

// counts reports whether a NIC takes an address out of the ranges: of its own
// choice, or any.
func counts(ip string, room NetworkRoom) bool {
	address, err := netip.ParseAddr(ip)
	return err != nil || address.Is4() && slices.ContainsFunc(room.Ranges, func(r AddressRange) bool { return r.holds(address) })
}

// addressesOf is how many addresses a VM has of a network's ranges.
func addressesOf(vm *Observed, network string, room NetworkRoom) int64 {
	n := int64(0)
	for _, nic := range vm.NICs {
		for _, ip := range nic.IPs {
			if nic.NetworkUUID == network && counts(ip, room) {
				n++
			}
		}
	}
	return n
}

func (r AddressRange) isIPv4() bool {
	start, err := netip.ParseAddr(r.Start)
	return err == nil && start.Is4()
}

// networks lists the networks of the machines, in the order of the file.
func (p *preflight) networks() []string {
	var uuids []string
	for _, w := range p.created {
		for _, nic := range w.bp.NICs {
			if !slices.Contains(uuids, nic.NetworkUUID) {
				uuids = append(uuids, nic.NetworkUUID)
			}
		}
	}
	return uuids
}
