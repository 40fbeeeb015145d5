package executor

import (
	"errors"
	"fmt"
)

// eventLog brings events to the journal, the fold and the observer, in this
// order and in batches: one sync serves all requests that wait for it.
type eventLog struct {
	journal *Journal
	observe func(Event)
	fold    folder
	foldErr error // the first
	batch   []Event
	waiting []attempt // requests that may leave once the batch is on disk
	durable bool      // the batch has to be synced
}

// attempt is a request that waits for its record.
type attempt struct {
	jobUUID string
	answer  chan<- attemptAnswer
}

type attemptAnswer struct {
	jobUUID string
	err     error
}

func (l *eventLog) add(event Event) { l.batch = append(l.batch, event) }

// commit brings out the batch and lets the requests in it leave. It returns the
// journal's failure, if there was one, now or before. Then no request leaves
// any more, and attempts that did not leave are not told; the rest is told even
// so, because it happened.
func (l *eventLog) commit() error {
	for _, event := range l.batch {
		if _, ok := event.(StepPhase); !ok {
			l.journal.append(event)
		}
	}
	failure := l.journal.flush(l.durable || len(l.waiting) > 0)
	for _, event := range l.batch {
		if _, ok := event.(AttemptStarted); ok && failure != nil {
			continue
		}
		l.tell(event)
	}
	for _, a := range l.waiting {
		if failure != nil {
			a.answer <- attemptAnswer{err: fmt.Errorf("not sent: journal: %w", failure)}
		} else {
			a.answer <- attemptAnswer{jobUUID: a.jobUUID}
		}
	}
	l.batch, l.waiting, l.durable = l.batch[:0], l.waiting[:0], false
	return failure
}

func (l *eventLog) tell(event Event) {
	if err := l.fold.add(event); err != nil && l.foldErr == nil {
		l.foldErr = fmt.Errorf("event %s: %w", event.Type(), err)
	}
	if l.observe != nil {
		l.observe(event)
	}
}

// close commits the end of the run, and returns what became of it.
func (l *eventLog) close() (*Report, error) {
	l.durable = true
	failure := l.commit()
	if failure != nil {
		failure = fmt.Errorf("journal: %w", failure)
	}
	report, err := l.fold.report()
	return report, errors.Join(failure, l.foldErr, err)
}
