package executor

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"zfleet/planner"
)

// work performs one try of a step and hands the outcome back. However the
// driver ends, there is an outcome.
func (s *scheduler) work(i, try int, step planner.Step) {
	outcome := Outcome{Status: Indeterminate, Failure: &Failure{
		Class:   "internal",
		Message: "the driver gave up without an outcome",
		Hint:    bugHint,
	}}
	defer func() {
		if cause := recover(); cause != nil {
			outcome.Failure.Message = fmt.Sprintf("the driver panicked: %v", cause)
			outcome.Failure.Details = panicOrigin()
		}
		s.tell(func() { s.ended(i, outcome) })
	}()
	outcome = s.driver.Perform(s.ctx, step, &recorder{s: s, node: i, try: try})
}

const bugHint = "this is a fault of zfleet, please report it; plan again to see what became of the machine"

// panicOrigin says where a panic came from: "request.go:12, in cloud.send".
func panicOrigin() string {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers[:])])
	panicked := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicked && !inRuntime {
			return fmt.Sprintf("%s:%d, in %s", path.Base(frame.File), frame.Line, path.Base(frame.Function))
		}
		panicked = panicked || frame.Function == "runtime.gopanic"
		if !more {
			return ""
		}
	}
}

// tell has the scheduler's goroutine run a message. After the run there is
// nobody left to tell, and nothing is done.
func (s *scheduler) tell(message func()) (told bool) {
	select {
	case s.messages <- message:
		return true
	case <-s.over:
		return false
	}
}

// recorder is the Recorder of one try.
type recorder struct {
	s    *scheduler
	node int
	try  int
}

var errTryOver = errors.New("not sent: the step is not being performed any more")

// Attempt implements Recorder.
func (r *recorder) Attempt(operation string) (string, error) {
	return r.attempt(operation, r.s.newJobUUID)
}

// AttemptAs implements Recorder.
func (r *recorder) AttemptAs(operation, jobUUID string) error {
	_, err := r.attempt(operation, func() string { return jobUUID })
	return err
}

func (r *recorder) attempt(operation string, draw func() string) (string, error) {
	if err := r.s.ctx.Err(); err != nil {
		return "", fmt.Errorf("not sent: %w", context.Cause(r.s.ctx))
	}
	answers := make(chan attemptAnswer, 1)
	told := r.s.tell(func() {
		if !r.current() {
			answers <- attemptAnswer{err: errTryOver}
			return
		}
		jobUUID := draw()
		r.s.emit(AttemptStarted{At: r.s.time(), Step: r.id(), Operation: operation, JobUUID: jobUUID})
		r.s.log.waiting = append(r.s.log.waiting, attempt{jobUUID: jobUUID, answer: answers})
	})
	if !told {
		return "", errTryOver
	}
	answer := <-answers
	return answer.jobUUID, answer.err
}

// Phase implements Recorder.
func (r *recorder) Phase(text string) {
	r.s.tell(func() {
		if r.current() {
			r.s.emit(StepPhase{At: r.s.time(), Step: r.id(), Text: text})
		}
	})
}

func (r *recorder) id() planner.StepID { return r.s.nodes[r.node].step.ID }

// current reports whether the try is still in flight. A driver may leave
// goroutines behind; what they record late would belie the step's end.
func (r *recorder) current() bool {
	n := &r.s.nodes[r.node]
	return n.state == running && n.try == r.try
}

// checked makes an outcome one that a step can end with. If a driver does not
// say what became of its requests, it is not known.
func checked(o Outcome) Outcome {
	ends := []Status{Succeeded, Failed, Indeterminate, Blocked}
	if !slices.Contains(ends, o.Status) {
		o.Failure = &Failure{
			Class:   "internal",
			Message: fmt.Sprintf("the driver gave the outcome %q, which is none", o.Status),
			Hint:    bugHint,
		}
		o.Status = Indeterminate
	}
	o.Retry = o.Retry && o.Status == Failed
	if o.Status == Succeeded {
		o.Failure = nil
	}
	return o
}
