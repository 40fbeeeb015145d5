package planner

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"zfleet/spec"
)

// Options are the operator's words to a plan.
type Options struct {
	Targets  []string // keys, groups or globs; empty means all
	Excludes []string
	// AllowDeletes and AllowReplacements raise a safety limit to a number; negative means not given.
	AllowDeletes      int
	AllowReplacements int
	AllowDisjoint     bool
	AllowShortage     bool     // what does not fit is worth a warning only
	AllowVolumeLoss   []string // keys of machines whose root disk is somebody's volume
	NextGeneration    []string // keys whose generation is known to be burnt
	// Limits and Policies are those of a destroy, which looks at no fleet file.
	Limits   spec.Limits
	Policies []spec.Policy
}

// formatVersion of plan files.
const formatVersion = "1.0"

// Build decides what has to be done so that the inventory becomes what the
// fleet asks for. Findings that point into the fleet file are returned; with an
// error among them there is no plan.
func Build(fleet *spec.Fleet, inv *Inventory, opts Options) (*Plan, spec.Diagnostics) {
	decision, found := Decide(fleet, inv, opts)
	if decision == nil {
		return nil, found
	}
	return decision.Plan(inv.Headroom)
}

func keysOfFleet(fleet *spec.Fleet) []string {
	var keys []string
	for i := range fleet.Machines {
		keys = append(keys, fleet.Machines[i].Key)
	}
	return keys
}

// builder holds what the decisions about single machines share.
type builder struct {
	fleet   *spec.Fleet // nil when everything is destroyed
	scope   Scope
	inv     *Inventory
	opts    Options
	names   *resolver
	owned   *ownership
	drafter drafter
	drafts  []*draft // every selected machine of the file
	created []*draft // those of them that are created or replaced, to be checked together
}

func (b *builder) plan(changes []Change) *Plan {
	plan := &Plan{
		FormatVersion: formatVersion, Scope: b.scope, Account: b.inv.Account,
		Endpoint: b.inv.Endpoint, ServerVersion: b.inv.Version,
		References: []Binding{}, Changes: changes, Copies: b.owned.copies,
	}
	if b.fleet != nil {
		plan.SpecDigest, plan.Limits = b.fleet.Digest, b.fleet.Limits
	}
	for i := range plan.Changes {
		change := &plan.Changes[i]
		if change.Action == Replace || change.Action == Delete && change.UUID != "" {
			plan.DeletionPolicy = b.inv.DeletionPolicy
		}
		if change.Action != Keep {
			change.Fingerprint = b.fingerprint(change)
		}
	}
	return plan
}

// finish derives the steps and seals the plan.
func (p *Plan) finish() {
	if p.Changes == nil {
		p.Changes = []Change{}
	}
	p.Steps = DeriveSteps(p.Scope, p.Changes)
	p.portable()
	p.Digest = p.digest()
	if p.Preflight != nil {
		sealed := *p.Preflight
		p.Preflight = &sealed
		sealed.Digest = p.preflightDigest()
	}
}

// machine decides about one machine of the fleet file. More than one change
// comes of it when earlier generations are left.
func (b *builder) machine(m *spec.Machine) []Change {
	own := b.owned.of(m.Key)
	w, ok := b.drafter.draft(m)
	if !ok {
		if w.missing != nil && own.live == nil {
			b.names.report(*w.missing)
		}
		return nil
	}
	b.drafts = append(b.drafts, w)
	change := Change{Key: m.Key, Name: m.Name, Pos: m.At("")}
	disks := own.diskPlaces(b.scope)
	switch {
	case m.ResourceUUID != "" && own.live == nil && b.taken(m) != "":
		change.Action, change.UUID, change.Reason = Blocked, m.ResourceUUID, b.taken(m)
	case own.live == nil:
		b.create(&change, w, own)
	default:
		b.existing(&change, w, own, disks)
	}
	change.Notes = append(change.Notes, foreignNotes(disks)...)
	b.leftDisks(&change, disks.orphans)
	if change.Action == Create || change.Action == Update || change.Action == Replace {
		change.Machine = b.portray(&change, w, own.vm())
	}
	return append([]Change{change}, b.leftovers(own, m.Name)...)
}

