package zstack

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outcome says an error's type and what callers branch on, for tables.
func outcome(err error) string {
	var (
		api     *APIError
		refused *RefusedError
		notSent *NotSentError
		unknown *UnknownError
		auth    *AuthError
	)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &unknown):
		return fmt.Sprintf("unknown jobUnknown=%t", unknown.JobUnknown)
	case errors.As(err, &api):
		return fmt.Sprintf("api %s expired=%t", api.Code.Code, IsSessionExpired(err))
	case errors.As(err, &refused):
		return fmt.Sprintf("refused %d", refused.Status)
	case errors.As(err, &notSent):
		return "notSent"
	case errors.As(err, &auth):
		return "auth"
	}
	return "other: " + err.Error()
}

var (
	post = "POST /vm-instances"
	poll = "GET /api-jobs/" + testJob

	version = "PUT /management-nodes/actions"
)

func createCall() Call {
	return Call{
		Operation: "CreateVmInstance", Method: http.MethodPost, Path: "/vm-instances",
		Body: map[string]any{"params": map[string]any{"name": "web"}}, JobUUID: testJob,
	}
}

const (
	page     = "<html>\n<h1>502 Bad Gateway</h1></html>"
	running  = "{}"
	finished = `{"inventory":{"uuid":"x"}}`
)

