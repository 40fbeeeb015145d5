package cloud

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"zfleet/executor"
	"zfleet/internal/zstack"
)

// States of VMs that the driver knows; any other is possible.
const (
	stateCreated    = "Created"
	stateRunning    = "Running"
	stateStopped    = "Stopped"
	statePaused     = "Paused"
	stateDestroyed  = "Destroyed"
	stateDestroying = "Destroying"
	stateExpunging  = "Expunging"
)

// moving are the states that a VM leaves by itself.
var moving = []string{"Starting", "Stopping", "Rebooting", "Migrating", "Pausing", "Resuming",
	"VolumeMigrating", "VolumeRecovering", stateDestroying, stateExpunging}

// gone reports whether a VM is in the recycle bin or on its way there.
func gone(state string) bool {
	return state == stateDestroyed || state == stateDestroying || state == stateExpunging
}

// lookups remembers what was read under a UUID. A read that failed is not
// remembered. Two tasks may read the same thing at once; that is harmless.
type lookups[T any] struct {
	mu    sync.Mutex
	known map[string]T
}

func (l *lookups[T]) get(uuid string, read func() (T, error)) (T, error) {
	l.mu.Lock()
	value, ok := l.known[uuid]
	l.mu.Unlock()
	if ok {
		return value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = make(map[string]T)
	}
	l.known[uuid] = value
	return value, nil
}

// vm reads one VM; false means that it does not exist or is not visible.
func (d *Driver) vm(ctx context.Context, uuid string) (zstack.VM, bool, error) {
	return zstack.Get[zstack.VM](ctx, d.client, "/vm-instances", uuid)
}

// facts says what a VM row shows. The host's name is read once per host; where
// that fails its UUID stands in.
func (d *Driver) facts(ctx context.Context, vm zstack.VM) *executor.Facts {
	f := &executor.Facts{UUID: vm.UUID, Name: vm.Name, State: vm.State}
	for _, nic := range sortedNICs(vm.NICs) {
		f.IPs = append(f.IPs, addresses(nic)...)
	}
	if vm.HostUUID != "" {
		name, err := d.hosts.get(vm.HostUUID, func() (string, error) {
			host, _, err := zstack.Get[zstack.Host](ctx, d.client, "/hosts", vm.HostUUID)
			return host.Name, err
		})
		if err != nil {
			name = ""
		}
		f.Host = cmp.Or(name, vm.HostUUID)
	}
	return f
}

// withFacts reads the step's VM again and adds what it shows to a success. A
// failed read takes nothing from the success.
func (t *task) withFacts(ctx context.Context, outcome executor.Outcome) executor.Outcome {
	if outcome.Status != executor.Succeeded {
		return outcome
	}
	if vm, found, err := t.vm(ctx, t.step.UUID); err == nil && found {
		outcome.Facts = t.facts(ctx, vm)
	}
	return outcome
}

// sortedNICs returns the cards by device number, which is the order in which
// they were asked for.
func sortedNICs(nics []zstack.NIC) []zstack.NIC {
	return slices.SortedStableFunc(slices.Values(nics), func(a, b zstack.NIC) int {
		return cmp.Or(cmp.Compare(a.DeviceID, b.DeviceID), cmp.Compare(a.UUID, b.UUID))
	})
}

// addresses returns all addresses of a card, the primary one first.
func addresses(nic zstack.NIC) []string {
	var ips []string
	if nic.IP != "" {
		ips = append(ips, nic.IP)
	}
	used := slices.SortedFunc(slices.Values(nic.UsedIPs), func(a, b zstack.UsedIP) int {
		return cmp.Or(cmp.Compare(a.IPVersion, b.IPVersion), cmp.Compare(a.IP, b.IP))
	})
	for _, ip := range used {
		if ip.IP != "" && !slices.Contains(ips, ip.IP) {
			ips = append(ips, ip.IP)
		}
	}
	return ips
}
