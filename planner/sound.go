package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zfleet/spec"
)

// sound reports where a plan contradicts itself: what no planning could have
// come to, although its digest fits. It catches an edit that was sealed again as
// far as a plan can tell of itself. What it cannot tell, such as a refusal that
// was taken out, only the digest that a reviewer has seen protects.
func (p *Plan) sound() error {
	if p.Scope.Name == "" || p.Scope.ID == "" {
		return fmt.Errorf("the plan is of a fleet without a name or an id")
	}
	for _, limit := range []int{p.Limits.Parallelism, p.Limits.PerCluster, p.Limits.PerHost, p.Limits.PerPrimaryStorage, p.Limits.PerSource, p.Limits.StepTimeoutSecs} {
		if limit < 0 {
			return fmt.Errorf("the plan has a limit below zero")
		}
	}
	if p.Limits.RequestsPerSecond < 0 {
		return fmt.Errorf("the plan has a limit below zero")
	}
	kinds := make(map[string][]Kind)
	for _, b := range p.References {
		kinds[b.UUID] = append(kinds[b.UUID], b.Kind)
	}
	seen := make(map[string]bool)
	for i := range p.Changes {
		c := &p.Changes[i]
		if seen[c.Key] {
			return fmt.Errorf("two changes have the key %q", c.Key)
		}
		seen[c.Key] = true
		what := c.unsound(p.Scope, kinds)
		if what == "" && !c.idle() {
			what = c.forged(p.Scope, p.References)
		}
		if what != "" {
			return fmt.Errorf("change %q %s", c.Key, what)
		}
	}
	return nil
}

// unsound says in what a change contradicts itself, or "".
func (c *Change) unsound(scope Scope, kinds map[string][]Kind) string {
	if c.idle() {
		if c.Blueprint != nil || c.Edit != nil || len(c.Disks) > 0 {
			return fmt.Sprintf("is to be %s and says how to do something", map[Action]string{Keep: "kept", Blocked: "blocked"}[c.Action])
		}
		return ""
	}
	if c.Generation < 0 || c.Generation > MaxGeneration {
		return fmt.Sprintf("has the generation %d, which no machine has", c.Generation)
	}
	if what := c.unsoundMachine(scope); what != "" {
		return what
	}
	for _, disk := range c.Disks {
		if key, _, ok := scope.ParseDiskTag(disk.Tag); !ok || key != c.Key {
			return fmt.Sprintf("deletes disk %s, whose tag is not that of the machine's disks", disk.UUID)
		}
		if !slices.ContainsFunc(c.Fingerprint, func(line string) bool { return strings.HasPrefix(line, diskThing(disk.UUID)+": ") }) {
			return fmt.Sprintf("deletes disk %s, which it has not seen", disk.UUID)
		}
	}
	for _, uuid := range c.refs() {
		if kinds[uuid] == nil {
			return fmt.Sprintf("uses %s, which is not among the references", uuid)
		}
	}
	if b := c.Blueprint; b != nil && b.Source != spec.FromImage && b.Source != spec.FromVolume && b.Source != spec.FromSnapshot {
		return fmt.Sprintf("is made from the unknown source %q", b.Source)
	}
	if b := c.Blueprint; b != nil && !slices.Contains(kinds[b.SourceUUID], sourceKind(b.Source)) {
		return fmt.Sprintf("is made from %s, which is no %s among the references", b.SourceUUID, sourceKind(b.Source))
	}
	return c.unshown()
}

