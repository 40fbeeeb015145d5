package zstack

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"zfleet/internal/redact"
)

// maxBody bounds an answer. The largest ones are pages of a thousand machines.
const maxBody = 64 << 20

// request is one exchange with the server.
type request struct {
	operation string // API name
	method    string
	path      string // below /v1
	query     url.Values
	body      []byte // nil: none
	header    http.Header
	signed    bool   // carries credentials
	secret    bool   // the path holds a session id
	sent      func() // called when the request is about to leave; may be nil
}

// answer is what came back, complete.
type answer struct {
	status   int
	body     []byte
	location string // of a redirect
}

// lostError says that no usable answer came: the request may have arrived.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// exchange sends a request once. Its errors are *NotSentError and *lostError.
func (c *Client) exchange(ctx context.Context, r *request, credentials http.Header) (*answer, error) {
	if err := c.wait(ctx); err != nil {
		return nil, &NotSentError{r.operation, err}
	}
	exchangeCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	traceCtx := httptrace.WithClientTrace(exchangeCtx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := c.httpRequest(traceCtx, r, credentials)
	if err != nil {
		return nil, &NotSentError{r.operation, err}
	}
	if r.sent != nil {
		r.sent()
		r.sent = nil
	}
	start := time.Now()
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		c.logExchange(ctx, r, start, 0, err)
		outward := c.outward(ctx, err)
		if neverLeft(err) || c.pool != nil && !connected.Load() {
			return nil, &NotSentError{r.operation, outward}
		}
		return nil, &lostError{outward}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	c.logExchange(ctx, r, start, resp.StatusCode, err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return nil, &lostError{fmt.Errorf("the answer did not end within %s", c.timeout)}
	case err != nil:
		return nil, &lostError{c.outward(ctx, err)}
	case len(body) > maxBody:
		return nil, &lostError{fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)}
	}
	return c.quotable(&answer{status: resp.StatusCode, body: body, location: resp.Header.Get("Location")}), nil
}

// quotable takes out of an answer that errors may quote what the client would
// not have said: its session and its password's hash.
func (c *Client) quotable(a *answer) *answer {
	if a.status < 300 && a.looksLikeObject() {
		return a
	}
	secrets := c.cred.secrets()
	a.body = []byte(redact.Hide(string(a.body), secrets...))
	a.location = redact.Hide(a.location, secrets...)
	return a
}

// permit keeps a read-only client from logging in, and from telling that a
// request leaves, for one that its transport would refuse.
func (c *Client) permit(ctx context.Context, r *request) error {
	if c.guard == nil {
		return nil
	}
	req, err := c.httpRequest(ctx, r, nil)
	if err == nil {
		err = c.guard.check(req, r.body)
	}
	if err != nil {
		return &NotSentError{r.operation, err}
	}
	return nil
}

func (c *Client) wait(ctx context.Context) error {
	if c.limiter == nil {
		return ctx.Err()
	}
	if err := c.limiter.Wait(ctx); err != nil {
		// The limiter refuses at once when the deadline comes before the turn.
		if ctx.Err() == nil {
			return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return ctx.Err()
	}
	return nil
}

func (c *Client) httpRequest(ctx context.Context, r *request, credentials http.Header) (*http.Request, error) {
	u := *c.base
	u.Path += r.path
	u.RawQuery = r.query.Encode()
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	for _, header := range []http.Header{r.header, credentials} {
		for name, values := range header {
			req.Header[name] = values
		}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "zfleet")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json;charset=UTF-8")
	}
	return req, nil
}

// outward is a transport's error as callers may see it. Where the caller's own
// context still runs, the error must not look as if the caller had given up.
func (c *Client) outward(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", c.timeout)
	}
	return err
}

// neverLeft reports whether a transport's error proves that nothing of the
// request was sent: it was not to be, or no connection came about.
func neverLeft(err error) bool {
	var (
		op       *net.OpError
		dns      *net.DNSError
		cert     *tls.CertificateVerificationError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
	)
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	return errors.Is(err, errReadOnly) || errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &unknown) ||
		errors.As(err, &hostname) || errors.As(err, &record)
}

func (c *Client) logExchange(ctx context.Context, r *request, start time.Time, status int, err error) {
	path := r.path
	if r.secret {
		path = path[:strings.LastIndexByte(path, '/')+1] + "…"
	}
	attrs := []slog.Attr{
		slog.String("operation", r.operation), slog.String("method", r.method), slog.String("path", path),
		slog.Int("status", status), slog.Duration("took", time.Since(start)),
	}
	if job := r.header.Get(headerJobUUID); job != "" {
		attrs = append(attrs, slog.String("job", job))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", oneLine(err.Error())))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "request", attrs...)
}

// isObject reports whether the answer is a JSON object, as all the server's own
// successes are; a proxy's page is not.
func (a *answer) isObject() bool {
	body := bytes.TrimLeft(a.body, " \t\r\n")
	return len(body) > 0 && body[0] == '{' && json.Valid(body)
}

// looksLikeObject is isObject at first sight.
func (a *answer) looksLikeObject() bool {
	return bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n"), []byte("{"))
}

// isPage reports whether the answer is markup, which the API never sends.
func (a *answer) isPage() bool {
	return bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n\ufeff"), []byte("<"))
}

func (a *answer) text() string {
	if a.status >= 300 && a.status < 400 && a.location != "" {
		return "a redirect to " + oneLine(a.location) + ", which is not followed"
	}
	return oneLine(string(a.body[:min(len(a.body), 4*maxQuoted)]))
}

// unusable describes an answer that says nothing about the call.
func (a *answer) unusable() error {
	if a.status < 300 && a.looksLikeObject() && !a.isObject() {
		// Not quoted: the part that came may hold a session id.
		return fmt.Errorf("status %d: the answer is no complete JSON", a.status)
	}
	if text := a.text(); text != "" {
		return fmt.Errorf("status %d: %s", a.status, text)
	}
	return fmt.Errorf("status %d without text", a.status)
}
