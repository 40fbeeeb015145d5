package planner

import (
	"slices"
	"strings"
)

// settle returns what is left of a change, or what of it has moved. The change
// itself is returned if nothing has happened yet.
func (s *settler) settle(c *Change) (left *Change, moved []MovedThing) {
	was, is := facts(c.Fingerprint), facts(s.owned.fingerprint(c))
	wanted := s.wanted(c)
	rest := *c
	switch c.Action {
	case Create:
		s.born(c, &rest)
	case Update:
		s.updated(c, &rest)
	case Replace:
		s.replaced(c, &rest)
	case Delete:
		s.deleted(&rest)
	case Keep, Blocked:
	}
	rest.Disks = s.disksLeft(c)
	for _, thing := range sortedThings(was, is) {
		facts := slices.DeleteFunc(differing(was[thing], is[thing], wanted[thing]), func(f MovedFact) bool {
			return s.explained(c, thing, f, is[thing])
		})
		switch {
		case len(facts) == 0 || expunged(was[thing], is[thing]):
		case was[thing] == nil, is[thing] == nil, inRecycleBin(was[thing]["state"]) != inRecycleBin(is[thing]["state"]):
			moved = append(moved, MovedThing{thing, s.wholeThing(c, thing, facts)})
		default:
			moved = append(moved, MovedThing{thing, facts})
		}
	}
	if len(moved) > 0 {
		return c, moved
	}
	if rest.same(c) {
		return c, nil
	}
	rest.Fingerprint = s.owned.fingerprint(c)
	if rest.nothingLeft() {
		rest = Change{Key: c.Key, Name: c.Name, Action: Keep, UUID: c.UUID, Generation: c.Generation, Reason: "already as the plan wants", Pos: c.Pos}
	} else {
		rest.Notes = append(slices.Clone(c.Notes), "part of this is done already")
	}
	return &rest, nil
}

func sortedThings(was, is map[string]map[string]string) []string {
	var things []string
	for thing := range merged(was, is) {
		things = append(things, thing)
	}
	slices.Sort(things)
	return things
}

// wholeThing says of a thing that came or went, or is in the recycle bin now, only that, and of a VM that stands
// where one was to be created in what it is not that.
func (s *settler) wholeThing(c *Change, thing string, facts []MovedFact) []MovedFact {
	short := filter(facts, func(f MovedFact) bool { return f.Fact == "state" || f.Fact == "place" })
	vm := s.owned.byUUID[c.UUID]
	if vm != nil && c.Blueprint != nil && thing == vmThing(c.UUID) && len(short) == 1 {
		short[0].Found += ", but " + c.Blueprint.unlike(vm)
	}
	if len(short) == 0 {
		return facts
	}
	if short[0].Planned == absent {
		short[0].Found += s.madeBy(thing)
	}
	return short
}

// madeBy names the run that made a VM which came since the plan was made, if the
// VM's tags tell.
func (s *settler) madeBy(thing string) string {
	uuid, isVM := strings.CutPrefix(thing, vmThing(""))
	vm := s.owned.byUUID[uuid]
	if !isVM || vm == nil {
		return ""
	}
	for _, tag := range vm.UserTags {
		if run, host, ok := s.scope.ParseRunTag(tag.Text); ok {
			return ", made by run " + run + " on " + host
		}
	}
	return ""
}

// expunged: the server empties its recycle bin by itself.
func expunged(was, is map[string]string) bool {
	return inRecycleBin(was["state"]) && (is == nil || inRecycleBin(is["state"]))
}

// same reports whether a rest asks for all that the change did.
func (c *Change) same(of *Change) bool {
	return c.Action == of.Action && c.UUID == of.UUID && c.Blueprint == of.Blueprint && c.Edit == of.Edit && len(c.Disks) == len(of.Disks)
}

func (c *Change) nothingLeft() bool {
	return c.Blueprint == nil && c.Edit == nil && len(c.Disks) == 0 && (c.Action != Delete || c.UUID == "")
}

// wanted says what a change wants of the facts that it changes, by thing.
func (s *settler) wanted(c *Change) map[string]map[string]string {
	want := make(map[string]map[string]string)
	switch c.Action {
	case Create, Replace:
		want[vmThing(c.UUID)] = map[string]string{"state": "Running"}
		if c.OldUUID != "" {
			want[vmThing(c.OldUUID)] = map[string]string{"state": "Destroyed"}
			for _, tag := range editOf(c).RemoveTags {
				want[vmThing(c.OldUUID)][tagFact(tag.Text)] = absent
			}
		}
	case Delete:
		want[vmThing(c.UUID)] = map[string]string{"state": "Destroyed"}
	case Update:
		want[vmThing(c.UUID)] = editOf(c).wanted()
	case Keep, Blocked:
	}
	for _, disk := range c.Disks {
		want[diskThing(disk.UUID)] = map[string]string{"place": absent}
	}
	return want
}

