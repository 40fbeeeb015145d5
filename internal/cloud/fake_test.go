package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

const (
	apiRoot     = "/zstack/v1"
	testAccount = "36c27e8ff05c4780bf6d2fa65700f22e"
)

// row is one resource as the server shows it.
type row = map[string]any

// mutation is one request that asks for a change.
type mutation struct {
	Method, Path, Query, Job string
	Body                     map[string]any
}

// answer is what becomes of a mutation.
type answer struct {
	refuse int    // plain-text status instead of a job
	result string // body of a job that succeeded; "{}" if empty
	fail   string // error object of a job that failed
	drop   bool   // the connection is cut before an answer
	lose   bool   // the server does not know the job afterwards
	hang   bool   // the job never ends
}

// fake is a management server: it answers queries from rows and mutations as
// the test's script says.
type fake struct {
	t      *testing.T
	server *httptest.Server
	script func(f *fake, m mutation) answer

	mu        sync.Mutex
	rows      map[string][]row // by collection
	jobs      map[string]answer
	mutations []mutation
	queries   []string
	logins    int
	denyLogin bool
	broken    func(r *http.Request) bool // requests that get no answer
}

func newFake(t *testing.T, script func(f *fake, m mutation) answer) *fake {
	f := &fake{t: t, script: script, rows: make(map[string][]row), jobs: make(map[string]answer)}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) client() *zstack.Client {
	client, err := zstack.New(zstack.Config{Endpoint: f.server.URL, AccountName: "admin", AccountPassword: "password"})
	if err != nil {
		f.t.Fatal(err)
	}
	return client
}

// driver returns a driver whose waits take no time worth speaking of.
func (f *fake) driver(opts Options) *Driver {
	if opts.StepTimeout == 0 {
		opts.StepTimeout = 10 * time.Second
	}
	opts.Scope = testScope
	d := NewDriver(f.client(), opts)
	d.pace = pace{look: time.Millisecond, invisible: time.Millisecond, settle: 100 * time.Millisecond, tags: 5 * time.Millisecond, margin: 100 * time.Millisecond, peek: time.Minute}
	return d
}

// add puts rows into a collection, which begins with a slash.
func (f *fake) add(collection string, rows ...row) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[collection] = append(f.rows[collection], rows...)
}

// set changes fields of one row.
func (f *fake) set(collection, uuid string, fields row) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rows[collection] {
		if r["uuid"] == uuid {
			for name, value := range fields {
				r[name] = value
			}
		}
	}
}

func (f *fake) remove(collection, uuid string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[collection] = slices.DeleteFunc(f.rows[collection], func(r row) bool { return r["uuid"] == uuid })
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if f.broken != nil && f.broken(r) {
		panic(http.ErrAbortHandler)
	}
	path := strings.TrimPrefix(r.URL.Path, apiRoot)
	switch {
	case path == "/accounts/login":
		f.mu.Lock()
		f.logins++
		f.mu.Unlock()
		if f.denyLogin {
			w.WriteHeader(http.StatusServiceUnavailable)
			io.WriteString(w, `{"error":{"code":"ID.1000","description":"Authentication failed","details":"密码错误"}}`)
			return
		}
		fmt.Fprintf(w, `{"inventory":{"uuid":%q,"accountUuid":%q}}`, strings.Repeat("5", 32), testAccount)
	case path == "/management-nodes/actions":
		io.WriteString(w, `{"success":true,"version":"5.2.1"}`)
	case strings.HasPrefix(path, "/accounts/sessions"):
		io.WriteString(w, `{"valid":true}`)
	case strings.HasPrefix(path, "/api-jobs/"):
		f.poll(w, strings.TrimPrefix(path, "/api-jobs/"))
	case r.Method == http.MethodGet:
		f.query(w, path, r.URL.Query())
	default:
		f.mutate(w, r, path, body)
	}
}

func (f *fake) mutate(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	m := mutation{Method: r.Method, Path: path, Query: r.URL.RawQuery, Job: r.Header.Get("X-Job-UUID")}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &m.Body); err != nil {
			f.t.Errorf("%s %s: body %q: %v", r.Method, path, body, err)
		}
	}
	f.mu.Lock()
	f.mutations = append(f.mutations, m)
	f.mu.Unlock()
	a := f.script(f, m)
	if a.refuse != 0 {
		http.Error(w, "refused by the test", a.refuse)
		return
	}
	f.mu.Lock()
	if !a.lose {
		f.jobs[m.Job] = a
	}
	f.mu.Unlock()
	if a.drop || a.lose {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintf(w, `{"location":"http://192.0.2.1:8080/zstack/v1/api-jobs/%s"}`, m.Job)
}

