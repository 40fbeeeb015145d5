package executor

import (
	"context"

	"zfleet/planner"
)

// Run carries out the steps of a plan and returns the report. Failed steps are
// data in the report; the error is for a run that could not go on as a whole,
// such as an unwritable journal, and comes with the report so far.
func Run(ctx context.Context, plan *planner.Plan, driver Driver, journal *Journal, opts Options) (*Report, error) {
	return nil, nil
}

// Fold builds the report of a run from its events.
func Fold(events []Event) (*Report, error) { return nil, nil }
