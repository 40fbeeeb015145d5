package zstack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// collectionKind says how a collection can be asked.
type collectionKind int

const (
	byUUID   collectionKind = iota // a row has a path of its own
	listOnly                       // rows are found by condition only
	keyless                        // the rows have no UUID
)

// collections is the closed table of what is queried. A path that serves only
// one call runs that call whatever the method: a GET of a tag's or a primary
// storage's own path would delete it. So nothing that is not in here is asked.
var collections = map[string]collectionKind{
	"/accesskeys":             listOnly,
	"/accounts":               byUUID,
	"/accounts/quotas":        listOnly,
	"/backup-storage":         byUUID,
	"/clusters":               byUUID,
	"/disk-offerings":         byUUID,
	"/global-configurations":  keyless,
	"/hosts":                  byUUID,
	"/images":                 byUUID,
	"/instance-offerings":     byUUID,
	"/l2-networks":            byUUID,
	"/l3-networks":            byUUID,
	"/l3-networks/ip-address": byUUID,
	"/l3-networks/ip-ranges":  byUUID,
	"/primary-storage":        listOnly,
	"/ssh-key-pair":           byUUID,
	"/system-tags":            byUUID,
	"/tags":                   listOnly,
	"/user-tags":              byUUID,
	"/vm-instances":           byUUID,
	"/vm-instances/nics":      byUUID,
	"/volume-snapshots":       byUUID,
	"/volume-snapshots/group": byUUID,
	"/volumes":                byUUID,
	"/zones":                  byUUID,
}

// harmlessCall is a request, other than a query of a collection, that changes
// nothing but the client's own session.
type harmlessCall struct {
	method string
	path   string   // {uuid}, {ip} and {session}, which is the client's own, stand for a segment
	action string   // the only key of the body; empty: it has no body
	query  []string // the parameters that it may have
}

// harmlessCalls is, with collections, the closed table of what a read-only
// client sends.
var harmlessCalls = []harmlessCall{
	{method: "PUT", path: "/accounts/login", action: "logInByAccount"},
	{method: "DELETE", path: "/accounts/sessions/{session}"},
	{method: "PUT", path: "/management-nodes/actions", action: "getVersion"},
	{method: "PUT", path: "/management-nodes/actions", action: "getCurrentTime"},
	{method: "GET", path: "/management-nodes/platform-timezone"},

	{method: "GET", path: "/accounts/quota/{uuid}/usages"},
	{method: "GET", path: "/hosts/capacities/cpu-memory", query: []string{"all", "clusterUuids", "hostUuids", "zoneUuids"}},
	{method: "GET", path: "/ip-capacity", query: []string{"all", "ipRangeUuids", "l3NetworkUuids", "zoneUuids"}},
	{method: "GET", path: "/l3-networks/{uuid}/ip/{ip}/availability"},
	{method: "GET", path: "/primary-storage/capacities", query: []string{"all", "clusterUuids", "primaryStorageUuids", "zoneUuids"}},
	{method: "GET", path: "/vm-instances/candidate-destinations", query: []string{
		"clusterUuid", "cpuNum", "dataDiskOfferingUuids", "defaultL3NetworkUuid", "imageUuid", "instanceOfferingUuid",
		"l3NetworkUuids", "memorySize", "rootDiskOfferingUuid", "rootDiskSize", "zoneUuid",
	}},
}

// queryParameters are those of a query of a collection.
var queryParameters = []string{"count", "fields", "limit", "q", "replyWithCount", "sort", "start"}

// harmlessHeaders are those that a read-only client may send. Others could call
// back (X-Web-Hook) or be taken for another method by something in between.
var harmlessHeaders = []string{"Accept", "Authorization", "Content-Type", "Date", "User-Agent"}

// readOnlyTransport is the last thing before the wire of a read-only client. It
// sends what is in the closed table and refuses all else with errReadOnly,
// whoever asks for it.
type readOnlyTransport struct {
	next http.RoundTripper
	base *url.URL                  // up to and including /v1
	owns func(session string) bool // is that a session of this client?
}

// errReadOnly is what a request that a read-only client does not send fails with.
var errReadOnly = errors.New("the client is read-only and this request may change something")

