package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// forge is as much of GitHub and GitLab as the scripts in examples/ci talk to:
// one change, number 7, with its comments, and the runs that kept a plan of it.
type forge struct {
	mu       sync.Mutex
	comments []forgeComment
	merged   string // the head of the change, once it is merged
	kept     string // the directory that the run of the change's head kept
	head     string // of that run
}

type forgeComment struct {
	id   int
	by   string
	body string
}

// The users of the forge. Comments of others must neither be replaced nor believed.
const (
	forgeBot     = "github-actions[bot]"
	forgeVisitor = "visitor"
)

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	if r.Header.Get("Authorization") != "Bearer forgetoken" && r.Header.Get("PRIVATE-TOKEN") != "forgetoken" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	switch call := r.Method + " " + path; {
	case call == "GET repos/owner/fleet/commits/merge1/pulls":
		reply(w, f.pulls("number", "merged_at", map[string]any{"sha": f.merged}))
	case call == "GET repos/owner/fleet/actions/workflows/fleet-plan.yml/runs":
		query := r.URL.Query()
		runs := []any{}
		if query.Get("head_sha") == f.head && f.head != "" && query.Get("status") == "success" && query.Get("event") == "pull_request" {
			runs = append(runs, map[string]any{"id": 41})
		}
		reply(w, map[string]any{"workflow_runs": runs})
	case call == "GET repos/owner/fleet/issues/7/comments":
		reply(w, f.list("user", "login", func(c forgeComment) any { return c.by }))
	case call == "POST repos/owner/fleet/issues/7/comments", call == "POST projects/1/merge_requests/7/notes":
		f.comments = append(f.comments, forgeComment{100 + len(f.comments), forgeBot, r.FormValue("body")})
	case strings.HasPrefix(call, "PATCH repos/owner/fleet/issues/comments/"), strings.HasPrefix(call, "PUT projects/1/merge_requests/7/notes/"):
		id, _ := strconv.Atoi(path[strings.LastIndexByte(path, '/')+1:])
		f.comments[id-100].body = r.FormValue("body")

	case call == "GET user":
		reply(w, map[string]any{"id": forgeUser(forgeBot)})
	case call == "GET projects/1/merge_requests/7/notes":
		reply(w, f.list("author", "id", func(c forgeComment) any { return forgeUser(c.by) }))
	case call == "GET projects/1/repository/commits/merge1/merge_requests":
		reply(w, f.pulls("iid", "state", "merged"))
	case call == "GET projects/1/merge_requests/7/pipelines":
		reply(w, []any{
			map[string]any{"id": 52, "source": "merge_request_event", "status": "failed"},
			map[string]any{"id": 51, "source": "merge_request_event", "status": "success"},
		})
	case call == "GET projects/1/pipelines/51/jobs":
		reply(w, []any{map[string]any{"id": 60, "name": "comment"}, map[string]any{"id": 61, "name": "plan"}})
	case strings.HasPrefix(call, "GET projects/1/jobs/61/artifacts/zfleet-out/"):
		http.ServeFile(w, r, filepath.Join(f.kept, filepath.Base(path)))
	default:
		http.Error(w, "no such call: "+call, http.StatusNotFound)
	}
}

// pulls lists the change as it came with the commit, if it did.
func (f *forge) pulls(number, key string, value any) []any {
	if f.merged == "" {
		return []any{}
	}
	return []any{
		map[string]any{number: 6, "state": "closed", "merged_at": nil, "sha": "other", "head": map[string]any{"sha": "other"}},
		map[string]any{number: 7, "state": "merged", "merged_at": "2026-01-02T03:04:05Z", "sha": f.merged, "head": map[string]any{"sha": f.merged}, key: value},
	}
}

func (f *forge) list(who, key string, by func(forgeComment) any) []any {
	list := []any{}
	for _, c := range f.comments {
		list = append(list, map[string]any{"id": c.id, who: map[string]any{key: by(c)}, "body": c.body})
	}
	return list
}

func forgeUser(name string) int { return len(name) }

func reply(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// forgeCommand serves a forge to a script and works on it:
//
//	forge serve                  start it, and set the environment of a job
//	forge keep HEAD DIR          a run of the commit HEAD has kept that directory
//	forge merge HEAD             the change is merged with that head
//	forge says USER FILE         somebody comments
//	forge comments FILE          write all comments to a file
func forgeCommand() func(ts *testscript.TestScript, neg bool, args []string) {
	var mu sync.Mutex
	forges := make(map[*testscript.TestScript]*forge)
	return func(ts *testscript.TestScript, neg bool, args []string) {
		mu.Lock()
		f := forges[ts]
		if f == nil {
			f = &forge{}
			forges[ts] = f
		}
		mu.Unlock()
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case neg || len(args) == 0:
			ts.Fatalf("usage: forge serve|keep|merge|says|comments …")
		case args[0] == "serve":
			server := httptest.NewServer(f)
			ts.Defer(server.Close)
			for name, value := range map[string]string{
				"FORGE_URL": server.URL, "GH_TOKEN": "forgetoken", "GITHUB_REPOSITORY": "owner/fleet", "GITHUB_SHA": "merge1",
				"CI_API_V4_URL": server.URL, "GITLAB_API_TOKEN": "forgetoken", "CI_PROJECT_ID": "1", "CI_COMMIT_SHA": "merge1",
				"CI_MERGE_REQUEST_IID": "7", "FORGE_KEPT": ts.MkAbs("kept"),
			} {
				ts.Setenv(name, value)
			}
		case args[0] == "keep":
			f.head, f.kept = args[1], ts.MkAbs("kept")
			ts.Check(os.RemoveAll(f.kept))
			ts.Check(os.CopyFS(f.kept, os.DirFS(ts.MkAbs(args[2]))))
		case args[0] == "merge":
			f.merged = args[1]
		case args[0] == "says":
			f.comments = append(f.comments, forgeComment{100 + len(f.comments), args[1], ts.ReadFile(args[2])})
		case args[0] == "comments":
			var b strings.Builder
			for _, c := range f.comments {
				fmt.Fprintf(&b, "== %s\n%s\n", c.by, c.body)
			}
			ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
		default:
			ts.Fatalf("forge: unknown %q", args[0])
		}
	}
}
