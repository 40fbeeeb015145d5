package render

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zfleet/planner"
)

// nameLabel marks the only row of an identity that a fold of several machines
// keeps: UUIDs are of no use in a list, and the plan as JSON has them.
const nameLabel = "name"

// uuidLabel marks the UUID of an identity.
const uuidLabel = "uuid"

// identityRows say which VM a change is about, and for a replace which goes and
// which comes.
func identityRows(c planner.Change) []row {
	var r rowList
	r.own(nameLabel, c.Name)
	if c.Action == planner.Replace {
		r.own("destroys", c.OldUUID)
		r.own("creates", c.UUID)
	} else {
		r.own(uuidLabel, c.UUID)
	}
	return r
}

// contentRows say what a change asks for, names instead of UUIDs.
func contentRows(c planner.Change, names names) []row {
	var r rowList
	if c.Blueprint != nil {
		r.source(c.Blueprint, names)
		r.nics(c.Blueprint, names)
		r.disks(c.Blueprint, names)
		r.placement(c.Blueprint, names)
		r.rest(c.Blueprint, names)
		r.tags(c.Blueprint, names)
	}
	if c.Edit != nil {
		r.edit(c)
	}
	return r
}

// rowList collects rows; an empty value makes none.
type rowList []row

// add adds a value that machines which are the same have in common.
func (r *rowList) add(label, value string) {
	if value != "" {
		*r = append(*r, row{label: label, values: []string{value}})
	}
}

// own adds a value that may differ between machines which are the same.
func (r *rowList) own(label, value string) {
	if value != "" {
		*r = append(*r, row{label: label, values: []string{value}, own: true})
	}
}

func (r *rowList) source(b *planner.Blueprint, names names) {
	r.add(string(b.Source), names.of(b.SourceUUID))
	var size []string
	if b.OfferingUUID != "" {
		size = append(size, "offering "+names.of(b.OfferingUUID))
	}
	if b.CPU != 0 {
		size = append(size, fmt.Sprintf("%d CPU", b.CPU))
	}
	if b.Memory != 0 {
		size = append(size, bytesText(b.Memory))
	}
	if b.Reserved != nil {
		size = append(size, bytesText(*b.Reserved)+" reserved")
	}
	r.add("size", strings.Join(size, ", "))
}

func (r *rowList) nics(b *planner.Blueprint, names names) {
	for i, nic := range b.NICs {
		network, address := "network", "address"
		text := names.of(nic.NetworkUUID)
		if len(b.NICs) > 1 {
			network += " " + strconv.Itoa(i+1)
			address += " " + strconv.Itoa(i+1)
			if nic.NetworkUUID == b.DefaultNetwork {
				text += " (default)"
			}
		}
		if nic.Netmask != "" {
			text += ", netmask " + nic.Netmask
		}
		if nic.Gateway != "" {
			text += ", gateway " + nic.Gateway
		}
		if nic.Params != nil {
			params, err := json.Marshal(nic.Params)
			if err == nil { // a struct of plain values always has a JSON form
				text += ", parameters " + string(params)
			}
		}
		r.add(network, text)
		r.own(address, nic.IP)
		r.own("mac", nic.MAC)
	}
}

func (r *rowList) disks(b *planner.Blueprint, names names) {
	if b.RootDisk != nil {
		r.add("root disk", diskText(*b.RootDisk, names))
	}
	var texts []string
	for i := 0; i < len(b.DataDisks); {
		text := diskText(b.DataDisks[i], names)
		n := 1
		for i+n < len(b.DataDisks) && diskText(b.DataDisks[i+n], names) == text {
			n++
		}
		if n > 1 {
			text = fmt.Sprintf("%d × %s", n, text)
		}
		texts = append(texts, text)
		i += n
	}
	r.add("data disks", strings.Join(texts, "; "))
	for _, d := range b.DataDisks {
		r.own("disk name", d.Name)
	}
	r.add("volume templates", names.all(b.DataVolumeTemplateUUIDs))
}

