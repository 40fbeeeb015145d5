package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"zfleet/executor"
	"zfleet/internal/cloud"
	"zfleet/internal/render"
	"zfleet/planner"
	"zfleet/spec"
)

// execute runs a plan under a run directory and reports.
func (a *app) execute(ctx context.Context, s *session, plan *planner.Plan, secrets map[string]string, format string, f runFlags) error {
	dir, runID, err := runDirectory(f.dir)
	if err != nil {
		return err
	}
	journal, err := openRecord(dir, plan)
	if err != nil {
		return err
	}
	defer journal.Close()
	unlock, err := claimRun(filepath.Join(dir, journalFile))
	if err != nil {
		return err
	}
	defer unlock()

	limits := a.tighten(plan.Limits, f)
	observers, err := a.observers(f, plan.Steps)
	if err != nil {
		return err
	}
	watch := a.watchSignals(ctx, f, observers.say)
	defer watch.close()
	host, _ := os.Hostname() // a machine's tag then says "unknown"
	driver := cloud.NewDriver(s.client, cloud.Options{
		Scope:       plan.Scope,
		Secrets:     secrets,
		StepTimeout: time.Duration(limits.StepTimeoutSecs) * time.Second,
		RunID:       runID,
		Host:        host,
		Resumes:     f.resumes,
		Anew:        f.anew,
	})
	report, runErr := executor.Run(watch.ctx, plan, driver, journal, executor.Options{
		RunID:    runID,
		Resumes:  f.resumes,
		Resume:   resumeCommand(plan, runID, dir, f),
		Limits:   executorLimits(limits),
		Observer: observers.observe,
		Stop:     watch.stop,
		StopWhy:  watch.why,
	})
	finishErr := observers.finish()
	if report == nil {
		return runErr
	}
	_, err = os.Stat(filepath.Join(dir, journalFile))
	gone := errors.Is(err, fs.ErrNotExist)
	if gone {
		report.Resume = "" // there is nothing to resume from, but the cloud knows
	}
	reportErr := a.writeReports(report, dir, format, f)
	a.summarizeReport(report)
	info, err := os.Stat(filepath.Join(dir, reportFile))
	switch {
	case gone:
		a.say("Run %s: its record was removed from %s; %s does what is left, without it", runID, dir, f.anew)
	case err != nil || info.IsDir():
		a.say("Run %s: plan and journal are in %s; zfleet show %s tells the rest from them", runID, dir, quoted(dir))
	default:
		a.say("Run %s: plan, journal and report are in %s", runID, dir)
	}
	if report.Resume != "" {
		fmt.Fprintf(a.stderr, "Resume: %s\n", report.Resume)
	}
	if err := errors.Join(runErr, finishErr, reportErr); err != nil && outcomeCode(plan, report) == exitOK {
		return err
	} else if err != nil {
		fmt.Fprintf(a.stderr, "zfleet: %v\n", err)
	}
	return exit(watch.code(outcomeCode(plan, report)))
}

// outcomeCode turns a report into the exit code. A machine that is blocked
// because it is protected is as it should be.
func outcomeCode(plan *planner.Plan, report *executor.Report) int {
	t := report.Totals
	blocked := 0
	for _, change := range plan.Changes {
		if change.Action == planner.Blocked && !change.Protected {
			blocked++
		}
	}
	switch {
	case t.Indeterminate > 0:
		return exitIndeterminate
	case t.Failed+t.Blocked+t.Skipped+t.NotStarted+blocked > 0:
		return exitPartial
	}
	return exitOK
}

// openRecord writes the plan of a run and begins its journal.
func openRecord(dir string, plan *planner.Plan) (*executor.Journal, error) {
	path := filepath.Join(dir, journalFile)
	if _, err := os.Lstat(path); err == nil {
		return nil, usageError("run directory %s holds a run already; its record is not overwritten", dir)
	}
	if err := writePlan(filepath.Join(dir, planFile), plan); err != nil {
		return nil, notRecorded(err)
	}
	journal, err := executor.CreateJournal(path)
	if err != nil {
		return nil, notRecorded(err)
	}
	return journal, nil
}

// notRecorded says what to do about a run directory that cannot be written, and
// that the cloud is as it was.
func notRecorded(err error) error {
	return fmt.Errorf("the run cannot be recorded, so nothing was sent: %w; see that its directory can be written and has room, or give another with --run-dir", err)
}

// tighten applies the flags to the limits of the file. A flag never loosens one.
func (a *app) tighten(limits spec.Limits, f runFlags) spec.Limits {
	limits.Parallelism = a.tightenOne("parallelism", limits.Parallelism, f.parallelism)
	limits.StepTimeoutSecs = a.tightenOne("step-timeout", limits.StepTimeoutSecs, int(f.stepTimeout.Seconds()))
	return limits
}

func (a *app) tightenOne(name string, file, flag int) int {
	switch {
	case flag == 0:
		return file
	case file != 0 && flag > file:
		fmt.Fprintf(a.stderr, "warning: --%s %d is above the fleet file's %d, which stays in force\n", name, flag, file)
		return file
	}
	return flag
}

func executorLimits(l spec.Limits) executor.Limits {
	perClass := make(map[planner.UseClass]int)
	for class, limit := range map[planner.UseClass]int{
		planner.UseCluster:        l.PerCluster,
		planner.UseHost:           l.PerHost,
		planner.UsePrimaryStorage: l.PerPrimaryStorage,
		planner.UseSource:         l.PerSource,
	} {
		if limit > 0 {
			perClass[class] = limit
		}
	}
	return executor.Limits{Parallelism: l.Parallelism, PerClass: perClass}
}

