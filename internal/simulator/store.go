package simulator

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// A record is one object as the API returns it. Its values are strings, bools,
// int64, float64, []any and nested records, so that it can be stored as JSON
// and queried without knowing its kind.
type record = map[string]any

// A session is one login. Sessions slide: every authorised call moves expires.
type session struct {
	UUID    string    `json:"uuid"`
	Account string    `json:"account"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// A job is one accepted asynchronous call. Done is false while it runs, and
// stays false for ever when the server stops in between.
type job struct {
	UUID      string    `json:"uuid"`
	Operation string    `json:"operation"`
	Created   time.Time `json:"created"`
	Ended     time.Time `json:"ended,omitzero"` // also of a job that was lost
	Done      bool      `json:"done"`
	Status    int       `json:"status,omitempty"` // 200 or 503
	Result    record    `json:"result,omitempty"`
}

// state is everything that survives a restart.
type state struct {
	Tables   map[string]map[string]record `json:"tables"` // by collection, then uuid
	Sessions map[string]*session          `json:"sessions"`
	Jobs     map[string]*job              `json:"jobs"`
	Owners   map[string]string            `json:"owners"` // account by resource; the admin's are not listed
	Plans    map[string]*creation         `json:"plans"`  // of VMs that are registered only
	Still    map[string]bool              `json:"still"`  // VMs in the making that are not to run
	Burned   map[string]bool              `json:"burned"` // UUIDs that a failed creation left taken
	Keys     map[string][]string          `json:"keys"`   // VMs by SSH key pair
	NextMAC  int                          `json:"nextMAC"`
	NextID   int64                        `json:"nextID"` // internalId of VMs
}

// A store holds the state and writes it to a file. It has no lock of its own:
// the server's mutex guards it.
type store struct {
	state
	path string
	now  func() time.Time
}

// openStore reads the state kept at path, or starts from tables when there is
// none. An empty path keeps everything in memory.
func openStore(path string, tables map[string]map[string]record, now func() time.Time) (*store, error) {
	s := &store{path: path, now: now, state: state{Tables: tables}}
	s.fill()
	s.flatten()
	if path == "" {
		return s, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read simulator state: %w", err)
	}
	// What the file says replaces the first state: merged, deleted rows of the
	// data center would come back.
	s.state = state{}
	err = json.Unmarshal(data, &s.state)
	if err == nil && s.Tables == nil {
		err = errors.New("it has no tables")
	}
	if err != nil {
		return nil, fmt.Errorf("simulator state %s is damaged: %w; remove it to start afresh", path, err)
	}
	s.fill()
	// encoding/json gives float64 for every number; sizes need all 64 bits.
	var raw struct {
		Tables map[string]map[string]any `json:"tables"`
		Jobs   map[string]struct {
			Result any `json:"result"`
		} `json:"jobs"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil {
		return nil, fmt.Errorf("simulator state %s is damaged (%w); remove it to start afresh", path, err)
	}
	for name, rows := range raw.Tables {
		for uuid, row := range rows {
			s.Tables[name][uuid], _ = exactNumbers(row).(record)
		}
	}
	for uuid, kept := range raw.Jobs {
		s.Jobs[uuid].Result, _ = exactNumbers(kept.Result).(record)
	}
	return s, nil
}

// fill makes all maps, so that they can be written to.
func (s *store) fill() {
	if s.Sessions == nil {
		s.Sessions = map[string]*session{}
	}
	if s.Jobs == nil {
		s.Jobs = map[string]*job{}
	}
	if s.Plans == nil {
		s.Plans = map[string]*creation{}
	}
	if s.Still == nil {
		s.Still = map[string]bool{}
	}
	if s.Burned == nil {
		s.Burned = map[string]bool{}
	}
	if s.Keys == nil {
		s.Keys = map[string][]string{}
	}
	if s.Owners == nil {
		s.Owners = map[string]string{}
	}
}

// marshal returns the state as the bytes to be kept.
func (s *store) marshal() ([]byte, error) {
	data, err := json.Marshal(s.state)
	if err != nil {
		return nil, fmt.Errorf("encode simulator state: %w", err)
	}
	return append(data, '\n'), nil
}

// writeState replaces the file at path in one step, so that a reader never
// sees half of it.
func writeState(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep simulator state: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("keep simulator state: %w", err)
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("keep simulator state: %w", err)
	}
	return nil
}

// get returns the row itself, not a copy; nil when there is none.
func (s *store) get(table, uuid string) record {
	return s.Tables[table][uuid]
}

// put adds or replaces a row under its "uuid".
func (s *store) put(table string, row record) {
	if s.Tables[table] == nil {
		s.Tables[table] = map[string]record{}
	}
	s.Tables[table][text(row, "uuid")] = row
}

func (s *store) remove(table, uuid string) {
	delete(s.Tables[table], uuid)
}

// touch sets lastOpDate to now.
func (s *store) touch(row record) {
	row["lastOpDate"] = formatDate(s.now())
}

// formatDate writes a time as the server does: "Jan 2, 2006 3:04:05 PM" in
// local time, without a zone.
func formatDate(t time.Time) string {
	return t.Local().Format("Jan 2, 2006 3:04:05 PM")
}

// newUUID returns 32 lower-case hex digits.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// clone returns a deep copy.
func clone(row record) record {
	copied, _ := cloneValue(row).(record)
	return copied
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case record:
		if v == nil {
			return v
		}
		copied := make(record, len(v))
		for key, value := range v {
			copied[key] = cloneValue(value)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, value := range v {
			copied[i] = cloneValue(value)
		}
		return copied
	default:
		return v
	}
}

// exactNumbers turns every json.Number below v into int64 where it is a whole
// number, else float64.
func exactNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for key, value := range v {
			v[key] = exactNumbers(value)
		}
		return v
	case []any:
		for i, value := range v {
			v[i] = exactNumbers(value)
		}
		return v
	default:
		return v
	}
}

// text returns the string under key, "" when it is absent or no string.
func text(row record, key string) string {
	value, _ := row[key].(string)
	return value
}

// number returns the integer under key, 0 when it is absent or no number.
func number(row record, key string) int64 {
	switch value := row[key].(type) {
	case int64:
		return value
	case int:
		return int64(value)
	case float64:
		return int64(value)
	default:
		return 0
	}
}

// list returns the array of objects under key.
func list(row record, key string) []record {
	var rows []record
	values, _ := row[key].([]any)
	for _, value := range values {
		if r, ok := value.(record); ok {
			rows = append(rows, r)
		}
	}
	return rows
}

// texts returns the array of strings under key.
func texts(row record, key string) []string {
	var found []string
	values, _ := row[key].([]any)
	for _, value := range values {
		if s, ok := value.(string); ok {
			found = append(found, s)
		}
	}
	return found
}
