package spec

import (
	"cmp"
	"fmt"
	"slices"
)

// Pos is a place in a source: line and column count from 1, the column in
// runes. The zero Pos means "no place is known".
type Pos struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// IsZero reports whether the place is unknown.
func (p Pos) IsZero() bool { return p == Pos{} }

// String returns "file:line:col", or what of it is known.
func (p Pos) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.File == "":
		return fmt.Sprintf("%d:%d", p.Line, p.Column)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity ranks a diagnostic. The zero value is Error, so that a forgotten
// severity errs on the safe side.
type Severity int

// The severities. Only errors stop a plan.
const (
	Error Severity = iota
	Warning
	Note
)

// String returns "error", "warning" or "note".
func (s Severity) String() string {
	return [...]string{"error", "warning", "note"}[s]
}

// MarshalText writes the severity as String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	for candidate := Error; candidate <= Note; candidate++ {
		if candidate.String() == string(text) {
			*s = candidate
			return nil
		}
	}
	return fmt.Errorf("unknown severity %q", text)
}

// Diagnostic is one finding about a fleet file: what is wrong, where, and what
// to do about it. The planner uses it too, so that "no such image" points at
// the line that names the image.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Pos      Pos      `json:"pos,omitzero"`
	// Code is a stable kebab-case identifier such as "unknown-key".
	Code string `json:"code"`
	// Message is one line in lower case without a full stop; the user's own
	// values in it are quoted. It never holds a secret.
	Message string `json:"message"`
	// Hint is the way out, or empty.
	Hint string `json:"hint,omitempty"`
}

// String returns "file:line:col: message [code]", the first line of a rendering.
func (d Diagnostic) String() string {
	text := fmt.Sprintf("%s [%s]", d.Message, d.Code)
	if d.Severity != Error {
		text = d.Severity.String() + ": " + text
	}
	if d.Pos.IsZero() {
		return text
	}
	return d.Pos.String() + ": " + text
}

// Diagnostics is a list of findings.
type Diagnostics []Diagnostic

// HasErrors reports whether any finding is an error.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sorted returns the findings by file, line, column, code and message, without
// duplicates. Files keep the order in which they first occur in ds.
func (ds Diagnostics) Sorted() Diagnostics {
	rank := make(map[string]int)
	for _, d := range ds {
		if _, seen := rank[d.Pos.File]; !seen {
			rank[d.Pos.File] = len(rank)
		}
	}
	sorted := slices.Clone(ds)
	slices.SortStableFunc(sorted, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(rank[a.Pos.File], rank[b.Pos.File]),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(sorted)
}
