// Package simulator stands in for a ZStack management server. It speaks the
// server's HTTP API on tables of its own, keeps its state between runs, and
// makes faults on demand. It behaves like the server, not like any client
// expects the server to be: what a client sends beyond the API is reported, and
// otherwise ignored as the server ignores it.
package simulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Profile is the build of the server that is simulated.
type Profile int

const (
	// Commercial creates VMs from volumes and snapshots and knows access keys.
	Commercial Profile = iota
	// Open declares those calls and fails them.
	Open
)

// Options of a server. Only Datacenter is required.
type Options struct {
	Datacenter []byte        // YAML: the first state
	StatePath  string        // file that keeps the state between runs; "" keeps it in memory
	Profile    Profile       // Commercial unless said otherwise
	Latency    time.Duration // how long a creation takes; other jobs take a quarter of it
	Faults     *Faults       // nil makes none
	Strict     bool          // refuse a wrong HTTP method where the server ignores it
	Log        *slog.Logger  // nil discards
	PublicURL  string        // base of "location", http://10.0.0.1:8080 when empty
}

// A Request is one request that the server received, for tests.
type Request struct {
	Method    string
	Path      string            // with the query, as it was sent
	Operation string            // such as CreateVmInstance; "" when none matches
	Header    map[string]string // those that mean something to the API
	Body      string
}

// A Server is a simulated management server. Use it as an http.Handler, and
// close it to end its jobs and keep its state.
type Server struct {
	options  Options
	accounts []dcAccount
	started  time.Time
	skew     atomic.Int64 // nanoseconds that the server's clock is ahead

	gate sync.RWMutex   // held by whoever answers, and whole by a restart
	jobs sync.WaitGroup // those of the present life

	mu        sync.Mutex      // guards all below
	life      context.Context // ends with Close or Restart, and all jobs with it
	end       context.CancelFunc
	faults    *Faults
	store     *store
	requests  []Request
	findings  []string
	saving    *time.Timer // set while a change waits to be written
	saveError error

	writing sync.Mutex // one writer of the state file at a time
}

// New returns a server in the state kept at StatePath, else in the state that
// Datacenter describes. Its error names the line of the data center.
func New(options Options) (*Server, error) {
	dc, err := parseDatacenter(options.Datacenter)
	if err != nil {
		return nil, err
	}
	options.PublicURL = strings.TrimRight(cmp.Or(options.PublicURL, "http://10.0.0.1:8080"), "/")
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: options, accounts: dc.accounts, faults: options.Faults}
	s.started = s.now()
	if s.store, err = openStore(options.StatePath, dc.tables, s.now); err != nil {
		return nil, err
	}
	s.store.settle()
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// living is the context of the server's present life.
func (s *Server) living() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.life
}

// now is the server's clock.
func (s *Server) now() time.Time {
	return time.Now().Add(time.Duration(s.skew.Load()))
}

// Close ends all jobs where they are, which loses them as a crash of the real
// server does, and writes the state.
func (s *Server) Close() error {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.jobs.Wait()
	s.mu.Lock()
	if s.saving != nil {
		s.saving.Stop()
		s.saving = nil
	}
	s.mu.Unlock()
	s.save()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saveError
}

// Restart ends all jobs where they are, as the end of the management node does,
// and lets the server come up again: its tables and sessions are as they were,
// the rows of lost jobs stay unfinished for ever.
func (s *Server) Restart() {
	s.gate.Lock()
	defer s.gate.Unlock()
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.jobs.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.settle()
	s.life, s.end = context.WithCancel(context.Background())
	s.changed()
}

// SetFaults changes the rules of misbehaviour. Nil ends it; what hangs, hangs on.
func (s *Server) SetFaults(faults *Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// changed has the state written within a second. The caller holds mu.
func (s *Server) changed() {
	if s.options.StatePath != "" && s.saving == nil && s.life.Err() == nil {
		s.saving = time.AfterFunc(time.Second, s.save)
	}
}

// save writes the state now.
func (s *Server) save() {
	if s.options.StatePath == "" {
		return
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	s.saving = nil
	data, err := s.store.marshal()
	s.mu.Unlock()
	if err == nil {
		err = writeState(s.options.StatePath, data)
	}
	if err != nil {
		s.options.Log.Error("state is not kept", "error", err)
	}
	s.mu.Lock()
	s.saveError = err
	s.mu.Unlock()
}

// Requests returns the requests so far in the order of arrival: the last 20000
// or more.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Findings returns what clients sent that the API does not know: parameters,
// query parameters, headers, wrong methods. Each stands once.
func (s *Server) Findings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.findings)
}

