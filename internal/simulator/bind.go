package simulator

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

var queryNames = []string{"q", "limit", "start", "count", "groupBy", "replyWithCount", "filterName", "sort", "fields"}

// bind fills a call's parameters from the body, the query string and the path.
// Only the types are checked here; an error is a plain text answer.
func (s *Server) bind(c *call) error {
	in := c.request
	given := record{}
	if in.method == http.MethodPost || in.method == http.MethodPut {
		if err := s.bindBody(c, given); err != nil {
			return err
		}
	} else if !c.op.query {
		if err := s.bindValues(c, given); err != nil {
			return err
		}
	} else {
		for name := range in.values {
			if !slices.Contains(queryNames, name) {
				s.finding("%s %s: unknown query parameter %s", in.method, c.op.path, name)
			}
		}
	}
	for name, value := range in.vars {
		given[name] = value
	}
	c.params = record{}
	for name, value := range given {
		p := c.op.declared(name)
		if p == nil {
			if _, variable := in.vars[name]; variable {
				c.params[name] = value
			} else {
				s.finding("%s: unknown parameter %s", c.op.name, name)
			}
			continue
		}
		typed, err := s.typed(c.op, *p, value)
		if err != nil {
			return err
		}
		if typed != nil {
			c.params[name] = typed
		}
	}
	return nil
}

func (s *Server) bindBody(c *call, given record) error {
	in := c.request
	for name := range in.body {
		if name != c.op.action && name != "systemTags" && name != "userTags" {
			s.finding("%s: unknown member %s of the body", c.op.name, name)
		}
	}
	for name := range in.values {
		s.finding("%s: query parameter %s: a %s takes none", c.op.name, name, in.method)
	}
	if member := in.body[c.op.action]; member != nil {
		params, ok := member.(record)
		if !ok {
			return gson("BEGIN_OBJECT", member)
		}
		for name, value := range params {
			given[name] = value
		}
	}
	for _, tags := range []struct {
		name string
		into *[]string
	}{{"systemTags", &c.systemTags}, {"userTags", &c.userTags}} {
		value := in.body[tags.name]
		if value == nil {
			value = given[tags.name]
		}
		delete(given, tags.name)
		if value == nil {
			continue
		}
		typed, err := s.typed(c.op, param{name: tags.name, kind: kindTexts}, value)
		if err != nil {
			return err
		}
		*tags.into = texts(record{"tags": typed}, "tags")
	}
	return nil
}

func (s *Server) bindValues(c *call, given record) error {
	in := c.request
	for name, values := range in.values {
		base, key, dotted := strings.Cut(name, ".")
		p := c.op.declared(base)
		switch {
		case base == "systemTags" || base == "userTags":
			into := &c.systemTags
			if base == "userTags" {
				into = &c.userTags
			}
			*into = append(*into, values...)
		case p == nil:
			s.finding("%s: unknown query parameter %s", c.op.name, name)
		case p.kind == kindTexts:
			old, _ := given[base].([]any)
			given[base] = append(old, anys(values)...)
		case p.kind == kindMap && dotted:
			old, _ := given[base].(record)
			if old == nil {
				old = record{}
			}
			old[key] = values[0]
			given[base] = old
		case len(values) > 1:
			return refuse(http.StatusBadRequest, "the parameter[%s] appears %d times, expected once", name, len(values))
		default:
			given[name] = values[0]
		}
	}
	return nil
}

// gson is what the server's parser says of a value of the wrong shape.
func gson(want string, value any) error {
	return refuse(http.StatusInternalServerError,
		"java.lang.IllegalStateException: Expected %s but was %s", want, shape(value))
}

func shape(value any) string {
	switch value.(type) {
	case json.Number:
		return "NUMBER"
	case string:
		return "STRING"
	case bool:
		return "BOOLEAN"
	case []any:
		return "BEGIN_ARRAY"
	default:
		return "BEGIN_OBJECT"
	}
}

// typed converts a decoded value to the declared kind. nil stays nil.
func (s *Server) typed(op *operation, p param, value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	switch p.kind {
	case kindInt:
		return typedInt(p.name, value)
	case kindBool:
		switch fmt.Sprint(value) {
		case "true", "false":
			return fmt.Sprint(value) == "true", nil
		}
		return nil, refuse(http.StatusBadRequest, "字段[%s]的值[%v]不是布尔类型", p.name, value)
	case kindTexts, kindInts, kindObjects:
		values, ok := value.([]any)
		if !ok {
			return nil, gson("BEGIN_ARRAY", value)
		}
		return s.typedList(op, p, values)
	case kindMap:
		if _, ok := value.(record); !ok {
			return nil, gson("BEGIN_OBJECT", value)
		}
		return exactNumbers(value), nil
	default:
		switch value := value.(type) {
		case string:
			return strings.TrimSpace(value), nil
		case json.Number, bool:
			return fmt.Sprint(value), nil
		}
		return nil, gson("STRING", value)
	}
}

func typedInt(name string, value any) (any, error) {
	written := strings.TrimSpace(fmt.Sprint(value))
	if n, err := strconv.ParseInt(written, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(written, 64); err == nil && f == math.Trunc(f) {
		if f < -(1<<63) || f >= 1<<63 {
			return nil, refuse(http.StatusInternalServerError, "java.lang.NumberFormatException: %s", written)
		}
		return int64(f), nil
	}
	return nil, refuse(http.StatusBadRequest, "字段[%s]的值[%v]不是整数类型", name, value)
}

func (s *Server) typedList(op *operation, p param, values []any) (any, error) {
	typed := make([]any, 0, len(values))
	for _, value := range values {
		switch {
		case value == nil:
			typed = append(typed, nil)
		case p.kind == kindTexts:
			one, err := s.typed(op, param{name: p.name}, value)
			if err != nil {
				return nil, err
			}
			typed = append(typed, one)
		case p.kind == kindInts:
			one, err := typedInt(p.name, value)
			if err != nil {
				return nil, refuse(http.StatusInternalServerError, "java.lang.NumberFormatException: For input string: \"%v\"", value)
			}
			typed = append(typed, one)
		default:
			object, ok := value.(record)
			if !ok {
				return nil, gson("BEGIN_OBJECT", value)
			}
			one, err := s.typedObject(op, p, object)
			if err != nil {
				return nil, err
			}
			typed = append(typed, one)
		}
	}
	return typed, nil
}

// typedObject converts the members of one object in a list. The server's type
// checks do not reach into lists: what fails here fails in its parser.
func (s *Server) typedObject(op *operation, p param, object record) (record, error) {
	typed := record{}
	for name, value := range object {
		i := slices.IndexFunc(p.members, func(m param) bool { return m.name == name })
		if i < 0 {
			s.finding("%s: unknown member %s of %s", op.name, name, p.name)
			continue
		}
		one, err := s.typed(op, p.members[i], value)
		if err != nil {
			return nil, refuse(http.StatusInternalServerError, "com.google.gson.JsonSyntaxException: %v", err)
		}
		if one != nil {
			typed[name] = one
		}
	}
	return typed, nil
}

// values returns what the query language takes from a request.
func (c *call) values() url.Values { return c.request.values }
