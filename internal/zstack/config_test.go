package zstack

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBaseURL(t *testing.T) {
	for _, test := range []struct{ endpoint, want, wantErr string }{
		{endpoint: "http://10.0.0.2:8080", want: "http://10.0.0.2:8080/zstack/v1"},
		{endpoint: "http://10.0.0.2:8080/", want: "http://10.0.0.2:8080/zstack/v1"},
		{endpoint: "https://cloud.example", want: "https://cloud.example/zstack/v1"},
		{endpoint: "https://cloud.example/base", want: "https://cloud.example/base/zstack/v1"},
		{endpoint: "https://cloud.example/base/", want: "https://cloud.example/base/zstack/v1"},
		{endpoint: "https://cloud.example/zstack/v1", want: "https://cloud.example/zstack/v1"},
		{endpoint: "https://cloud.example/zstack/v1/", want: "https://cloud.example/zstack/v1"},
		{endpoint: "https://cloud.example/api/v1", want: "https://cloud.example/api/v1"},
		{endpoint: "https://cloud.example/notv1", want: "https://cloud.example/notv1/zstack/v1"},
		{endpoint: "http://[fd00::2]:8080", want: "http://[fd00::2]:8080/zstack/v1"},
		{endpoint: "", wantErr: "no endpoint"},
		{endpoint: "10.0.0.2:8080", wantErr: "http://10.0.0.2:8080"},
		{endpoint: "ftp://10.0.0.2", wantErr: "must begin with http"},
		{endpoint: "http://", wantErr: "names no host"},
		{endpoint: "http://:8080", wantErr: "names no host"},
		{endpoint: "http://admin:hunter2@10.0.0.2", wantErr: "no user or password"},
		{endpoint: "http://admin:hunter2@10.0.0.2:port", wantErr: "is no URL"},
		{endpoint: "http://10.0.0.2/?a=b", wantErr: "leave out"},
		{endpoint: "http://10.0.0.2/#top", wantErr: "leave out"},
	} {
		got, err := (&Config{Endpoint: test.endpoint}).baseURL()
		if test.wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), test.wantErr) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("baseURL(%q): error %v, want one with %q and no secret", test.endpoint, err, test.wantErr)
			}
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("baseURL(%q) = %v, %v, want %s", test.endpoint, got, err, test.want)
		}
	}
}

func TestNewRefusesBadConfig(t *testing.T) {
	good := Config{Endpoint: "http://10.0.0.2", AccountName: "admin", AccountPassword: "hunter2"}
	for name, change := range map[string]func(*Config){
		"no credentials":    func(c *Config) { c.AccountName, c.AccountPassword = "", "" },
		"no password":       func(c *Config) { c.AccountPassword = "" },
		"half an access":    func(c *Config) { c.AccessKeyID = "id" },
		"colon in key id":   func(c *Config) { c.AccessKeyID, c.AccessKeySecret = "a:b", "s" },
		"newline in key id": func(c *Config) { c.AccessKeyID, c.AccessKeySecret = "a\n", "s" },
		"negative rate":     func(c *Config) { c.RequestsPerSecond = -1 },
		"negative timeout":  func(c *Config) { c.RequestTimeout = -1 },
		"missing CA file":   func(c *Config) { c.CAFile = filepath.Join(t.TempDir(), "none.pem") },
	} {
		cfg := good
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	if _, err := New(good); err != nil {
		t.Errorf("good config: %v", err)
	}
}

func TestCAFile(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"success":true,"version":"5.2.1"}`))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the refused handshake
	server.StartTLS()
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, block, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	own := func(change func(*Config)) (*Client, error) {
		cfg := Config{Endpoint: server.URL, AccountName: "admin", AccountPassword: "p"}
		change(&cfg)
		return New(cfg)
	}
	if _, err := own(func(c *Config) { c.CAFile = empty }); err == nil {
		t.Error("a CA file without a certificate was accepted")
	}
	for name, change := range map[string]func(*Config){
		"CA file":  func(c *Config) { c.CAFile = file },
		"insecure": func(c *Config) { c.InsecureSkipVerify = true },
	} {
		c, err := own(change)
		if err != nil {
			t.Fatal(err)
		}
		if version, err := c.Version(t.Context()); err != nil || version != "5.2.1" {
			t.Errorf("%s: Version = %q, %v", name, version, err)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
	c, err := own(func(*Config) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	_, err = c.exchange(t.Context(), &request{operation: "GetVersion", method: "GET", path: "/x"}, nil)
	var notSent *NotSentError
	if !errors.As(err, &notSent) {
		t.Errorf("an unknown certificate: %v, want *NotSentError", err)
	}
}

// The client's own transport must tell a refused dial, before which nothing can
// have been sent, from a connection that broke.
func TestOwnTransportLoss(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer broken.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	exchange := func(endpoint string, ctx context.Context) error {
		c, err := New(Config{Endpoint: endpoint, AccountName: "admin", AccountPassword: "p"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		_, err = c.exchange(ctx, &request{operation: "X", method: http.MethodPost, path: "/x", body: []byte("{}")}, nil)
		return err
	}
	var notSent *NotSentError
	var lost *lostError
	if err := exchange(gone.URL, t.Context()); !errors.As(err, &notSent) {
		t.Errorf("refused dial: %v, want *NotSentError", err)
	}
	if err := exchange(broken.URL, t.Context()); !errors.As(err, &lost) {
		t.Errorf("broken connection: %v, want *lostError", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := exchange(broken.URL, cancelled); !errors.As(err, &notSent) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before sending: %v, want *NotSentError of context.Canceled", err)
	}
}
