package zstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apiCall is a row of testdata/api_calls.txt.
type apiCall struct {
	effect, verdict, method, path, action string
}

func (c apiCall) String() string { return strings.TrimSpace(c.method + " " + c.path + " " + c.action) }

// body is what a PUT or POST is sent with.
func (c apiCall) body() []byte {
	if c.action == "" {
		return nil
	}
	return fmt.Appendf(nil, `{%q:{}}`, c.action)
}

func readAPICalls(t testing.TB) []apiCall {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "api_calls.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var calls []apiCall
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case len(fields) == 4:
			calls = append(calls, apiCall{fields[0], fields[1], fields[2], fields[3], ""})
		case len(fields) == 5:
			calls = append(calls, apiCall{fields[0], fields[1], fields[2], fields[3], fields[4]})
		default:
			t.Fatalf("not a row: %q", line)
		}
	}
	if len(calls) < 150 {
		t.Fatalf("only %d calls", len(calls))
	}
	return calls
}

// recorder is a server that says yes to everything and remembers what arrived.
type recorder struct {
	got []string
}

func (s *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.got = append(s.got, r.Method+" "+strings.TrimPrefix(r.RequestURI, "/zstack/v1"))
	if bytes.Contains(body, []byte("logInByAccount")) {
		_, _ = io.WriteString(w, `{"inventory":{"uuid":"`+ownSession+`","accountUuid":"`+testAccount+`"}}`)
		return
	}
	_, _ = io.WriteString(w, `{"inventories":[],"version":"5.2.1"}`)
}

const (
	ownSession   = "5e55105e55104e55805e55105e551000"
	otherSession = "07e2075e55104e55805e55105e551000"
)

