package cloud

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/planner"
	"zfleet/spec"
)

const (
	imageUUID   = "11111111111141118111111111111111"
	networkUUID = "22222222222242228222222222222222"
	hostUUID    = "33333333333343338333333333333333"
)

// createStep asks for the test machine with one card and one data disk.
func createStep() planner.Step {
	return step(planner.CreateVM{Blueprint: planner.Blueprint{
		Source: spec.FromImage, SourceUUID: imageUUID, Name: "web-1", CPU: 2, Memory: 4 << 30,
		NICs:      []planner.NICPlan{{NetworkUUID: networkUUID, IP: "10.0.0.5", MAC: "FA:00:00:00:00:01"}},
		DataDisks: []planner.DiskPlan{{Size: 1 << 30}},
		UserTags:  []string{testScope.KeyTag(testKey)},
	}})
}

// madeRow is the row of a VM that is all that createStep asks for.
func madeRow(state string) row {
	return vmRow(state, row{
		"hostUuid": hostUUID,
		"vmNics": []row{{"uuid": "n1", "l3NetworkUuid": networkUUID, "ip": "10.0.0.5", "mac": "fa:00:00:00:00:01",
			"usedIps": []row{{"ip": "fd00::5", "ipVersion": 6}, {"ip": "10.0.0.5", "ipVersion": 4}}}},
		"allVolumes": []row{{"uuid": "v0", "type": "Root"}, {"uuid": "v1", "type": "Data", "deviceId": 1}},
	})
}

var madeFacts = &executor.Facts{UUID: testUUID, Name: "web-1", State: "Running", IPs: []string{"10.0.0.5", "fd00::5"}, Host: "kvm-7"}

const (
	errTaken    = `{"code":"SYS.1000","description":"An internal error happened in system","details":"could not execute statement"}`
	errCapacity = `{"code":"SYS.1006","description":"Operation failed","details":"操作失败",
		"cause":{"code":"HOST_ALLOCATION.1000","description":"No available host","details":"没有可用的物理机","cause":{"code":"SYS.1006","description":"Operation failed"}}}`
	errTimeout = `{"code":"SYS.1006","description":"Operation failed","cause":{"code":"SYS.1001","description":"Operation times out","details":"超时"}}`
	errSession = `{"code":"ID.1001","description":"The session is invalid","details":"会话过期"}`
	errQuota   = `{"code":"ID.1003","description":"Quota exceeding","details":"配额不足"}`
)

// make puts the machine's row there, as a create call does.
func (f *fake) make(state string) { f.add("/vm-instances", madeRow(state)) }

type createCase struct {
	name   string
	before []row // VMs that are there already
	tags   []row
	script func(f *fake, m mutation, n int) answer // n counts create requests from 1
	edit   func(step *planner.Step)
	opts   Options

	status   executor.Status
	retry    bool
	class    string
	code     string
	message  string // a part of it
	settle   string
	note     string
	facts    *executor.Facts
	madeBy   *executor.OtherRun
	attempts int
}

var (
	mine   = Options{RunID: "mine", Host: "ci-1", Resumes: "before"}
	theirs = &executor.OtherRun{RunID: "theirs", Host: "ci-7"}
)

