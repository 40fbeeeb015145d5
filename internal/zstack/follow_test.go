package zstack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestFollowDeadline(t *testing.T) {
	for _, test := range []struct {
		name    string
		timeout time.Duration
		accept  string
		want    time.Duration
	}{
		{"of the call", 10 * time.Minute, jobAt(testJob), 15 * time.Minute},
		{"of the server", 0, jobAt(testJob), 35 * time.Minute},
		{"of nobody", 0, "{}", 12*time.Hour + 5*time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: map[string][]reply{post: {{status: 202, body: test.accept}}, poll: {{status: 202, body: running}}}}
				server.handle = func(exchanged) *reply { server.got = nil; return nil }
				call := createCall()
				call.Timeout = test.timeout
				start := time.Now()
				_, err := newTestClient(t, server).Do(t.Context(), call)
				if took := time.Since(start); outcome(err) != "unknown jobUnknown=false" || took < test.want || took > test.want+5*time.Second {
					t.Errorf("after %s: %v; want it unknown after %s", took, err, test.want)
				}
			})
		})
	}
}

func TestAcceptAbsurdTimeout(t *testing.T) {
	job := followed{uuid: testJob}
	job.accept(&answer{status: 202, body: []byte(`{"apiTimeout":9223372036854775807}`)}, 0)
	if want := 30*24*time.Hour + 5*time.Minute; job.limit != want || job.uuid != testJob {
		t.Errorf("limit %s of job %s, want %s", job.limit, job.uuid, want)
	}
}

func TestCancelWhileFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{post: {{status: 202, body: jobAt(testJob)}}, poll: {{status: 202, body: running}}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := newTestClient(t, server).Do(ctx, createCall())
		if outcome(err) != "unknown jobUnknown=false" || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

// cutPolls answers as its script does, but not to polls after half a minute.
type cutPolls struct {
	*script
	start time.Time
}

func (c *cutPolls) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet && time.Since(c.start) > 30*time.Second {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return c.script.RoundTrip(r)
}

// A poll that the caller's own end cuts off is no word of the server.
func TestCancelWithinAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{post: {{status: 202, body: jobAt(testJob)}}, poll: {{status: 202, body: running}}}}
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		_, err := newTestClient(t, &cutPolls{server, time.Now()}).Do(ctx, createCall())
		var unknown *UnknownError
		if !errors.As(err, &unknown) || unknown.Last != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, last %v", err, unknown.Last)
		}
	})
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{poll: {{status: 202, body: running}, {status: 503, body: failure("ID.1001")}}}}
		c := newTestClient(t, server)
		_, err := c.Follow(t.Context(), testJob, "CreateVmInstance", time.Hour)
		if !IsSessionExpired(err) || server.logins != 0 {
			t.Errorf("%v after %d logins, want an expired session after none: following needs no account", err, server.logins)
		}
		var api *APIError
		if !errors.As(err, &api) || api.JobUUID != testJob || api.Operation != "CreateVmInstance" {
			t.Errorf("error %#v", err)
		}
		for _, e := range server.got {
			if e.Header.Get("Authorization") != "" {
				t.Error("a poll carries credentials")
			}
		}
		if _, err := c.Follow(t.Context(), "x/../y", "X", time.Hour); outcome(err) != "notSent" {
			t.Errorf("bad job UUID: %v", err)
		}
	})
}

// A server that is slow to answer costs the request's own time limit, and must
// not look as if the caller's context had ended.
func TestRequestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		c := newTestClient(t, hang, func(cfg *Config) { cfg.RequestTimeout = 7 * time.Second })
		start := time.Now()
		_, err := c.exchange(t.Context(), &request{operation: "X", method: "POST", path: "/x"}, nil)
		var lost *lostError
		if !errors.As(err, &lost) || errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 7*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestDoResultIsJSON(t *testing.T) {
	server := &script{answers: map[string][]reply{
		post: {{status: 202, body: jobAt(testJob)}},
		poll: {{status: 200, body: ` {"inventory":{"size":9223372036854775807}}`}},
	}}
	body, err := newTestClient(t, server).Do(t.Context(), createCall())
	if err != nil {
		t.Fatal(err)
	}
	var result struct{ Inventory Volume }
	if err := json.Unmarshal(body, &result); err != nil || result.Inventory.Size != 1<<63-1 {
		t.Errorf("size %d, %v", result.Inventory.Size, err)
	}
}
