package policy

import (
	"fmt"
	"reflect"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
)

// Over says what a condition is asked about.
type Over string

// What conditions are asked about. The zero Over leaves it to the expression:
// one that speaks of change is about each change, else it is about the plan.
const (
	OverPlan   Over = "plan"
	OverChange Over = "change"
)

// Condition is an expression that was found to be sound.
type Condition struct {
	over Over
	text string
	ast  *cel.Ast
}

// Over says whether the condition is about the plan or about each change.
func (c *Condition) Over() Over { return c.over }

// String returns the expression.
func (c *Condition) String() string { return c.text }

// MarshalText returns the expression, which is all that a digest needs.
func (c *Condition) MarshalText() ([]byte, error) { return []byte(c.text), nil }

// Problem is what is wrong with an expression.
type Problem struct {
	Offset  int // in characters, from 0
	Message string
	Hint    string // the way out, or empty
	// Word is a name that nothing has, Known the names that would be right there.
	Word  string
	Known []string
}

// Compile checks an expression. It is sound if it has no problems; it must give
// true or false.
func Compile(text string, over Over) (*Condition, []Problem) {
	if length := utf8.RuneCountInString(text); length > MaxLength {
		return nil, []Problem{{Message: fmt.Sprintf("the expression has %d characters", length), Hint: fmt.Sprintf("use at most %d; several policies may say it", MaxLength)}}
	}
	if over != "" {
		return compile(text, over)
	}
	if condition, problems := compile(text, OverPlan); problems == nil {
		return condition, nil
	}
	return compile(text, OverChange)
}

func compile(text string, over Over) (condition *Condition, problems []Problem) {
	defer func() {
		// What the library cannot bear is no condition either.
		if r := recover(); r != nil {
			condition, problems = nil, []Problem{{Message: fmt.Sprintf("the expression cannot be checked: %v", r)}}
		}
	}()
	env, err := environment(over)
	if err != nil {
		return nil, []Problem{{Message: "expressions cannot be checked: " + err.Error()}}
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, syntaxProblems(text, issues.Errors())
	}
	tree := parsed.NativeRep()
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		x := explainer{text: text, runes: []rune(text), over: over, tree: tree}
		return nil, x.problems(issues.Errors())
	}
	tree = checked.NativeRep()
	if problems := forbidden(tree); problems != nil {
		return nil, problems
	}
	if got := checked.OutputType(); got != cel.BoolType {
		return nil, []Problem{{Offset: startOf(tree, tree.Expr()), Message: "want an expression that is true or false, got " + typeWords(got.String()),
			Hint: "compare it with something, such as > 0"}}
	}
	return &Condition{over: over, text: text, ast: checked}, nil
}

// forbidden finds what is sound CEL, but not for conditions.
func forbidden(tree *ast.AST) []Problem {
	var problems []Problem
	visit := func(e ast.Expr) {
		switch e.Kind() {
		case ast.StructKind:
			problems = append(problems, Problem{Offset: startOf(tree, e), Message: "a policy cannot make a value of type " + typeWords(e.AsStruct().TypeName()),
				Hint: "compare its fields one by one"})
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == "matches" {
				pattern := call.Args()[len(call.Args())-1]
				if problem := badPattern(pattern); problem != nil {
					problem.Offset = startOf(tree, pattern)
					problems = append(problems, *problem)
				}
			}
		default: // sound wherever it stands
		}
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(visit))
	slices.SortFunc(problems, func(a, b Problem) int { return a.Offset - b.Offset })
	return problems
}

// badPattern says what is wrong with a regular expression. It has to be a
// literal, so that its size is known.
func badPattern(e ast.Expr) *Problem {
	if e.Kind() != ast.LiteralKind {
		return &Problem{Message: "the pattern of matches is not a text in quotes", Hint: "write the pattern itself, or use contains, startsWith or endsWith"}
	}
	pattern, _ := e.AsLiteral().Value().(string)
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return &Problem{Message: strings.Replace(err.Error(), "error parsing regexp", "the pattern is no regular expression", 1),
			Hint: `patterns are those of RE2; a backslash is written \\, or the text as r"…"`}
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return &Problem{Message: "the regular expression is too large", Hint: "use smaller repeat counts"}
	}
	return nil
}

// startOf returns where an expression begins, in characters.
func startOf(tree *ast.AST, e ast.Expr) int {
	start := -1
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) {
		if at, ok := tree.SourceInfo().GetOffsetRange(part.ID()); ok && (start < 0 || int(at.Start) < start) {
			start = int(at.Start)
		}
	}))
	return max(start, 0)
}

// finder finds the structs of this package among the parts of an expression.
type finder struct {
	id    int64        // of the part that is looked for
	found reflect.Type // of what it selects from, or nil
}

// find walks an expression. Scope holds the variables of the loops around it.
// It returns the type of the expression where that is one of this package.
func (f *finder) find(e ast.Expr, scope map[string]reflect.Type) reflect.Type {
	switch e.Kind() {
	case ast.IdentKind:
		if typ, local := scope[e.AsIdent()]; local {
			return typ
		}
		return variables[e.AsIdent()]
	case ast.SelectKind:
		from := f.find(e.AsSelect().Operand(), scope)
		if e.ID() == f.id {
			f.found = from
		}
		return fieldType(from, e.AsSelect().FieldName())
	case ast.CallKind:
		call := e.AsCall()
		var first reflect.Type
		if call.IsMemberFunction() {
			f.find(call.Target(), scope)
		}
		for i, arg := range call.Args() {
			if typ := f.find(arg, scope); i == 0 {
				first = typ
			}
		}
		if call.FunctionName() == "_[_]" {
			return first // lists have the type of their items here
		}
	case ast.ListKind:
		for _, item := range e.AsList().Elements() {
			f.find(item, scope)
		}
	case ast.ComprehensionKind:
		loop := e.AsComprehension()
		inner := map[string]reflect.Type{loop.IterVar(): f.find(loop.IterRange(), scope)}
		for name, typ := range scope {
			if name != loop.IterVar() {
				inner[name] = typ
			}
		}
		f.find(loop.LoopCondition(), inner)
		f.find(loop.LoopStep(), inner)
		if call := loop.LoopStep(); call.Kind() == ast.CallKind && call.AsCall().FunctionName() == "_?_:_" {
			return inner[loop.IterVar()] // of filter
		}
	default: // has no fields
	}
	return nil
}

// fieldType returns the type of a field, of a list that of its items, where it
// is one of this package.
func fieldType(typ reflect.Type, name string) reflect.Type {
	if typ == nil {
		return nil
	}
	i := slices.Index(fieldNames(typ), name)
	if i < 0 {
		return nil
	}
	field := typ.Field(i).Type
	for field.Kind() == reflect.Pointer || field.Kind() == reflect.Slice {
		field = field.Elem()
	}
	if field.Kind() != reflect.Struct {
		return nil
	}
	return field
}
