package planner

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// mutation is an edit of one place of a JSON document.
type mutation struct {
	path string // "changes[2].blueprint.name"
	how  string
	made []byte
}

// mutations makes one edit of each kind at every place of a document.
func mutations(t *testing.T, data []byte) []mutation {
	t.Helper()
	var list []mutation
	var root any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	write := func(path, how string) {
		made, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, mutation{path, how, made})
	}
	var walk func(path string, value any, set func(any))
	walk = func(path string, value any, set func(any)) {
		other := map[string]any{"nulled": nil}
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				below := strings.TrimPrefix(path+"."+key, ".")
				walk(below, v[key], func(x any) { v[key] = x })
				was := v[key]
				delete(v, key)
				write(below, "deleted")
				v[key] = was
			}
			other["another type"] = "x"
		case []any:
			for i := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), v[i], func(x any) { v[i] = x })
				set(slices.Delete(slices.Clone(v), i, i+1))
				write(fmt.Sprintf("%s[%d]", path, i), "deleted")
				set(slices.Concat(v, v[i:i+1]))
				write(fmt.Sprintf("%s[%d]", path, i), "doubled")
				set(v)
			}
			other["another type"] = map[string]any{}
		case string:
			last := "0"
			if strings.HasSuffix(v, "0") {
				last = "1"
			}
			other["changed"] = v[:max(0, len(v)-1)] + last
			other["another type"] = 1
		case json.Number:
			other["changed"], other["negative"] = json.Number("1"+v.String()), json.Number("-7")
			other["enormous"], other["another type"] = json.Number("1e400"), "1"
		case bool:
			other["changed"], other["another type"] = !v, 0
		}
		if path == "" {
			return
		}
		for _, how := range slices.Sorted(maps.Keys(other)) {
			set(other[how])
			write(path, how)
		}
		set(value)
	}
	walk("", root, func(any) {})
	return list
}

// sealed is a plan as an attacker would seal an edit of it: with the steps and
// the digest that follow from it. ok is false if it is no plan at all any more.
func sealed(t testing.TB, data []byte) (out []byte, ok bool) {
	t.Helper()
	var plan Plan
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&plan) != nil {
		return nil, false
	}
	for i := range plan.Changes {
		if plan.Changes[i].complete() != nil {
			return nil, false
		}
	}
	plan.finish()
	out, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return out, true
}

