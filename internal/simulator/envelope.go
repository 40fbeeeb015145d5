package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
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

// marshal writes v without nulls. Escaping means what the server's library
// means by it: <, >, &, = and ' become \u sequences.
func marshal(v record, escape bool) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escape)
	if err := encoder.Encode(withoutNulls(v)); err != nil {
		return nil, err
	}
	data := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if !escape {
		return data, nil
	}
	// Neither sign can stand outside of a string.
	return []byte(strings.NewReplacer("=", `\u003d`, "'", `\u0027`).Replace(string(data))), nil
}

// withoutNulls returns v without members that are null; empty lists stay.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case record:
		kept := make(record, len(v))
		for key, value := range v {
			if value != nil {
				kept[key] = withoutNulls(value)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, value := range v {
			kept[i] = withoutNulls(value)
		}
		return kept
	default:
		return v
	}
}

func anys[T any](values []T) []any {
	converted := make([]any, len(values))
	for i, value := range values {
		converted[i] = value
	}
	return converted
}
