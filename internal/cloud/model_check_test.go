package cloud

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/executor"
	"zfleet/internal/simulator"
	"zfleet/planner"
)

// modelCheck holds a run against the server's record of it.
type modelCheck struct {
	*modelWorld
	run      *modelRun
	after    modelCloud      // when the run had ended
	jobs     []simulator.Job // of the run, by their start
	steps    map[planner.StepID]planner.Step
	sender   map[string]planner.StepID // by job UUID
	finished map[planner.StepID]executor.StepFinished
	looked   map[planner.StepID]time.Time // when the last try of a step ended
	retried  map[planner.StepID][]time.Time
	result   map[planner.StepID]executor.StepResult
}

// check holds all that is true of a run, however it ended.
func (w *modelWorld) check(r *modelRun) {
	w.t.Helper()
	for _, early := range r.wire.early {
		w.t.Errorf("%s left before its record was durable", early)
	}
	for _, again := range r.wire.again {
		w.t.Errorf("%s left under the job UUID of an earlier request", again)
	}
	for _, uuid := range r.wire.blind {
		w.t.Errorf("VM %s was asked for without a look whether it is there", uuid)
	}
	if r.report == nil { // it ended before its start was on record: nothing may have left
		for _, job := range w.server.Jobs() {
			if !job.Created.Before(r.began) {
				w.t.Errorf("%s was sent by a run without a record", job.Operation)
			}
		}
		return
	}
	c := &modelCheck{modelWorld: w, run: r, after: w.cloud(), steps: make(map[planner.StepID]planner.Step), sender: make(map[string]planner.StepID),
		finished: make(map[planner.StepID]executor.StepFinished), looked: make(map[planner.StepID]time.Time), retried: make(map[planner.StepID][]time.Time), result: make(map[planner.StepID]executor.StepResult)}
	for _, step := range r.plan.Steps {
		c.steps[step.ID] = step
	}
	for _, result := range r.report.Steps {
		c.result[result.ID] = result
	}
	w.remember(r)
	c.record()
	c.admission()
	c.jobsAreOnRecord()
	c.totals()
	c.rate()
	if r.trouble.rival {
		return
	}
	c.order()
	c.limits()
	c.needed()
	for _, step := range r.plan.Steps {
		c.truth(step, c.result[step.ID])
	}
}

// remember puts the requests of a run on record.
func (w *modelWorld) remember(r *modelRun) {
	for _, event := range r.events {
		if e, ok := event.(executor.AttemptStarted); ok {
			w.known[e.JobUUID] = true
		}
	}
}

// record holds the events of a run: who sent what, one end for each step, and
// nothing after the end of admission.
func (c *modelCheck) record() {
	stopped := false
	for _, event := range c.run.events {
		switch e := event.(type) {
		case executor.AttemptStarted:
			if c.sender[e.JobUUID] != "" {
				c.t.Errorf("job %s is on record twice", e.JobUUID)
			}
			c.sender[e.JobUUID] = e.Step
		case executor.StepStarted:
			delete(c.looked, e.Step)
			if stopped {
				c.t.Errorf("%s started after the end of admission", e.Step)
			}
		case executor.AdmissionStopped:
			stopped = true
		case executor.StepFinished:
			if _, twice := c.finished[e.Step]; twice {
				c.t.Errorf("%s ended twice", e.Step)
			}
			c.finished[e.Step] = e
			if c.looked[e.Step].IsZero() {
				c.looked[e.Step] = e.At
			}
		case executor.StepRetried:
			c.looked[e.Step] = e.At
			c.retried[e.Step] = append(c.retried[e.Step], e.At)
		case executor.RunStarted, executor.StepPhase, executor.AdmissionPaused, executor.AdmissionResumed, executor.RunFinished:
		}
	}
	if c.run.crashed {
		return
	}
	folded, err := executor.Fold(c.run.full)
	if err != nil {
		c.t.Errorf("the events make no report: %v", err)
	}
	if diff := cmp.Diff(folded, c.run.report); diff != "" {
		c.t.Errorf("report of the events and of the run (-events +run):\n%s", diff)
	}
	full := c.run.trouble.failAfter > 0
	if (c.run.err != nil) != (full && c.run.report.Stopped == "journal" || full && c.run.err != nil) {
		c.t.Errorf("the run ended with %v", c.run.err)
	}
	if !full {
		replayed, err := executor.Fold(c.run.events)
		if diff := cmp.Diff(folded, replayed); diff != "" || err != nil {
			c.t.Errorf("report of the run and of its journal, %v (-run +journal):\n%s", err, diff)
		}
	}
}

