package cloud

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"zfleet/internal/zstack"
)

func TestClasses(t *testing.T) {
	for class, codes := range map[string]string{
		classTransient: "SYS.1001 SYS.1009 SYS.1011 SYS.1012",
		classTransport: "SYS.1010 PORTAL.1002",
		classCapacity:  "HOST_ALLOCATION.1000 HOST_ALLOCATION.1001 HOST.1004 PS.1000 L3.1000",
		classQuota:     "ID.1003 ID.1004 LICENSE.1001",
		classInput:     "SYS.1006 SYS.1007 SYS.1008 SYS.1013 SYS.1014 VM.1010 TAG.1000 VOLUME.1000 PORTAL.1000",
		classAuth:      "ID.1000 ID.1001 ID.1002 ID.2001 LOGIN_CONTROL.1000",
		classNotFound:  "SYS.1003",
		classInternal:  "SYS.1000 SYS.1002 SYS.1004 SYS.1016 HOST.1005 VM.1001 PS.1003 NEW.1 nonsense",
	} {
		for code := range strings.FieldsSeq(codes) {
			err := &zstack.APIError{Code: zstack.ErrorCode{Code: "SYS.1006", Description: "outer", Cause: &zstack.ErrorCode{Code: code, Details: "详情"}}}
			failure, retry := failureOf("CreateVmInstance", err)
			if failure.Class != class || retry != (class == classTransient || class == classTransport) {
				t.Errorf("%s: class %s, retry %v; want %s", code, failure.Class, retry, class)
			}
			if !strings.Contains(failure.Message, code) || strings.Contains(failure.Message, "详") || failure.Hint == "" {
				t.Errorf("%s: message %q, hint %q", code, failure.Message, failure.Hint)
			}
			if last := failure.Chain[len(failure.Chain)-1]; failure.Code != "SYS.1006" || last.Code != code || last.Details != "详情" {
				t.Errorf("%s: code %s, chain %+v", code, failure.Code, failure.Chain)
			}
		}
	}
}

func TestFailuresBelowTheAPI(t *testing.T) {
	for _, c := range []struct {
		err     error
		class   string
		retry   bool
		arrived bool
	}{
		{&zstack.RefusedError{Status: 400, Text: "no such path"}, classInput, false, false},
		{&zstack.NotSentError{Err: errors.New("connection refused")}, classTransport, true, false},
		{&zstack.NotSentError{Err: context.Canceled}, classTransport, false, false},
		{&zstack.UnknownError{JobUUID: "j", Err: errors.New("EOF")}, classTransport, false, true},
		{&zstack.AuthError{Reason: "wrong password", Advice: "check it"}, classAuth, false, false},
		{&attemptError{errors.New("disk full")}, classInternal, false, false},
		{&missingSecretError{"web.userData"}, classInput, false, true}, // never comes from a request
		{context.Canceled, classTransport, false, true},
		{errors.New("two\nlines"), classInternal, false, true},
	} {
		failure, retry := failureOf("StartVmInstance", c.err)
		if failure.Class != c.class || retry != c.retry || mayHaveArrived(c.err) != c.arrived {
			t.Errorf("%v: class %s, retry %v, arrived %v; want %s, %v, %v", c.err, failure.Class, retry, mayHaveArrived(c.err), c.class, c.retry, c.arrived)
		}
		if strings.Contains(failure.Message, "\n") || failure.Message == "" || failure.Hint == "" || failure.Operation != "StartVmInstance" {
			t.Errorf("%v: %+v", c.err, failure)
		}
	}
}

func TestCancelledIsTold(t *testing.T) {
	failure, _ := failureOf("CreateVmInstance", fmt.Errorf("poll: %w", context.Canceled))
	if want := "the run was left before the outcome was known"; failure.Message != want {
		t.Errorf("message %q, want %q", failure.Message, want)
	}
}
