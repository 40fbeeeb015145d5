package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/testscript"
)

// githubWorkflow is a workflow of examples/ci/github.
type githubWorkflow struct {
	On          map[string]any
	Permissions map[string]string
	Concurrency struct {
		Group  string
		Cancel bool `yaml:"cancel-in-progress"`
	}
	Env  map[string]string
	Jobs map[string]githubJob
}

type githubJob struct {
	If          string
	Environment string
	Timeout     int `yaml:"timeout-minutes"`
	Permissions map[string]string
	Steps       []githubStep
}

type githubStep struct {
	Name, If, Uses, Run string
	Env                 map[string]string
	With                map[string]any
}

func readYAML(t testing.TB, file string, v any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

var examplesCI = filepath.Join("..", "..", "examples", "ci")

// TestGitHubWorkflows holds what makes the example workflows safe. That they are
// workflows at all, actionlint says in .ci/run; that they work, ci_github.txtar.
func TestGitHubWorkflows(t *testing.T) {
	groups := make(map[string]string)
	for _, name := range []string{"fleet-plan", "fleet-apply", "fleet-nightly"} {
		var w githubWorkflow
		readYAML(t, filepath.Join(examplesCI, "github", name+".yml"), &w)
		_, forPulls := w.On["pull_request"]
		if forPulls != (name == "fleet-plan") || w.On["pull_request_target"] != nil || w.On["workflow_run"] != nil {
			t.Errorf("%s: on %v", name, w.On)
		}
		if len(w.Permissions) > 0 || w.Permissions == nil {
			t.Errorf("%s: jobs get permissions that they do not name: %v", name, w.Permissions)
		}
		groups[name] = w.Concurrency.Group
		for id, job := range w.Jobs {
			checkGitHubJob(t, name+"/"+id, job, forPulls)
			if !forPulls && (job.Environment != "fleet" || w.Concurrency.Cancel) {
				t.Errorf("%s/%s: environment %q, cancels %v: the key of this job belongs to the main branch, and it is not cut off",
					name, id, job.Environment, w.Concurrency.Cancel)
			}
		}
	}
	if groups["fleet-apply"] == "" || groups["fleet-apply"] != groups["fleet-nightly"] {
		t.Errorf("two runs may work on the fleet at once: concurrency %v", groups)
	}
}

var sameRepository = "github.event.pull_request.head.repo.full_name == github.repository"

func checkGitHubJob(t *testing.T, name string, job githubJob, forPulls bool) {
	t.Helper()
	kept := false
	for _, step := range job.Steps {
		for variable, value := range step.Env {
			if !strings.Contains(value, "secrets.") {
				continue
			}
			if forPulls && (job.If != sameRepository || !strings.Contains(value, "_READ_")) {
				t.Errorf("%s: %s is %s where it must not be known", name, variable, value)
			}
		}
		if strings.Contains(step.Run, "${{") {
			t.Errorf("%s: what others wrote becomes part of a program: %s", name, step.Run)
		}
		if strings.HasPrefix(step.Uses, "actions/checkout") && step.With["persist-credentials"] != false {
			t.Errorf("%s: a checkout leaves its token behind", name)
		}
		if strings.HasPrefix(step.Uses, "actions/upload-artifact") {
			kept = step.If == "always()" || step.If == "${{ !cancelled() }}"
		}
	}
	if !kept && name != "fleet-plan/offline" {
		t.Errorf("%s: what the job made is not kept when it fails", name)
	}
	if job.Timeout == 0 || len(job.Permissions) == 0 {
		t.Errorf("%s: timeout %d, permissions %v", name, job.Timeout, job.Permissions)
	}
}

// gitlabJob is a job of the example pipeline.
type gitlabJob struct {
	Stage, Extends string
	Script         []string
	Needs          []struct{ Job string }
	Rules          []struct{ If string }
	ResourceGroup  string `yaml:"resource_group"`
	Environment    string
	Interruptible  *bool
	Variables      map[string]string
	Artifacts      struct {
		When    string
		Reports map[string]any
	}
}

// gitlabPipeline is a pipeline by its jobs; those whose name begins with a dot
// are there to be extended.
type gitlabPipeline struct {
	Stages    []string
	Variables map[string]string
	jobs      map[string]gitlabJob
}

func parsePipeline(text []byte) (gitlabPipeline, error) {
	var p gitlabPipeline
	var all map[string]any
	if err := errors.Join(yaml.Unmarshal(text, &p), yaml.Unmarshal(text, &all)); err != nil {
		return p, err
	}
	p.jobs = make(map[string]gitlabJob)
	for name, value := range all {
		if slices.Contains([]string{"stages", "variables", "default", "workflow"}, name) {
			continue
		}
		text, err := yaml.Marshal(value)
		if err != nil {
			return p, err
		}
		var job gitlabJob
		if err := yaml.Unmarshal(text, &job); err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		p.jobs[name] = job
	}
	return p, nil
}

// TestGitLabPipeline holds the structure of the example pipeline, and what makes
// it safe. That it works, ci_gitlab.txtar says.
func TestGitLabPipeline(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(examplesCI, "gitlab", ".gitlab-ci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePipeline(text)
	if err != nil {
		t.Fatal(err)
	}
	stages, jobs := p.Stages, p.jobs
	for _, want := range []string{"plan", "offline", "comment", "apply", "nightly", ".zfleet"} {
		if _, ok := jobs[want]; !ok {
			t.Errorf("there is no job %s", want)
		}
	}
	for name, job := range jobs {
		if strings.HasPrefix(name, ".") {
			continue
		}
		if !slices.Contains(stages, job.Stage) || jobs[job.Extends].Artifacts.When != "always" {
			t.Errorf("%s: stage %q, extends %q", name, job.Stage, job.Extends)
		}
		for _, need := range job.Needs {
			if slices.Index(stages, jobs[need.Job].Stage) < 0 || slices.Index(stages, jobs[need.Job].Stage) > slices.Index(stages, job.Stage) {
				t.Errorf("%s: needs %q", name, need.Job)
			}
		}
		for report, file := range job.Artifacts.Reports {
			if !strings.HasPrefix(fmt.Sprint(file), "zfleet-out/") {
				t.Errorf("%s: report %s is %v", name, report, file)
			}
		}
		writes := strings.Contains(strings.Join(job.Script, "\n"), "_WRITE_")
		if writes && (job.ResourceGroup != "fleet" || job.Environment != "fleet" || job.Interruptible == nil || *job.Interruptible) {
			t.Errorf("%s: changes the cloud in group %q, environment %q", name, job.ResourceGroup, job.Environment)
		}
		if len(job.Rules) == 0 {
			t.Errorf("%s: no rules", name)
		}
		for _, rule := range job.Rules {
			ofDefaultBranch := strings.Contains(rule.If, "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH &&")
			ofMergeRequest := strings.Contains(rule.If, `$CI_PIPELINE_SOURCE == "merge_request_event" &&`)
			if ofDefaultBranch == ofMergeRequest || writes != ofDefaultBranch {
				t.Errorf("%s: rule %s", name, rule.If)
			}
		}
	}
}

// TestCIScriptsExist holds that every script that a job calls is there, and that
// the jobs call zfleet by scripts only: those are what the tests run.
func TestCIScriptsExist(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examplesCI, "*", "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(examplesCI, "gitlab", ".gitlab-ci.yml"), filepath.Join(examplesCI, "Jenkinsfile"))
	called := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, script := range regexp.MustCompile(`\bci/([\w/]+\.sh)`).FindAllStringSubmatch(string(text), -1) {
			called++
			if _, err := os.Stat(filepath.Join(examplesCI, filepath.FromSlash(script[1]))); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		for line := range strings.Lines(string(text)) {
			code, _, _ := strings.Cut(strings.TrimSpace(line), "#")
			if regexp.MustCompile(`\bzfleet (plan|apply|destroy|validate|diff|show|inventory|resume)\b`).MatchString(code) && !strings.HasPrefix(code, "//") {
				t.Errorf("%s calls zfleet without a script: %s", file, line)
			}
		}
	}
	if called < 10 {
		t.Errorf("only %d calls of scripts found", called)
	}
}

// expression is one of GitHub's in a value.
var expression = regexp.MustCompile(`\$\{\{ *([^}]*?) *\}\}`)

// runWorkflow runs the shell steps of a job of a workflow: workflow FILE JOB.
// The expressions are taken from variables of the script: ${{ vars.X }} and
// ${{ secrets.X }} from X, ${{ github.event.pull_request.head.sha }} from
// github_event_pull_request_head_sha. With ! it wants the job to fail.
func runWorkflow(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: workflow FILE JOB")
	}
	var w githubWorkflow
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &w))
	job, ok := w.Jobs[args[1]]
	if !ok {
		ts.Fatalf("%s has no job %s", args[0], args[1])
	}
	value := func(text string) string {
		return expression.ReplaceAllStringFunc(text, func(e string) string {
			name := expression.FindStringSubmatch(e)[1]
			_, short, _ := strings.Cut(name, ".")
			if !strings.HasPrefix(name, "vars.") && !strings.HasPrefix(name, "secrets.") {
				short = strings.ReplaceAll(name, ".", "_")
			}
			return ts.Getenv(short)
		})
	}
	var failed error
	for _, step := range job.Steps {
		if step.Run == "" || step.Name == "install" || !stepRuns(ts, step.If, failed) {
			continue
		}
		env := []string{}
		for _, vars := range []map[string]string{w.Env, step.Env} {
			for name, text := range vars {
				env = append(env, name+"="+value(text))
			}
		}
		if err := ts.Exec("env", append(env, "sh", "-e", "-c", step.Run)...); err != nil && failed == nil {
			failed = fmt.Errorf("step %s: %w", step.Name, err)
		}
	}
	wantFailure(ts, neg, failed)
}

