package simulator

import (
	"context"
	"strings"
	"time"
)

// A kind is the type that a parameter is declared with.
type kind int

const (
	kindText    kind = iota
	kindInt          // 64 bits
	kindBool         //
	kindTexts        // list of strings
	kindInts         // list of 64-bit integers
	kindObjects      // list of objects
	kindMap          // object
)

// A param declares one parameter of an operation.
type param struct {
	name     string
	kind     kind
	required bool
	max      int      // characters of a text, 0 for no limit
	choices  []string // the only values allowed
	low      int64    // range of a number; not checked while high is 0
	high     int64
	filled   bool    // an empty list is refused
	refers   string  // table that must hold each value
	members  []param // of the objects in a list
}

// An operation is one API of the server.
type operation struct {
	name   string // as the server calls it, such as StopVmInstance
	method string
	path   string // below /zstack/v1, with {variables}
	// action is the member of the body that holds the parameters: params, or
	// the action name of a PUT. Operations that share a path are told apart
	// by it.
	action  string
	sync    bool
	open    bool          // needs no session
	query   bool          // takes the query language
	admin   bool          // refused to other accounts
	timeout time.Duration // default of apiTimeout, 30 min when 0
	params  []param
	// checks are the rules across parameters, evaluated before handle and
	// with the server's lock held.
	checks func(c *call) error
	quota  func(c *call) error // evaluated last, for normal accounts only
	handle func(c *call) (record, error)
}

// declared returns the parameter of that name, nil when the operation has none.
func (op *operation) declared(name string) *param {
	for i := range op.params {
		if op.params[i].name == name {
			return &op.params[i]
		}
	}
	return nil
}

// fits reports whether a path is one of the operation's.
func (op *operation) fits(path string) bool {
	pattern, more := op.path, true
	for more {
		var want, got string
		var wanted, had bool
		want, pattern, wanted = strings.Cut(pattern, "/")
		got, path, had = strings.Cut(path, "/")
		if wanted != had || want != got && (got == "" || !strings.HasPrefix(want, "{")) {
			return false
		}
		more = wanted
	}
	return true
}

// match returns the variables of path, false when it is not the operation's.
func (op *operation) match(path string) (map[string]string, bool) {
	if !op.fits(path) {
		return nil, false
	}
	vars := map[string]string{}
	segments := strings.Split(path, "/")
	for i, want := range strings.Split(op.path, "/") {
		if name, ok := strings.CutPrefix(want, "{"); ok {
			vars[strings.TrimSuffix(name, "}")] = segments[i]
		}
	}
	return vars, true
}

// variables counts the variables of the path: the fewer, the better a match.
func (op *operation) variables() int { return strings.Count(op.path, "{") }

// A call is one operation under way.
type call struct {
	*Server
	ctx        context.Context // ends with the server
	op         *operation
	job        string // job id, the id of the message for a sync call
	params     record // declared parameters only, in their declared types
	systemTags []string
	userTags   []string
	token      string     // session id
	account    *dcAccount // the caller, once authorised
	request    *incoming
	plan       *creation // of a VM, once checked
}

func (c *call) text(name string) string { return text(c.params, name) }

func (c *call) flag(name string) bool {
	value, _ := c.params[name].(bool)
	return value
}

// locked runs f with the server's lock and has the state written.
func (c *call) locked(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.changed()
	return f()
}

// errLost is the end of a job that the server did not live to finish. Its row
// stays as it is.
type errLost struct{}

func (errLost) Error() string { return "the management server stopped" }

// work lets time pass as the server's and the hypervisor's work does: for a
// creation the whole latency, a quarter for anything else.
func (c *call) work(latency time.Duration) error {
	if latency <= 0 {
		if c.ctx.Err() != nil {
			return errLost{}
		}
		return nil
	}
	timer := time.NewTimer(latency)
	defer timer.Stop()
	select {
	case <-c.ctx.Done():
		return errLost{}
	case <-timer.C:
		return nil
	}
}
