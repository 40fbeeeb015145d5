package planner

import (
	"cmp"
	"fmt"
	"strings"

	"zfleet/spec"
)

// check finds, over all machines that are to be created, what the server would
// refuse only after a while.
func (b *builder) check() {
	b.checkVolumes()
	for _, w := range b.created {
		for _, use := range w.uses {
			b.checkUse(w, use)
		}
		for level, entry := range map[Kind]*Entry{KindZone: w.site.zone, KindCluster: w.site.cluster, KindHost: w.site.host} {
			if entry != nil {
				b.checkPlace(w, level, entry)
			}
		}
		if w.source != nil && w.source.MediaType == "ISO" && (w.bp.RootDisk == nil || w.bp.RootDisk.OfferingUUID == "" && w.bp.RootDisk.Size == 0) {
			b.names.errorf(w.m.At("source.image"), "iso-without-root-disk", "add rootDisk: {size: 40GiB}, or a rootDisk.offering",
				"image %q is an ISO, which has no size for the root disk", w.source.Name)
		}
	}
	b.uncounted()
}

// checkPlace reports a part of the placement that takes no machines.
func (b *builder) checkPlace(w *draft, level Kind, entry *Entry) {
	pos := w.m.At("placement." + string(level))
	switch {
	case entry.State == "Disabled":
		b.names.errorf(pos, "not-enabled", "enable it, or place the machine elsewhere", "%s %q is Disabled", level, entry.Name)
	case level == KindHost && (entry.State == "Maintenance" || entry.State == "PreMaintenance"):
		b.names.errorf(pos, "not-enabled", "wait for the end of the maintenance, or place the machine elsewhere", "host %q is in %s", entry.Name, entry.State)
	case level == KindHost && entry.Status != "" && entry.Status != "Connected":
		b.names.errorf(pos, "not-ready", "reconnect it, or place the machine elsewhere", "host %q is %s", entry.Name, entry.Status)
	}
}

// checkUse reports a reference that is bound, but to something unusable.
func (b *builder) checkUse(w *draft, use bound) {
	e, pos := use.entry, w.m.At(use.path)
	if e.State != "" && e.State != "Enabled" {
		b.names.errorf(pos, "not-enabled", "enable it, or choose another", "%s %q is %s", use.kind, e.Name, e.State)
		return
	}
	if e.Status != "" && e.Status != "Ready" && e.Status != "Connected" {
		b.names.errorf(pos, "not-ready", "wait until it is ready, or choose another", "%s %q is %s", use.kind, e.Name, e.Status)
		return
	}
	if !w.site.admits(*e) {
		b.names.errorf(pos, "out-of-reach", fmt.Sprintf("use a %s of that place, or change the placement", use.kind),
			"%s %q cannot be used in %s, where group %s is placed", use.kind, e.Name, b.siteName(w.site), w.m.Group)
	}
	switch use.kind {
	case KindImage:
		b.checkImage(w, use)
	case KindInstanceOffering:
		if e.Type != "" && e.Type != "UserVm" {
			b.names.errorf(pos, "wrong-kind", "choose an offering of type UserVm", "instance offering %q is of type %s", e.Name, e.Type)
		}
	case KindNetwork:
		if e.System && w.m.Type != "ApplianceVm" {
			b.names.errorf(pos, "wrong-kind", "choose a network for user VMs", "network %q is a system network", e.Name)
		}
	}
}

// checkImage reports an image that is not for what it is used for.
func (b *builder) checkImage(w *draft, use bound) {
	e, pos := use.entry, w.m.At(use.path)
	if e.MediaType == "" {
		return
	}
	isSource := use.path == "source.image"
	switch {
	case isSource && e.MediaType != "RootVolumeTemplate" && e.MediaType != "ISO":
		b.names.errorf(pos, "wrong-kind", "choose a root volume template or an ISO", "image %q is a %s", e.Name, e.MediaType)
	case isSource && e.System && w.m.Type != "ApplianceVm":
		b.names.errorf(pos, "wrong-kind", "choose an image for user VMs", "image %q is a system image", e.Name)
	case !isSource && e.MediaType != "DataVolumeTemplate":
		b.names.errorf(pos, "wrong-kind", "choose a data volume template", "image %q is a %s", e.Name, e.MediaType)
	}
}

