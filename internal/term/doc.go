// Package term knows the terminal: whether a stream is one, how wide it is,
// whether to use colour, how to show work in progress on it and how to ask a
// question. It knows nothing of fleets, and no other package looks at a
// terminal or at the variables that describe one.
package term
