package cloud

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"zfleet/internal/zstack"
	"zfleet/planner"
	"zfleet/spec"
)

// between stands between client and server. Where it gives no answer, the
// server does.
type between struct {
	server http.RoundTripper
	answer func(*http.Request) (*http.Response, error)
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.answer != nil {
		if response, err := b.answer(r); response != nil || err != nil {
			return response, err
		}
	}
	return b.server.RoundTrip(r)
}

// What a request is for.
func isChange(r *http.Request) bool { return r.Header.Get("X-Job-UUID") != "" }
func isPoll(r *http.Request) bool   { return strings.Contains(r.URL.Path, "/api-jobs/") }
func isLook(r *http.Request) bool   { return r.Method == http.MethodGet && !isPoll(r) }

// answered gives an answer to some requests; a status of 0 is a connection that ends.
func answered(status int, text string, which ...func(*http.Request) bool) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		for _, is := range which {
			if !is(r) {
				continue
			}
			if status == 0 {
				return nil, io.ErrUnexpectedEOF
			}
			w := httptest.NewRecorder()
			w.WriteHeader(status)
			_, _ = w.WriteString(text)
			return w.Result(), nil
		}
		return nil, nil
	}
}

// refused finds nobody listening.
func refused(r *http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 8080}, Err: errors.New("connect: connection refused")}
}

// dripping begins an answer to a change, and does not end it.
func dripping(r *http.Request) (*http.Response, error) {
	if !isChange(r) {
		return nil, nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: &drip{r.Context()}}, nil
}

// drip is a body of which a byte comes every second.
type drip struct{ ctx context.Context }

func (d *drip) Read(p []byte) (int, error) {
	if err := wait(d.ctx, time.Second); err != nil {
		return 0, err
	}
	p[0] = ' '
	return 1, nil
}

func (d *drip) Close() error { return nil }

// oversized answers a change by more than an answer may hold.
func oversized(r *http.Request) (*http.Response, error) {
	if !isChange(r) && !isPoll(r) {
		return nil, nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(make([]byte, 64<<20+1)))}, nil
}