// RoundTrip sends a request of the closed table.
func (t *readOnlyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readAll(req.Body)
	if err == nil {
		err = t.check(req, body)
	}
	if err != nil {
		return nil, err
	}
	// What was looked at is what is sent, also when the request is sent again.
	checked := req.Clone(req.Context())
	checked.Body, checked.GetBody, checked.ContentLength = http.NoBody, nil, 0
	if body != nil {
		checked.ContentLength = int64(len(body))
		checked.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		checked.Body = io.NopCloser(bytes.NewReader(body))
	}
	return t.next.RoundTrip(checked)
}

// readAll reads and closes a body. One that is too long for any harmless call
// comes back cut off, which no check lets through.
func readAll(body io.ReadCloser) ([]byte, error) {
	if body == nil || body == http.NoBody {
		return nil, nil
	}
	defer body.Close()
	const longest = 1 << 16
	data, err := io.ReadAll(io.LimitReader(body, longest))
	if err != nil {
		return nil, fmt.Errorf("%w: its body cannot be read: %w", errReadOnly, err)
	}
	return data, nil
}

// check returns nil for a request of the closed table.
func (t *readOnlyTransport) check(req *http.Request, body []byte) error {
	// The path counts as it goes over the wire: one that is written in another
	// way than the table's, such as with %2F, is not in the table.
	path, below := strings.CutPrefix(req.URL.EscapedPath(), t.base.EscapedPath())
	query, err := url.ParseQuery(req.URL.RawQuery)
	call, known := t.find(req.Method, path, body)
	switch {
	case !below, req.URL.Scheme != t.base.Scheme, req.URL.Host != t.base.Host, req.Host != "" && req.Host != t.base.Host,
		req.URL.Opaque != "", req.URL.User != nil:
		return fmt.Errorf("%w: it goes elsewhere than to %s", errReadOnly, t.base)
	case !known:
		return errReadOnly
	case err != nil:
		return fmt.Errorf("%w: its query cannot be read", errReadOnly)
	case len(req.Trailer)+len(req.TransferEncoding) > 0:
		return fmt.Errorf("%w: it says more than its header", errReadOnly)
	}
	for name := range query {
		if !slices.Contains(call.query, name) {
			return fmt.Errorf("%w: it has the parameter %q", errReadOnly, oneLine(name))
		}
	}
	for name := range req.Header {
		if !slices.Contains(harmlessHeaders, name) {
			return fmt.Errorf("%w: it has the header %q", errReadOnly, oneLine(name))
		}
	}
	return nil
}

// find looks a request up in the closed table.
func (t *readOnlyTransport) find(method, path string, body []byte) (harmlessCall, bool) {
	if method == http.MethodGet && len(body) == 0 {
		if _, ok := collections[path]; ok {
			return harmlessCall{query: queryParameters}, true
		}
		if isRowPath(path) {
			return harmlessCall{}, true
		}
	}
	for _, call := range harmlessCalls {
		if call.method == method && t.matches(call.path, path) && call.hasBody(body) {
			return call, true
		}
	}
	return harmlessCall{}, false
}

// isRowPath reports whether a path is that of one row of a collection.
func isRowPath(path string) bool {
	at := strings.LastIndexByte(path, '/')
	if at < 0 || !isUUID(path[at+1:]) {
		return false
	}
	kind, ok := collections[path[:at]]
	return ok && kind == byUUID
}

func (t *readOnlyTransport) matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return slices.EqualFunc(want, got, func(want, segment string) bool {
		switch want {
		case "{uuid}":
			return isUUID(segment)
		case "{ip}":
			address, err := netip.ParseAddr(segment)
			return err == nil && address.Zone() == ""
		case "{session}":
			return isSegment(segment) && t.owns(segment)
		}
		return want == segment
	})
}

// hasBody reports whether a body is the call's. The server takes the call from
// the keys of the body, so there must be no other.
func (call harmlessCall) hasBody(body []byte) bool {
	if call.action == "" {
		return len(body) == 0
	}
	var actions map[string]map[string]any
	if json.Unmarshal(body, &actions) != nil || len(actions) != 1 {
		return false
	}
	return actions[call.action] != nil
}

// isUUID reports whether a text is a UUID as the server writes it: 32 lower-case
// hexadecimal digits.
func isUUID(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == ""
}
