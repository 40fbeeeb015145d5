package spec

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"zfleet/schemas"
	"zfleet/spec/policy"
)

// Policy is a rule that plans have to keep: where its condition holds, the plan
// is refused, or, if it only warns, noted.
type Policy struct {
	Name      string
	Condition *policy.Condition
	Message   string   // why, in one line
	Severity  Severity // Error or Warning
	Off       bool     // a later file switched it off: it is told, and not asked
	Pos       Pos      `json:"-"`
}

// Digest returns the SHA-256 (64 hex) of what the policy says.
func (p *Policy) Digest() string {
	text, err := json.Marshal(struct {
		Name, Over, Deny, Message, Severity string
		Off                                 bool
	}{p.Name, string(p.Condition.Over()), p.Condition.String(), p.Message, p.Severity.String(), p.Off})
	if err != nil {
		panic("spec: a policy holds what JSON cannot: " + err.Error()) // it holds strings
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// What policies may be.
const (
	maxPolicies      = 50 // of one file, or of one fleet
	maxPolicyMessage = 500
)

// LoadPolicies reads a file of policies, which is no part of a fleet: those who
// review plans keep it where those who write fleets cannot change it.
func LoadPolicies(in Input) ([]Policy, Diagnostics) {
	r := newReporter()
	root, found := parseYAML(in)
	r.stage(found)
	if root == nil {
		return nil, r.found.Sorted()
	}
	rules, err := newSchema(schemas.Policies)
	if err != nil {
		return nil, Diagnostics{{Code: "bad-schema", Message: "the schema of policy files is broken: " + err.Error()}}
	}
	r.stage(rules.check(root))
	list := r.policies(root, []Input{in})
	if r.found.HasErrors() {
		return nil, r.found.Sorted()
	}
	if len(list) == 0 {
		r.add(Diagnostic{Severity: Warning, Pos: root.pos, Code: "no-policies", Message: "the file holds no policy", Hint: "add policies: [{name: …, deny: …, message: …}]"}, "")
	}
	return list, r.found.Sorted()
}

// stackPolicies puts the policies of the files below under those of a file that
// is laid over them. Other lists replace what is below; here that would let an
// overlay drop the policies of the base without a word. An overlay adds policies
// and changes those that it names; one that it wants to be rid of it has to name.
func stackPolicies(base, over *node, r *reporter) {
	said, again := over.lookup("policies")
	below := base.get("policies")
	if !again || !isList(below) {
		return
	}
	if said.value.kind == nullNode && len(below.items) > 0 {
		r.stage(Diagnostics{{Pos: said.pos, Code: "policies-unset", Message: "the policies of the files below cannot be unset as a whole",
			Hint: "name each that you do not want: - {name: NAME, severity: off}"}})
		return
	}
	if said.value.kind != listNode {
		return // the schema says so
	}
	stacked := &node{kind: listNode, pos: said.value.pos}
	rest := slices.Clone(said.value.items)
	for _, item := range below.items {
		name := stringOf(item.get("name"))
		i := slices.IndexFunc(rest, func(other *node) bool { return name != "" && stringOf(other.get("name")) == name })
		if i < 0 {
			stacked.items = append(stacked.items, item.clone())
			continue
		}
		stacked.items = append(stacked.items, mergeNodes(item, rest[i], nil))
		rest = slices.Delete(rest, i, i+1)
	}
	stacked.items = append(stacked.items, rest...)
	*said.value = *stacked
}

// policies reads the policies of a fleet or of a policy file.
func (r *reporter) policies(root *node, inputs []Input) []Policy {
	e, ok := present(root, "policies")
	if !ok || !isList(e.value) {
		return nil
	}
	if len(e.value.items) > maxPolicies {
		r.stage(Diagnostics{{Pos: e.pos, Code: "too-many-policies", Message: fmt.Sprintf("there are %d policies", len(e.value.items)),
			Hint: fmt.Sprintf("use at most %d; one policy may say several things with && and ||", maxPolicies)}})
		return nil
	}
	var (
		list  []Policy
		found Diagnostics
		first = make(map[string]Pos)
	)
	for _, item := range e.value.items {
		if item.kind != mapNode {
			continue // the schema says so
		}
		p, problems := readPolicy(item, inputs)
		if before, twice := first[p.Name]; twice && p.Name != "" {
			problems = append(problems, Diagnostic{Pos: item.get("name").pos, Code: "policy-twice", Message: fmt.Sprintf("two policies have the name %s", quote(p.Name)),
				Hint: "the other is at " + before.String()})
		} else if p.Name != "" {
			first[p.Name] = item.get("name").pos
		}
		found = append(found, problems...)
		list = append(list, p)
	}
	r.stage(found)
	return list
}

// readPolicy reads one policy. What is not of the right type the schema has
// reported.
func readPolicy(item *node, inputs []Input) (Policy, Diagnostics) {
	name, deny, message := item.get("name"), item.get("deny"), item.get("message")
	p := Policy{Name: stringOf(name), Message: strings.Join(strings.Fields(stringOf(message)), " "), Pos: item.pos}
	var found Diagnostics
	if isString(name) {
		p.Pos = name.pos
		if problem := keyProblem("policy", p.Name, name.pos); problem != nil {
			found = append(found, *problem)
		}
	}
	for _, e := range item.entries {
		if isString(e.value) && len(e.value.dollars) > 0 {
			found = append(found, Diagnostic{Pos: e.value.dollars[0], Code: "no-interpolation", Message: "policies take no variables: ${ means nothing here",
				Hint: "compare with fleet.name, or write a policy for each case"})
			return p, found
		}
	}
	switch stringOf(item.get("severity")) {
	case "warning":
		p.Severity = Warning
	case "off":
		p.Off = true
	}
	missing := func(key, hint string) {
		found = append(found, Diagnostic{Pos: p.Pos, Code: "missing-key", Message: fmt.Sprintf("the key %q of policy %s is missing", key, quote(p.Name)), Hint: hint})
	}
	switch {
	case message == nil || message.kind == nullNode:
		missing("message", "say in a few words why, for whoever reads the plan")
	case isString(message) && p.Message == "":
		found = append(found, Diagnostic{Pos: message.pos, Code: "bad-value", Message: "the message is empty", Hint: "say in a few words why, for whoever reads the plan"})
	case utf8.RuneCountInString(p.Message) > maxPolicyMessage:
		found = append(found, Diagnostic{Pos: message.pos, Code: "out-of-range", Message: fmt.Sprintf("the message has %d characters", utf8.RuneCountInString(p.Message)),
			Hint: fmt.Sprintf("use at most %d", maxPolicyMessage)})
	}
	switch {
	case deny == nil || deny.kind == nullNode:
		missing("deny", "add deny: with what must not be, such as plan.deletes > 0")
	case isString(deny):
		var problems []policy.Problem
		p.Condition, problems = policy.Compile(deny.text, policy.Over(stringOf(item.get("over"))))
		for _, problem := range problems {
			d := Diagnostic{Pos: within(deny, problem.Offset, inputs), Code: "bad-policy", Message: problem.Message, Hint: problem.Hint}
			if d.Hint == "" && problem.Word != "" {
				d.Hint = didYouMean(problem.Word, problem.Known)
			}
			found = append(found, d)
		}
	}
	return p, found
}
