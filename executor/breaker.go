package executor

import (
	"fmt"
	"time"
)

// When the server does not answer, or only that it is starting, more requests do
// not help it, and steps that meet it only use up their tries. After breakerFailures outcomes in a row that
// are of class "transport", admission pauses. Single steps then probe, the first
// after probeFirst, each further one after twice that, at most probeLast. An
// answer of any kind ends the pause; maxProbes probes in vain end the run.
const (
	breakerFailures = 5
	maxProbes       = 6
	probeFirst      = 5 * time.Second
	probeLast       = time.Minute
)

const reasonUnreachable = "server-unreachable"

// breaker pauses admission while the server cannot be reached. It belongs to
// the scheduler's goroutine.
type breaker struct {
	failures int // outcomes in a row without a server at work
	paused   bool
	probing  bool // a probe is in flight
	probe    int  // its node
	probes   int  // in vain, in this pause
	due      time.Time
}

// silent reports whether an outcome shows no server at work.
func silent(o Outcome) bool { return o.Failure != nil && o.Failure.Class == "transport" }

// judge takes the outcome of a try for what it says about the server.
func (s *scheduler) judge(i int, o Outcome) {
	b := &s.breaker
	isProbe := b.probing && b.probe == i
	if isProbe {
		b.probing = false
	}
	if s.stopped || s.ctx.Err() != nil {
		return // who leaves does not hear the answer
	}
	if !silent(o) {
		if b.paused {
			s.emit(AdmissionResumed{At: s.time()})
		}
		*b = breaker{}
		return
	}
	b.failures++
	switch {
	case isProbe:
		if b.probes++; b.probes == maxProbes {
			s.stop(reasonUnreachable, fmt.Sprintf("%d probes in vain, the last: %s", maxProbes, o.Failure.Message))
			return
		}
		s.pause(o)
	case !b.paused && b.failures >= breakerFailures:
		b.paused = true
		s.pause(o)
	}
}

// pause sets when the next probe is due.
func (s *scheduler) pause(o Outcome) {
	wait := min(probeFirst<<s.breaker.probes, probeLast)
	s.breaker.due = time.Now().Add(wait)
	s.emit(AdmissionPaused{At: s.time(), Reason: reasonUnreachable, Detail: o.Failure.Message, WaitMS: wait.Milliseconds()})
}

// mayAdmit reports whether steps may start now, and whether only one may.
func (b *breaker) mayAdmit() (may, one bool) {
	if !b.paused {
		return true, false
	}
	return !b.probing && !b.due.After(time.Now()), true
}

// sentAsProbe notes that a step started while admission was paused.
func (b *breaker) sentAsProbe(i int) {
	b.probing, b.probe = true, i
}

// untilProbe is how long it is until a probe may start.
func (b *breaker) untilProbe() time.Duration {
	if !b.paused || b.probing {
		return retryCap
	}
	if wait := time.Until(b.due); wait > 0 {
		return wait
	}
	return probeFirst // no step could start; what makes room for one wakes the run
}
