package zstack

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLoginRequest(t *testing.T) {
	server := &script{answers: map[string][]reply{"GET /zones": {{status: 200, body: `{"inventories":[]}`}}}}
	c := newTestClient(t, server)
	if len(server.got) != 0 {
		t.Fatal("New sent something")
	}
	if _, err := List[Zone](t.Context(), c, "/zones"); err != nil {
		t.Fatal(err)
	}
	login := server.got[0]
	// SHA-512 of "password".
	const want = `{"logInByAccount":{"accountName":"admin","password":"b109f3bbbc244eb82441917ed06d618b9008dd09b3befd1b5e07394c706a8bb980b1d7785e5976ec049b46df5f1326af5a2ea6d103fd07c95385ffab0cacbc86"}}`
	if login.line() != "PUT /accounts/login" || login.Body != want || login.Header.Get("Authorization") != "" {
		t.Errorf("login: %s %s", login.line(), login.Body)
	}
	if account, err := c.Account(t.Context()); err != nil || account != testAccount || server.logins != 1 {
		t.Errorf("Account = %q, %v after %d logins", account, err, server.logins)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := server.last().line(); got != "DELETE /accounts/sessions/session1" {
		t.Errorf("Close sent %s", got)
	}
	before := len(server.got)
	if err := c.Close(t.Context()); err != nil || len(server.got) != before {
		t.Errorf("a second Close sent something, or failed: %v", err)
	}
}

func TestOneRenewalForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const callers = 20
		// The server knows only the second session; it answers late, so that
		// all callers have asked with the first.
		var mu sync.Mutex
		logins := 0
		server := roundTrip(func(req *http.Request) (*http.Response, error) {
			script := &script{answers: map[string][]reply{"GET /zones": {{status: 200, body: `{"inventories":[{"uuid":"z"}]}`}}}}
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			if strings.HasSuffix(req.URL.Path, "/accounts/login") {
				script.logins = logins
				logins++
			} else if req.Header.Get("Authorization") != "OAuth session2" {
				script.answers["GET /zones"] = []reply{{status: 503, body: failure("ID.1001")}}
			}
			return script.RoundTrip(req)
		})
		c := newTestClient(t, server)
		if _, err := c.Account(t.Context()); err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				if zones, err := List[Zone](t.Context(), c, "/zones"); err != nil || len(zones) != 1 {
					t.Errorf("zones %v, %v", zones, err)
				}
			})
		}
		group.Wait()
		if logins != 2 {
			t.Errorf("%d logins, want 2: the first and one renewal", logins)
		}
	})
}

func TestOneLoginForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{"GET /zones": {{status: 200, body: `{"inventories":[]}`}}}}
		c := newTestClient(t, server)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := List[Zone](t.Context(), c, "/zones"); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if server.logins != 1 {
			t.Errorf("%d logins, want 1", server.logins)
		}
	})
}

// The login goes on for the others when the caller that began it leaves.
func TestLoginOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &script{}
		c := newTestClient(t, roundTrip(func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return inner.RoundTrip(req)
		}))
		first, cancel := context.WithCancel(t.Context())
		go func() {
			if _, err := c.Account(first); outcome(err) != "notSent" {
				t.Errorf("the caller that left: %v", err)
			}
		}()
		synctest.Wait()
		second := make(chan error)
		go func() { _, err := c.Account(t.Context()); second <- err }()
		synctest.Wait()
		cancel()
		if err := <-second; err != nil || inner.logins != 1 {
			t.Errorf("the caller that stayed: %v after %d logins", err, inner.logins)
		}
	})
}

func TestRenewalsRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expired := true
		server := &script{}
		server.handle = func(e exchanged) *reply {
			switch {
			case e.Path != "/zones":
				return nil
			case expired:
				return &reply{status: 503, body: failure("ID.1001")}
			}
			return &reply{status: 200, body: `{"inventories":[]}`}
		}
		c := newTestClient(t, server)
		if _, err := List[Zone](t.Context(), c, "/zones"); outcome(err) != "auth" || server.logins != 4 {
			t.Errorf("%v after %d logins, want auth after 4", err, server.logins)
		}
		// The session in hand may be good again; and later, renewals are back.
		time.Sleep(renewalWindow)
		if _, err := List[Zone](t.Context(), c, "/zones"); outcome(err) != "auth" || server.logins != 7 {
			t.Errorf("%v after %d logins, want auth after 7", err, server.logins)
		}
		expired = false
		if _, err := List[Zone](t.Context(), c, "/zones"); err != nil {
			t.Error(err)
		}
	})
}

// A password that was changed in the middle is tried once: more tries tell
// nothing new and can lock the account.
func TestRefusedLoginIsFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := false
		server := &script{}
		server.handle = func(e exchanged) *reply {
			switch {
			case e.line() == "PUT /accounts/login" && changed:
				return &reply{status: 503, body: failure("ID.1000")}
			case e.Path == "/zones" && changed:
				return &reply{status: 503, body: failure("ID.1001")}
			case e.Path == "/zones":
				return &reply{status: 200, body: `{"inventories":[]}`}
			}
			return nil
		}
		c := newTestClient(t, server)
		if _, err := List[Zone](t.Context(), c, "/zones"); err != nil {
			t.Fatal(err)
		}
		changed = true
		for range 5 {
			_, err := List[Zone](t.Context(), c, "/zones")
			var auth *AuthError
			if !errors.As(err, &auth) || auth.Reason != "wrong account name or password" {
				t.Errorf("got %v", err)
			}
		}
		logins := 0
		for _, e := range server.got {
			if e.Path == "/accounts/login" {
				logins++
			}
		}
		if logins != 2 {
			t.Errorf("%d logins, want 2: the first and the refused one", logins)
		}
	})
}

