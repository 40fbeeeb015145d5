package planner

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
	"zfleet/spec/policy"
)

// policiesOf reads policies, each written as "name: deny", "name!: deny" for one
// that only warns, or "name-: deny" for one that is off.
func policiesOf(t testing.TB, lines ...string) []spec.Policy {
	t.Helper()
	text := "apiVersion: zfleet/v1\nkind: Policies\npolicies:\n"
	for _, line := range lines {
		name, deny, _ := strings.Cut(line, ": ")
		severity := "error"
		if short, ok := strings.CutSuffix(name, "!"); ok {
			name, severity = short, "warning"
		} else if short, ok := strings.CutSuffix(name, "-"); ok {
			name, severity = short, "off"
		}
		text += fmt.Sprintf("  - {name: %s, severity: %s, message: because, deny: %q}\n", name, severity, deny)
	}
	policies, found := spec.LoadPolicies(spec.Input{Name: "p.yaml", Data: []byte(text)})
	if found.HasErrors() {
		t.Fatalf("policies: %v", found)
	}
	return policies
}

// asking says of a plan what its policies came to, one on a line.
func asking(plan *Plan) string {
	var b strings.Builder
	for _, r := range plan.Policies {
		fmt.Fprintf(&b, "%s %s %v %s\n", r.Name, r.Outcome, r.Keys, r.Error)
	}
	for _, r := range plan.Refusals {
		fmt.Fprintf(&b, "refused: %s [%s] hint: %s\n", r.Message, r.Code, r.Hint)
	}
	for _, d := range plan.Notes {
		fmt.Fprintf(&b, "%s hint: %s\n", d, d.Hint)
	}
	return b.String()
}

// drifted is a fleet of which web/1 is kept, web/2 has to be stopped, web/3 is
// replaced, web/4 and web/5 are made and old/1 is deleted, and its inventory.
func drifted(t testing.TB) (*spec.Fleet, *Inventory) {
	t.Helper()
	gone := web(1)
	gone.Key, gone.Group, gone.Name = "old/1", "old", "old"
	gone.DataDisks = []spec.DataDisk{{Size: ptr(int64(100 << 30))}}
	gone.UserTags = []string{"owner::ops"}
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(web(1), web(2), web(3), gone), emptyInventory(), none))
	larger, other := web(2), web(3)
	larger.Offering = ptr(byName("large"))
	other.Source.Ref = byName("ubuntu-22.04")
	return fleetOf(web(1), larger, other, web(4), web(5)), inv
}

