package cloud

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// nodeLeaves is a server whose node leaves when the first job is asked for: that
// job has failed, and no machine can be read for a while.
type nodeLeaves struct {
	inProcess
	away time.Duration
	back time.Time
	job  string // the path of the job that has failed
}

func (n *nodeLeaves) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.job == "" && n.away > 0 && strings.Contains(r.URL.Path, "/api-jobs/") {
		n.job, n.back = r.URL.Path, time.Now().Add(n.away)
	}
	reads := r.Method == http.MethodGet && !strings.Contains(r.URL.Path, "/api-jobs/")
	if r.URL.Path != n.job && (!reads || time.Now().After(n.back)) {
		return n.inProcess.RoundTrip(r)
	}
	answer := httptest.NewRecorder()
	says(http.StatusServiceUnavailable, `{"error": {"code": "SYS.1012", "description": "management node left"}}`)(answer, r)
	return answer.Result(), nil
}

// TestServerAwayAfterAFailedJob: what became of a request is not left open for
// the reason that the server cannot be asked for some minutes.
func TestServerAwayAfterAFailedJob(t *testing.T) {
	stop := []planner.Op{planner.AddTag{Tag: testScope.RestartTag()}, planner.StopVM{}}
	for name, test := range map[string]struct {
		before []planner.Op // after the create, while the server is there
		away   time.Duration
		want   executor.Status
	}{
		"create":                    {nil, 3 * time.Minute, executor.Succeeded},
		"create, and it stays away": {nil, time.Hour, executor.Indeterminate},
		"stop":                      {stop[:1], 3 * time.Minute, executor.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newDatacenter(t, "")
				defer func() { _ = server.Close() }()
				wire := &nodeLeaves{inProcess: inProcess{handler: server}}
				s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: wire})
				run := NewDriver(s.client, Options{Scope: testScope})
				var op planner.Op = planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")}
				if test.before != nil {
					s.performAs(t.Context(), run, append([]planner.Op{op}, test.before...)...)
					op = stop[1]
				}
				wire.away = test.away
				if got := s.performAs(t.Context(), run, op); got.Status != test.want || got.Failure != nil && got.Failure.Hint == "" {
					t.Errorf("it ended %s %+v, want %s", got.Status, got.Failure, test.want)
				}
			})
		})
	}
}
