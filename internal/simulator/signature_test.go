package simulator

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const signatureSecret = "simulatorsecretsimulatorsecretsimulator0"

// The signatures were made with openssl:
//
//	printf 'GET\nTue, 14 Nov 2017 22:20:57 CST\n/v1/vm-instances' | openssl dgst -sha1 -hmac SECRET -binary | base64
func signedRequest(target, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Date", "Tue, 14 Nov 2017 22:20:57 CST")
	r.Header.Set("Authorization", "ZStack key:"+signature)
	return r
}

const (
	listSignature   = "rNHPdKsPDahuf/lCmbMokJcTy+U="
	spacedSignature = "ioiMxBGbRgtAdx8I8i2lWUooW/w="
)

// signedAt is the server's clock at the second of the signature, in a zone of
// its own: the one in the header does not count.
func signedAt() time.Time {
	return time.Date(2017, 11, 14, 22, 20, 57, 0, time.FixedZone("here", -5*3600))
}

func TestVerifySignature(t *testing.T) {
	for name, test := range map[string]struct {
		target, signature string
		edit              func(*http.Request)
		late              time.Duration
		want              error
	}{
		"right":                   {target: "/zstack/v1/vm-instances", signature: listSignature},
		"query is not signed":     {target: "/zstack/v1/vm-instances?q=name=x", signature: listSignature},
		"other context":           {target: "/v1/vm-instances", signature: listSignature},
		"path is signed decoded":  {target: "/zstack/v1/vm-instances/a%20b", signature: spacedSignature},
		"15 minutes late":         {target: "/zstack/v1/vm-instances", signature: listSignature, late: 15 * time.Minute},
		"15 minutes early":        {target: "/zstack/v1/vm-instances", signature: listSignature, late: -15 * time.Minute},
		"later than 15 minutes":   {target: "/zstack/v1/vm-instances", signature: listSignature, late: 15*time.Minute + time.Second, want: errTimeTooSkewed},
		"earlier than 15 minutes": {target: "/zstack/v1/vm-instances", signature: listSignature, late: -15*time.Minute - time.Second, want: errTimeTooSkewed},
		"other path":              {target: "/zstack/v1/volumes", signature: listSignature, want: errWrongSignature},
		"other method": {target: "/zstack/v1/vm-instances", signature: listSignature, want: errWrongSignature,
			edit: func(r *http.Request) { r.Method = http.MethodDelete }},
		"other date": {target: "/zstack/v1/vm-instances", signature: listSignature, want: errWrongSignature,
			edit: func(r *http.Request) { r.Header.Set("Date", "Tue, 14 Nov 2017 22:20:58 CST") }},
		"no base64": {target: "/zstack/v1/vm-instances", signature: "%", want: errWrongSignature},
		"empty":     {target: "/zstack/v1/vm-instances", signature: "", want: errWrongSignature},
		"shortened": {target: "/zstack/v1/vm-instances", signature: "rNHPdKsP", want: errWrongSignature},
	} {
		t.Run(name, func(t *testing.T) {
			r := signedRequest(test.target, test.signature)
			if test.edit != nil {
				test.edit(r)
			}
			if err := verifySignature(r, signatureSecret, signedAt().Add(test.late)); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
	r := signedRequest("/zstack/v1/vm-instances", listSignature)
	if err := verifySignature(r, signatureSecret+"x", signedAt()); !errors.Is(err, errWrongSignature) {
		t.Errorf("another secret: error %v", err)
	}
}

func TestSignedDate(t *testing.T) {
	for _, test := range []struct{ date, problem string }{
		{"Tue, 14 Nov 2017 22:20:57 CST", ""},
		{"Tue, 14 Nov 2017 22:20:57 GMT", ""},
		{"Tue, 14 Nov 2017 22:20:57 Asia/Shanghai", ""},
		{"Tue, 14 Nov 2017 22:20:57 +08:00", ""},
		{"Wed, 01 Nov 2017 22:20:57 UTC", ""},
		{"Tue, 14 Nov 2017 22:20:57 +0800", "unknown zone"},
		{"Tue, 14 Nov 2017 22:20:57 8", "unknown zone"},
		{"Tue, 14 Nov 2017 22:20:57", "want"},
		{"Tue, 14 Nov 2017 22:20:57 ", "want"},
		{"Mon, 14 Nov 2017 22:20:57 CST", "that day is a Tuesday"},
		{"Tue, 14 Nov 2017 25:20:57 CST", "want"},
		{"Wed, 1 Nov 2017 22:20:57 CST", "want"},
		{"2017-11-14T22:20:57Z", "want"},
		{"", "want"},
	} {
		_, err := parseSignedDate(test.date)
		if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%q: error %v, want %q", test.date, err, test.problem)
		}
	}
}