func TestDoOutcomes(t *testing.T) {
	for _, test := range []struct {
		name     string
		answers  map[string][]reply
		want     string
		wantBody string
		posts    int // how often the call itself was sent
		polls    int // -1: some
	}{
		{name: "done at once, says somebody", answers: map[string][]reply{
			post: {{status: 200, body: finished}},
			poll: {{status: 404, body: "the job has been expired"}},
		}, want: "unknown jobUnknown=true", posts: 1, polls: 1},
		{name: "done at once, and the job goes on", answers: map[string][]reply{
			post: {{status: 200, body: `{"success":true}`}},
			poll: {{status: 202, body: running}, {status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 2},
		{name: "job", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 202, body: running}, {status: 202, body: running}, {status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 3},
		{name: "job of the server's choice", answers: map[string][]reply{
			post:                        {{status: 202, body: jobAt(otherJob)}},
			"GET /api-jobs/" + otherJob: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1},
		{name: "location that is no job", answers: map[string][]reply{
			post: {{status: 202, body: `{"location":"http://evil.example/../x?y"}`}},
			poll: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 1},
		{name: "synchronous failure", answers: map[string][]reply{post: {{status: 503, body: failure("SYS.1007")}}},
			want: "api SYS.1007 expired=false", posts: 1},
		{name: "job failure", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 503, body: failure("SYS.1006", "HOST_ALLOCATION.1000")}},
		}, want: "api SYS.1006 expired=false", posts: 1, polls: 1},
		{name: "duplicate job", answers: map[string][]reply{
			post: {{status: 400, body: "Duplicate job uuid[" + testJob + "]"}},
			poll: {{status: 202, body: running}, {status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 2},
		{name: "refused text", answers: map[string][]reply{post: {{status: 400, body: "bad number"}}},
			want: "refused 400", posts: 1},
		{name: "no such path", answers: map[string][]reply{post: {{status: 404, body: "no api mapping"}}},
			want: "refused 404", posts: 1},
		{name: "redirect", answers: map[string][]reply{
			post: {{status: 307, header: http.Header{"Location": {"https://elsewhere.example/"}}}},
		}, want: "refused 307", posts: 1},
		{name: "throttled", answers: map[string][]reply{post: {{status: 429, body: "slow down"}}},
			want: "notSent", posts: 1},
		{name: "dial refused", answers: map[string][]reply{post: {{err: errRefused}}},
			want: "notSent", posts: 1},
		{name: "reset, accepted", answers: map[string][]reply{
			post: {{err: errReset}},
			poll: {{status: 202, body: running}, {status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 2},
		{name: "reset, ended at once", answers: map[string][]reply{
			post: {{err: errReset}},
			poll: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 1},
		{name: "reset, failed", answers: map[string][]reply{
			post: {{err: errReset}},
			poll: {{status: 503, body: failure("SYS.1006")}},
		}, want: "api SYS.1006 expired=false", posts: 1, polls: 1},
		{name: "reset, job unknown", answers: map[string][]reply{
			post: {{err: errReset}},
			poll: {{status: 404, body: "the job has been expired"}},
		}, want: "unknown jobUnknown=true", posts: 1, polls: 1},
		{name: "reset, then nobody there", answers: map[string][]reply{
			post: {{err: errReset}},
			poll: {{err: errRefused}},
		}, want: "unknown jobUnknown=false", posts: 1, polls: -1},
		{name: "reset, then a proxy's page, then the job", answers: map[string][]reply{
			post: {{err: errReset}},
			poll: {{status: 404, body: page}, {status: 502, body: page}, {err: errReset}, {status: 202, body: running}, {status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 5},
		{name: "bad gateway", answers: map[string][]reply{
			post: {{status: 502, body: page}},
			poll: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 1},
		{name: "503 of a proxy", answers: map[string][]reply{
			post: {{status: 503, body: page}},
			poll: {{status: 404, body: "the job has been expired"}},
		}, want: "unknown jobUnknown=true", posts: 1, polls: 1},
		{name: "500 text", answers: map[string][]reply{
			post: {{status: 500}},
			poll: {{status: 404, body: "the job has been expired"}},
		}, want: "unknown jobUnknown=true", posts: 1, polls: 1},
		{name: "a page with status 200", answers: map[string][]reply{
			post: {{status: 200, body: page}},
			poll: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 1},
		{name: "cut body", answers: map[string][]reply{
			post: {{status: 202, body: `{"location":"http`}},
			poll: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 1},
		{name: "poll turned away", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 403, body: "forbidden"}},
		}, want: "unknown jobUnknown=false", posts: 1, polls: 1},
		{name: "job lost while polled", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 202, body: running}, {status: 404, body: "the job has been expired"}},
		}, want: "unknown jobUnknown=true", posts: 1, polls: 2},
		{name: "polls that fail in between", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{err: errRefused}, {status: 502, body: page}, {status: 503, body: page}, {status: 200, body: "garbage"},
				{status: 500}, {status: 404, body: page}, {status: 429}, {status: 200, body: `{"status":"maintenance"}`}, {status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 9},
		{name: "a job without a result", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 200, body: "{}"}},
		}, want: "ok", wantBody: "{}", posts: 1, polls: 1},
		{name: "a server that starts answers polls", answers: map[string][]reply{
			post:    {{status: 202, body: jobAt(testJob)}},
			poll:    {{status: 503, body: failure("SYS.1010")}, {status: 503, body: failure("SYS.1012")}, {status: 503, body: failure("SYS.1010")}, {status: 200, body: finished}},
			version: {{status: 503, body: failure("SYS.1010")}, {status: 502, body: page}, {err: errRefused}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 4},
		{name: "a server that starts all the time", answers: map[string][]reply{
			post:    {{status: 202, body: jobAt(testJob)}},
			poll:    {{status: 503, body: failure("SYS.1010")}},
			version: {{status: 503, body: failure("SYS.1010")}},
		}, want: "unknown jobUnknown=false", posts: 1, polls: -1},
		{name: "a server that has just started", answers: map[string][]reply{
			post:    {{status: 202, body: jobAt(testJob)}},
			poll:    {{status: 503, body: failure("SYS.1010")}, {status: 200, body: finished}},
			version: {{status: 200, body: `{"version":"5.2.1"}`}},
		}, want: "ok", wantBody: finished, posts: 1, polls: 2},
		{name: "job that failed because a node left", answers: map[string][]reply{
			post:    {{status: 202, body: jobAt(testJob)}},
			poll:    {{status: 503, body: failure("SYS.1006", "SYS.1012")}},
			version: {{status: 200, body: `{"version":"5.2.1"}`}},
		}, want: "api SYS.1006 expired=false", posts: 1, polls: 2},
		{name: "job that never ends", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 202, body: running}},
		}, want: "unknown jobUnknown=false", posts: 1, polls: -1},
		{name: "session gone, synchronous", answers: map[string][]reply{
			post: {{status: 503, body: failure("ID.1001")}, {status: 202, body: jobAt(testJob)}},
			poll: {{status: 200, body: finished}},
		}, want: "ok", wantBody: finished, posts: 2, polls: 1},
		{name: "session gone, in the job", answers: map[string][]reply{
			post: {{status: 202, body: jobAt(testJob)}},
			poll: {{status: 503, body: failure("ID.1001")}},
		}, want: "api ID.1001 expired=true", posts: 1, polls: 1},
		{name: "sessions that always end", answers: map[string][]reply{
			post: {{status: 503, body: failure("ID.1001")}},
		}, want: "auth", posts: 4},
		{name: "wrong password", answers: map[string][]reply{
			"PUT /accounts/login": {{status: 503, body: failure("ID.1000")}},
		}, want: "auth"},
		{name: "locked account", answers: map[string][]reply{
			"PUT /accounts/login": {{status: 503, body: failure("SYS.1006", "LOGIN_CONTROL.1001")}},
		}, want: "auth"},
		{name: "nobody to log in to", answers: map[string][]reply{
			"PUT /accounts/login": {{err: errRefused}},
		}, want: "notSent"},
		{name: "login answers lost", answers: map[string][]reply{
			"PUT /accounts/login": {{err: errReset}},
		}, want: "notSent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: test.answers}
				c := newTestClient(t, server)
				sent := 0
				call := createCall()
				call.Sent = func() { sent++ }
				body, err := c.Do(t.Context(), call)
				if got := outcome(err); got != test.want {
					t.Errorf("outcome %q, want %q (%v)", got, test.want, err)
				}
				if err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("the error is not one line: %q", err)
				}
				if string(body) != test.wantBody {
					t.Errorf("body %s, want %s", body, test.wantBody)
				}
				posts, polls := 0, 0
				for _, line := range server.lines() {
					switch line {
					case post:
						posts++
					case poll:
						polls++
					}
				}
				if posts != test.posts || test.polls >= 0 && polls != test.polls || test.polls < 0 && polls == 0 {
					t.Errorf("%d posts and %d polls, want %d and %d", posts, polls, test.posts, test.polls)
				}
				if want := min(1, test.posts); sent != want {
					t.Errorf("Sent was called %d times, want %d", sent, want)
				}
			})
		})
	}
}

// A poll that could not be sent must not look as if the call had not been sent.
func TestUnknownHidesNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{post: {{err: errReset}}, poll: {{err: errRefused}}}}
		_, err := newTestClient(t, server).Do(t.Context(), createCall())
		var notSent *NotSentError
		if errors.As(err, &notSent) {
			t.Errorf("%v holds a *NotSentError", err)
		}
	})
}

