package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"

	"zfleet/planner"
	"zfleet/spec"
)

// GitLabTerraform writes the counts of a plan in the form of GitLab's report of
// type terraform, which its merge requests show. A replacement counts as a
// creation and a deletion, as with OpenTofu.
func GitLabTerraform(w io.Writer, n planner.Counts) error {
	return writeJSON(w, "counts", struct {
		Create int `json:"create"`
		Update int `json:"update"`
		Delete int `json:"delete"`
	}{n.Create + n.Replace, n.Update, n.Delete + n.Replace})
}

// qualityIssue is a finding in the subset of the Code Climate format that
// GitLab reads.
type qualityIssue struct {
	Description string          `json:"description"`
	Check       string          `json:"check_name"`
	Fingerprint string          `json:"fingerprint"`
	Severity    string          `json:"severity"`
	Location    qualityLocation `json:"location"`
}

type qualityLocation struct {
	Path  string       `json:"path"`
	Lines qualityLines `json:"lines"`
}

type qualityLines struct {
	Begin int `json:"begin"`
}

// GitLabCodeQuality writes findings in the form of GitLab's report of type
// codequality; no findings are an empty list. The fingerprint of a finding is
// the same wherever it moves within its file, so that GitLab can tell new ones
// from old ones. Findings without a file are left out.
func GitLabCodeQuality(w io.Writer, found spec.Diagnostics) error {
	issues := []qualityIssue{}
	seen := make(map[string]int)
	for _, d := range found {
		if d.Pos.File == "" {
			continue
		}
		path := filepath.ToSlash(d.Pos.File)
		what := fmt.Sprintf("%q %q %q", path, d.Code, d.Message)
		seen[what]++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", what, seen[what]))
		text := d.Message
		if d.Hint != "" {
			text += "; hint: " + d.Hint
		}
		issues = append(issues, qualityIssue{
			Description: visible(text), Check: d.Code, Fingerprint: hex.EncodeToString(sum[:16]), Severity: qualitySeverity(d.Severity),
			Location: qualityLocation{path, qualityLines{max(d.Pos.Line, 1)}},
		})
	}
	return writeJSON(w, "code quality", issues)
}

// qualitySeverity is a severity in GitLab's words.
func qualitySeverity(s spec.Severity) string {
	switch s {
	case spec.Error:
		return "critical"
	case spec.Warning:
		return "minor"
	case spec.Note:
	}
	return "info"
}
