package executor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"zfleet/planner"
)

// scheduler is a run in progress. Its state belongs to the goroutine of run;
// workers change it only by the messages that they send.
type scheduler struct {
	ctx        context.Context
	driver     Driver
	maxTries   int
	budget     int // retries that the run may still spend
	jitter     func(ceiling time.Duration) time.Duration
	newJobUUID func() string
	now        func() time.Time
	stopWhy    func() string
	log        eventLog
	breaker    breaker

	nodes    []node
	claims   map[string]*claim
	limits   *limiter
	ready    []int // nodes whose needs are met, in the plan's order
	waiting  []int // nodes that wait for another try
	inFlight int
	stopped  bool

	messages chan func()   // run by the scheduler's goroutine
	over     chan struct{} // closed when nobody takes messages any more
}

// claim is what some steps claim and others yield.
type claim struct {
	open     int   // claiming steps that have not ended
	yielding []int // steps that wait for that
}

// node is a step and where it stands.
type node struct {
	step       *planner.Step
	unmet      int   // needs that have not succeeded yet, and claims that are open
	dependents []int // the steps that need this one
	slots      []int // of the limiter
	state      state
	try        int
	spared     int       // tries that do not count
	outcome    Outcome   // of the last try, while there is to be another
	due        time.Time // of the next try, while waiting
}

type state int

const (
	pending state = iota // has unmet needs, or waits for its turn
	running
	waiting // for another try
	done
)

// load takes in the steps. Each may need only steps that stand before it, so
// there are no cycles.
func (s *scheduler) load(steps []planner.Step, limits Limits) error {
	var slots [][]int
	s.limits, slots = newLimiter(limits, steps)
	s.nodes = make([]node, len(steps))
	index := make(map[planner.StepID]int, len(steps))
	s.claim(steps)
	for i := range steps {
		step := &steps[i]
		if step.Op == nil {
			return fmt.Errorf("step %q has no operation", step.ID)
		}
		needs := slices.Compact(slices.Sorted(slices.Values(step.Needs)))
		for _, need := range needs {
			before, ok := index[need]
			if !ok {
				return fmt.Errorf("step %q needs %q, which does not stand before it", step.ID, need)
			}
			s.nodes[before].dependents = append(s.nodes[before].dependents, i)
		}
		if _, twice := index[step.ID]; twice {
			return fmt.Errorf("two steps are called %q", step.ID)
		}
		index[step.ID] = i
		s.nodes[i].step, s.nodes[i].slots, s.nodes[i].unmet = step, slots[i], s.nodes[i].unmet+len(needs)
		if s.nodes[i].unmet == 0 {
			s.ready = append(s.ready, i)
		}
	}
	return nil
}

// claim counts who claims what, and lets those that yield wait.
func (s *scheduler) claim(steps []planner.Step) {
	s.claims = make(map[string]*claim)
	for i := range steps {
		for _, name := range steps[i].Claims {
			if s.claims[name] == nil {
				s.claims[name] = &claim{}
			}
			s.claims[name].open++
		}
	}
	for i := range steps {
		for _, name := range steps[i].Yields {
			if c := s.claims[name]; c != nil {
				c.yielding = append(c.yielding, i)
				s.nodes[i].unmet++
			}
		}
	}
}

// run goes on until nothing is in flight and nothing more can start.
func (s *scheduler) run(stop <-chan struct{}) {
	s.commit() // a run that cannot be recorded does not begin
	cancelled := s.ctx.Done()
	timer := time.NewTimer(retryCap)
	defer timer.Stop()
	for {
		// What interrupts outranks what could start.
		select {
		case <-stop:
			s.stop(s.stopWhy(), "")
		case <-cancelled:
			s.stop("interrupted", context.Cause(s.ctx).Error())
		default:
		}
		if s.stopped {
			stop, cancelled = nil, nil
		}
		s.retryDue()
		s.admit()
		s.commit()
		if s.inFlight == 0 && len(s.waiting) == 0 && (s.stopped || len(s.ready) == 0) {
			return
		}
		timer.Reset(s.untilDue())
		select {
		case message := <-s.messages:
			s.take(message)
		case <-timer.C:
		case <-stop:
		case <-cancelled:
		}
	}
}

// take handles a message and what else has come in, so that all requests among
// it wait for one sync.
func (s *scheduler) take(message func()) {
	message()
	for range s.inFlight {
		select {
		case message = <-s.messages:
			message()
		default:
			return
		}
	}
}

