package cloud

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
)

const (
	diskUUID    = "55555555555545558555555555555555"
	otherUUID   = "66666666666646668666666666666666"
	patternUUID = "77777777777747778777777777777777"
)

var diskTag = testScope.DiskTag(testKey, 0)

// keyTag is the row of the tag that makes the test machine the fleet's.
var keyTag = tagRow(0, typeVM, testUUID, testScope.KeyTag(testKey))

// restartTag is the row of the tag that an update sets before it stops a machine.
var restartTag = tagRow(7, typeVM, testUUID, testScope.TagPrefix()+"restart")

// diskRow is the row of a data disk of the test machine.
func diskRow(uuid string, fields row) row {
	r := row{"uuid": uuid, "name": "DATA-for-web-1", "type": "Data", "status": "Ready", "size": 1 << 30, "vmInstanceUuid": testUUID}
	for name, value := range fields {
		r[name] = value
	}
	return r
}

type stepCase struct {
	name   string
	op     planner.Op
	rows   map[string][]row
	script func(f *fake, m mutation) answer
	opts   Options

	status  executor.Status
	retry   bool
	class   string
	message string
	note    string
	state   string   // of the VM in the facts
	sent    []string // "METHOD path?query body key=value…"
}

func rowsOf(vm row, tags ...row) map[string][]row {
	return map[string][]row{"/vm-instances": {vm}, "/user-tags": tags}
}

// destroyed does what a destroy does, and then answers with a.
func destroyed(a answer) func(*fake, mutation) answer {
	return func(f *fake, _ mutation) answer {
		f.set("/vm-instances", testUUID, row{"state": "Destroyed"})
		return a
	}
}

