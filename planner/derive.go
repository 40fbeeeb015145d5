package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// DeriveSteps returns the steps that follow from changes, and from nothing
// else, so that a plan file can be checked against itself.
func DeriveSteps(scope Scope, changes []Change) []Step {
	steps := []Step{}
	for i := range changes {
		d := deriver{scope: scope, change: &changes[i]}
		switch changes[i].Action {
		case Create:
			d.createAmongDisks()
		case Update:
			d.update()
			d.deleteDisks("")
		case Replace:
			d.replace()
		case Delete:
			d.delete()
		case Keep, Blocked:
		}
		steps = append(steps, d.steps...)
	}
	return inOrder(steps)
}

// inOrder puts steps behind those that they need, and leaves the order as it is
// where that is so already. Needs for which there is no step are dropped.
func inOrder(steps []Step) []Step {
	at := make(map[StepID]int, len(steps))
	for i := range steps {
		at[steps[i].ID] = i
	}
	ordered := make([]Step, 0, len(steps))
	placed := make([]bool, len(steps))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		if steps[i].Needs = slices.DeleteFunc(steps[i].Needs, func(need StepID) bool { _, ok := at[need]; return !ok }); len(steps[i].Needs) == 0 {
			steps[i].Needs = nil
		}
		for _, need := range steps[i].Needs {
			place(at[need])
		}
		ordered = append(ordered, steps[i])
	}
	for i := range steps {
		place(i)
	}
	return ordered
}

// deriver makes the steps of one change.
type deriver struct {
	scope  Scope
	change *Change
	steps  []Step
}

// add appends a step that follows the one before, if chained.
func (d *deriver) add(vm string, op Op, suffix string, needs ...StepID) StepID {
	id := StepID(d.change.Key + " " + op.Verb())
	if suffix != "" {
		id += StepID(" " + suffix)
	}
	needs = slices.DeleteFunc(slices.Clone(needs), func(need StepID) bool { return need == "" })
	if len(needs) == 0 {
		needs = nil
	}
	d.steps = append(d.steps, Step{ID: id, Key: d.change.Key, UUID: vm, Op: op, Needs: needs, Uses: d.uses(op)})
	return id
}

// uses leaves to each operation what it burdens: only creations read a source
// and write to storage.
func (d *deriver) uses(op Op) []Use {
	_, creates := op.(CreateVM)
	var uses []Use
	for _, use := range d.change.Uses {
		if creates || use.Class == UseCluster || use.Class == UseHost {
			uses = append(uses, use)
		}
	}
	return uses
}

func (d *deriver) create(needs ...StepID) {
	c := d.change
	for _, key := range c.After {
		needs = append(needs, StepID(key+" "+DestroyVM{}.Verb()))
	}
	created := d.add(c.UUID, CreateVM{Blueprint: *c.Blueprint, Generation: c.Generation}, "", needs...)
	step := &d.steps[len(d.steps)-1]
	step.Claims, step.Yields = addressOrder(c.Blueprint.NICs)
	// With JustCreate the disks do not exist before the first start.
	if n := c.Blueprint.ownDisks(); n > 0 && c.Blueprint.Strategy != "JustCreate" {
		d.tagDisks(n, c.Blueprint.attachedVolumes(), created)
	}
}

// addressOrder says where a machine takes addresses of its own choice, and
// where any. A machine with both only claims, so that no two wait for each other.
func addressOrder(nics []NICPlan) (claims, yields []string) {
	for _, nic := range nics {
		if nic.IP != "" {
			claims = append(claims, nic.NetworkUUID)
		} else {
			yields = append(yields, nic.NetworkUUID)
		}
	}
	if claims != nil {
		return claims, nil
	}
	return nil, yields
}

func (d *deriver) tagDisks(count int, attached []string, needs ...StepID) StepID {
	return d.add(d.change.UUID, TagDisks{Tag: d.scope.DiskTag(d.change.Key, d.change.Generation), Count: count, Attached: attached}, "", needs...)
}

// createAmongDisks creates a VM, and deletes the disks that earlier ones left. A
// server without a recycle bin forgets that a VM of this generation was there, so
// that its disks say nothing that those of the new one do not: they go first, for
// a run that is cut off in between would leave them as the new VM's own.
func (d *deriver) createAmongDisks() {
	alike := slices.ContainsFunc(d.change.Disks, func(disk DiskFate) bool {
		_, generation, ok := d.scope.ParseDiskTag(disk.Tag)
		return ok && generation == d.change.Generation
	})
	if alike {
		d.create(d.deleteDisks("")...)
		return
	}
	d.create()
	d.deleteDisks("")
}

