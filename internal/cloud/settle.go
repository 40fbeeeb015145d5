package cloud

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// The time between two looks at machines that are waited for grows from
// firstLook to lastLook.
const (
	firstLook = time.Second
	lastLook  = 5 * time.Second
)

// Settle looks at machines until the server is done with them, or ctx ends, and
// returns those that it is not done with. One query asks for all of them. moved
// is told of each machine that has got another state, which is empty for one
// that is gone.
//
// The error is for credentials that are refused. A server that cannot be
// reached for a while is asked again.
func Settle(ctx context.Context, client *zstack.Client, machines []planner.Waiting, moved func(planner.Waiting)) ([]planner.Waiting, error) {
	machines = slices.Clone(machines)
	for pause := firstLook; len(machines) > 0; pause = min(pause+time.Second, lastLook) {
		if wait(ctx, pause) != nil {
			break
		}
		var uuids []string
		for _, m := range machines {
			uuids = append(uuids, m.UUID)
		}
		rows, err := listIn[zstack.VM](ctx, client, "/vm-instances", "uuid", uuids)
		var auth *zstack.AuthError
		switch {
		case errors.As(err, &auth):
			return machines, err
		case err != nil:
			continue
		}
		states := make(map[string]string, len(rows))
		for _, row := range rows {
			states[row.UUID] = row.State
		}
		for i := range machines {
			if now := states[machines[i].UUID]; now != machines[i].State {
				machines[i].State = now
				moved(machines[i])
			}
		}
		machines = slices.DeleteFunc(machines, func(m planner.Waiting) bool { return !planner.IsPassing(m.State) })
	}
	return machines, nil
}

// LateJob is a job of a run that ended before its outcome was known.
type LateJob struct {
	UUID      string
	Operation string
	// Ended says that the server tells the outcome: Failure, or none.
	Ended   bool
	Failure *executor.Failure
	// Forgotten says that the server does not know the job, or not any more.
	Forgotten bool
}

// maxLateJobs is how many jobs are followed at once.
const maxLateJobs = 32

// FollowJobs waits for jobs that were sent earlier, until each has ended, is not
// known, or the time is over, and fills in what the server says of them. Each is
// asked for at least once. Like outcomes, what they say holds no secret.
func (d *Driver) FollowJobs(ctx context.Context, jobs []LateJob, limit time.Duration) {
	var group errgroup.Group
	group.SetLimit(maxLateJobs)
	ctx, cancel := context.WithTimeout(ctx, max(limit, firstLook))
	defer cancel()
	for i := range jobs {
		job := &jobs[i]
		group.Go(func() error {
			_, err := d.client.Follow(ctx, job.UUID, job.Operation, max(limit, firstLook))
			var api *zstack.APIError
			switch jobUnknown, _ := isUnknown(err); {
			case err == nil:
				job.Ended = true
			case errors.As(err, &api):
				job.Ended = true
				job.Failure, _ = failureOf(job.Operation, err)
				hideSecrets(job.Failure, d.secretsFor(nil))
			case jobUnknown:
				job.Forgotten = true
			}
			return nil
		})
	}
	_ = group.Wait()
}
