package simulator

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What is wrong with a signed request, where it is not its form.
var (
	errTimeTooSkewed  = errors.New("requestTimeTooSkewed")
	errWrongSignature = errors.New("wrong accessKey signature")
)

// maxSkew is how far the Date of a signed request may be from the server's.
const maxSkew = 15 * time.Minute

// verifySignature checks the access-key signature of a request with the secret
// of its key. Like a server with default settings it compares the wall clock in
// the Date header with its own wall clock, in the zone of serverNow, and does
// not look at the zone that the header names. It fails with errTimeTooSkewed,
// errWrongSignature, or an error that tells what is wrong with the Date.
func verifySignature(r *http.Request, secret string, serverNow time.Time) error {
	key, _ := strings.CutPrefix(strings.TrimSpace(r.Header.Get("Authorization")), "ZStack ")
	_, signature, _ := strings.Cut(strings.TrimSpace(key), ":")
	date := r.Header.Get("Date")
	clock, err := parseSignedDate(date)
	if err != nil {
		return err
	}
	here := time.Date(serverNow.Year(), serverNow.Month(), serverNow.Day(),
		serverNow.Hour(), serverNow.Minute(), serverNow.Second(), 0, time.UTC)
	if skew := clock.Sub(here).Abs(); skew > maxSkew {
		return errTimeTooSkewed
	}
	given, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(given, requestMAC(secret, r.Method, date, signedPath(r.URL.Path))) {
		return errWrongSignature
	}
	return nil
}

// parseSignedDate reads "Mon, 02 Jan 2006 15:04:05 ZONE" and returns the wall
// clock as if it were UTC. The zone must be a name, a region or an offset with
// a colon; "+0800" is refused.
func parseSignedDate(text string) (time.Time, error) {
	const layout = "Mon, 02 Jan 2006 15:04:05"
	if len(text) < len(layout)+2 || text[len(layout)] != ' ' {
		return time.Time{}, fmt.Errorf("invalid Date header %q: want %s and a zone", text, layout)
	}
	clock, err := time.ParseInLocation(layout, text[:len(layout)], time.UTC)
	if err != nil {
		return time.Time{}, fmt.Errorf("invalid Date header %q: want %s and a zone", text, layout)
	}
	// time.Parse reads the weekday and does not compare it with the date.
	if clock.Format(layout) != text[:len(layout)] {
		return time.Time{}, fmt.Errorf("invalid Date header %q: that day is a %s", text, clock.Weekday())
	}
	if zone := text[len(layout)+1:]; !plausibleZone(zone) {
		return time.Time{}, fmt.Errorf("invalid Date header %q: unknown zone %q", text, zone)
	}
	return clock, nil
}

func plausibleZone(zone string) bool {
	if zone[0] == '+' || zone[0] == '-' {
		_, err := time.Parse("-07:00", zone)
		return err == nil
	}
	for _, r := range zone {
		if !strings.ContainsRune("/_+-:", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return zone[0] < '0' || zone[0] > '9'
}

// signedPath is the decoded path from /v1 on: what lies before is the context
// of the deployment, which is not signed.
func signedPath(path string) string {
	if start := strings.Index(path, "/v1/"); start > 0 {
		return path[start:]
	}
	return path
}

func requestMAC(secret, method, date, path string) []byte {
	mac := hmac.New(sha1.New, []byte(secret))
	fmt.Fprintf(mac, "%s\n%s\n%s", method, date, path)
	return mac.Sum(nil)
}