// stepRuns says whether a step runs, after what came before it.
func stepRuns(ts *testscript.TestScript, condition string, failed error) bool {
	if at := strings.Index(condition, "hashFiles('"); at >= 0 {
		file, _, _ := strings.Cut(condition[at+len("hashFiles('"):], "'")
		_, err := os.Stat(ts.MkAbs(file))
		return err == nil
	}
	switch condition {
	case "always()":
		return true
	case "github.event_name == 'push'":
		return failed == nil && ts.Getenv("github_event_name") == "push"
	case "":
		return failed == nil
	}
	ts.Fatalf("unknown condition %s", condition)
	return false
}

// runPipeline runs the script of a job of a GitLab pipeline: pipeline FILE JOB.
func runPipeline(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: pipeline FILE JOB")
	}
	p, err := parsePipeline([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	job, ok := p.jobs[args[1]]
	if !ok || len(job.Script) == 0 {
		ts.Fatalf("%s has no job %s", args[0], args[1])
	}
	env := []string{}
	for _, vars := range []map[string]string{p.Variables, job.Variables} {
		for name, value := range vars {
			env = append(env, name+"="+value)
		}
	}
	wantFailure(ts, neg, ts.Exec("env", append(env, "sh", "-e", "-c", strings.Join(job.Script, "\n"))...))
}

func wantFailure(ts *testscript.TestScript, want bool, err error) {
	switch {
	case want && err == nil:
		ts.Fatalf("the job did not fail")
	case !want && err != nil:
		ts.Fatalf("the job failed: %v", err)
	}
}
