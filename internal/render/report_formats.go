package render

import (
	"io"

	"zfleet/executor"
)

// ReportMarkdown writes a report as Markdown.
func ReportMarkdown(w io.Writer, report *executor.Report) error {
	return ReportText(w, report, Style{})
}

// ReportJUnit writes a report as JUnit XML.
func ReportJUnit(w io.Writer, report *executor.Report) error { return nil }

// ReportHTML writes a report as one HTML page.
func ReportHTML(w io.Writer, report *executor.Report) error { return nil }
