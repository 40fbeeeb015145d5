package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zfleet/executor"
	"zfleet/internal/cloud"
	"zfleet/planner"
)

// settled plans, and where the plan leaves machines out only because the server
// is still working on them, waits for those and plans again. What is left out
// after --settle-timeout stays so, with the reason.
func (a *app) settled(ctx context.Context, s *session, f *runFlags, build func() (*planner.Plan, error)) (*planner.Plan, error) {
	for {
		plan, err := build()
		if err != nil {
			return nil, err
		}
		machines := plan.Waiting()
		if len(machines) == 0 || f.patience() <= 0 {
			return plan, nil
		}
		if err := a.await(ctx, s, f, machines); err != nil {
			return nil, err
		}
	}
}

// patience is how long the command may still wait before it plans: no longer
// than the run has time.
func (f *runFlags) patience() time.Duration {
	if f.timeout > 0 {
		f.settle = min(f.settle, f.timeout)
	}
	return f.settle
}

// waited takes time that was waited off the limits that count it. Of a run's
// time a moment is left, in which the run says that it is over.
func (f *runFlags) waited(since time.Time) {
	took := time.Since(since)
	f.settle -= took
	if f.timeout > 0 {
		f.timeout = max(f.timeout-took, time.Nanosecond)
	}
}

// await waits for machines that the server is still working on.
func (a *app) await(ctx context.Context, s *session, f *runFlags, machines []planner.Waiting) error {
	patience := f.patience().Round(time.Second)
	a.say("Waiting up to %s for %s that the server is still working on: %s.", patience, plural(len(machines), "machine"), waitingText(machines))
	defer f.waited(time.Now())
	limited, cancel := context.WithTimeout(ctx, f.patience())
	defer cancel()
	left, err := cloud.Settle(limited, s.client, machines, func(m planner.Waiting) {
		if m.State == "" {
			a.say("  %s is gone", m.Key)
		} else {
			a.say("  %s is %s", m.Key, m.State)
		}
	})
	switch {
	case err != nil:
		return fmt.Errorf("wait for machines: %w", err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(left) > 0:
		a.say("Not settled after %s: %s.", patience, waitingText(left))
	}
	return nil
}

func waitingText(machines []planner.Waiting) string {
	var texts []string
	for _, m := range machines {
		texts = append(texts, fmt.Sprintf("%s (%s)", m.Key, m.State))
	}
	return few(texts)
}

// followLate asks the server for the jobs of a run whose outcome its journal
// does not tell, waits for those that are going on, and tells how they ended.
func (a *app) followLate(ctx context.Context, s *session, f *runFlags, report *executor.Report, secrets map[string]string) error {
	steps, jobs := lateJobs(report)
	if len(jobs) == 0 {
		return nil
	}
	if patience := f.patience(); patience > 0 {
		a.say("Asking the server for what was in flight, %s, up to %s.", plural(len(jobs), "job"), patience.Round(time.Second))
	}
	defer f.waited(time.Now())
	driver := cloud.NewDriver(s.client, cloud.Options{Scope: report.Scope, Secrets: secrets})
	driver.FollowJobs(ctx, jobs, f.patience())
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var unknown []string
	for i, job := range jobs {
		if job.Forgotten && job.Failure == nil && !job.Ended {
			unknown = append(unknown, string(steps[i]))
			continue
		}
		a.say("  %s: job %s %s", steps[i], job.UUID, jobText(job))
	}
	// After a kill these are many, and alike.
	if n := len(unknown); n > 0 {
		a.say("  %s not known to the server, as the request did not arrive or the job was forgotten: %s", count(n, "job is", "jobs are"), few(unknown))
	}
	return nil
}

// lateJobs returns the last jobs of the steps whose outcome is unknown.
func lateJobs(report *executor.Report) (steps []planner.StepID, jobs []cloud.LateJob) {
	if report == nil {
		return nil, nil
	}
	for _, step := range report.Steps {
		if n := len(step.Attempts); step.Status == executor.Indeterminate && n > 0 {
			last := step.Attempts[n-1]
			steps = append(steps, step.ID)
			jobs = append(jobs, cloud.LateJob{UUID: last.JobUUID, Operation: last.Operation})
		}
	}
	return steps, jobs
}

func jobText(job cloud.LateJob) string {
	switch {
	case job.Failure != nil:
		return "failed: " + strings.TrimSuffix(job.Failure.Message, ".")
	case job.Ended:
		return "did what it was sent for"
	}
	return "has not been seen to end"
}
