package cloud

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// verify holds a VM against the blueprint that it was made from: the server
// can drop what it does not know without a word. A VM that has less than was
// asked for is a failure, and stays.
func (t *task) verify(ctx context.Context, op planner.CreateVM, vm zstack.VM, note string) executor.Outcome {
	facts := t.facts(ctx, vm)
	lacks := shortfalls(&op.Blueprint, vm)
	if vm.State == "Error" || vm.State == "Crashed" || vm.State == "NoState" {
		lacks = append(lacks, "its state is "+vm.State)
	}
	if len(lacks) == 0 {
		return executor.Outcome{Status: executor.Succeeded, Facts: facts, Note: note}
	}
	return executor.Outcome{Status: executor.Failed, Facts: facts, Failure: &executor.Failure{
		Class:   classInternal,
		Message: fmt.Sprintf("the VM exists, but is not what was asked for: %s", strings.Join(lacks, "; ")),
		Hint:    "look at the VM; plan again to see what would be done about it",
	}}
}

// shortfalls says what the blueprint asked for and the VM does not have. A VM
// that was only put on record has neither disks nor cards until its first start.
func shortfalls(b *planner.Blueprint, vm zstack.VM) []string {
	if b.Strategy == "JustCreate" && vm.State == stateCreated {
		return nil
	}
	var lacks []string
	asked := len(b.DataDisks) + len(b.DataVolumeTemplateUUIDs)
	if got := len(dataVolumes(vm)); got < asked {
		lacks = append(lacks, fmt.Sprintf("%d of %d data disks", got, asked))
	}
	if got := len(vm.NICs); got < len(b.NICs) {
		lacks = append(lacks, fmt.Sprintf("%d of %d NICs", got, len(b.NICs)))
	}
	for _, plan := range b.NICs {
		lacks = append(lacks, lackingAddresses(plan, vm.NICs)...)
	}
	return lacks
}

// lackingAddresses says which addresses of a planned card no card on its
// network has.
func lackingAddresses(plan planner.NICPlan, nics []zstack.NIC) []string {
	var ips, macs []string
	for _, nic := range nics {
		if nic.L3NetworkUUID == plan.NetworkUUID {
			ips = append(ips, addresses(nic)...)
			macs = append(macs, strings.ToLower(nic.MAC))
		}
	}
	asked := []string{plan.IP}
	if plan.Params != nil {
		asked = append(asked, plan.Params.IP6)
	}
	var lacks []string
	for _, ip := range asked {
		if ip != "" && !slices.ContainsFunc(ips, func(got string) bool { return sameAddress(ip, got) }) {
			lacks = append(lacks, fmt.Sprintf("address %s was asked for, got %s", ip, orNone(ips)))
		}
	}
	if plan.MAC != "" && !slices.Contains(macs, strings.ToLower(plan.MAC)) {
		lacks = append(lacks, fmt.Sprintf("MAC address %s was asked for, got %s", plan.MAC, orNone(macs)))
	}
	return lacks
}

func sameAddress(a, b string) bool {
	left, errLeft := netip.ParseAddr(a)
	right, errRight := netip.ParseAddr(b)
	if errLeft != nil || errRight != nil {
		return a == b
	}
	return left == right
}

func orNone(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}

// dataVolumes returns the data disks of a VM by device number.
func dataVolumes(vm zstack.VM) []zstack.Volume {
	return slices.DeleteFunc(sortedVolumes(vm.Volumes), func(v zstack.Volume) bool { return v.Type != "Data" })
}
