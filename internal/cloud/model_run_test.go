package cloud

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zfleet/examples"
	"zfleet/executor"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

var modelScope = planner.Scope{Name: "model", ID: "k7c1f0e5"}

// modelWorld is one simulated cloud and what runs on it.
type modelWorld struct {
	t         *testing.T
	seed      uint64
	server    *simulator.Server
	late      atomic.Int32 // requests on their way that nobody waits for
	processes uint64
	restarted bool            // the server was, in the middle of something
	known     map[string]bool // jobs that are on somebody's record
	said      []string        // what was done, for a failure
}

func newModelWorld(t *testing.T, seed uint64) *modelWorld {
	t.Helper()
	small := bytes.ReplaceAll(examples.Datacenter, []byte("count: 20,"), []byte("count: 3,")) // hosts: every plan reads them all
	server, err := simulator.New(simulator.Options{Datacenter: small, Latency: 2 * time.Second, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	return &modelWorld{t: t, seed: seed, server: server, known: make(map[string]bool)}
}

func (w *modelWorld) say(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf("%s %s", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...)))
}

// settle waits until the server has nothing in flight any more.
func (w *modelWorld) settle() {
	for began := time.Now(); w.busy(); time.Sleep(time.Second) {
		if time.Since(began) > time.Hour {
			w.t.Fatal("the server does not come to rest")
		}
	}
}

// end lets whatever a client left behind come to its end, and closes the server.
func (w *modelWorld) end() {
	w.settle()
	time.Sleep(time.Hour)
	_ = w.server.Close()
}

func (w *modelWorld) busy() bool {
	if w.late.Load() > 0 {
		return true
	}
	return slices.ContainsFunc(w.server.Jobs(), func(job simulator.Job) bool { return job.Ended.IsZero() })
}

// modelProcess is one process of zfleet, with a client of its own.
type modelProcess struct {
	world  *modelWorld
	runID  string
	wire   *modelWire
	client *zstack.Client
}

