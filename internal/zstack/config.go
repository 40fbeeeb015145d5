package zstack

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// defaultRequestTimeout bounds one exchange; the server answers calls at once
// and leaves the work to a job.
const defaultRequestTimeout = 30 * time.Second

// Config says where the server is and who asks. An access key wins over a
// password.
type Config struct {
	// Endpoint is an http or https URL. Its path is optional: one that ends in
	// /v1 is taken as it is, to any other /zstack/v1 is appended.
	Endpoint string

	AccountName, AccountPassword string
	AccessKeyID, AccessKeySecret string

	CAFile             string // PEM, trusted in addition to the system's
	InsecureSkipVerify bool   // do not check the server's certificate

	RequestsPerSecond float64       // of every kind together; 0: no limit
	RequestTimeout    time.Duration // of one HTTP exchange; 0: 30 s

	// ReadOnly sends only what stands in a closed table of requests that change
	// nothing: queries of known collections, quotas, capacities and free
	// addresses, the server's version and clock, logging in, and ending the
	// client's own session. All else is a [NotSentError].
	ReadOnly bool

	Transport http.RoundTripper // nil: the client's own, with CAFile and proxies of the environment
	Log       *slog.Logger      // nil: nothing is logged; secrets and session ids never are
}

// baseURL is the endpoint up to and including /v1, without a trailing slash.
func (cfg *Config) baseURL() (*url.URL, error) {
	if cfg.Endpoint == "" {
		return nil, errors.New("no endpoint: give the server's URL, like http://10.0.0.2:8080")
	}
	base, err := url.Parse(cfg.Endpoint)
	if err != nil {
		// The parser's error repeats the text, which may hold a password.
		return nil, errors.New("the endpoint is no URL: write it like http://10.0.0.2:8080")
	}
	switch {
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, errors.New("the endpoint must begin with http:// or https://, like http://10.0.0.2:8080")
	case base.Hostname() == "":
		return nil, errors.New("the endpoint names no host: write it like http://10.0.0.2:8080")
	case base.User != nil:
		return nil, errors.New("the endpoint must hold no user or password: give the account apart from it")
	case base.RawQuery != "" || base.Fragment != "" || base.ForceQuery:
		return nil, errors.New("the endpoint must end with its path: leave out what follows ? or #")
	}
	path := strings.TrimRight(base.Path, "/")
	switch {
	case strings.HasSuffix(path, "/zstack"):
		path += "/v1"
	case !strings.HasSuffix(path, "/v1"):
		path += "/zstack/v1"
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path}, nil
}

func (cfg *Config) check() error {
	switch {
	case (cfg.AccessKeyID == "") != (cfg.AccessKeySecret == ""):
		return errors.New("an access key needs both its id and its secret")
	case cfg.AccessKeyID != "" && strings.ContainsAny(cfg.AccessKeyID, ": \t\r\n"):
		return errors.New("the access key id must not hold a colon or white space: check that it was copied whole")
	case cfg.AccessKeyID == "" && (cfg.AccountName == "" || cfg.AccountPassword == ""):
		return errors.New("no credentials: give an account name and password, or an access key id and secret")
	case cfg.RequestsPerSecond < 0:
		return errors.New("requests per second must not be negative: 0 means no limit")
	case cfg.RequestTimeout < 0:
		return errors.New("the request timeout must not be negative: 0 means 30 s")
	}
	return nil
}

// transport is the configured one, or a clone of the default with the CA file.
func (cfg *Config) transport() (http.RoundTripper, error) {
	if cfg.Transport != nil {
		return cfg.Transport, nil
	}
	own, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default HTTP transport was replaced: give a transport in the configuration")
	}
	own = own.Clone()
	own.MaxIdleConnsPerHost = 32
	own.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: cfg.InsecureSkipVerify}
	if cfg.CAFile != "" {
		pool, err := certPool(cfg.CAFile)
		if err != nil {
			return nil, err
		}
		own.TLSClientConfig.RootCAs = pool
	}
	return own, nil
}

func certPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the CA file cannot be read: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the CA file %s holds no certificate: it must be PEM", file)
	}
	return pool, nil
}