var removalCases = []stepCase{
	{
		name: "destroy", op: planner.DestroyVM{Scope: testScope}, rows: rowsOf(vmRow("Running", nil), keyTag),
		script: destroyed(answer{}), status: executor.Succeeded, state: "Destroyed", sent: []string{"DELETE /vm-instances/" + testUUID},
	},
	{
		name: "destroy, disks without a tag stay", op: planner.DestroyVM{Scope: testScope},
		rows: map[string][]row{
			"/vm-instances": {vmRow("Running", row{"allVolumes": []row{diskRow(diskUUID, nil), diskRow(otherUUID, nil)}})},
			"/user-tags":    {keyTag, tagRow(1, typeVolume, diskUUID, diskTag)},
			"/volumes":      {diskRow(diskUUID, nil), diskRow(otherUUID, nil)},
		},
		script: destroyed(answer{}), status: executor.Succeeded, state: "Destroyed", sent: []string{"DELETE /vm-instances/" + testUUID},
		note: `data disks without a tag of the fleet are kept: "DATA-for-web-1" (1 GiB, ` + otherUUID + `); delete them by hand if nobody needs them`,
	},
	{
		name: "destroy, disks came after the look", op: planner.DestroyVM{Scope: testScope},
		rows: map[string][]row{
			"/vm-instances": {vmRow("Created", nil)},
			"/user-tags":    {keyTag},
			"/volumes": {
				diskRow(diskUUID, row{"vmInstanceUuid": nil, "lastVmInstanceUuid": testUUID}),
				diskRow(otherUUID, row{"vmInstanceUuid": nil, "lastVmInstanceUuid": testUUID, "name": "somebody's"}),
			},
		},
		script: destroyed(answer{}), status: executor.Succeeded, state: "Destroyed", sent: []string{"DELETE /vm-instances/" + testUUID},
		note: `data disks without a tag of the fleet are kept: "DATA-for-web-1" (1 GiB, ` + diskUUID + `); delete them by hand if nobody needs them`,
	},
	{
		name: "destroy, disks go with the VM", op: planner.DestroyVM{Scope: testScope},
		rows: map[string][]row{
			"/vm-instances": {vmRow("Running", row{"allVolumes": []row{diskRow(diskUUID, nil)}})},
			"/user-tags":    {keyTag},
			"/volumes":      {diskRow(diskUUID, row{"status": "Deleted"})},
		},
		script: destroyed(answer{}), status: executor.Succeeded, state: "Destroyed", sent: []string{"DELETE /vm-instances/" + testUUID},
	},
	{
		name: "destroy what is absent", op: planner.DestroyVM{Scope: testScope}, status: executor.Succeeded, note: "was already gone, not by this run",
	},
	{
		name: "destroy what is in the recycle bin", op: planner.DestroyVM{Scope: testScope}, rows: rowsOf(vmRow("Destroyed", nil), keyTag),
		status: executor.Succeeded, note: "was already gone, not by this run",
	},
	{
		name: "destroy what is protected", op: planner.DestroyVM{Scope: testScope},
		rows:   rowsOf(vmRow("Running", nil), keyTag, tagRow(1, typeVM, testUUID, testScope.TagPrefix()+"protect")),
		status: executor.Blocked, class: "input", message: "protected",
	},
	{
		name: "destroy what was released", op: planner.DestroyVM{Scope: testScope},
		rows:   rowsOf(vmRow("Running", nil), keyTag, tagRow(1, typeVM, testUUID, testScope.TagPrefix()+"released")),
		status: executor.Blocked, class: "input", message: "released",
	},
	{
		name: "destroy what became another machine", op: planner.DestroyVM{Scope: testScope},
		rows:   rowsOf(vmRow("Running", nil), tagRow(1, typeVM, testUUID, testScope.KeyTag("db/1"))),
		status: executor.Blocked, class: "input", message: "not the fleet's machine web/1",
	},
	{
		name: "destroy, answer lost, done", op: planner.DestroyVM{Scope: testScope}, rows: rowsOf(vmRow("Running", nil), keyTag),
		script: destroyed(answer{lose: true}), status: executor.Succeeded, note: "the answer was lost, but it is done",
		state: "Destroyed", sent: []string{"DELETE /vm-instances/" + testUUID},
	},
	{
		name: "destroy, request lost", op: planner.DestroyVM{Scope: testScope}, rows: rowsOf(vmRow("Running", nil), keyTag),
		script: func(*fake, mutation) answer { return answer{lose: true} },
		status: executor.Failed, retry: true, class: "transport", sent: slices.Repeat([]string{"DELETE /vm-instances/" + testUUID}, 3),
	},
	{
		name: "destroy, job never ends", op: planner.DestroyVM{Scope: testScope}, rows: rowsOf(vmRow("Running", nil), keyTag),
		script: func(*fake, mutation) answer { return answer{hang: true} }, opts: Options{StepTimeout: time.Second},
		status: executor.Indeterminate, class: "transient", sent: []string{"DELETE /vm-instances/" + testUUID},
	},
	{
		name: "destroy, timed out inside, done", op: planner.DestroyVM{Scope: testScope}, rows: rowsOf(vmRow("Running", nil), keyTag),
		script: destroyed(answer{fail: errTimeout}), status: executor.Succeeded, note: "the server reported a failure, but it is done",
		state: "Destroyed", sent: []string{"DELETE /vm-instances/" + testUUID},
	},
	{
		name: "delete disk", op: planner.DeleteDisk{VolumeUUID: diskUUID, Tag: diskTag},
		rows:   map[string][]row{"/volumes": {diskRow(diskUUID, nil)}, "/user-tags": {tagRow(1, typeVolume, diskUUID, diskTag)}},
		status: executor.Succeeded, sent: []string{"DELETE /volumes/" + diskUUID},
	},
	{
		name: "delete disk in the recycle bin", op: planner.DeleteDisk{VolumeUUID: diskUUID, Tag: diskTag},
		rows:   map[string][]row{"/volumes": {diskRow(diskUUID, row{"status": "Deleted"})}},
		status: executor.Succeeded, note: "was already gone, not by this run",
	},
	{
		name: "delete disk without its tag", op: planner.DeleteDisk{VolumeUUID: diskUUID, Tag: diskTag},
		rows:   map[string][]row{"/volumes": {diskRow(diskUUID, nil)}},
		status: executor.Blocked, class: "input", message: "not the fleet's any more",
	},
	{
		name: "delete disk on another VM", op: planner.DeleteDisk{VolumeUUID: diskUUID, Tag: diskTag},
		rows: map[string][]row{"/volumes": {diskRow(diskUUID, row{"vmInstanceUuid": otherUUID})},
			"/user-tags": {tagRow(1, typeVolume, diskUUID, diskTag)}},
		status: executor.Blocked, class: "input", message: "attached to another VM",
	},
	{
		name: "delete disk that is a root disk", op: planner.DeleteDisk{VolumeUUID: diskUUID, Tag: diskTag},
		rows: map[string][]row{"/volumes": {diskRow(diskUUID, row{"type": "Root"})},
			"/user-tags": {tagRow(1, typeVolume, diskUUID, diskTag)}},
		status: executor.Blocked, class: "input", message: "not a data disk",
	},
}

