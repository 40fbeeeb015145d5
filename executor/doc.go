// Package executor carries out the steps of a plan.
//
// One goroutine owns all scheduling state. A step starts when its needs have
// succeeded and every limit that it counts against has room; a worker performs
// it through a Driver and hands the outcome back. Every step ends with exactly
// one Status.
//
// All that happens is an Event. Events go to the journal, which is synced
// before each mutating request leaves, and to observers; the report is a fold
// over the same events, so a live run and a replayed journal give the same
// report.
//
// The package knows steps, not machines: it never looks into a step's Op.
package executor