func TestPolicies(t *testing.T) {
	for name, test := range map[string]struct {
		policies []string
		want     string
	}{
		"the plan is denied": {[]string{`no-deletes: plan.deletes > 0 && fleet.name == "staging"`},
			"no-deletes denied [] \n" +
				"refused: policy \"no-deletes\": because [policy] hint: it denies plan.deletes > 0 && fleet.name == \"staging\"\n"},
		"all pass": {[]string{`a: plan.deletes > 1 || plan.creates != 2 || plan.replacements != 1 || plan.updates != 1 || plan.keeps != 1 || plan.stops != 1 || plan.disksDeleted != 1 || plan.blocked > 0`,
			`b: change.action == "keep"`}, "a passed [] \nb passed [] \n"},
		"changes are denied": {[]string{`large: change.machine.memory > 4 * GiB`, `made: change.action != "delete"`},
			"large denied [web/2] \nmade denied [web/2 web/3 web/4 web/5] \n" +
				"refused: policy \"large\": because: web/2 [policy] hint: it denies change.machine.memory > 4 * GiB\n" +
				"refused: policy \"made\": because: web/2 … web/5 [policy] hint: it denies change.action != \"delete\"\n"},
		"a warning": {[]string{`no-stops!: change.stops`},
			"no-stops denied [web/2] \np.yaml:4:12: warning: policy \"no-stops\": because: web/2 [policy] hint: it denies change.stops\n"},
		"off": {[]string{`no-stops-: change.stops`}, "no-stops off [] \n"},
		"no answer": {[]string{`tag: change.machine.userTags[0] == "owner::ops"`, `ratio: plan.deletes / plan.blocked > 2`, `warns!: 1 / plan.blocked > 2`},
			"tag failed [] for web/2: index out of bounds: 0\nratio failed [] for the plan: division by zero\nwarns failed [] for the plan: division by zero\n" +
				"refused: policy \"tag\" gave no answer for web/2: index out of bounds: 0 (because) [policy] hint: nothing is allowed without an answer; mend the policy: change.machine.userTags[0] == \"owner::ops\"\n" +
				"refused: policy \"ratio\" gave no answer for the plan: division by zero (because) [policy] hint: nothing is allowed without an answer; mend the policy: plan.deletes / plan.blocked > 2\n" +
				"p.yaml:6:12: warning: policy \"warns\" gave no answer for the plan: division by zero (because) [policy] hint: nothing is allowed without an answer; mend the policy: 1 / plan.blocked > 2\n"},
		"what a policy sees": {[]string{
			`image: change.action == "replace" && change.machine.image == "ubuntu-22.04" && change.differences.exists(d, d.forcesReplace && d.field == "source.image")`,
			`deleted: change.action == "delete" && change.machine.userTags == ["owner::ops"] && change.machine.image == "centos-7.9" && change.disksDeleted[0].size == 100 * GiB`,
			`site: change.machine.zone == "shanghai-1" && change.machine.cluster == "kvm-a" && change.machine.networks == ["app-net"] && change.key == "web/4" && change.group == "web" && change.name == "web-4"`,
			`server: server.version != "5.2.1" || size(server.account) != 32`,
		}, "image denied [web/3] \ndeleted denied [old/1] \nsite denied [web/4] \nserver passed [] \n" + `REFUSED`},
	} {
		t.Run(name, func(t *testing.T) {
			fleet, inv := drifted(t)
			fleet.Policies = policiesOf(t, test.policies...)
			plan := mustBuild(t, fleet, inv, none)
			got := asking(plan)
			if before, _, cut := strings.Cut(test.want, "REFUSED"); cut {
				got, test.want = got[:strings.Index(got, "refused: ")], before
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// Asked about the plan file, policies say the same.
			fleet.Policies = nil
			data, err := mustBuild(t, fleet, inv, none).Encode()
			if err != nil {
				t.Fatal(err)
			}
			file, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			later := WithPolicies(file, policiesOf(t, test.policies...))
			if diff := cmp.Diff(asking(plan), asking(later)); diff != "" {
				t.Errorf("of the plan (-) and of the plan file (+):\n%s", diff)
			}
			if later.Digest != plan.Digest || file.Policies != nil || file.Refusals != nil {
				t.Errorf("digests %s and %s; the plan file now has %v", plan.Digest, later.Digest, file.Policies)
			}
			sealed, err := later.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decode(sealed); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPoliciesOfDestroy wants a destroy to be denied what a change of the file
// is denied.
func TestPoliciesOfDestroy(t *testing.T) {
	_, inv := drifted(t)
	opts := none
	opts.Policies = policiesOf(t, `no-deletes: plan.deletes > 0`, `tagged: "owner::ops" in change.machine.userTags`)
	plan := BuildDestroy(testScope, inv, opts)
	want := "no-deletes denied [] \ntagged denied [old/1] \n"
	if got := asking(plan); !strings.HasPrefix(got, want) || len(plan.Refusals) != 2 {
		t.Errorf("got %s", got)
	}
}

// TestPoliciesOfResume wants the rest of a run not to be asked about again: a
// policy may well deny the rest of what it allowed.
func TestPoliciesOfResume(t *testing.T) {
	fleet, inv := drifted(t)
	fleet.Policies = policiesOf(t, `all: plan.creates != 2`)
	plan := mustBuild(t, fleet, inv, none)
	half := *plan
	half.Steps = half.Steps[:len(half.Steps)-1]
	rest, moved, _ := Resume(plan, fleet, applied(t, inv, &half))
	if len(moved) > 0 || len(rest.Refusals) > 0 || rest.Counts().Create == 2 {
		t.Errorf("moved %v, refusals %v", moved, rest.Refusals)
	}
	if diff := cmp.Diff(plan.Policies, rest.Policies); diff != "" {
		t.Errorf("policies of the run (-) and of its rest (+):\n%s", diff)
	}
}

func TestPoliciesOfDiff(t *testing.T) {
	old := fleetOf(web(1), web(2))
	changed := web(1)
	changed.Source.Ref = byName("ubuntu-22.04")
	fleet := fleetOf(changed)
	fleet.Policies = policiesOf(t, `replaced: change.differences.exists(d, d.before == "centos-7.9" && d.after == "ubuntu-22.04")`, `large: change.machine.memory > 1 * GiB`)
	plan, found := Diff(old, fleet, Options{})
	if found.HasErrors() {
		t.Fatal(found)
	}
	want := `replaced denied [web/1] 
large passed [] 
refused: policy "replaced": because: web/1 [policy] hint: it denies change.differences.exists(d, d.before == "centos-7.9" && d.after == "ubuntu-22.04")
note: policies were asked without a cloud, where CPU and memory of an instance offering and the size of a disk offering count as 0 [policies-without-cloud] hint: zfleet plan asks them with what the cloud has
`
	if diff := cmp.Diff(want, asking(plan)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPortraits compares what plans say of machines.
func TestPortraits(t *testing.T) {
	full := web(1)
	full.Networks = []spec.Network{{Network: byName("app-net"), Default: true, IP: "10.0.0.5"}, {Network: byName("db-net")}}
	full.RootDisk = &spec.RootDisk{Size: ptr(int64(40 << 30)), PrimaryStorage: ptr(byName("ps-ssd"))}
	full.DataDisks = []spec.DataDisk{{Offering: ptr(byName("ssd-100g"))}, {Size: ptr(int64(5 << 30)), Name: "scratch"}, {Volume: ptr(byName("db-root"))}}
	full.Description, full.Hostname, full.Platform, full.Architecture = ptr("front"), ptr("web-1"), "Linux", "x86_64"
	full.SSHKeys, full.Tags, full.UserTags = []spec.Ref{byName("ops")}, []spec.Ref{byName("prod")}, []string{"owner::ops"}
	full.Lifecycle.Protect = true
	full.ConsolePassword = &spec.Text{Value: "swordfish", Secret: true, Path: "web/1.consolePassword"}
	sized := replica(1)
	sized.Offering, sized.CPU, sized.Memory = nil, ptr(4), ptr(int64(8<<30))
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(full, sized), emptyInventory(), none))
	grown := sized
	grown.Memory = ptr(int64(16 << 30))
	grown.Networks = nil
	for _, test := range []struct {
		name string
		plan *Plan
		want string
	}{
		{"create", mustBuild(t, fleetOf(full, sized), emptyInventory(), none), `
create {"source":"image","image":"centos-7.9","instanceOffering":"small","cpu":2,"memory":4294967296,"networks":["app-net","db-net"],"addresses":["10.0.0.5"],"zone":"shanghai-1","cluster":"kvm-a","rootDisk":{"primaryStorage":"ps-ssd","size":42949672960},"dataDisks":[{"offering":"ssd-100g","size":107374182400},{"name":"scratch","size":5368709120},{"volume":"db-root"}],"description":"front","hostname":"web-1","platform":"Linux","architecture":"x86_64","sshKeys":["ops"],"tags":["prod"],"userTags":["owner::ops"],"protect":true}
create {"source":"snapshot","snapshot":"golden-nightly","cpu":4,"memory":8589934592,"networks":["app-net"],"zone":"shanghai-1","cluster":"kvm-a"}`},
		{"update", mustBuild(t, fleetOf(full, grown), inv, none), `
keep null
update {"source":"snapshot","snapshot":"golden-nightly","cpu":4,"memory":17179869184,"networks":["app-net"],"zone":"shanghai-1","cluster":"kvm-a"}`},
		{"delete", mustBuild(t, fleetOf(full), inv, none), `
keep null
delete {"source":"snapshot","cpu":4,"memory":8589934592,"networks":["app-net"],"zone":"shanghai-1","cluster":"kvm-a"}`},
	} {
		var lines []string
		for _, c := range test.plan.Changes {
			text, err := json.Marshal(c.Machine)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(c.Action)+" "+string(text))
		}
		if diff := cmp.Diff(strings.TrimSpace(test.want), strings.Join(lines, "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// TestPortraitsCannotBeForged wants a plan file to be refused when it shows a
// policy another machine than it makes, though its digest fits.
func TestPortraitsCannotBeForged(t *testing.T) {
	sized, offered := replica(1), web(1)
	sized.Offering, sized.CPU, sized.Memory = nil, ptr(64), ptr(int64(512<<30))
	sized.UserTags, sized.Lifecycle.Protect = []string{"owner::ops"}, true
	sized.DataDisks = []spec.DataDisk{{Size: ptr(int64(100 << 30))}}
	for name, forge := range map[string]func(m **policy.Machine){
		"gone":            func(m **policy.Machine) { *m = nil },
		"less memory":     func(m **policy.Machine) { (*m).Memory = 1 << 30 },
		"less CPU":        func(m **policy.Machine) { (*m).CPU = 1 },
		"another source":  func(m **policy.Machine) { (*m).Source = "image" },
		"an offering":     func(m **policy.Machine) { (*m).InstanceOffering = "small" },
		"another network": func(m **policy.Machine) { (*m).Networks = nil },
		"no disks":        func(m **policy.Machine) { (*m).DataDisks = nil },
		"smaller disks":   func(m **policy.Machine) { (*m).DataDisks[0].Size = 1 << 30 },
		"another name":    func(m **policy.Machine) { (*m).Snapshot = "golden" },
		"another cluster": func(m **policy.Machine) { (*m).Cluster = "kvm-b" },
		"an owner":        func(m **policy.Machine) { (*m).UserTags = []string{"owner::root"} },
		"no protection":   func(m **policy.Machine) { (*m).Protect = false },
		"a small offer":   func(m **policy.Machine) { (*m).CPU = 1 },
	} {
		machine := sized
		if name == "a small offer" {
			machine = offered
		}
		plan := mustBuild(t, fleetOf(machine), emptyInventory(), none)
		forge(&plan.Changes[0].Machine)
		plan.finish()
		data, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(data); !isDigestError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFoldKeys(t *testing.T) {
	var many []string
	for n := range 20 {
		many = append(many, fmt.Sprintf("g%d/1", n))
	}
	for _, test := range []struct {
		keys []string
		want string
	}{
		{[]string{"web/1"}, "web/1"},
		{[]string{"web/1", "web/2"}, "web/1, web/2"},
		{[]string{"web/1", "web/2", "web/3", "web/5", "db/6", "db/east"}, "web/1 … web/3, web/5, db/6, db/east"},
		{[]string{"web/9", "web/10", "web/11"}, "web/9 … web/11"},
		{many, "g0/1, g1/1, g2/1, g3/1, g4/1, g5/1, g6/1, g7/1, g8/1, g9/1, g10/1, g11/1 and 8 more"},
	} {
		if got := foldKeys(test.keys); got != test.want {
			t.Errorf("%v: %s, want %s", test.keys, got, test.want)
		}
	}
}

func BenchmarkPolicies(b *testing.B) {
	var machines []spec.Machine
	for n := range 5000 {
		m := web(n + 1)
		m.UserTags = []string{"owner::ops"}
		machines = append(machines, m)
	}
	plan := mustBuild(b, fleetOf(machines...), emptyInventory(), none)
	policies := policiesOf(b, `a: plan.deletes > 0 && fleet.name == "staging"`, `b: change.action in ["delete", "replace"] && change.group == "db"`,
		`c: change.machine.memory > 64 * GiB || change.machine.cpu > 32`, `d: change.action != "delete" && !change.machine.userTags.exists(t, t.startsWith("owner::"))`,
		`e: !change.machine.image.matches("^(centos|rocky)-[0-9.]+$")`)
	for b.Loop() {
		asked := *plan
		if asked.ask(policies); len(asked.Refusals) > 0 {
			b.Fatal(asked.Refusals)
		}
	}
}
