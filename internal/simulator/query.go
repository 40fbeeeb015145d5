package simulator

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// queryError is why a query fails. An empty code means a 400 with the details
// as its text, otherwise it is the error code of a 503.
type queryError struct{ code, description, details string }

func (e queryError) Error() string {
	if e.code == "" {
		return e.details
	}
	return e.code + ": " + e.details
}

func malformedQuery(format string, args ...any) error {
	return queryError{details: fmt.Sprintf(format, args...)}
}

func internalQueryError(format string, args ...any) error {
	return queryError{
		code:        "SYS.1000",
		description: "An internal error happened in system",
		details:     fmt.Sprintf(format, args...),
	}
}

// defaultLimit is how many rows a query without a limit returns.
const defaultLimit = 1000

// runQuery answers a query on the rows of one collection with "inventories",
// "total" or both. It does not change the rows, and the result shares them.
//
// A key that starts with two underscores is not part of the inventory: it can
// be queried, as itself or without the underscores as the start of a path, but
// is never returned. The server puts there what conditions may follow beyond
// the inventory: "__userTag__" as a list of texts, "__host" as a record.
//
// Dates compare as "yyyy-MM-dd HH:mm:ss", as the database has them; a condition
// on a date with a relative value does not exist, so now plays no part.
func runQuery(values url.Values, rows []record, _ time.Time) (record, error) {
	q, err := parseQuery(values)
	if err != nil {
		return nil, err
	}
	if err := q.check(rows); err != nil {
		return nil, err
	}
	var matches []record
	for _, row := range rows {
		if q.matches(row) {
			matches = append(matches, row)
		}
	}
	result := record{}
	if q.count || q.replyWithCount {
		result["total"] = int64(len(matches))
	}
	if q.count {
		return result, nil
	}
	q.order(matches)
	page := matches[min(q.start, len(matches)):]
	page = page[:min(q.limit, len(page))]
	inventories := make([]any, 0, len(page))
	for _, row := range page {
		inventories = append(inventories, q.project(row))
	}
	result["inventories"] = inventories
	return result, nil
}

// query is what the parameters of a query say.
type query struct {
	conditions            []condition
	limit, start          int
	count, replyWithCount bool
	sort                  string
	descending            bool
	fields                []string
}

func parseQuery(values url.Values) (*query, error) {
	q := &query{
		limit:          defaultLimit,
		count:          values.Get("count") == "true",
		replyWithCount: values.Get("replyWithCount") == "true",
	}
	for _, text := range values["q"] {
		c, err := parseCondition(text)
		if err != nil {
			return nil, err
		}
		q.conditions = append(q.conditions, c)
	}
	for name, target := range map[string]*int{"limit": &q.limit, "start": &q.start} {
		if !values.Has(name) {
			continue
		}
		n, err := strconv.ParseInt(values.Get(name), 10, 32)
		if err != nil {
			return nil, malformedQuery("Invalid query parameter. '%s' must be an integer", name)
		}
		if n < 0 {
			return nil, internalQueryError("%s[%d] must not be negative", name, n)
		}
		*target = int(n)
	}
	// An unescaped + arrives as a space: ascending either way.
	q.sort = strings.TrimSpace(values.Get("sort"))
	if rest, ok := strings.CutPrefix(q.sort, "-"); ok {
		q.sort, q.descending = rest, true
	} else {
		q.sort = strings.TrimPrefix(q.sort, "+")
	}
	for _, list := range values["fields"] {
		for field := range strings.SplitSeq(list, ",") {
			if field = strings.TrimSpace(field); field != "" {
				q.fields = append(q.fields, field)
			}
		}
	}
	return q, nil
}

// check refuses names that the inventory of the rows does not have. The class
// of the rows is told where the rows have no such value themselves.
func (q *query) check(rows []record) error {
	class := sync.OnceValue(func() rowClass { return rowClassOf(rows) })
	names := slices.Clone(q.fields)
	if q.sort != "" {
		names = append(names, q.sort)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "__") || !shownIn(rows, name) && !class().fields[name] {
			return internalQueryError("inventory class has no field[%s]", name)
		}
	}
	for _, c := range q.conditions {
		if (len(c.path) > 1 || !shownIn(rows, c.path[0])) && !class().hasPath(c.path) {
			return internalQueryError("condition name[%s] is invalid, no such field or expanded field", strings.Join(c.path, "."))
		}
		// There is no telling what a backslash before a quote does to the
		// statement but that it does not parse.
		if strings.Contains(c.value, "'") {
			return internalQueryError("ZQL syntax error: mismatched input near %q", c.value)
		}
		for _, r := range strings.Join(c.path, "") {
			if r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
				return internalQueryError("ZQL syntax error: token recognition error at %q", r)
			}
		}
	}
	return nil
}

// shownIn reports whether a row has a plain value of that name.
func shownIn(rows []record, name string) bool {
	return slices.ContainsFunc(rows, func(row record) bool {
		switch row[name].(type) {
		case nil, record, []any:
			return false
		}
		return true
	})
}

func (q *query) matches(row record) bool {
	for _, c := range q.conditions {
		if !c.matches(row) {
			return false
		}
	}
	return true
}

// order sorts as asked. Without a sort the server promises no order, so the
// rows come in that of a hash: nobody gets used to the order of UUIDs or of
// creation.
func (q *query) order(rows []record) {
	if q.sort == "" {
		slices.SortFunc(rows, func(a, b record) int { return cmp.Compare(rowHash(a), rowHash(b)) })
		return
	}
	slices.SortFunc(rows, func(a, b record) int {
		n := compareForSort(a[q.sort], b[q.sort])
		if q.descending {
			n = -n
		}
		return cmp.Or(n, cmp.Compare(text(a, "uuid"), text(b, "uuid")))
	})
}

func rowHash(row record) uint64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text(row, "uuid") + "/" + text(row, "name")))
	return hash.Sum64()
}

// compareForSort orders null before everything, as the database does.
func compareForSort(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	n, _ := compareValues(a, fmt.Sprint(databaseText(b)))
	return n
}

// project returns the row with the asked fields, and without hidden ones.
func (q *query) project(row record) record {
	shown := make(record, len(row))
	for key, value := range row {
		if value == nil || strings.HasPrefix(key, "__") {
			continue
		}
		if len(q.fields) == 0 || slices.Contains(q.fields, key) {
			shown[key] = value
		}
	}
	return shown
}