// unsoundMachine says which VM of a change cannot be the machine's, or "".
func (c *Change) unsoundMachine(scope Scope) string {
	switch c.Action {
	case Create, Replace:
		adopts := slices.Contains(c.Blueprint.UserTags, scope.TagPrefix()+"adopted::"+c.UUID)
		if c.UUID != scope.MachineUUID(c.Key, c.Generation) && !adopts {
			return fmt.Sprintf("creates a VM with the UUID %s, which is not the machine's", c.UUID)
		}
		if what := c.Blueprint.unsoundTags(scope, c.Key); what != "" {
			return what
		}
		if c.Blueprint.Name != c.Name {
			return fmt.Sprintf("is called %q and creates %q", c.Name, c.Blueprint.Name)
		}
		if c.Action == Replace && !c.proven(scope, c.OldUUID) {
			return fmt.Sprintf("destroys VM %s, which is not proven to be the machine", c.OldUUID)
		}
	case Update:
		takesOver := slices.Contains(c.Edit.AddTags, scope.TagPrefix()+"adopted::"+c.UUID)
		if !c.proven(scope, c.UUID) && !c.saw(c.UUID, scope.KeyTag(c.Key)) && !takesOver {
			return fmt.Sprintf("changes VM %s, which is not proven to be the machine", c.UUID)
		}
	case Delete:
		if c.UUID != "" && !c.proven(scope, c.UUID) {
			return fmt.Sprintf("destroys VM %s, which is not proven to be the machine", c.UUID)
		}
	case Keep, Blocked:
	}
	return ""
}

// proven reports whether a VM is the machine's by its UUID, or by the tag that
// the plan saw on it.
func (c *Change) proven(scope Scope, uuid string) bool {
	_, computed := scope.Generation(c.Key, uuid)
	if computed || c.Key == untaggedKey(uuid) && strings.HasPrefix(uuid, scope.UUIDPrefix()) {
		return slices.ContainsFunc(c.Fingerprint, func(line string) bool { return strings.HasPrefix(line, vmThing(uuid)+" ") })
	}
	return c.saw(uuid, scope.TagPrefix()+"adopted::"+uuid)
}

// saw reports whether the plan saw a tag on a VM.
func (c *Change) saw(uuid, tag string) bool {
	return slices.Contains(c.Fingerprint, vmThing(uuid)+" tag: "+tag)
}

// unsoundTags says which of zfleet's tags a new VM lacks or must not have.
func (b *Blueprint) unsoundTags(scope Scope, key string) string {
	if !slices.Contains(b.UserTags, scope.KeyTag(key)) {
		return "creates a VM without the tag " + scope.KeyTag(key)
	}
	for _, tag := range b.UserTags {
		foreign := strings.HasPrefix(tag, TagNamespace) && !strings.HasPrefix(tag, scope.TagPrefix())
		if foreign || strings.HasPrefix(tag, scope.KeyTag("")) && tag != scope.KeyTag(key) {
			return fmt.Sprintf("creates a VM with the tag %s, which is another machine's", tag)
		}
	}
	return ""
}

// unshown says what an edit does and the differences, which people read, do not
// say, or "".
func (c *Change) unshown() string {
	if c.Action != Update {
		return ""
	}
	shown := make(map[string]*Difference)
	for i := range c.Differences {
		shown[c.Differences[i].Field] = &c.Differences[i]
	}
	text := func(value *string) (string, bool) { return valueOf(value), value != nil }
	number := func(value *int) (string, bool) { return strconv.Itoa(valueOf(value)), value != nil }
	size := func(value *int64) (string, bool) { return formatSize(valueOf(value)), value != nil }
	e := c.Edit
	for _, part := range []struct {
		field string
		value func() (string, bool)
	}{
		{"name", func() (string, bool) { return text(e.Name) }},
		{"description", func() (string, bool) { return text(e.Description) }},
		{"platform", func() (string, bool) { return text(e.Platform) }},
		{"guestOsType", func() (string, bool) { return text(e.GuestOSType) }},
		{"hostname", func() (string, bool) { return text(e.Hostname) }},
		{"cpu", func() (string, bool) { return number(e.CPU) }},
		{"memory", func() (string, bool) { return size(e.Memory) }},
		{"reservedMemory", func() (string, bool) { return size(e.Reserved) }},
	} {
		value, set := part.value()
		if d := shown[part.field]; set && (d == nil || d.After != value) {
			return fmt.Sprintf("sets %s to %q, which its differences do not say", part.field, value)
		}
	}
	for _, part := range []struct {
		field string
		does  bool
	}{
		{"instanceOffering", e.OfferingUUID != ""}, {"networks", e.DefaultNetwork != nil}, {"consolePassword", e.Password != nil},
		{"tags", len(e.AttachTags)+len(e.DetachTags) > 0},
	} {
		if part.does && shown[part.field] == nil {
			return fmt.Sprintf("changes %s, which its differences do not say", part.field)
		}
	}
	return ""
}
