package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zfleet/spec"
	"zfleet/spec/policy"
)

// PolicyResult is a policy and what it said of a plan.
type PolicyResult struct {
	Name     string        `json:"name"`
	Digest   string        `json:"digest"` // spec.Policy.Digest
	Over     policy.Over   `json:"over"`
	Severity spec.Severity `json:"severity"`
	Outcome  PolicyOutcome `json:"outcome"`
	Message  string        `json:"message"` // the policy's own
	// Keys are the machines whose changes it denied; none if it was asked about
	// the plan.
	Keys []string `json:"keys,omitempty"`
	// Error says why it gave no answer.
	Error string   `json:"error,omitempty"`
	Pos   spec.Pos `json:"pos,omitzero"`
}

// PolicyOutcome is what became of asking a policy.
type PolicyOutcome string

// The outcomes. Nothing is allowed by a policy that failed.
const (
	PolicyPassed PolicyOutcome = "passed"
	PolicyDenied PolicyOutcome = "denied"
	PolicyFailed PolicyOutcome = "failed" // it gave no answer
	PolicyOff    PolicyOutcome = "off"    // it was switched off, and not asked
)

// WithPolicies asks policies about a plan that was made before. It returns a
// plan of its own, with the results and with what refuses it.
func WithPolicies(plan *Plan, policies []spec.Policy) *Plan {
	asked := *plan
	asked.Policies = slices.Clone(plan.Policies)
	asked.Refusals = slices.Clone(plan.Refusals)
	asked.Notes = slices.Clone(plan.Notes)
	asked.ask(policies)
	asked.Digest = asked.digest()
	return &asked
}

// ask asks policies about the plan, and adds what they say.
func (p *Plan) ask(policies []spec.Policy) {
	if len(policies) == 0 {
		return
	}
	scene := p.scene()
	for i := range policies {
		asked := &policies[i]
		result := PolicyResult{Name: asked.Name, Digest: asked.Digest(), Over: asked.Condition.Over(), Severity: asked.Severity,
			Message: asked.Message, Pos: asked.Pos, Outcome: PolicyOff}
		if !asked.Off {
			result.judge(asked.Condition.Judge(scene), scene)
			p.conclude(result, asked)
		}
		p.Policies = append(p.Policies, result)
	}
}

// judge fills in what the condition said.
func (r *PolicyResult) judge(v policy.Verdict, scene *policy.Scene) {
	r.Outcome = PolicyPassed
	for _, i := range v.Changes {
		r.Keys = append(r.Keys, scene.Plan.Changes[i].Key)
	}
	if v.True {
		r.Outcome = PolicyDenied
	}
	if v.Err != nil {
		asked := "the plan"
		if v.At >= 0 {
			asked = scene.Plan.Changes[v.At].Key
		}
		r.Outcome, r.Error = PolicyFailed, fmt.Sprintf("for %s: %v", asked, v.Err)
	}
}

// conclude turns a policy that did not pass into a refusal, or into a note if it
// only warns.
func (p *Plan) conclude(r PolicyResult, asked *spec.Policy) {
	var message, hint string
	switch r.Outcome {
	case PolicyPassed, PolicyOff:
		return
	case PolicyDenied:
		message = fmt.Sprintf("policy %q: %s", r.Name, r.Message)
		hint = "it denies " + excerpt(asked.Condition.String())
	case PolicyFailed:
		message = fmt.Sprintf("policy %q gave no answer %s (%s)", r.Name, r.Error, r.Message)
		hint = "nothing is allowed without an answer; mend the policy: " + excerpt(asked.Condition.String())
	}
	if len(r.Keys) > 0 {
		message += ": " + foldKeys(r.Keys)
	}
	if r.Severity == spec.Error {
		p.Refusals = append(p.Refusals, Refusal{Code: "policy", Message: message, Hint: hint, Pos: r.Pos})
		return
	}
	p.Notes = append(p.Notes, spec.Diagnostic{Severity: r.Severity, Pos: r.Pos, Code: "policy", Message: message, Hint: hint})
}

// excerpt writes an expression on one line, not too long, without lines that are
// comments.
func excerpt(expression string) string {
	const longest = 160
	var words []string
	for line := range strings.Lines(expression) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			words = append(words, strings.Fields(line)...)
		}
	}
	runes := []rune(strings.Join(words, " "))
	if len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return string(runes)
}

// foldKeys lists machines shortly: "web/1 … web/12, db/1".
func foldKeys(keys []string) string {
	const most = 12 // runs
	var runs []string
	for from := 0; from < len(keys); {
		to := from + 1
		for to < len(keys) && followsKey(keys[to-1], keys[to]) {
			to++
		}
		if len(runs) == most {
			return strings.Join(runs, ", ") + fmt.Sprintf(" and %d more", len(keys)-from)
		}
		if to-from > 2 {
			runs = append(runs, keys[from]+" … "+keys[to-1])
		} else {
			to = from + 1
			runs = append(runs, keys[from])
		}
		from = to
	}
	return strings.Join(runs, ", ")
}

// followsKey reports whether b is the next machine of a's group.
func followsKey(a, b string) bool {
	groupA, numberA, _ := strings.Cut(a, "/")
	groupB, numberB, _ := strings.Cut(b, "/")
	first, errA := strconv.Atoi(numberA)
	second, errB := strconv.Atoi(numberB)
	return groupA == groupB && errA == nil && errB == nil && second == first+1
}

// scene is what policies see of the plan: what a reader sees too.
func (p *Plan) scene() *policy.Scene {
	n := p.Counts()
	s := &policy.Scene{
		Fleet:  policy.Fleet{Name: p.Scope.Name, ID: p.Scope.ID},
		Server: policy.Server{Version: p.ServerVersion, Account: p.Account},
		Plan: policy.Plan{Creates: n.Create, Updates: n.Update, Replacements: n.Replace, Deletes: n.Delete, Keeps: n.Keep, Blocked: n.Blocked,
			Changes: []*policy.Change{}},
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		s.Plan.DisksDeleted += len(c.Disks)
		if c.Action == Keep || c.Action == Blocked {
			continue
		}
		group, _, _ := strings.Cut(c.Key, "/")
		change := &policy.Change{Key: c.Key, Group: group, Name: c.Name, Action: string(c.Action), Reason: c.Reason, Generation: c.Generation,
			Stops: c.Action == Update && c.Edit != nil && c.Edit.Stop, Machine: cmp.Or(c.Machine, &policy.Machine{})}
		if change.Stops {
			s.Plan.Stops++
		}
		for _, d := range c.Differences {
			change.Differences = append(change.Differences, policy.Difference(d))
		}
		for _, d := range c.Disks {
			change.DisksDeleted = append(change.DisksDeleted, policy.Disk{Name: d.Name, Size: d.Size})
		}
		s.Plan.Changes = append(s.Plan.Changes, change)
	}
	return s
}
