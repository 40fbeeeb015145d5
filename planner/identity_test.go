package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestMachineUUID holds identities that were computed by another program. They
// are frozen: a zfleet that computed others would make every machine twice.
func TestMachineUUID(t *testing.T) {
	account := Scope{Name: "staging", ID: "36c27e8ff05c4780bf6d2fa65700f22e"}
	for _, tt := range []struct {
		scope      Scope
		key        string
		generation int
		want       string
	}{
		{testScope, "web/1", 0, "c874ce646e1156598314194e9a080000"},
		{testScope, "web/1", 1, "c874ce646e1156598314194e9a080001"},
		{testScope, "db/east", MaxGeneration, "c874ce646e1150199c5ddd76f014ffff"},
		{account, "web/1", 0, "b255115e528e517d9fe4c72fa5bf0000"},
	} {
		got := tt.scope.MachineUUID(tt.key, tt.generation)
		if got != tt.want {
			t.Errorf("MachineUUID(%q, %d) = %s, want %s", tt.key, tt.generation, got, tt.want)
		}
		if !strings.HasPrefix(got, tt.scope.UUIDPrefix()) || got[12] != '5' || !strings.Contains("89ab", got[16:17]) {
			t.Errorf("%s is not shaped like a version-5 UUID of the scope", got)
		}
		if generation, ok := tt.scope.Generation(tt.key, got); !ok || generation != tt.generation {
			t.Errorf("Generation(%q, %s) = %d, %t", tt.key, got, generation, ok)
		}
		if _, ok := tt.scope.Generation(tt.key+"x", got); ok {
			t.Errorf("%s passes for another key", got)
		}
	}
}

func TestGenerationOfForeignUUIDs(t *testing.T) {
	for _, uuid := range []string{"", "abc", strings.Repeat("z", 32), uid("ff", 1)} {
		if generation, ok := testScope.Generation("web/1", uuid); ok {
			t.Errorf("Generation of %q = %d, want none", uuid, generation)
		}
	}
}

