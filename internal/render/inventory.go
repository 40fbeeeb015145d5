package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"zfleet/planner"
)

// InventoryTable writes, fleet by fleet, the VMs of an inventory, one a line, by
// key and then by UUID, and below them the fleet's data disks that are attached
// to nothing.
func InventoryTable(w io.Writer, file *planner.InventoryFile, style Style) error {
	p := newPrinter(style)
	catalog := catalogNames(file.Catalog)
	for i, fleet := range file.Fleets {
		if i > 0 {
			p.newline()
		}
		inventoryOf(p, file.Part(fleet.Scope), catalog)
	}
	if file.AllFleets {
		if len(file.Fleets) > 0 {
			p.newline()
		}
		p.linef(strong, "%s.", plural(len(file.Fleets), "fleet"))
	}
	return p.writeTo(w)
}

func inventoryOf(p *printer, inv *planner.Inventory, catalog names) {
	p.put(strong, "Fleet "+inv.Scope.Name)
	p.put(faint, " ("+inv.Scope.String()+")")
	if inv.Endpoint != "" {
		p.put(plain, " on "+inv.Endpoint)
	}
	if inv.Version != "" {
		p.put(plain, ", ZStack "+inv.Version)
	}
	p.newline()
	p.newline()
	var rows [][]string
	for _, vm := range inv.Machines {
		rows = append(rows, []string{cmp.Or(keyOf(inv.Scope, vm), "-"), vm.Name, vm.State,
			fmt.Sprint(vm.CPU), bytesText(vm.Memory), strings.Join(addresses(vm), " "), placeOf(vm, catalog), vm.UUID})
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return naturalCompare(a[0], b[0]) })
	if len(rows) > 0 {
		p.table([]string{"KEY", "NAME", "STATE", "CPU", "MEMORY", "ADDRESSES", "PLACE", "UUID"}, rows)
		p.newline()
	}
	var loose [][]string
	for _, d := range inv.Disks {
		if d.VMUUID == "" {
			loose = append(loose, []string{d.Name, bytesText(d.Size), d.Status, d.UUID})
		}
	}
	if len(loose) > 0 {
		p.linef(strong, "Data disks of the fleet that are attached to no VM")
		p.table([]string{"NAME", "SIZE", "STATUS", "UUID"}, loose)
		p.newline()
	}
	binned := 0
	for _, vm := range inv.Machines {
		if vm.State == "Destroyed" {
			binned++
		}
	}
	bin := ""
	if binned > 0 {
		bin = fmt.Sprintf(", %d in the recycle bin", binned)
	}
	p.linef(strong, "%s%s, %s.", plural(len(inv.Machines)-binned, "VM"), bin, plural(len(inv.Disks), "data disk"))
}

// placeOf says where a VM is, from the zone to the host, as far as there are names
// for it; without any it is the UUID of the host, or else of the cluster.
func placeOf(vm planner.Observed, catalog names) string {
	var parts []string
	for _, uuid := range [...]string{vm.ZoneUUID, vm.ClusterUUID, vm.HostUUID} {
		if name := catalog[uuid]; name != "" {
			parts = append(parts, name)
		}
	}
	return cmp.Or(strings.Join(parts, "/"), vm.HostUUID, vm.ClusterUUID)
}

// keyOf returns the key that a VM's tag claims, empty if none. Whether the
// claim holds is the planner's to judge.
func keyOf(scope planner.Scope, vm planner.Observed) string {
	prefix := scope.KeyTag("")
	for _, tag := range vm.UserTags {
		if key, ok := strings.CutPrefix(tag.Text, prefix); ok {
			return key
		}
	}
	return ""
}

// addresses returns the IPs of all NICs in their order.
func addresses(vm planner.Observed) []string {
	var ips []string
	for _, nic := range vm.NICs {
		ips = append(ips, nic.IPs...)
	}
	return ips
}

// catalogNames gives names for the UUIDs of a catalog.
func catalogNames(catalog planner.Catalog) names {
	n := make(names)
	for _, entries := range catalog {
		for _, e := range entries {
			n[e.UUID] = e.Name
		}
	}
	return n
}

// table writes aligned columns; wide characters count as two.
func (p *printer) table(header []string, rows [][]string) {
	columns := make([]int, len(header))
	for i, title := range header {
		columns[i] = widest(title)
		for _, r := range rows {
			columns[i] = max(columns[i], widest(r[i]))
		}
	}
	line := func(how paint, cells []string) {
		for i, cell := range cells {
			if i < len(cells)-1 {
				cell = pad(visible(cell), columns[i]) + "  "
			}
			p.put(how, cell)
		}
		p.newline()
	}
	line(faint, header)
	for _, r := range rows {
		line(plain, r)
	}
}

// naturalCompare orders keys as people count: web/2 before web/10.
func naturalCompare(a, b string) int {
	for a != "" && b != "" {
		na, nb := leadingNumber(a), leadingNumber(b)
		if na != "" && nb != "" {
			x, y := strings.TrimLeft(na, "0"), strings.TrimLeft(nb, "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[len(na):], b[len(nb):]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingNumber(text string) string {
	end := 0
	for end < len(text) && digit(text[end]) {
		end++
	}
	return text[:end]
}
