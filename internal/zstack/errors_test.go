package zstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeError(t *testing.T) {
	body := `{"error":{"code":"SYS.1006","description":"operation failed","details":"失败","elaboration":"hint","location":"step","cost":"12ms",
		"opaque":{"k":[1]},"messages":{"code":"x"},
		"cause":{"code":"SYS.1000"},
		"causes":[{"code":"HOST.1006","cause":{"code":7}},{"code":"L3.1000"}, 5]}}`
	got, ok := decodeError([]byte(body))
	want := ErrorCode{
		Code: "SYS.1006", Description: "operation failed", Details: "失败", Elaboration: "hint", Location: "step", Cost: "12ms",
		Opaque: map[string]any{"k": []any{1.0}},
		Cause:  &ErrorCode{Code: "SYS.1000"},
		Causes: []ErrorCode{{Code: "HOST.1006", Cause: &ErrorCode{Code: "7"}}, {Code: "L3.1000"}},
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("decodeError %t (-want +got):\n%s", ok, diff)
	}
	for _, body := range []string{"", "null", "{}", "[]", `{"error":null}`, `{"error":"text"}`, page, `{"error":{"code":"x"}`} {
		if code, ok := decodeError([]byte(body)); ok {
			t.Errorf("decodeError(%q) = %v, want none", body, code)
		}
	}
	odd, ok := decodeError([]byte(`{"error":{"opaque":"text","cause":"text","causes":{},"details":{"a":1}}}`))
	if !ok || odd.Cause != nil || odd.Causes != nil || odd.Opaque != nil {
		t.Errorf("an error of odd form: %v, %t", odd, ok)
	}
}

func TestChainAndDeepest(t *testing.T) {
	nest := func(codes ...string) ErrorCode {
		code, ok := decodeError([]byte(failure(codes...)))
		if !ok {
			t.Fatal("the test's own error cannot be read")
		}
		return code
	}
	for _, test := range []struct {
		code        ErrorCode
		wantChain   string
		wantDeepest string
	}{
		{nest("SYS.1006"), "SYS.1006", "SYS.1006"},
		{nest("SYS.1006", "SYS.1000"), "SYS.1006 SYS.1000", "SYS.1000"},
		{nest("SYS.1006", "VM.1001", "SYS.1000"), "SYS.1006 VM.1001 SYS.1000", "VM.1001"},
		{nest("VM.1001", "SYS.1006", "HOST.1005", "SYS.1000"), "VM.1001 SYS.1006 HOST.1005 SYS.1000", "HOST.1005"},
		{nest("ID.1001"), "ID.1001", "ID.1001"},
		{ErrorCode{Code: "SYS.1006", Causes: []ErrorCode{{Code: "PS.1000"}, {Code: "L3.1000"}}}, "SYS.1006 PS.1000 L3.1000", "PS.1000"},
		{ErrorCode{}, "", ""},
	} {
		var codes []string
		for _, code := range test.code.Chain() {
			codes = append(codes, code.Code)
		}
		if got := strings.Join(codes, " "); got != test.wantChain {
			t.Errorf("Chain = %s, want %s", got, test.wantChain)
		}
		if got := test.code.Deepest().Code; got != test.wantDeepest {
			t.Errorf("Deepest of %s = %s, want %s", test.wantChain, got, test.wantDeepest)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	long := strings.Repeat("<p>\r\n\x1b[31m", 10_000)
	nested, _ := decodeError([]byte(failure("SYS.1006", "L3.1000")))
	for _, test := range []struct {
		err  error
		want string
	}{
		{&APIError{"CreateVmInstance", testJob, 503, nested},
			"CreateVmInstance: the server reports L3.1000 (description of L3.1000) under SYS.1006; its log has more under job " + testJob},
		{&APIError{"QueryZone", "", 503, ErrorCode{}},
			"QueryZone: the server reports an error without a code"},
		{&RefusedError{"CreateVmInstance", 404, "no api mapping"},
			"CreateVmInstance: refused with status 404: no api mapping; nothing was done, check the endpoint and the request"},
		{&NotSentError{"CreateVmInstance", errors.New("connection\nrefused")},
			"CreateVmInstance: not sent: connection refused; check the endpoint and run again"},
		{&UnknownError{Operation: "CreateVmInstance", JobUUID: testJob, JobUnknown: true, Err: errors.New("reset")},
			"CreateVmInstance: the outcome of job " + testJob + " is unknown: reset; the server does not know the job; look at the resource before you repeat it"},
		{&UnknownError{Operation: "query /zones", Err: errors.New("status 502: " + long)},
			""},
		{&AuthError{"LogInByAccount", "wrong account name or password", "check both", ErrorCode{Code: "ID.1000"}},
			"LogInByAccount: wrong account name or password (ID.1000); check both"},
	} {
		got := test.err.Error()
		if test.want != "" && got != test.want {
			t.Errorf("%T: %s\nwant %s", test.err, got, test.want)
		}
		if strings.ContainsAny(got, "\r\n\x1b") || utf8.RuneCountInString(got) > 600 {
			t.Errorf("%T: not one short line: %q", test.err, got)
		}
	}
	if IsSessionExpired(nil) || IsSessionExpired(errors.New("ID.1001")) {
		t.Error("IsSessionExpired takes any error")
	}
	wrapped := fmt.Errorf("step: %w", &APIError{Code: ErrorCode{Code: "ID.1001"}})
	if !IsSessionExpired(wrapped) {
		t.Error("IsSessionExpired does not look into a wrapped error")
	}
}

// A proxy's page is shown in one line and never in full.
func TestForeignPageIsCut(t *testing.T) {
	server := &script{answers: map[string][]reply{post: {{status: 403, body: strings.Repeat("<div>\n blocked", 5000)}}}}
	_, err := newTestClient(t, server).Do(t.Context(), createCall())
	var refused *RefusedError
	if !errors.As(err, &refused) || strings.Contains(refused.Text, "\n") || utf8.RuneCountInString(refused.Text) > maxQuoted+2 {
		t.Errorf("error %v", err)
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"  a \t\r\n b  ":         "a b",
		"a\x00\x1b[31mb":         "a [31mb",
		"a\u202eb\u00a0c":        "a b c",
		"失败":                     "失败",
		strings.Repeat("x", 300): strings.Repeat("x", maxQuoted) + "…",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDecodeError(f *testing.F) {
	deep := strings.Repeat(`{"code":"SYS.1006","cause":`, 200) + `{"code":"L3.1000"}` + strings.Repeat("}", 200)
	for _, seed := range []string{
		failure("SYS.1006", "L3.1000"), `{"error":{"code":1,"causes":[null,{},[]]}}`, `{"error":` + deep + `}`,
		`{"error":{"code":"a\nb","description":"\u001b[2J"}}`, page, "", "null", `{"error":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code, ok := decodeError(body)
		if !ok {
			if !cmp.Equal(code, ErrorCode{}) {
				t.Errorf("an error %v of what is none", code)
			}
			return
		}
		if !json.Valid(body) {
			t.Error("an error was read of what is no JSON")
		}
		chain := code.Chain()
		if len(chain) == 0 || chain[0].Code != code.Code {
			t.Errorf("the chain does not begin with the error: %v", chain)
		}
		deepest := code.Deepest()
		found := false
		for _, link := range chain {
			found = found || link.Code == deepest.Code
		}
		if !found {
			t.Errorf("the deepest code %q is not in the chain", deepest.Code)
		}
		if text := (&APIError{Operation: "X", Code: code}).Error(); strings.ContainsAny(text, "\n\r\x1b") {
			t.Errorf("the error is not one line: %q", text)
		}
	})
}
