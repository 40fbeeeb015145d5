package executor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/planner"
)

func TestAFullLimitHoldsUpNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := planOf(
			using(step("a create"), "gold"), using(step("b create"), "gold"), using(step("c create"), "gold", "gold"),
			using(step("d create"), "silver"), step("e create"))
		began := time.Now()
		limits := Limits{Parallelism: 4, PerClass: map[planner.UseClass]int{planner.UseSource: 1}}
		r := perform(t, t.Context(), plan, lasting(time.Second), Options{Limits: limits})
		var starts []int
		for _, s := range r.report.Steps {
			starts = append(starts, int(s.Started.Sub(began)/time.Second))
		}
		expect(t, "starts", []int{0, 1, 2, 0, 0}, starts)
	})
}

func TestDefaultParallelism(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []planner.Step
		for i := range 33 {
			steps = append(steps, using(step(fmt.Sprintf("m/%d create", i)), "gold"))
		}
		began := time.Now()
		perform(t, t.Context(), planOf(steps...), lasting(time.Second), Options{})
		expect(t, "duration", 3*time.Second, time.Since(began))
	})
}

// model checks a run from the outside, by its events and its driver's calls.
type model struct {
	mu      sync.Mutex
	plan    *planner.Plan
	limits  Limits
	running map[planner.StepID]bool
	due     map[planner.StepID]time.Time // of steps that wait for a try
	ended   map[planner.StepID]Status
	stopped bool
	paused  bool
}

func (m *model) observe(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e := e.(type) {
	case StepStarted:
		m.running[e.Step] = true
		delete(m.due, e.Step)
	case StepRetried:
		delete(m.running, e.Step)
		m.due[e.Step] = e.At.Add(time.Duration(e.WaitMS) * time.Millisecond)
	case StepFinished:
		delete(m.running, e.Step)
		delete(m.due, e.Step)
		m.ended[e.Step] = e.Status
	case AdmissionPaused:
		m.paused = true
	case AdmissionResumed:
		m.paused = false
	case AdmissionStopped:
		m.stopped = true
	}
}

// load counts the steps of a set by what limits them.
func (m *model) load() map[planner.Use]int {
	load := make(map[planner.Use]int)
	for _, s := range m.plan.Steps {
		if !m.running[s.ID] {
			continue
		}
		load[planner.Use{}]++
		seen := make(map[planner.Use]bool)
		for _, use := range s.Uses {
			if !seen[use] {
				seen[use] = true
				load[use]++
			}
		}
	}
	return load
}

func (m *model) limit(use planner.Use) int {
	if use == (planner.Use{}) {
		return m.limits.Parallelism
	}
	if n := m.limits.PerClass[use.Class]; n > 0 {
		return n
	}
	return 1 << 30
}

// check looks at a moment at which nothing moves: no limit is exceeded, no step
// runs whose needs have not succeeded, and no step waits that could start.
func (m *model) check(t *testing.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	load := m.load()
	for use, n := range load {
		if n > m.limit(use) {
			t.Errorf("%d steps use %v, the limit is %d", n, use, m.limit(use))
		}
	}
	for _, s := range m.plan.Steps {
		met := true
		for _, need := range s.Needs {
			met = met && m.ended[need] == Succeeded
		}
		for _, other := range m.plan.Steps {
			met = met && (m.ended[other.ID] != "" || !slices.ContainsFunc(s.Yields, func(name string) bool { return slices.Contains(other.Claims, name) }))
		}
		if m.running[s.ID] && !met {
			t.Errorf("%s runs before its needs have succeeded or what it yields to has ended", s.ID)
		}
		if due, ok := m.due[s.ID]; m.stopped || m.paused || !met || m.running[s.ID] || m.ended[s.ID] != "" || ok && due.After(time.Now()) {
			continue
		}
		room := load[planner.Use{}] < m.limits.Parallelism
		for _, use := range s.Uses {
			room = room && load[use] < m.limit(use)
		}
		if room {
			t.Errorf("%s waits although it could start", s.ID)
		}
	}
}

// tick is what all times of random plans are multiples of.
const tick = 10 * time.Millisecond

