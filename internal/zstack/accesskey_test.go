package zstack

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The signature was computed with
//
//	printf 'GET\nThu, 06 Nov 2025 09:08:07 +08:00\n/v1/vm-instances' |
//	  openssl dgst -sha1 -hmac secret -binary | base64
func TestSign(t *testing.T) {
	const want = "txtSwAOnWrIj2OGuRQhdJMmeTjE="
	if got := sign("secret", "GET", "Thu, 06 Nov 2025 09:08:07 +08:00", "/v1/vm-instances"); got != want {
		t.Errorf("sign = %s, want %s", got, want)
	}
}

func TestServerDate(t *testing.T) {
	now := time.Date(2025, time.November, 6, 1, 8, 7, 0, time.UTC)
	for _, test := range []struct {
		offset, name string
		ahead        time.Duration
		want         string
	}{
		{offset: "+08:00", want: "Thu, 06 Nov 2025 09:08:07 +08:00"},
		{offset: "UTC+08:00", want: "Thu, 06 Nov 2025 09:08:07 +08:00"},
		{offset: "GMT+8", want: "Thu, 06 Nov 2025 09:08:07 +08:00"},
		{offset: "+0530", want: "Thu, 06 Nov 2025 06:38:07 +05:30"},
		{offset: "-05:00", want: "Wed, 05 Nov 2025 20:08:07 -05:00"},
		{offset: "Z", want: "Thu, 06 Nov 2025 01:08:07 GMT"},
		{offset: "+00:00", want: "Thu, 06 Nov 2025 01:08:07 GMT"},
		{offset: "", name: "UTC", want: "Thu, 06 Nov 2025 01:08:07 GMT"},
		{offset: "odd", name: "GMT+08:00", want: "Thu, 06 Nov 2025 09:08:07 +08:00"},
		{offset: "+08:00", ahead: -2 * time.Minute, want: "Thu, 06 Nov 2025 09:06:07 +08:00"},
	} {
		zone, err := parseZone(test.offset, test.name)
		if err != nil {
			t.Errorf("parseZone(%q, %q): %v", test.offset, test.name, err)
			continue
		}
		if got := (serverClock{test.ahead, zone}).date(now); got != test.want {
			t.Errorf("offset %q, zone %q: %s, want %s", test.offset, test.name, got, test.want)
		}
	}
	for _, odd := range []string{"", "Local", "nowhere", "+8:0:0", "../../etc/passwd"} {
		if zone, err := parseZone(odd, ""); err == nil {
			t.Errorf("parseZone(%q) = %v, want an error", odd, zone)
		}
	}
}

// keyServer is a server whose clock is ahead of the client's by skew, in a zone
// eight hours east, and which checks dates and signatures.
type keyServer struct {
	script
	skew     time.Duration
	readings int
}

func newKeyServer(skew time.Duration) *keyServer {
	s := &keyServer{skew: skew}
	s.handle = func(e exchanged) *reply {
		switch {
		case strings.HasSuffix(e.Path, "/platform-timezone"):
			return &reply{status: 200, body: `{"success":true,"timezone":"Asia/Shanghai","offset":"+08:00"}`}
		case e.Path == "/management-nodes/actions":
			s.readings++
			return &reply{status: 200, body: fmt.Sprintf(`{"currentTime":{"MillionSeconds":%d,"Seconds":1}}`, time.Now().Add(s.skew).UnixMilli())}
		}
		date := e.Header.Get("Date")
		wall := time.Now().Add(s.skew).UTC().Add(8 * time.Hour)
		// The zone is ignored, as the server does.
		at, err := time.Parse("Mon, 02 Jan 2006 15:04:05", date[:len("Mon, 02 Jan 2006 15:04:05")])
		if err != nil || at.Sub(wall).Abs() > 15*time.Minute {
			return &reply{status: 403, body: "requestTimeTooSkewed"}
		}
		if e.Header.Get("Authorization") != "ZStack LTAIkeyid:"+sign("secret", e.Method, date, "/v1"+e.Path) {
			return &reply{status: 503, body: `{"error":{"code":"SYS.1000","details":"wrong accessKey signature"}}`}
		}
		return nil
	}
	return s
}

func TestAccessKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newKeyServer(-40 * time.Minute)
		server.answers = map[string][]reply{
			"GET /zones": {{status: 200, body: `{"inventories":[{"uuid":"z"}]}`}},
			post:         {{status: 202, body: jobAt(testJob)}},
			poll:         {{status: 200, body: finished}},
		}
		// The poll carries no date; it is answered before dates are checked.
		check := server.handle
		server.handle = func(e exchanged) *reply {
			if strings.HasPrefix(e.Path, "/api-jobs/") {
				return nil
			}
			return check(e)
		}
		c := newTestClient(t, server, withKey, func(cfg *Config) { cfg.Endpoint = "https://cloud.test/base" })
		if zones, err := List[Zone](t.Context(), c, "/zones"); err != nil || len(zones) != 1 {
			t.Fatalf("zones %v, %v", zones, err)
		}
		if _, err := c.Do(t.Context(), createCall()); err != nil {
			t.Fatal(err)
		}
		if server.readings != 1 || server.logins != 0 {
			t.Errorf("%d readings of the clock and %d logins, want 1 and 0", server.readings, server.logins)
		}
		server.skew = 3 * time.Hour
		if _, err := c.Do(t.Context(), createCall()); err != nil {
			t.Errorf("after the server's clock was set: %v", err)
		}
		server.skew = 9 * time.Hour
		if _, err := List[Zone](t.Context(), c, "/zones"); outcome(err) != "auth" || server.readings != 2 {
			t.Errorf("a clock that jumps again: %v after %d readings", err, server.readings)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWrongAccessKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newKeyServer(0)
		c := newTestClient(t, server, withKey, func(cfg *Config) { cfg.AccessKeySecret = "wrong" })
		_, err := c.Do(t.Context(), createCall())
		if outcome(err) != "auth" || server.readings != 2 {
			t.Errorf("%v after %d readings of the clock, want auth after 2", err, server.readings)
		}
		if strings.Contains(err.Error(), "LTAIkeyid") {
			t.Errorf("the error shows the key: %v", err)
		}
	})
}

func TestAccessKeyAccount(t *testing.T) {
	const key = `{"inventories":[{"uuid":"k","AccessKeyID":"LTAIkeyid","AccessKeySecret":"s","accountUuid":"owner"}]}`
	for _, test := range []struct {
		name, keys, accounts, want string
	}{
		{"key row", key, "", "owner"},
		{"own account only", `{"inventories":[]}`, `{"inventories":[{"uuid":"self","name":"me"}]}`, "self"},
		{"keys unknown to the server", "", `{"inventories":[{"uuid":"self","name":"me"}]}`, "self"},
		{"another's key", strings.ReplaceAll(key, "LTAIkeyid", "ltaiKEYID"), `{"inventories":[{"uuid":"self"}]}`, "self"},
		{"administrator", `{"inventories":[]}`, `{"inventories":[{"uuid":"a"},{"uuid":"b"}]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newKeyServer(0)
				server.answers = map[string][]reply{}
				for path, body := range map[string]string{"GET /accesskeys": test.keys, "GET /accounts": test.accounts} {
					if body != "" {
						server.answers[path] = []reply{{status: http.StatusOK, body: body}}
					}
				}
				got, err := newTestClient(t, server, withKey).Account(t.Context())
				if got != test.want || (err == nil) != (test.want != "") {
					t.Errorf("Account = %q, %v, want %q", got, err, test.want)
				}
			})
		})
	}
}