// taken says why an explicit UUID cannot be used, or "".
func (b *builder) taken(m *spec.Machine) string {
	for i := range b.inv.Machines {
		if vm := &b.inv.Machines[i]; vm.UUID == m.ResourceUUID {
			if inRecycleBin(vm.State) {
				return fmt.Sprintf("its resourceUuid belongs to VM %q in the recycle bin; expunge that VM, or choose another UUID", vm.Name)
			}
			return fmt.Sprintf("its resourceUuid belongs to VM %q, which is not this fleet's; choose another UUID", vm.Name)
		}
	}
	return ""
}

func (b *builder) create(change *Change, w *draft, own *owned) {
	if w.missing != nil {
		b.names.report(*w.missing)
		return
	}
	generation := b.next(own)
	change.Action, change.Reason = Create, "no machine has this key"
	if len(own.binned) > 0 {
		// Without the VM's name, so that machines that read the same fold.
		change.Reason = fmt.Sprintf("its last VM is in the recycle bin, so this is generation %d", generation)
	}
	b.birth(change, w, generation)
}

// next is the generation of a new VM, after one that the operator has given up.
func (b *builder) next(own *owned) int {
	if slices.Contains(b.opts.NextGeneration, own.key) {
		return own.next() + 1
	}
	return own.next()
}

// birth fills in what a create and a replace share.
func (b *builder) birth(change *Change, w *draft, generation int) {
	change.Generation = generation
	change.UUID = cmp.Or(w.m.ResourceUUID, b.scope.MachineUUID(change.Key, generation))
	change.Blueprint = &w.bp
	change.Uses = w.limitUses()
	if generation > MaxGeneration {
		change.Action, change.Reason = Blocked, "every generation of its UUID is used up; give the machine another key"
		return
	}
	if vm := b.owned.byUUID[change.UUID]; vm != nil {
		// It is none of the machine's, or there would be nothing to create.
		b.block(change, fmt.Sprintf("its UUID is that of VM %q, whose tags say that it is another machine; correct the tags, or pass --next-generation %s", vm.Name, change.Key))
		return
	}
	b.created = append(b.created, w)
}

// existing decides about a machine that is there.
func (b *builder) existing(change *Change, w *draft, own *owned, disks diskPlaces) {
	vm := own.live
	change.UUID, change.Generation = vm.UUID, vm.generation
	change.Uses = vmUses(vm.Observed)
	if vm.former != nil {
		switch {
		case vm.tags.has(releasedTag):
			b.block(change, fmt.Sprintf("it was made as %s and released from the fleet; take it out of the file, or remove the tag %s", vm.former, vm.former.TagPrefix()+releasedTag))
			return
		case !settled(vm.State):
			b.wait(change, vm, fmt.Sprintf("it was made as %s and is %s; plan again when it has settled", vm.former, vm.State))
			return
		}
		b.takeOver(change, w, vm)
		return
	}
	c := compare(b.scope, w, vm, disks, b.names)
	change.Differences, change.Notes = c.differences, c.notes
	switch {
	case w.m.ResourceUUID != "" && w.m.ResourceUUID != vm.UUID:
		b.block(change, fmt.Sprintf("it has the UUID %s, and a UUID cannot be changed; take resourceUuid out of the file, or destroy the machine first", vm.UUID))
	case vm.tags.has(releasedTag):
		b.block(change, "it was released from the fleet; take it out of the file, or remove the tag "+b.scope.TagPrefix()+releasedTag)
	case len(c.differences) == 0 && c.blocked == "":
		b.keep(change, w, vm)
	case !settled(vm.State):
		b.wait(change, vm, unsettled(vm.State))
	case w.beingMade(vm):
		b.wait(change, vm, unstarted(change.Key)) // an update would make a hollow row look like a machine
	case c.forced():
		b.replace(change, w, own, c, disks)
	case c.blocked != "":
		b.block(change, c.blocked)
	default:
		change.Action, change.Edit = Update, &c.edit
		change.Reason = "differs in " + fields(c.differences, func(Difference) bool { return true })
	}
}

