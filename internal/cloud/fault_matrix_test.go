package cloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// inProcess brings requests to a handler without a network, so that time can be
// the test's. Once misled is set, questions for jobs are answered by it.
type inProcess struct {
	handler http.Handler
	misled  http.HandlerFunc
}

func (t *inProcess) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		cause := recover()
		if aborted, _ := cause.(error); errors.Is(aborted, http.ErrAbortHandler) {
			response, err = nil, io.ErrUnexpectedEOF
		} else if cause != nil {
			panic(cause)
		}
		if r.Context().Err() != nil {
			response, err = nil, r.Context().Err()
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	if t.misled != nil && strings.Contains(r.URL.Path, "/api-jobs/") {
		t.misled(answer, r)
	} else {
		t.handler.ServeHTTP(answer, r)
	}
	return answer.Result(), nil
}

// says answers every request the same; a status of 0 is no answer at all.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// faultMatrix is what may happen to a request, and how its step ends after as
// many tries as a run makes: the same for every operation, apart from what
// faultExceptions lists. "…" stands for any number of tries.
var faultMatrix = []struct {
	name   string
	rule   string           // of the simulator, for the operation
	misled http.HandlerFunc // answers all questions for jobs
	want   string
}{
	{"refuse", "nth: 1, fault: refuse", nil, "succeeded"},
	{"drop-before", "nth: 1, fault: drop-before", nil, "succeeded"},
	{"drop-after", "nth: 1, fault: drop-after", nil, "succeeded"},
	{"hang", "nth: 1, fault: hang", nil, "succeeded"},
	{"expire", "nth: 1, fault: expire", nil, "succeeded"},
	{"slow", "nth: 1, fault: slow, delay: 20s", nil, "succeeded"},
	{"too slow", "nth: 1, fault: slow, delay: 40s", nil, "succeeded"},
	{"502", "nth: 1, fault: garbage, status: 502, text: <html>Bad Gateway</html>", nil, "succeeded"},
	{"504", "nth: 1, fault: garbage, status: 504, text: <html>Gateway Timeout</html>", nil, "succeeded"},
	{"truncated", `nth: 1, fault: garbage, text: '{"inventory": {'`, nil, "succeeded"},
	{"garbage", "nth: 1, fault: garbage, text: hello", nil, "succeeded"},
	{"made up, not done", `nth: 1, fault: garbage, text: '{"success": true}'`, nil, "succeeded"},
	{"made up", `nth: 1, fault: garbage-after, text: '{"success": true}'`, nil, "succeeded"},
	{"eaten by a proxy", "nth: 1, fault: garbage-after, status: 502, text: <html>Bad Gateway</html>", nil, "succeeded"},
	{"half of it", "nth: 1, fault: truncate", nil, "succeeded"},
	{"byte by byte", "nth: 1, fault: drip, delay: 100ms", nil, "succeeded"},
	{"byte by byte for ever", "nth: 1, fault: drip, delay: 10s", nil, "succeeded"},
	{"eaten by a proxy, 503", "nth: 1, fault: garbage-after, status: 503, text: <html>Service Unavailable</html>", nil, "succeeded"},
	{"503 of a proxy", "nth: 1, fault: garbage, status: 503, text: <html>Service Unavailable</html>", nil, "succeeded"},
	{"500", "nth: 1, fault: garbage, status: 500, text: null", nil, "succeeded"},
	{"500 of what was done", "nth: 1, fault: garbage-after, status: 500, text: null", nil, "succeeded"},
	{"job of that UUID, it says", "nth: 1, fault: garbage, status: 400, text: 'Duplicate job uuid[0]'", nil, "succeeded after 2 tries"},
	{"arrived twice", "nth: 1, fault: garbage-after, status: 400, text: 'Duplicate job uuid[0]'", nil, "succeeded"},
	{"too many requests", "nth: 1, fault: garbage, status: 429, text: slow down", nil, "succeeded after 2 tries"},
	{"redirect", "nth: 1, fault: garbage, status: 302, text: elsewhere", nil, "failed input"},
	{"404", "nth: 1, fault: garbage, status: 404, text: no api mapping", nil, "failed input"},
	{"400", "nth: 1, fault: garbage, status: 400, text: no such thing", nil, "failed input"},
	{"starting", "nth: 1, fault: error, error: {code: SYS.1010, description: Not ready}", nil, "succeeded after 2 tries"},
	{"node left", "nth: 1, fault: error, error: {code: SYS.1012, description: Node left}", nil, "succeeded after 2 tries"},
	{"timeout", "nth: 1, fault: error, error: {code: SYS.1001, description: Timed out}", nil, "succeeded after 2 tries"},
	{"invalid", "nth: 1, fault: error, error: {code: SYS.1007, description: Invalid argument}", nil, "failed input"},
	{"quota", "nth: 1, fault: error, error: {code: SYS.1006, cause: {code: ID.1003, description: Quota exceeded}}", nil, "failed quota"},
	{"session gone, says the job", "nth: 1, fault: error, error: {code: ID.1001, description: Session expired}", nil, "succeeded"},
	{"session gone, says a cause", "nth: 1, fault: error, error: {code: SYS.1006, cause: {code: ID.1001, description: Session expired}}", nil, "succeeded"},
	{"no rights", "nth: 1, fault: error, error: {code: ID.1002, description: Permission denied}", nil, "failed auth"},
	{"done, and called late", "nth: 1, fault: fail-after, error: {code: SYS.1001, description: Timed out}", nil, "succeeded"},
	{"done, and called a failure", "nth: 1, fault: fail-after, error: {code: SYS.1006, cause: {code: HOST.1005, description: Start failed}}", nil, "succeeded"},
	{"restart", "nth: 1, fault: restart", nil, "succeeded"}, // the job is lost, but what it was for is done
	{"internal", "nth: 1, fault: error, error: {code: SYS.1000, description: Internal error}", nil, "failed internal"},
	{"always refuse", "fault: refuse", nil, "failed transport after 4 tries"},
	{"always 502", "fault: garbage, status: 502, text: <html>Bad Gateway</html>", nil, "failed transport after 4 tries"},
	{"always starting", "fault: error, error: {code: SYS.1010, description: Not ready}", nil, "failed transport after 4 tries"},

	{"jobs unanswered", "", says(0, ""), "succeeded"},
	{"jobs behind a proxy", "", says(502, "<html>Bad Gateway</html>"), "succeeded"},
	{"jobs made up", "", says(200, `{"status":"maintenance"}`), "succeeded"},
	{"not there, jobs made up", "nth: 1, fault: drop-before", says(200, `{"status":"maintenance"}`), "indeterminate transport"},
	{"jobs unknown", "", says(404, "not found"), "succeeded"},
	{"jobs for ever", "", says(202, `{"state":"Processing"}`), "succeeded"},
	{"lost, jobs unanswered", "nth: 1, fault: drop-after", says(0, ""), "succeeded"},
	{"lost, jobs unknown", "nth: 1, fault: drop-after", says(404, "not found"), "succeeded …"}, // sooner or later: the job itself takes a moment
	{"not there, jobs unanswered", "nth: 1, fault: drop-before", says(0, ""), "indeterminate transport"},
}

