package zstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const (
	testJob     = "0123456789abcdef0123456789abcdef"
	otherJob    = "fedcba9876543210fedcba9876543210"
	testAccount = "36c27e8ff05c4780bf6d2fa65700f22e"
)

// exchanged is one request as a scripted server got it.
type exchanged struct {
	Method, Path, Body string
	Header             http.Header
	Query              map[string][]string
}

func (e exchanged) line() string { return e.Method + " " + e.Path }

// reply is one scripted answer: a status and a text, or an error in its place.
type reply struct {
	status int
	body   string
	header http.Header
	err    error
}

// script is a server in memory. It answers logins with a new session each, and
// other requests from the list for "METHOD /path" (below /v1), whose last entry
// is used over and over.
type script struct {
	mu      sync.Mutex
	answers map[string][]reply
	got     []exchanged
	logins  int
	handle  func(exchanged) *reply // may answer first
}

var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	e := exchanged{Method: req.Method, Header: req.Header.Clone(), Query: req.URL.Query()}
	_, e.Path, _ = strings.Cut(req.URL.Path, "/v1")
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		e.Body = string(body)
	}
	r := s.answer(e)
	if r.err != nil {
		return nil, r.err
	}
	header := r.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: r.status, Header: header, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(r.body)), ContentLength: -1,
	}, nil
}

func (s *script) answer(e exchanged) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, e)
	if s.handle != nil {
		if r := s.handle(e); r != nil {
			return *r
		}
	}
	if list := s.answers[e.line()]; len(list) > 0 {
		if len(list) > 1 {
			s.answers[e.line()] = list[1:]
		}
		return list[0]
	}
	switch {
	case e.line() == "PUT /accounts/login":
		s.logins++
		return reply{status: 200, body: fmt.Sprintf(`{"inventory":{"uuid":"session%d","accountUuid":%q}}`, s.logins, testAccount)}
	case strings.HasPrefix(e.line(), "DELETE /accounts/sessions/"):
		return reply{status: 200, body: "{}"}
	}
	return reply{status: 404, body: "no api mapping to " + e.Path}
}

// lines are the requests so far, logins left out.
func (s *script) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, e := range s.got {
		if e.line() != "PUT /accounts/login" {
			lines = append(lines, e.line())
		}
	}
	return lines
}

func (s *script) last() exchanged {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[len(s.got)-1]
}

// newTestClient makes a client of a scripted server, logged in by password.
func newTestClient(t *testing.T, transport http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{
		Endpoint: "http://zstack.test:8080", AccountName: "admin", AccountPassword: "password", Transport: transport,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func withKey(cfg *Config) { cfg.AccessKeyID, cfg.AccessKeySecret = "LTAIkeyid", "secret" }

// failure is the body of a failed call; each further code is the cause of the
// one before.
func failure(codes ...string) string {
	var nested map[string]any
	for i := len(codes) - 1; i >= 0; i-- {
		code := map[string]any{"code": codes[i], "description": "description of " + codes[i]}
		if nested != nil {
			code["cause"] = nested
		}
		nested = code
	}
	body, _ := json.Marshal(map[string]any{"error": nested})
	return string(body)
}

func jobAt(uuid string) string {
	return fmt.Sprintf(`{"location":"http://172.20.0.1:8080/zstack/v1/api-jobs/%s","apiTimeout":1800000}`, uuid)
}