func TestDoRequest(t *testing.T) {
	server := &script{answers: map[string][]reply{
		post: {{status: 202, body: jobAt(testJob)}},
		poll: {{status: 200, body: finished}},
	}}
	c := newTestClient(t, server)
	call := createCall()
	call.Timeout = 90*time.Minute + time.Millisecond
	call.Query = map[string][]string{"resourceUuids": {"a", "b"}}
	if _, err := c.Do(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	got := server.got[1] // between the login and the question for the job
	if diff := cmp.Diff(map[string][]string{"resourceUuids": {"a", "b"}}, got.Query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(`{"params":{"name":"web"}}`, got.Body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{
		"X-Job-UUID": testJob, "X-API-Timeout": "5401", "Authorization": "OAuth session1",
		"Content-Type": "application/json;charset=UTF-8",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s: %q, want %q", name, value, want)
		}
	}
}

func TestDoDoesNotSend(t *testing.T) {
	for name, change := range map[string]func(*Call){
		"no job":            func(c *Call) { c.JobUUID = "" },
		"job with dashes":   func(c *Call) { c.JobUUID = "01234567-89ab-cdef-0123-456789abcdef" },
		"upper-case job":    func(c *Call) { c.JobUUID = strings.ToUpper(testJob) },
		"empty segment":     func(c *Call) { c.Path = "/vm-instances//actions" },
		"trailing slash":    func(c *Call) { c.Path = "/vm-instances/" },
		"no leading slash":  func(c *Call) { c.Path = "vm-instances" },
		"parent":            func(c *Call) { c.Path = "/vm-instances/../accounts" },
		"query in the path": func(c *Call) { c.Path = "/vm-instances?x=y" },
		"HEAD":              func(c *Call) { c.Method = http.MethodHead },
		"body":              func(c *Call) { c.Body = make(chan int) },
	} {
		server := &script{}
		call := createCall()
		change(&call)
		_, err := newTestClient(t, server).Do(t.Context(), call)
		if got := outcome(err); got != "notSent" || len(server.got) != 0 {
			t.Errorf("%s: %s after %d requests, want notSent after none", name, got, len(server.got))
		}
	}
}
