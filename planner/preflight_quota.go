package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/spec"
)

// checkQuotas holds what the account may still have against what the machines
// add, as the server counts: a machine that is only stopped or registered runs
// no CPUs, and a root disk in the recycle bin still takes space.
func (p *preflight) checkQuotas() {
	for _, q := range slices.SortedFunc(slices.Values(p.room.Quotas), func(a, b Quota) int { return cmp.Compare(a.Name, b.Name) }) {
		take, counted := quotaTakes[q.Name]
		if !counted || q.Limit < 0 {
			continue
		}
		l := ledger{
			check:   Check{Resource: ResourceQuota, Of: q.Name, Bytes: strings.HasSuffix(q.Name, "emorySize") || strings.HasSuffix(q.Name, "capacity"), Available: q.Limit - q.Used},
			pos:     func(w *draft) spec.Pos { return w.m.At("") },
			subject: "quota " + q.Name + " of the account", code: codeOverQuota, hard: true,
			hint: "raise the quota, free some of it, or create fewer machines",
		}
		for _, w := range p.created {
			if w.bp.Strategy == "JustCreate" {
				continue // the server looks when it is started
			}
			asked, took := take(p, w)
			l.add(w, asked, took)
			if old := p.replaced(w); old != nil {
				l.chained += p.quotaOf(q.Name, old)
			}
		}
		for _, vm := range p.going {
			l.loose += p.quotaOf(q.Name, vm)
		}
		for i := range p.changes {
			if q.Name == quotaDisks {
				freed := int64(len(p.changes[i].Disks))
				if p.changes[i].Action == Replace {
					l.chained += freed
				} else {
					l.loose += freed
				}
			}
		}
		if len(l.entries) > 0 {
			l.subject += fmt.Sprintf(" (limit %s, used %s)", l.check.Amount(q.Limit), l.check.Amount(q.Used))
			p.settle(l)
		}
	}
}

// The quotas that a creation counts against.
const (
	quotaRunning  = "vm.num"
	quotaMachines = "vm.totalNum"
	quotaCPU      = "vm.cpuNum"
	quotaMemory   = "vm.memorySize"
	quotaDisks    = "volume.data.num"
	quotaSpace    = "volume.capacity"
)

// quotaTakes says what a creation asks of each quota when it begins, and what
// it has taken when it is done.
var quotaTakes = map[string]func(p *preflight, w *draft) (asked, take int64){
	quotaMachines: func(*preflight, *draft) (asked, take int64) { return 1, 1 },
	quotaRunning:  func(_ *preflight, w *draft) (asked, take int64) { return 1, w.ifRunning(1) },
	quotaCPU: func(_ *preflight, w *draft) (asked, take int64) {
		cpu, _ := w.needs()
		return cpu, w.ifRunning(cpu)
	},
	quotaMemory: func(_ *preflight, w *draft) (asked, take int64) {
		_, memory := w.needs()
		return memory, w.ifRunning(memory)
	},
	quotaDisks: func(_ *preflight, w *draft) (asked, take int64) {
		for _, d := range w.bp.DataDisks {
			if d.OfferingUUID != "" {
				asked++ // sizes are not asked for, but count afterwards
			}
		}
		return asked, int64(w.bp.ownDisks())
	},
	quotaSpace: func(p *preflight, w *draft) (asked, take int64) {
		root := p.rootSize(w)
		if w.bp.Source != spec.FromVolume {
			asked, take = root, root
		}
		if w.source != nil && w.source.MediaType == "RootVolumeTemplate" {
			asked = w.source.Size // even if the root disk is to be larger
		}
		for _, d := range w.bp.DataDisks {
			size := p.diskSize(d)
			take += size
			if d.OfferingUUID != "" {
				asked += size
			}
		}
		return asked, take
	},
}

// ifRunning is what a machine takes of something that only running ones take.
func (w *draft) ifRunning(amount int64) int64 {
	if w.bp.Strategy == "CreateStopped" {
		return 0
	}
	return amount
}

// quotaOf is what goes back to a quota when a VM is destroyed. Its data disks
// are counted apart.
func (p *preflight) quotaOf(name string, vm *Observed) int64 {
	running := int64(1)
	if slices.Contains([]string{"Stopped", "Created", "Destroying", "Destroyed"}, vm.State) {
		running = 0
	}
	switch name {
	case quotaMachines:
		return 1
	case quotaRunning:
		return running
	case quotaCPU:
		return running * int64(vm.CPU)
	case quotaMemory:
		return running * vm.Memory
	case quotaSpace:
		if p.inv.DeletionPolicy == "Direct" {
			return rootOf(vm).Size
		}
	}
	return 0
}

// rootOf returns the root disk of a VM, or an empty one.
func rootOf(vm *Observed) Disk {
	for _, d := range vm.Volumes {
		if d.Type == "Root" {
			return d
		}
	}
	return Disk{}
}
