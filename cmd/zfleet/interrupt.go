package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errSignal is why a command that was still reading or asking ended.
var errSignal = errors.New("interrupted")

// early watches for signals as long as a command has changed nothing: the first
// one ends it. A run takes the signals over.
type early struct {
	mu       sync.Mutex
	received os.Signal
	end      sync.Once
	over     chan struct{} // closed to end the watch
	ended    chan struct{} // closed when nothing is read any more
}

// untilSignal returns a context that ends with the first signal, unless takeOver
// comes before.
func (a *app) untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	a.early = &early{over: make(chan struct{}), ended: make(chan struct{})}
	go func(e *early) {
		defer close(e.ended)
		select {
		case s := <-a.signals:
			e.mu.Lock()
			e.received = s
			e.mu.Unlock()
			cancel(errSignal)
		case <-e.over:
		}
	}(a.early)
	return ctx, func() {
		a.early.takeOver()
		cancel(nil)
	}
}

// takeOver leaves the signals that come from now on to another reader. One that
// came before has ended the context.
func (e *early) takeOver() {
	e.end.Do(func() { close(e.over) })
	<-e.ended
}

// code returns the exit code of the signal that ended a command, or 0.
func (e *early) code() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch e.received {
	case nil:
		return exitOK
	case syscall.SIGTERM:
		return exitTerminated
	}
	return exitInterrupted
}

// outliveTerminal lets the process go on when its terminal, or who reads its
// output, goes away: a run is followed and recorded to its end.
func outliveTerminal() { signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE) }

// isGone reports whether an error only says that nobody reads the output any
// more. What was to be read is in the run's directory as well.
func isGone(err error) bool { return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO) }

// unlessGone drops an error of a stream that nobody reads any more.
func unlessGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}