// TestMessages reads what the operator is told about a renaming that something
// is in the way of: what happened, and what to do.
func TestMessages(t *testing.T) {
	const update = "- {operation: UpdateVmInstance, "
	for _, c := range []struct {
		name, rules string
		answer      func(*http.Request) (*http.Response, error)
		want        string
	}{
		{"password changed in the middle", update + "fault: expire}\n" +
			"- {operation: LogInByAccount, after: 1, fault: error, error: {code: ID.1000, description: Wrong password}}", nil,
			"failed auth\nLogInByAccount: wrong account name or password\ncheck the account name and the password; then run the command again"},
		{"session ends again and again", update + "fault: expire}", nil,
			"failed auth\nLogInByAccount: the session was ended three times within ten minutes\nanother login of the account may end it: use an access key; then run the command again"},
		{"session ends in each job", update + "fault: error, error: {code: SYS.1006, cause: {code: ID.1001, description: Session expired}}}", nil,
			"failed auth\nLogInByAccount: the session was ended three times within ten minutes\nanother login of the account may end it: use an access key; then run the command again"},
		{"management server is starting", update + "fault: error, error: {code: SYS.1010, description: Management node not ready}}", nil,
			"failed transport\nthe management server is starting (SYS.1010: Management node not ready)\nrun the command again; it looks at the machine first"},
		{"management node left", update + "fault: error, error: {code: SYS.1012, description: Node left}}", nil,
			"failed transient\nthe management node left (SYS.1012: Node left)\nrun the command again; it looks at the machine first"},
		{"proxy", update + "fault: garbage, status: 502, text: <html><h1>Bad Gateway</h1></html>}", nil,
			"failed transport\nUpdateVmInstance: no usable answer: status 502: <html><h1>Bad Gateway</h1></html>; the server has no job 00000000000000000000000000000002\nrun the command again; it looks at the machine first"},
		{"proxy for all but the change", "", answered(502, "<html>Bad Gateway</html>", isPoll, isLook),
			"indeterminate transport\nUpdateVmInstance: the outcome of job 00000000000000000000000000000002 is unknown: it did not end within 20s; asking for the job: status 502: <html>Bad Gateway</html>\nrun the command again; it looks at the machine first"},
		{"truncated JSON", update + "fault: garbage, text: '{\"inventory\":'}", nil,
			"failed transport\nUpdateVmInstance: no usable answer: status 200: the answer is no complete JSON; the server has no job 00000000000000000000000000000002\nrun the command again; it looks at the machine first"},
		{"no server of ours", update + "fault: garbage, status: 404, text: <html>nginx</html>}", nil,
			"failed input\nUpdateVmInstance: refused with status 404: <html>nginx</html>\nsomething other than the API answered: check the endpoint and what stands before it, then run the command again"},
		{"202 for ever", "", answered(202, "{}", isPoll),
			"succeeded"},
		{"202 for ever and nothing to look at", "", answered(202, "{}", isPoll, isChange),
			"indeterminate transient\nUpdateVmInstance: the outcome of job 00000000000000000000000000000002 is unknown: it did not end within 20s\nrun the command again; it looks at the machine first"},
		{"nothing of ours, and silent", "", answered(404, "", isPoll, isChange),
			"failed input\nUpdateVmInstance: refused with status 404: no text\nsomething other than the API answered: check the endpoint and what stands before it, then run the command again"},
		{"no answer", update + "fault: hang}", nil,
			"failed transport\nUpdateVmInstance: no usable answer: no answer within 30s; the server has no job 00000000000000000000000000000002\nrun the command again; it looks at the machine first"},
		{"connection ends, whatever is asked", "", answered(0, "", isPoll, isLook, isChange),
			"indeterminate transport\nUpdateVmInstance: the outcome of job 00000000000000000000000000000002 is unknown: unexpected EOF; asking for the job: unexpected EOF\nrun the command again; it looks at the machine first"},
		{"connection ends after the change", "", answered(0, "", isPoll, isChange),
			"indeterminate transport\nUpdateVmInstance: the outcome of job 00000000000000000000000000000002 is unknown: unexpected EOF; asking for the job: unexpected EOF\nrun the command again; it looks at the machine first"},
		{"connection refused", "", refused,
			"failed transport\nUpdateVmInstance: not sent: dial tcp 10.0.0.2:8080: connect: connection refused\ncheck the endpoint, the server and the network, then run the command again"},
		{"an answer that drips", "", dripping,
			"failed transport\nUpdateVmInstance: no usable answer: the answer did not end within 30s; the server has no job 00000000000000000000000000000002\nrun the command again; it looks at the machine first"},
		{"oversized", "", oversized,
			"indeterminate transport\nUpdateVmInstance: the outcome of job 00000000000000000000000000000002 is unknown: the answer is larger than 64 MiB; asking for the job: the answer is larger than 64 MiB\nrun the command again; it looks at the machine first"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newDatacenter(t, c.rules)
				defer func() { _ = server.Close() }()
				way := &between{server: &inProcess{handler: server}}
				s := siteOf(t, server, zstack.Config{Endpoint: "http://zstack", Transport: way})
				s.do(testKey, planner.CreateVM{Blueprint: s.blueprint(testKey, spec.FromImage, "centos-7.9")})
				way.answer = c.answer
				step := planner.Step{ID: "m", Key: testKey, UUID: testScope.MachineUUID(testKey, 0), Op: planner.UpdateVM{Name: new("renamed")}}
				outcome := s.driver.Perform(context.Background(), step, &s.rec)
				got := string(outcome.Status)
				if f := outcome.Failure; f != nil {
					got += " " + f.Class + "\n" + f.Message + "\n" + f.Hint
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Errorf("%s (-want +got):\n%s", c.name, d)
				}
			})
		})
	}
}
