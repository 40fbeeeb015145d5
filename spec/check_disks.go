package spec

import (
	"strconv"
	"strings"
)

// checkRootDisk wants at most one size of the root disk.
func (c *checker) checkRootDisk() {
	if arms := namedArms(c.tree.get("rootDisk"), "offering", "size"); len(arms) > 1 {
		c.errorf("rootDisk.size", "several-sizes", "keep one of them", "the root disk has both an offering and a size")
	}
}

// checkDataDisks wants each data disk to come from exactly one thing, and no
// volume to be attached twice.
func (c *checker) checkDataDisks() {
	disks := c.tree.get("dataDisks")
	if !isList(disks) {
		return
	}
	const hint = "a data disk has exactly one of offering, size, template and volume"
	volumes := make(map[string]bool)
	for i, disk := range disks.items {
		path := indexed("dataDisks", i)
		switch arms := namedArms(disk, "offering", "size", "template", "volume"); {
		case len(arms) == 0 && disk.kind == mapNode:
			if !c.unsure() {
				c.errorf(path, "disk-without-source", hint, "nothing says what the data disk is made from")
			}
		case len(arms) > 1:
			c.errorf(path+"."+arms[1], "several-disk-sources", hint, "the data disk has both %s and %s", arms[0], arms[1])
		}
		if volume := c.m.DataDisks[i].Volume; volume != nil {
			key := refKey(*volume)
			if volumes[key] {
				c.errorf(path+".volume", "volume-twice", "remove one of them", "the volume %s is attached twice", quote(volume.String()))
			}
			volumes[key] = true
		}
		if name := c.m.DataDisks[i].Name; len([]rune(name)) > maxName {
			c.errorf(path+".name", "too-long", "", "the name of the disk has more than %d characters", maxName)
		}
	}
}

// checkTemplates warns of a parameter that does nothing.
func (c *checker) checkTemplates() {
	if len(c.m.DataVolumeTemplates) > 0 && c.m.Source.Kind == FromImage {
		c.add(Diagnostic{Severity: Warning, Pos: c.m.At("dataVolumeTemplates"), Code: "ignored-by-server",
			Message: "servers of version 5.2.1 ignore dataVolumeTemplates",
			Hint:    "write dataDisks: [{template: NAME}] instead"}, "")
	}
}

// tagPrefix begins the tags that zfleet keeps on machines.
const tagPrefix = "zfleet::"

// derivedTags holds the system tags that zfleet makes of fields, by prefix.
var derivedTags = []struct{ prefix, field string }{
	{"hostname::", "hostname"},
	{"userdata::", "userData"},
	{"consolePassword::", "consolePassword"},
	{"staticIp::", "networks[].ip"},
	{"customMac::", "networks[].mac"},
	{"ipv4Netmask::", "networks[].netmask"},
	{"ipv6Prefix::", "networks[].netmask"},
	{"ipv4Gateway::", "networks[].gateway"},
	{"ipv6Gateway::", "networks[].gateway"},
	{"primaryStorageUuidForDataVolume::", "dataDisks[].primaryStorage"},
}

// checkTags keeps users' tags apart from those that zfleet sets.
func (c *checker) checkTags() {
	for i, tag := range c.m.UserTags {
		path := indexed("userTags", i)
		if strings.HasPrefix(tag, tagPrefix) {
			c.errorf(path, "reserved-tag", "remove it, or begin it differently", "the user tag %s begins with %q, which is zfleet's own", quote(tag), tagPrefix)
		}
		if strings.TrimSpace(tag) == "" {
			c.errorf(path, "empty-text", "remove it", "a user tag is empty")
		}
	}
	for i, tag := range c.m.SystemTags {
		path := indexed("systemTags", i)
		for _, derived := range derivedTags {
			if strings.HasPrefix(tag.Value, derived.prefix) {
				c.errorf(path, "derived-tag", "write "+derived.field+" instead", "zfleet makes the system tag %s… of the field %s", derived.prefix, derived.field)
			}
		}
		switch {
		case strings.HasPrefix(tag.Value, "ephemeral::"):
			c.errorf(path, "derived-tag", "remove it; zfleet plan shows what would be done", "with the system tag ephemeral::… nothing would be created")
		case strings.TrimSpace(tag.Value) == "":
			c.errorf(path, "empty-text", "remove it", "a system tag is empty")
		}
	}
}

// checkUUID wants the shape that the server accepts in an explicit UUID.
func (c *checker) checkUUID() {
	uuid := c.m.ResourceUUID
	if uuid == "" {
		return
	}
	hint := "write 32 lower-case hexadecimal digits of a version 1 to 5 UUID, without hyphens"
	if lower := strings.ToLower(strings.ReplaceAll(uuid, "-", "")); lower != uuid && acceptableUUID(lower) {
		hint = "write " + lower
	}
	if !acceptableUUID(uuid) {
		c.errorf("resourceUuid", "bad-uuid", hint, "%s is not a UUID that the server accepts", quote(uuid))
	}
}

// acceptableUUID reports whether the server takes a UUID for a new resource:
// the version's digit must be 1 to 5 and the variant's 8, 9, a or b.
func acceptableUUID(uuid string) bool {
	if !uuidPattern.MatchString(uuid) {
		return false
	}
	version, _ := strconv.Atoi(uuid[12:13])
	return version >= 1 && version <= 5 && strings.Contains("89ab", uuid[16:17])
}
