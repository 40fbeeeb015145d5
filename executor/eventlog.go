package executor

import "fmt"

// eventLog brings events to the journal, the fold and the observer, in this
// order and in batches: one sync serves all requests that wait for it.
type eventLog struct {
	journal *Journal
	observe func(Event)
	fold    folder
	batch   []Event
	waiting []attempt // requests that may leave once the batch is on disk
	durable bool      // the batch has to be synced
	err     error     // the first failure: of the journal, or of the fold
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

// commit brings out the batch and lets the requests in it leave. After a failed
// write no request leaves any more, and attempts that did not leave are not
// told; the rest is told even so, because it happened.
func (l *eventLog) commit() {
	for _, event := range l.batch {
		if _, ok := event.(StepPhase); !ok {
			l.journal.append(event)
		}
	}
	failure := l.journal.flush(l.durable || len(l.waiting) > 0)
	if failure != nil && l.err == nil {
		l.err = fmt.Errorf("journal: %w", failure)
	}
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
}

func (l *eventLog) tell(event Event) {
	if err := l.fold.add(event); err != nil && l.err == nil {
		l.err = fmt.Errorf("event %s: %w", event.Type(), err)
	}
	if l.observe != nil {
		l.observe(event)
	}
}

// close returns what became of the run.
func (l *eventLog) close() (*Report, error) {
	report, err := l.fold.report()
	if l.err != nil {
		err = l.err
	}
	return report, err
}