var actionPath = "/vm-instances/" + testUUID + "/actions"

var editCases = []stepCase{
	{
		name: "update", op: planner.UpdateVM{Name: new("web-2"), Memory: new(int64(8 << 30))}, rows: rowsOf(vmRow("Running", nil)),
		status: executor.Succeeded, state: "Running",
		sent: []string{"PUT " + actionPath + ` {"updateVmInstance":{"memorySize":8589934592,"name":"web-2"}}`},
	},
	{
		name: "update, answer lost, memory rounded", op: planner.UpdateVM{Memory: new(int64(8<<30 + 1))},
		rows:   rowsOf(vmRow("Running", row{"memorySize": 8 << 30})),
		script: func(*fake, mutation) answer { return answer{lose: true} },
		status: executor.Succeeded, note: "the answer was lost, but it is done", state: "Running",
		sent: []string{"PUT " + actionPath + ` {"updateVmInstance":{"memorySize":8589934593}}`},
	},
	{
		name: "update, request lost", op: planner.UpdateVM{Name: new("web-2")}, rows: rowsOf(vmRow("Running", nil)),
		script: func(*fake, mutation) answer { return answer{lose: true} },
		status: executor.Failed, retry: true, class: "transport",
		sent: slices.Repeat([]string{"PUT " + actionPath + ` {"updateVmInstance":{"name":"web-2"}}`}, 3),
	},
	{
		name: "change offering", op: planner.ChangeOffering{OfferingUUID: otherUUID}, rows: rowsOf(vmRow("Stopped", nil)),
		status: executor.Succeeded, state: "Stopped",
		sent: []string{"PUT " + actionPath + ` {"changeInstanceOffering":{"instanceOfferingUuid":"` + otherUUID + `"}}`},
	},
	{
		name: "set host name", op: planner.SetHostname{Hostname: "web1"}, status: executor.Succeeded,
		sent: []string{"PUT " + actionPath + ` {"setVmHostname":{"hostname":"web1"}}`},
	},
	{
		name: "remove host name", op: planner.SetHostname{},
		rows:   map[string][]row{"/system-tags": {tagRow(1, typeVM, testUUID, "hostname::web1")}},
		status: executor.Succeeded, sent: []string{"DELETE /vm-instances/" + testUUID + "/hostnames"},
	},
	{
		name: "remove host name that is not there", op: planner.SetHostname{}, status: executor.Succeeded, note: "the host name was already gone, not by this run",
	},
	{
		name: "console password", op: planner.SetConsolePassword{Secret: planner.SecretTag{Prefix: "consolePassword::", Secret: "web.consolePassword"}},
		opts:   Options{Secrets: map[string]string{"web.consolePassword": "hunter2"}},
		status: executor.Succeeded, sent: []string{"PUT " + actionPath + ` {"setVmConsolePassword":{"consolePassword":"hunter2"}}`},
	},
	{
		name: "console password unknown", op: planner.SetConsolePassword{Secret: planner.SecretTag{Secret: "web.consolePassword"}},
		status: executor.Failed, class: "input", message: "web.consolePassword",
	},
	{
		name: "stop", op: planner.StopVM{}, rows: rowsOf(vmRow("Running", nil), keyTag, restartTag), status: executor.Succeeded, state: "Stopped",
		script: func(f *fake, _ mutation) answer {
			f.set("/vm-instances", testUUID, row{"state": "Stopped"})
			return answer{}
		},
		sent: []string{"PUT " + actionPath + ` {"stopVmInstance":{"type":"grace"}}`},
	},
	{
		name: "stop what another run has started again", op: planner.StopVM{}, rows: rowsOf(vmRow("Running", nil), keyTag), status: executor.Succeeded, state: "Stopped",
		script: func(f *fake, m mutation) answer {
			if m.Method == "POST" {
				return answer{}
			}
			f.set("/vm-instances", testUUID, row{"state": "Stopped"})
			return answer{}
		},
		sent: []string{`POST /user-tags {"params":{"resourceType":"VmInstanceVO","resourceUuid":"` + testUUID + `","tag":"zfleet::lab-k3j9x2ab::restart"}}`, "PUT " + actionPath + ` {"stopVmInstance":{"type":"grace"}}`},
	},
	{
		name: "no end of an update whose machine was stopped again", op: planner.RemoveTag{Tag: testScope.TagPrefix() + "restart"},
		rows: rowsOf(vmRow("Stopped", nil), keyTag, restartTag), status: executor.Blocked, class: "input", message: "stopped again", state: "Stopped",
	},
	{
		name: "stop what is stopped", op: planner.StopVM{}, rows: rowsOf(vmRow("Stopped", nil), keyTag),
		status: executor.Succeeded, note: "was already stopped, not by this run", state: "Stopped",
	},
	{
		name: "stop what became another machine", op: planner.StopVM{},
		rows:   rowsOf(vmRow("Running", nil), tagRow(1, typeVM, testUUID, testScope.KeyTag("db/1"))),
		status: executor.Blocked, class: "input", message: "not the fleet's machine",
	},
	{
		name: "stop what is gone", op: planner.StopVM{}, status: executor.Blocked, class: "not-found", message: "does not exist any more",
	},
	{
		name: "start", op: planner.StartVM{}, rows: rowsOf(vmRow("Stopped", nil)), status: executor.Succeeded, state: "Running",
		script: func(f *fake, _ mutation) answer {
			f.set("/vm-instances", testUUID, row{"state": "Running"})
			return answer{}
		},
		sent: []string{"PUT " + actionPath + ` {"startVmInstance":{}}`},
	},
	{
		name: "start, answer lost while starting", op: planner.StartVM{}, rows: rowsOf(vmRow("Stopped", nil)), status: executor.Succeeded, state: "Running",
		script: func(f *fake, _ mutation) answer {
			f.set("/vm-instances", testUUID, row{"state": "Starting"})
			time.AfterFunc(20*time.Millisecond, func() { f.set("/vm-instances", testUUID, row{"state": "Running"}) })
			return answer{lose: true}
		},
		note: "the answer was lost, but it is done", sent: []string{"PUT " + actionPath + ` {"startVmInstance":{}}`},
	},
	{
		name: "start in a wrong state", op: planner.StartVM{}, rows: rowsOf(vmRow("Paused", nil)),
		script: func(*fake, mutation) answer { return answer{fail: `{"code":"VM.1010","description":"VM state error"}`} },
		status: executor.Failed, class: "input", message: "VM.1010", sent: []string{"PUT " + actionPath + ` {"startVmInstance":{}}`},
	},
}

