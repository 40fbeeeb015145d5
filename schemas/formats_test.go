package schemas_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/schemas"
	"zfleet/spec"
	"zfleet/spec/policy"
)

// TestSchemasFollowTypes wants every definition to have just the keys that its
// Go type writes, and to require those that are always written.
func TestSchemasFollowTypes(t *testing.T) {
	ops := []planner.Op{
		planner.CreateVM{}, planner.TagDisks{}, planner.UpdateVM{}, planner.ChangeOffering{}, planner.SetHostname{},
		planner.SetConsolePassword{}, planner.StopVM{}, planner.StartVM{}, planner.DestroyVM{}, planner.DeleteDisk{},
		planner.AddTag{}, planner.RemoveTag{}, planner.AttachTag{}, planner.DetachTag{},
	}
	plan := map[string]any{
		"": planner.Plan{}, "scope": planner.Scope{}, "place": spec.Pos{}, "finding": spec.Diagnostic{},
		"binding": planner.Binding{}, "refusal": planner.Refusal{}, "policyResult": planner.PolicyResult{}, "machine": policy.Machine{}, "machineDisk": policy.Disk{}, "preflight": planner.Preflight{}, "check": planner.Check{}, "copy": planner.Copy{}, "change": planner.Change{},
		"difference": planner.Difference{}, "diskFate": planner.DiskFate{}, "blueprint": planner.Blueprint{},
		"nic": planner.NICPlan{}, "nicParams": spec.NICParams{}, "disk": planner.DiskPlan{}, "secret": planner.SecretTag{},
		"edit": planner.Edit{}, "tag": planner.Tag{}, "use": planner.Use{}, "limits": spec.Limits{},
		"step": struct {
			planner.Step
			Verb string `json:"verb"`
		}{},
	}
	for _, op := range ops {
		plan["op-"+op.Verb()] = op
	}
	parts := map[string]any{
		"scope": planner.Scope{}, "failure": executor.Failure{}, "cause": executor.Cause{}, "facts": executor.Facts{}, "status": nil,
		"otherRun": executor.OtherRun{},
	}
	report := map[string]any{
		"": executor.Report{}, "totals": executor.Totals{}, "machine": executor.MachineResult{},
		"step": executor.StepResult{}, "attempt": executor.Attempt{},
	}
	event := map[string]any{
		"": struct {
			Type string `json:"type"`
		}{},
		"machine": executor.PlannedMachine{}, "step": executor.PlannedStep{},
	}
	for _, e := range events() {
		event["event-"+e.Type()] = e
	}
	inventory := map[string]any{
		"": planner.InventoryFile{}, "scope": planner.Scope{}, "fleet": planner.InventoryFleet{}, "relative": planner.Relative{},
		"asked": planner.Asked{}, "machine": planner.Observed{}, "nic": planner.NIC{}, "disk": planner.Disk{}, "tag": planner.Tag{},
		"room": planner.Room{}, "headroom": planner.Headroom{}, "storageRoom": planner.StorageRoom{}, "networkRoom": planner.NetworkRoom{},
		"addressRange": planner.AddressRange{}, "takenAddress": planner.TakenAddress{}, "quota": planner.Quota{}, "backupStorage": planner.BackupStorage{},
		"candidateHosts": planner.CandidateHosts{}, "shape": planner.Shape{}, "unread": planner.Unread{}, "entry": planner.Entry{}, "kind": nil,
	}
	maps.Copy(report, parts)
	maps.Copy(event, parts)
	for name, types := range map[string]map[string]any{"plan.v1.json": plan, "inventory.v1.json": inventory, "report.v1.json": report, "event.v1.json": event} {
		t.Run(name, func(t *testing.T) {
			root := parse(t, documents[name])
			definitions := root["definitions"].(map[string]any)
			for definition := range definitions {
				if _, ok := types[definition]; !ok {
					t.Errorf("definition %s has no type", definition)
				}
			}
			for definition, value := range types {
				object := root
				if definition != "" {
					object, _ = definitions[definition].(map[string]any)
				}
				if value != nil {
					followsType(t, definition, object, reflect.TypeOf(value))
				}
			}
		})
	}
}

