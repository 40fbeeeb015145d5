// Zfleet keeps a fleet of ZStack Cloud virtual machines as a YAML file says it
// should be: it compares the file with what exists, shows a plan, and carries
// the plan out.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	app := &app{
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		env:     os.LookupEnv,
		environ: os.Environ,
		signals: signals,
	}
	os.Exit(app.main(context.Background(), os.Args[1:]))
}
