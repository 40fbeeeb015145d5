package zstack

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// A session that ends more often than maxRenewals in renewalWindow is being
// ended by someone: logging in again only fights with them.
const (
	maxRenewals   = 3
	renewalWindow = 10 * time.Minute
)

// passwordSession logs in with a name and a password when first needed, and
// again when the session has ended. The generation is the session's id.
type passwordSession struct {
	client         *Client
	name, password string
	flight         singleflight.Group

	mu       sync.Mutex
	id       string // empty: not logged in
	ending   string // the one that is being ended
	owner    string // account UUID
	refused  error  // the server knows the account or its password no more
	renewals renewalLog
}

func newPasswordSession(c *Client, name, password string) *passwordSession {
	return &passwordSession{client: c, name: name, password: password, renewals: renewalLog{most: maxRenewals}}
}

func (s *passwordSession) authorize(ctx context.Context, _, _ string) (http.Header, string, error) {
	id, _ := s.current()
	if id == "" {
		if err := s.replace(ctx, ""); err != nil {
			return nil, "", err
		}
		id, _ = s.current()
	}
	return http.Header{"Authorization": {"OAuth " + id}}, id, nil
}

func (s *passwordSession) renew(ctx context.Context, generation string) error {
	return s.replace(ctx, generation)
}

func (s *passwordSession) stale(code ErrorCode) bool { return code.isSessionExpired() }

func (s *passwordSession) account(ctx context.Context) (string, error) {
	if _, _, err := s.authorize(ctx, "", ""); err != nil {
		return "", err
	}
	_, owner := s.current()
	if owner == "" {
		return "", &UnknownError{Operation: opLogin, Err: errors.New("the answer names no account")}
	}
	return owner, nil
}

func (s *passwordSession) current() (id, owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id, s.owner
}

// replace logs in unless the session is no longer the old one. All callers that
// saw the same old session wait for one login; it goes on when one of them
// leaves, for the sake of the others.
func (s *passwordSession) replace(ctx context.Context, old string) error {
	result := s.flight.DoChan(old, func() (any, error) {
		s.mu.Lock()
		changed, refused := s.id != old, s.refused
		allowed := changed || refused != nil || old == "" || s.renewals.take(time.Now())
		s.mu.Unlock()
		switch {
		case changed:
			return nil, nil
		case refused != nil:
			return nil, refused // asking again can only lock the account
		case !allowed:
			return nil, &AuthError{
				Operation: opLogin, Reason: "the session was ended three times within ten minutes",
				Advice: "another login of the account may end it: use an access key",
			}
		}
		return nil, s.login(context.WithoutCancel(ctx))
	})
	select {
	case r := <-result:
		return r.Err
	case <-ctx.Done():
		return &NotSentError{opLogin, ctx.Err()}
	}
}

const opLogin = "LogInByAccount"

func (s *passwordSession) login(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"logInByAccount": map[string]string{
		"accountName": s.name, "password": s.hash(),
	}})
	if err != nil {
		return &NotSentError{opLogin, err}
	}
	var reply struct {
		Inventory struct {
			UUID        string `json:"uuid"`
			AccountUUID string `json:"accountUuid"`
		} `json:"inventory"`
	}
	err = s.client.readInto(ctx, &request{
		operation: opLogin, method: http.MethodPut, path: "/accounts/login", body: body,
	}, &reply)
	if err == nil && !isSegment(reply.Inventory.UUID) {
		// It becomes part of the path that ends it.
		err = errors.New("the answer holds no session")
	}
	if err != nil {
		return s.loginFailed(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.owner = reply.Inventory.UUID, reply.Inventory.AccountUUID
	return nil
}

// loginFailed is what a failed login means. A wrong password stays wrong.
func (s *passwordSession) loginFailed(err error) error {
	err = loginError(err)
	var auth *AuthError
	if errors.As(err, &auth) && auth.Code.Deepest().Code == codeWrongPassword {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.refused = err
	}
	return err
}

// hash is the password in the form that goes over the wire.
func (s *passwordSession) hash() string {
	sum := sha512.Sum512([]byte(s.password))
	return hex.EncodeToString(sum[:])
}

func (s *passwordSession) secrets() []string {
	id, _ := s.current()
	return []string{id, s.hash()}
}

// loginError turns what went wrong with a login into what it means for the call
// that needed it: that call was not sent.
func loginError(err error) error {
	var (
		api     *APIError
		refused *RefusedError
		notSent *NotSentError
		unknown *UnknownError
	)
	switch {
	case errors.As(err, &api) && api.Code.isAboutLogin():
		auth := &AuthError{Operation: opLogin, Reason: "the server does not let the account log in", Code: api.Code}
		switch api.Code.Deepest().Code {
		case codeWrongPassword:
			auth.Reason, auth.Advice = "wrong account name or password", "check the account name and the password"
		case codeManySessions:
			auth.Reason, auth.Advice = "the account has too many sessions", "end some of them or wait until they expire"
		default:
			auth.Advice = "log in with the web console to see what it asks for"
		}
		return auth
	case errors.As(err, &api), errors.As(err, &refused), errors.As(err, &notSent):
		return err
	case errors.As(err, &unknown):
		return &NotSentError{opLogin, unknown.Err}
	}
	return &NotSentError{opLogin, err}
}

func (s *passwordSession) owns(session string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return session != "" && (session == s.id || session == s.ending)
}

func (s *passwordSession) end(ctx context.Context) error {
	s.mu.Lock()
	id := s.id
	s.id, s.ending = "", id
	s.mu.Unlock()
	if id == "" {
		return nil
	}
	_, err := s.client.read(ctx, &request{
		operation: "LogOut", method: http.MethodDelete, path: "/accounts/sessions/" + id, secret: true,
	})
	return err
}

// renewalLog counts renewals in a sliding window. Its owner guards it.
type renewalLog struct {
	most  int
	times []time.Time // at most most, oldest first
}

// take notes a renewal, or reports that there were too many already.
func (l *renewalLog) take(now time.Time) bool {
	for len(l.times) > 0 && now.Sub(l.times[0]) >= renewalWindow {
		l.times = l.times[1:]
	}
	if len(l.times) >= l.most {
		return false
	}
	l.times = append(l.times, now)
	return true
}
