package executor

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"zfleet/planner"
)

// Run carries out the steps of a plan and returns the report. Failed steps are
// data in the report; the error is for a run that could not go on as a whole,
// such as an unwritable journal, and comes with the report so far. A plan whose
// steps make no sense is an error without a report, before anything is done.
//
// Run returns when nothing is in flight any more. When ctx ends, or opts.Stop
// is closed, no further step starts; how fast what is in flight ends is the
// driver's matter. Neither is an error: the report says what was not started.
func Run(ctx context.Context, plan *planner.Plan, driver Driver, journal *Journal, opts Options) (*Report, error) {
	if journal == nil {
		return nil, errors.New("run: there is no journal, and without one nothing may be sent")
	}
	s := &scheduler{
		ctx:        ctx,
		driver:     driver,
		maxTries:   positive(opts.MaxAttempts, defaultMaxAttempts),
		budget:     positive(opts.RetryBudget, defaultRetryBudget),
		jitter:     opts.jitter,
		newJobUUID: opts.newJobUUID,
		now:        opts.Now,
		stopWhy:    opts.StopWhy,
		log:        eventLog{journal: journal, observe: opts.Observer},
		messages:   make(chan func()),
		over:       make(chan struct{}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.stopWhy == nil {
		s.stopWhy = func() string { return "interrupted" }
	}
	if s.jitter == nil {
		s.jitter = fullJitter
	}
	if s.newJobUUID == nil {
		s.newJobUUID = randomJobUUID
	}
	if err := s.load(plan.Steps, opts.Limits); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	defer close(s.over)
	s.emit(runStarted(plan, opts, s.time()))
	s.log.durable = true
	s.run(opts.Stop)
	s.emit(RunFinished{At: s.time()})
	return s.log.close()
}

func positive(n, otherwise int) int { return cmp.Or(max(n, 0), otherwise) }

// runStarted is what the report needs of a plan.
func runStarted(plan *planner.Plan, opts Options, at time.Time) RunStarted {
	start := RunStarted{
		At:         at,
		Format:     formatVersion,
		RunID:      opts.RunID,
		Resumes:    opts.Resumes,
		Scope:      plan.Scope,
		PlanDigest: plan.Digest,
		Resume:     opts.Resume,
		Machines:   []PlannedMachine{},
		Steps:      []PlannedStep{},
	}
	for _, c := range plan.Changes {
		if c.Action != planner.Keep {
			start.Machines = append(start.Machines, PlannedMachine{Key: c.Key, Name: c.Name, Action: c.Action, UUID: c.UUID, Reason: c.Reason, Protected: c.Protected})
		}
	}
	for _, step := range plan.Steps {
		start.Steps = append(start.Steps, PlannedStep{ID: step.ID, Key: step.Key, Verb: step.Op.Verb(), UUID: step.UUID, Needs: step.Needs})
	}
	return start
}

// randomJobUUID draws a UUID in the server's form: version 4, 32 hex digits.
func randomJobUUID() string {
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never fails: crypto/rand documents it
	uuid[6] = uuid[6]&0x0f | 0x40
	uuid[8] = uuid[8]&0x3f | 0x80
	return hex.EncodeToString(uuid[:])
}
