package zstack

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAnswerThatDrips: the time of an exchange bounds its whole answer, over a
// real connection too.
func TestAnswerThatDrips(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := http.NewResponseController(w)
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = out.Flush()
			time.Sleep(time.Millisecond)
		}
	}))
	defer server.Close()
	client, err := New(Config{Endpoint: server.URL, AccountName: "a", AccountPassword: "p", RequestTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.exchange(t.Context(), &request{operation: "GetVersion", method: http.MethodPut, path: "/management-nodes/actions", body: []byte("{}")}, nil)
	if err == nil || !strings.Contains(err.Error(), "the answer did not end within 50ms") {
		t.Errorf("got %v", err)
	}
}
