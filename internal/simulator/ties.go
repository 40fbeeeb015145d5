package simulator

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
)

// uuid4 returns a random UUID of version 4 without dashes.
func uuid4() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return hex.EncodeToString(b[:])
}

// exists says whether any resource has the UUID: all kinds share one table.
func (s *store) exists(uuid string) bool {
	if s.Burned[uuid] {
		return true
	}
	for _, rows := range s.Tables {
		if rows[uuid] != nil {
			return true
		}
	}
	return false
}

// burn keeps a UUID taken without a resource.
func (s *store) burn(uuid string) { s.Burned[uuid] = true }

func (s *store) keepPlan(uuid string, p *creation) { s.Plans[uuid] = p }

// config returns the value of a global configuration, "category.name".
func (s *Server) config(name string) string {
	for _, row := range s.store.Tables["global-configurations"] {
		if text(row, "category")+"."+text(row, "name") == name {
			return text(row, "value")
		}
	}
	return ""
}

// addTag ties a tag to a resource and returns its row. The table is user-tags
// or system-tags.
func (s *store) addTag(table, resource, kind, tag string) record {
	row := record{
		"uuid": newUUID(), "resourceUuid": resource, "resourceType": kind, "tag": tag, "type": "User",
		"createDate": formatDate(s.now()), "lastOpDate": formatDate(s.now()),
	}
	if table == "system-tags" {
		row["type"], row["inherent"] = "System", false
	}
	s.put(table, row)
	return row
}

// attachPattern ties a tag pattern to a resource, once.
func (s *store) attachPattern(resource, kind, pattern string) {
	for _, tag := range s.Tables["user-tags"] {
		if text(tag, "resourceUuid") == resource && text(tag, "tagPatternUuid") == pattern {
			return
		}
	}
	of := s.get("tags", pattern)
	row := s.addTag("user-tags", resource, kind, text(of, "value"))
	row["tagPatternUuid"], row["tagPattern"] = pattern, clone(of)
}

// tagsOf returns the tags of a resource that start with the prefix, not copied.
func (s *store) tagsOf(table, resource, prefix string) []record {
	var found []record
	for _, row := range s.Tables[table] {
		if text(row, "resourceUuid") == resource && len(withPrefix([]string{text(row, "tag")}, prefix)) > 0 {
			found = append(found, row)
		}
	}
	return found
}

// setTag replaces all system tags of a VM with that prefix by one; an empty
// value removes them.
func (s *store) setTag(vm, prefix, value string) {
	for _, row := range s.tagsOf("system-tags", vm, prefix) {
		s.remove("system-tags", text(row, "uuid"))
	}
	if value != "" {
		s.addTag("system-tags", vm, "VmInstanceVO", prefix+value)
	}
}

// dropTags removes all tags of a resource.
func (s *store) dropTags(resource string) {
	for _, table := range []string{"user-tags", "system-tags"} {
		for _, row := range s.tagsOf(table, resource, "") {
			s.remove(table, text(row, "uuid"))
		}
	}
}

func (s *store) tieKey(key, vm string) {
	if !slices.Contains(s.Keys[key], vm) {
		s.Keys[key] = append(s.Keys[key], vm)
	}
}

func (s *store) untieKey(key, vm string) {
	s.Keys[key] = slices.DeleteFunc(s.Keys[key], func(other string) bool { return other == vm })
}

func (s *store) untieKeys(vm string) {
	for key := range s.Keys {
		s.untieKey(key, vm)
	}
}

// settle ends what was under way when the server stopped, as the first look at
// the hosts does: to clients the rows of jobs stay as they are, the VMs do not.
// What has a row and nothing else was never begun, and goes.
func (s *store) settle() {
	for _, j := range s.Jobs {
		if j.Ended.IsZero() {
			j.Ended = s.now()
		}
	}
	for uuid, vm := range s.Tables["vm-instances"] {
		switch state := text(vm, "state"); {
		case state == "Stopping", state == "Starting" && s.Still[uuid]:
			s.leaveHost(vm)
			vm["state"] = "Stopped"
		case state == "Starting", state == "Rebooting", state == "Destroying":
			vm["state"] = "Running"
		case state == "Created" && s.Plans[uuid] == nil && text(vm, "rootVolumeUuid") == "":
			// A real server may keep such a row until somebody destroys it.
			s.remove("vm-instances", uuid)
			s.dropTags(uuid)
			s.untieKeys(uuid)
			delete(s.Owners, uuid)
		}
	}
	clear(s.Still)
}
