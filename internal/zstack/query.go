package zstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pageSize is how many rows a query asks for at once.
const pageSize = 1000

// Condition is one condition of a query, ready for the wire. All conditions of a
// query must hold.
type Condition string

// operators in the order in which the server looks for them. The first that is
// found anywhere in a condition, the value included, is taken.
var operators = []string{"!=", ">=", "<=", "!?=", "!~=", "~=", "?=", "=", ">", "<", "is null", "not null"}

// Where makes a condition of a field, an operator (=, !=, >, >=, <, <=, ~= like,
// !~= not like, ?= in, !?= not in, "is null", "not null") and a value, which for
// the null tests is empty. It reports false when the server would not understand
// the value as it is meant; then list more and filter. The server may compare
// without regard to case: compare again where that matters.
func Where(field, op, value string) (Condition, bool) {
	if !isField(field) {
		return "", false
	}
	if op == "is null" || op == "not null" {
		return Condition(field + " " + op), value == ""
	}
	condition := field + op + value
	if value == "" || strings.TrimSpace(value) != value || !utf8.ValidString(value) ||
		strings.ContainsAny(value, `'\`) || strings.ContainsFunc(value, unicode.IsControl) {
		return "", false
	}
	for _, operator := range operators {
		if at := strings.Index(condition, operator); at >= 0 {
			return Condition(condition), operator == op && at == len(field)
		}
	}
	return "", false
}

func isField(field string) bool {
	return field != "" && strings.Trim(field, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == ""
}

// In makes the condition that a field is one of the values, such as UUIDs. Each
// value must be one that [Where] takes and hold no comma. The list travels in
// the URL: ask for at most a hundred values at once.
func In(field string, values []string) Condition {
	return Condition(field + "?=" + strings.Join(values, ","))
}

// List returns all rows of a collection that meet the conditions, by UUID. It
// reads page after page, each from the last UUID on, so that rows that come or
// go meanwhile make it neither skip nor repeat others.
func List[T Resource](ctx context.Context, c *Client, path string, conditions ...Condition) ([]T, error) {
	kind, known := collections[path]
	if !known {
		return nil, &NotSentError{queryOf(path), fmt.Errorf("%s is not a known collection", path)}
	}
	var all []T
	for last := ""; ; {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		for _, condition := range conditions {
			query.Add("q", string(condition))
		}
		if kind != keyless {
			query.Set("sort", "+uuid")
			if last != "" {
				query.Add("q", "uuid>"+last)
			}
		}
		page, err := rows[T](ctx, c, path, query)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < pageSize {
			return all, nil
		}
		next := page[len(page)-1].RowUUID()
		if kind == keyless || next == "" || next == last {
			return nil, &UnknownError{Operation: queryOf(path), Err: fmt.Errorf("the rows after the first %d cannot be reached", len(all))}
		}
		last = next
	}
}

// Get returns the row of that UUID, or false when there is none that the account
// may see.
func Get[T Resource](ctx context.Context, c *Client, path, uuid string) (T, bool, error) {
	var none T
	kind, known := collections[path]
	if !known || !isUUID(uuid) {
		return none, false, &NotSentError{queryOf(path), fmt.Errorf("%s/%s is not a row of a known collection", path, oneLine(uuid))}
	}
	query := url.Values{}
	if kind == byUUID {
		path += "/" + uuid
	} else {
		query.Set("q", "uuid="+uuid)
	}
	page, err := rows[T](ctx, c, path, query)
	if err != nil || len(page) == 0 {
		return none, false, err
	}
	if page[0].RowUUID() != uuid {
		return none, false, &UnknownError{Operation: queryOf(path), Err: fmt.Errorf("the answer is about %s, not %s", oneLine(page[0].RowUUID()), uuid)}
	}
	return page[0], true, nil
}

func rows[T Resource](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	var reply struct {
		Inventories *[]T `json:"inventories"` // nil: absent, which an empty list is not
	}
	r := &request{operation: queryOf(path), method: http.MethodGet, path: path, query: query, signed: true}
	if err := c.readInto(ctx, r, &reply); err != nil {
		return nil, err
	}
	if reply.Inventories == nil {
		return nil, &UnknownError{Operation: r.operation, Err: errors.New("the answer holds no inventories")}
	}
	return *reply.Inventories, nil
}

// queryOf names a query for errors.
func queryOf(path string) string { return "query " + path }
