package cloud

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// matrixOperation is how a call of the API comes to be sent, and how the cloud
// shows that it was carried out.
type matrixOperation struct {
	before func(*site) []planner.Op
	op     func(*site) planner.Op
	done   func(*site) bool
}

// matrixOperations are by the name of the call, and what tells it from others of
// the same name.
func matrixOperations() map[string]matrixOperation {
	create := func(s *site) planner.Op {
		blueprint := s.blueprint(testKey, spec.FromImage, "centos-7.9")
		blueprint.DataDisks = []planner.DiskPlan{{Size: 10 << 30}}
		return planner.CreateVM{Blueprint: blueprint}
	}
	never := func(*site) []planner.Op { return nil }
	after := func(more ...planner.Op) func(*site) []planner.Op {
		return func(s *site) []planner.Op { return append([]planner.Op{create(s)}, more...) }
	}
	does := func(op planner.Op) func(*site) planner.Op { return func(*site) planner.Op { return op } }
	from := func(kind spec.SourceKind, name string) func(*site) planner.Op {
		return func(s *site) planner.Op { return planner.CreateVM{Blueprint: s.blueprint(testKey, kind, name)} }
	}
	shows := func(ok func(*site, planner.Observed) bool) func(*site) bool {
		return func(s *site) bool { return ok(s, s.machine(testKey)) }
	}
	is := func(state string) func(*site) bool {
		return shows(func(_ *site, vm planner.Observed) bool { return vm.State == state })
	}
	tagged := func(text string, want bool) func(*site) bool {
		return shows(func(_ *site, vm planner.Observed) bool {
			return slices.Contains(slices.Concat(texts(vm.UserTags), texts(vm.SystemTags)), text) == want
		})
	}
	pattern := func(want bool) func(*site) bool {
		return shows(func(s *site, vm planner.Observed) bool { return hasPatternTag(vm, s.uuids["prod"]) == want })
	}
	tag := testScope.DiskTag(testKey, 0)
	disks := func(n int) func(*site) bool {
		return func(s *site) bool { return len(s.inventory(planner.Wants{}).Disks) == n }
	}
	password := planner.SecretTag{Prefix: "consolePassword::", Secret: "web.consolePassword"}
	return map[string]matrixOperation{
		"CreateVmInstance":                   {before: never, op: create, done: (*site).isMade},
		"CreateVmInstanceFromVolume":         {before: never, op: from(spec.FromVolume, "db-root"), done: (*site).isMade},
		"CreateVmInstanceFromVolumeSnapshot": {before: never, op: from(spec.FromSnapshot, "golden-nightly"), done: (*site).isMade},
		"CreateUserTag":                      {before: after(), op: does(planner.AddTag{Tag: "owner:me"}), done: tagged("owner:me", true)},
		"CreateUserTag on a disk":            {before: after(), op: does(planner.TagDisks{Tag: tag, Count: 1}), done: disks(1)},
		"DeleteTag": {before: after(planner.AddTag{Tag: "owner:me"}), op: does(planner.RemoveTag{Tag: "owner:me"}),
			done: tagged("owner:me", false)},
		"StopVmInstance": {before: after(planner.AddTag{Tag: testScope.TagPrefix() + "restart"}), op: does(planner.StopVM{}),
			done: is("Stopped")},
		"StartVmInstance":  {before: after(planner.StopVM{}), op: does(planner.StartVM{}), done: is("Running")},
		"UpdateVmInstance": {before: after(), op: does(planner.UpdateVM{Name: new("renamed")}), done: shows(func(_ *site, vm planner.Observed) bool { return vm.Name == "renamed" })},
		"ChangeInstanceOffering": {before: after(planner.StopVM{}),
			op:   func(s *site) planner.Op { return planner.ChangeOffering{OfferingUUID: s.uuids["medium"]} },
			done: shows(func(s *site, vm planner.Observed) bool { return vm.OfferingUUID == s.uuids["medium"] })},
		"SetVmHostname": {before: after(planner.StopVM{}), op: does(planner.SetHostname{Hostname: "web2"}), done: tagged("hostname::web2", true)},
		"DeleteVmHostname": {before: after(planner.StopVM{}, planner.SetHostname{Hostname: "web2"}), op: does(planner.SetHostname{}),
			done: tagged("hostname::web2", false)},
		"SetVmConsolePassword": {before: after(), op: does(planner.SetConsolePassword{Secret: password}), done: (*site).hasConsolePassword},
		"AttachTagToResources": {before: after(), op: func(s *site) planner.Op { return planner.AttachTag{TagUUID: s.uuids["prod"]} },
			done: pattern(true)},
		"DetachTagFromResources": {
			before: func(s *site) []planner.Op {
				return []planner.Op{create(s), planner.AttachTag{TagUUID: s.uuids["prod"]}}
			},
			op: func(s *site) planner.Op { return planner.DetachTag{TagUUID: s.uuids["prod"]} }, done: pattern(false)},
		"DestroyVmInstance": {before: after(), op: does(planner.DestroyVM{Scope: testScope}), done: is("Destroyed")},
		"DeleteDataVolume": {before: after(planner.TagDisks{Tag: tag, Count: 1}, planner.DestroyVM{Scope: testScope}), op: func(s *site) planner.Op {
			return planner.DeleteDisk{VolumeUUID: s.inventory(planner.Wants{}).Disks[0].UUID, Tag: tag}
		}, done: disks(0)},
	}
}

