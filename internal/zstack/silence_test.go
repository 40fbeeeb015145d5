package zstack

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// TestUnanswered: who waits for a job hears once that the server is silent, and
// once that it is not any more.
func TestUnanswered(t *testing.T) {
	refused, gateway, ended := reply{err: errRefused}, reply{status: 502, body: page}, reply{status: 200, body: finished}
	goesOn := reply{status: 202, body: running}
	for name, test := range map[string]struct {
		sent  reply
		polls []reply
		want  []string
	}{
		"never":          {reply{status: 202, body: jobAt(testJob)}, []reply{goesOn, goesOn, ended}, nil},
		"for a while":    {reply{status: 202, body: jobAt(testJob)}, []reply{goesOn, refused, gateway, refused, goesOn, goesOn, ended}, []string{"dial tcp: connection refused", ""}},
		"twice":          {reply{status: 202, body: jobAt(testJob)}, []reply{gateway, goesOn, gateway, ended}, []string{"status 502: <html> <h1>502 Bad Gateway</h1></html>", "", "status 502: <html> <h1>502 Bad Gateway</h1></html>"}},
		"after the call": {reply{err: errReset}, []reply{refused, refused, goesOn, ended}, []string{"dial tcp: connection refused", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var heard []string
				call := createCall()
				call.Unanswered = func(why error) {
					text := ""
					if why != nil {
						text = why.Error()
					}
					heard = append(heard, text)
				}
				server := &script{answers: map[string][]reply{post: {test.sent}, poll: test.polls}}
				if _, err := newTestClient(t, server).Do(t.Context(), call); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, heard); diff != "" {
					t.Errorf("heard (-want +got):\n%s", diff)
				}
			})
		})
	}
}