// A Job is the server's record of one asynchronous call, for tests.
type Job struct {
	UUID      string
	Operation string // such as CreateVmInstance
	Created   time.Time
	Ended     time.Time // zero while it is at work
	Status    int       // 200 or 503; 0 while it is at work, and of one that a restart lost
}

// Jobs returns the jobs that the server has on record, the oldest first.
func (s *Server) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var jobs []Job
	for _, j := range s.store.Jobs {
		jobs = append(jobs, Job{UUID: j.UUID, Operation: j.Operation, Created: j.Created, Ended: j.Ended, Status: j.Status})
	}
	slices.SortFunc(jobs, func(a, b Job) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.UUID, b.UUID)) })
	return jobs
}

// VMs returns a copy of all VMs as the API shows them, destroyed ones too, in
// the order of their names.
func (s *Server) VMs() []map[string]any { return s.sorted("vm-instances") }

// UserTags returns the user tags in the same form.
func (s *Server) UserTags() []map[string]any { return s.sorted("user-tags") }

// Volumes returns a copy of all volumes as the API shows them, in the order of
// their names.
func (s *Server) Volumes() []map[string]any { return s.sorted("volumes") }

// Tags returns a copy of all tags, those of users and then those of the system.
func (s *Server) Tags() []map[string]any {
	return append(s.sorted("user-tags"), s.sorted("system-tags")...)
}

func (s *Server) sorted(table string) []map[string]any {
	s.mu.Lock()
	rows := s.store.view(table)
	s.mu.Unlock()
	slices.SortFunc(rows, func(a, b record) int {
		return cmp.Or(cmp.Compare(text(a, "name"), text(b, "name")), cmp.Compare(text(a, "uuid"), text(b, "uuid")))
	})
	return rows
}

// finding remembers something that a client should not have sent.
func (s *Server) finding(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.findingLocked(format, args...)
}

// findingLocked is finding for a caller that holds mu.
func (s *Server) findingLocked(format string, args ...any) {
	f := fmt.Sprintf(format, args...)
	if !slices.Contains(s.findings, f) {
		s.findings = append(s.findings, f)
		s.options.Log.Warn(f)
	}
}

// A textError is an answer with a plain text body: what the server says before
// a call is a message to its services.
type textError struct {
	status int
	text   string
}

func (e *textError) Error() string { return e.text }

func refuse(status int, format string, args ...any) error {
	return &textError{status: status, text: fmt.Sprintf(format, args...)}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/simulator/findings" {
		w.Header().Set("Content-Type", "application/json")
		writeJSON(w, http.StatusOK, record{"findings": anys(s.Findings())}, false)
		return
	}
	in := s.receive(r)
	s.mu.Lock()
	faults := s.faults
	s.mu.Unlock()
	action, faulty := faults.match(r.Method, in.path, in.operationName())
	if !faulty {
		s.answer(w, r, in)
		return
	}
	s.options.Log.Info("fault", "kind", action.Kind, "operation", in.operationName())
	s.misbehave(w, r, in, action)
}

// answer does what the request asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, in *incoming) {
	s.gate.RLock()
	defer s.gate.RUnlock()
	// The server's container opens a session of its own for whoever has none.
	if _, err := r.Cookie("JSESSIONID"); err != nil {
		w.Header().Set("Set-Cookie", "JSESSIONID=node0"+newUUID()[:20]+"; Path=/zstack; HttpOnly")
	}
	// The server says an encoding and no type; net/http would guess one.
	w.Header()["Content-Type"] = nil
	err := s.dispatch(w, r, in)
	var plain *textError
	var query queryError
	switch {
	case err == nil:
	case errors.As(err, &query) && query.code == "":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(query.details))
	case errors.As(err, &plain):
		w.WriteHeader(plain.status)
		_, _ = w.Write([]byte(plain.text))
	default:
		writeJSON(w, http.StatusServiceUnavailable, record{"error": asAPIError(err).record()}, false)
	}
}
