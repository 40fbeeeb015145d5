package planner

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// richPlan has every action and every kind of operation.
func richPlan(t testing.TB) *Plan {
	stays, changes, goes, protected := web(1), web(2), web(3), web(4)
	changes.ConsolePassword = secret("web/2.consolePassword", "old")
	changes.Tags, changes.UserTags = []spec.Ref{byName("prod")}, []string{"a"}
	goes.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}, {Offering: ptr(byName("ssd-100g"))}}
	protected.Lifecycle.Protect = true
	inv := applied(t, emptyInventory(), mustBuild(t, fleetOf(stays, changes, goes, protected), emptyInventory(), none))
	changes.ConsolePassword = secret("web/2.consolePassword", "new")
	changes.Tags, changes.UserTags = []spec.Ref{byName("test")}, []string{"b"}
	changes.Offering, changes.Hostname, changes.Name = ptr(byName("large")), ptr("www"), "www"
	fresh := web(5)
	fresh.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}}
	fresh.UserData = secret("web/5.userData", "#cloud-config")
	stays.Source.Ref = byName("ubuntu-22.04")
	return mustBuild(t, fleetOf(stays, changes, fresh), inv, none)
}

func TestSteps(t *testing.T) {
	want := []string{
		"web/1 destroy", "web/1 create < web/1 destroy",
		"web/2 add-tag 1", "web/2 add-tag 2 < web/2 add-tag 1", "web/2 add-tag 3 < web/2 add-tag 2", "web/2 add-tag 4 < web/2 add-tag 3", "web/2 add-tag 5 < web/2 add-tag 4",
		"web/2 stop < web/2 add-tag 5", "web/2 update < web/2 stop", "web/2 change-offering < web/2 update",
		"web/2 set-hostname < web/2 change-offering", "web/2 set-console-password < web/2 set-hostname",
		"web/2 attach-tag < web/2 set-console-password", "web/2 detach-tag < web/2 attach-tag", "web/2 start < web/2 detach-tag",
		"web/2 remove-tag 1 < web/2 start", "web/2 remove-tag 2 < web/2 remove-tag 1", "web/2 remove-tag 3 < web/2 remove-tag 2",
		"web/2 remove-tag 4 < web/2 remove-tag 3", "web/2 remove-tag 5 < web/2 remove-tag 4",
		"web/5 create", "web/5 tag-disks < web/5 create",
		"web/3 destroy", "web/3 delete-disk 1 < web/3 destroy", "web/3 delete-disk 2 < web/3 destroy",
	}
	if d := cmp.Diff(want, steps(richPlan(t))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPlanFile(t *testing.T) {
	plan := richPlan(t)
	data, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(plan, again); d != "" {
		t.Errorf("(-written +read):\n%s", d)
	}
	if other, err := richPlan(t).Encode(); err != nil || !bytes.Equal(data, other) {
		t.Errorf("the same input gave other bytes (%v)", err)
	}
	for _, hidden := range []string{"cloud-config", `"new"`, `"old"`} {
		if bytes.Contains(data, []byte(hidden)) {
			t.Errorf("the plan file holds the secret %s", hidden)
		}
	}
	if n := plan.Counts(); n != (Counts{Create: 1, Update: 1, Replace: 1, Delete: 1, Blocked: 1}) {
		t.Errorf("counts %+v", n)
	}
}

// TestTamperedPlanFile edits the file as a person would, and seals some of the
// edits with a new digest, as an attacker would.
func TestTamperedPlanFile(t *testing.T) {
	data, err := richPlan(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, old, new string
		want           string
	}{
		{"a name", `"name": "www"`, `"name": "xxx"`, "digest of the plan does not fit"},
		{"the digest", `"digest": "`, `"digest": "0`, "digest of the plan does not fit"},
		{"a field more", `"format_version"`, `"more": 1, "format_version"`, "unknown field"},
		{"an operation", `"verb": "stop"`, `"verb": "explode"`, `unknown verb "explode"`},
		{"a later format", `"format_version": "1.0"`, `"format_version": "2.0"`, `format version "2.0"`},
		{"a newer minor", `"format_version": "1.0"`, `"format_version": "1.1"`, `format version "1.1"`},
		{"no version", `"format_version": "1.0"`, `"format_version": "1"`, `format version "1"`},
		{"text behind", "\n}\n", "\n}\n{}", "after top-level value"},
	} {
		if !bytes.Contains(data, []byte(tt.old)) {
			t.Fatalf("%s: nothing like %s in the plan file", tt.name, tt.old)
		}
		_, err := Decode([]byte(strings.Replace(string(data), tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	for name, edit := range map[string]func(*Plan){
		"one step less":        func(p *Plan) { p.Steps = p.Steps[1:] },
		"another VM":           func(p *Plan) { p.Steps[0].UUID = uid("ff", 1) },
		"no need":              func(p *Plan) { p.Steps[1].Needs = nil },
		"no blueprint":         func(p *Plan) { p.Changes[0].Blueprint = nil },
		"no edit":              func(p *Plan) { p.Changes[1].Edit = nil },
		"an unheard-of action": func(p *Plan) { p.Changes[0].Action = "explode" },
	} {
		plan, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		edit(plan)
		plan.Digest = plan.digest()
		sealed, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(sealed); !isDigestError(err) {
			t.Errorf("%s: error %v, want a DigestError", name, err)
		}
	}
	if _, err := Decode([]byte("apiVersion: zfleet/v1")); err == nil || !strings.Contains(err.Error(), "not a plan file") {
		t.Errorf("a fleet file: %v", err)
	}
}

func isDigestError(err error) bool {
	_, ok := errors.AsType[*DigestError](err)
	return ok
}

func TestCheckSecrets(t *testing.T) {
	plan := richPlan(t)
	right := map[string]string{"web/2.consolePassword": "new", "web/5.userData": "#cloud-config"}
	if err := CheckSecrets(plan, right); err != nil {
		t.Errorf("the right secrets: %v", err)
	}
	if err := CheckSecrets(plan, nil); err == nil || isDigestError(err) || !strings.Contains(err.Error(), "web/2.consolePassword, web/5.userData") {
		t.Errorf("no secrets: %v", err)
	}
	right["web/5.userData"] = "#cloud-confiG"
	if err := CheckSecrets(plan, right); !isDigestError(err) || !strings.Contains(err.Error(), "web/5.userData") || strings.Contains(err.Error(), "confiG") {
		t.Errorf("a changed secret: %v", err)
	}
	for n := range 9 {
		plan.Changes = append(plan.Changes, Change{Blueprint: &Blueprint{Secrets: []SecretTag{{Secret: fmt.Sprintf("x/%d.userData", n)}}}})
	}
	if err := CheckSecrets(plan, nil); err == nil || !strings.HasSuffix(err.Error(), ", x/3.userData and 5 more") {
		t.Errorf("of many secrets: %v", err)
	}
}

func BenchmarkBuild(b *testing.B) {
	var machines []spec.Machine
	for n := range 1000 {
		machines = append(machines, web(n+1))
	}
	fleet := fleetOf(machines...)
	inv := applied(b, emptyInventory(), mustBuild(b, fleet, emptyInventory(), none))
	for b.Loop() {
		if _, found := Build(fleet, inv, none); found.HasErrors() {
			b.Fatal(found)
		}
	}
}

// BenchmarkDecode reads a large plan file.
func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1_000, 5_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var machines []spec.Machine
			for i := range n {
				m := web(i + 1)
				m.DataDisks = []spec.DataDisk{{Size: ptr(int64(50 << 30))}}
				m.UserTags, m.Description = []string{"prod"}, ptr("one of many")
				machines = append(machines, m)
			}
			data, err := mustBuild(b, fleetOf(machines...), emptyInventory(), none).Encode()
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