var createCases = []createCase{
	{
		name:   "created",
		script: func(f *fake, _ mutation, _ int) answer { f.make("Running"); return answer{} },
		status: executor.Succeeded, facts: madeFacts, attempts: 1,
	},
	{
		name:   "already there",
		before: []row{madeRow("Running")},
		status: executor.Succeeded, note: "was already there", facts: madeFacts,
	},
	{
		name:   "answer lost, VM there",
		script: func(f *fake, _ mutation, _ int) answer { f.make("Running"); return answer{lose: true} },
		status: executor.Succeeded, note: "the answer was lost, but the VM is there", facts: madeFacts, attempts: 1,
	},
	{
		name:   "request lost",
		script: func(*fake, mutation, int) answer { return answer{lose: true} },
		status: executor.Failed, retry: true, class: "transport", attempts: 1,
	},
	{
		name: "answer lost, VM still starting",
		script: func(f *fake, _ mutation, _ int) answer {
			f.make("Starting")
			time.AfterFunc(50*time.Millisecond, func() { f.set("/vm-instances", testUUID, row{"state": "Running"}) })
			return answer{lose: true}
		},
		status: executor.Succeeded, note: "the answer was lost, but the VM is there", facts: madeFacts, attempts: 1,
	},
	{
		name:   "job never ends, VM never settles",
		script: func(f *fake, _ mutation, _ int) answer { f.make("Starting"); return answer{hang: true} },
		opts:   Options{StepTimeout: 1500 * time.Millisecond},
		status: executor.Indeterminate, class: "transient", message: "Starting", attempts: 1,
		facts: &executor.Facts{UUID: testUUID, Name: "web-1", State: "Starting", IPs: []string{"10.0.0.5", "fd00::5"}, Host: "kvm-7"},
	},
	{
		name:   "job never ends, VM absent",
		script: func(*fake, mutation, int) answer { return answer{hang: true} },
		opts:   Options{StepTimeout: time.Second},
		status: executor.Indeterminate, class: "transient", attempts: 1,
	},
	{
		name:   "taken by nothing visible",
		script: func(*fake, mutation, int) answer { return answer{fail: errTaken} },
		opts:   Options{Anew: "zfleet apply -f fleet.yaml --simulate"},
		status: executor.Blocked, class: "internal", code: "taken-invisible", message: "3 times", attempts: 3,
		settle: "zfleet apply -f fleet.yaml --simulate --target web/1 --next-generation web/1",
	},
	{
		name: "taken for a while",
		script: func(f *fake, _ mutation, n int) answer {
			if n < 3 {
				return answer{fail: errTaken}
			}
			f.make("Running")
			return answer{}
		},
		status: executor.Succeeded, facts: madeFacts, attempts: 3,
	},
	{
		name:   "taken by another runner's request for the same machine",
		script: func(f *fake, _ mutation, _ int) answer { f.make("Running"); return answer{fail: errTaken} },
		status: executor.Succeeded, note: "the answer was lost, but the VM is there", facts: madeFacts, attempts: 1,
	},
	{
		name:   "made by another run before",
		before: []row{madeRow("Running")},
		tags:   []row{tagRow(1, typeVM, testUUID, testScope.RunTag("theirs", "ci-7")), tagRow(2, typeVM, testUUID, testScope.KeyTag(testKey))},
		opts:   mine, status: executor.Succeeded, facts: madeFacts, madeBy: theirs,
		note: "made by run theirs on ci-7, which was at work at the same time",
	},
	{
		name: "made by another run meanwhile",
		script: func(f *fake, _ mutation, _ int) answer {
			f.make("Running")
			f.add("/user-tags", tagRow(1, typeVM, testUUID, testScope.RunTag("theirs", "ci-7")))
			return answer{fail: errTaken}
		},
		opts: mine, status: executor.Succeeded, facts: madeFacts, madeBy: theirs, attempts: 1,
		note: "made by run theirs on ci-7, which was at work at the same time",
	},
	{
		name: "made by another run, its row before its tags",
		script: func(f *fake, _ mutation, _ int) answer {
			f.make("Starting")
			time.AfterFunc(30*time.Millisecond, func() {
				f.add("/user-tags", tagRow(1, typeVM, testUUID, testScope.RunTag("theirs", "ci-7")))
				f.set("/vm-instances", testUUID, row{"state": "Running"})
			})
			return answer{fail: errTaken}
		},
		opts: mine, status: executor.Succeeded, facts: madeFacts, madeBy: theirs, attempts: 1,
		note: "made by run theirs on ci-7, which was at work at the same time",
	},
	{
		name:   "made and destroyed by another run",
		before: []row{madeRow("Destroyed")},
		tags:   []row{tagRow(1, typeVM, testUUID, testScope.RunTag("theirs", "ci-7"))},
		opts:   mine, status: executor.Blocked, class: "input", message: "was destroyed", madeBy: theirs,
		note: "made by run theirs on ci-7, which was at work at the same time",
	},
	{
		name:   "made by an earlier request of this run",
		before: []row{madeRow("Running")},
		tags:   []row{tagRow(1, typeVM, testUUID, testScope.RunTag("mine", "ci-1"))},
		opts:   mine, status: executor.Succeeded, facts: madeFacts, note: "made by an earlier request of this run",
	},
	{
		name: "made by this run, the answer lost",
		script: func(f *fake, _ mutation, _ int) answer {
			f.make("Running")
			f.add("/user-tags", tagRow(1, typeVM, testUUID, testScope.RunTag("mine", "ci-1")))
			return answer{lose: true}
		},
		opts: mine, status: executor.Succeeded, facts: madeFacts, note: "the answer was lost, but the VM is there", attempts: 1,
	},
	{
		name:   "made by a late request of the run that is resumed",
		before: []row{madeRow("Running")},
		tags:   []row{tagRow(1, typeVM, testUUID, testScope.RunTag("before", "ci-1"))},
		opts:   mine, status: executor.Succeeded, facts: madeFacts, note: "made by run before, which this run resumes",
	},
	{
		name:   "no capacity",
		script: func(*fake, mutation, int) answer { return answer{fail: errCapacity} },
		status: executor.Failed, class: "capacity", code: "SYS.1006", message: "HOST_ALLOCATION.1000: No available host", attempts: 1,
	},
	{
		name:   "quota",
		script: func(*fake, mutation, int) answer { return answer{fail: errQuota} },
		status: executor.Failed, class: "quota", code: "ID.1003", message: "quota", attempts: 1,
	},
	{
		name:   "timed out inside, rolled back",
		script: func(*fake, mutation, int) answer { return answer{fail: errTimeout} },
		status: executor.Failed, retry: true, class: "transient", code: "SYS.1006", attempts: 1,
	},
	{
		name: "timed out inside, VM comes up",
		script: func(f *fake, _ mutation, _ int) answer {
			f.make("Starting")
			time.AfterFunc(20*time.Millisecond, func() { f.set("/vm-instances", testUUID, row{"state": "Running"}) })
			return answer{fail: errTimeout}
		},
		status: executor.Succeeded, note: "the server reported a failure, but the VM is there", facts: madeFacts, attempts: 1,
	},
	{
		name: "timed out inside, VM goes away",
		script: func(f *fake, _ mutation, _ int) answer {
			f.make("Starting")
			time.AfterFunc(20*time.Millisecond, func() { f.remove("/vm-instances", testUUID) })
			return answer{fail: errTimeout}
		},
		status: executor.Failed, retry: true, class: "transient", code: "SYS.1006", attempts: 1,
	},
	{
		name:   "refused",
		script: func(*fake, mutation, int) answer { return answer{refuse: http.StatusBadRequest} },
		status: executor.Failed, class: "input", attempts: 1,
	},
	{
		name: "session expired",
		script: func(f *fake, _ mutation, n int) answer {
			if n == 1 {
				return answer{fail: errSession}
			}
			f.make("Running")
			return answer{}
		},
		status: executor.Succeeded, facts: madeFacts, attempts: 2,
	},
	{
		name:   "destroyed VM holds the UUID",
		before: []row{madeRow("Destroyed")},
		status: executor.Blocked, class: "input", message: "was destroyed",
	},
	{
		name:   "released",
		before: []row{madeRow("Running")},
		tags:   []row{tagRow(1, typeVM, testUUID, testScope.TagPrefix()+"released")},
		status: executor.Blocked, class: "input", message: "not this fleet's machine",
	},
	{
		name:   "another machine, say its tags",
		before: []row{madeRow("Running")},
		tags:   []row{tagRow(1, typeVM, testUUID, testScope.KeyTag("db/1"))},
		status: executor.Blocked, class: "input", message: "not this fleet's machine",
	},
	{
		name:   "chosen UUID of somebody's VM",
		before: []row{func() row { r := madeRow("Running"); r["uuid"] = chosenUUID; return r }()},
		edit:   func(s *planner.Step) { s.UUID = chosenUUID },
		status: executor.Blocked, class: "input", message: "not this fleet's machine",
	},
	{
		name: "fewer disks and cards than asked for",
		script: func(f *fake, _ mutation, _ int) answer {
			f.add("/vm-instances", vmRow("Running", nil))
			return answer{}
		},
		status: executor.Failed, class: "internal", message: "0 of 1 data disks; 0 of 1 NICs; address 10.0.0.5 was asked for, got none",
		facts: &executor.Facts{UUID: testUUID, Name: "web-1", State: "Running"}, attempts: 1,
	},
	{
		name: "put on record only",
		script: func(f *fake, _ mutation, _ int) answer {
			f.add("/vm-instances", vmRow("Created", nil))
			return answer{}
		},
		edit: func(s *planner.Step) {
			op := s.Op.(planner.CreateVM)
			op.Blueprint.Strategy = "JustCreate"
			s.Op = op
		},
		status: executor.Succeeded, facts: &executor.Facts{UUID: testUUID, Name: "web-1", State: "Created"}, attempts: 1,
	},
	{
		name: "secret not given",
		edit: func(s *planner.Step) {
			op := s.Op.(planner.CreateVM)
			op.Blueprint.Secrets = []planner.SecretTag{{Prefix: "userdata::", Secret: "web/1.userData"}}
			s.Op = op
		},
		status: executor.Failed, class: "input", message: "web/1.userData",
	},
}

