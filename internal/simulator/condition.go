package simulator

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// operators are in the order in which the server looks for them. The first one
// found anywhere in a condition wins, in the name or in the value: so
// "name=a>=b" asks for a field "name=a".
var operators = []string{"!=", ">=", "<=", "!?=", "!~=", "~=", "?=", "=", ">", "<", "is null", "not null"}

// condition is one comparison of a query.
type condition struct {
	path     []string
	operator string
	value    string
}

// parseCondition splits a condition as the server does, mistakes included.
func parseCondition(text string) (condition, error) {
	for _, operator := range operators {
		name, value, found := strings.Cut(text, operator)
		if !found {
			continue
		}
		c := condition{path: strings.Split(strings.TrimSpace(name), "."), operator: operator, value: value}
		if operator == "is null" || operator == "not null" {
			c.value = ""
		} else if value == "" {
			return condition{}, malformedQuery("Invalid query parameter. The '%s' in the parameter[q] doesn't have a value", text)
		}
		return c, nil
	}
	return condition{}, malformedQuery("Invalid query parameter. The '%s' in the parameter[q] doesn't contain any query operator", text)
}

// matches reports whether any value at the path fulfils the condition. Negative
// conditions on tags mean instead that no tag fulfils the positive one.
func (c condition) matches(row record) bool {
	found := valuesAt(row, c.path)
	if last := c.path[len(c.path)-1]; strings.HasPrefix(last, "__") && strings.HasSuffix(last, "__") {
		if positive, negated := strings.CutPrefix(c.operator, "!"); negated {
			return !slices.ContainsFunc(found, condition{operator: positive, value: c.value}.fulfilledBy)
		}
	}
	switch c.operator {
	case "is null":
		return len(found) == 0
	case "not null":
		return len(found) > 0
	}
	return slices.ContainsFunc(found, c.fulfilledBy)
}

func (c condition) fulfilledBy(value any) bool {
	switch c.operator {
	case "?=", "!?=":
		in := slices.ContainsFunc(strings.Split(c.value, ","), func(one string) bool {
			n, ok := compareValues(value, one)
			return ok && n == 0
		})
		return in == (c.operator == "?=")
	case "~=", "!~=":
		like := likeMatch(strings.ToLower(c.value), strings.ToLower(fmt.Sprint(databaseText(value))))
		return like == (c.operator == "~=")
	}
	n, ok := compareValues(value, c.value)
	if !ok {
		return c.operator == "!="
	}
	switch c.operator {
	case "=":
		return n == 0
	case "!=":
		return n != 0
	case ">=":
		return n >= 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	default:
		return n < 0
	}
}

// valuesAt returns the scalars that a path leads to, through records and lists.
// Null is no value.
func valuesAt(value any, path []string) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		var found []any
		for _, element := range v {
			found = append(found, valuesAt(element, path)...)
		}
		return found
	case record:
		if len(path) == 0 {
			return nil
		}
		next, ok := v[path[0]]
		if !ok {
			next = v["__"+path[0]]
		}
		return valuesAt(next, path[1:])
	}
	if len(path) > 0 {
		return nil
	}
	return []any{value}
}

// compareValues compares a value of a row with the text of a condition, in the
// way of the value's type. It is false where the text cannot be of that type.
func compareValues(value any, text string) (int, bool) {
	switch v := value.(type) {
	case bool:
		wanted := strings.EqualFold(text, "true") || text == "1"
		if !wanted && !strings.EqualFold(text, "false") && text != "0" {
			return 0, false
		}
		return boolNumber(v) - boolNumber(wanted), true
	case int64, int, float64:
		have, _ := new(big.Rat).SetString(fmt.Sprint(v))
		// Rat reads 1e999999999 as well, and would take its time.
		if len(text) > 40 || strings.ContainsAny(text, "eEpP/_") {
			return 0, false
		}
		want, ok := new(big.Rat).SetString(strings.TrimSpace(text))
		if have == nil || !ok {
			return 0, false
		}
		return have.Cmp(want), true
	}
	// The collation of the database ignores case.
	have, _ := databaseText(value).(string)
	return cmp.Compare(strings.ToLower(have), strings.ToLower(text)), true
}

// databaseText turns a date into the text that the database has for it.
func databaseText(value any) any {
	text, ok := value.(string)
	if !ok || !strings.HasSuffix(text, "M") {
		return value
	}
	if date, err := time.Parse("Jan 2, 2006 3:04:05 PM", text); err == nil {
		return date.Format(time.DateTime)
	}
	return text
}

func boolNumber(b bool) int {
	if b {
		return 1
	}
	return 0
}

// likeMatch matches SQL patterns: % for any text, _ for one character.
func likeMatch(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '%':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '_' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}
