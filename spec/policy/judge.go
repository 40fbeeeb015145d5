package policy

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/interpreter"
)

// Verdict is what a condition says of a scene.
type Verdict struct {
	// True says that the condition holds: of the plan, or of one change at least.
	True bool
	// Changes are the indices of the changes for which it holds; none if the
	// condition is about the plan.
	Changes []int
	// Err says why the condition has no answer. What was found before stands
	// in the other fields, but nobody may take the rest for allowed.
	Err error
	// At is the index of the change for which it has no answer, or -1.
	At int
}

// ErrTooMuchWork says that a condition would do more work than it may.
var ErrTooMuchWork = errors.New("it takes too much work")

// Judge asks a condition about a scene. It does no more work than in proportion
// to the number of changes, whatever the condition asks for; then it gives up
// with ErrTooMuchWork. It is safe for concurrent use.
func (c *Condition) Judge(s *Scene) Verdict {
	env, err := environment(c.over)
	if err != nil {
		return Verdict{Err: err, At: -1}
	}
	m := newMeter(c.ast.NativeRep(), baseBudget+budgetPerChange*len(s.Plan.Changes))
	program, err := env.Program(c.ast, cel.CustomDecoratorV2(m.decorate), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return Verdict{Err: err, At: -1}
	}
	value := env.CELTypeAdapter().NativeToValue
	known := map[string]any{"fleet": value(&s.Fleet), "server": value(&s.Server), "plan": value(&s.Plan)}
	if c.over == OverPlan {
		holds, err := m.ask(program, known)
		return Verdict{True: holds, Err: err, At: -1}
	}
	verdict := Verdict{At: -1}
	for i, change := range s.Plan.Changes {
		known["change"] = value(change)
		holds, err := m.ask(program, known)
		if err != nil {
			verdict.Err, verdict.At = err, i
			return verdict
		}
		if holds {
			verdict.True, verdict.Changes = true, append(verdict.Changes, i)
		}
	}
	return verdict
}

// ask evaluates a condition once.
func (m *meter) ask(program cel.Program, known map[string]any) (holds bool, err error) {
	if m.left < m.parts {
		return false, ErrTooMuchWork
	}
	m.left -= m.parts
	value, _, err := program.Eval(known)
	if cancelled := (interpreter.EvalCancelledError{}); errors.As(err, &cancelled) {
		return false, m.stopped
	}
	if err != nil {
		return false, err
	}
	answer, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("it gave %s", typeWords(value.Type().TypeName()))
	}
	return bool(answer), nil
}
