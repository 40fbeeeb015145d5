package cloud

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/examples"
	"zfleet/executor"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// site is a simulated data center with a driver on it.
type site struct {
	t      *testing.T
	server *simulator.Server
	client *zstack.Client
	driver *Driver
	rec    recorder
	uuids  map[string]string // of what is referred to, by name
}

// newSite starts a data center. faults are rules of misbehaviour in YAML, or empty.
func newSite(t *testing.T, faults string) *site {
	t.Helper()
	server := newDatacenter(t, faults)
	listener := httptest.NewServer(server)
	t.Cleanup(func() {
		listener.Close()
		_ = server.Close()
	})
	return siteOf(t, server, zstack.Config{Endpoint: listener.URL})
}

func newDatacenter(t *testing.T, faults string) *simulator.Server {
	t.Helper()
	options := simulator.Options{Datacenter: examples.Datacenter, Latency: 10 * time.Millisecond, Strict: true}
	options.Faults = mustFaults(t, faults)
	server, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func mustFaults(t *testing.T, rules string) *simulator.Faults {
	t.Helper()
	faults, err := simulator.ParseFaults([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

func siteOf(t *testing.T, server *simulator.Server, config zstack.Config) *site {
	t.Helper()
	config.AccountName, config.AccountPassword = "admin", "password"
	client, err := zstack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, server: server, client: client, uuids: make(map[string]string)}
	s.driver = NewDriver(client, Options{
		Scope: testScope, StepTimeout: 20 * time.Second, Secrets: map[string]string{"web.consolePassword": "hunter2"},
	})
	s.driver.pace.look = 5 * time.Millisecond
	named := func(names ...string) []spec.Ref {
		var refs []spec.Ref
		for _, name := range names {
			refs = append(refs, spec.Ref{Name: name})
		}
		return refs
	}
	catalog := s.inventory(planner.Wants{Refs: map[planner.Kind][]spec.Ref{
		planner.KindZone: named("shanghai-1"), planner.KindCluster: named("kvm-a"), planner.KindHost: named("host-a-01"),
		planner.KindPrimaryStorage: named("ps-ssd"), planner.KindInstanceOffering: named("small"),
		planner.KindDiskOffering: named("ssd-100g"), planner.KindNetwork: named("app-net"), planner.KindSSHKey: named("ops"),
		planner.KindTag: named("prod"), planner.KindImage: named("centos-7.9"), planner.KindVolume: named("db-root", "no-such-volume"),
		planner.KindSnapshot: named("golden-nightly"),
	}}).Catalog
	for _, entries := range catalog {
		for _, entry := range entries {
			s.uuids[entry.Name] = entry.UUID
		}
	}
	return s
}

func (s *site) inventory(wants planner.Wants) *planner.Inventory {
	s.t.Helper()
	inventory, err := Inventory(s.t.Context(), s.client, testScope, wants, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return inventory
}

// do performs an operation on a machine, again where that is known to be safe,
// and expects it to succeed.
func (s *site) do(key string, op planner.Op) executor.Outcome {
	s.t.Helper()
	step := planner.Step{ID: planner.StepID(key + " " + op.Verb()), Key: key, UUID: testScope.MachineUUID(key, 0), Op: op}
	outcome := s.driver.Perform(s.t.Context(), step, &s.rec)
	for range 3 {
		if outcome.Retry {
			outcome = s.driver.Perform(s.t.Context(), step, &s.rec)
		}
	}
	if outcome.Status != executor.Succeeded {
		s.t.Fatalf("%s %s: %s %+v", key, op.Verb(), outcome.Status, outcome.Failure)
	}
	return outcome
}

// machine returns what the inventory shows of a machine.
func (s *site) machine(key string) planner.Observed {
	s.t.Helper()
	for _, machine := range s.inventory(planner.Wants{}).Machines {
		if machine.UUID == testScope.MachineUUID(key, 0) {
			return machine
		}
	}
	s.t.Fatalf("no machine %s", key)
	return planner.Observed{}
}

// blueprint returns a small machine from a source.
func (s *site) blueprint(key string, source spec.SourceKind, name string) planner.Blueprint {
	return planner.Blueprint{
		Source: source, SourceUUID: s.uuids[name], Name: strings.ReplaceAll(key, "/", "-"),
		OfferingUUID: s.uuids["small"], NICs: []planner.NICPlan{{NetworkUUID: s.uuids["app-net"]}},
		UserTags: []string{testScope.KeyTag(key)},
	}
}

// noFindings holds that everything that was sent means something to the API,
// and is called what the API calls it.
func (s *site) noFindings() {
	s.t.Helper()
	var operations []string
	for _, request := range s.server.Requests() {
		if request.Header["X-Job-Uuid"] != "" {
			operations = append(operations, request.Operation)
		}
	}
	slices.Sort(operations)
	// A stop is on record before the tag that announces it leaves.
	if diff := cmp.Diff(operations, slices.Sorted(slices.Values(s.rec.attempts))); diff != "" {
		s.t.Errorf("operations as the server and as the record have them (-server +record):\n%s", diff)
	}
	if findings := s.server.Findings(); len(findings) > 0 {
		s.t.Errorf("findings of the server:\n%s", strings.Join(findings, "\n"))
	}
}

func TestLifeOfAMachineFromAnImage(t *testing.T) {
	s := newSite(t, "")
	key := testKey
	blueprint := s.blueprint(key, spec.FromImage, "centos-7.9")
	blueprint.NICs[0].IP = "10.0.3.7"
	blueprint.SystemTags = []string{"hostname::web1", "staticIp::" + s.uuids["app-net"] + "::10.0.3.7"}
	blueprint.DataDisks = []planner.DiskPlan{{OfferingUUID: s.uuids["ssd-100g"]}, {Size: 10 << 30, Name: "logs"}}
	blueprint.ClusterUUID = s.uuids["kvm-a"]

	made := s.do(key, planner.CreateVM{Blueprint: blueprint})
	if made.Facts == nil || made.Facts.State != "Running" || !slices.Equal(made.Facts.IPs, []string{"10.0.3.7"}) ||
		!strings.HasPrefix(made.Facts.Host, "host-a-") {
		t.Errorf("facts %+v", made.Facts)
	}
	again := s.do(key, planner.CreateVM{Blueprint: blueprint})
	if again.Note != "was already there" {
		t.Errorf("note of the second create is %q", again.Note)
	}
	tag := testScope.DiskTag(key, 0)
	s.do(key, planner.TagDisks{Tag: tag, Count: 2})
	if disks := s.inventory(planner.Wants{}).Disks; len(disks) != 2 || disks[0].Tags[0].Text != tag {
		t.Errorf("tagged disks %+v", disks)
	}

	s.do(key, planner.StopVM{})
	s.do(key, planner.UpdateVM{Name: new("renamed"), CPU: new(4), Memory: new(int64(8 << 30))})
	s.do(key, planner.SetHostname{Hostname: "web2"})
	s.do(key, planner.SetConsolePassword{Secret: planner.SecretTag{Prefix: "consolePassword::", Secret: "web.consolePassword"}})
	s.do(key, planner.AddTag{Tag: "owner:me"})
	s.do(key, planner.AttachTag{TagUUID: s.uuids["prod"]})
	s.do(key, planner.StartVM{})
	machine := s.machine(key)
	if machine.Name != "renamed" || machine.CPU != 4 || machine.Memory != 8<<30 || machine.State != "Running" {
		t.Errorf("after the update: %+v", machine)
	}
	if system := texts(machine.SystemTags); !slices.Equal(system, []string{"hostname::web2"}) {
		t.Errorf("system tags %q", system)
	}
	ofMachine, _ := zstack.Where("resourceUuid", "=", machine.UUID)
	rows, err := zstack.List[zstack.Tag](t.Context(), s.client, "/system-tags", ofMachine)
	if err != nil || !slices.ContainsFunc(rows, func(tag zstack.Tag) bool { return strings.HasPrefix(tag.Tag, "consolePassword::") }) {
		t.Errorf("no console password was set: %v, %v", rows, err)
	}
	if user := texts(machine.UserTags); !slices.Contains(user, "owner:me") || !hasPatternTag(machine, s.uuids["prod"]) {
		t.Errorf("user tags %+v", machine.UserTags)
	}
	s.do(key, planner.RemoveTag{Tag: "owner:me"})
	s.do(key, planner.DetachTag{TagUUID: s.uuids["prod"]})
	s.do(key, planner.SetHostname{})
	machine = s.machine(key)
	if slices.Contains(texts(machine.UserTags), "owner:me") || hasPatternTag(machine, s.uuids["prod"]) ||
		slices.Contains(texts(machine.SystemTags), "hostname::web2") {
		t.Errorf("tags that were taken off: %+v %+v", machine.UserTags, machine.SystemTags)
	}

	disks := s.inventory(planner.Wants{}).Disks
	s.do(key, planner.DestroyVM{Scope: testScope})
	if state := s.machine(key).State; state != "Destroyed" {
		t.Errorf("state after the destroy is %s", state)
	}
	for _, disk := range disks {
		s.do(key, planner.DeleteDisk{VolumeUUID: disk.UUID, Tag: tag})
	}
	if left := s.inventory(planner.Wants{}).Disks; len(left) > 0 {
		t.Errorf("disks that are left: %+v", left)
	}
	s.noFindings()
}

func TestCreateFromVolumeAndSnapshot(t *testing.T) {
	s := newSite(t, "")
	for key, source := range map[string]struct {
		kind spec.SourceKind
		name string
	}{
		"db/1":     {spec.FromVolume, "db-root"},
		"golden/1": {spec.FromSnapshot, "golden-nightly"},
	} {
		outcome := s.do(key, planner.CreateVM{Blueprint: s.blueprint(key, source.kind, source.name)})
		if outcome.Facts == nil || outcome.Facts.State != "Running" || len(outcome.Facts.IPs) != 1 {
			t.Errorf("%s: facts %+v", key, outcome.Facts)
		}
		if machine := s.machine(key); len(machine.Volumes) != 1 || machine.Volumes[0].Type != "Root" {
			t.Errorf("%s: volumes %+v", key, machine.Volumes)
		}
	}
	s.noFindings()
}

// Whatever happens to one request of each operation on its way, the machine is
// made once, changed as asked and destroyed.
func TestEachOperationSurvivesALostMessage(t *testing.T) {
	operations := []string{"CreateVmInstance", "CreateUserTag", "StopVmInstance", "UpdateVmInstance", "ChangeInstanceOffering",
		"SetVmHostname", "SetVmConsolePassword", "DeleteVmHostname", "StartVmInstance", "AttachTagToResources",
		"DetachTagFromResources", "DeleteTag", "DestroyVmInstance", "DeleteDataVolume"}
	for _, fault := range []string{
		"fault: drop-before", "fault: drop-after", "fault: expire", "fault: garbage, status: 502, text: Bad Gateway",
		"fault: error, error: {code: SYS.1001, description: Operation times out}",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			var rules strings.Builder
			struck := operations
			if fault == "fault: expire" {
				struck = []string{"CreateVmInstance", "UpdateVmInstance", "DestroyVmInstance"} // the client renews three times
			}
			for _, operation := range struck {
				fmt.Fprintf(&rules, "- {operation: %s, nth: 1, %s}\n", operation, fault)
			}
			s := newSite(t, rules.String())
			key := testKey
			blueprint := s.blueprint(key, spec.FromImage, "centos-7.9")
			blueprint.DataDisks = []planner.DiskPlan{{Size: 10 << 30}}
			vms, volumes := len(s.server.VMs()), len(s.server.Volumes())
			tag := testScope.DiskTag(key, 0)

			s.do(key, planner.CreateVM{Blueprint: blueprint})
			s.do(key, planner.TagDisks{Tag: tag, Count: 1})
			s.do(key, planner.AddTag{Tag: testScope.TagPrefix() + "restart"})
			s.do(key, planner.StopVM{})
			s.do(key, planner.UpdateVM{Name: new("renamed")})
			s.do(key, planner.ChangeOffering{OfferingUUID: s.uuids["medium"]})
			s.do(key, planner.SetHostname{Hostname: "web2"})
			s.do(key, planner.SetConsolePassword{Secret: planner.SecretTag{Prefix: "consolePassword::", Secret: "web.consolePassword"}})
			s.do(key, planner.SetHostname{})
			s.do(key, planner.StartVM{})
			s.do(key, planner.RemoveTag{Tag: testScope.TagPrefix() + "restart"})
			s.do(key, planner.AttachTag{TagUUID: s.uuids["prod"]})
			s.do(key, planner.DetachTag{TagUUID: s.uuids["prod"]})
			s.do(key, planner.AddTag{Tag: "owner:me"})
			s.do(key, planner.RemoveTag{Tag: "owner:me"})

			inventory := s.inventory(planner.Wants{})
			if len(s.server.VMs()) != vms+1 || len(s.server.Volumes()) != volumes+2 || len(inventory.Disks) != 1 {
				t.Fatalf("%d VMs, %d volumes and %d tagged disks more, want 1, 2 and 1",
					len(s.server.VMs())-vms, len(s.server.Volumes())-volumes, len(inventory.Disks))
			}
			machine := s.machine(key)
			if machine.Name != "renamed" || machine.OfferingUUID != s.uuids["medium"] || machine.State != "Running" {
				t.Errorf("machine %+v", machine)
			}
			if diff := cmp.Diff([]string{testScope.KeyTag(key)}, texts(machine.UserTags)); diff != "" {
				t.Errorf("user tags (-want +got):\n%s", diff)
			}
			s.do(key, planner.DestroyVM{Scope: testScope})
			s.do(key, planner.DeleteDisk{VolumeUUID: inventory.Disks[0].UUID, Tag: tag})
			if machine := s.machine(key); machine.State != "Destroyed" || len(s.inventory(planner.Wants{}).Disks) != 0 {
				t.Errorf("machine %+v is not destroyed, or its disk is left", machine)
			}
		})
	}
}

func TestCreateThatTheServerRefuses(t *testing.T) {
	s := newSite(t, "")
	blueprint := s.blueprint(testKey, spec.FromImage, "centos-7.9")
	blueprint.SourceUUID = strings.Repeat("e", 12) + "41118111111111111111"
	outcome := s.driver.Perform(t.Context(), step(planner.CreateVM{Blueprint: blueprint}), &recorder{})
	if outcome.Status != executor.Failed || outcome.Retry || outcome.Failure.Class != classNotFound {
		t.Errorf("%s %+v", outcome.Status, outcome.Failure)
	}
}

func texts(tags []planner.Tag) []string {
	var texts []string
	for _, tag := range tags {
		texts = append(texts, tag.Text)
	}
	return texts
}

func hasPatternTag(machine planner.Observed, pattern string) bool {
	return slices.ContainsFunc(machine.UserTags, func(tag planner.Tag) bool { return tag.PatternUUID == pattern })
}
