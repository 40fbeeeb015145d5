package zstack

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the server's signature scheme
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// accessKey signs each request. The server compares the Date header with its own
// wall clock and ignores the zone, so the clock is read first. The generation
// counts readings.
type accessKey struct {
	client     *Client
	id, secret string
	flight     singleflight.Group

	mu       sync.Mutex
	reading  int // 0: not read yet
	clock    serverClock
	renewals renewalLog
}

// serverClock is the difference between the server's clock and this machine's.
type serverClock struct {
	ahead time.Duration
	zone  *time.Location
}

func newAccessKey(c *Client, id, secret string) *accessKey {
	return &accessKey{client: c, id: id, secret: secret, renewals: renewalLog{most: 1}}
}

func (k *accessKey) authorize(ctx context.Context, method, path string) (http.Header, string, error) {
	clock, reading := k.current()
	if reading == 0 {
		if err := k.replace(ctx, 0); err != nil {
			return nil, "", err
		}
		clock, reading = k.current()
	}
	date := clock.date(time.Now())
	return http.Header{
		"Authorization": {"ZStack " + k.id + ":" + sign(k.secret, method, date, "/v1"+path)},
		"Date":          {date},
	}, strconv.Itoa(reading), nil
}

// sign returns the signature of a request: of its method, date and path, not of
// its query and body.
func sign(secret, method, date, path string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(method + "\n" + date + "\n" + path))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// date is the server's wall time as the server reads it: a day of two digits,
// and a zone that is GMT or an offset with a colon.
func (c serverClock) date(now time.Time) string {
	local := now.Add(c.ahead).In(c.zone)
	layout := "Mon, 02 Jan 2006 15:04:05 -07:00"
	if _, offset := local.Zone(); offset == 0 {
		layout = "Mon, 02 Jan 2006 15:04:05 GMT"
	}
	return local.Format(layout)
}

func (k *accessKey) current() (serverClock, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.clock, k.reading
}

// renew reads the clock again, once in ten minutes: a signature that is refused
// after that is refused because of the key.
func (k *accessKey) renew(ctx context.Context, generation string) error {
	reading, err := strconv.Atoi(generation)
	if err != nil {
		return nil // nothing was signed with this key
	}
	return k.replace(ctx, reading)
}

func (k *accessKey) replace(ctx context.Context, old int) error {
	result := k.flight.DoChan(strconv.Itoa(old), func() (any, error) {
		k.mu.Lock()
		changed := k.reading != old
		allowed := changed || old == 0 || k.renewals.take(time.Now())
		k.mu.Unlock()
		switch {
		case changed:
			return nil, nil
		case !allowed:
			return nil, &AuthError{
				Operation: "AccessKey", Reason: "the server does not accept the access key",
				Advice: "check its id, its secret and that it is enabled",
			}
		}
		return nil, k.readClock(context.WithoutCancel(ctx))
	})
	select {
	case r := <-result:
		return r.Err
	case <-ctx.Done():
		return &NotSentError{"AccessKey", ctx.Err()}
	}
}

func (k *accessKey) readClock(ctx context.Context) error {
	clock, err := k.client.serverClock(ctx)
	if err != nil {
		return loginError(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.clock = clock
	k.reading++
	return nil
}

// anyone is a header for the calls that ask for one and do not look into it.
var anyone = []string{"OAuth none"}

// serverClock reads the server's time and zone; both need no account.
func (c *Client) serverClock(ctx context.Context) (serverClock, error) {
	var zone struct {
		Timezone string `json:"timezone"`
		Offset   string `json:"offset"`
	}
	err := c.readInto(ctx, &request{
		operation: "GetPlatformTimeZone", method: http.MethodGet, path: "/management-nodes/platform-timezone",
		header: http.Header{"Authorization": anyone},
	}, &zone)
	if err != nil {
		return serverClock{}, err
	}
	location, err := parseZone(zone.Offset, zone.Timezone)
	if err != nil {
		return serverClock{}, err
	}
	var now struct {
		CurrentTime struct {
			Millis int64 `json:"MillionSeconds"`
		} `json:"currentTime"`
	}
	err = c.readInto(ctx, &request{
		operation: "GetCurrentTime", method: http.MethodPut, path: "/management-nodes/actions",
		body:   []byte(`{"getCurrentTime":{}}`),
		header: http.Header{"Authorization": anyone},
	}, &now)
	if err != nil {
		return serverClock{}, err
	}
	if now.CurrentTime.Millis <= 0 {
		return serverClock{}, errors.New("the server does not say what time it is")
	}
	return serverClock{ahead: time.Until(time.UnixMilli(now.CurrentTime.Millis)), zone: location}, nil
}

var offsetPattern = regexp.MustCompile(`^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$`)

// parseZone reads the server's offset from UTC, like +08:00, UTC+8 or Z; where
// that says nothing, the name of its zone.
func parseZone(offset, name string) (*time.Location, error) {
	for _, text := range []string{strings.TrimSpace(offset), strings.TrimSpace(name)} {
		switch strings.ToUpper(text) {
		case "":
			continue
		case "Z", "UTC", "GMT":
			return time.UTC, nil
		}
		if m := offsetPattern.FindStringSubmatch(strings.ToUpper(text)); m != nil {
			hours, _ := strconv.Atoi(m[2])
			minutes, _ := strconv.Atoi("0" + m[3])
			seconds := hours*3600 + minutes*60
			if m[1] == "-" {
				seconds = -seconds
			}
			return time.FixedZone("", seconds), nil
		}
		if text != "Local" {
			if location, err := time.LoadLocation(text); err == nil {
				return location, nil
			}
		}
	}
	return nil, fmt.Errorf("the server's time zone %q (%q) cannot be read: log in with a password instead", oneLine(name), oneLine(offset))
}

// stale reports whether the server complained of the signature. The complaint
// has no code of its own; these English words stand in its details.
func (k *accessKey) stale(code ErrorCode) bool {
	for _, c := range code.Chain() {
		details := strings.ToLower(c.Details)
		if c.Code == codeSessionExpired || c.Code == codeWrongPassword ||
			strings.Contains(details, "wrong accesskey signature") || strings.Contains(details, "access key id") {
			return true
		}
	}
	return false
}

// ErrOwnerUnknown is the error of [Client.Account] for an access key that works,
// but whose account the server does not tell.
var ErrOwnerUnknown = errors.New("the server does not say whose the access key is; log in with a name and a password")

// account asks for the key's row. An account that may not read keys, or has
// more than one row to choose from, asks for the accounts that it may see: an
// ordinary account sees only itself.
func (k *accessKey) account(ctx context.Context) (string, error) {
	if byID, ok := Where("AccessKeyID", "=", k.id); ok {
		keys, err := List[accessKeyRow](ctx, k.client, "/accesskeys", byID)
		if err == nil && len(keys) == 1 && keys[0].AccessKeyID == k.id && keys[0].AccountUUID != "" {
			return keys[0].AccountUUID, nil
		}
	}
	accounts, err := List[accountRow](ctx, k.client, "/accounts")
	if err != nil {
		return "", err
	}
	if len(accounts) != 1 {
		return "", ErrOwnerUnknown
	}
	return accounts[0].UUID, nil
}

// secrets are none: the key's never leaves.
func (k *accessKey) secrets() []string { return nil }

// owns is for sessions, of which a key has none.
func (k *accessKey) owns(string) bool { return false }

func (k *accessKey) end(context.Context) error { return nil }
