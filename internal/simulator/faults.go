package simulator

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// The kinds of faults, and what the client sees of each.
const (
	faultRefuse       = "refuse"        // the connection is closed before the request is read
	faultDropBefore   = "drop-before"   // the connection is closed, nothing is done
	faultDropAfter    = "drop-after"    // everything is done, then the connection is closed
	faultHang         = "hang"          // no answer until the client gives up
	faultExpire       = "expire"        // the session is gone
	faultGarbage      = "garbage"       // an answer with status and text that is not the API's
	faultGarbageAfter = "garbage-after" // everything is done, then the answer is garbage
	faultTruncate     = "truncate"      // everything is done, half of the answer comes
	faultDrip         = "drip"          // everything is done, the answer comes byte by byte, with delay between
	faultSlow         = "slow"          // the answer comes after delay
	faultError        = "error"         // the call, or its job, fails with error
	faultFailAfter    = "fail-after"    // everything is done, but the call, or its job, fails with error
	faultRestart      = "restart"       // the request is accepted, then the server restarts: its jobs are lost
)

// needs lists the kinds of faults with the key that each cannot do without.
var needs = map[string]string{
	faultRefuse: "", faultDropBefore: "", faultDropAfter: "", faultHang: "", faultExpire: "", faultRestart: "",
	faultGarbage: "", faultGarbageAfter: "", faultTruncate: "", faultDrip: "delay", faultSlow: "delay", faultError: "error",
	faultFailAfter: "error",
}

// FaultKinds lists the kinds of faults that rules may make, sorted.
func FaultKinds() []string { return slices.Sorted(maps.Keys(needs)) }

// Faults are the rules by which a simulator misbehaves. They count the requests
// that they match, so that a value serves one simulator. Safe for concurrent
// use; a nil Faults makes none.
type Faults struct {
	mu    sync.Mutex
	rules []*faultRule
}

// faultRule is one rule and how often it matched. Of the requests that fit, it
// strikes the nth only, or all after the first `after`, at most `times` times.
type faultRule struct {
	operation, path, method string
	nth, times, after       int
	action                  faultAction
	seen, struck            int
}

// faultAction is what to do to a request.
type faultAction struct {
	Kind   string
	Delay  time.Duration // before anything else is done; of drip, before each byte
	Status int           // of garbage, 200 unless the rule says
	Text   string        // of garbage
	Error  record        // of error: an ErrorCode
}

// faultEntry is a rule as people write it.
type faultEntry struct {
	Operation dcText     `yaml:"operation"`
	Path      dcText     `yaml:"path"`
	Method    dcText     `yaml:"method"`
	Nth       int        `yaml:"nth"`
	Times     int        `yaml:"times"`
	After     int        `yaml:"after"`
	Fault     dcText     `yaml:"fault"`
	Delay     dcText     `yaml:"delay"`
	Status    int        `yaml:"status"`
	Text      string     `yaml:"text"`
	Error     *faultCode `yaml:"error"`
}

// faultCode is the error that a rule makes.
type faultCode struct {
	Code        string     `yaml:"code"`
	Description string     `yaml:"description"`
	Details     string     `yaml:"details"`
	Elaboration string     `yaml:"elaboration"`
	Location    string     `yaml:"location"`
	Cause       *faultCode `yaml:"cause"`
}

func (c *faultCode) record() record {
	if c == nil {
		return nil
	}
	r := record{"code": c.Code}
	for key, text := range map[string]string{
		"description": c.Description, "details": c.Details, "elaboration": c.Elaboration, "location": c.Location,
	} {
		if text != "" {
			r[key] = text
		}
	}
	if c.Cause != nil {
		r["cause"] = c.Cause.record()
	}
	return r
}

// ParseFaults reads a YAML list of rules, such as
//
//   - {operation: CreateVmInstance, nth: 3, fault: error, error: {code: SYS.1006, details: no room}}
//   - {method: GET, path: /api-jobs/*, after: 10, times: 2, fault: drop-before}
//   - {fault: slow, delay: 500ms}
//
// A rule applies to the requests that fit its operation (the name of the API
// call), method and path: all of those that it gives. A path is one below /v1;
// "*" in it stands for any text without a slash. Of the requests that fit, nth
// takes the nth only, after skips the first ones, and times ends the rule after
// it took that many. The first rule that takes a request decides. The faults are
//
//	refuse       close the connection before the request is looked at
//	drop-before  close the connection before anything is done
//	drop-after   do what was asked, then close the connection
//	hang         do not answer
//	expire       end the session first
//	garbage      answer with status (default 200) and text
//	garbage-after  do what was asked, then answer like that
//	truncate     do what was asked, then answer half of it
//	drip         do what was asked, then answer byte by byte, with delay before each
//	slow         answer after delay
//	error        fail with error: code, description, details, elaboration, location, cause
//	fail-after   do what was asked, then fail with error all the same, as a call that took too long
//	restart      accept the request, then restart: all jobs are lost, and stay unfinished
//
// delay goes with every other fault too, and comes first. Errors name the line and what is allowed.
func ParseFaults(data []byte) (*Faults, error) {
	var nodes []ast.Node
	if err := yaml.Unmarshal(data, &nodes); err != nil {
		return nil, fmt.Errorf("faults: %s: want a list of rules", yamlProblem(err))
	}
	faults := &Faults{}
	var problems []error
	for _, node := range nodes {
		var entry faultEntry
		if err := yaml.NodeToValue(node, &entry, yaml.Strict()); err != nil {
			problems = append(problems, fmt.Errorf("%s; a rule has the keys operation, path, method, "+
				"nth, times, after, fault, delay, status, text, error", yamlProblem(err)))
			continue
		}
		rule, err := entry.rule()
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", nodeLine(node), err))
			continue
		}
		faults.rules = append(faults.rules, rule)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("faults: %w", errors.Join(problems...))
	}
	return faults, nil
}