// newReadOnly returns a read-only client that is logged in at a recording server.
func newReadOnly(t testing.TB) (*Client, *recorder) {
	t.Helper()
	record := &recorder{}
	server := httptest.NewServer(record)
	t.Cleanup(server.Close)
	c, err := New(Config{Endpoint: server.URL, AccountName: "admin", AccountPassword: "password", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.pool.CloseIdleConnections)
	if _, err := c.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	record.got = nil
	return c, record
}

// rawRequest sends a request through the client's transport, below everything
// else in the client that could refuse it.
func rawRequest(t testing.TB, c *Client, method, path string, body []byte) error {
	t.Helper()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.base.String()+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	return send(c, req)
}

func send(c *Client, req *http.Request) error {
	resp, err := c.transport.RoundTrip(req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

var concrete = strings.NewReplacer("{uuid}", testAccount, "{ip}", "10.0.0.7", "{session}", ownSession)

// TestReadOnlyTable sends every call of the API, with every method, through a
// read-only client and wants those to arrive that the table says, and no other.
func TestReadOnlyTable(t *testing.T) {
	calls := readAPICalls(t)
	c, record := newReadOnly(t)
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "Put"}
	for _, call := range calls {
		path := concrete.Replace(call.path)
		for _, method := range methods {
			body := call.body()
			want := slices.ContainsFunc(calls, func(row apiCall) bool {
				return row.verdict == "sent" && row.method == method && row.path == call.path && row.action == call.action
			})
			record.got = nil
			err := rawRequest(t, c, method, path, body)
			checkSent(t, fmt.Sprintf("%s as %s", call, method), want, err, record)
		}
	}
}

func checkSent(t *testing.T, name string, want bool, err error, record *recorder) {
	t.Helper()
	switch {
	case want && (err != nil || len(record.got) != 1):
		t.Errorf("%s: not sent: %v", name, err)
	case !want && (!errors.Is(err, errReadOnly) || len(record.got) != 0):
		t.Errorf("%s: want it refused, got %v and sent %q", name, err, record.got)
	}
}

// TestReadOnlyDo sends the calls as the rest of zfleet would. Also a login that
// a refused call would have needed must not be sent.
func TestReadOnlyDo(t *testing.T) {
	for _, call := range readAPICalls(t) {
		c, record := newReadOnly(t)
		c.cred = newPasswordSession(c, "admin", "password")
		var body any
		if call.action != "" {
			body = json.RawMessage(call.body())
		}
		told := false
		_, err := c.Do(t.Context(), Call{
			Operation: "X", Method: call.method, Path: concrete.Replace(call.path), Body: body, JobUUID: testJob,
			Sent: func() { told = true },
		})
		if call.verdict == "sent" && call.method == http.MethodGet {
			if err != nil || len(record.got) != 2 { // with the login
				t.Errorf("%s: %v after %q", call, err, record.got)
			}
			continue
		}
		if outcome(err) != "notSent" || len(record.got) != 0 || told {
			t.Errorf("%s: %v after %q, told that it leaves: %v", call, err, record.got, told)
		}
	}
}

func TestReadOnlyTricks(t *testing.T) {
	const uuid, vm = testAccount, "/vm-instances/" + testAccount
	login := []byte(`{"logInByAccount":{"accountName":"a","password":"b"}}`)
	version := []byte(`{"getVersion":{}}`)
	for _, test := range []struct {
		method, path string
		body         []byte
		want         bool
	}{
		{"GET", vm, nil, true},
		{"GET", "/vm-instances?q=name%3Dx&q=uuid%3E1&limit=10&sort=%2Buuid", nil, true},
		{"GET", "/ip-capacity?l3NetworkUuids=" + uuid + "&l3NetworkUuids=" + uuid, nil, true},
		{"GET", "/l3-networks/" + uuid + "/ip/fd00::7/availability", nil, true},
		{"PUT", "/accounts/login", login, true},
		{"PUT", "/management-nodes/actions", version, true},
		{"DELETE", "/accounts/sessions/" + ownSession, nil, true},
		// Written in another way.
		{"GET", vm + "/", nil, false},
		{"GET", "/" + vm, nil, false},
		{"GET", "/vm-instances//" + uuid, nil, false},
		{"GET", "/vm-instances/../vm-instances", nil, false},
		{"GET", "/./vm-instances", nil, false},
		{"GET", "/vm%2Dinstances", nil, false},
		{"GET", "/vm-instances%2F" + uuid, nil, false},
		{"GET", "/zones/..%2Ftags/" + uuid, nil, false},
		{"GET", "/vm-instances;x=1", nil, false},
		{"GET", "/vm-instances%00", nil, false},
		{"GET", "/VM-instances", nil, false},
		{"GET", "/vm-instances/" + strings.ToUpper(uuid), nil, false},
		{"GET", vm[:len(vm)-1], nil, false},
		{"GET", vm + "0", nil, false},
		{"GET", "/vm-instances/{uuid}", nil, false},
		{"GET", "/l3-networks/" + uuid + "/ip/fe80::7%25eth0/availability", nil, false},
		{"GET", "/l3-networks/" + uuid + "/ip/free/availability", nil, false},
		{"GET", "", nil, false},
		{"GET", "/", nil, false},
		{"", "/vm-instances/from/volume", nil, false},
		// A parameter that no call has.
		{"GET", "/vm-instances?deleteMode=Enforcing", nil, false},
		{"GET", "/vm-instances?filterName=x", nil, false},
		{"GET", "/vm-instances?limit=1;q=x", nil, false},
		{"GET", vm + "?q=x", nil, false},
		{"PUT", "/management-nodes/actions?q=x", version, false},
		// A body that says more, or less.
		{"GET", "/vm-instances", []byte(`{"params":{}}`), false},
		{"PUT", "/management-nodes/actions", nil, false},
		{"PUT", "/management-nodes/actions", []byte(`{}`), false},
		{"PUT", "/management-nodes/actions", []byte(`{"getVersion":null}`), false},
		{"PUT", "/management-nodes/actions", []byte(`{"GetVersion":{}}`), false},
		{"PUT", "/management-nodes/actions", []byte(`{"getVersion":{}}{"x":{}}`), false},
		{"PUT", "/management-nodes/actions", []byte(`{"getVersion":{},"reconnect":{}}`), false},
		{"PUT", "/management-nodes/actions", []byte(`{"getVersion":{},"systemTags":[]}`), false},
		{"PUT", "/management-nodes/actions", append(bytes.Repeat([]byte(" "), 1<<16), version...), false},
		{"PUT", "/accounts/login", version, false},
		{"DELETE", "/accounts/sessions/" + ownSession, []byte(`{}`), false},
		// Another's session.
		{"DELETE", "/accounts/sessions/" + otherSession, nil, false},
		{"DELETE", "/accounts/sessions/" + strings.ToUpper(ownSession), nil, false},
		{"DELETE", "/accounts/sessions/", nil, false},
		{"GET", "/accounts/sessions/" + ownSession, nil, false},
	} {
		c, record := newReadOnly(t)
		err := rawRequest(t, c, test.method, test.path, test.body)
		checkSent(t, fmt.Sprintf("%s %s %.60s", test.method, test.path, test.body), test.want, err, record)
	}
}

// TestReadOnlyElsewhere changes what stands around the path.
func TestReadOnlyElsewhere(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"nothing":          func(*http.Request) {},
		"host":             func(r *http.Request) { r.URL.Host = "other.test:8080" },
		"host header":      func(r *http.Request) { r.Host = "other.test" },
		"scheme":           func(r *http.Request) { r.URL.Scheme = "https" },
		"user":             func(r *http.Request) { r.URL.User = url.User("x") },
		"opaque":           func(r *http.Request) { r.URL.Opaque = "//other.test/zstack/v1/zones" },
		"legacy API":       func(r *http.Request) { r.URL.Path = "/zstack/api" },
		"no base":          func(r *http.Request) { r.URL.Path = "/zones" },
		"base only":        func(r *http.Request) { r.URL.Path = "/zstack/v1" },
		"longer base":      func(r *http.Request) { r.URL.Path = "/zstack/v10/zones" },
		"another base":     func(r *http.Request) { r.URL.Path = "/x/zstack/v1/zones" },
		"raw path":         func(r *http.Request) { r.URL.RawPath = "/zstack/v1/%7aones" },
		"web hook":         func(r *http.Request) { r.Header.Set("X-Web-Hook", "http://other.test") },
		"method override":  func(r *http.Request) { r.Header.Set("X-HTTP-Method-Override", "DELETE") },
		"odd header":       func(r *http.Request) { r.Header["authorization"] = []string{"OAuth x"} },
		"trailer":          func(r *http.Request) { r.Trailer = http.Header{"X-Y": nil} },
		"transfer coding":  func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"body of no count": func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{}")) },
		"unreadable body":  func(r *http.Request) { r.Body = io.NopCloser(failingReader{}) },
	} {
		c, record := newReadOnly(t)
		req, err := http.NewRequestWithContext(t.Context(), "GET", c.base.String()+"/zones", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "OAuth "+ownSession)
		change(req)
		checkSent(t, name, name == "nothing", send(c, req), record)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("broken") }

// TestReadOnlySendsWhatItChecked changes a body after the look at it.
func TestReadOnlySendsWhatItChecked(t *testing.T) {
	c, record := newReadOnly(t)
	req, err := http.NewRequestWithContext(t.Context(), "PUT", c.base.String()+"/management-nodes/actions",
		strings.NewReader(`{"getVersion":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(`{"reconnect":{}}`)), nil
	}
	req.ContentLength = 3
	next := c.guard.next
	c.guard.next = roundTrip(func(r *http.Request) (*http.Response, error) {
		again, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(again)
		if string(body) != `{"getVersion":{}}` || r.ContentLength != int64(len(body)) {
			t.Errorf("sends again %q of %d bytes", body, r.ContentLength)
		}
		return next.RoundTrip(r)
	})
	if err := send(c, req); err != nil || len(record.got) != 1 {
		t.Errorf("%v after %q", err, record.got)
	}
}

// TestReadOnlySession logs in and out, and goes nowhere with a session that
// looks like a path.
func TestReadOnlySession(t *testing.T) {
	c, record := newReadOnly(t)
	if err := c.Close(t.Context()); err != nil || !slices.Equal(record.got, []string{"DELETE /accounts/sessions/" + ownSession}) {
		t.Errorf("Close: %v after %q", err, record.got)
	}
	record.got = nil
	if err := c.Close(t.Context()); err != nil || len(record.got) != 0 {
		t.Errorf("second Close: %v after %q", err, record.got)
	}
	for _, id := range []string{"", "..", "../vm-instances/" + testAccount, "a/b", "a?b", "a%2Fb"} {
		for _, readOnly := range []bool{true, false} {
			server := &script{answers: map[string][]reply{
				"PUT /accounts/login": {{status: 200, body: `{"inventory":{"uuid":"` + id + `"}}`}},
			}}
			c := newTestClient(t, server, func(cfg *Config) { cfg.ReadOnly = readOnly })
			if _, err := List[Zone](t.Context(), c, "/zones"); outcome(err) != "notSent" {
				t.Errorf("session %q: %v", id, err)
			}
			if err := c.Close(t.Context()); err != nil || len(server.lines()) != 0 {
				t.Errorf("session %q: Close: %v after %q", id, err, server.lines())
			}
		}
	}
}