func (f *fake) poll(w http.ResponseWriter, job string) {
	f.mu.Lock()
	a, ok := f.jobs[job]
	f.mu.Unlock()
	switch {
	case !ok:
		http.Error(w, "the job has been expired", http.StatusNotFound)
	case a.hang:
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "{}")
	case a.fail != "":
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, `{"error":%s}`, a.fail)
	case a.result != "":
		io.WriteString(w, a.result)
	default:
		io.WriteString(w, "{}")
	}
}

func (f *fake) query(w http.ResponseWriter, path string, query url.Values) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries = append(f.queries, path+"?"+query.Encode())
	collection, conditions := path, query["q"]
	if cut := strings.LastIndex(path, "/"); cut > 0 && len(path)-cut == 33 {
		collection, conditions = path[:cut], []string{"uuid=" + path[cut+1:]}
	}
	found := []row{}
	for _, r := range f.rows[collection] {
		if !slices.ContainsFunc(conditions, func(q string) bool { return !holds(f.t, r, q) }) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b row) int { return strings.Compare(a["uuid"].(string), b["uuid"].(string)) })
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = 1000
	}
	_ = json.NewEncoder(w).Encode(row{"inventories": found[:min(limit, len(found))]})
}

// holds reports whether a row meets one condition.
func holds(t *testing.T, r row, condition string) bool {
	for _, operator := range []string{"!=", "~=", "?=", "=", ">"} {
		field, value, ok := strings.Cut(condition, operator)
		if !ok {
			continue
		}
		got, _ := r[strings.TrimSpace(field)].(string)
		switch operator {
		case "!=":
			return got != value
		case "~=":
			return strings.HasPrefix(got, strings.TrimSuffix(value, "%"))
		case "?=":
			return slices.Contains(strings.Split(value, ","), got)
		case "=":
			return strings.EqualFold(got, value) // as the server's collation does
		case ">":
			return got > value
		}
	}
	t.Errorf("unexpected condition %q", condition)
	return false
}

// sent returns the mutations as text: method, path, query and body.
func (f *fake) sent(t *testing.T) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, m := range f.mutations {
		text := m.Method + " " + m.Path
		if m.Query != "" {
			text += "?" + m.Query
		}
		if len(m.Body) > 0 {
			body, err := json.Marshal(m.Body)
			if err != nil {
				t.Fatal(err)
			}
			text += " " + string(body)
		}
		texts = append(texts, text)
	}
	return texts
}

// cloned copies a row, so that tests can share it.
func cloned(r row) row {
	return maps.Clone(r)
}

// recorder is an executor.Recorder that remembers.
type recorder struct {
	mu       sync.Mutex
	attempts []string
	phases   []string
	refuse   bool
}

func (r *recorder) Attempt(operation string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse {
		return "", errors.New("disk full")
	}
	r.attempts = append(r.attempts, operation)
	return fmt.Sprintf("%032x", len(r.attempts)), nil
}

func (r *recorder) AttemptAs(operation, _ string) error {
	_, err := r.Attempt(operation)
	return err
}

func (r *recorder) Phase(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phases = append(r.phases, text)
}

var testScope = planner.Scope{Name: "lab", ID: "k3j9x2ab"}

const testKey = "web/1"

var testUUID = testScope.MachineUUID(testKey, 0)

// step returns a step on the test machine.
func step(op planner.Op) planner.Step {
	return planner.Step{ID: planner.StepID(testKey + " " + op.Verb()), Key: testKey, UUID: testUUID, Op: op}
}

// vmRow returns the row of the test machine.
func vmRow(state string, fields row) row {
	r := row{"uuid": testUUID, "name": "web-1", "state": state, "type": "UserVm", "cpuNum": 2, "memorySize": 4 << 30}
	for name, value := range fields {
		r[name] = value
	}
	return r
}

// tagRow returns a user tag row whose UUID is made of n.
func tagRow(n int, resourceType, resource, text string) row {
	return row{"uuid": fmt.Sprintf("%032x", 0x7a60000+n), "resourceType": resourceType, "resourceUuid": resource, "tag": text, "type": "User"}
}

func succeedAll(*fake, mutation) answer { return answer{} }

func perform(t *testing.T, d *Driver, s planner.Step) (executor.Outcome, *recorder) {
	t.Helper()
	rec := &recorder{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return d.Perform(ctx, s, rec), rec
}
