package simulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBody is more than any client sends: the server has no limit of its own.
const maxBody = 64 << 20

// keptRequests is how many of the last requests are remembered at least.
const keptRequests = 20000

// An incoming is a request as far as it can be understood without its types.
type incoming struct {
	method string
	path   string // below /zstack/v1, percent-decoded
	values url.Values
	body   record // nil without one
	op     *operation
	vars   map[string]string
	err    error  // why there is no operation
	fault  record // error that a fault makes of the call
	// faultAfter says that the call is carried out before it fails.
	faultAfter bool
}

func (in *incoming) operationName() string {
	if in.op == nil {
		return ""
	}
	return in.op.name
}

// knownHeaders mean something to the API; others that start with X- are reported.
var knownHeaders = []string{"Authorization", "Date", "X-Job-Uuid", "X-Api-Timeout", "X-Web-Hook", "X-Json-Schema"}

// receive reads a request, finds its operation and remembers it.
func (s *Server) receive(r *http.Request) *incoming {
	in := &incoming{method: r.Method, values: r.URL.Query()}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	path, ok := strings.CutPrefix(r.URL.Path, "/zstack/v1")
	in.path = path
	switch {
	case err != nil:
		in.err = refuse(http.StatusInternalServerError, "%v", err)
	case !ok || !strings.HasPrefix(path, "/"):
		in.err = refuse(http.StatusNotFound, "no api mapping to %s", r.URL.Path)
	case strings.HasPrefix(path, "/api-jobs/"):
	default:
		in.body, in.err = parseBody(raw)
		if in.err == nil {
			in.err = s.route(in)
		}
	}
	s.remember(r, in, raw)
	return in
}

func (s *Server) remember(r *http.Request, in *incoming, raw []byte) {
	kept := map[string]string{}
	for name := range r.Header {
		switch {
		case slices.Contains(knownHeaders, name):
			kept[name] = r.Header.Get(name)
		case strings.HasPrefix(name, "X-") && !strings.HasPrefix(name, "X-Forwarded-") && name != "X-Real-Ip":
			s.finding("%s %s: unknown header %s", r.Method, templated(in), name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) >= 2*keptRequests {
		s.requests = slices.Clone(s.requests[keptRequests:])
	}
	s.requests = append(s.requests, Request{
		Method: r.Method, Path: r.URL.RequestURI(), Operation: in.operationName(),
		Header: kept, Body: string(raw),
	})
}

// templated returns the path of the operation, so that findings do not repeat
// for every resource.
func templated(in *incoming) string {
	if in.op != nil {
		return in.op.path
	}
	return in.path
}

func parseBody(raw []byte) (record, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var body record
	if err := decoder.Decode(&body); err != nil {
		return nil, refuse(http.StatusInternalServerError, "com.google.gson.JsonSyntaxException: %v", err)
	}
	return body, nil
}

// route finds the operation for a path, a method and a body, in the way of the
// server: the method counts only on paths that several operations share.
func (s *Server) route(in *incoming) error {
	shared, vars := operationsAt(strings.ReplaceAll(in.path, "//", "/"))
	if len(shared) == 0 {
		return refuse(http.StatusNotFound, "no api mapping to %s", in.path)
	}
	in.vars = vars
	// The paths of queries are shared there with operations that are not here.
	if len(shared) == 1 && !shared[0].query {
		op := shared[0]
		if op.method != in.method {
			s.finding("%s %s: the method is %s; the server runs %s whatever the method", in.method, op.path, op.method, op.name)
			if s.options.Strict {
				return refuse(http.StatusMethodNotAllowed, "%s of %s is refused in strict mode: the server would run %s", in.method, in.path, op.name)
			}
		}
		in.op = op
		return nil
	}
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodGet, http.MethodDelete}, in.method) {
		return refuse(http.StatusMethodNotAllowed, "the method[%s] is not allowed for the path[%s]", in.method, in.path)
	}
	if in.method == http.MethodPut && in.body == nil {
		return refuse(http.StatusInternalServerError, "")
	}
	for _, op := range shared {
		_, named := in.body[op.action]
		if op.method == in.method && (named || in.method != http.MethodPut) {
			in.op = op
			return nil
		}
	}
	switch in.method {
	case http.MethodPut:
		return refuse(http.StatusBadRequest, "the body doesn't contain action mapping to the URL[%s]", in.path)
	case http.MethodPost:
		return refuse(http.StatusInternalServerError, "No creational API found for the path[%s]", in.path)
	case http.MethodGet:
		return refuse(http.StatusInternalServerError, "No query API found for the path[%s]", in.path)
	default:
		return refuse(http.StatusInternalServerError, "No delete API found for the path[%s]", in.path)
	}
}

// operationsAt returns all operations of the path pattern that fits best, and
// the values of its variables.
func operationsAt(path string) ([]*operation, map[string]string) {
	var best []*operation
	var vars map[string]string
	for _, op := range operations {
		found, ok := op.match(path)
		switch {
		case !ok:
		case len(best) == 0 || op.variables() < best[0].variables():
			best, vars = []*operation{op}, found
		case op.path == best[0].path:
			best = append(best, op)
		}
	}
	return best, vars
}
