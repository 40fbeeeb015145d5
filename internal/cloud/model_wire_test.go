package cloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// modelDisk is a file in memory that can be cut off as a crash does. After
// failAfter writes, if it is not zero, it is full.
type modelDisk struct {
	mu        sync.Mutex
	data      []byte
	synced    int // bytes that a crash leaves
	writes    int
	failAfter int
}

var errDiskFull = errors.New("no space left on device")

func (d *modelDisk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.failAfter > 0 && d.writes > d.failAfter {
		d.data = append(d.data, p[:len(p)/2]...)
		return len(p) / 2, errDiskFull
	}
	d.data = append(d.data, p...)
	return len(p), nil
}

func (d *modelDisk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = len(d.data)
	return nil
}

func (d *modelDisk) Close() error { return nil }

// durable reports whether a crash would leave the text.
func (d *modelDisk) durable(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Contains(d.data[:d.synced], []byte(text))
}

// cut is what a crash leaves: all that was synced, and some of the rest.
func (d *modelDisk) cut(random *rand.Rand) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.data[:d.synced+random.IntN(len(d.data)-d.synced+1)])
}

// modelWire is the way of one process to the server. It takes time, loses
// requests on purpose, and ends with its process.
type modelWire struct {
	handler http.Handler
	late    *atomic.Int32 // requests on their way that nobody waits for

	mu       sync.Mutex
	random   *rand.Rand
	dead     bool
	lateness int        // of how many mutating requests one arrives after its client has given up; 0: none
	stalls   int        // of how many mutating requests one takes seconds to arrive; 0: none
	journal  *modelDisk // of the run; nil: requests need no record
	reached  func()     // called at moments at which a process may end; nil: nobody cares
	arrivals []time.Time
	sent     map[string]string    // by UUID of a job: its request
	unseen   map[string]bool      // jobs that the server has said it does not know, since their last request was sent
	again    []string             // requests that left under the UUID of another one, or of one that the server may know
	early    []string             // requests that left before their record was durable
	blind    []string             // creations without a look at the machine before
	absent   map[string]bool      // VMs that were seen not to be there, since their last creation was sent
	looked   map[string]time.Time // by UUID of a VM or disk, when the last look at it that was answered arrived
	creates  map[string]string    // VM by job
}

var errPowerOff = errors.New("the process has ended")

func (w *modelWire) RoundTrip(r *http.Request) (*http.Response, error) {
	job := r.Header.Get("X-Job-Uuid")
	late, lost, err := w.leave(r, job)
	if err != nil {
		return nil, err
	}
	var (
		response *http.Response
		arrived  = time.Now()
	)
	switch {
	case lost:
		w.stray(r, late)
		return nil, io.ErrUnexpectedEOF
	case late > 0:
		select {
		case answer := <-w.stray(r, late):
			response, err = answer.response, answer.err
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	default:
		response, err = (&inProcess{handler: w.handler}).RoundTrip(r)
	}
	if job != "" {
		w.moment()
	}
	if travel := w.travel(r.Context()); travel != nil {
		return nil, travel
	}
	if err == nil {
		w.learn(r, response, arrived)
	}
	return response, err
}

var anyUUID = regexp.MustCompile("[0-9a-f]{32}")

type strayAnswer struct {
	response *http.Response
	err      error
}

// stray brings a request to the server some time later, also when its client
// does not wait any more or has ended.
func (w *modelWire) stray(r *http.Request, late time.Duration) <-chan strayAnswer {
	answer := make(chan strayAnswer, 1)
	w.late.Add(1)
	go func() {
		defer w.late.Add(-1)
		time.Sleep(late)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // the server may hang
		defer cancel()
		response, err := (&inProcess{handler: w.handler}).RoundTrip(r.WithContext(ctx))
		answer <- strayAnswer{response, err}
	}()
	return answer
}

// learn notes what an answer says about VMs: that one is not there, or that its
// creation was turned away for a session that had ended.
func (w *modelWire) learn(r *http.Request, response *http.Response, arrived time.Time) {
	if about := anyUUID.FindString(r.URL.String()); r.Method == http.MethodGet && about != "" && response.StatusCode == http.StatusOK {
		w.mu.Lock()
		w.looked[about] = arrived
		w.mu.Unlock()
	}
	path, last := r.URL.Path, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if strings.HasSuffix(path, "/api-jobs/"+last) && response.StatusCode == http.StatusNotFound {
		w.mu.Lock()
		w.unseen[last] = true
		w.mu.Unlock()
	}
	isVM := r.Method == http.MethodGet && strings.HasSuffix(path, "/vm-instances/"+last)
	if !isVM && !strings.HasSuffix(path, "/api-jobs/"+last) && r.Header.Get("X-Job-Uuid") == "" {
		return
	}
	body, _ := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(body))
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case isVM && response.StatusCode == http.StatusOK:
		w.absent[last] = bytes.Contains(body, []byte(`"inventories":[]`))
	case bytes.Contains(body, []byte("ID.1001")):
		w.absent[w.creates[cmp.Or(r.Header.Get("X-Job-Uuid"), last)]] = true
	}
}