var tagBodyText = func(resourceType, uuid, text string) string {
	return `POST /user-tags {"params":{"resourceType":"` + resourceType + `","resourceUuid":"` + uuid + `","tag":"` + text + `"}}`
}

// store does what a tag call does: the tag is there afterwards.
func store(f *fake, m mutation) answer {
	params := m.Body["params"].(map[string]any)
	f.add("/user-tags", tagRow(len(f.rows["/user-tags"])+100, params["resourceType"].(string), params["resourceUuid"].(string), params["tag"].(string)))
	return answer{}
}

func withDisks(disks ...row) map[string][]row {
	return map[string][]row{"/vm-instances": {vmRow("Running", row{"allVolumes": append([]row{{"uuid": "r", "type": "Root"}}, disks...)})}}
}

var tagCases = []stepCase{
	{
		name: "add tag", op: planner.AddTag{Tag: "owner:me"}, script: store, status: executor.Succeeded,
		sent: []string{tagBodyText(typeVM, testUUID, "owner:me")},
	},
	{
		name: "add tag that is there", op: planner.AddTag{Tag: "owner:me"},
		rows:   map[string][]row{"/user-tags": {tagRow(1, typeVM, testUUID, "owner:me")}},
		status: executor.Succeeded, note: "was already tagged, not by this run",
	},
	{
		name: "add tag, answer lost", op: planner.AddTag{Tag: "owner:me"}, status: executor.Succeeded, note: "the answer was lost, but it is done",
		script: func(f *fake, m mutation) answer { store(f, m); return answer{lose: true} },
		sent:   []string{tagBodyText(typeVM, testUUID, "owner:me")},
	},
	{
		name: "add tag, another run was quicker", op: planner.AddTag{Tag: "owner:me"}, status: executor.Succeeded, note: "the server reported a failure, but it is done",
		script: func(f *fake, m mutation) answer {
			store(f, m)
			return answer{fail: `{"code":"SYS.1006","description":"Operation failed"}`}
		},
		sent: []string{tagBodyText(typeVM, testUUID, "owner:me")},
	},
	{
		name: "remove tag", op: planner.RemoveTag{Tag: "owner:me"},
		rows:   map[string][]row{"/user-tags": {tagRow(0xab, typeVM, testUUID, "owner:me")}},
		status: executor.Succeeded, sent: []string{"DELETE /tags/00000000000000000000000007a600ab"},
	},
	{
		name: "remove tag that is not there", op: planner.RemoveTag{Tag: "owner:me"}, status: executor.Succeeded, note: "the tag was already gone, not by this run",
	},
	{
		name: "attach tag", op: planner.AttachTag{TagUUID: patternUUID}, status: executor.Succeeded,
		sent: []string{"POST /tags/" + patternUUID + `/resources {"params":{"resourceUuids":["` + testUUID + `"]}}`},
	},
	{
		name: "attach tag that is there", op: planner.AttachTag{TagUUID: patternUUID}, status: executor.Succeeded, note: "was already attached, not by this run",
		rows: map[string][]row{"/user-tags": {{"uuid": "t1", "resourceUuid": testUUID, "tag": "x", "tagPatternUuid": patternUUID}}},
	},
	{
		name: "detach tag", op: planner.DetachTag{TagUUID: patternUUID}, status: executor.Succeeded,
		rows: map[string][]row{"/user-tags": {{"uuid": "t1", "resourceUuid": testUUID, "tag": "x", "tagPatternUuid": patternUUID}}},
		sent: []string{"DELETE /tags/" + patternUUID + "/resources?resourceUuids=" + testUUID},
	},
	{
		name: "detach tag that is not there", op: planner.DetachTag{TagUUID: patternUUID}, status: executor.Succeeded, note: "was already detached, not by this run",
	},
	{
		name: "tag disks but not attached ones", op: planner.TagDisks{Tag: diskTag, Count: 1, Attached: []string{otherUUID}},
		rows:   withDisks(row{"uuid": otherUUID, "type": "Data", "deviceId": 1}, row{"uuid": diskUUID, "type": "Data", "deviceId": 2}, row{"uuid": "m", "type": "Memory"}),
		script: store, status: executor.Succeeded, sent: []string{tagBodyText(typeVolume, diskUUID, diskTag)},
	},
	{
		name: "tag disks, one missing", op: planner.TagDisks{Tag: diskTag, Count: 2}, rows: withDisks(row{"uuid": diskUUID, "type": "Data"}),
		script: store, status: executor.Failed, class: "internal", message: "1 of 2 data disks", sent: []string{tagBodyText(typeVolume, diskUUID, diskTag)},
	},
	{
		name: "tag disks, one too many", op: planner.TagDisks{Tag: diskTag, Count: 1},
		rows:   withDisks(row{"uuid": diskUUID, "type": "Data"}, row{"uuid": otherUUID, "type": "Data"}),
		status: executor.Blocked, class: "input", message: "2 data disks where 1 were asked for",
	},
}

