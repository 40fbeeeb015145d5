package render

import (
	"fmt"
	"slices"
	"time"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/spec"
)

// uid returns a UUID that is easy to recognise.
func uid(kind string, n int) string {
	return fmt.Sprintf("%s%0*x", kind, 32-len(kind), n)
}

var scope = planner.Scope{Name: "staging", ID: "k7c1f0e5"}

var bindings = []planner.Binding{
	{Kind: planner.KindCluster, Ref: "kvm-a", UUID: uid("c1a57e70", 1), Name: "kvm-a"},
	{Kind: planner.KindDiskOffering, Ref: "ssd-100g", UUID: uid("d15c0ffe", 1), Name: "ssd-100g"},
	{Kind: planner.KindImage, Ref: "centos-7.9", UUID: uid("1a9e0000", 1), Name: "centos-7.9"},
	{Kind: planner.KindImage, Ref: uid("1a9e0000", 2), UUID: uid("1a9e0000", 2), Name: "虚拟路由"},
	{Kind: planner.KindInstanceOffering, Ref: "small (zone shanghai-1)", UUID: uid("0ffe6000", 1), Name: "small"},
	{Kind: planner.KindNetwork, Ref: "app-net", UUID: uid("3e70", 1), Name: "app-net"},
	{Kind: planner.KindNetwork, Ref: "db-net", UUID: uid("3e70", 2), Name: "db-net"},
	{Kind: planner.KindZone, Ref: "shanghai-1", UUID: uid("20e0", 1), Name: "shanghai-1"},
}

// webBlueprint is the n-th of many machines that are the same.
func webBlueprint(n int) *planner.Blueprint {
	return &planner.Blueprint{
		Source: spec.FromImage, SourceUUID: uid("1a9e0000", 1),
		Name: fmt.Sprintf("web-%02d", n), OfferingUUID: uid("0ffe6000", 1), CPU: 2, Memory: 4 << 30,
		NICs:      []planner.NICPlan{{NetworkUUID: uid("3e70", 1), IP: fmt.Sprintf("10.0.%d.%d", n/250, 10+n%250)}},
		DataDisks: []planner.DiskPlan{{OfferingUUID: uid("d15c0ffe", 1)}, {Size: 50 << 30}, {Size: 50 << 30}},
		ZoneUUID:  uid("20e0", 1), ClusterUUID: uid("c1a57e70", 1),
		UserTags:   []string{"prod", fmt.Sprintf("zfleet::staging-k7c1f0e5::key::web/%d", n)},
		SystemTags: []string{fmt.Sprintf("hostname::web-%02d", n), "staticIp::x::10.0.0.1", "userdata::I2Nsb3VkLWNvbmZpZwpwYWNrYWdlczogW25naW54XQo="},
		Secrets:    []planner.SecretTag{{Prefix: "consolePassword::", Secret: fmt.Sprintf("web/%d.consolePassword", n)}},
	}
}

func create(n int) planner.Change {
	return planner.Change{Key: fmt.Sprintf("web/%d", n), Name: fmt.Sprintf("web-%02d", n), Action: planner.Create,
		UUID: uid("f1ee7000", n), Blueprint: webBlueprint(n)}
}

func planOf(changes ...planner.Change) *planner.Plan {
	return &planner.Plan{Scope: scope, Endpoint: "http://172.20.0.10:8080", ServerVersion: "5.2.1", DeletionPolicy: "Delay",
		References: bindings, Changes: changes}
}

