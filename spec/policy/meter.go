package policy

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// What one condition may do with a plan. A unit of work is one part of the
// expression, evaluated once.
const (
	baseBudget      = 1_000_000
	budgetPerChange = 1000
	maxText         = 10_000 // bytes of a text that an expression makes
)

// meter counts the work of a condition and stops it when it has done all that
// it may. Work is counted before it is done, and in steps, not in time, so that
// a condition is stopped at the same place on every computer. The library can
// count too, but so that counting takes more time than the work, and it misses
// long texts and lists.
type meter struct {
	left    int
	parts   int           // of the expression
	loops   map[int64]int // by id: how many parts one turn of a loop has
	ranges  map[int64]int64
	types   func(id int64) *types.Type
	planned map[int64]interpreter.InterpretableV2
	stopped error
}

func newMeter(tree *ast.AST, budget int) *meter {
	m := &meter{left: budget, types: tree.GetType,
		loops: make(map[int64]int), ranges: make(map[int64]int64), planned: make(map[int64]interpreter.InterpretableV2)}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		m.parts++
		if e.Kind() == ast.ComprehensionKind {
			loop := e.AsComprehension()
			m.ranges[e.ID()] = loop.IterRange().ID()
			for _, part := range []ast.Expr{loop.LoopCondition(), loop.LoopStep()} {
				ast.PostOrderVisit(part, ast.NewExprVisitor(func(ast.Expr) { m.loops[e.ID()]++ }))
			}
		}
	}))
	return m
}

// spend stops the evaluation when there is not enough left.
func (m *meter) spend(units int) {
	if m.left -= units; m.left < 0 {
		m.stop(ErrTooMuchWork)
	}
}

// stop ends the evaluation at once. The library turns this panic into an error.
func (m *meter) stop(why error) {
	m.left, m.stopped = 0, why
	panic(interpreter.EvalCancelledError{Message: why.Error(), Cause: interpreter.CostLimitExceeded})
}

// decorate puts the counting around those parts of an evaluation whose work
// depends on values: loops, comparisons of lists, patterns, and texts that grow.
// The library calls it for every part, innermost first.
func (m *meter) decorate(part interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	m.planned[part.ID()] = part
	if turns := m.loops[part.ID()]; turns > 0 {
		over := m.planned[m.ranges[part.ID()]]
		if over == nil {
			return nil, errors.New("the work of a loop cannot be counted")
		}
		return &metered{part, m, []interpreter.InterpretableV2{over}, func(args []ref.Val) int { return sizeOf(args[0]) * turns }}, nil
	}
	call, ok := part.(interpreter.InterpretableCall)
	if !ok {
		return part, nil
	}
	switch call.Function() {
	case "matches":
		args := call.Args()
		pattern, ok := args[1].(interpreter.InterpretableConst)
		if !ok {
			return nil, fmt.Errorf("the pattern of matches is not a text in quotes")
		}
		text, _ := pattern.Value().(types.String)
		compiled, err := interpreter.MatchesRegexOptimization.Factory(call, string(text))
		return &metered{compiled, m, args[:1], func(args []ref.Val) int { return 1 + lengthOf(args[0])*maxProgram/maxPerUnit }}, err
	case "_==_", "_!=_", "@in":
		if m.isLarge(call.Args()[0]) || m.isLarge(call.Args()[1]) {
			return &metered{part, m, call.Args(), func(args []ref.Val) int { return compareCost(args[0]) + compareCost(args[1]) }}, nil
		}
	case "_+_":
		if m.types(call.Args()[0].ID()).Kind() == types.StringKind || m.types(call.Args()[0].ID()).Kind() == types.BytesKind {
			return &joined{part, m}, nil
		}
	}
	return part, nil
}

// maxPerUnit is how many steps of a regular expression, or characters of a
// text, count as one unit.
const maxPerUnit = 25

// isLarge reports whether comparing a value may be more than one step.
func (m *meter) isLarge(part interpreter.InterpretableV2) bool {
	switch m.types(part.ID()).Kind() {
	case types.ListKind, types.MapKind, types.StructKind:
		return true
	default:
		return false
	}
}

// metered is a part of an evaluation that is paid for before it is evaluated.
// What it is about is evaluated once more for that; this is paid for as well.
type metered struct {
	interpreter.InterpretableV2
	meter *meter
	about []interpreter.InterpretableV2
	price func(args []ref.Val) int
}

// Exec implements the interface of the library.
func (p *metered) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	values := make([]ref.Val, len(p.about))
	for i, arg := range p.about {
		if values[i] = arg.Exec(frame); types.IsUnknownOrError(values[i]) {
			return values[i]
		}
	}
	p.meter.spend(1 + p.price(values))
	return p.InterpretableV2.Exec(frame)
}

// Eval implements the interface of the library.
func (p *metered) Eval(activation interpreter.Activation) ref.Val {
	return p.Exec(interpreter.AsFrame(activation))
}

// joined is a text that is made of others.
type joined struct {
	interpreter.InterpretableV2
	meter *meter
}

// Exec implements the interface of the library.
func (p *joined) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := p.InterpretableV2.Exec(frame)
	length := lengthOf(value)
	if length > maxText {
		p.meter.stop(fmt.Errorf("it makes a text of more than %d bytes", maxText))
	}
	p.meter.spend(length / maxPerUnit)
	return value
}

// Eval implements the interface of the library.
func (p *joined) Eval(activation interpreter.Activation) ref.Val {
	return p.Exec(interpreter.AsFrame(activation))
}

// sizeOf counts the items of a list or a map.
func sizeOf(value ref.Val) int {
	if sized, ok := value.(traits.Sizer); ok {
		if size, ok := sized.Size().(types.Int); ok {
			return int(size)
		}
	}
	return 0
}

// lengthOf returns the bytes of a text.
func lengthOf(value ref.Val) int {
	switch value := value.(type) {
	case types.String:
		return len(value)
	case types.Bytes:
		return len(value)
	}
	return 0
}

// structCost is the work of comparing one struct of a scene.
const structCost = 50

// compareCost is the work of comparing a value with another as large.
func compareCost(value ref.Val) int {
	switch value := value.(type) {
	case types.String, types.Bytes:
		return 1 + lengthOf(value)/maxPerUnit
	case traits.Lister:
		cost := 1
		for i := range sizeOf(value) {
			cost += compareCost(value.Get(types.Int(i)))
		}
		return cost
	case traits.Mapper:
		return 1 + sizeOf(value)*structCost
	case traits.Indexer:
		return structCost
	}
	return 1
}