func (b *builder) block(change *Change, reason string) {
	change.Action, change.Reason, change.Edit, change.Blueprint = Blocked, reason, nil, nil
}

func fields(differences []Difference, which func(Difference) bool) string {
	var names []string
	for _, d := range filter(differences, which) {
		names = append(names, d.Field)
	}
	return strings.Join(names, ", ")
}

// replace decides about a machine that only a new VM can make right.
func (b *builder) replace(change *Change, w *draft, own *owned, c *comparison, disks diskPlaces) {
	reasons := fields(c.differences, func(d Difference) bool { return d.ForcesReplace })
	switch {
	case w.m.Lifecycle.Protect:
		b.block(change, fmt.Sprintf("it would be replaced because of %s, but is protected", reasons))
		change.Protected = true
		return
	case w.m.ResourceUUID != "":
		b.block(change, fmt.Sprintf("it would be replaced because of %s, but its resourceUuid stays with the old VM until that is expunged", reasons))
		return
	case own.live.tags.sourceKind() == spec.FromVolume:
		b.block(change, fmt.Sprintf("it would be replaced because of %s, and the volume that is its root disk would go with the old VM", reasons))
		return
	case w.missing != nil:
		b.names.report(*w.missing)
		return
	}
	change.Action, change.OldUUID, change.Reason = Replace, own.live.UUID, reasons+" can be had on a new VM only"
	change.Disks = fates(b.scope, change.Key, slices.Concat(disks.attached, disks.detached))
	change.Notes = append(change.Notes, strangeDisks(own.live.Observed, change.Disks)...)
	change.Edit = protectionEdit(c)
	b.birth(change, w, b.next(own))
	if change.Action == Blocked {
		change.OldUUID, change.Disks = "", nil
		return
	}
	change.Uses = append(change.Uses, filter(vmUses(own.live.Observed), func(u Use) bool { return !slices.Contains(change.Uses, u) })...)
}

// protectionEdit keeps of an update what must go before a replacement: the
// protection that the file has given up.
func protectionEdit(c *comparison) *Edit {
	protect, ok := c.vm.tags.other[protectTag]
	if !ok {
		return nil
	}
	return &Edit{RemoveTags: []Tag{protect}}
}

// leftDisks adds disks that VMs of earlier generations left.
func (b *builder) leftDisks(change *Change, orphans []Disk) {
	if len(orphans) == 0 {
		return
	}
	switch change.Action {
	case Blocked:
		change.Notes = append(change.Notes, fmt.Sprintf("%d data disks are left of its earlier VMs", len(orphans)))
		return
	case Keep:
		change.Action, change.Edit = Update, &Edit{}
		change.Reason = "data disks are left of its earlier VMs"
	case Create, Update, Replace, Delete:
	}
	change.Disks = append(change.Disks, fates(b.scope, change.Key, orphans)...)
}

func foreignNotes(disks diskPlaces) []string {
	var notes []string
	for _, d := range disks.foreign {
		notes = append(notes, fmt.Sprintf("its data disk %q is attached to VM %s and is left alone", d.Name, d.VMUUID))
	}
	for _, d := range disks.detached {
		notes = append(notes, fmt.Sprintf("its data disk %q (%s) is detached", d.Name, formatSize(d.Size)))
	}
	return notes
}

