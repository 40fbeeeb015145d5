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
	lateness int        // of how many creations one arrives after its client has given up; 0: none
	journal  *modelDisk // of the run; nil: requests need no record
	reached  func()     // called at moments at which a process may end; nil: nobody cares
	arrivals []time.Time
	early    []string          // requests that left before their record was durable
	blind    []string          // creations without a look at the machine before
	absent   map[string]bool   // VMs that were seen not to be there, since their last creation was sent
	creates  map[string]string // VM by job
}

var errPowerOff = errors.New("the process has ended")

func (w *modelWire) RoundTrip(r *http.Request) (*http.Response, error) {
	job := r.Header.Get("X-Job-Uuid")
	late, err := w.leave(r, job)
	if err != nil {
		return nil, err
	}
	if late > 0 {
		w.late.Add(1)
		go func() {
			defer w.late.Add(-1)
			time.Sleep(late)
			response, err := (&inProcess{handler: w.handler}).RoundTrip(r.WithContext(context.Background()))
			if err == nil {
				_ = response.Body.Close()
			}
		}()
		return nil, io.ErrUnexpectedEOF
	}
	response, err := (&inProcess{handler: w.handler}).RoundTrip(r)
	if job != "" {
		w.moment()
	}
	if travel := w.travel(r.Context()); travel != nil {
		return nil, travel
	}
	if err == nil {
		w.learn(r, response)
	}
	return response, err
}

// learn notes what an answer says about VMs: that one is not there, or that its
// creation was turned away for a session that had ended.
func (w *modelWire) learn(r *http.Request, response *http.Response) {
	path, last := r.URL.Path, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
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

// leave lets a request travel to the server. It may have to be delivered later
// than its client waits.
func (w *modelWire) leave(r *http.Request, job string) (late time.Duration, err error) {
	w.mu.Lock()
	w.arrivals = append(w.arrivals, time.Now())
	if job != "" && w.journal != nil && !w.journal.durable(job) {
		w.early = append(w.early, r.Method+" "+r.URL.Path)
	}
	creates := r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/zstack/v1/vm-instances")
	if creates {
		w.creation(r, job)
	}
	if creates && w.lateness > 0 && w.random.IntN(w.lateness) == 0 {
		late = time.Duration(1+w.random.IntN(40_000)) * time.Millisecond
	}
	w.mu.Unlock()
	if job != "" {
		w.moment()
	}
	return late, w.travel(r.Context())
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