func editOf(c *Change) *Edit {
	if c.Edit == nil {
		return &Edit{}
	}
	return c.Edit
}

// explained reports whether a fact that differs is the change's own work.
func (s *settler) explained(c *Change, thing string, f MovedFact, is map[string]string) bool {
	vm := s.owned.byUUID[c.UUID]
	if uuid, ok := strings.CutPrefix(thing, diskThing("")); ok {
		goes := slices.ContainsFunc(c.Disks, func(d DiskFate) bool { return d.UUID == uuid })
		if goes {
			return f.Found == absent || strings.HasSuffix(f.Found, onVM("")) // deleted, or taken off the VM that went
		}
		return f.Planned == absent && strings.HasSuffix(f.Found, onVM(c.UUID)) && c.tagsDisks()
	}
	switch {
	case c.Action == Update && thing == vmThing(c.UUID):
		return is != nil && vm != nil && c.Edit.explains(f, vm, s.scope)
	case thing == vmThing(c.OldUUID) && c.OldUUID != "":
		if is == nil || inRecycleBin(is["state"]) {
			return true
		}
		return f.Found == f.Wanted
	case (c.Action == Create || c.Action == Replace) && thing == vmThing(c.UUID):
		return vm != nil && c.Blueprint.unlike(vm) == ""
	case c.Action == Delete && thing == vmThing(c.UUID):
		return is == nil || inRecycleBin(is["state"])
	}
	return false
}

// tagsDisks reports whether a change tags disks of its VM.
func (c *Change) tagsDisks() bool {
	return c.Blueprint != nil && c.Blueprint.ownDisks() > 0 || c.Edit != nil && c.Edit.TagDisks > 0
}

// disksLeft are the disks of a change that are still to be deleted.
func (s *settler) disksLeft(c *Change) []DiskFate {
	key, _, _ := strings.Cut(c.Key, "@")
	own, ok := s.owned.byKey[key]
	return filter(c.Disks, func(fate DiskFate) bool {
		return ok && slices.ContainsFunc(own.disks, func(d Disk) bool { return d.UUID == fate.UUID })
	})
}

// born settles a creation. One that was begun is left as it is: its step looks
// for the VM before it sends anything, and goes on from there.
func (s *settler) born(c, rest *Change) {
	vm := s.owned.byUUID[c.UUID]
	if vm == nil || !settled(vm.State) || c.Blueprint.unlike(vm) != "" {
		return
	}
	if tagged := s.taggedOn(c); tagged < c.Blueprint.ownDisks() && c.Blueprint.Strategy != "JustCreate" {
		return
	}
	rest.Blueprint = nil
	if len(s.disksLeft(c)) > 0 {
		rest.Action, rest.Edit = Update, &Edit{}
	}
}

// taggedOn counts the tagged data disks of a change's VM.
func (s *settler) taggedOn(c *Change) int {
	return len(filter(s.owned.of(c.Key).disks, func(d Disk) bool { return d.VMUUID == c.UUID }))
}

// replaced settles a replacement: when the old VM is gone, what is left is a
// creation.
func (s *settler) replaced(c, rest *Change) {
	old := s.owned.byUUID[c.OldUUID]
	if old != nil && !inRecycleBin(old.State) {
		if c.Edit != nil {
			rest.Edit = c.Edit.rest(old, 0, s.scope)
		}
		return
	}
	rest.Action, rest.OldUUID, rest.Edit = Create, "", nil
	s.born(c, rest)
}

// deleted settles a deletion: when the VM is gone, its disks are left.
func (s *settler) deleted(rest *Change) {
	if vm := s.owned.byUUID[rest.UUID]; vm == nil || inRecycleBin(vm.State) {
		rest.UUID, rest.Uses = "", nil
	}
}

// updated settles an update.
func (s *settler) updated(c, rest *Change) {
	vm := s.owned.byUUID[c.UUID]
	if vm == nil || inRecycleBin(vm.State) {
		return
	}
	rest.Edit = c.Edit.rest(vm, s.taggedOn(c), s.scope)
	if rest.Edit == nil && len(s.disksLeft(c)) > 0 {
		rest.Edit = &Edit{}
	}
}