// leftovers are live VMs of lower generations: two machines where one was
// meant, which only a person can decide about.
func (b *builder) leftovers(own *owned, name string) []Change {
	var changes []Change
	for _, m := range own.leftovers {
		if m.tags.has(releasedTag) {
			continue // somebody took it over
		}
		changes = append(changes, Change{
			Key: fmt.Sprintf("%s@%d", own.key, m.generation), Name: cmp.Or(m.Name, name), Action: Blocked, UUID: m.UUID, Generation: m.generation,
			Reason: fmt.Sprintf("VM of generation %d, left when generation %d was made; destroy it by hand if it is not needed", m.generation, own.live.generation),
		})
	}
	return changes
}

// absent decides about what the fleet owns and the file does not have.
func (b *builder) absent(s *selection) []Change {
	inFile := make(map[string]bool)
	if b.fleet != nil {
		for _, key := range keysOfFleet(b.fleet) {
			inFile[key] = true
		}
	}
	var changes []Change
	for _, key := range slices.SortedFunc(maps.Keys(b.owned.byKey), compareKeys) {
		if own := b.owned.byKey[key]; !inFile[key] && s.has(key) {
			if own.live != nil {
				changes = append(changes, b.remove(own))
				changes = append(changes, b.leftovers(own, "")...)
			} else if disks := own.diskPlaces(b.scope); len(disks.orphans) > 0 {
				changes = append(changes, Change{Key: key, Action: Delete, Reason: "its VM is gone, its data disks are left",
					Disks: fates(b.scope, key, disks.orphans), Notes: foreignNotes(disks)})
			}
		}
	}
	return changes
}

// remove decides about the deletion of a machine.
func (b *builder) remove(own *owned) Change {
	vm := own.live
	disks := own.diskPlaces(b.scope)
	change := Change{Key: own.key, Name: vm.Name, Action: Delete, UUID: vm.UUID, Generation: vm.generation,
		Reason: "not in the fleet file", Uses: vmUses(vm.Observed), Notes: foreignNotes(diskPlaces{foreign: disks.foreign})}
	switch {
	case vm.former != nil:
		b.block(&change, fmt.Sprintf("it was made as %s: apply once with the machine in the file, or destroy it under that name and id", vm.former))
	case vm.tags.has(releasedTag):
		b.block(&change, "it was released from the fleet and is left alone")
		change.Protected = true
	case vm.tags.has(protectTag):
		b.block(&change, "it is protected: set lifecycle.protect to false and apply that first")
		change.Protected = true
	case vm.tags.has(keepDisksTag):
		b.block(&change, "its tag keep-disks forbids to delete its data disks, and this zfleet cannot detach them; detach them by hand and remove the tag "+b.scope.TagPrefix()+keepDisksTag)
	case vm.tags.sourceKind() == spec.FromVolume && !slices.Contains(b.opts.AllowVolumeLoss, own.key):
		b.block(&change, "the volume that it was made from is its root disk and would go with it; allow that with --allow-volume-loss "+own.key)
	case vm.mayHoldVolume() && !slices.Contains(b.opts.AllowVolumeLoss, own.key):
		b.block(&change, "no tag says what it was made from, so its root disk may be somebody's volume; allow its loss with --allow-volume-loss "+own.key)
	case !settled(vm.State) && vm.State != "Unknown" && vm.State != "NoState":
		b.wait(&change, vm, unsettled(vm.State))
	default:
		change.Disks = fates(b.scope, own.key, slices.Concat(disks.attached, disks.detached, disks.orphans))
		change.Notes = append(change.Notes, strangeDisks(vm.Observed, change.Disks)...)
		change.Machine = b.portrayVM(vm.Observed, nil)
	}
	return change
}

// strangeDisks names the data disks of a VM that outlive it, because nothing
// proves that they came with it.
func strangeDisks(vm *Observed, deleted []DiskFate) []string {
	var notes []string
	for _, v := range vm.Volumes {
		if v.Type == "Data" && !slices.ContainsFunc(deleted, func(d DiskFate) bool { return d.UUID == v.UUID }) {
			notes = append(notes, fmt.Sprintf("its data disk %q (%s, %s) has no tag of the fleet and is kept", v.Name, formatSize(v.Size), v.UUID))
		}
	}
	return notes
}