func TestSteps(t *testing.T) {
	for _, c := range slices.Concat(removalCases, editCases, tagCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c *stepCase) run(t *testing.T) {
	script := c.script
	if script == nil {
		script = succeedAll
	}
	f := newFake(t, script)
	for collection, rows := range c.rows {
		for _, r := range rows {
			f.add(collection, cloned(r))
		}
	}
	got, rec := perform(t, f.driver(c.opts), step(c.op))
	failure := executor.Failure{}
	if got.Failure != nil {
		failure = *got.Failure
		if failure.Hint == "" {
			t.Error("the failure has no hint")
		}
	}
	if got.Status != c.status || got.Retry != c.retry || failure.Class != c.class || !strings.Contains(failure.Message, c.message) {
		t.Errorf("%s, retry %v, class %q, message %q; want %s, %v, %q, %q", got.Status, got.Retry, failure.Class, failure.Message,
			c.status, c.retry, c.class, c.message)
	}
	if got.Note != c.note {
		t.Errorf("note %q, want %q", got.Note, c.note)
	}
	if c.status == executor.Succeeded && c.state != "" && (got.Facts == nil || got.Facts.State != c.state) {
		t.Errorf("facts %+v, want state %s", got.Facts, c.state)
	}
	if diff := cmp.Diff(c.sent, f.sent(t)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	jobs := make(map[string]bool)
	for _, m := range f.mutations {
		jobs[m.Job] = true
	}
	if len(rec.attempts) != len(jobs) {
		t.Errorf("%d attempts for %d jobs", len(rec.attempts), len(jobs))
	}
}

func TestUnknownOperationIsAFailure(t *testing.T) {
	f := newFake(t, succeedAll)
	got, _ := perform(t, f.driver(Options{}), planner.Step{ID: "x", Key: testKey, UUID: testUUID})
	if got.Status != executor.Failed || got.Failure.Class != "internal" {
		t.Errorf("got %+v", got)
	}
}

func TestAuthFailureStopsAtOnce(t *testing.T) {
	f := newFake(t, succeedAll)
	f.denyLogin = true
	got, rec := perform(t, f.driver(Options{}), step(planner.StartVM{}))
	if got.Status != executor.Failed || got.Retry || got.Failure.Class != "auth" || len(rec.attempts) > 0 {
		t.Errorf("got %+v, %+v", got, got.Failure)
	}
}

// A machine that was never tagged and that no file names has no key to prove;
// its UUID is the fleet's, and that is enough. Not so if another claims it.
func TestDestroyWithoutTags(t *testing.T) {
	for _, claimed := range []bool{false, true} {
		f := newFake(t, func(f *fake, _ mutation) answer {
			f.set("/vm-instances", testUUID, row{"state": "Destroyed"})
			return answer{}
		})
		f.add("/vm-instances", vmRow("Running", nil))
		if claimed {
			f.add("/user-tags", tagRow(1, typeVM, testUUID, testScope.KeyTag("web/9")))
		}
		s := step(planner.DestroyVM{Scope: testScope})
		s.Key = "untagged/" + testUUID
		want := map[bool]executor.Status{false: executor.Succeeded, true: executor.Blocked}[claimed]
		if got, _ := perform(t, f.driver(Options{}), s); got.Status != want {
			t.Errorf("claimed by another %v: %+v, %+v", claimed, got, got.Failure)
		}
	}
}

// What is known to be done leaves no doubt: the step failed at what came next.
func TestReadThatFailsAfterATag(t *testing.T) {
	f := newFake(t, store)
	for collection, rows := range withDisks(row{"uuid": diskUUID, "type": "Data"}, row{"uuid": otherUUID, "type": "Data"}) {
		f.add(collection, rows...)
	}
	f.broken = func(r *http.Request) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.mutations) > 0 && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/user-tags")
	}
	got, rec := perform(t, f.driver(Options{}), step(planner.TagDisks{Tag: diskTag, Count: 2}))
	if got.Status != executor.Failed || !got.Retry || got.Failure.Class != "transport" || len(rec.attempts) != 1 {
		t.Errorf("got %+v, %+v after %d attempts", got, got.Failure, len(rec.attempts))
	}
}