// jobsAreOnRecord finds the jobs of the run, and wants each to be on record.
func (c *modelCheck) jobsAreOnRecord() {
	for _, job := range c.server.Jobs() {
		step, known := c.sender[job.UUID]
		switch {
		case known:
			c.jobs = append(c.jobs, job)
			if want := c.steps[step]; want.ID == "" {
				c.t.Errorf("%s was sent for %q, which is no step of the plan", job.Operation, step)
			}
		case !c.known[job.UUID]:
			c.t.Errorf("job %s (%s) is on no record", job.UUID, job.Operation)
		}
	}
}

// totals wants each step of the plan in the report once, and the sums right.
func (c *modelCheck) totals() {
	report, plan := c.run.report, c.run.plan
	counts := make(map[executor.Status]int)
	var planned, reported []planner.StepID
	for _, step := range plan.Steps {
		planned = append(planned, step.ID)
	}
	worst := make(map[string]executor.Status)
	rank := []executor.Status{executor.Succeeded, executor.NotStarted, executor.Skipped, executor.Blocked, executor.Failed, executor.Indeterminate}
	for _, result := range report.Steps {
		reported = append(reported, result.ID)
		counts[result.Status]++
		if slices.Index(rank, result.Status) > slices.Index(rank, worst[result.Key]) {
			worst[result.Key] = result.Status
		}
	}
	if diff := cmp.Diff(planned, reported); diff != "" {
		c.t.Errorf("steps of the plan and of the report (-plan +report):\n%s", diff)
	}
	want := executor.Totals{Succeeded: counts[executor.Succeeded], Failed: counts[executor.Failed], Indeterminate: counts[executor.Indeterminate],
		Skipped: counts[executor.Skipped], Blocked: counts[executor.Blocked], NotStarted: counts[executor.NotStarted]}
	t := report.Totals
	if t != want || t.Succeeded+t.Failed+t.Indeterminate+t.Skipped+t.Blocked+t.NotStarted != len(plan.Steps) {
		c.t.Errorf("totals %+v, want %+v of %d steps", t, want, len(plan.Steps))
	}
	machines := make(map[string]executor.Status)
	for _, machine := range report.Machines {
		machines[machine.Key] = machine.Status
	}
	for _, change := range plan.Changes {
		switch status, want := machines[change.Key], worst[change.Key]; {
		case change.Action == planner.Keep:
		case change.Action == planner.Blocked && status != executor.Blocked, want != "" && status != want:
			c.t.Errorf("machine %s is %q, its steps say %q, planned %s", change.Key, status, want, change.Action)
		}
	}
}

