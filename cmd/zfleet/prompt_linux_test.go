package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// terminal returns both ends of a pseudo terminal.
func terminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var number, locked uint32
	for request, value := range map[uintptr]*uint32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &locked} {
		if _, _, code := syscall.Syscall(syscall.SYS_IOCTL, keyboard.Fd(), request, uintptr(unsafe.Pointer(value))); code != 0 {
			t.Fatal(code)
		}
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close(); _ = keyboard.Close() })
	return keyboard, screen
}

// TestMovedWhileAsked: what changes between a plan that is shown and a yes that
// comes late is seen.
func TestMovedWhileAsked(t *testing.T) {
	for name, tc := range map[string]struct {
		meanwhile string // the fleet file of somebody else
		flags     []string
		code      int
		says      string
	}{
		"nothing":      {"", nil, exitOK, ""},
		"another name": {"prefix: other", nil, exitStale, "name: was old-1, the plan wants new-1, is other-1"},
		"the same":     {"prefix: new", nil, exitOK, "As the plan wants already: web/1, web/2."},
		"skipped":      {"prefix: other", []string{"--skip-moved"}, exitPartial, "Skipping what changed: 2 machines."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSecretRun(t, "")
			s.env["ZSTACK_ACCOUNT_NAME"], s.env["ZSTACK_ACCOUNT_PASSWORD"] = "admin", plantedPassword
			fleet := s.write("prompt.yaml", `apiVersion: zfleet/v1
kind: Fleet
name: prompt
id: abcd1234
variables: {prefix: old}
machines:
  web: {count: 2, name: "${var.prefix}-${index}", instanceOffering: small, networks: [app-net], source: {image: centos-7.9}}
`)
			apply := func(dir string, flags ...string) []string {
				return append([]string{"apply", "-f", fleet, "--run-dir", filepath.Join(s.out, dir)}, flags...)
			}
			if code := s.zfleet(apply("first", "--auto-approve")...); code != exitOK {
				t.Fatalf("exit code %d:\n%s", code, s.said.String())
			}
			keyboard, screen := terminal(t)
			var said lockedBuffer
			a := &app{stdin: screen, stdout: &said, stderr: &said, signals: make(chan os.Signal),
				env:     func(name string) (string, bool) { value, ok := s.env[name]; return value, ok },
				environ: func() []string { return nil }}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			done := make(chan int, 1)
			go func() { done <- a.main(ctx, apply("asked", append(tc.flags, "--var", "prefix=new")...)) }()
			for !strings.Contains(said.String(), "Carry out this plan?") {
				select {
				case code := <-done:
					t.Fatalf("exit code %d before the question:\n%s", code, said.String())
				case <-time.After(10 * time.Millisecond):
				}
			}
			if tc.meanwhile != "" {
				other := s.write("other.yaml", tc.meanwhile)
				if code := s.zfleet(apply("other", "--auto-approve", "--var-file", other)...); code != exitOK {
					t.Fatalf("exit code %d:\n%s", code, s.said.String())
				}
			}
			if _, err := keyboard.WriteString("yes\n"); err != nil {
				t.Fatal(err)
			}
			if code := <-done; code != tc.code || !strings.Contains(said.String(), tc.says) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, tc.code, tc.says, said.String())
			}
		})
	}
}

// TestInterruptWhileAsked: who answers a question with Ctrl-C reads that nothing was
// done in a line of its own.
func TestInterruptWhileAsked(t *testing.T) {
	t.Parallel()
	s := newSecretRun(t, "")
	s.env["ZSTACK_ACCOUNT_NAME"], s.env["ZSTACK_ACCOUNT_PASSWORD"] = "admin", plantedPassword
	fleet := s.write("prompt.yaml", `apiVersion: zfleet/v1
kind: Fleet
name: prompt
id: abcd1234
machines:
  web: {instanceOffering: small, networks: [app-net], source: {image: centos-7.9}}
`)
	_, screen := terminal(t)
	var said lockedBuffer
	signals := make(chan os.Signal, 1)
	a := &app{stdin: screen, stdout: &said, stderr: &said, signals: signals,
		env:     func(name string) (string, bool) { value, ok := s.env[name]; return value, ok },
		environ: func() []string { return nil }}
	done := make(chan int, 1)
	go func() { done <- a.main(t.Context(), []string{"apply", "-f", fleet}) }()
	for !strings.Contains(said.String(), "is taken as consent") {
		select {
		case code := <-done:
			t.Fatalf("exit code %d before the question:\n%s", code, said.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	signals <- os.Interrupt
	if code := <-done; code != exitInterrupted || !strings.HasSuffix(said.String(), "\nzfleet: interrupted; nothing was changed\n") {
		t.Errorf("exit code %d:\n%s", code, said.String())
	}
}
