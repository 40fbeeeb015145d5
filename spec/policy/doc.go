// Package policy checks and evaluates the conditions of policies: expressions
// of the Common Expression Language (CEL) over a plan.
//
// The language is closed. A condition sees the values of a Scene and nothing
// else: no secret, no clock, no chance, no file, no network. Its types are known
// before it runs, so a misspelt field is found where the file is checked, and
// the same scene always gives the same verdict.
//
// What a condition may cost is bounded by counting its work, not by a clock, so
// that a bound is hit on every computer alike: see Condition.Judge.
package policy
