package zstack

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// TestAgain: a request that the server has not seen leaves once more under its
// own job UUID, where the caller wants that, and never under another.
func TestAgain(t *testing.T) {
	unknown := reply{status: 404, body: "the job has been expired"}
	for _, test := range []struct {
		name      string
		post      []reply
		poll      []reply
		wanted    []bool // what the caller says, each time that it is asked; nil: it takes no part
		want      string
		posts     int
		questions int
	}{
		{"nobody asked", []reply{{err: errReset}}, []reply{unknown}, nil, "unknown jobUnknown=true", 1, 0},
		{"not wanted", []reply{{err: errReset}}, []reply{unknown}, []bool{false}, "unknown jobUnknown=true", 1, 1},
		{"lost once", []reply{{err: errReset}, {status: 202, body: jobAt(testJob)}}, []reply{unknown, {status: 200, body: finished}},
			[]bool{true}, "ok", 2, 1},
		{"a proxy's page, then the first one had come in late",
			[]reply{{status: 502, body: page}, {status: 400, body: "Duplicate job uuid[" + testJob + "]"}},
			[]reply{unknown, {status: 202, body: running}, {status: 200, body: finished}}, []bool{true}, "ok", 2, 1},
		{"lost for good", []reply{{err: errReset}}, []reply{unknown}, []bool{true, true, true}, "unknown jobUnknown=true", 3, 2},
		{"wanted no more", []reply{{err: errReset}}, []reply{unknown}, []bool{true, false}, "unknown jobUnknown=true", 2, 2},
		{"the second does not leave", []reply{{err: errReset}, {err: errRefused}}, []reply{unknown}, []bool{true}, "unknown jobUnknown=true", 2, 1},
		{"seen, the job is lost later", []reply{{status: 202, body: jobAt(testJob)}}, []reply{unknown}, []bool{true}, "unknown jobUnknown=true", 1, 0},
		{"seen while asked for, lost later", []reply{{err: errReset}}, []reply{{status: 202, body: running}, unknown}, []bool{true}, "unknown jobUnknown=true", 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: map[string][]reply{post: test.post, poll: test.poll}}
				c := newTestClient(t, server)
				call, questions, sent := createCall(), 0, 0
				call.Sent = func() { sent++ }
				if test.wanted != nil {
					call.Again = func(context.Context) bool { questions++; return test.wanted[questions-1] }
				}
				_, err := c.Do(t.Context(), call)
				if got := outcome(err); got != test.want {
					t.Errorf("outcome %q, want %q (%v)", got, test.want, err)
				}
				var posts []exchanged
				for _, e := range server.got {
					if e.line() == post {
						posts = append(posts, e)
					}
				}
				if len(posts) != test.posts || questions != test.questions || sent != 1 {
					t.Fatalf("%d requests, %d questions, Sent %d times; want %d, %d and 1", len(posts), questions, sent, test.posts, test.questions)
				}
				for _, e := range posts[1:] {
					if diff := cmp.Diff([]string{posts[0].Body, testJob}, []string{e.Body, e.Header.Get(headerJobUUID)}); diff != "" {
						t.Errorf("the request that leaves again is another (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}