// isMade reports whether the test machine is there and runs.
func (s *site) isMade() bool {
	return slices.ContainsFunc(s.inventory(planner.Wants{}).Machines, func(vm planner.Observed) bool {
		return vm.UUID == testScope.MachineUUID(testKey, 0) && vm.State == "Running"
	})
}

func (s *site) hasConsolePassword() bool {
	ofMachine, _ := zstack.Where("resourceUuid", "=", testScope.MachineUUID(testKey, 0))
	rows, err := zstack.List[zstack.Tag](s.t.Context(), s.client, "/system-tags", ofMachine)
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.ContainsFunc(rows, func(tag zstack.Tag) bool { return tag.Tag == "consolePassword::hunter2" })
}

// tellsTheTruth holds the outcome of a step against the cloud.
func (s *site) tellsTheTruth(status executor.Status, done bool) {
	s.t.Helper()
	switch {
	case status == executor.Succeeded && !done:
		s.t.Error("the step says that it succeeded, and the cloud does not show it")
	case (status == executor.Failed || status == executor.Blocked) && done:
		s.t.Errorf("the step says that it %s, and the cloud shows it done", status)
	}
}

// TestFaultMatrixIsWhole: no fault that the simulator can make, no call that
// changes something and no operation of a plan is left out.
func TestFaultMatrixIsWhole(t *testing.T) {
	var rules strings.Builder
	for _, fault := range faultMatrix {
		rules.WriteString(fault.rule + ",")
	}
	for _, kind := range simulator.FaultKinds() {
		if !strings.Contains(rules.String(), "fault: "+kind+",") {
			t.Errorf("no row of the matrix makes the fault %s", kind)
		}
	}
	calls, ops := make(map[string]bool), make(map[string]bool)
	s := newSite(t, "")
	for name, op := range matrixOperations() {
		call, _, _ := strings.Cut(name, " ")
		calls[call] = true
		for _, before := range op.before(s) {
			s.do(testKey, before)
		}
		ops[reflect.TypeOf(op.op(s)).Name()] = true
		s = newSite(t, "")
	}
	known := simulator.Mutations()
	sent, performed := make(map[string]bool), make(map[string]bool)
	for _, text := range sources(t) {
		for _, literal := range regexp.MustCompile(`"([A-Z][A-Za-z]+)"`).FindAllStringSubmatch(text, -1) {
			if slices.Contains(known, literal[1]) {
				sent[literal[1]] = true
			}
		}
		for _, c := range regexp.MustCompile(`case planner\.(\w+):\n\t\treturn t\.`).FindAllStringSubmatch(text, -1) {
			performed[c[1]] = true
		}
	}
	if diff := cmp.Diff(sent, calls); diff != "" {
		t.Errorf("calls (-that the driver sends +of the matrix):\n%s", diff)
	}
	if diff := cmp.Diff(performed, ops); diff != "" {
		t.Errorf("operations (-that the driver performs +of the matrix):\n%s", diff)
	}
	if len(sent) < 10 || len(performed) < 10 {
		t.Errorf("the driver's sources were not understood: %v, %v", sent, performed)
	}
}

// sources are the texts of the package's own files, without its tests.
func sources(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}
