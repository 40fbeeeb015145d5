//go:build !unix

package main

// lockFile does nothing where no advisory lock is at hand.
func lockFile(string) (unlock func(), err error) { return func() {}, nil }

// isLocked knows of no lock there.
func isLocked(string) bool { return false }
