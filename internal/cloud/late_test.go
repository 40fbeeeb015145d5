package cloud

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// heldUp is a proxy that keeps the first request whose body has a text to
// itself, cuts the client off, and brings the request to the server only when
// told to.
type heldUp struct {
	inProcess
	text string
	kept *http.Request
	cut  func() // called when the request is kept; nil: nothing is
}

func (h *heldUp) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.kept == nil && r.Body != nil && h.text != "" {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte(h.text)) {
			h.kept = r.Clone(context.Background())
			h.kept.Body = io.NopCloser(bytes.NewReader(body))
			if h.cut != nil {
				h.cut()
			}
			return nil, syscall.ECONNRESET
		}
	}
	return h.inProcess.RoundTrip(r)
}

// deliver brings the request to the server after all, and returns its answer.
func (h *heldUp) deliver() string {
	answer, err := h.inProcess.RoundTrip(h.kept)
	if err != nil {
		return err.Error()
	}
	text, _ := io.ReadAll(answer.Body)
	return fmt.Sprintf("%d %s", answer.StatusCode, text)
}

// TestRequestThatComesInLate: a request whose answer was lost is sent again
// because the server does not know it, and comes in after all when all is done.
// It must not do its work then: a stop would leave a machine stopped that the run
// has reported as updated, a tag would stand there again.
func TestRequestThatComesInLate(t *testing.T) {
	restart := testScope.RestartTag()
	for name, text := range map[string]string{
		"create": `"resourceUuid":`, "stop": "stopVmInstance", "start": "startVmInstance", "tag": restart,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newDatacenter(t, "")
				defer func() { _ = server.Close() }()
				wire := &heldUp{inProcess: inProcess{handler: server}}
				s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: wire})
				wire.text = text
				run := NewDriver(s.client, Options{Scope: testScope, RunID: "one", Host: "ci"})
				ended := s.performAs(t.Context(), run,
					planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")}, planner.AddTag{Tag: restart},
					planner.StopVM{}, planner.UpdateVM{CPU: new(1)}, planner.StartVM{}, planner.RemoveTag{Tag: restart})
				if ended.Status != executor.Succeeded || wire.kept == nil {
					t.Fatalf("the run ended %s %+v, the request was kept: %t", ended.Status, ended.Failure, wire.kept != nil)
				}
				before := fmt.Sprintf("%+v", s.machine(testKey))
				answer := wire.deliver()
				time.Sleep(time.Minute)
				if machine := s.machine(testKey); machine.State != "Running" || fmt.Sprintf("%+v", machine) != before {
					t.Errorf("the request that came in late was answered %q; the machine is now %+v\nand was %s", answer, machine, before)
				}
			})
		})
	}
}