// admit starts ready steps in the plan's order, each if every limit that it
// counts against has room. A step that has to wait holds up no other.
func (s *scheduler) admit() {
	may, one := s.breaker.mayAdmit()
	if s.stopped || !may {
		return
	}
	kept := s.ready[:0]
	for at, i := range s.ready {
		if s.limits.full() || one && s.breaker.probing {
			kept = append(kept, s.ready[at:]...)
			break
		}
		if s.limits.take(s.nodes[i].slots) {
			s.start(i)
			if one {
				s.breaker.sentAsProbe(i)
			}
		} else {
			kept = append(kept, i)
		}
	}
	s.ready = kept
}

func (s *scheduler) start(i int) {
	n := &s.nodes[i]
	n.state = running
	n.try++
	s.inFlight++
	s.emit(StepStarted{At: s.time(), Step: n.step.ID, Try: n.try})
	go s.work(i, n.try, *n.step)
}

// enqueue makes a step ready, at its place in the plan's order.
func (s *scheduler) enqueue(i int) {
	at, _ := slices.BinarySearch(s.ready, i)
	s.ready = slices.Insert(s.ready, at, i)
}

// ended takes in the outcome of a try.
func (s *scheduler) ended(i int, outcome Outcome) {
	n := &s.nodes[i]
	s.inFlight--
	s.limits.release(n.slots)
	outcome = checked(outcome)
	s.judge(i, outcome)
	refused := outcome.Failure != nil && outcome.Failure.Class == "auth"
	if outcome.Retry && !refused && s.retry(i, outcome) {
		return
	}
	s.finish(i, outcome)
	if refused {
		s.stop("auth", outcome.Failure.Message)
	}
}

// finish ends a step and says what follows for those that need it.
func (s *scheduler) finish(i int, o Outcome) {
	n := &s.nodes[i]
	s.end(i, StepFinished{At: s.time(), Step: n.step.ID, Status: o.Status, Failure: o.Failure, Facts: o.Facts, Note: o.Note, MadeBy: o.MadeBy})
	if o.Status != Succeeded {
		s.skip(i, fmt.Sprintf("needs %s, which ended %s", n.step.ID, o.Status))
		return
	}
	for _, d := range n.dependents {
		s.met(d)
	}
}

// end records that a step is over, and gives up what it claimed.
func (s *scheduler) end(i int, event StepFinished) {
	s.nodes[i].state = done
	s.emit(event)
	for _, name := range s.nodes[i].step.Claims {
		c := s.claims[name]
		if c.open--; c.open > 0 {
			continue
		}
		for _, y := range c.yielding {
			s.met(y)
		}
	}
}

// met says that one thing which a step waits for is there.
func (s *scheduler) met(i int) {
	if s.nodes[i].unmet--; s.nodes[i].unmet == 0 && s.nodes[i].state == pending {
		s.enqueue(i)
	}
}

// skip ends all that needs a step, directly or not. The note names the step
// that it comes from, which is what a reader wants to know.
func (s *scheduler) skip(i int, note string) {
	for _, d := range s.nodes[i].dependents {
		n := &s.nodes[d]
		if n.state == done {
			continue
		}
		s.end(d, StepFinished{At: s.time(), Step: n.step.ID, Status: Skipped, Note: note})
		s.skip(d, note)
	}
}

// stop ends admission. What waits for another try, or for room to begin it, ends
// as what it was.
func (s *scheduler) stop(reason, detail string) {
	if s.stopped {
		return
	}
	s.stopped = true
	s.emit(AdmissionStopped{At: s.time(), Reason: reason, Detail: detail})
	tried := slices.Clone(s.waiting)
	for _, i := range s.ready {
		if s.nodes[i].try > 0 {
			tried = append(tried, i)
		}
	}
	s.waiting, s.ready = nil, nil
	for _, i := range tried {
		s.finish(i, s.nodes[i].outcome)
	}
}

// commit brings out what happened. Without a record nothing more may start.
func (s *scheduler) commit() {
	if failure := s.log.commit(); failure != nil && !s.stopped {
		s.stop("journal", failure.Error())
		_ = s.log.commit() // tells why; the failure is known
	}
}

func (s *scheduler) emit(event Event) { s.log.add(event) }

// time is the time of an event, in the form that survives a journal.
func (s *scheduler) time() time.Time { return s.now().UTC().Round(0) }