func (w *modelWorld) process(requestsPerSecond float64) *modelProcess {
	w.t.Helper()
	w.processes++
	wire := &modelWire{handler: w.server, late: &w.late, random: rand.New(rand.NewPCG(w.seed, w.processes)),
		absent: make(map[string]bool), sent: make(map[string]string), unseen: make(map[string]bool), looked: make(map[string]time.Time), creates: make(map[string]string)}
	client, err := zstack.New(zstack.Config{
		Endpoint: "http://zstack", Transport: wire, AccountName: "admin", AccountPassword: "password", RequestsPerSecond: requestsPerSecond,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &modelProcess{world: w, runID: fmt.Sprint("run-", w.processes), wire: wire, client: client}
}

// plan plans the fleet, or what a run of old has left of it. A nil fleet is to
// be destroyed.
func (p *modelProcess) plan(fleet *spec.Fleet, old *planner.Plan) *planner.Plan {
	t := p.world.t
	t.Helper()
	inventory, err := p.inventory(fleet)
	if err != nil {
		t.Fatalf("inventory: %v", err)
	}
	return p.planFrom(inventory, fleet, old)
}

func (p *modelProcess) inventory(fleet *spec.Fleet) (*planner.Inventory, error) {
	var wants planner.Wants
	if fleet != nil {
		wants = planner.RequestsFor(fleet)
	}
	return Inventory(p.world.t.Context(), p.client, modelScope, wants, nil)
}

func (p *modelProcess) planFrom(inventory *planner.Inventory, fleet *spec.Fleet, old *planner.Plan) *planner.Plan {
	t := p.world.t
	t.Helper()
	var (
		plan  *planner.Plan
		moved []planner.Moved
		found spec.Diagnostics
	)
	switch {
	case old != nil:
		plan, moved, found = planner.Resume(old, fleet, inventory)
	case fleet == nil:
		plan = planner.BuildDestroy(modelScope, inventory, planner.Options{AllowVolumeLoss: modelKeys(inventory), AllowDeletes: -1})
	default:
		plan, found = planner.Build(fleet, inventory, planner.Options{AllowDisjoint: true, AllowDeletes: -1, AllowReplacements: -1})
	}
	switch {
	case plan == nil:
		t.Fatalf("no plan: %v", found)
	case len(moved) > 0:
		for _, m := range moved {
			if !strings.HasPrefix(m.What, "planned blocked, ") {
				t.Errorf("the rest of the run is more than the run: %v", m)
			}
		}
		return p.plan(fleet, nil) // what the run found blocked it had no consent for: apply goes on
	case len(plan.Refusals) > 0:
		t.Errorf("the plan is refused: %v", plan.Refusals)
	}
	return plan
}

// modelKeys lists the keys of the machines of an inventory.
func modelKeys(inventory *planner.Inventory) []string {
	var keys []string
	for _, machine := range inventory.Machines {
		for _, tag := range machine.UserTags {
			if key, ok := strings.CutPrefix(tag.Text, modelScope.KeyTag("")); ok {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// modelTrouble is what happens to a run.
type modelTrouble struct {
	faults    string // rules of the simulator
	lateness  int    // see modelWire
	stalls    int    // see modelWire
	failAfter int    // writes to the journal
	// timeout is how long the server may work on a step. 0: as long as it likes,
	// which is half a day of waiting for a job that a restart has lost.
	timeout time.Duration
	// The run is interrupted, or its process ends, at moments counted from its
	// start: events of the run and requests to the server. 0: never.
	stop, leave, crash int
	// belated says that requests may reach the server after their client gave
	// them up: what it has in flight then says nothing about the client. denied says that it denies to know of jobs.
	belated, denied bool
	// blind says that looks at machines may get no answer.
	blind bool
	// rival says that another process does the same at the same time: what is
	// found afterwards is not the work of one of them. It plans and begins so much
	// later.
	rival      bool
	rivalAfter time.Duration
}

// modelRun is a run and what it left.
type modelRun struct {
	trouble modelTrouble
	plan    *planner.Plan
	began   time.Time
	crashed bool
	err     error
	report  *executor.Report
	events  []executor.Event // of the journal
	full    []executor.Event // as they were observed, of a run that was not cut off
	wire    *modelWire
}

// carryOut runs a plan, with the trouble that is given.
func (p *modelProcess) carryOut(plan *planner.Plan, secrets map[string]string, trouble modelTrouble) *modelRun {
	t := p.world.t
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	disk := &modelDisk{failAfter: trouble.failAfter}
	r := &modelRun{trouble: trouble, plan: plan, began: time.Now(), wire: p.wire}
	stop := make(chan struct{})
	var (
		mu      sync.Mutex
		moments int
		left    []byte
	)
	reached := func() {
		mu.Lock()
		defer mu.Unlock()
		switch moments++; moments {
		case trouble.stop:
			close(stop)
		case trouble.leave:
			cancel()
		case trouble.crash:
			r.crashed = true
			p.wire.cutOff()
			left = disk.cut(rand.New(rand.NewPCG(p.world.seed, uint64(moments))))
			cancel()
		}
	}
	p.wire.mu.Lock()
	p.wire.journal, p.wire.reached, p.wire.lateness, p.wire.stalls = disk, reached, trouble.lateness, trouble.stalls
	p.wire.mu.Unlock()
	driver := NewDriver(p.client, Options{StepTimeout: trouble.timeout, Scope: modelScope, Secrets: secrets, RunID: p.runID, Host: "here"})
	r.report, r.err = executor.Run(ctx, plan, driver, executor.NewJournal(disk), executor.Options{
		RunID:  p.runID,
		Limits: modelLimits(plan.Limits),
		Observer: func(event executor.Event) {
			mu.Lock()
			if !r.crashed {
				r.full = append(r.full, event)
			}
			mu.Unlock()
			reached()
		},
		Stop: stop,
	})
	if !r.crashed {
		left = disk.data
	}
	var err error
	if r.events, err = executor.ReadJournal(bytes.NewReader(left)); err != nil {
		t.Errorf("the journal cannot be read: %v\n%s", err, left)
	}
	if r.crashed && len(r.events) > 0 {
		if r.report, err = executor.Fold(r.events); err != nil {
			t.Errorf("the journal makes no report: %v\n%s", err, left)
		}
	}
	return r
}

func modelLimits(l spec.Limits) executor.Limits {
	return executor.Limits{Parallelism: l.Parallelism, PerClass: map[planner.UseClass]int{
		planner.UseCluster: l.PerCluster, planner.UseHost: l.PerHost,
		planner.UsePrimaryStorage: l.PerPrimaryStorage, planner.UseSource: l.PerSource,
	}}
}

func modelSecrets(fleet *spec.Fleet) map[string]string {
	secrets := make(map[string]string)
	if fleet == nil {
		return secrets
	}
	for _, machine := range fleet.Machines {
		if machine.UserData != nil {
			secrets[machine.UserData.Path] = machine.UserData.Value
		}
	}
	return secrets
}

// reread brings a plan through its file, as a run directory does.
func (w *modelWorld) reread(plan *planner.Plan) *planner.Plan {
	w.t.Helper()
	data, err := plan.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	again, err := planner.Decode(data)
	if err != nil {
		w.t.Fatal(err)
	}
	return again
}