// creation notes that a VM is asked for. What is not known to be absent may be
// there already. The caller holds mu.
func (w *modelWire) creation(r *http.Request, job string) {
	var body struct {
		Params struct {
			ResourceUUID string `json:"resourceUuid"`
		} `json:"params"`
	}
	data, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(data))
	if json.Unmarshal(data, &body) != nil || w.journal == nil {
		return
	}
	uuid := body.Params.ResourceUUID
	if !w.absent[uuid] {
		w.blind = append(w.blind, uuid)
	}
	w.absent[uuid], w.creates[job] = false, uuid
}

// leave lets a request travel to the server. It may come late, and its client
// may have been told that it is lost.
func (w *modelWire) leave(r *http.Request, job string) (late time.Duration, lost bool, err error) {
	w.mu.Lock()
	w.arrivals = append(w.arrivals, time.Now())
	if job != "" && w.journal != nil && !w.journal.durable(job) {
		w.early = append(w.early, r.Method+" "+r.URL.Path)
	}
	if job != "" {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		request := r.Method + " " + r.URL.String() + " " + string(body)
		if earlier, again := w.sent[job]; again && (earlier != request || !w.unseen[job]) {
			w.again = append(w.again, r.Method+" "+r.URL.Path)
		}
		w.sent[job], w.unseen[job] = request, false
	}
	if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/zstack/v1/vm-instances") {
		w.creation(r, job)
	}
	switch {
	case job != "" && !switches(r) && w.lateness > 0 && w.random.IntN(w.lateness) == 0:
		late, lost = time.Duration(1+w.random.IntN(40_000))*time.Millisecond, true
	case job != "" && w.stalls > 0 && w.random.IntN(w.stalls) == 0:
		late = time.Duration(1+w.random.IntN(4_000)) * time.Millisecond
	}
	w.mu.Unlock()
	if job != "" {
		w.moment()
	}
	return late, lost, w.travel(r.Context())
}

// switches reports whether a request stops or starts a machine. One that arrives
// belated cannot be told from what somebody did by hand.
func switches(r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/actions") {
		return false
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.HasPrefix(body, []byte(`{"stopVmInstance"`)) || bytes.HasPrefix(body, []byte(`{"startVmInstance"`))
}

// travel takes a few milliseconds, unless the process ends meanwhile.
func (w *modelWire) travel(ctx context.Context) error {
	w.mu.Lock()
	took := time.Duration(w.random.IntN(8000)) * time.Microsecond
	w.mu.Unlock()
	err := wait(ctx, took)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return errPowerOff
	}
	return err
}

func (w *modelWire) moment() {
	w.mu.Lock()
	reached := w.reached
	w.mu.Unlock()
	if reached != nil {
		reached()
	}
}

// cutOff ends the process for the server: nothing more leaves or comes back.
func (w *modelWire) cutOff() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
}