func followsType(t *testing.T, name string, object map[string]any, typ reflect.Type) {
	t.Helper()
	all, required := jsonKeys(typ)
	properties, _ := object["properties"].(map[string]any)
	if diff := cmp.Diff(all, slices.Sorted(maps.Keys(properties))); diff != "" {
		t.Errorf("%q: keys of the type (-) and of the schema (+):\n%s", name, diff)
	}
	var said []string
	list, _ := object["required"].([]any)
	for _, key := range list {
		said = append(said, key.(string))
	}
	slices.Sort(said)
	if diff := cmp.Diff(required, said); diff != "" {
		t.Errorf("%q: keys that are always written (-) and required by the schema (+):\n%s", name, diff)
	}
}

// jsonKeys returns the keys that a struct writes, and those it always writes.
func jsonKeys(typ reflect.Type) (all, required []string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		if field.Anonymous {
			inner, always := jsonKeys(field.Type)
			all, required = append(all, inner...), append(required, always...)
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" {
			name = field.Name
		}
		all = append(all, name)
		if !strings.HasPrefix(options, "omit") {
			required = append(required, name)
		}
	}
	slices.Sort(all)
	slices.Sort(required)
	return all, required
}

// events returns one event of each type, with all that it may say.
func events() []executor.Event {
	now := time.Date(2026, 7, 30, 12, 0, 0, 123456789, time.UTC)
	failure := executor.Failure{Class: "capacity", Operation: "CreateVmInstance", Code: "SYS.1006", Message: "no host", Hint: "free memory",
		Chain: []executor.Cause{{Code: "HOST_ALLOCATION.1000", Description: "no host"}}}
	return []executor.Event{
		executor.RunStarted{At: now, Format: "1.0", RunID: "r", Scope: planner.Scope{Name: "a", ID: "k7c1f0e5"}, PlanDigest: "d",
			Machines: []executor.PlannedMachine{{Key: "web/1", Name: "web-1", Action: planner.Create, UUID: "u", Reason: "new"}},
			Steps:    []executor.PlannedStep{{ID: "web/1 create", Key: "web/1", Verb: "create", UUID: "u"}}},
		executor.StepStarted{At: now, Step: "web/1 create", Try: 1},
		executor.AttemptStarted{At: now, Step: "web/1 create", Operation: "CreateVmInstance", JobUUID: "j"},
		executor.StepPhase{At: now, Step: "web/1 create", Text: "creating"},
		executor.StepRetried{At: now, Step: "web/1 create", Try: 1, Failure: failure, WaitMS: 1000},
		executor.StepFinished{At: now, Step: "web/1 create", Status: executor.Failed, Failure: &failure, Facts: &executor.Facts{UUID: "u"}},
		executor.AdmissionPaused{At: now, Reason: "server-unreachable", Detail: "connection refused", WaitMS: 5000},
		executor.AdmissionResumed{At: now},
		executor.AdmissionStopped{At: now, Reason: "interrupted"},
		executor.RunFinished{At: now},
	}
}

func TestEvents(t *testing.T) {
	schema := compile(t, schemas.Event)
	for _, event := range events() {
		line, err := executor.MarshalEvent(event)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(fromJSON(t, line)); err != nil {
			t.Errorf("%s: %s", line, leaves(err))
		}
	}
	for _, line := range []string{
		`{"at":"2026-07-30T12:00:00Z"}`,
		`{"type":"run-finished"}`,
		`{"type":"run-finished","at":"noon"}`,
		`{"type":"step-started","at":"2026-07-30T12:00:00Z","step":"web/1 create","try":0}`,
		`{"type":"step-finished","at":"2026-07-30T12:00:00Z","step":"web/1 create","status":"done"}`,
	} {
		if schema.Validate(fromJSON(t, []byte(line))) == nil {
			t.Errorf("accepted: %s", line)
		}
	}
	if err := schema.Validate(fromJSON(t, []byte(`{"type":"of-a-later-minor","x":1}`))); err != nil {
		t.Errorf("an event that a later minor version adds: %s", leaves(err))
	}
}