func TestTransientFailureOfAnEditIsRetried(t *testing.T) {
	f := newFake(t, func(*fake, mutation) answer { return answer{fail: errTimeout} })
	f.add("/vm-instances", vmRow("Running", nil))
	got, _ := perform(t, f.driver(Options{}), step(planner.UpdateVM{Name: new("web-2")}))
	if got.Status != executor.Failed || !got.Retry || got.Failure.Class != "transient" {
		t.Errorf("got %+v, %+v", got, got.Failure)
	}
}

func TestNotSentIsRetried(t *testing.T) {
	t.Parallel()
	f := newFake(t, succeedAll)
	f.server.Config.SetKeepAlivesEnabled(false) // every request dials
	f.add("/vm-instances", vmRow("Stopped", nil))
	d := f.driver(Options{})
	if _, _, err := d.vm(t.Context(), testUUID); err != nil {
		t.Fatal(err)
	}
	f.server.Close()
	got, _ := perform(t, d, step(planner.UpdateVM{Name: new("web-2")}))
	if got.Status != executor.Failed || !got.Retry || got.Failure.Class != "transport" {
		t.Errorf("got %+v, %+v", got, got.Failure)
	}
	if len(f.mutations) > 0 {
		t.Errorf("sent %+v", f.mutations)
	}
}
