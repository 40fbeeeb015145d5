package simulator

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustFaults(t *testing.T, text string) *Faults {
	t.Helper()
	faults, err := ParseFaults([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

// Each case sends one request after the other and notes which are struck.
func TestFaultCounting(t *testing.T) {
	for name, test := range map[string]struct {
		rules, requests, want string
	}{
		"all":             {"- {fault: hang}", "GET /a X,GET /b Y", "hang hang"},
		"none":            {"[]", "GET /a X", "-"},
		"empty":           {"", "GET /a X", "-"},
		"nth":             {"- {nth: 2, fault: hang}", "GET /a X,GET /a X,GET /a X", "- hang -"},
		"times":           {"- {times: 2, fault: hang}", "GET /a X,GET /a X,GET /a X", "hang hang -"},
		"after":           {"- {after: 1, fault: hang}", "GET /a X,GET /a X,GET /a X", "- hang hang"},
		"after and times": {"- {after: 1, times: 1, fault: hang}", "GET /a X,GET /a X,GET /a X", "- hang -"},
		"operation":       {"- {operation: destroyvminstance, nth: 2, fault: hang}", "GET /a DestroyVmInstance,GET /a Y,GET /a DestroyVmInstance", "- - hang"},
		"method":          {"- {method: post, fault: hang}", "GET /a X,POST /a X", "- hang"},
		"path":            {"- {path: /jobs/*, fault: hang}", "GET /jobs X,GET /jobs/1 X,GET /jobs/1/2 X,GET /zstack/v1/jobs/1 X", "- hang - hang"},
		"path with v1":    {"- {path: /zstack/v1/jobs/*, fault: hang}", "GET /jobs/1 X", "hang"},
		"both must fit":   {"- {method: GET, path: /a, fault: hang}", "GET /b X,POST /a X,GET /a X", "- - hang"},
		"first rule wins": {"- {nth: 1, fault: hang}\n- {fault: refuse}", "GET /a X,GET /a X", "hang refuse"},
		"rules count each": {"- {nth: 1, fault: hang}\n- {nth: 2, fault: refuse}\n- {nth: 3, fault: expire}",
			"GET /a X,GET /a X,GET /a X", "hang refuse expire"},
		// The second rule could not take the first request: it still has its one.
		"a rule that lost keeps its times": {"- {nth: 1, fault: hang}\n- {times: 1, fault: refuse}", "GET /a X,GET /a X,GET /a X", "hang refuse -"},
	} {
		t.Run(name, func(t *testing.T) {
			faults := mustFaults(t, test.rules)
			var got []string
			for request := range strings.SplitSeq(test.requests, ",") {
				words := strings.Fields(request)
				action, ok := faults.match(words[0], words[1], words[2])
				if !ok {
					action.Kind = "-"
				}
				got = append(got, action.Kind)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoFaults(t *testing.T) {
	var faults *Faults
	if action, ok := faults.match("GET", "/a", "X"); ok {
		t.Errorf("no faults make %v", action)
	}
}

func TestFaultActions(t *testing.T) {
	faults := mustFaults(t, `
- {nth: 1, fault: slow, delay: 1500ms}
- {nth: 2, fault: garbage}
- {nth: 3, fault: garbage, status: 502, text: <html>, delay: 2s}
- nth: 4
  fault: error
  error: {code: SYS.1006, description: failed, details: d, cause: {code: PS.1000, details: full}}
`)
	var got []faultAction
	for range 4 {
		action, ok := faults.match("GET", "/a", "X")
		if !ok {
			t.Fatal("no fault")
		}
		got = append(got, action)
	}
	want := []faultAction{
		{Kind: "slow", Delay: 1500 * time.Millisecond},
		{Kind: "garbage", Status: 200},
		{Kind: "garbage", Status: 502, Text: "<html>", Delay: 2 * time.Second},
		{Kind: "error", Error: record{
			"code": "SYS.1006", "description": "failed", "details": "d", "cause": record{"code": "PS.1000", "details": "full"},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What a caller does to the error of one fault must not show in the next.
func TestFaultErrorIsACopy(t *testing.T) {
	faults := mustFaults(t, "- {fault: error, error: {code: A, cause: {code: B}}}")
	first, _ := faults.match("GET", "/a", "X")
	first.Error["cause"].(record)["code"] = "changed"
	second, _ := faults.match("GET", "/a", "X")
	if diff := cmp.Diff(record{"code": "A", "cause": record{"code": "B"}}, second.Error); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsAreCountedOnceEach(t *testing.T) {
	faults := mustFaults(t, "- {times: 50, fault: hang}")
	var wait sync.WaitGroup
	var mu sync.Mutex
	struck := 0
	for range 200 {
		wait.Go(func() {
			if _, ok := faults.match("GET", "/a", "X"); ok {
				mu.Lock()
				struck++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if struck != 50 {
		t.Errorf("%d faults, want 50", struck)
	}
}

func TestFaultErrors(t *testing.T) {
	for name, test := range map[string]struct{ rules, want string }{
		"unknown call":  {"- {operation: CreateVmInstanc, fault: hang}", `line 1: operation "CreateVmInstanc": the simulator has no such call`},
		"unknown fault": {"- {fault: hang}\n- {fault: explode}", `line 2: fault "explode": want one of drip, drop-after, drop-before, error, expire, fail-after, garbage, garbage-after, hang, refuse, restart, slow, truncate`},
		"no fault":      {"- {nth: 1}", `line 1: fault "": want one of`},
		"unknown key":   {"- fault: hang\n  when: now", `line 2: unknown field "when"; a rule has the keys operation, path`},
		"no delay":      {"- fault: slow", "line 1: fault slow needs delay"},
		"bad delay":     {"- {fault: slow, delay: 5}", `line 1: delay "5": want a duration such as 500ms`},
		"no error":      {"- fault: error", "line 1: fault error needs error with a code"},
		"no code":       {"- {fault: error, error: {details: x}}", "line 1: fault error needs error with a code"},
		"stray error":   {"- {fault: hang, error: {code: x}}", "line 1: error goes with the faults error and fail-after, not with hang"},
		"stray status":  {"- {fault: hang, status: 500}", "line 1: status and text go with faults garbage and garbage-after, not with hang"},
		"bad status":    {"- {fault: garbage, status: 99}", "line 1: status 99: want 200 to 599"},
		"nth and times": {"- {fault: hang, nth: 1, times: 2}", "line 1: nth is a single request"},
		"negative":      {"- {fault: hang, times: -1}", "line 1: nth, times and after must not be negative"},
		"pattern":       {"- {fault: hang, path: '/a['}", `line 1: path "/a[" is not a pattern`},
		"no list":       {"fault: hang", "line 1: "},
		"no number":     {"- fault: hang\n  nth: many", "line 2: "},
		"two at once":   {"- {fault: a}\n- {fault: b}", `line 2: fault "b"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseFaults([]byte(test.rules))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func ExampleParseFaults() {
	_, err := ParseFaults([]byte("- {operation: CreateVmInstance, fault: drop}"))
	fmt.Println(err)
	// Output: faults: line 1: fault "drop": want one of drip, drop-after, drop-before, error, expire, fail-after, garbage, garbage-after, hang, refuse, restart, slow, truncate
}