// deleteDisks deletes the data disks of a change, after the step that frees them.
func (d *deriver) deleteDisks(vm string, needs ...StepID) []StepID {
	var deleted []StepID
	for i, disk := range d.change.Disks {
		suffix := ""
		if len(d.change.Disks) > 1 {
			suffix = fmt.Sprint(i + 1)
		}
		deleted = append(deleted, d.add(vm, DeleteDisk{VolumeUUID: disk.UUID, Tag: disk.Tag}, suffix, needs...))
	}
	return deleted
}

func (d *deriver) delete() {
	if d.change.UUID == "" {
		d.deleteDisks("")
		return
	}
	destroyed := d.add(d.change.UUID, DestroyVM{Scope: d.scope}, "")
	d.deleteDisks(d.change.UUID, destroyed)
}

// replace destroys the old VM before it creates the new one, which may need
// the old one's addresses.
func (d *deriver) replace() {
	c := d.change
	var last StepID
	if c.Edit != nil {
		for i, tag := range c.Edit.RemoveTags {
			last = d.add(c.OldUUID, RemoveTag{Tag: tag.Text}, ordinal(i, len(c.Edit.RemoveTags)), last)
		}
	}
	destroyed := d.add(c.OldUUID, DestroyVM{Scope: d.scope}, "", last)
	d.deleteDisks(c.OldUUID, destroyed)
	d.create(destroyed)
}

// update makes one chain: tags of ours that are new come first and those that
// are old go last, so that a chain that is cut shows.
func (d *deriver) update() {
	e, vm := d.change.Edit, d.change.UUID
	var last StepID
	then := func(op Op, suffix string) { last = d.add(vm, op, suffix, last) }
	restart := d.scope.RestartTag()
	adds := slices.Clone(e.AddTags)
	if e.Stop && !slices.ContainsFunc(e.RemoveTags, func(t Tag) bool { return t.Text == restart }) {
		adds = append(adds, restart)
	}
	for i, tag := range adds {
		then(AddTag{Tag: tag}, ordinal(i, len(adds)))
	}
	if e.Stop {
		then(StopVM{}, "")
	}
	if u := e.fields(); u != (UpdateVM{}) {
		then(u, "")
	}
	if e.OfferingUUID != "" {
		then(ChangeOffering{OfferingUUID: e.OfferingUUID}, "")
	}
	if e.Hostname != nil {
		then(SetHostname{Hostname: *e.Hostname}, "")
	}
	if e.Password != nil {
		then(SetConsolePassword{Secret: *e.Password}, "")
	}
	if e.TagDisks > 0 {
		last = d.tagDisks(e.TagDisks, nil, last)
	}
	for i, uuid := range e.AttachTags {
		then(AttachTag{TagUUID: uuid}, ordinal(i, len(e.AttachTags)))
	}
	for i, uuid := range e.DetachTags {
		then(DetachTag{TagUUID: uuid}, ordinal(i, len(e.DetachTags)))
	}
	if e.Stop || e.Start {
		then(StartVM{}, "")
	}
	removes := slices.Clone(e.RemoveTags)
	if e.Stop && !slices.ContainsFunc(removes, func(t Tag) bool { return t.Text == restart }) {
		removes = append(removes, Tag{Text: restart})
	}
	slices.SortStableFunc(removes, compareRemovals)
	for i, tag := range removes {
		then(RemoveTag{Tag: tag.Text}, ordinal(i, len(removes)))
	}
}

// compareRemovals puts zfleet's own tags last: they say what the others are.
func compareRemovals(a, b Tag) int {
	rank := func(t Tag) int {
		if strings.HasPrefix(t.Text, TagNamespace) {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Text, b.Text))
}

// fields returns the part of an edit that one request changes.
func (e *Edit) fields() UpdateVM {
	return UpdateVM{Name: e.Name, Description: e.Description, CPU: e.CPU, Memory: e.Memory, Reserved: e.Reserved,
		Platform: e.Platform, GuestOSType: e.GuestOSType, DefaultNetwork: e.DefaultNetwork}
}

// ordinal numbers steps of one verb, where there are several.
func ordinal(i, of int) string {
	if of < 2 {
		return ""
	}
	return fmt.Sprint(i + 1)
}