// writeReports puts the report into the run directory, into the files that were
// asked for, and on stdout.
func (a *app) writeReports(report *executor.Report, dir, format string, f runFlags) error {
	var errs []error
	for _, file := range append([]string{filepath.Join(dir, reportFile)}, f.reports...) {
		var text bytes.Buffer
		if err := reportFormat(file)(&text, report); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", file, err))
			continue
		}
		errs = append(errs, writeFile(file, text.Bytes()))
	}
	out := a.stdout
	if f.events == "-" {
		out = a.stderr
	}
	if format == formatJSON {
		errs = append(errs, unlessGone(render.ReportJSON(out, report)))
	} else {
		errs = append(errs, unlessGone(render.ReportText(out, report, a.style(out))))
	}
	return errors.Join(errs...)
}

// reportFormat returns the renderer for a report file, or nil for an unknown extension.
func reportFormat(file string) func(io.Writer, *executor.Report) error {
	switch filepath.Ext(file) {
	case ".json":
		return render.ReportJSON
	case ".md":
		return render.ReportMarkdown
	case ".xml":
		return render.ReportJUnit
	case ".html":
		return render.ReportHTML
	}
	return nil
}

// observers watch a run: progress on stderr and the event stream.
type observers struct {
	observe func(executor.Event)
	say     func(format string, args ...any) // above what progress draws
	finish  func() error                     // closes both
}

func (a *app) observers(f runFlags, steps []planner.Step) (o observers, err error) {
	var stream io.WriteCloser
	switch f.events {
	case "":
	case "-":
		stream = nopCloser{a.stdout}
	default:
		if stream, err = openEvents(f.events); err != nil {
			return o, fmt.Errorf("events: %w", err)
		}
	}
	progress := a.progress(steps)
	o.say = a.say
	if progress != nil {
		o.say = func(format string, args ...any) { progress.Say(fmt.Sprintf(format, args...)) }
	}
	var streamErr error
	o.observe = func(event executor.Event) {
		if progress != nil {
			progress.Observe(event)
		}
		if stream != nil && streamErr == nil {
			streamErr = render.EventJSON(stream, event)
		}
	}
	o.finish = func() error {
		if progress != nil {
			progress.Close()
		}
		if stream == nil {
			return nil
		}
		return errors.Join(unlessGone(streamErr), stream.Close())
	}
	return o, nil
}

// openEvents opens the file of the event stream anew. As all that a run leaves,
// it is its owner's alone, also if it was there before; a pipe or a device stays
// as it is.
func openEvents(path string) (io.WriteCloser, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		_ = file.Chmod(0o600) // of somebody else's file that one may write, only they can
	}
	return file, nil
}

func (a *app) progress(steps []planner.Step) *render.Progress {
	if a.quiet {
		return nil
	}
	return render.NewProgress(a.stderr, steps, a.style(a.stderr))
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// watched is a run's view of signals and time limits.
type watched struct {
	ctx    context.Context
	stop   chan struct{}
	close  func()
	signal chan os.Signal // the first one received, if any
	late   atomic.Bool    // the time limit came first
}

// why says why the run was stopped, in the words of journals.
func (w *watched) why() string {
	if w.late.Load() {
		return "timeout"
	}
	return "interrupted"
}

// watchSignals stops admission at the first interrupt and cancels at the
// second. SIGTERM stops admission too and cancels after the drain timeout.
func (a *app) watchSignals(ctx context.Context, f runFlags, say func(format string, args ...any)) *watched {
	began := time.Now()
	a.early.takeOver()
	outliveTerminal()
	ctx, cancel := context.WithCancel(ctx)
	w := &watched{ctx: ctx, stop: make(chan struct{}), close: cancel, signal: make(chan os.Signal, 1)}
	expire := func() {
		w.late.Store(true)
		close(w.stop)
		say("The run's time is over: nothing new is started, %s to end what is in flight.", f.drainTimeout)
	}
	expired := f.timeout > 0 && time.Since(began) >= f.timeout
	if expired {
		expire() // here, so that nothing starts before anybody looks
	}
	go func() {
		if !expired && !a.awaitStop(ctx, w, f, say, expire) {
			return
		}
		select {
		case <-ctx.Done():
		case <-a.signals:
		case <-time.After(f.drainTimeout):
		}
		cancel()
	}()
	return w
}

// awaitStop waits for what stops a run, and stops it. It reports whether what is
// in flight has the drain timeout to end; else it has ended, or has been left.
func (a *app) awaitStop(ctx context.Context, w *watched, f runFlags, say func(format string, args ...any), expire func()) bool {
	var timeout <-chan time.Time
	if f.timeout > 0 {
		timer := time.NewTimer(f.timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-timeout:
		expire()
		return true
	case s := <-a.signals:
		w.signal <- s
		close(w.stop)
		if s == syscall.SIGTERM {
			say("Terminated: nothing new is started; waiting up to %s for what is in flight.", f.drainTimeout)
			return true
		}
	}
	say("Interrupted: nothing new is started; waiting for what is in flight. Interrupt again to leave at once.")
	select {
	case <-ctx.Done():
	case <-a.signals:
		w.close()
	}
	return false
}

// code returns the exit code of a run: an unknown outcome outranks an
// interrupt, which outranks steps that were not done.
func (w *watched) code(outcome int) int {
	select {
	case s := <-w.signal:
		if outcome == exitIndeterminate || outcome == exitOK {
			return outcome
		}
		if s == syscall.SIGTERM {
			return exitTerminated
		}
		return exitInterrupted
	default:
		return outcome
	}
}