// order wants what a step needs to be done on the server before its own work
// begins there, and what claims an address to be over before others take any.
func (c *modelCheck) order() {
	first, last := make(map[planner.StepID]time.Time), make(map[planner.StepID]time.Time)
	for _, job := range c.jobs {
		step := c.sender[job.UUID]
		if _, known := first[step]; !known {
			first[step] = job.Created
		}
		if job.Ended.After(last[step]) {
			last[step] = job.Ended
		}
	}
	for _, step := range c.run.plan.Steps {
		began, sent := first[step.ID]
		if !sent {
			continue
		}
		for _, need := range step.Needs {
			if c.result[need].Status != executor.Succeeded {
				c.t.Errorf("%s was sent although %s, which it needs, ended %s", step.ID, need, c.result[need].Status)
			}
			if !c.run.trouble.loose() && last[need].After(began) {
				c.t.Errorf("%s began while %s, which it needs, was at work", step.ID, need)
			}
		}
		for _, other := range c.run.plan.Steps {
			yields := slices.ContainsFunc(step.Yields, func(network string) bool { return slices.Contains(other.Claims, network) })
			if _, over := c.finished[other.ID]; yields && (!over || !c.run.trouble.loose() && last[other.ID].After(began)) {
				c.t.Errorf("%s took any address before %s had its own", step.ID, other.ID)
			}
		}
	}
}

// limits counts what the server had in flight at once. Steps that were given up
// count no longer: their jobs are nobody's any more.
func (c *modelCheck) limits() {
	if c.run.trouble.loose() {
		return
	}
	type span struct {
		from, to time.Time
	}
	spans := make(map[string][]span)
	limits := make(map[string]int)
	add := func(limit int, what string, s span) {
		if limit > 0 && what != "" {
			limits[what], spans[what] = limit, append(spans[what], s)
		}
	}
	bodies := c.bodies()
	l := c.run.plan.Limits
	for _, job := range c.jobs {
		s := span{job.Created, job.Ended}
		step := c.sender[job.UUID]
		if end, over := c.finished[step]; over && end.Status == executor.Indeterminate && (s.to.IsZero() || s.to.After(end.At)) {
			s.to = end.At
		}
		if s.to.IsZero() {
			s.to = time.Now()
		}
		add(l.Parallelism, "run", s)
		if create, ok := c.steps[step].Op.(planner.CreateVM); ok {
			body := bodies[job.UUID]
			add(l.PerSource, "source "+create.Blueprint.SourceUUID, s)
			add(l.PerHost, keyOf("host", body["hostUuid"]), s)
			add(l.PerCluster, keyOf("cluster", body["clusterUuid"]), s)
			add(l.PerPrimaryStorage, keyOf("storage", body["primaryStorageUuidForRootVolume"]), s)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(spans)) {
		for _, one := range spans[what] {
			at := 0
			for _, other := range spans[what] {
				if !other.from.After(one.from) && other.to.After(one.from) {
					at++
				}
			}
			if at > limits[what] {
				c.t.Errorf("%d operations in flight for %s, the limit is %d", at, what, limits[what])
				break
			}
		}
	}
}

func keyOf(kind string, uuid any) string {
	if uuid == nil {
		return ""
	}
	return fmt.Sprint(kind, " ", uuid)
}

// bodies returns the parameters of creations by job.
func (c *modelCheck) bodies() map[string]row {
	bodies := make(map[string]row)
	for _, request := range c.server.Requests() {
		if strings.HasPrefix(request.Operation, "CreateVmInstance") {
			var body struct{ Params row }
			if json.Unmarshal([]byte(request.Body), &body) == nil {
				bodies[request.Header["X-Job-Uuid"]] = body.Params
			}
		}
	}
	return bodies
}

// rate wants the requests of the process within its rate, a burst of one
// second's worth apart.
func (c *modelCheck) rate() {
	most := c.run.plan.Limits.RequestsPerSecond
	if most == 0 {
		return
	}
	c.run.wire.mu.Lock() // a login goes on when the run that began it has ended
	arrivals, first := slices.Clone(c.run.wire.arrivals), 0
	c.run.wire.mu.Unlock()
	for last, at := range arrivals {
		for at.Sub(arrivals[first]) >= time.Second {
			first++
		}
		if n := last - first + 1; float64(n) > 2*float64(most)+1 {
			c.t.Errorf("%d requests within a second, the limit is %v", n, most)
			return
		}
	}
}
