package policy

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// explainer turns what the type checker finds into problems.
type explainer struct {
	text  string
	runes []rune
	over  Over
	tree  *ast.AST
}

// The checker's messages that have better words here.
var (
	undefinedField = regexp.MustCompile(`^undefined field '(.*)'$`)
	undeclared     = regexp.MustCompile(`^undeclared reference to '(.*)' \(in container '.*'\)$`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '(.*)' applied to '(.*)'$`)
	unexpectedType = regexp.MustCompile(`^expected type '(.*)' but found '(.*)'$`)
	noFields       = regexp.MustCompile(`^type '(.*)' does not support field selection$`)
	noRange        = regexp.MustCompile(`^expression of type '(.*)' cannot be range of a comprehension`)
	misunderstood  = regexp.MustCompile(`(?s)^Syntax error: (?:mismatched input|extraneous input|no viable alternative at input|missing .* at) '(.*?)'(?: expecting .*)?$`)
	notRecognised  = regexp.MustCompile(`(?s)^Syntax error: token recognition error at: '(.*)'$`)
	reserved       = regexp.MustCompile(`^reserved identifier: (.*)$`)
	tooManyParts   = regexp.MustCompile(`(?:count|size) exceeds limit`)
	tooDeep        = regexp.MustCompile(`recursion|nesting depth`)
	tooManyLoops   = "comprehension exceeds nesting limit"
	packageOfTypes = regexp.MustCompile(`\bpolicy\.([A-Z]\w*)`)
	plainWords     = []string{"create", "update", "replace", "delete", "image", "volume", "snapshot"}
)

// oneLine is a message of the library that may quote the text of its user.
func oneLine(message string) string {
	const longest = 200
	runes := []rune(strings.Join(strings.Fields(message), " "))
	if len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return string(runes)
}

// typeWords says a type as conditions know it.
func typeWords(name string) string {
	return packageOfTypes.ReplaceAllStringFunc(name, func(match string) string { return strings.ToLower(strings.TrimPrefix(match, "policy.")) })
}

// offset is the place of an error, in characters.
func offset(text string, at common.Location) int {
	offset := 0
	for line, content := range strings.Split(text, "\n") {
		if line+1 == at.Line() {
			return offset + max(at.Column(), 0)
		}
		offset += len([]rune(content)) + 1
	}
	return 0
}

// problems says what is wrong, sorted by place.
func (x *explainer) problems(errors []*common.Error) []Problem {
	var problems []Problem
	call := -1 // where the first call stands that means nothing
	for _, e := range errors {
		at := offset(x.text, e.Location)
		unknown := undeclared.MatchString(e.Message)
		switch {
		case unknown && x.calls(at):
			call = at
		case unknown && call >= 0 && at > call:
			continue // the variable of a loop that is none
		}
		if problems = append(problems, x.problem(e, at)); len(problems) == maxProblems {
			break
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return a.Offset - b.Offset })
	return problems
}

func (x *explainer) problem(e *common.Error, at int) Problem {
	p := Problem{Offset: at, Message: oneLine(e.Message)}
	if m := undefinedField.FindStringSubmatch(e.Message); m != nil {
		return x.unknownField(e.ExprID, at, m[1])
	}
	if m := undeclared.FindStringSubmatch(e.Message); m != nil {
		return x.unknownName(at, m[1])
	}
	if m := noOverload.FindStringSubmatch(e.Message); m != nil {
		return mismatch(at, m[1], strings.Trim(m[2], "()"))
	}
	if m := unexpectedType.FindStringSubmatch(e.Message); m != nil {
		p.Message = fmt.Sprintf("want %s, got %s", typeWords(m[1]), typeWords(m[2]))
		if part := x.part(e.ExprID); part != nil {
			p.Offset = startOf(x.tree, part)
		}
	}
	if m := noFields.FindStringSubmatch(e.Message); m != nil {
		p.Message, p.Offset = typeWords(m[1])+" has no fields", x.afterDot(at)
	}
	if m := noRange.FindStringSubmatch(e.Message); m != nil {
		p.Message = fmt.Sprintf("want a list, got %s", typeWords(m[1]))
	}
	switch {
	case e.Message == tooManyLoops:
		p.Message, p.Hint = fmt.Sprintf("more than %d loops are inside of each other", maxLoops), "split the policy"
	case tooManyParts.MatchString(e.Message):
		p.Message, p.Hint = fmt.Sprintf("the expression has more than %d parts", maxNodes), "split the policy"
	}
	return p
}

// calls reports whether a call is at a place: that of its parenthesis.
func (x *explainer) calls(at int) bool { return at < len(x.runes) && x.runes[at] == '(' }

// part finds a part of the expression.
func (x *explainer) part(id int64) ast.Expr {
	var found ast.Expr
	ast.PostOrderVisit(x.tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// afterDot moves from the dot of a selection to the name of the field.
func (x *explainer) afterDot(at int) int {
	if at >= len(x.runes) || x.runes[at] != '.' {
		return at
	}
	for at++; at < len(x.runes) && unicode.IsSpace(x.runes[at]); at++ {
	}
	return at
}

func (x *explainer) unknownField(id int64, at int, field string) Problem {
	p := Problem{Offset: x.afterDot(at), Message: fmt.Sprintf("no field %q", field), Word: field}
	f := finder{id: id}
	f.find(x.tree.Expr(), nil)
	if f.found != nil {
		p.Message = fmt.Sprintf("%s has no field %q", typeWords(f.found.String()), field)
		p.Known = fieldNames(f.found)
		return p
	}
	all := make(map[string]reflect.Type)
	for _, typ := range variables {
		fieldsOf(typ, all)
	}
	for _, typ := range all {
		p.Known = append(p.Known, fieldNames(typ)...)
	}
	return p
}

// unknownName explains a variable or a function that is not there.
func (x *explainer) unknownName(at int, name string) Problem {
	called := x.calls(at)
	if from := at - len([]rune(name)); called && from >= 0 && string(x.runes[from:at]) == name {
		at = from
	}
	p := Problem{Offset: at, Message: fmt.Sprintf("%q is not known here", name), Word: name}
	isWord := slices.Contains(plainWords, name)
	switch {
	case called:
		p.Message = fmt.Sprintf("there is no function %q", name)
		p.Known = []string{"all", "exists", "exists_one", "filter", "map", "has"}
		if slices.Contains(p.Known, name) {
			p.Word, p.Known = "", nil
			p.Message, p.Hint = name+" does not go with that", "write list.all(x, CONDITION), exists, exists_one, filter or map alike, or has(a.b)"
			return p
		}
		for _, f := range functions {
			if unicode.IsLetter(rune(f[0])) {
				p.Known = append(p.Known, f)
			}
		}
	case name == "change" && x.over == OverPlan:
		p.Word, p.Hint = "", "write over: change to ask it of each change, or look into plan.changes"
	case isWord:
		p.Word, p.Hint = "", fmt.Sprintf("put texts in quotes: %q", name)
	default:
		p.Known = slices.Concat(slices.Collect(maps.Keys(constants)), []string{"fleet", "plan", "server"})
		if x.over == OverChange {
			p.Known = append(p.Known, "change")
		}
	}
	return p
}

// mismatch explains an operator or a function that does not take what it got.
func mismatch(at int, name, types string) Problem {
	p := Problem{Offset: at}
	shown, isOperator := operators.FindReverse(name)
	if isOperator && shown == "" {
		shown = strings.Trim(name, "_@")
	}
	list := strings.Split(typeWords(types), ", ")
	switch {
	case name == operators.Index:
		p.Message, p.Hint = fmt.Sprintf("%s has no items to be had by [%s]", list[0], strings.Join(list[1:], ", ")), "fields are had by a dot"
	case isOperator && len(list) == 2:
		p.Message = fmt.Sprintf("%s does not go with %s and %s", shown, list[0], list[1])
	case isOperator:
		p.Message = fmt.Sprintf("%s does not go with %s", shown, strings.Join(list, ", "))
	default:
		p.Message = fmt.Sprintf("%s does not go with %s", name, strings.Join(list, " and "))
	}
	switch both := strings.Join(list, " "); both {
	case "int double", "double int":
		p.Hint = "make them alike with int(…) or double(…)"
	case "int string", "string int":
		p.Hint = "write numbers without quotes and texts with, or use string(…) or int(…)"
	}
	return p
}

// syntaxProblems explains text that is no expression. What follows the first
// error is mostly its consequence.
func syntaxProblems(text string, errors []*common.Error) []Problem {
	e := errors[0]
	p := Problem{Offset: offset(text, e.Location), Message: oneLine(e.Message), Hint: "policies are written in CEL, such as plan.deletes > 0"}
	before := strings.TrimSpace(string([]rune(text)[:min(p.Offset, len([]rune(text)))]))
	if m := misunderstood.FindStringSubmatch(e.Message); m != nil {
		p.Message = fmt.Sprintf("%q is not expected here", oneLine(m[1]))
		switch {
		case strings.TrimSpace(text) == "":
			p.Message = "the expression is empty"
		case m[1] == "<EOF>":
			p.Message, p.Hint = "the expression ends too early", ""
		case m[1] == "and" || m[1] == "or":
			p.Hint = fmt.Sprintf("write %s", map[string]string{"and": "&&", "or": "||"}[m[1]])
		case before == "not" || strings.HasSuffix(before, " not"):
			p.Hint = "write ! for not"
		}
	}
	if m := notRecognised.FindStringSubmatch(e.Message); m != nil {
		p.Message = fmt.Sprintf("%q means nothing here", oneLine(m[1]))
		switch {
		case strings.HasPrefix(m[1], "="):
			p.Hint = "write == to compare"
		case strings.HasPrefix(m[1], `"`) || strings.HasPrefix(m[1], "'"):
			p.Message, p.Hint = "the text that begins here has no end", ""
		case strings.HasPrefix(m[1], "#"):
			p.Hint = "comments inside of an expression begin with //"
		}
	}
	if m := reserved.FindStringSubmatch(e.Message); m != nil {
		p.Message, p.Hint = fmt.Sprintf("%q is a reserved word", m[1]), ""
		if m[1] == "var" {
			p.Hint = "policies see the plan, and no variables of the fleet file"
		}
	}
	switch {
	case tooDeep.MatchString(e.Message):
		p.Message, p.Hint = fmt.Sprintf("parts of the expression nest deeper than %d levels", maxDepth), "split the policy"
	case tooManyParts.MatchString(e.Message):
		p.Message, p.Hint = fmt.Sprintf("the expression has more than %d parts", maxNodes), "split the policy"
	}
	return []Problem{p}
}
