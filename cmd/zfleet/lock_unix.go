//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockFile takes an advisory lock that ends with the process, so that a crash
// leaves nothing to clean up.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, &exitError{code: exitFailure, message: fmt.Sprintf("%s is held by another zfleet", path),
			hint: "wait for it to end; zfleet simulator --state FILE serves one simulated cloud to many"}
	}
	return func() { _ = f.Close() }, nil
}

// isLocked reports whether somebody holds the lock of a file that exists. What
// cannot be read is not known to be locked.
func isLocked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
