package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"zfleet/examples"
	"zfleet/internal/simulator"
	"zfleet/internal/zstack"
)

// simulatorState is where --simulate keeps its cloud, below the current directory.
const simulatorState = ".zfleet/simulator.json"

// The account of the embedded data center. It guards nothing.
const (
	simulatorAccount  = "admin"
	simulatorPassword = "password"
)

// simulatedLatency makes a creation last long enough to be watched.
const simulatedLatency = 400 * time.Millisecond

func (a *app) announceSimulator() {
	fmt.Fprintf(a.stderr, "Simulated: the embedded data center, state in %s; no real cloud is touched.\n", simulatorState)
}

// simulation is the embedded simulator, listening on loopback.
type simulation struct {
	config zstack.Config
	close  func()
}

func (a *app) startSimulator(ctx context.Context) (*simulation, error) {
	if err := os.MkdirAll(filepath.Dir(simulatorState), 0o700); err != nil {
		return nil, fmt.Errorf("state of the simulator: %w", err)
	}
	unlock, err := lockFile(simulatorState + ".lock")
	if err != nil {
		return nil, err
	}
	sim, err := simulator.New(simulator.Options{
		Datacenter: examples.Datacenter,
		StatePath:  simulatorState,
		Latency:    simulatedLatency,
	})
	if err != nil {
		unlock()
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		unlock()
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return &simulation{
		config: zstack.Config{
			Endpoint:        "http://" + listener.Addr().String(),
			AccountName:     simulatorAccount,
			AccountPassword: simulatorPassword,
		},
		close: func() {
			_ = server.Close()
			if err := sim.Close(); err != nil {
				fmt.Fprintf(a.stderr, "zfleet: save the simulator's state: %v\n", err)
			}
			unlock()
		},
	}, nil
}

// simulatorFlags of the simulator command.
type simulatorFlags struct {
	listen     string
	state      string
	datacenter string
	latency    time.Duration
	faults     string
	profile    string
	strict     bool
}

func newSimulator(a *app) *cobra.Command {
	var f simulatorFlags
	cmd := &cobra.Command{
		Use:   "simulator",
		Short: "Run a simulated ZStack management server",
		Long: `Run a simulated ZStack management server, for curl, other clients and rehearsals.

It behaves like the real one: jobs, sessions, queries, errors, recycle bin. Log in
as admin with the password "password", or with what the data center file says.
GET /simulator/findings lists every unknown or malformed parameter that clients sent.

With --faults it misbehaves by rules: lost answers, errors, expired sessions, proxies that
answer nonsense. examples/faults.yaml explains the rules.`,
		Example: `  zfleet simulator --listen 127.0.0.1:8080 --state cloud.json --latency 2s
  zfleet simulator --datacenter examples/datacenter.yaml --faults examples/faults.yaml`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runSimulator(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`ADDRESS` to listen on")
	flags.StringVar(&f.state, "state", "", "`FILE` that keeps the cloud between runs")
	flags.StringVar(&f.datacenter, "datacenter", "", "YAML `FILE` that describes the first state (default: the embedded data center)")
	flags.DurationVar(&f.latency, "latency", 2*time.Second, "how long the creation of a machine takes")
	flags.StringVar(&f.faults, "faults", "", "YAML `FILE` of faults to make on demand")
	flags.StringVar(&f.profile, "profile", "commercial", "commercial, or open: creation from volumes and snapshots is not installed there")
	flags.BoolVar(&f.strict, "strict", false, "refuse calls with a wrong HTTP method that the real server would execute")
	return cmd
}

func (a *app) runSimulator(ctx context.Context, f simulatorFlags) error {
	options := simulator.Options{Datacenter: examples.Datacenter, StatePath: f.state, Latency: f.latency, Strict: f.strict, Log: a.logger()}
	switch f.profile {
	case "commercial":
		options.Profile = simulator.Commercial
	case "open":
		options.Profile = simulator.Open
	default:
		return usageError("--profile %q: want commercial or open", f.profile)
	}
	if f.datacenter != "" {
		data, err := os.ReadFile(f.datacenter)
		if err != nil {
			return fmt.Errorf("data center: %w", err)
		}
		options.Datacenter = data
	}
	if f.faults != "" {
		data, err := os.ReadFile(f.faults)
		if err != nil {
			return fmt.Errorf("faults: %w", err)
		}
		if options.Faults, err = simulator.ParseFaults(data); err != nil {
			return &exitError{code: exitSpec, message: fmt.Sprintf("%s: %v", f.faults, err)}
		}
	}
	if f.state != "" {
		unlock, err := lockFile(f.state + ".lock")
		if err != nil {
			return err
		}
		defer unlock()
	}
	sim, err := simulator.New(options)
	if err != nil {
		return &exitError{code: exitSpec, message: fmt.Sprintf("%s: %v", strings.TrimSpace(f.datacenter+" "+f.state), err)}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Fprintf(a.stdout, "Simulated management server: http://%s/zstack/v1 (stop with Ctrl-C)\n", listener.Addr())
	return a.serve(ctx, listener, sim)
}

// serve runs until a signal, then lets requests finish and saves the state.
func (a *app) serve(ctx context.Context, listener net.Listener, sim *simulator.Server) error {
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
	case <-a.signals:
	case err = <-failed:
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = server.Shutdown(ctx)
	return errors.Join(err, sim.Close())
}
