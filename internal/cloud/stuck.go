package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"zfleet/internal/zstack"
)

// look reports whether the cloud is as a request wants it.
type look func(context.Context) (bool, error)

// maxPeeks is how many looks in a row must find a request done before its job,
// which has not ended, is no longer waited for.
const maxPeeks = 5

var errStuck = errors.New("what it is for has been done for minutes, but the job does not end; the server may have lost it in a restart")

// do sends a request once. It gives up on its job when the step's time is over,
// and before that when the work is done and only the job's end is missing: the
// jobs of a management node that restarts are never ended (ZStack keeps them as
// "processing"), while its machines come to rest.
func (t *task) do(ctx context.Context, call zstack.Call, done look) (json.RawMessage, error) {
	callCtx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	if t.timeout > 0 {
		var cancel context.CancelFunc
		callCtx, cancel = context.WithDeadlineCause(callCtx, t.begun.Add(t.timeout+t.pace.margin), &overdueError{t.timeout})
		defer cancel()
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if t.doneForLong(callCtx, done) {
			giveUp(errStuck)
		}
	}()
	body, err := t.client.Do(callCtx, call)
	cause := context.Cause(callCtx)
	giveUp(nil)
	<-watched
	var unknown *zstack.UnknownError
	if errors.As(err, &unknown) && cause != nil && ctx.Err() == nil {
		unknown.Err = cause
	}
	return body, err
}

// doneForLong returns true when enough looks in a row have found the request
// done, and false when ctx ends before. What cannot be read says nothing.
func (t *task) doneForLong(ctx context.Context, done look) bool {
	for peeks := 0; peeks < maxPeeks; {
		if wait(ctx, t.pace.peek) != nil {
			return false
		}
		reached, err := done(ctx)
		switch {
		case reached && err == nil:
			peeks++
		case err == nil:
			peeks = 0
		}
	}
	return true
}

// overdueError says that a job took longer than the step may.
type overdueError struct{ limit time.Duration }

func (e *overdueError) Error() string { return fmt.Sprintf("it did not end within %s", e.limit) }
