package simulator

import (
	"cmp"
	"maps"
	"slices"
)

// nested names what the API shows inside of a VM: the tables that hold it and
// the order within the VM.
var nested = []struct{ member, table string }{
	{"vmNics", "vm-instances/nics"},
	{"allVolumes", "volumes"},
	{"vmCdRoms", "vm-instances/cdroms"},
}

// flatten takes out of VMs what tables of their own hold.
func (s *store) flatten() {
	for _, vm := range s.Tables["vm-instances"] {
		for _, n := range nested {
			delete(vm, n.member)
		}
	}
}

// view returns deep copies of all rows as the API shows them.
func (s *store) view(table string) []record {
	assembled := s.assemble(table)
	rows := make([]record, 0, len(assembled))
	for _, row := range assembled {
		rows = append(rows, clone(row))
	}
	return rows
}

// assemble returns all rows as the API shows them. Their values are shared with
// the store: copy them before the lock goes.
func (s *store) assemble(table string) []record {
	rows := make([]record, 0, len(s.Tables[table]))
	if table != "vm-instances" {
		for _, row := range s.Tables[table] {
			rows = append(rows, maps.Clone(row))
		}
		return rows
	}
	members := map[string]map[string][]any{}
	for _, n := range nested {
		members[n.member] = map[string][]any{}
		for _, row := range s.Tables[n.table] {
			vm := text(row, "vmInstanceUuid")
			members[n.member][vm] = append(members[n.member][vm], row)
		}
	}
	for uuid, vm := range s.Tables[table] {
		shown := maps.Clone(vm)
		for _, n := range nested {
			shown[n.member] = byDevice(members[n.member][uuid])
		}
		rows = append(rows, shown)
	}
	return rows
}

// vm returns a copy of one VM as job results show it, nil when there is none.
func (s *store) vm(uuid string) record {
	row := s.get("vm-instances", uuid)
	if row == nil {
		return nil
	}
	shown := clone(row)
	for _, n := range nested {
		var found []any
		for _, part := range s.partsOf(n.table, uuid) {
			found = append(found, clone(part))
		}
		shown[n.member] = byDevice(found)
	}
	return shown
}

// partsOf returns the rows of a table that belong to a VM, not copied.
func (s *store) partsOf(table, vm string) []record {
	var parts []record
	for _, row := range s.Tables[table] {
		if text(row, "vmInstanceUuid") == vm {
			parts = append(parts, row)
		}
	}
	slices.SortFunc(parts, compareDevices)
	return parts
}

func byDevice(parts []any) []any {
	slices.SortFunc(parts, func(a, b any) int { return compareDevices(a.(record), b.(record)) })
	if parts == nil {
		return []any{}
	}
	return parts
}

func compareDevices(a, b record) int {
	return cmp.Or(cmp.Compare(number(a, "deviceId"), number(b, "deviceId")), cmp.Compare(text(a, "uuid"), text(b, "uuid")))
}

// expansions are the references that a query may follow, by collection: the
// name in the query, the field that refers, the table referred to.
var expansions = map[string][]struct{ name, field, table string }{
	"vm-instances": {
		{"zone", "zoneUuid", "zones"}, {"cluster", "clusterUuid", "clusters"}, {"host", "hostUuid", "hosts"},
		{"image", "imageUuid", "images"}, {"instanceOffering", "instanceOfferingUuid", "instance-offerings"},
		{"rootVolume", "rootVolumeUuid", "volumes"},
	},
	"vm-instances/nics": {{"vmInstance", "vmInstanceUuid", "vm-instances"}, {"l3Network", "l3NetworkUuid", "l3-networks"}},
	"volumes": {
		{"vmInstance", "vmInstanceUuid", "vm-instances"}, {"primaryStorage", "primaryStorageUuid", "primary-storage"},
		{"diskOffering", "diskOfferingUuid", "disk-offerings"},
	},
	"hosts":            {{"zone", "zoneUuid", "zones"}, {"cluster", "clusterUuid", "clusters"}},
	"clusters":         {{"zone", "zoneUuid", "zones"}},
	"l3-networks":      {{"l2Network", "l2NetworkUuid", "l2-networks"}, {"zone", "zoneUuid", "zones"}},
	"l2-networks":      {{"zone", "zoneUuid", "zones"}},
	"primary-storage":  {{"zone", "zoneUuid", "zones"}},
	"volume-snapshots": {{"volume", "volumeUuid", "volumes"}, {"primaryStorage", "primaryStorageUuid", "primary-storage"}},
}

// queryable returns the rows of a table without what queries hide. With deep,
// they have what conditions may follow beyond the inventory.
func (s *store) queryable(table string, deep bool) []record {
	rows := s.assemble(table)
	for _, row := range rows {
		switch table {
		case "vm-instances":
			delete(row, "internalId")
		case "vm-instances/nics":
			delete(row, "usedIpUuid")
		}
	}
	if deep {
		s.deepen(table, rows)
	}
	return rows
}

// deepen adds the tags of rows and what they refer to.
func (s *store) deepen(table string, rows []record) {
	tagged := map[string]map[string][]any{"__userTag__": {}, "__systemTag__": {}, "__tagUuid__": {}}
	for _, tag := range s.Tables["user-tags"] {
		of := text(tag, "resourceUuid")
		tagged["__userTag__"][of] = append(tagged["__userTag__"][of], tag["tag"])
		if pattern := tag["tagPatternUuid"]; pattern != nil {
			tagged["__tagUuid__"][of] = append(tagged["__tagUuid__"][of], pattern)
		}
	}
	for _, tag := range s.Tables["system-tags"] {
		of := text(tag, "resourceUuid")
		tagged["__systemTag__"][of] = append(tagged["__systemTag__"][of], tag["tag"])
	}
	for _, row := range rows {
		for key, tags := range tagged {
			if found := tags[text(row, "uuid")]; found != nil {
				row[key] = found
			}
		}
		for _, e := range expansions[table] {
			if target := s.get(e.table, text(row, e.field)); target != nil {
				row["__"+e.name] = target
			}
		}
	}
}