// After a job that failed for its session, the next call has a new session.
func TestJobRenewsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{
			post:                        {{status: 202, body: jobAt(testJob)}, {status: 202, body: jobAt(otherJob)}},
			poll:                        {{status: 503, body: failure("ID.1001")}},
			"GET /api-jobs/" + otherJob: {{status: 200, body: finished}},
		}}
		c := newTestClient(t, server)
		if _, err := c.Do(t.Context(), createCall()); !IsSessionExpired(err) {
			t.Fatal(err)
		}
		call := createCall()
		call.JobUUID = otherJob
		if _, err := c.Do(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		last := server.got[len(server.got)-2] // before the question for its job
		if last.Header.Get("Authorization") != "OAuth session2" || last.Header.Get("X-Job-UUID") != otherJob || server.logins != 2 {
			t.Errorf("the call was sent again with %v", last.Header)
		}
	})
}

func TestReadOnly(t *testing.T) {
	server := &script{}
	server.handle = func(e exchanged) *reply {
		if e.Method == http.MethodGet && !strings.Contains(e.Path, "timezone") {
			return &reply{status: 200, body: `{"inventories":[]}`}
		}
		if e.Path == "/management-nodes/actions" {
			return &reply{status: 200, body: `{"version":"5.2.1"}`}
		}
		return nil
	}
	c := newTestClient(t, server, func(cfg *Config) { cfg.ReadOnly = true })
	const uuid = testAccount
	for _, refused := range []struct{ method, path string }{
		{"POST", "/vm-instances"},
		{"PUT", "/vm-instances/" + uuid + "/actions"},
		{"DELETE", "/vm-instances/" + uuid},
		{"GET", "/primary-storage/" + uuid},
		{"GET", "/tags/" + uuid},
		{"GET", "/accounts/sessions/" + uuid},
		{"DELETE", "/accounts/sessions/" + uuid},
		{"PUT", "/accounts/login"},
		{"PUT", "/management-nodes/actions"},
		{"GET", "/volumes/" + uuid + "/vm-instances"},
		{"GET", "/vm-instances/from/volume"},
		{"GET", "/vm-instances/" + strings.ToUpper(uuid)},
		{"GET", "/vm-instances/" + uuid + "/console-password"},
		{"GET", "/unknown"},
	} {
		_, err := c.Do(t.Context(), Call{Operation: "X", Method: refused.method, Path: refused.path, JobUUID: testJob})
		if outcome(err) != "notSent" || len(server.got) != 0 {
			t.Errorf("%s %s: %v after %d requests", refused.method, refused.path, err, len(server.got))
		}
	}
	if _, err := List[Zone](t.Context(), c, "/zones"); err != nil {
		t.Error(err)
	}
	if _, _, err := Get[VM](t.Context(), c, "/vm-instances", uuid); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(t.Context(), Call{Operation: "X", Method: "GET", Path: "/images"}); err != nil {
		t.Error(err)
	}
	if version, err := c.Version(t.Context()); err != nil || version != "5.2.1" {
		t.Errorf("Version = %q, %v", version, err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	want := []string{"GET /zones", "GET /vm-instances/" + uuid, "GET /images", "PUT /management-nodes/actions", "DELETE /accounts/sessions/session1"}
	if got := server.lines(); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{answers: map[string][]reply{
			"GET /zones": {{status: 200, body: `{"inventories":[]}`}},
			post:         {{status: 202, body: jobAt(testJob)}},
			poll:         {{status: 200, body: finished}},
		}}
		c := newTestClient(t, server, func(cfg *Config) { cfg.RequestsPerSecond = 0.1 })
		start := time.Now()
		if _, err := List[Zone](t.Context(), c, "/zones"); err != nil { // login and query
			t.Fatal(err)
		}
		if _, err := c.Do(t.Context(), createCall()); err != nil { // call and poll
			t.Fatal(err)
		}
		if took := time.Since(start).Round(time.Second); took != 30*time.Second {
			t.Errorf("four requests at one in ten seconds took %s, want 30s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Do(ctx, createCall()); outcome(err) != "notSent" || len(server.got) != 4 {
			t.Errorf("%v after %d requests", err, len(server.got))
		}
	})
}

func TestLogHoldsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := &script{answers: map[string][]reply{
		post: {{status: 202, body: jobAt(testJob)}},
		poll: {{status: 200, body: `{"inventory":{"name":"in-the-answer"}}`}},
	}}
	c := newTestClient(t, server, func(cfg *Config) { cfg.AccountPassword, cfg.Log = "hunter2", logger })
	call := createCall()
	call.Body = map[string]string{"userdata": "in-the-body"}
	if _, err := c.Do(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "session1", "in-the-body", "in-the-answer", "6b97ed68d14eb3f1aa959ce5d49c7dc612e1eb1dafd73b1e705847483fd6a6c8"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s:\n%s", secret, log.String())
		}
	}
	for _, wanted := range []string{"CreateVmInstance", "/vm-instances", testJob, "/accounts/sessions/…"} {
		if !strings.Contains(log.String(), wanted) {
			t.Errorf("the log lacks %s:\n%s", wanted, log.String())
		}
	}
}
