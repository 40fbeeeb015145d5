package executor

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Defaults of Options.
const (
	defaultMaxAttempts = 4
	defaultRetryBudget = 100
)

// The ceiling of the wait before the next try: retryBase after the first, twice
// as much after each further one, never above retryCap.
const (
	retryBase = time.Second
	retryCap  = time.Minute
)

// retryCeiling returns the longest wait after performance number try, from 1.
func retryCeiling(try int) time.Duration {
	ceiling := retryBase
	for range try - 1 {
		if ceiling *= 2; ceiling >= retryCap {
			return retryCap
		}
	}
	return ceiling
}

// fullJitter draws a wait between nothing and the ceiling: steps that failed
// together do not come back together.
func fullJitter(ceiling time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(ceiling) + 1)).Round(time.Millisecond)
}

// retry lets a step that is known to have done nothing wait for another try,
// or returns false if it has had its share. While it waits it holds no place.
// Tries that find no server while admission is paused for that do not count.
func (s *scheduler) retry(i int, o Outcome) bool {
	n := &s.nodes[i]
	spared := s.breaker.paused && silent(o) // the server was not there to be asked
	switch {
	case s.stopped, !spared && n.try-n.spared >= s.maxTries:
		return false
	case spared:
		n.spared++
	case s.budget == 0:
		o.Note = strings.TrimPrefix(o.Note+"; the run has spent all its retries", "; ")
		s.finish(i, o)
		return true
	default:
		s.budget--
	}
	wait := s.jitter(retryCeiling(n.try))
	n.state, n.outcome, n.due = waiting, o, time.Now().Add(wait)
	s.waiting = append(s.waiting, i)
	event := StepRetried{At: s.time(), Step: n.step.ID, Try: n.try, WaitMS: wait.Milliseconds()}
	if o.Failure != nil {
		event.Failure = *o.Failure
	}
	s.emit(event)
	return true
}

// retryDue makes the steps ready whose wait is over.
func (s *scheduler) retryDue() {
	now := time.Now()
	s.waiting = slices.DeleteFunc(s.waiting, func(i int) bool {
		n := &s.nodes[i]
		if n.due.After(now) {
			return false
		}
		n.state = pending
		s.enqueue(i)
		return true
	})
}

// untilDue is how long it is until the next wait is over.
func (s *scheduler) untilDue() time.Duration {
	until := min(retryCap, s.breaker.untilProbe())
	for _, i := range s.waiting {
		until = min(until, time.Until(s.nodes[i].due))
	}
	return until
}
