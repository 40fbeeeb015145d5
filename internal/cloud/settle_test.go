package cloud

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/internal/zstack"
	"zfleet/planner"
)

// clientOf returns a client of a server in the same process, which is logged in.
func clientOf(t *testing.T, answer http.HandlerFunc) *zstack.Client {
	t.Helper()
	client, err := zstack.New(zstack.Config{Endpoint: "http://zstack", AccountName: "admin", AccountPassword: "password",
		Transport: &inProcess{handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/accounts/login") {
				_, _ = io.WriteString(w, `{"inventory":{"uuid":"5e5510","accountUuid":"acc"}}`)
				return
			}
			answer(w, r)
		})}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestSettle looks at all machines with one query, goes on when the server does
// not answer for a while, and ends when all are at rest or the time is over.
func TestSettle(t *testing.T) {
	machines := []planner.Waiting{{Key: "a", UUID: "u1", State: "Starting"}, {Key: "b", UUID: "u2", State: "Destroying"}, {Key: "c", UUID: "u3", State: "Created"}}
	for _, tt := range []struct {
		name  string
		looks []string // answers, as uuid state pairs; the last is repeated; "!" is none
		moved []string
		left  []planner.Waiting
		took  time.Duration
		most  int // queries
	}{
		{"at rest one after the other", []string{"u1 Starting u2 Destroying u3 Starting", "!", "!", "u1 Running u2 Destroying u3 Running", "", ""},
			[]string{"c Starting", "a Running", "c Running", "b "}, nil, 20 * time.Second, 5},
		{"never", []string{"u1 Starting u2 Destroying u3 Created"}, nil, machines, 2 * time.Minute, 30},
		{"unreachable", []string{"!"}, nil, machines, 2 * time.Minute, 90},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				queries := 0
				client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
					answer := tt.looks[min(queries, len(tt.looks)-1)]
					queries++
					if answer == "!" {
						panic(http.ErrAbortHandler)
					}
					fmt.Fprint(w, vmList(answer))
				})
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				var moved []string
				left, err := Settle(ctx, client, machines, func(m planner.Waiting) { moved = append(moved, m.Key+" "+m.State) })
				if err != nil {
					t.Fatal(err)
				}
				if len(left) == 0 {
					left = nil
				}
				if d := cmp.Diff(tt.left, left); d != "" {
					t.Errorf("left (-want +got):\n%s", d)
				}
				if d := cmp.Diff(tt.moved, moved); d != "" {
					t.Errorf("moved (-want +got):\n%s", d)
				}
				if took := time.Since(began); took > tt.took || tt.left != nil && took != tt.took || queries > tt.most {
					t.Errorf("%d queries in %s, want at most %d in %s", queries, took, tt.most, tt.took)
				}
			})
		})
	}
}

func vmList(pairs string) string {
	words := strings.Fields(pairs)
	var rows []string
	for i := 0; i+1 < len(words); i += 2 {
		rows = append(rows, fmt.Sprintf(`{"uuid":%q,"state":%q}`, words[i], words[i+1]))
	}
	return `{"inventories":[` + strings.Join(rows, ",") + `]}`
}

// TestFollowJobs asks for jobs that an earlier run sent.
func TestFollowJobs(t *testing.T) {
	const secret = "correct horse battery staple"
	synctest.Test(t, func(t *testing.T) {
		polls := make(map[string]int)
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			job := r.URL.Path[len(r.URL.Path)-1:]
			polls[job]++
			status, text := 202, "{}"
			switch {
			case job == "1" && polls[job] > 3:
				status, text = 200, `{"inventory":{}}`
			case job == "2":
				status, text = 503, `{"error":{"code":"SYS.1007","description":"bad value `+secret+`"}}`
			case job == "3":
				status, text = 404, "the job has been expired"
			}
			w.WriteHeader(status)
			fmt.Fprint(w, text)
		})
		d := NewDriver(client, Options{Scope: testScope, Secrets: map[string]string{"web.userData": secret}})
		var jobs []LateJob
		for n := range 4 {
			jobs = append(jobs, LateJob{UUID: strings.Repeat("0", 31) + fmt.Sprint(n+1), Operation: "CreateVmInstance"})
		}
		d.FollowJobs(t.Context(), jobs, time.Minute)
		var got []string
		for _, job := range jobs {
			text := fmt.Sprintf("%t %t", job.Ended, job.Forgotten)
			if job.Failure != nil {
				text += " " + job.Failure.Message
			}
			got = append(got, text)
		}
		want := []string{"true false", "true false the server refuses an argument (SYS.1007: bad value ***)", "false true", "false false"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}