func TestTags(t *testing.T) {
	got := []string{testScope.KeyTag("web/1"), testScope.DiskTag("web/1", 12), testScope.digestTag("source.image", plainDigest("x")), valueField("userTags", "a=b")}
	want := []string{
		"zfleet::staging-k7c1f0e5::key::web/1",
		"zfleet::staging-k7c1f0e5::disk::web/1::12",
		"zfleet::staging-k7c1f0e5::d1::source.image::028f0df5b8596fbcd10c9720b7a4784f",
		"userTags.2355c870",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if key, generation, ok := testScope.ParseDiskTag(want[1]); key != "web/1" || generation != 12 || !ok {
		t.Errorf("ParseDiskTag = %q, %d, %t", key, generation, ok)
	}
	if scope, ok := ScopeOfTag("zfleet::a-b-k7c1f0e5::key::web/1"); !ok || scope != (Scope{Name: "a-b", ID: "k7c1f0e5"}) {
		t.Errorf("ScopeOfTag = %v, %t", scope, ok)
	}
	for _, bad := range []string{"zfleet::a-b", "a-b::key::x", "zfleet::ab::key::x", "zfleet::-b::key::x", "zfleet::a-::key::x"} {
		if scope, ok := ScopeOfTag(bad); ok {
			t.Errorf("ScopeOfTag(%q) = %v", bad, scope)
		}
	}
	for _, bad := range []string{want[0], "zfleet::staging-k7c1f0e5::disk::web/1", "zfleet::staging-k7c1f0e5::disk::web/1::-1", "zfleet::other-k7c1f0e5::disk::web/1::1"} {
		if _, _, ok := testScope.ParseDiskTag(bad); ok {
			t.Errorf("%q passes for a disk tag", bad)
		}
	}
}

// TestTagsAreSafeToAskFor: no tag may hold what splits a query condition.
func TestTagsAreSafeToAskFor(t *testing.T) {
	m := web(1)
	m.UserTags, m.Tags = []string{"a=b,c>d"}, nil
	m.UserData = secret("web/1.userData", "#cloud-config")
	plan := mustBuild(t, fleetOf(m), emptyInventory(), none)
	for _, tag := range plan.Changes[0].Blueprint.UserTags {
		if strings.HasPrefix(tag, TagNamespace) && strings.ContainsAny(tag, "=<>!~?, %_&\"'") {
			t.Errorf("tag %q holds a character that queries treat in a special way", tag)
		}
	}
}

// TestRunTag: a tag that names a run decides nothing, and is safe to ask for
// whatever the run and the computer are called.
func TestRunTag(t *testing.T) {
	for _, tt := range []struct{ run, host, tag, gotRun, gotHost string }{
		{"20261128-104654-a1b2c3", "ci-7.example.com", "run::20261128-104654-a1b2c3@ci-7.example.com", "20261128-104654-a1b2c3", "ci-7.example.com"},
		{"night run_1", "a=b,c@d'%Ω", "run::night-run-1@a-b-c-d---", "night-run-1", "a-b-c-d---"},
		{"", "", "run::unknown@unknown", "unknown", "unknown"},
		{strings.Repeat("r", 200), "h", "run::" + strings.Repeat("r", 80) + "@h", strings.Repeat("r", 80), "h"},
	} {
		tag := testScope.RunTag(tt.run, tt.host)
		if want := testScope.TagPrefix() + tt.tag; tag != want {
			t.Errorf("RunTag(%q, %q) = %q, want %q", tt.run, tt.host, tag, want)
		}
		if run, host, ok := testScope.ParseRunTag(tag); run != tt.gotRun || host != tt.gotHost || !ok {
			t.Errorf("ParseRunTag(%q) = %q, %q, %t", tag, run, host, ok)
		}
	}
	for _, bad := range []string{"run::a@b", "zfleet::other-k7c1f0e5::run::a@b", testScope.TagPrefix() + "run::a", testScope.TagPrefix() + "run::@b", testScope.KeyTag("web/1")} {
		if run, host, ok := testScope.ParseRunTag(bad); ok {
			t.Errorf("%q passes for a run tag: %q, %q", bad, run, host)
		}
	}

	fleet := fleetOf(web(1))
	plain := applied(t, emptyInventory(), mustBuild(t, fleet, emptyInventory(), none))
	signed := *plain
	signed.Machines = slices.Clone(plain.Machines)
	vm := &signed.Machines[0]
	vm.UserTags = append(slices.Clone(vm.UserTags), Tag{UUID: "r1", Text: testScope.RunTag("one", "ci-1")}, Tag{UUID: "r2", Text: testScope.RunTag("two", "ci-2")})
	for name, fleet := range map[string]*spec.Fleet{
		"kept": fleet, "gone": fleetOf(web(2)),
		"renamed":  fleetOf(func() spec.Machine { m := web(1); m.Name = "other"; return m }()),
		"replaced": fleetOf(func() spec.Machine { m := web(1); m.Source.Ref = byName("ubuntu-22.04"); return m }()),
	} {
		want, _ := mustBuild(t, fleet, plain, Options{AllowDeletes: 9, AllowReplacements: 9, AllowDisjoint: true}).Encode()
		got, _ := mustBuild(t, fleet, &signed, Options{AllowDeletes: 9, AllowReplacements: 9, AllowDisjoint: true}).Encode()
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s: the plan depends on who made the machine (-without +with):\n%s", name, d)
		}
	}
}

func TestRestartTag(t *testing.T) {
	job := uid("ab", 1)
	of := testScope.RestartTagOf("night run", "ci-7", job)
	if want := testScope.TagPrefix() + "restart::night-run@ci-7::" + job; of != want || testScope.JobOfRestart(of) != job {
		t.Errorf("RestartTagOf = %q of job %q, want %q", of, testScope.JobOfRestart(of), want)
	}
	for _, none := range []string{testScope.RestartTag(), testScope.RestartTag() + "::somebody", testScope.KeyTag("web/1")} {
		if got := testScope.JobOfRestart(none); got != "" {
			t.Errorf("%q has the job %q", none, got)
		}
	}
	for tag, want := range map[string]bool{
		testScope.RestartTag():              true,
		of:                                  true,
		testScope.TagPrefix() + "restarted": false,
		testScope.RunTag("restart", "ci-1"): false,
		"zfleet::other-k7c1f0e5::restart":   false,
	} {
		if got := testScope.IsRestartTag(tag); got != want {
			t.Errorf("IsRestartTag(%q) = %t", tag, got)
		}
	}
}

// TestSecretDigest holds a digest that another program computed. It stands on
// machines for years: another one would look as if the secret had changed.
func TestSecretDigest(t *testing.T) {
	const want = "6224ff5af1a6e4cc269a59b43e251edf"
	digests := newSecretDigests(testScope, []string{"hunter2 – Ω", "hunter2 – Ω", ""})
	if got := digests["hunter2 – Ω"]; got != want || len(digests) != 2 {
		t.Errorf("digests %v, want %s and that of nothing", digests, want)
	}
	other := newSecretDigests(Scope{Name: "staging", ID: "k7c1f0e6"}, []string{"hunter2 – Ω"})
	if other["hunter2 – Ω"] == want {
		t.Error("two fleets have the same digest of a secret")
	}
}
