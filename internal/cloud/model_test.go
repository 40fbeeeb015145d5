package cloud

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// How many seeds the model test tries, quickly and with ZFLEET_TEST_LONG set,
// and how often it repeats the one that ZFLEET_TEST_SEED names: the order of
// goroutines is no part of a seed.
const (
	quickSeeds  = 40
	longSeeds   = 5000
	seedRepeats = 20
)

// TestModel lives through the life of a random fleet twice: once without
// trouble, once with faults of the server, interruptions and crashes. Every run
// is held against the server's own record, and whatever happened, the cloud
// must end as it does without trouble.
func TestModel(t *testing.T) {
	first, seeds, repeats := modelSeeds(t, quickSeeds, longSeeds)
	for seed := first; seed < first+seeds; seed++ {
		for range repeats {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { liveModel(t, seed) })
			})
		}
	}
}

// modelSeeds says which seeds a test tries, and how often each.
func modelSeeds(t *testing.T, quick, long uint64) (first, seeds uint64, repeats int) {
	t.Helper()
	percent := debug.SetGCPercent(800) // many small worlds, little of which lives on
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	first, seeds, repeats = 1, quick, 1
	if raceEnabled {
		seeds /= 8
	}
	if os.Getenv("ZFLEET_TEST_LONG") != "" {
		first, seeds = uint64(time.Now().UnixNano())/1e6, long
	}
	if text := os.Getenv("ZFLEET_TEST_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
		seeds, repeats = 1, seedRepeats
	}
	return first, seeds, repeats
}

// modelPhase is a part of a fleet's life: what people did by hand before it,
// and the file that is applied then. A nil fleet is to be destroyed.
type modelPhase struct {
	hands uint64
	fleet *spec.Fleet
	text  string
}

func newModelPlot(t *testing.T, random *rand.Rand) []modelPhase {
	t.Helper()
	file := newModelFleet(random)
	plot := []modelPhase{{fleet: file.load(t), text: file.yaml()}}
	for range 1 + random.IntN(2) {
		file.change(random)
		plot = append(plot, modelPhase{hands: random.Uint64(), fleet: file.load(t), text: file.yaml()})
	}
	if random.IntN(3) == 0 {
		plot = append(plot, modelPhase{hands: random.Uint64()})
	}
	return plot
}

// modelEnd is how the cloud stands at the end of a phase.
type modelEnd struct {
	cloud   []string
	blocked []string
}

// liveModel lives through the life of one seed.
func liveModel(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	plot := newModelPlot(t, random)
	calm := newModelWorld(t, seed)
	defer calm.end()
	rough := newModelWorld(t, seed)
	defer rough.end()
	for i, phase := range plot {
		scene := calm.peacefully(phase)
		rough.byHand(phase)
		rough.roughly(random, phase, nil, 1+random.IntN(2), scene.end)
		if t.Failed() {
			t.Logf("repeat with ZFLEET_TEST_SEED=%d; phase %d:\n%s\n%s", seed, i+1, phase.text, strings.Join(rough.said, "\n"))
			return
		}
	}
}

func (w *modelWorld) processFor(phase modelPhase) *modelProcess {
	if phase.fleet == nil {
		return w.process(0)
	}
	return w.process(float64(phase.fleet.Limits.RequestsPerSecond))
}

// outcome wants a plan that finds nothing to do, and tells how the cloud stands.
// The plan is the latest one, or nil where it is older than the cloud.
func (w *modelWorld) outcome(phase modelPhase, plan *planner.Plan) modelEnd {
	w.t.Helper()
	if plan == nil {
		plan = w.process(0).plan(phase.fleet, nil)
	}
	for _, step := range plan.Steps {
		w.t.Errorf("something is left to do: %s", step.ID)
	}
	return modelEnd{cloud: w.cloud().describe(), blocked: blockedIn(plan)}
}

