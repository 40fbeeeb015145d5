package simulator

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

func (b *dcBuilder) offerings(file *dcFile) {
	for _, offering := range file.InstanceOfferings {
		if offering.CPU <= 0 || offering.Memory <= 0 {
			b.fail(offering.Name.line, "%q needs cpu and memory above zero", offering.Name.text)
		}
		b.add("instance-offerings", offering.DatacenterEntry, record{
			"cpuNum":             offering.CPU,
			"cpuSpeed":           int64(0),
			"memorySize":         int64(offering.Memory),
			"reservedMemorySize": int64(offering.ReservedMemory),
			"type":               "UserVm",
			"allocatorStrategy":  "LeastVmPreferredHostAllocatorStrategy",
			"sortKey":            int64(0),
			"state":              cmp.Or(offering.State, "Enabled"),
		})
	}
	for _, offering := range file.DiskOfferings {
		if offering.Size <= 0 {
			b.fail(offering.Name.line, "%q needs a size above zero", offering.Name.text)
		}
		b.add("disk-offerings", offering.DatacenterEntry, record{
			"diskSize":          int64(offering.Size),
			"sortKey":           int64(0),
			"type":              "DefaultDiskOfferingType",
			"allocatorStrategy": "DefaultPrimaryStorageAllocationStrategy",
			"state":             cmp.Or(offering.State, "Enabled"),
		})
	}
}

// images come last of what lies on backup storage: each is on the first one.
func (b *dcBuilder) images(images []dcImage) {
	kinds := []string{"RootVolumeTemplate", "DataVolumeTemplate", "ISO"}
	for _, image := range images {
		kind := cmp.Or(image.MediaType, kinds[0])
		if !slices.Contains(kinds, kind) {
			b.fail(image.Name.line, "mediaType of %q: %q is none of %s", image.Name.text, kind, strings.Join(kinds, ", "))
		}
		format := cmp.Or(image.Format, "qcow2")
		status := cmp.Or(image.Status, "Ready")
		fields := record{
			"state":        cmp.Or(image.State, "Enabled"),
			"status":       status,
			"size":         int64(image.Size),
			"actualSize":   int64(cmp.Or(image.ActualSize, image.Size)),
			"mediaType":    kind,
			"architecture": cmp.Or(image.Architecture, "x86_64"),
			"format":       format,
			"system":       image.System,
			"virtio":       image.Virtio,
			"type":         "zstack",
			"systemTags":   []any{},
		}
		if kind != "DataVolumeTemplate" {
			fields["platform"] = cmp.Or(image.Platform, "Linux")
			fields["guestOsType"] = cmp.Or(image.GuestOSType, fields["platform"].(string))
		}
		row := b.add("images", image.DatacenterEntry, fields)
		uuid := text(row, "uuid")
		row["md5Sum"] = derivedUUID("md5", uuid)
		row["url"] = "http://images.example.com/" + uuid + "." + format
		references := []any{}
		var store any
		if stores := b.dc.order["backup-storage"]; image.BackupStorage.text != "" {
			store = b.find("backup-storage", image.BackupStorage, image.Name, "backupStorage")["uuid"]
		} else if len(stores) > 0 {
			store = stores[0]
		}
		if store != nil {
			references = append(references, record{
				"imageUuid":         uuid,
				"backupStorageUuid": store,
				"installPath":       "zstore://" + uuid + "/" + derivedUUID("digest", uuid),
				"status":            status,
				"createDate":        dcCreated,
				"lastOpDate":        dcCreated,
			})
		}
		row["backupStorageRefs"] = references
	}
}

// identity adds accounts with their quotas, tag patterns and SSH keys.
func (b *dcBuilder) identity(file *dcFile) {
	entries := file.Accounts
	if len(entries) == 0 {
		entries = []dcAccountEntry{{
			DatacenterEntry: DatacenterEntry{Name: dcText{text: "admin"}}, Admin: true, Password: "password",
		}}
	}
	for _, entry := range entries {
		b.account(entry)
	}
	for _, tag := range file.Tags {
		b.add("tags", tag.DatacenterEntry, record{
			"value": cmp.Or(tag.Value, tag.Name.text),
			"color": cmp.Or(tag.Color, "#186dab"),
			"type":  cmp.Or(tag.Type, "simple"),
		})
	}
	for _, key := range file.SSHKeys {
		if key.PublicKey == "" {
			b.fail(key.Name.line, "%q needs publicKey", key.Name.text)
		}
		b.add("ssh-key-pair", key.DatacenterEntry, record{"publicKey": key.PublicKey})
	}
}

func (b *dcBuilder) account(entry dcAccountEntry) {
	kind := "Normal"
	if entry.Admin {
		kind = "SystemAdmin"
	}
	if entry.Password == "" {
		b.fail(entry.Name.line, "account %q needs a password", entry.Name.text)
	}
	row := b.add("accounts", entry.DatacenterEntry, record{"type": kind})
	account := dcAccount{
		name: entry.Name.text, uuid: text(row, "uuid"), password: entry.Password, admin: entry.Admin,
		quotas: make(map[string]int64, len(entry.Quotas)),
	}
	switch len(entry.AccessKeys) {
	case 0:
	case 1:
		account.accessKeyID, account.accessKeySecret = entry.AccessKeys[0].ID, entry.AccessKeys[0].Secret
		if account.accessKeyID == "" || account.accessKeySecret == "" {
			b.fail(entry.Name.line, "the access key of %q needs id and secret", entry.Name.text)
		}
		// The secret is never shown again, here as there.
		b.put("accesskeys", derivedUUID("accesskey", account.accessKeyID), record{
			"accountUuid": account.uuid, "userUuid": account.uuid, "AccessKeyID": account.accessKeyID, "state": "Enabled",
		})
	default:
		b.fail(entry.Name.line, "account %q: give at most one access key", entry.Name.text)
	}
	for _, name := range slices.Sorted(maps.Keys(entry.Quotas)) {
		value := int64(entry.Quotas[name])
		account.quotas[name] = value
		b.put("accounts/quotas", derivedUUID("quota", account.uuid+"/"+name), record{
			"name": name, "identityUuid": account.uuid, "identityType": "AccountVO", "value": value,
		})
	}
	b.dc.accounts = append(b.dc.accounts, account)
}

func (b *dcBuilder) config(values map[string]dcText) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !strings.Contains(key, ".") {
			b.fail(values[key].line, "globalConfig %q: write category.name, as in vm.deletionPolicy", key)
		}
		b.dc.globalConfig[key] = values[key].text
	}
	for _, key := range slices.Sorted(maps.Keys(b.dc.globalConfig)) {
		category, name, _ := strings.Cut(key, ".")
		dateless(b.put("global-configurations", derivedUUID("global-configurations", key), record{
			"category": category, "name": name, "value": b.dc.globalConfig[key],
		}))
	}
}

// dateless takes off the dates that few inventories do not have.
func dateless(row record) {
	delete(row, "createDate")
	delete(row, "lastOpDate")
}
