// Package zstack speaks the HTTP API of ZStack Cloud: it logs in, asks queries,
// sends calls, follows their jobs to the end and says, for each call that did
// not succeed, whether it was executed, was not, or may have been.
package zstack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"
)

// Client is a connection to one server under one account. It may be used by
// many goroutines at once.
type Client struct {
	base      *url.URL // up to and including /v1
	transport http.RoundTripper
	pool      *http.Transport    // below transport; nil: something else is
	guard     *readOnlyTransport // the transport of a read-only client; else nil
	limiter   *rate.Limiter
	timeout   time.Duration // of one exchange
	log       *slog.Logger
	cred      credential
}

// credential signs requests. Both kinds, sessions and access keys, can go stale
// and be renewed.
type credential interface {
	// authorize returns the headers that a request needs, and the generation of
	// what they were made from. It fails with *AuthError, *APIError or
	// *NotSentError.
	authorize(ctx context.Context, method, path string) (http.Header, string, error)
	// renew replaces what the given generation was made from, once for all
	// callers that name it. It fails like authorize.
	renew(ctx context.Context, generation string) error
	// stale reports whether a failed call failed before anything was executed,
	// because the credentials were stale.
	stale(code ErrorCode) bool
	// account is the UUID of the account.
	account(ctx context.Context) (string, error)
	// secrets lists what is sent and must not be quoted from an answer.
	secrets() []string
	// owns reports whether a session is the client's.
	owns(session string) bool
	// end gives back what the server keeps for the client.
	end(ctx context.Context) error
}

// New checks the configuration and makes a client. It sends nothing: the first
// call logs in.
func New(cfg Config) (*Client, error) {
	base, err := cfg.baseURL()
	if err != nil {
		return nil, err
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	transport, err := cfg.transport()
	if err != nil {
		return nil, err
	}
	c := &Client{
		base:      base,
		transport: transport,
		timeout:   cfg.RequestTimeout,
		log:       cfg.Log,
	}
	c.pool, _ = transport.(*http.Transport)
	if cfg.ReadOnly {
		c.guard = &readOnlyTransport{next: transport, base: base, owns: func(id string) bool { return c.cred.owns(id) }}
		c.transport = c.guard
	}
	if c.timeout == 0 {
		c.timeout = defaultRequestTimeout
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if cfg.RequestsPerSecond > 0 {
		burst := max(1, int(math.Ceil(cfg.RequestsPerSecond)))
		c.limiter = rate.NewLimiter(rate.Limit(cfg.RequestsPerSecond), burst)
	}
	if cfg.AccessKeyID != "" {
		c.cred = newAccessKey(c, cfg.AccessKeyID, cfg.AccessKeySecret)
	} else {
		c.cred = newPasswordSession(c, cfg.AccountName, cfg.AccountPassword)
	}
	return c, nil
}

// Close ends the client's session, if it has one, and lets go of idle
// connections. A session that could not be ended ends by itself on the server.
func (c *Client) Close(ctx context.Context) error {
	err := c.cred.end(ctx)
	if c.pool != nil {
		c.pool.CloseIdleConnections()
	}
	return err
}

// Account returns the UUID of the account that the credentials belong to.
func (c *Client) Account(ctx context.Context) (string, error) {
	return c.cred.account(ctx)
}

// Version returns the server's version, like 5.2.1. It needs no account.
func (c *Client) Version(ctx context.Context) (string, error) {
	var reply struct {
		Version string `json:"version"`
	}
	request := versionRequest()
	if err := c.readInto(ctx, request, &reply); err != nil {
		return "", err
	}
	if reply.Version == "" {
		return "", &UnknownError{Operation: request.operation, Err: fmt.Errorf("the answer holds no version")}
	}
	return reply.Version, nil
}

func versionRequest() *request {
	return &request{
		operation: "GetVersion", method: http.MethodPut, path: "/management-nodes/actions",
		body: []byte(`{"getVersion":{}}`),
	}
}

// readInto reads and decodes the answer into v.
func (c *Client) readInto(ctx context.Context, r *request, v any) error {
	body, err := c.read(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return &UnknownError{Operation: r.operation, Err: fmt.Errorf("the answer has an unexpected form: %w", err)}
	}
	return nil
}
