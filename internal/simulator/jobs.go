package simulator

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// retention is how long the result of a job can be read, from the job's start.
const retention = 3 * time.Hour

// Webhooks are tried that often, that far apart.
const (
	hookAttempts = 15
	hookPause    = 2 * time.Second
)

// accept stores a job, answers 202 and lets the call run.
func (s *Server) accept(w http.ResponseWriter, c *call, timeout time.Duration, hook string) error {
	s.mu.Lock()
	s.expire(c.job)
	if s.store.Jobs[c.job] != nil {
		s.mu.Unlock()
		return refuse(http.StatusBadRequest, "Duplicate job uuid[%s]", c.job)
	}
	s.store.Jobs[c.job] = &job{UUID: c.job, Operation: c.op.name, Created: s.now()}
	s.changed()
	s.mu.Unlock()
	s.jobs.Go(func() { s.runJob(c, hook) })
	writeJSON(w, http.StatusAccepted, record{
		"location":   fmt.Sprintf("%s/zstack/v1/api-jobs/%s", s.options.PublicURL, c.job),
		"apiTimeout": timeout.Milliseconds(),
	}, false)
	return nil
}

func (s *Server) runJob(c *call, hook string) {
	result, err := c.run()
	if errors.As(err, new(errLost)) {
		return
	}
	status := http.StatusOK
	if err != nil {
		status, result = http.StatusServiceUnavailable, record{"error": asAPIError(err).record()}
	}
	s.mu.Lock()
	done := s.store.Jobs[c.job]
	done.Done, done.Ended, done.Status, done.Result = true, s.now(), status, clone(result)
	s.changed()
	s.mu.Unlock()
	s.options.Log.Debug("job", "operation", c.op.name, "job", c.job, "status", status)
	if hook != "" {
		c.callHook(hook, status, result)
	}
}

// poll answers GET /api-jobs/{id}. It asks for no credentials.
func (s *Server) poll(w http.ResponseWriter, r *http.Request, id string) error {
	if r.Method != http.MethodGet {
		return refuse(http.StatusMethodNotAllowed, "the only allowed method is GET, but got %s", r.Method)
	}
	s.mu.Lock()
	s.expire(id)
	j := s.store.Jobs[id]
	if j == nil {
		s.mu.Unlock()
		return refuse(http.StatusNotFound, "the job has been expired")
	}
	status, result, name, done := http.StatusAccepted, record{}, j.Operation, j.Done
	if done {
		status, result = j.Status, clone(j.Result)
	}
	s.mu.Unlock()
	if done && status == http.StatusOK && r.Header.Get("X-JSON-Schema") != "" {
		for _, op := range operations {
			if op.name == name {
				schema(op, result, true)
			}
		}
	}
	writeJSON(w, status, result, true)
	return nil
}

// expire forgets a finished job that is too old. The caller holds mu.
func (s *Server) expire(id string) {
	if j := s.store.Jobs[id]; j != nil && j.Done && s.now().Sub(j.Created) >= retention {
		delete(s.store.Jobs, id)
	}
}

// callHook posts the result to the client, until it takes it.
func (c *call) callHook(hook string, status int, result record) {
	body, err := marshal(result, true)
	if err != nil {
		return
	}
	for attempt := range hookAttempts {
		if attempt > 0 {
			select {
			case <-c.ctx.Done():
				return
			case <-time.After(hookPause):
			}
		}
		r, err := http.NewRequestWithContext(c.ctx, http.MethodPost, hook, bytes.NewReader(body))
		if err != nil {
			c.finding("X-Web-Hook: %v", err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Job-UUID", c.job)
		r.Header.Set("X-Job-Success", strconv.FormatBool(status == http.StatusOK))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode/100 == 2 {
			return
		}
	}
}

// schema adds what the server says of the classes in an answer.
func schema(op *operation, result record, wanted bool) {
	if !wanted {
		return
	}
	classes := record{}
	if class := classOf(op); class != "" {
		if result["inventory"] != nil {
			classes["inventory"] = class
		}
		inventories, _ := result["inventories"].([]any)
		for i := range inventories {
			classes[fmt.Sprintf("inventories[%d]", i)] = class
		}
	}
	result["schema"] = classes
}