func TestRandomPlans(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			m := randomModel(random)
			fate := randomFates(random, m.plan)
			stop, stopWatch := make(chan struct{}), make(chan struct{})
			if seed%5 == 0 {
				time.AfterFunc(time.Duration(random.IntN(200))*tick, func() { close(stop) })
			}
			go func() { // between the moments at which things happen
				time.Sleep(tick / 2)
				for {
					synctest.Wait()
					m.check(t)
					select {
					case <-stopWatch:
						return
					case <-time.After(tick):
					}
				}
			}()
			began, away := time.Now(), time.Duration(0)
			if seed%3 == 0 {
				away = time.Duration(random.IntN(3000)) * tick
			}
			driver := driverFunc(func(_ context.Context, s planner.Step, rec Recorder) Outcome {
				f := fate[s.ID]
				_, _ = rec.Attempt("op")
				time.Sleep(f.lasts)
				if time.Since(began) < away {
					return unreachable()
				}
				f.retries--
				if f.retries >= 0 {
					return again("busy")
				}
				return Outcome{Status: f.status}
			})
			r := perform(t, t.Context(), m.plan, driver, Options{Limits: m.limits, Observer: m.observe, Stop: stop, RetryBudget: 20,
				jitter: func(d time.Duration) time.Duration {
					return time.Duration(random.Int64N(int64(d))).Round(time.Millisecond)
				}})
			close(stopWatch)
			if r.err != nil {
				t.Error(r.err)
			}
			checkEnds(t, m.plan, r.report)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// checkEnds checks that a step is skipped exactly if a need ended other than
// succeeded, and is left out only by a run that was stopped.
func checkEnds(t *testing.T, plan *planner.Plan, report *Report) {
	status := make(map[planner.StepID]Status)
	for i, s := range report.Steps {
		status[s.ID] = s.Status
		skip := false
		for _, need := range plan.Steps[i].Needs {
			skip = skip || status[need] != Succeeded && status[need] != NotStarted
		}
		if skip != (s.Status == Skipped) {
			t.Errorf("%s is %s, skipped should be %v", s.ID, s.Status, skip)
		}
		if s.Status == NotStarted && report.Stopped == "" {
			t.Errorf("%s was not started in a run that was not stopped", s.ID)
		}
	}
}

type fate struct {
	lasts   time.Duration
	retries int
	status  Status
}

func randomFates(random *rand.Rand, plan *planner.Plan) map[planner.StepID]*fate {
	fates := make(map[planner.StepID]*fate)
	for _, s := range plan.Steps {
		f := &fate{lasts: time.Duration(1+random.IntN(20)) * tick, status: Succeeded}
		switch random.IntN(15) {
		case 0:
			f.status = []Status{Failed, Indeterminate, Blocked}[random.IntN(3)]
		case 1, 2:
			f.retries = 1 + random.IntN(5)
		}
		fates[s.ID] = f
	}
	return fates
}

func randomModel(random *rand.Rand) *model {
	classes := []planner.UseClass{planner.UseCluster, planner.UseHost, planner.UseSource, planner.UsePrimaryStorage}
	m := &model{
		limits:  Limits{Parallelism: 1 + random.IntN(12), PerClass: map[planner.UseClass]int{}},
		running: make(map[planner.StepID]bool), due: make(map[planner.StepID]time.Time), ended: make(map[planner.StepID]Status),
	}
	for _, class := range classes[:3] { // the last has no limit
		m.limits.PerClass[class] = random.IntN(5)
	}
	var steps []planner.Step
	for i := range 1 + random.IntN(60) {
		s := step(fmt.Sprintf("m/%d create", i))
		for range random.IntN(4) {
			s.Uses = append(s.Uses, planner.Use{Class: classes[random.IntN(4)], UUID: fmt.Sprint(random.IntN(4))})
		}
		// Only steps without needs claim: one that yields may be a need.
		switch random.IntN(6) {
		case 0:
			s.Claims = []string{fmt.Sprint("net", random.IntN(2))}
			steps = append(steps, s)
			continue
		case 1, 2:
			s.Yields = []string{fmt.Sprint("net", random.IntN(3))}
		}
		for range random.IntN(3) {
			if i > 0 {
				s.Needs = append(s.Needs, steps[random.IntN(i)].ID)
			}
		}
		steps = append(steps, s)
	}
	m.plan = planOf(steps...)
	return m
}