func TestReports(t *testing.T) {
	schema := compile(t, schemas.Report)
	now := time.Date(2026, 7, 30, 12, 0, 0, 0, time.UTC)
	failure := &executor.Failure{Class: "input", Message: "refused"}
	report := executor.Report{
		FormatVersion: "1.0", RunID: "r", Scope: planner.Scope{Name: "a", ID: "k7c1f0e5"}, Started: now, Ended: &now,
		Machines: []executor.MachineResult{{PlannedMachine: executor.PlannedMachine{Key: "web/1", Name: "web-1", Action: planner.Replace},
			Status: executor.Failed, Failure: failure}},
		Steps: []executor.StepResult{{PlannedStep: executor.PlannedStep{ID: "web/1 create", Key: "web/1", Verb: "create"},
			Status: executor.NotStarted, Attempts: []executor.Attempt{{At: now, Operation: "CreateVmInstance", JobUUID: "j"}}}},
	}
	check := func() error {
		data, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(fromJSON(t, data))
	}
	if err := check(); err != nil {
		t.Error(leaves(err))
	}
	report.Steps[0].Status = "done"
	if check() == nil {
		t.Error("accepted an unknown status")
	}
}

func TestPlans(t *testing.T) {
	schema := compile(t, schemas.Plan)
	text := "new name"
	scope := planner.Scope{Name: "a", ID: "k7c1f0e5"}
	changes := []planner.Change{
		{Key: "web/1", Name: "web-1", Action: planner.Create, UUID: "u1", Blueprint: &planner.Blueprint{Source: spec.FromImage, SourceUUID: "i",
			Name: "web-1", UserTags: []string{"t"}, CPU: 2, Memory: 1 << 30,
			NICs:      []planner.NICPlan{{NetworkUUID: "n", Params: &spec.NICParams{State: "enable"}}},
			DataDisks: []planner.DiskPlan{{Size: 1 << 30}},
			Secrets:   []planner.SecretTag{{Prefix: "userdata::", Base64: true, Secret: "web/1.userData", Digest: "d"}}}},
		{Key: "web/2", Name: "web-2", Action: planner.Update, UUID: "u2", Edit: &planner.Edit{Name: &text, Stop: true, AddTags: []string{"x"}},
			Differences: []planner.Difference{{Field: "name", Before: "a", After: "b"}}},
		{Key: "web/3", Name: "web-3", Action: planner.Delete, UUID: "u3", Disks: []planner.DiskFate{{UUID: "v", Name: "d", Size: 1, Tag: "t"}}},
		{Key: "web/4", Name: "web-4", Action: planner.Keep, UUID: "u4", Pos: spec.Pos{File: "f", Line: 1, Column: 2}},
	}
	plan := planner.Plan{FormatVersion: "1.0", Scope: scope, Digest: strings.Repeat("0", 64), References: []planner.Binding{},
		Changes: changes, Steps: planner.DeriveSteps(scope, changes),
		Notes: []spec.Diagnostic{{Severity: spec.Warning, Code: "capacity", Message: "may not fit"}}}
	check := func() error {
		data, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(fromJSON(t, data))
	}
	if len(plan.Steps) < 5 {
		t.Errorf("only %d steps", len(plan.Steps))
	}
	if err := check(); err != nil {
		t.Error(leaves(err))
	}
	plan.Changes[0].Action = "adopt"
	if check() == nil {
		t.Error("accepted an unknown action")
	}
	plan.Changes[0].Action = planner.Create
	plan.Steps[0].Op = otherVerb{planner.AddTag{Tag: "x"}}
	if check() == nil {
		t.Error("accepted the fields of another operation")
	}
}

// otherVerb is an operation under another one's verb.
type otherVerb struct{ planner.AddTag }

func (otherVerb) Verb() string { return "create" }