// roughly carries a phase out in runs that have trouble, then lifts the faults
// and goes on with resume or apply until nothing is left but what is blocked
// without trouble too. In the end the cloud must be as it is without. The first
// plan is made where it is nil.
func (w *modelWorld) roughly(random *rand.Rand, phase modelPhase, plan *planner.Plan, runs int, end modelEnd) {
	var unfinished *planner.Plan // what a resume goes on with: the plan that had consent
	first := plan
	for range runs {
		p := w.processFor(phase)
		if plan == nil {
			plan = p.plan(phase.fleet, unfinished)
		}
		began := w.disturbed(p, plan, phase, newModelTrouble(random, plan))
		switch {
		case !began || random.IntN(3) > 0:
			unfinished = nil
		case unfinished == nil:
			unfinished = w.reread(plan)
		}
		plan = nil
	}
	if first != nil && !w.restarted && random.IntN(4) == 0 {
		w.again(phase, first) // a server that ended in the middle leaves what nobody asked for
	}
	last := w.mended(phase, unfinished, end)
	if diff := cmp.Diff(end, w.outcome(phase, last), cmp.AllowUnexported(modelEnd{})); diff != "" {
		w.t.Errorf("the cloud without and with trouble (-without +with):\n%s", diff)
	}
}

// mended goes on after trouble: one run does the rest once the server is at
// rest. It returns the last plan if that found nothing to do.
func (w *modelWorld) mended(phase modelPhase, unfinished *planner.Plan, end modelEnd) *planner.Plan {
	for {
		busy := w.busy()
		p := w.processFor(phase)
		plan := p.plan(phase.fleet, unfinished)
		w.say("undisturbed (busy %v, resume %v): %s", busy, unfinished != nil, planned(plan))
		run := p.carryOut(plan, modelSecrets(phase.fleet), modelTrouble{belated: busy})
		w.check(run)
		w.say("→ %+v %s", run.report.Totals, unsuccessful(run.report))
		if busy {
			unfinished = nil
			w.settle() // what is in flight decides itself; then one run more must do
			continue
		}
		if run.report.Totals.Succeeded != len(plan.Steps) {
			w.t.Errorf("one more run does not do it all: %s", unsuccessful(run.report))
		}
		if w.restarted {
			w.asAdvised(phase, end.blocked)
		} else if len(plan.Steps) == 0 && unfinished == nil {
			return plan
		}
		return nil
	}
}

// asAdvised does what zfleet asks for where it cannot go on by itself: the
// server was ended between making a machine and giving it the disks that have
// names. Nothing tells such a machine from one whose disks somebody took off.
func (w *modelWorld) asAdvised(phase modelPhase, blocked []string) {
	plan := w.process(0).plan(phase.fleet, nil)
	mended := false
	for _, change := range plan.Changes {
		vm := w.cloud().vms[change.UUID]
		volumes, _ := vm["allVolumes"].([]any)
		if slices.Contains(blocked, change.Key+": "+change.Reason) || !strings.Contains(change.Reason, "data disks are not attached any more; attach them again") || len(volumes) != 1 {
			continue
		}
		volume := fmt.Sprintf("%s5000800000000000%04x", change.UUID[:12], len(w.server.Volumes()))
		w.hand(zstack.Call{Operation: "CreateDataVolume", Method: http.MethodPost, Path: "/volumes/data",
			Body: row{"params": row{"name": "logs", "diskSize": 5 << 30, "resourceUuid": volume}}})
		w.hand(zstack.Call{Operation: "AttachDataVolumeToVm", Method: http.MethodPost, Path: "/volumes/" + volume + "/vm-instances/" + change.UUID,
			Body: row{"params": row{}}})
		starts := slices.ContainsFunc(phase.fleet.Machines, func(m spec.Machine) bool { return m.Key == change.Key && m.Strategy == "" })
		if vm["state"] == "Stopped" && starts {
			w.hand(zstack.Call{Operation: "StartVmInstance", Method: http.MethodPut, Path: "/vm-instances/" + change.UUID + "/actions",
				Body: row{"startVmInstance": row{}}})
		}
		mended = true
	}
	if mended {
		p := w.processFor(phase)
		w.check(p.carryOut(p.plan(phase.fleet, nil), modelSecrets(phase.fleet), modelTrouble{}))
	}
}

// disturbed carries a plan out with trouble. It reports whether the run left a
// record.
func (w *modelWorld) disturbed(p *modelProcess, plan *planner.Plan, phase modelPhase, trouble modelTrouble) bool {
	w.say("disturbed: %s\n%+v", planned(plan), trouble)
	w.restarted = w.restarted || strings.Contains(trouble.faults, "fault: restart")
	trouble.belated = trouble.belated || w.busy() // with what an earlier process has sent
	rivals := w.rivals(phase, trouble)
	w.server.SetFaults(mustFaults(w.t, trouble.faults))
	run := p.carryOut(plan, modelSecrets(phase.fleet), trouble)
	w.remember(run)
	for _, rival := range rivals() {
		w.check(rival)
	}
	w.server.SetFaults(nil)
	w.check(run)
	if run.report == nil {
		w.say("→ no record, %v", run.err)
		return false
	}
	w.say("→ crashed %v, stopped %q, error %v, %+v %s", run.crashed, run.report.Stopped, run.err, run.report.Totals, unsuccessful(run.report))
	return true
}