// checkVolumes reports existing volumes that cannot become a disk of a machine:
// used twice, or attached to another VM.
func (b *builder) checkVolumes() {
	first := make(map[string]bound)
	owner := make(map[string]*draft)
	for _, w := range b.drafts {
		for _, use := range w.uses {
			if use.kind != KindVolume {
				continue
			}
			uuid, pos := use.entry.UUID, w.m.At(use.path)
			if before, ok := owner[uuid]; ok && !use.entry.Shareable {
				at := before.m.At(first[uuid].path)
				b.names.errorf(pos, "volume-used-twice", "a volume is a disk of one machine at a time: use another volume, or a snapshot of it",
					"volume %q is used by %s and by %s (%s)", use.entry.Name, w.m.Key, before.m.Key, cmp.Or(at.String(), "the same file"))
				continue
			}
			owner[uuid], first[uuid] = w, use
		}
	}
	for _, w := range b.created {
		own := b.owned.of(w.m.Key)
		for _, use := range w.uses {
			if use.kind != KindVolume {
				continue
			}
			b.checkVolume(w, use, own)
		}
	}
}

func (b *builder) checkVolume(w *draft, use bound, own *owned) {
	e, pos := use.entry, w.m.At(use.path)
	if e.Shareable && use.path == "source.volume" {
		b.names.errorf(pos, "wrong-kind", "choose a volume that is not shareable", "volume %q is shareable and cannot become a root disk", e.Name)
	}
	if e.VMUUID == "" || own.live != nil && own.live.UUID == e.VMUUID {
		return
	}
	for _, m := range own.binned {
		if m.UUID == e.VMUUID {
			b.names.errorf(pos, "volume-in-recycle-bin", fmt.Sprintf("recover VM %s, or detach its root disk by expunging it with the volume kept", m.UUID),
				"volume %q is the root disk of this machine's last VM, which is in the recycle bin", e.Name)
			return
		}
	}
	b.names.errorf(pos, "volume-attached", "detach it first, or use another volume",
		"volume %q is attached to VM %s", e.Name, e.VMUUID)
}

// siteName says a site in names.
func (b *builder) siteName(s site) string {
	switch {
	case s.host != nil:
		return "host " + s.host.Name
	case s.cluster != nil:
		return "cluster " + s.cluster.Name
	case s.zone != nil:
		return "zone " + s.zone.Name
	}
	return "any place"
}

// refusals are the safety limits and guards that a plan breaks.
func (b *builder) refusals(changes []Change) []Refusal {
	var refusals []Refusal
	deletes, replacements := 0, 0
	for _, c := range changes {
		switch {
		case c.Action == Delete && c.UUID != "":
			deletes++
		case c.Action == Replace:
			replacements++
		}
	}
	limit := func(code, noun, flag, field string, count int, amount spec.Amount, allowed int) {
		bound := amount.Of(b.owned.live)
		if !amount.Set || count <= max(bound, allowed) {
			return
		}
		if count == 1 {
			noun = "machine" + strings.TrimPrefix(noun, "machines")
		}
		text := fmt.Sprint(bound)
		if amount.Percent {
			text = fmt.Sprintf("%d (%d%% of %d)", bound, amount.Value, b.owned.live)
		}
		refusals = append(refusals, Refusal{Code: code,
			Message: fmt.Sprintf("%d %s, and safety.%s is %s", count, noun, field, text),
			Hint:    fmt.Sprintf("if that is what you want, pass %s %d", flag, count)})
	}
	safety := b.fleet.Safety
	limit("max-deletes", "machines would be deleted", "--allow-deletes", "maxDeletes", deletes, safety.MaxDeletes, b.opts.AllowDeletes)
	limit("max-replacements", "machines would be replaced", "--allow-replacements", "maxReplacements", replacements, safety.MaxReplacements, b.opts.AllowReplacements)
	if b.owned.live > 0 && !b.opts.AllowDisjoint && b.disjoint() {
		none := "none of them is"
		if b.owned.live == 1 {
			none = "it is not"
		}
		refusals = append(refusals, Refusal{Code: "disjoint",
			Message: fmt.Sprintf("fleet %s owns %s, and %s in this file", b.scope, countMachines(b.owned.live), none),
			Hint:    "check that it is the right file, name and id; if it is, pass --allow-disjoint"})
	}
	if b.owned.live == 0 && len(b.created) > 0 && !b.opts.AllowDisjoint {
		for _, r := range b.inv.Relatives {
			refusals = append(refusals, Refusal{Code: "renamed",
				Message: fmt.Sprintf("fleet %s owns nothing yet, but fleet %s owns %s: was the file's name or id changed?", b.scope, r.Scope, countMachines(r.Machines)),
				Hint:    fmt.Sprintf("if it was, add formerly: [{name: %s, id: %s}]; if these are two fleets, pass --allow-disjoint", r.Scope.Name, r.Scope.ID)})
		}
	}
	return refusals
}

func countMachines(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}

// disjoint reports whether the file has none of the machines that the fleet owns.
func (b *builder) disjoint() bool {
	for i := range b.fleet.Machines {
		if own, ok := b.owned.byKey[b.fleet.Machines[i].Key]; ok && own.live != nil {
			return false
		}
	}
	return true
}