// mixedPlan has a bit of everything: 12 machines and what stands in the way.
func mixedPlan() *planner.Plan {
	var changes []planner.Change
	for n := range 4 {
		changes = append(changes, create(n+1))
	}
	odd := create(5)
	odd.Blueprint.Memory = 8<<30 + 512<<20
	keep := planner.Change{Key: "web/6", Name: "web-06", Action: planner.Keep, UUID: uid("f1ee7000", 6)}
	update := func(key, name string, n int) planner.Change {
		return planner.Change{Key: key, Name: name, Action: planner.Update, UUID: uid("f1ee7000", n),
			Differences: []planner.Difference{
				{Field: "name", Before: "old-" + name, After: name},
				{Field: "memory", Before: "16 GiB", After: "32 GiB", NeedsStop: true},
				{Field: "description", After: "数据库 primary, see https://wiki.example.com/teams/platform/databases/runbooks/failover-and-restore"},
			}, Edit: &planner.Edit{Stop: true}}
	}
	replace := planner.Change{Key: "gateway/east", Name: "gateway-east", Action: planner.Replace,
		UUID: uid("f1ee7000", 21), OldUUID: uid("f1ee7000", 20), Generation: 1,
		Differences: []planner.Difference{
			{Field: "source.image", Before: "vyos-1.3", After: "虚拟路由", ForcesReplace: true},
			{Field: "userData", Before: "digest d1:aaaa", After: "digest d1:bbbb", ForcesReplace: true},
			{Field: "hostname", Before: "gw", After: "gw-east"},
		},
		Blueprint: &planner.Blueprint{Source: spec.FromImage, SourceUUID: uid("1a9e0000", 2), Name: "gateway-east", CPU: 1, Memory: 1536 << 20,
			NICs: []planner.NICPlan{{NetworkUUID: uid("3e70", 1), IP: "10.0.0.2", Netmask: "255.255.255.0", Gateway: "10.0.0.1"},
				{NetworkUUID: uid("3e70", 2), MAC: "fa:16:3e:00:00:01"}},
			DefaultNetwork: uid("3e70", 1), RootDisk: &planner.DiskPlan{Size: 20 << 30}},
		Disks: []planner.DiskFate{{UUID: uid("d15c", 1), Name: "gateway-east-data", Size: 100 << 30}},
		Notes: []string{"the VM was moved from kvm-a to kvm-b; only a change of placement in the file moves it back"}}
	deleted := func(n int) planner.Change {
		return planner.Change{Key: fmt.Sprintf("replica/%d", n), Name: fmt.Sprintf("replica-%d", n), Action: planner.Delete,
			UUID: uid("f1ee7000", 30+n), Reason: "not in the fleet file",
			Disks: []planner.DiskFate{{UUID: uid("d15c", 30+n), Name: fmt.Sprintf("replica-%d-数据", n), Size: 50 << 30}}}
	}
	plan := planOf(append(changes, odd, keep,
		update("db/1", "db-1", 11), update("db/2", "db-2", 12), replace, deleted(1), deleted(2),
		planner.Change{Key: "db/3", Name: "db-3", Action: planner.Blocked, UUID: uid("f1ee7000", 13),
			Reason: "the volume \"db-root\" is the machine's root disk, and a replacement would lose it",
			Notes:  []string{"detach it, or set lifecycle.onChange: update"}})...)
	plan.Refusals = []planner.Refusal{{Code: "max-deletes", Message: "2 machines would be deleted, the limit is 1 (10% of 9)",
		Hint: "pass --allow-deletes 2, or raise safety.maxDeletes"},
		{Code: "over-quota", Message: "quota vm.num of the account (limit 20, used 13): 9 needed, 7 available and 1 freed by this plan; web/12 would not fit",
			Hint: "raise the quota", Pos: spec.Pos{File: "fleet.yaml", Line: 7, Column: 3}}}
	plan.Preflight = &planner.Preflight{
		Checks: []planner.Check{
			{Resource: planner.ResourceQuota, Of: "vm.num", Needed: 9, Available: 7, Freed: 1, Short: 7, First: []string{"web/6", "web/7", "web/8", "web/9", "web/10"}},
			{Resource: planner.ResourceStorage, Of: "ps-ssd", Bytes: true, Needed: 360 << 30, Available: 399 << 40},
			{Resource: planner.ResourceHosts, Of: "web/1 … web/3", Needed: 1, Short: 3, First: []string{"web/1", "web/2", "web/3"}},
		},
		Unchecked: []string{"addresses: the server reports ID.1002"},
	}
	plan.Policies = []planner.PolicyResult{
		{Name: "few-deletes", Over: "plan", Outcome: planner.PolicyPassed, Message: "machines go one by one", Pos: spec.Pos{File: "fleet.yaml", Line: 40, Column: 11}},
		{Name: "no-replacements", Over: "plan", Outcome: planner.PolicyDenied, Message: "nothing is rebuilt by day", Pos: spec.Pos{File: "ci/rules.yaml", Line: 5, Column: 11}},
		{Name: "owners", Over: "change", Outcome: planner.PolicyPassed, Message: "every machine has an owner tag"},
		{Name: "first-tag", Over: "change", Outcome: planner.PolicyFailed, Message: "tags have an order", Error: "for web/3: index out of bounds: 0"},
		{Name: "images", Over: "change", Severity: spec.Warning, Outcome: planner.PolicyDenied, Message: "machines are made from released images", Keys: []string{"web/1"}},
		{Name: "sizes", Over: "change", Outcome: planner.PolicyOff, Message: "nothing large in staging"},
	}
	plan.Refusals = append(plan.Refusals,
		planner.Refusal{Code: "policy", Message: "policy \"no-replacements\": nothing is rebuilt by day", Hint: "it denies plan.replacements > 0",
			Pos: spec.Pos{File: "ci/rules.yaml", Line: 5, Column: 11}},
		planner.Refusal{Code: "policy", Message: "policy \"first-tag\" gave no answer for web/3: index out of bounds: 0 (tags have an order)",
			Hint: "nothing is allowed without an answer; mend the policy: change.machine.tags[0] != \"a*b_c<d\""})
	plan.Copies = []planner.Copy{{UUID: uid("c09e", 1), Name: "web-01-clone", Key: "web/1", Why: "its UUID is not the one that web/1 has"}}
	plan.Notes = []spec.Diagnostic{{Severity: spec.Warning, Pos: spec.Pos{File: "fleet.yaml", Line: 12, Column: 3},
		Code: "capacity", Message: "4 machines want 18 GiB and the cluster \"kvm-a\" has 20 GiB free", Hint: "another fleet may take it first"}}
	return plan
}