// TestEveryMutation edits a plan file at every place. Without a new digest
// every edit is refused. With one, what is not refused is listed in a file: it
// is what the digest that a reviewer has seen protects alone, --expect-digest,
// beside what the server is asked again before each step.
func TestEveryMutation(t *testing.T) {
	data, err := richPlan(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	index := regexp.MustCompile(`\[\d+\]`)
	protected := make(map[string]bool)
	refused := 0
	list := mutations(t, data)
	for _, m := range list {
		if _, err := Decode(m.made); err == nil {
			t.Errorf("%s %s: not refused although the digest is that of before", m.path, m.how)
		}
		if strings.HasPrefix(m.path, "steps") {
			continue // who seals derives them anew
		}
		edited, ok := sealed(t, m.made)
		if !ok || bytes.Equal(edited, data) {
			continue
		}
		plan, err := Decode(edited)
		if err != nil {
			refused++
			continue
		}
		Settle(plan, emptyInventory())
		plan.Touches()
		protected[index.ReplaceAllString(m.path, "[]")] = true
	}
	if len(list) < 1000 || refused < 100 {
		t.Errorf("%d edits and %d that are refused when sealed: the test tests little", len(list), refused)
	}
	got := strings.Join(slices.Sorted(maps.Keys(protected)), "\n") + "\n"
	path := filepath.Join("testdata", "protected-by-digest.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("places that only the digest protects (-want +got):\n%s", d)
	}
}

// TestSealedPlanFile: edits that an attacker seals again and that would be worth
// his while.
func TestSealedPlanFile(t *testing.T) {
	plan := richPlan(t)
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	at := func(p *Plan, key string) *Change {
		return &p.Changes[slices.IndexFunc(p.Changes, func(c Change) bool { return c.Key == key })]
	}
	victim := uid("ff", 1)
	for name, tt := range map[string]struct {
		edit func(*Plan)
		want string
	}{
		"nothing":                      {func(*Plan) {}, ""},
		"another fleet":                {func(p *Plan) { p.Scope.ID = "zzzz1234" }, "not the machine's"},
		"a UUID of the attacker":       {func(p *Plan) { at(p, "web/5").UUID = victim }, "not the machine's"},
		"a UUID of another generation": {func(p *Plan) { at(p, "web/5").Generation = 7 }, "not the machine's"},
		"no such generation":           {func(p *Plan) { at(p, "web/5").Generation = 70000 }, "no machine has"},
		"somebody's VM destroyed":      {func(p *Plan) { at(p, "web/3").UUID = victim }, "not proven"},
		"somebody's VM replaced":       {func(p *Plan) { at(p, "web/1").OldUUID = victim }, "not proven"},
		"somebody's VM changed":        {func(p *Plan) { at(p, "web/2").UUID = victim }, "not proven"},
		"a VM that was not seen":       {func(p *Plan) { at(p, "web/3").Fingerprint = nil }, "not proven"},
		"somebody's disk":              {func(p *Plan) { at(p, "web/3").Disks[0].UUID = victim }, "has not seen"},
		"a disk's tag":                 {func(p *Plan) { at(p, "web/3").Disks[0].Tag = "somebody's" }, "not that of the machine's disks"},
		"a disk of another machine":    {func(p *Plan) { at(p, "web/3").Disks[0].Tag = testScope.DiskTag("web/1", 0) }, "not that of the machine's disks"},
		"no key tag":                   {func(p *Plan) { at(p, "web/5").Blueprint.UserTags = nil }, "without the tag"},
		"a second key tag": {func(p *Plan) {
			b := at(p, "web/5").Blueprint
			b.UserTags = append(b.UserTags, testScope.KeyTag("web/1"))
		}, "another machine's"},
		"a tag of another fleet": {func(p *Plan) {
			b := at(p, "web/5").Blueprint
			b.UserTags = append(b.UserTags, "zfleet::other-zzzz1234::key::web/1")
		}, "another machine's"},
		"an image that nobody reviewed": {func(p *Plan) { at(p, "web/5").Blueprint.SourceUUID = victim }, "not among the references"},
		"a network as an image":         {func(p *Plan) { at(p, "web/5").Blueprint.SourceUUID = uid("3e", 1) }, "no image among the references"},
		"another name than is shown":    {func(p *Plan) { at(p, "web/5").Blueprint.Name = "evil" }, `is called "web-5" and creates "evil"`},
		"an edit that is not shown":     {func(p *Plan) { at(p, "web/2").Edit.CPU = ptr(64) }, "its differences do not say"},
		"an edit other than shown":      {func(p *Plan) { at(p, "web/2").Edit.Name = ptr("evil") }, "its differences do not say"},
		"a password that is not shown": {func(p *Plan) {
			c := at(p, "web/2")
			c.Differences = slices.DeleteFunc(c.Differences, func(d Difference) bool { return d.Field == "consolePassword" })
		}, "changes consolePassword"},
		"a machine twice":                  {func(p *Plan) { p.Changes = append(p.Changes, p.Changes[0]) }, "two changes"},
		"something to do where nothing is": {func(p *Plan) { at(p, "web/4").Edit = &Edit{Stop: true} }, "is to be blocked and says"},
		"limits below zero":                {func(p *Plan) { p.Limits.PerHost = -1 }, "below zero"},
	} {
		t.Run(name, func(t *testing.T) {
			edited, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			tt.edit(edited)
			edited.finish()
			sealed, err := edited.Encode()
			if err != nil {
				t.Fatal(err)
			}
			_, err = Decode(sealed)
			if tt.want == "" && err != nil || tt.want != "" && (!isDigestError(err) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestSpelling: a plan file says to every reader what it says to this one.
func TestSpelling(t *testing.T) {
	data, err := richPlan(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(compact.Bytes()); err != nil {
		t.Errorf("without white space: %v", err)
	}
	for name, tt := range map[string][2]string{
		"a key twice":          {`"scope": {`, `"scope": {"name": "other", "id": "other"}, "scope": {`},
		"a key in capitals":    {`"scope": {`, `"Scope": {"name": "other", "id": "other"}, "scope": {`},
		"another spelling":     {`"digest": "`, `"DIGEST": "`},
		"a number otherwise":   {`"generation": 1`, `"generation": 1e0`},
		"an escape":            {`"name": "www"`, `"name": "\u0077ww"`},
		"a null more":          {`"format_version"`, `"copies": null, "format_version"`},
		"text behind":          {"\n}\n", "\n}\n null"},
		"an object for a text": {`"specDigest": "`, `"specDigest": {}, "x": "`},
	} {
		if !bytes.Contains(data, []byte(tt[0])) {
			t.Fatalf("%s: nothing like %s in the plan file", name, tt[0])
		}
		if _, err := Decode([]byte(strings.Replace(string(data), tt[0], tt[1], 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
