package simulator

import (
	"regexp"
	"slices"
)

var tokenRule = regexp.MustCompile(`\{[^}]*\}`)

// kinds are the resource types that can be tagged, with their tables.
var kinds = map[string]string{
	"VmInstanceVO": "vm-instances", "VolumeVO": "volumes", "ImageVO": "images", "HostVO": "hosts", "ClusterVO": "clusters",
	"ZoneVO": "zones", "InstanceOfferingVO": "instance-offerings", "DiskOfferingVO": "disk-offerings",
	"L3NetworkVO": "l3-networks", "PrimaryStorageVO": "primary-storage", "VmNicVO": "vm-instances/nics",
}

var tagParams = []param{{name: "resourceType", required: true}, {name: "resourceUuid", required: true}, {name: "tag", required: true}}

var tagOperations = []*operation{
	{name: "CreateUserTag", method: "POST", path: "/user-tags", action: "params", handle: createUserTag, params: tagParams},
	{name: "CreateSystemTag", method: "POST", path: "/system-tags", action: "params", handle: createSystemTag, params: tagParams},
	{name: "CreateSystemTags", method: "POST", path: "/system-tags/{resourceUuid}/tags", action: "params", handle: createSystemTags,
		params: []param{{name: "resourceType", required: true}, {name: "resourceUuid", required: true}, {name: "tags", kind: kindTexts, required: true, filled: true}}},
	{name: "UpdateSystemTag", method: "PUT", path: "/system-tags/{uuid}/actions", action: "updateSystemTag", handle: updateSystemTag,
		params: []param{{name: "uuid", required: true, refers: "system-tags"}, {name: "tag", required: true}}},
	{name: "DeleteTag", method: "DELETE", path: "/tags/{uuid}", handle: deleteTag,
		params: []param{{name: "uuid", required: true}, {name: "deleteMode"}}},
	{name: "CreateTag", method: "POST", path: "/tags", action: "params", handle: createPattern, params: []param{
		{name: "name", required: true, max: 128}, {name: "value", required: true, max: 128}, {name: "description", max: 2048},
		{name: "color"}, {name: "type", choices: []string{"simple", "withToken"}}, {name: "resourceUuid"}, {name: "tagUuids", kind: kindTexts},
	}},
	{name: "UpdateTag", method: "PUT", path: "/tags/{uuid}/actions", action: "updateTag", handle: updatePattern, params: []param{
		{name: "uuid", required: true, refers: "tags"}, {name: "name", max: 128}, {name: "value", max: 128},
		{name: "description", max: 2048}, {name: "color"},
	}},
	{name: "AttachTagToResources", method: "POST", path: "/tags/{tagUuid}/resources", action: "params", handle: attachPatterns, params: []param{
		{name: "tagUuid", required: true, refers: "tags"}, {name: "resourceUuids", kind: kindTexts, required: true, filled: true}, {name: "tokens", kind: kindMap},
	}},
	{name: "DetachTagFromResources", method: "DELETE", path: "/tags/{tagUuid}/resources", handle: detachPatterns, params: []param{
		{name: "tagUuid", required: true, refers: "tags"}, {name: "resourceUuids", kind: kindTexts, required: true, filled: true}, {name: "deleteMode"},
	}},
}

// taggable finds the resource that a tag is for. The caller holds mu.
func (c *call) taggable() error {
	table, known := kinds[c.text("resourceType")]
	if !known {
		return fail("SYS.1007", "不支持的资源类型[%s]", c.text("resourceType"))
	}
	if c.store.get(table, c.text("resourceUuid")) == nil {
		return fail("SYS.1003", "资源[uuid:%s, 类型:%s]不存在", c.text("resourceUuid"), c.text("resourceType"))
	}
	if !c.account.admin && !c.mayUse(table, c.text("resourceUuid")) {
		return fail("ID.1002", "账户[%s]无权访问资源[uuid:%s]", c.account.name, c.text("resourceUuid"))
	}
	return nil
}

func createUserTag(c *call) (record, error) {
	var row record
	err := c.locked(func() error {
		if err := c.taggable(); err != nil {
			return err
		}
		for _, tag := range c.store.tagsOf("user-tags", c.text("resourceUuid"), c.text("tag")) {
			if text(tag, "tag") == c.text("tag") {
				return fail("SYS.1006", "资源[uuid:%s]已有用户标签[%s]", c.text("resourceUuid"), c.text("tag"))
			}
		}
		row = clone(c.store.addTag("user-tags", c.text("resourceUuid"), c.text("resourceType"), c.text("tag")))
		return nil
	})
	return record{"inventory": row}, err
}

// addSystemTag stores a system tag if its format is one of the resource's.
func (c *call) addSystemTag(tag string) (record, error) {
	if err := c.taggable(); err != nil {
		return nil, err
	}
	formats := vmTagFormats
	if c.text("resourceType") == "VolumeVO" {
		formats = volumeTagFormats
	}
	if !c.knownTag(tag, formats...) {
		return nil, fail("SYS.1007", "资源[uuid:%s, 类型:%s]没有匹配系统标签[%s]的标签定义", c.text("resourceUuid"), c.text("resourceType"), tag)
	}
	if err := c.checkTag(tag); err != nil {
		return nil, err
	}
	return clone(c.store.addTag("system-tags", c.text("resourceUuid"), c.text("resourceType"), tag)), nil
}

