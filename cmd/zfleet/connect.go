package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"zfleet/internal/zstack"
)

// connectionFlags say which management server to talk to. Credentials come
// from the environment only: arguments can be read by others.
type connectionFlags struct {
	endpoint string
	caFile   string
	insecure bool
	simulate bool
}

func (f *connectionFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.endpoint, "endpoint", "", "`URL` of the management server, http or https (ZFLEET_ENDPOINT; else ZSTACK_HOST and ZSTACK_PORT)")
	flags.StringVar(&f.caFile, "ca-file", "", "PEM `FILE` of certificate authorities to trust as well (ZFLEET_CA_FILE)")
	flags.BoolVar(&f.insecure, "dangerous-skip-tls-verify", false, "do not verify the server's certificate")
	flags.BoolVar(&f.simulate, "simulate", false, "use the embedded simulator, its state in .zfleet/simulator.json, and ignore ZSTACK_*")
	_ = cmd.MarkFlagFilename("ca-file", "pem", "crt")
}

// session is a connection to a management server, real or simulated.
type session struct {
	client   *zstack.Client
	endpoint string // for people and plans: never a random port
	close    func()
}

// wire holds what a command asks of the connection.
type wire struct {
	changes           bool // the command may change the cloud; without it the client cannot
	requestsPerSecond float64
}

const closeTimeout = 5 * time.Second

// connect makes a client. Nothing is sent before the first request needs it.
func (a *app) connect(ctx context.Context, f connectionFlags, w wire) (*session, error) {
	cfg, err := a.clientConfig(f)
	if err != nil {
		return nil, err
	}
	shutdown := func() {}
	shown := cfg.Endpoint
	if f.simulate {
		sim, err := a.startSimulator(ctx)
		if err != nil {
			return nil, err
		}
		cfg, shutdown, shown = sim.config, sim.close, "simulator"
		a.announceSimulator()
	} else if f.insecure {
		fmt.Fprintf(a.stderr, "warning: whoever answers as %s is believed, and gets the credentials: --dangerous-skip-tls-verify\n", shown)
	}
	cfg.ReadOnly = !w.changes
	cfg.RequestsPerSecond = w.requestsPerSecond
	cfg.Log = a.logger()
	client, err := zstack.New(cfg)
	if err != nil {
		shutdown()
		return nil, &exitError{code: exitUsage, message: err.Error(), hint: "set ZSTACK_HOST (or --endpoint) and credentials, or try --simulate"}
	}
	return &session{client: client, endpoint: shown, close: func() {
		// A run that was interrupted still logs out.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			a.logger().Debug("log out", "error", err)
		}
		shutdown()
	}}, nil
}

func (a *app) logger() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// clientConfig reads the connection from flags and environment, in the names
// that the ZStack Terraform provider and Packer plugin use.
func (a *app) clientConfig(f connectionFlags) (zstack.Config, error) {
	if f.simulate {
		return zstack.Config{}, nil
	}
	cfg := zstack.Config{
		Endpoint:           cmp.Or(f.endpoint, a.getenv("ZFLEET_ENDPOINT")),
		AccountName:        a.getenv("ZSTACK_ACCOUNT_NAME"),
		AccessKeyID:        a.getenv("ZSTACK_ACCESS_KEY_ID"),
		CAFile:             cmp.Or(f.caFile, a.getenv("ZFLEET_CA_FILE")),
		InsecureSkipVerify: f.insecure,
	}
	if cfg.Endpoint == "" {
		endpoint, err := a.hostEndpoint()
		if err != nil {
			return cfg, err
		}
		cfg.Endpoint = endpoint
	}
	if parsed, err := url.Parse(cfg.Endpoint); err == nil && parsed.User != nil {
		return cfg, usageError("the endpoint must not hold credentials; use ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD")
	}
	var err1, err2 error
	cfg.AccountPassword, err1 = a.secretEnv("ZSTACK_ACCOUNT_PASSWORD")
	cfg.AccessKeySecret, err2 = a.secretEnv("ZSTACK_ACCESS_KEY_SECRET")
	if err := errors.Join(err1, err2); err != nil {
		return cfg, err
	}
	switch {
	case cfg.AccessKeyID != "" && cfg.AccessKeySecret == "":
		return cfg, usageError("ZSTACK_ACCESS_KEY_ID is set without ZSTACK_ACCESS_KEY_SECRET (or ZSTACK_ACCESS_KEY_SECRET_FILE)")
	case cfg.AccessKeyID == "" && cfg.AccountName != "" && cfg.AccountPassword == "":
		return cfg, usageError("ZSTACK_ACCOUNT_NAME is set without ZSTACK_ACCOUNT_PASSWORD (or ZSTACK_ACCOUNT_PASSWORD_FILE)")
	case cfg.AccessKeyID == "" && cfg.AccountName == "":
		return cfg, &exitError{code: exitUsage, message: "no credentials",
			hint: "set ZSTACK_ACCESS_KEY_ID and ZSTACK_ACCESS_KEY_SECRET, or ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD (each secret also as …_FILE); or try --simulate"}
	case cfg.AccessKeyID != "" && cfg.AccountName != "":
		a.say("Both an access key and a password are set: using the access key.")
	}
	return cfg, nil
}

// hostEndpoint builds the endpoint from ZSTACK_HOST and ZSTACK_PORT.
func (a *app) hostEndpoint() (string, error) {
	host, port := a.getenv("ZSTACK_HOST"), cmp.Or(a.getenv("ZSTACK_PORT"), "8080")
	if host == "" {
		return "", &exitError{code: exitUsage, message: "no management server",
			hint: "set ZSTACK_HOST (and ZSTACK_PORT), or --endpoint URL; or try --simulate"}
	}
	if strings.ContainsAny(host, "/@?# ") || strings.Contains(host, ":") && net.ParseIP(strings.Trim(host, "[]")) == nil {
		return "", usageError("ZSTACK_HOST is %q: want a host name or address alone; the port goes into ZSTACK_PORT, a whole URL into ZFLEET_ENDPOINT", host)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return "", usageError("ZSTACK_PORT is %q: want a number from 1 to 65535", port)
	}
	return "http://" + net.JoinHostPort(strings.Trim(host, "[]"), port), nil
}

func (a *app) getenv(name string) string {
	value, _ := a.env(name)
	return value
}

// secretEnv reads a secret from NAME or from the file that NAME_FILE names.
func (a *app) secretEnv(name string) (string, error) {
	file := a.getenv(name + "_FILE")
	if value := a.getenv(name); value != "" {
		if file != "" {
			return "", usageError("both %s and %s_FILE are set: unset one of them", name, name)
		}
		return value, nil
	}
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}
