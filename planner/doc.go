// Package planner decides what has to be done so that a cloud holds what a
// fleet file asks for.
//
// Build is a pure function: a fleet and an inventory in, a plan out. It uses no
// network, clock, randomness or file, so the same input always gives the same
// plan, byte for byte, and a plan can be made where no credentials are.
//
// A plan has two halves. Changes say, for people, what happens to each machine
// and why. Steps say, for the executor, which operations to perform in which
// order; they are derived from the changes and from nothing else.
package planner
