package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"zfleet/executor"
	"zfleet/internal/render"
	"zfleet/planner"
	"zfleet/spec"
)

// ci is what zfleet tells the build system that it runs in, besides what it
// prints: annotations and summaries for GitHub Actions, reports for GitLab. That
// there is one changes what is shown, never what is done or asked.
type ci struct {
	mode      string // "auto", "github" or "none"
	quality   string // file for findings
	terraform string // file for counts

	github bool
	log    io.Writer // where the runner reads workflow commands
	file   string    // the fleet file, for findings without a place
	found  spec.Diagnostics
	counts *planner.Counts
}

func (c *ci) addMode(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&c.mode, "ci", "auto", "`SYSTEM` to write annotations and step summaries for: github, none, or auto (github where GITHUB_ACTIONS says so)")
}

func (c *ci) addQuality(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.quality, "gitlab-codequality", "", "write findings to `FILE` as GitLab's report codequality")
}

func (c *ci) addTerraform(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.terraform, "gitlab-terraform", "", "write the counts to `FILE` as GitLab's report terraform")
}

// beginCI finds out whether there is a build system to tell something. Its runner
// obeys lines that look like commands, so texts for people are kept from that;
// documents stay as they are.
func (a *app) beginCI(cmd *cobra.Command) error {
	c := &a.ci
	switch c.mode {
	case "auto":
		value, _ := a.env("GITHUB_ACTIONS")
		c.github = value == "true"
	case "github":
		c.github = true
	case "none":
	default:
		return usageError("--ci %q: want github, none or auto", c.mode)
	}
	if c.github {
		c.log = a.stderr
		a.stderr = render.NewGitHubLog(a.stderr)
		if value := flagValue(cmd, "output"); (value == formatText || value == "table") && flagValue(cmd, "events") != "-" {
			a.stdout = render.NewGitHubLog(a.stdout)
		}
	}
	for _, file := range [...]struct{ flag, path string }{{"--gitlab-codequality", c.quality}, {"--gitlab-terraform", c.terraform}} {
		if file.path == "" {
			continue
		}
		if err := checkWritable(file.flag, file.path); err != nil {
			return err
		}
	}
	return nil
}

// flagValue is the value of a flag, or "" if the command has no such flag.
func flagValue(cmd *cobra.Command, name string) string {
	if flag := cmd.Flags().Lookup(name); flag != nil {
		return flag.Value.String()
	}
	return ""
}

// foundIn keeps findings for the end.
func (c *ci) foundIn(found spec.Diagnostics) { c.found = append(c.found, found...) }

// planned keeps what a plan has against the fleet file, and its counts.
func (c *ci) planned(plan *planner.Plan) {
	c.foundIn(render.PlanFindings(plan, c.file))
	n := plan.Counts()
	if c.counts == nil {
		c.counts = new(planner.Counts)
	}
	c.counts.Create += n.Create
	c.counts.Update += n.Update
	c.counts.Replace += n.Replace
	c.counts.Delete += n.Delete
}

// failed keeps an error that is about no file.
func (c *ci) failed(message, hint string) {
	if message != "" {
		c.foundIn(spec.Diagnostics{{Severity: spec.Error, Message: message, Hint: hint}})
	}
}

// endCI writes what was kept, and returns the exit code.
func (a *app) endCI(code int) int {
	c := &a.ci
	found := c.found.Sorted()
	if c.github {
		_ = render.GitHubAnnotations(c.log, a.relative(found, "GITHUB_WORKSPACE"))
	}
	var errs []error
	if c.quality != "" && slices.Contains([]int{exitOK, exitPending, exitSpec, exitRefused}, code) {
		errs = append(errs, writeDocument(c.quality, func(w io.Writer) error {
			return render.GitLabCodeQuality(w, a.relative(found, "CI_PROJECT_DIR", "GITHUB_WORKSPACE"))
		}))
	}
	if c.terraform != "" && c.counts != nil {
		errs = append(errs, writeDocument(c.terraform, func(w io.Writer) error { return render.GitLabTerraform(w, *c.counts) }))
	}
	for _, err := range errs {
		if err == nil {
			continue
		}
		fmt.Fprintf(a.stderr, "zfleet: %v\n", err)
		if code == exitOK {
			code = exitFailure
		}
	}
	return code
}

func writeDocument(path string, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	return writeFile(path, text.Bytes())
}

// relative rewrites the files of findings to how the build system calls them:
// from the root of the repository, which the first of the variables that is set
// names, or from here.
func (a *app) relative(found spec.Diagnostics, variables ...string) spec.Diagnostics {
	root := "."
	for _, name := range variables {
		if value, ok := a.env(name); ok && value != "" {
			root = value
			break
		}
	}
	found = slices.Clone(found)
	for i := range found {
		file := &found[i].Pos.File
		if strings.HasPrefix(*file, "<") { // not a file
			found[i].Pos = spec.Pos{}
		} else if *file != "" {
			*file = pathFrom(root, *file)
		}
	}
	return found
}

// pathFrom returns the path of a file from a directory, or the file as it is if
// that would lead out of the directory.
func pathFrom(root, file string) string {
	base, err := realPath(root)
	if err != nil {
		return file
	}
	full, err := realPath(file)
	if err != nil {
		return file
	}
	path, err := filepath.Rel(base, full)
	if err != nil || path == ".." || strings.HasPrefix(path, ".."+string(filepath.Separator)) {
		return file
	}
	return filepath.ToSlash(path)
}

// realPath is absolute and without links.
func realPath(path string) (string, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(full)
}

// summaryLimit is how large the summary of a step may grow. GitHub drops those
// above 1 MiB.
const summaryLimit = 600_000

// summarizePlan appends a plan or a diff to the summary of a GitHub step.
func (a *app) summarizePlan(plan *planner.Plan, write func(io.Writer, *planner.Plan, render.MarkdownOptions) error, full string) {
	a.summarize(func(w io.Writer, limit int) error {
		return write(w, plan, render.MarkdownOptions{Limit: min(limit, summaryLimit/2), Full: full})
	})
}

// summarizeReport appends a report to the summary of a GitHub step.
func (a *app) summarizeReport(report *executor.Report) {
	a.ci.foundIn(render.ReportFindings(report))
	a.summarize(func(w io.Writer, limit int) error { return render.ReportMarkdownWithin(w, report, limit) })
}

// summarize appends to the summary of a GitHub step. That it cannot is no reason
// to fail.
func (a *app) summarize(write func(w io.Writer, limit int) error) {
	path, _ := a.env("GITHUB_STEP_SUMMARY")
	if !a.ci.github || path == "" {
		return
	}
	if err := appendSummary(path, write); err != nil {
		fmt.Fprintf(a.stderr, "warning: step summary: %v\n", err)
	}
}

func appendSummary(path string, write func(w io.Writer, limit int) error) (err error) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	limit := summaryLimit - int(info.Size()) - 1
	if limit < render.MinMarkdownLimit {
		return fmt.Errorf("%s is full", path)
	}
	var text bytes.Buffer
	if info.Size() > 0 {
		text.WriteByte('\n') // headings begin a paragraph of their own
	}
	if err := write(&text, limit); err != nil {
		return err
	}
	_, err = file.Write(text.Bytes())
	return err
}
