package zstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// serverRuns returns the calls that the server may run for a request that
// arrived: it decodes the path once, collapses slashes, prefers a path without
// placeholders, and where a path belongs to one call runs that, whatever the
// method is.
func serverRuns(calls []apiCall, method, requestURI string, body []byte) []apiCall {
	path, _, _ := strings.Cut(requestURI, "?")
	path, err := url.PathUnescape(strings.TrimPrefix(path, "/zstack/v1"))
	if err != nil {
		return nil
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	groups := make(map[string][]apiCall)
	for _, call := range calls {
		if call.effect == "session" && call.path == "/accounts/sessions/{session}" {
			continue // the same call as that of any session
		}
		if antMatch(call.path, path) {
			groups[call.path] = append(groups[call.path], call)
		}
	}
	if exact, ok := groups[path]; ok {
		groups = map[string][]apiCall{path: exact}
	}
	var actions map[string]any
	_ = json.Unmarshal(body, &actions)
	var runs []apiCall
	for _, group := range groups {
		for _, call := range group {
			_, named := actions[call.action]
			if len(group) == 1 || method == call.method && (method != http.MethodPut || named) {
				runs = append(runs, call)
			}
		}
	}
	return runs
}

func antMatch(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(want, segment string) bool {
		return strings.HasPrefix(want, "{") && segment != "" || strings.EqualFold(want, segment)
	})
}

// FuzzReadOnly mutates requests: what the transport lets through must never be
// a call of the server that changes something, but for the end of the client's
// own session.
func FuzzReadOnly(f *testing.F) {
	calls := readAPICalls(f)
	for _, call := range calls {
		f.Add(call.method, concrete.Replace(call.path), "", call.body())
		f.Add("GET", concrete.Replace(call.path)+"/", "", []byte(nil))
		f.Add("GET", "/zones/..%2f"+concrete.Replace(call.path), "limit=1", call.body())
	}
	f.Add("PUT", "/management-nodes/actions", "", []byte(`{"getVersion":{},"getCurrentTime":{}}`))
	f.Add("GET", "//vm-instances/%2e%2e/tags/"+testAccount, "q=a%3Db&sort=%2Buuid", []byte(nil))
	c, _ := newReadOnly(f)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		u, err := url.Parse(c.base.String() + path)
		if err != nil {
			return // no client can ask for it
		}
		u.RawQuery = query
		req := &http.Request{Method: method, URL: u, Header: http.Header{}}
		if len(body) > 0 {
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		c.guard.next = roundTrip(func(r *http.Request) (*http.Response, error) {
			sent, _ := io.ReadAll(r.Body)
			for _, call := range serverRuns(calls, r.Method, r.URL.RequestURI(), sent) {
				logout := r.Method == "DELETE" && strings.HasSuffix(path, ownSession)
				if call.effect == "changes" && !logout {
					t.Errorf("%s %s %q would run %s", method, path, body, call)
				}
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})
		if err := send(c, req); err != nil && !errors.Is(err, errReadOnly) {
			t.Errorf("%s %s: %v", method, path, err)
		}
	})
}