// report400 is a run of 400 machines of which three failed, two alike.
func report400() *executor.Report {
	began := time.Date(2026, 7, 30, 2, 0, 0, 0, time.UTC)
	ended := began.Add(12*time.Minute + 3*time.Second)
	r := &executor.Report{FormatVersion: "1.0", RunID: "20260730T020000Z-7f3a", Scope: scope, Started: began, Ended: &ended,
		Resume: "zfleet resume 20260730T020000Z-7f3a -f 'fleets/staging environment.yaml' --var size=large --endpoint https://zstack.example.com:8443"}
	for n := 1; n <= 400; n++ {
		machine := executor.PlannedMachine{Key: fmt.Sprintf("web/%d", n), Name: fmt.Sprintf("web-%03d", n),
			Action: planner.Create, UUID: uid("f1ee7000", n)}
		result := executor.MachineResult{PlannedMachine: machine, Status: executor.Succeeded, DurationSeconds: 20 + float64(n%37),
			Facts: &executor.Facts{UUID: machine.UUID, Name: machine.Name, State: "Running",
				IPs: []string{fmt.Sprintf("10.0.%d.%d", n/250, n%250+1)}, Host: fmt.Sprintf("host-%d", n%7)}}
		step := executor.StepResult{PlannedStep: executor.PlannedStep{ID: planner.StepID(machine.Key + " create"), Key: machine.Key, Verb: "create", UUID: machine.UUID},
			Status: executor.Succeeded, Tries: 1, DurationSeconds: result.DurationSeconds,
			Attempts: []executor.Attempt{{At: began, Operation: "create VM", JobUUID: uid("10b0", n)}}}
		switch n {
		case 17, 203:
			result.Facts = nil
			result.Status, result.Failure = executor.Failed, capacityFailure(machine)
			step.Tries = 4
			step.Attempts = append(step.Attempts, executor.Attempt{At: began.Add(time.Minute), Operation: "create VM", JobUUID: uid("10b1", n)})
		case 318:
			result.Facts.State, result.Facts.IPs = "Unknown", nil
			result.Status, result.Failure = executor.Indeterminate, &executor.Failure{Class: "transport", Operation: "create VM",
				Message: "the answer was lost, and the VM is there but says Unknown",
				Hint:    "look at the host"}
		case 5:
			step.Note = "the data disk was attached already"
		}
		step.Status, step.Failure = result.Status, result.Failure
		r.Machines = append(r.Machines, result)
		r.Steps = append(r.Steps, step)
	}
	r.Totals = executor.Totals{Succeeded: 397, Failed: 2, Indeterminate: 1}
	return r
}

func capacityFailure(m executor.PlannedMachine) *executor.Failure {
	return &executor.Failure{Class: "capacity", Operation: "create VM", Code: "SYS.1006",
		Message:     fmt.Sprintf("no host has room for %q (%s)", m.Name, m.UUID),
		Description: "An operation failed", Details: "chain task failed",
		Chain: []executor.Cause{{Code: "SYS.1006", Description: "An operation failed", Details: "chain task failed"},
			{Code: "HOST_ALLOCATION.1001", Description: "No available host found",
				Details: "[Host Allocation]: 没有可用物理机 | no host with 4294967296 bytes <free> in cluster `kvm-a`"}},
		Hint: "free memory in the cluster, or move machines to another with placement.cluster"}
}

// stoppedReport is a run that was interrupted with every status in it.
func stoppedReport() *executor.Report {
	r := report400()
	r.Machines, r.Steps = r.Machines[:17], r.Steps[:17]
	statuses := []executor.Status{executor.NotStarted, executor.Skipped, executor.Blocked}
	for i := range 9 {
		m, s := &r.Machines[i+3], &r.Steps[i+3]
		m.Status, m.Facts, m.DurationSeconds = statuses[i%3], nil, 0
		s.Status, s.Attempts, s.Tries, s.Note = m.Status, nil, 0, ""
		if m.Status == executor.Blocked {
			m.Reason = "more than one VM claims this key"
		}
	}
	for i := range 2 {
		r.Machines[i].Action = planner.Delete
	}
	guarded := &r.Machines[14]
	guarded.Action, guarded.Status, guarded.Protected = planner.Blocked, executor.Blocked, true
	guarded.Reason, guarded.Facts, guarded.DurationSeconds = "it is protected: set lifecycle.protect to false and apply that first", nil, 0
	r.Steps = slices.Delete(r.Steps, 14, 15)
	r.Stopped, r.Ended = "interrupted", nil
	other := executor.OtherRun{RunID: "20260730T015900Z-1c2d", Host: "ci-7"}
	r.Others = []executor.OtherRun{other}
	for _, i := range []int{0, 15} { // one that succeeded, one that failed
		s := &r.Steps[i]
		s.Note, s.MadeBy = "made by run 20260730T015900Z-1c2d on ci-7, which was at work at the same time", &other
	}
	r.Totals = executor.Totals{Succeeded: 6, Failed: 1, Skipped: 3, Blocked: 3, NotStarted: 3}
	return r
}