// rivals starts another process that does the same at the same time, if there is
// to be one, and returns how to wait for its run.
func (w *modelWorld) rivals(phase modelPhase, trouble modelTrouble) func() []*modelRun {
	if !trouble.rival {
		return func() []*modelRun { return nil }
	}
	p := w.processFor(phase)
	plan := p.plan(phase.fleet, nil)
	runs := make(chan *modelRun, 1)
	go func() {
		defer close(runs)
		if trouble.rivalAfter > 0 {
			time.Sleep(trouble.rivalAfter)
			inventory, err := p.inventory(phase.fleet)
			if err != nil {
				return // a server in trouble: without an inventory there is no plan
			}
			plan = p.planFrom(inventory, phase.fleet, nil)
		}
		runs <- p.carryOut(plan, modelSecrets(phase.fleet), modelTrouble{belated: true, rival: true, stalls: trouble.stalls})
	}()
	return func() []*modelRun {
		run, planned := <-runs
		if !planned {
			return nil
		}
		w.remember(run)
		w.say("the rival's run: %+v %s", run.report.Totals, unsuccessful(run.report))
		return []*modelRun{run}
	}
}

func planned(plan *planner.Plan) string {
	var steps []string
	for _, step := range plan.Steps {
		steps = append(steps, string(step.ID))
	}
	return fmt.Sprintf("%s; blocked: %s", strings.Join(steps, ", "), blockedIn(plan))
}

func unsuccessful(report *executor.Report) string {
	var steps []string
	for _, step := range report.Steps {
		if step.Status != executor.Succeeded {
			said := fmt.Sprintf("%s %s", step.ID, step.Status)
			if step.Failure != nil {
				said += ": " + step.Failure.Message
			}
			steps = append(steps, said)
		}
	}
	return strings.Join(steps, "; ")
}

// byHand does what people do between two runs: the same in both worlds.
func (w *modelWorld) byHand(phase modelPhase) {
	w.t.Helper()
	if phase.hands == 0 {
		return
	}
	random := rand.New(rand.NewPCG(phase.hands, 0))
	cloud := w.cloud()
	for _, uuid := range cloud.live() {
		if random.IntN(6) > 0 {
			continue
		}
		calls := []zstack.Call{
			{Operation: "UpdateVmInstance", Method: http.MethodPut, Path: "/vm-instances/" + uuid + "/actions",
				Body: row{"updateVmInstance": row{"name": "renamed by hand", "description": "by hand"}}},
			{Operation: "StopVmInstance", Method: http.MethodPut, Path: "/vm-instances/" + uuid + "/actions", Body: row{"stopVmInstance": row{}}},
		}
		if cloud.vms[uuid]["imageUuid"] != nil { // a volume would be lost with its machine
			calls = append(calls, zstack.Call{Operation: "DestroyVmInstance", Method: http.MethodDelete, Path: "/vm-instances/" + uuid})
		}
		tags := cloud.userTags[uuid]
		slices.SortFunc(tags, func(a, b row) int { return strings.Compare(textOf(a, "tag"), textOf(b, "tag")) })
		for _, tag := range tags {
			calls = append(calls, zstack.Call{Operation: "DeleteTag", Method: http.MethodDelete, Path: "/tags/" + textOf(tag, "uuid")})
		}
		w.hand(calls[random.IntN(len(calls))])
	}
}

// hand does one thing as people do, past zfleet.
func (w *modelWorld) hand(call zstack.Call) {
	w.t.Helper()
	p := w.process(0)
	call.JobUUID = fmt.Sprintf("%032x", w.processes)
	w.known[call.JobUUID] = true
	w.say("by hand: %s %s %v", call.Operation, call.Path, call.Body)
	if _, err := p.client.Do(w.t.Context(), call); err != nil {
		w.t.Fatalf("by hand: %v", err)
	}
}