// faultExceptions are by operation and fault.
var faultExceptions = map[string]string{
	// The server answers so to a UUID that it holds without showing it: looked for, and made again.
	"CreateVmInstance/internal":                   "succeeded",
	"CreateVmInstanceFromVolume/internal":         "succeeded",
	"CreateVmInstanceFromVolumeSnapshot/internal": "succeeded",
	// These take the server a while, so that it restarts in the middle. Their jobs never end.
	"CreateVmInstance/restart":                   "indeterminate transient",
	"CreateVmInstanceFromVolume/restart":         "indeterminate transient",
	"CreateVmInstanceFromVolumeSnapshot/restart": "indeterminate transient",
	"DestroyVmInstance/restart":                  "indeterminate transient",
	"DeleteDataVolume/restart":                   "indeterminate transient",
}

// TestFaultMatrix does every mutating operation under every fault and compares
// how it ends with the table.
func TestFaultMatrix(t *testing.T) {
	for title, op := range matrixOperations() {
		operation, _, _ := strings.Cut(title, " ")
		for _, fault := range faultMatrix {
			name := title + "/" + fault.name
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					rules := ""
					if fault.rule != "" {
						rules = fmt.Sprintf("- {operation: %s, %s}\n", operation, fault.rule)
					}
					server := newDatacenter(t, rules)
					defer func() { _ = server.Close() }()
					transport := &inProcess{handler: server}
					s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: transport})
					for _, before := range op.before(s) {
						s.do(testKey, before)
					}
					step := planner.Step{ID: "m", Key: testKey, UUID: testScope.MachineUUID(testKey, 0), Op: op.op(s)}
					transport.misled = fault.misled
					got := s.underFault(step, op.done)
					if want := cmp.Or(faultExceptions[name], fault.want); got != want && (!strings.HasSuffix(want, " …") || !strings.HasPrefix(got, want[:len(want)-len(" …")])) {
						t.Errorf("%s ends as %q, want %q", name, got, want)
					}
				})
			})
		}
	}
}

// underFault performs a step as a run does, and says how it ended.
func (s *site) underFault(step planner.Step, done func(*site) bool) string {
	vms := len(s.server.VMs())
	outcome, tries := executor.Outcome{Retry: true}, 0
	for ; outcome.Retry && tries < 4; tries++ {
		outcome = s.driver.Perform(context.Background(), step, &s.rec)
	}
	more := len(s.server.VMs()) - vms
	if _, isCreate := step.Op.(planner.CreateVM); isCreate && (more > 1 || more != 1 && outcome.Status == executor.Succeeded) {
		s.t.Errorf("%d machines more", more)
	}
	s.server.SetFaults(nil)
	s.tellsTheTruth(outcome.Status, done(s))
	said := string(outcome.Status)
	if outcome.Failure != nil {
		said += " " + outcome.Failure.Class
		if outcome.Failure.Hint == "" || outcome.Failure.Message == "" {
			s.t.Errorf("the failure leaves open what to do: %+v", outcome.Failure)
		}
	}
	if tries > 1 {
		said += fmt.Sprintf(" after %d tries", tries)
	}
	return said
}
