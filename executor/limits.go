package executor

import (
	"slices"

	"zfleet/planner"
)

// limiter counts what is in flight against the limits. A slot is one limit on
// one key; the first slot is the parallelism of the whole run.
type limiter struct {
	room []int // by slot: how many steps may still start
}

// newLimiter returns a limiter for the steps and, for each step, the slots that
// it counts against. Classes without a limit have no slots, so a step is never
// held up by what nobody limited.
func newLimiter(limits Limits, steps []planner.Step) (*limiter, [][]int) {
	parallelism := limits.Parallelism
	if parallelism <= 0 {
		parallelism = DefaultParallelism
	}
	l := &limiter{room: []int{parallelism}}
	slots := make(map[planner.Use]int)
	counts := make([][]int, len(steps))
	for i, step := range steps {
		count := []int{0}
		for _, use := range step.Uses {
			limit := limits.PerClass[use.Class]
			if limit <= 0 || use.UUID == "" {
				continue
			}
			slot, known := slots[use]
			if !known {
				slot = len(l.room)
				slots[use] = slot
				l.room = append(l.room, limit)
			}
			count = append(count, slot)
		}
		slices.Sort(count)
		counts[i] = slices.Compact(count) // a key named twice counts once
	}
	return l, counts
}

// full reports whether the run as a whole has no room for any step.
func (l *limiter) full() bool { return l.room[0] == 0 }

// take counts a step in all its slots, or in none if one has no room.
func (l *limiter) take(slots []int) bool {
	for _, slot := range slots {
		if l.room[slot] == 0 {
			return false
		}
	}
	for _, slot := range slots {
		l.room[slot]--
	}
	return true
}

// release gives back what take took.
func (l *limiter) release(slots []int) {
	for _, slot := range slots {
		l.room[slot]++
	}
}
