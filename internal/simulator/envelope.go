package simulator

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// writeJSON writes an answer. Job results and sync results come HTML-escaped
// from the server, sync failures do not.
func writeJSON(w http.ResponseWriter, status int, body record, escape bool) {
	data, err := marshal(body, escape)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// marshal writes v without members that are null; empty lists stay. Escaping
// means what the server's library means by it: <, >, &, = and ' become \u
// sequences.
func marshal(v record, escape bool) ([]byte, error) {
	e := encoder{escape: escape}
	err := e.value(v)
	return e.data, err
}

// encoder writes the few types that records are made of; encoding/json would
// take several times as long, and half of what a simulated server does is this.
type encoder struct {
	data   []byte
	escape bool
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case record:
		return e.object(v)
	case []any:
		e.data = append(e.data, '[')
		for i, element := range v {
			if i > 0 {
				e.data = append(e.data, ',')
			}
			if err := e.value(element); err != nil {
				return err
			}
		}
		e.data = append(e.data, ']')
		return nil
	case string:
		if e.isPlain(v) {
			e.data = append(append(append(e.data, '"'), v...), '"')
			return nil
		}
	case int64:
		e.data = strconv.AppendInt(e.data, v, 10)
		return nil
	case bool:
		e.data = strconv.AppendBool(e.data, v)
		return nil
	}
	return e.other(v)
}

func (e *encoder) object(v record) error {
	e.data = append(e.data, '{')
	first := true
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if v[key] == nil {
			continue
		}
		if !first {
			e.data = append(e.data, ',')
		}
		first = false
		if err := e.value(key); err != nil {
			return err
		}
		e.data = append(e.data, ':')
		if err := e.value(v[key]); err != nil {
			return err
		}
	}
	e.data = append(e.data, '}')
	return nil
}

// isPlain reports whether a text stands in JSON as it is.
func (e *encoder) isPlain(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '"' || c == '\\' || e.escape && strings.IndexByte("<>&='", c) >= 0 {
			return false
		}
	}
	return true
}

func (e *encoder) other(v any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(e.escape)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	data := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if e.escape { // neither sign can stand outside of a string
		data = bytes.ReplaceAll(data, []byte("="), []byte(`\u003d`))
		data = bytes.ReplaceAll(data, []byte("'"), []byte(`\u0027`))
	}
	e.data = append(e.data, data...)
	return nil
}

func anys[T any](values []T) []any {
	converted := make([]any, len(values))
	for i, value := range values {
		converted[i] = value
	}
	return converted
}
