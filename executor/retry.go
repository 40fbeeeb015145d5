package executor

import (
	"math/rand/v2"
	"time"
)

// Defaults of Options.
const (
	defaultMaxAttempts = 4
	defaultRetryBudget = 100
)

// The ceiling of the wait before the next try: retryBase after the first, twice
// as much after each further one, never above retryCap.
const (
	retryBase = time.Second
	retryCap  = time.Minute
)

// retryCeiling returns the longest wait after performance number try, from 1.
func retryCeiling(try int) time.Duration {
	ceiling := retryBase
	for range try - 1 {
		if ceiling *= 2; ceiling >= retryCap {
			return retryCap
		}
	}
	return ceiling
}

// fullJitter draws a wait between nothing and the ceiling: steps that failed
// together do not come back together.
func fullJitter(ceiling time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(ceiling) + 1)).Round(time.Millisecond)
}
