package policy

import (
	"reflect"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
)

// What one condition may be.
const (
	MaxLength   = 4000 // characters
	maxNodes    = 1000 // parts, after macros were expanded
	maxDepth    = 50   // of parentheses and the like
	maxLoops    = 2    // comprehensions inside of each other
	maxProgram  = 250  // instructions of a regular expression
	maxProblems = 10
)

// functions are all that a condition can call: operators, and what looks into
// texts and lists. None knows the time or the time zones of the computer, and
// none turns the type checker off, as dyn would.
var functions = []string{
	"_?_:_", "_&&_", "_||_", "!_", "@not_strictly_false",
	"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in",
	"_+_", "_-_", "_*_", "_/_", "_%_", "-_", "_[_]",
	"size", "contains", "startsWith", "endsWith", "matches", "string", "int", "double",
}

// constants are units for sizes, which are bytes.
var constants = map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// variables are the names that conditions over a plan know. Conditions over
// changes know change as well.
var variables = map[string]reflect.Type{
	"fleet":  reflect.TypeFor[Fleet](),
	"server": reflect.TypeFor[Server](),
	"plan":   reflect.TypeFor[Plan](),
	"change": reflect.TypeFor[Change](),
}

// environment returns the names, types and functions for conditions. They are
// made when the first condition needs them: most fleets have none.
func environment(over Over) (*cel.Env, error) {
	return environments()[over].env, environments()[over].err
}

type environmentOrError struct {
	env *cel.Env
	err error
}

var environments = sync.OnceValue(func() map[Over]environmentOrError {
	made := make(map[Over]environmentOrError)
	for _, over := range []Over{OverPlan, OverChange} {
		env, err := cel.NewCustomEnv(options(over)...)
		made[over] = environmentOrError{env, err}
	}
	return made
})

func options(over Over) []cel.EnvOption {
	library := &env.LibrarySubset{IncludeMacros: []string{"has", "all", "exists", "exists_one", "map", "filter"}}
	for _, name := range functions {
		library.IncludeFunctions = append(library.IncludeFunctions, env.NewFunction(name))
	}
	opts := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(library)),
		cel.ParserExpressionSizeLimit(MaxLength),
		cel.ParserRecursionLimit(maxDepth),
		cel.ParserErrorRecoveryLimit(4),
		cel.ExpressionNodeLimit(maxNodes),
		cel.EnableHiddenAccumulatorName(true),
		cel.ASTValidators(cel.ValidateComprehensionNestingLimit(maxLoops), cel.ValidateHomogeneousAggregateLiterals()),
	}
	structs := []any{ext.ParseStructTag("json")}
	for _, typ := range variables {
		structs = append(structs, typ)
	}
	opts = append(opts, ext.NativeTypes(structs...))
	for name, value := range constants {
		opts = append(opts, cel.Constant(name, cel.IntType, types.Int(value)))
	}
	for name, typ := range variables {
		if name != "change" || over == OverChange {
			opts = append(opts, cel.Variable(name, cel.ObjectType(typ.String())))
		}
	}
	return opts
}

// fieldsOf lists the fields of a type of this package, and of what it is made of.
func fieldsOf(typ reflect.Type, into map[string]reflect.Type) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || into[typ.Name()] != nil {
		return
	}
	into[typ.Name()] = typ
	for i := range typ.NumField() {
		fieldsOf(typ.Field(i).Type, into)
	}
}

// fieldNames lists the fields of a struct as conditions call them.
func fieldNames(typ reflect.Type) []string {
	var names []string
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
