package simulator

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// dryTag asks for the checks of a call without the call.
const dryTag = "ephemeral::validationOnly"

var (
	uuidRule     = regexp.MustCompile(`^[0-9a-f]{12}[1-5][0-9a-f]{3}[89ab][0-9a-f]{15}$`)
	tableNames   = map[string]string{"vm-instances": "VmInstanceVO", "volumes": "VolumeVO", "images": "ImageVO", "l3-networks": "L3NetworkVO"}
	sharedTables = []string{"zones", "clusters", "hosts", "primary-storage", "backup-storage"}
)

// isUUID applies the rule for UUIDs that a client chooses: a version 1 to 5 and
// the variant of RFC 4122, without dashes.
func isUUID(v any) bool {
	s, _ := v.(string)
	return uuidRule.MatchString(s)
}

// validate checks each parameter by itself, then that what it refers to exists.
// The caller holds mu.
func (c *call) validate() error {
	for _, p := range c.op.params {
		if err := validateParam(p, c.params); err != nil {
			return err
		}
	}
	for _, p := range c.op.params {
		for _, uuid := range references(p, c.params) {
			if c.store.get(p.refers, uuid) == nil {
				return fail("SYS.1003", "无效的字段[%s]，资源[uuid:%s, 类型:%s]不存在", p.name, uuid, tableNames[p.refers])
			}
		}
	}
	return nil
}

// references returns the UUIDs that a parameter holds.
func references(p param, params record) []string {
	if p.refers == "" || params[p.name] == nil {
		return nil
	}
	if p.kind == kindTexts {
		return texts(params, p.name)
	}
	return []string{text(params, p.name)}
}

func validateParam(p param, params record) error {
	value := params[p.name]
	if value == nil {
		if p.required {
			return fail("SYS.1007", "字段[%s]是必填项，不能为空", p.name)
		}
		return nil
	}
	switch value := value.(type) {
	case string:
		return validateText(p, value)
	case int64:
		if p.high != 0 && (value < p.low || value > p.high) {
			return fail("SYS.1007", "字段[%s]的值[%d]必须在[%d, %d]之间", p.name, value, p.low, p.high)
		}
	case []any:
		if p.filled && len(value) == 0 {
			return fail("SYS.1007", "字段[%s]不能为空列表", p.name)
		}
		for _, one := range value {
			if one == nil {
				return fail("SYS.1007", "字段[%s]不能包含空元素", p.name)
			}
			if s, ok := one.(string); ok {
				if err := validateText(param{name: p.name, refers: p.refers, choices: p.choices}, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func validateText(p param, value string) error {
	switch {
	case value == "" && (p.required || p.refers != ""):
		return fail("SYS.1007", "字段[%s]不能是空字符串", p.name)
	case p.max > 0 && utf8.RuneCountInString(value) > p.max:
		return fail("SYS.1007", "字段[%s]的长度不能超过%d", p.name, p.max)
	case len(p.choices) > 0 && !slices.Contains(p.choices, value):
		return fail("SYS.1007", "字段[%s]的值[%s]无效，合法的值为%v", p.name, value, p.choices)
	}
	return nil
}

// ownership refuses to a normal account what belongs to another. What the data
// center starts with is shared to all, but for its VMs and volumes.
func (c *call) ownership() error {
	if c.op.open || c.account.admin {
		return nil
	}
	for _, p := range c.op.params {
		if slices.Contains(sharedTables, p.refers) {
			continue
		}
		for _, uuid := range references(p, c.params) {
			if !c.mayUse(p.refers, uuid) {
				return fail("ID.1002", "账户[%s]无权访问资源[uuid:%s]", c.account.name, uuid)
			}
		}
	}
	// What a DELETE names need not exist, so it is not declared as a reference.
	for _, table := range []string{"vm-instances", "volumes"} {
		for _, uuid := range references(param{name: "uuid", refers: table}, c.params) {
			if c.store.get(table, uuid) != nil && !c.mayUse(table, uuid) {
				return fail("ID.1002", "账户[%s]无权访问资源[uuid:%s]", c.account.name, uuid)
			}
		}
	}
	return nil
}

func (c *call) mayUse(table, uuid string) bool {
	owner := c.store.Owners[uuid]
	return owner == c.account.uuid || owner == "" && table != "vm-instances" && table != "volumes"
}

// isDry says that the caller wants the checks only.
func (c *call) isDry() bool {
	return slices.Contains(c.systemTags, dryTag)
}

// hasParts compares a tag with a pattern such as "hostname::{}": the number of
// parts and the literal ones must agree.
func hasParts(tag, pattern string) bool {
	parts, wanted := strings.Split(tag, "::"), strings.Split(pattern, "::")
	if len(parts) != len(wanted) {
		return false
	}
	for i, want := range wanted {
		if strings.HasPrefix(want, "{") {
			if parts[i] == "" {
				return false
			}
		} else if parts[i] != want {
			return false
		}
	}
	return true
}
