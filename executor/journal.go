package executor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// formatVersion is what journals and reports are written as: a minor adds
// events and fields, a major changes what is there.
const formatVersion = "1.0"

// Journal is the append-only record of one run: one JSON object per line, in
// the form of MarshalEvent. It is written by Run alone.
//
// After the first failed write nothing more is written: what follows a torn
// line could not be told from damage.
type Journal struct {
	file   File
	buffer []byte
	err    error // the first failure
}

// File is the part of a file that a journal needs. What was written is durable
// when Sync returns.
type File interface {
	io.WriteCloser
	Sync() error
}

// NewJournal returns a journal on a file that is empty and whose directory
// entry is durable.
func NewJournal(file File) *Journal { return &Journal{file: file} }

// CreateJournal makes the file of a journal, which must not exist. Only its
// owner may read it. The directory entry is on disk when CreateJournal returns.
func CreateJournal(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := SyncDirectory(filepath.Dir(path)); err != nil {
		_ = file.Close()
		return nil, err
	}
	return &Journal{file: &namedFile{file, path}}, nil
}

// namedFile is a file that is durable only as long as it has its name: one that
// was removed takes writes and is gone when it is closed.
type namedFile struct {
	*os.File
	path string
}

// Sync implements File.
func (f *namedFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	own, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if !os.SameFile(own, named) {
		return fmt.Errorf("%s was replaced by another file", f.path)
	}
	return nil
}

// SyncDirectory makes the entries of a directory durable, where the system can.
func SyncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// append puts an event into the buffer.
func (j *Journal) append(event Event) {
	if j.err != nil {
		return
	}
	line, err := MarshalEvent(event)
	if err != nil {
		j.err = err
		return
	}
	j.buffer = append(append(j.buffer, line...), '\n')
}

// flush hands the buffer to the system; with durable it also waits until all is
// on disk. It returns the journal's first failure.
func (j *Journal) flush(durable bool) error {
	if j.err == nil && len(j.buffer) > 0 {
		_, j.err = j.file.Write(j.buffer)
		j.buffer = j.buffer[:0]
	}
	if j.err == nil && durable {
		j.err = j.file.Sync()
	}
	return j.err
}

// Close writes what is left, syncs and closes the file.
func (j *Journal) Close() error {
	return errors.Join(j.flush(true), j.file.Close())
}

// MarshalEvent returns an event as one line of JSON without the line's end: its
// type first, then its own fields in their fixed order.
func MarshalEvent(event Event) ([]byte, error) {
	fields, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("event %s as JSON: %w", event.Type(), err)
	}
	line := append([]byte(`{"type":`), strconv.Quote(event.Type())...)
	if len(fields) > len("{}") {
		line = append(line, ',')
	}
	return append(line, fields[1:]...), nil
}

// ReadJournal returns the events of a journal. A journal that was cut anywhere
// is readable: an unfinished last line is dropped, for what it says was never
// acted on. So is all from the first NUL on: no event holds one, but some file
// systems leave them after a power failure where bytes that were not synced were
// to be. Events that a newer minor version added are left out. A damaged line is
// an error that names it.
func ReadJournal(r io.Reader) ([]Event, error) {
	var (
		events []Event
		newer  bool
		lines  = bufio.NewReader(r)
	)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) || bytes.IndexByte(line, 0) >= 0 {
			return events, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		event, err := unmarshalEvent(line)
		if errors.Is(err, errUnknownEvent) && newer {
			continue
		}
		if start, ok := event.(RunStarted); ok && err == nil {
			newer, err = checkFormat(start.Format)
		}
		if err != nil {
			return nil, fmt.Errorf("journal line %d: %w", number, err)
		}
		events = append(events, event)
	}
}

// checkFormat refuses versions that this code cannot read, and reports whether
// a version has more than this code knows.
func checkFormat(version string) (newer bool, err error) {
	major, minor, ok := strings.Cut(version, ".")
	n, err := strconv.Atoi(minor)
	if !ok || err != nil || n < 0 {
		return false, fmt.Errorf("format version %q: want major.minor", version)
	}
	ownMajor, ownMinor, _ := strings.Cut(formatVersion, ".")
	if major != ownMajor {
		return false, fmt.Errorf("format version %s cannot be read, only %s.x; use the zfleet that wrote it", version, ownMajor)
	}
	own, err := strconv.Atoi(ownMinor)
	return n > own, err
}

var errUnknownEvent = errors.New("unknown event")

// unmarshalEvent is the inverse of MarshalEvent. StepPhase is not in journals,
// but it is in event streams.
func unmarshalEvent(line []byte) (Event, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not an event: %w", err)
	}
	switch head.Type {
	case RunStarted{}.Type():
		return unmarshalAs[RunStarted](line)
	case StepStarted{}.Type():
		return unmarshalAs[StepStarted](line)
	case AttemptStarted{}.Type():
		return unmarshalAs[AttemptStarted](line)
	case StepPhase{}.Type():
		return unmarshalAs[StepPhase](line)
	case StepRetried{}.Type():
		return unmarshalAs[StepRetried](line)
	case StepFinished{}.Type():
		return unmarshalAs[StepFinished](line)
	case AdmissionPaused{}.Type():
		return unmarshalAs[AdmissionPaused](line)
	case AdmissionResumed{}.Type():
		return unmarshalAs[AdmissionResumed](line)
	case AdmissionStopped{}.Type():
		return unmarshalAs[AdmissionStopped](line)
	case RunFinished{}.Type():
		return unmarshalAs[RunFinished](line)
	case "":
		return nil, errors.New("not an event: it has no type")
	}
	return nil, fmt.Errorf("%w %q", errUnknownEvent, head.Type)
}

func unmarshalAs[E Event](line []byte) (Event, error) {
	var event E
	if err := json.Unmarshal(line, &event); err != nil {
		return nil, fmt.Errorf("%s: %w", event.Type(), err)
	}
	return event, nil
}