func createSystemTag(c *call) (record, error) {
	var row record
	err := c.locked(func() (err error) {
		row, err = c.addSystemTag(c.text("tag"))
		return err
	})
	return record{"inventory": row}, err
}

func createSystemTags(c *call) (record, error) {
	rows := []any{}
	err := c.locked(func() error {
		for _, tag := range texts(c.params, "tags") {
			row, err := c.addSystemTag(tag)
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
		return nil
	})
	return record{"inventories": rows}, err
}

func updateSystemTag(c *call) (record, error) {
	var row record
	err := c.locked(func() error {
		stored := c.store.get("system-tags", c.text("uuid"))
		formats := slices.Concat(vmTagFormats, volumeTagFormats)
		format := slices.IndexFunc(formats, func(f string) bool { return hasParts(text(stored, "tag"), f) })
		if inherent, _ := stored["inherent"].(bool); inherent {
			return fail("SYS.1006", "系统标签[uuid:%s]是固有标签，不能修改", c.text("uuid"))
		}
		if format < 0 || !hasParts(c.text("tag"), formats[format]) {
			return fail("SYS.1007", "系统标签[%s]的格式与原标签不符", c.text("tag"))
		}
		stored["tag"] = c.text("tag")
		c.store.touch(stored)
		row = clone(stored)
		return nil
	})
	return record{"inventory": row}, err
}

// deleteTag deletes a tag of either kind, or a tag pattern with all its uses.
func deleteTag(c *call) (record, error) {
	if err := c.deletable(); err != nil {
		return nil, err
	}
	return record{}, c.locked(func() error {
		uuid := c.text("uuid")
		if inherent, _ := c.store.get("system-tags", uuid)["inherent"].(bool); inherent {
			return fail("SYS.1006", "系统标签[uuid:%s]是固有标签，不能删除", uuid)
		}
		for _, table := range []string{"user-tags", "system-tags", "tags"} {
			c.store.remove(table, uuid)
		}
		for id, row := range c.store.Tables["user-tags"] {
			if text(row, "tagPatternUuid") == uuid {
				c.store.remove("user-tags", id)
			}
		}
		return nil
	})
}

func createPattern(c *call) (record, error) {
	var row record
	err := c.locked(func() error {
		uuid := c.text("resourceUuid")
		if uuid == "" {
			uuid = uuid4()
		} else if c.store.exists(uuid) {
			return fail("SYS.1000", "could not execute statement: Duplicate entry '%s' for key 'PRIMARY'", uuid)
		}
		stored := record{
			"uuid": uuid, "name": c.text("name"), "value": c.text("value"), "type": "simple", "color": "#186dab",
			"createDate": formatDate(c.now()), "lastOpDate": formatDate(c.now()),
		}
		for _, name := range []string{"description", "color", "type"} {
			setText(stored, name, c.text(name))
		}
		c.store.put("tags", stored)
		row = clone(stored)
		return nil
	})
	return record{"inventory": row}, err
}

func updatePattern(c *call) (record, error) {
	var row record
	err := c.locked(func() error {
		stored := c.store.get("tags", c.text("uuid"))
		for _, name := range []string{"name", "value", "description", "color"} {
			setText(stored, name, c.text(name))
		}
		c.store.touch(stored)
		row = clone(stored)
		return nil
	})
	return record{"inventory": row}, err
}

// kindOf returns the type of the resource with that UUID, "" without one.
func (s *store) kindOf(uuid string) string {
	for kind, table := range kinds {
		if s.get(table, uuid) != nil {
			return kind
		}
	}
	return ""
}

func attachPatterns(c *call) (record, error) {
	results := []any{}
	err := c.locked(func() error {
		resources := texts(c.params, "resourceUuids")
		for _, uuid := range resources {
			kind := c.store.kindOf(uuid)
			if kind == "" {
				return fail("SYS.1003", "资源[uuid:%s]不存在", uuid)
			}
			if !c.account.admin && !c.mayUse(kinds[kind], uuid) {
				return fail("ID.1002", "账户[%s]无权访问资源[uuid:%s]", c.account.name, uuid)
			}
		}
		for _, uuid := range resources {
			c.store.attachPattern(uuid, c.store.kindOf(uuid), c.text("tagUuid"))
			for _, tag := range c.store.tagsOf("user-tags", uuid, "") {
				if text(tag, "tagPatternUuid") == c.text("tagUuid") {
					c.fillTokens(tag)
					results = append(results, record{"inventory": clone(tag), "success": true})
				}
			}
		}
		return nil
	})
	return record{"results": results}, err
}

// fillTokens writes values in place of the {tokens} of a tag pattern.
func (c *call) fillTokens(tag record) {
	tokens, _ := c.params["tokens"].(record)
	tag["tag"] = tokenRule.ReplaceAllStringFunc(text(tag, "tag"), func(token string) string {
		if value := text(tokens, token[1:len(token)-1]); value != "" {
			return value
		}
		return token
	})
}

func detachPatterns(c *call) (record, error) {
	return record{}, c.locked(func() error {
		for _, uuid := range texts(c.params, "resourceUuids") {
			for _, tag := range c.store.tagsOf("user-tags", uuid, "") {
				if text(tag, "tagPatternUuid") == c.text("tagUuid") {
					c.store.remove("user-tags", text(tag, "uuid"))
				}
			}
		}
		return nil
	})
}