const chosenUUID = "44444444444444448444444444444444"

func TestCreate(t *testing.T) {
	for _, c := range createCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			f := newFake(t, func(f *fake, m mutation) answer {
				n++
				return c.script(f, m, n)
			})
			f.add("/vm-instances", c.before...)
			f.add("/user-tags", c.tags...)
			f.add("/hosts", row{"uuid": hostUUID, "name": "kvm-7"})
			s := createStep()
			if c.edit != nil {
				c.edit(&s)
			}
			got, rec := perform(t, f.driver(c.opts), s)
			c.check(t, got)
			if len(rec.attempts) != c.attempts {
				t.Errorf("%d attempts, want %d", len(rec.attempts), c.attempts)
			}
			sent := slices.CompactFunc(f.mutations, func(a, b mutation) bool { return a.Job == b.Job }) // one request may leave again
			for i, m := range sent {
				if want := fmt.Sprintf("%032x", i+1); m.Job != want || m.Path != "/vm-instances" {
					t.Errorf("request %d is %s under job %s, want POST /vm-instances under %s", i, m.Path, m.Job, want)
				}
			}
		})
	}
}

func (c *createCase) check(t *testing.T, got executor.Outcome) {
	t.Helper()
	failure := executor.Failure{}
	if got.Failure != nil {
		failure = *got.Failure
	}
	if got.Status != c.status || got.Retry != c.retry || failure.Class != c.class || failure.Code != c.code || failure.Settle != c.settle {
		t.Errorf("%s, retry %v, class %q, code %q; want %s, %v, %q, %q\n%+v", got.Status, got.Retry, failure.Class, failure.Code,
			c.status, c.retry, c.class, c.code, failure)
	}
	if !strings.Contains(failure.Message, c.message) {
		t.Errorf("message %q lacks %q", failure.Message, c.message)
	}
	if got.Failure != nil && failure.Hint == "" {
		t.Error("the failure has no hint")
	}
	if got.Note != c.note {
		t.Errorf("note %q, want %q", got.Note, c.note)
	}
	if diff := cmp.Diff(c.madeBy, got.MadeBy); diff != "" {
		t.Errorf("made by (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.facts, got.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestCreateKeepsTheServersWords(t *testing.T) {
	f := newFake(t, func(*fake, mutation) answer { return answer{fail: errCapacity} })
	got, _ := perform(t, f.driver(Options{}), createStep())
	want := &executor.Failure{
		Class: "capacity", Operation: "CreateVmInstance", Code: "SYS.1006", Description: "Operation failed", Details: "操作失败",
		Chain: []executor.Cause{
			{Code: "SYS.1006", Description: "Operation failed", Details: "操作失败"},
			{Code: "HOST_ALLOCATION.1000", Description: "No available host", Details: "没有可用的物理机"},
			{Code: "SYS.1006", Description: "Operation failed"},
		},
		Message: "no host has room for the machine (HOST_ALLOCATION.1000: No available host)",
		Hint:    hintRoom,
	}
	if diff := cmp.Diff(want, got.Failure); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

// TestTakenTakesAMinute: a server that calls a UUID taken is given the minute
// that its own cleaning up may take, before the step is blocked.
func TestTakenTakesAMinute(t *testing.T) {
	d := NewDriver(newFake(t, nil).client(), Options{Scope: testScope})
	if least := d.pace.invisible * (maxTaken - 1); maxTaken < 3 || least < time.Minute {
		t.Errorf("blocked after %d answers in %s, want 3 in a minute", maxTaken, least)
	}
}

func TestNothingIsSentWithoutARecord(t *testing.T) {
	f := newFake(t, succeedAll)
	rec := &recorder{refuse: true}
	got := f.driver(Options{}).Perform(t.Context(), createStep(), rec)
	if got.Status != executor.Failed || got.Retry || got.Failure.Class != "internal" {
		t.Errorf("got %+v, %+v", got, got.Failure)
	}
	if len(f.mutations) > 0 {
		t.Errorf("sent %+v", f.mutations)
	}
}

func TestCreateInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(*fake, mutation) answer {
		cancel()
		return answer{hang: true}
	})
	got := f.driver(Options{}).Perform(ctx, createStep(), &recorder{})
	if got.Status != executor.Indeterminate || got.Failure == nil || !strings.Contains(got.Failure.Hint, "the command again") {
		t.Errorf("got %+v, %+v", got, got.Failure)
	}
}

func TestCreateOnADeadServer(t *testing.T) {
	t.Parallel()
	f := newFake(t, succeedAll)
	d := f.driver(Options{})
	f.broken = func(*http.Request) bool { return true }
	got, rec := perform(t, d, createStep())
	if got.Status != executor.Failed || !got.Retry || got.Failure.Class != "transport" || len(rec.attempts) > 0 {
		t.Errorf("got %+v, %+v, %d attempts", got, got.Failure, len(rec.attempts))
	}
}

// TestCreateNamesTheRun: every machine that a run makes says so, and nothing in
// the plan does.
func TestCreateNamesTheRun(t *testing.T) {
	f := newFake(t, func(f *fake, _ mutation) answer { f.make("Running"); return answer{} })
	f.add("/hosts", row{"uuid": hostUUID, "name": "kvm-7"})
	s := createStep()
	before := slices.Clone(s.Op.(planner.CreateVM).Blueprint.UserTags)
	got, _ := perform(t, f.driver(mine), s)
	if got.Status != executor.Succeeded || got.MadeBy != nil || got.Note != "" {
		t.Errorf("got %+v", got)
	}
	want := []any{testScope.KeyTag(testKey), testScope.RunTag("mine", "ci-1")}
	if d := cmp.Diff(want, f.mutations[0].Body["userTags"]); d != "" {
		t.Errorf("user tags (-want +got):\n%s", d)
	}
	if d := cmp.Diff(before, s.Op.(planner.CreateVM).Blueprint.UserTags); d != "" {
		t.Errorf("the blueprint was changed (-want +got):\n%s", d)
	}
}

// TestWhoDidIt: a step whose work is found done says whether this run may have
// done it.
func TestWhoDidIt(t *testing.T) {
	destroy := step(planner.DestroyVM{Scope: testScope})
	f := newFake(t, func(f *fake, m mutation) answer {
		f.set("/vm-instances", testUUID, row{"state": "Destroyed"})
		return answer{fail: errTimeout}
	})
	var sent, over atomic.Bool
	f.broken = func(r *http.Request) bool {
		if r.Method == http.MethodDelete {
			sent.Store(true)
		}
		isLook := r.Method == http.MethodGet && strings.Contains(r.URL.Path, testUUID)
		return isLook && sent.Load() && !over.Load()
	}
	f.add("/vm-instances", madeRow("Running"))
	for _, tt := range []struct {
		name string
		opts Options
		note string
	}{
		{"nobody known", Options{RunID: "mine"}, "was already gone, not by this run"},
		{"perhaps the run that is resumed", mine, "was already gone"},
	} {
		gone := newFake(t, succeedAll)
		got, _ := perform(t, gone.driver(tt.opts), destroy)
		if got.Note != tt.note {
			t.Errorf("%s: note %q, want %q", tt.name, got.Note, tt.note)
		}
	}
	d := f.driver(Options{RunID: "mine"})
	if got, _ := perform(t, d, destroy); !got.Retry {
		t.Fatalf("the first try: %+v, %+v", got, got.Failure)
	}
	over.Store(true)
	got, _ := perform(t, d, destroy)
	if want := "was already gone, by an earlier request of this run"; got.Note != want {
		t.Errorf("note %q, want %q", got.Note, want)
	}
}