// diskText says where a disk comes from and how large it is.
func diskText(d planner.DiskPlan, names names) string {
	var parts []string
	switch {
	case d.OfferingUUID != "":
		parts = append(parts, "offering "+names.of(d.OfferingUUID))
	case d.TemplateUUID != "":
		parts = append(parts, "from template "+names.of(d.TemplateUUID))
	case d.VolumeUUID != "":
		parts = append(parts, "existing volume "+names.of(d.VolumeUUID))
	}
	if d.Size != 0 {
		parts = append(parts, bytesText(d.Size))
	}
	if d.PrimaryStorageUUID != "" {
		parts = append(parts, "on "+names.of(d.PrimaryStorageUUID))
	}
	if len(d.SystemTags) > 0 {
		parts = append(parts, "tags "+strings.Join(d.SystemTags, " "))
	}
	return strings.Join(parts, ", ")
}

func (r *rowList) placement(b *planner.Blueprint, names names) {
	var parts []string
	for _, place := range [...]struct{ word, uuid string }{
		{"zone", b.ZoneUUID}, {"cluster", b.ClusterUUID}, {"host", b.HostUUID},
	} {
		if place.uuid != "" {
			parts = append(parts, place.word+" "+names.of(place.uuid))
		}
	}
	r.add("placement", strings.Join(parts, ", "))
}

func (r *rowList) rest(b *planner.Blueprint, names names) {
	if b.Description != nil {
		r.own("description", *b.Description)
	}
	r.add("strategy", b.Strategy)
	var guest []string
	for _, text := range [...]string{b.Platform, b.GuestOSType, b.Architecture} {
		if text != "" {
			guest = append(guest, text)
		}
	}
	if b.Virtio != nil {
		guest = append(guest, fmt.Sprintf("virtio %t", *b.Virtio))
	}
	r.add("guest", strings.Join(guest, ", "))
	r.add("type", b.Type)
	r.add("ssh keys", names.all(b.SSHKeyUUIDs))
}

// addressTags begin system tags that repeat what the NICs of a blueprint say.
var addressTags = [...]string{
	"staticIp::", "customMac::", "ipv4Netmask::", "ipv4Gateway::", "ipv6Prefix::", "ipv6Gateway::",
}

func (r *rowList) tags(b *planner.Blueprint, names names) {
	var system []string
	for _, tag := range b.SystemTags {
		switch kind, value, _ := strings.Cut(tag, "::"); {
		case kind == "hostname":
			r.own("hostname", value)
		case kind == "userdata":
			r.add("user data", userDataText(value))
		case !slices.ContainsFunc(addressTags[:], func(prefix string) bool { return strings.HasPrefix(tag, prefix) }):
			system = append(system, tag)
		}
	}
	for _, secret := range b.Secrets {
		r.add(strings.TrimSuffix(secret.Prefix, "::"), "(secret)")
	}
	r.add("tags", names.all(b.TagUUIDs))
	r.add("user tags", strings.Join(slices.DeleteFunc(slices.Clone(b.UserTags), ownTag), ", "))
	r.add("system tags", strings.Join(system, ", "))
}

func ownTag(tag string) bool { return strings.HasPrefix(tag, planner.TagNamespace) }

// userDataText says so much of user data that two different ones never look alike.
func userDataText(encoded string) string {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return encoded
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return fmt.Sprintf("%q, %s, sha256 %.12x", cutMiddle(first, 32), bytesText(int64(len(data))), sha256.Sum256(data))
}

// edit adds what an update does besides the differences that it removes.
func (r *rowList) edit(c planner.Change) {
	e := c.Edit
	if e.Start {
		r.add("power", "starts the machine, which an earlier update left stopped")
	}
	if e.TagDisks > 0 {
		r.add("data disks", plural(e.TagDisks, "disk")+" to be tagged as the fleet's")
	}
	if len(c.Differences) > 0 {
		return
	}
	if n := len(e.AddTags); n > 0 {
		r.add("adds", plural(n, "tag"))
	}
	if n := len(e.RemoveTags); n > 0 {
		r.add("removes", plural(n, "tag"))
	}
}