func (e *faultEntry) rule() (*faultRule, error) {
	kind := e.Fault.text
	need, known := needs[kind]
	switch {
	case e.Operation.text != "" && !hasOperation(e.Operation.text):
		return nil, fmt.Errorf("operation %q: the simulator has no such call; its names are those of the API, such as CreateVmInstance", e.Operation.text)
	case !known:
		return nil, fmt.Errorf("fault %q: want one of %s", kind, strings.Join(FaultKinds(), ", "))
	case need == "delay" && e.Delay.text == "":
		return nil, fmt.Errorf("fault %s needs delay, as in delay: 500ms", kind)
	case need == "error" && (e.Error == nil || e.Error.Code == ""):
		return nil, fmt.Errorf("fault %s needs error with a code, as in error: {code: SYS.1006, details: no room}", kind)
	case need != "error" && e.Error != nil:
		return nil, fmt.Errorf("error goes with the faults error and fail-after, not with %s", kind)
	case kind != faultGarbage && kind != faultGarbageAfter && (e.Status != 0 || e.Text != ""):
		return nil, fmt.Errorf("status and text go with faults garbage and garbage-after, not with %s", kind)
	case e.Nth < 0 || e.Times < 0 || e.After < 0:
		return nil, errors.New("nth, times and after must not be negative")
	case e.Nth > 0 && (e.Times > 0 || e.After > 0):
		return nil, errors.New("nth is a single request: leave out times and after")
	case e.Status != 0 && (e.Status < 200 || e.Status > 599):
		return nil, fmt.Errorf("status %d: want 200 to 599", e.Status)
	}
	if _, err := path.Match(e.Path.text, ""); err != nil {
		return nil, fmt.Errorf("path %q is not a pattern: %w", e.Path.text, err)
	}
	rule := &faultRule{
		operation: e.Operation.text, path: e.Path.text, method: strings.ToUpper(e.Method.text),
		nth: e.Nth, times: e.Times, after: e.After,
		action: faultAction{Kind: kind, Status: e.Status, Text: e.Text, Error: e.Error.record()},
	}
	if (kind == faultGarbage || kind == faultGarbageAfter) && e.Status == 0 {
		rule.action.Status = 200
	}
	if e.Delay.text != "" {
		delay, err := time.ParseDuration(e.Delay.text)
		if err != nil || delay < 0 {
			return nil, fmt.Errorf("delay %q: want a duration such as 500ms, 2s or 1m", e.Delay.text)
		}
		rule.action.Delay = delay
	}
	return rule, nil
}

func hasOperation(name string) bool {
	return slices.ContainsFunc(operations, func(op *operation) bool { return strings.EqualFold(op.name, name) })
}

// match counts a request and says what to do to it. Every rule that fits counts
// it, whichever rule decides. The path is with or without what lies before and
// at /v1.
func (f *Faults) match(method, requestPath, operation string) (faultAction, bool) {
	if f == nil {
		return faultAction{}, false
	}
	if start := strings.Index(requestPath, "/v1/"); start >= 0 {
		requestPath = requestPath[start+len("/v1"):]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var chosen *faultRule
	for _, rule := range f.rules {
		if rule.fits(method, requestPath, operation) && rule.takes() && chosen == nil {
			chosen = rule
		}
	}
	if chosen == nil {
		return faultAction{}, false
	}
	chosen.struck++
	action := chosen.action
	action.Error = clone(action.Error)
	return action, true
}

func (r *faultRule) fits(method, requestPath, operation string) bool {
	if r.operation != "" && !strings.EqualFold(r.operation, operation) || r.method != "" && r.method != method {
		return false
	}
	if r.path == "" {
		return true
	}
	pattern := strings.TrimPrefix(strings.TrimPrefix(r.path, "/zstack"), "/v1")
	matched, _ := path.Match(pattern, requestPath)
	return matched
}

// takes counts a request that fits and reports whether the rule strikes it.
func (r *faultRule) takes() bool {
	r.seen++
	if r.nth > 0 {
		return r.seen == r.nth
	}
	return r.seen > r.after && (r.times == 0 || r.struck < r.times)
}
