package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImports holds the direction of dependencies: who may import whom of this
// module. A new line here is a decision about the design.
func TestImports(t *testing.T) {
	allowed := map[string][]string{
		"zfleet/schemas":            nil,
		"zfleet/examples":           nil,
		"zfleet/spec/policy":        nil,
		"zfleet/spec":               {"zfleet/schemas", "zfleet/spec/policy"},
		"zfleet/planner":            {"zfleet/spec", "zfleet/spec/policy"},
		"zfleet/executor":           {"zfleet/planner", "zfleet/spec"},
		"zfleet/internal/redact":    nil,
		"zfleet/internal/zstack":    {"zfleet/internal/redact"},
		"zfleet/internal/simulator": nil,
		"zfleet/internal/term":      nil,
		"zfleet/internal/cloud":     {"zfleet/executor", "zfleet/internal/redact", "zfleet/internal/zstack", "zfleet/planner", "zfleet/spec"},
		"zfleet/internal/render":    {"zfleet/executor", "zfleet/internal/term", "zfleet/planner", "zfleet/spec"},
		"zfleet/cmd/zfleet": {
			"zfleet/examples", "zfleet/executor", "zfleet/internal/cloud", "zfleet/internal/render",
			"zfleet/internal/simulator", "zfleet/internal/term", "zfleet/internal/zstack",
			"zfleet/planner", "zfleet/schemas", "zfleet/spec",
		},
	}
	seen := make(map[string]bool)
	for pkg, imports := range goList(t) {
		seen[pkg] = true
		may, known := allowed[pkg]
		if !known {
			t.Errorf("package %s is not in the table: which packages may it import?", pkg)
		}
		for _, imported := range imports {
			if strings.HasPrefix(imported, "zfleet/") && !slices.Contains(may, imported) {
				t.Errorf("%s imports %s, which the table does not allow", pkg, imported)
			}
		}
	}
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("package %s is in the table but not in the module", pkg)
		}
	}
}

// TestPlannerIsPure holds that planning needs no network, clock or file.
func TestPlannerIsPure(t *testing.T) {
	forbidden := []string{"context", "math/rand", "math/rand/v2", "net/http", "os", "time"}
	var found []string
	for _, imported := range goList(t)["zfleet/planner"] {
		if slices.Contains(forbidden, imported) {
			found = append(found, imported)
		}
	}
	if d := cmp.Diff([]string(nil), found); d != "" {
		t.Errorf("impure imports of planner (-want +got):\n%s", d)
	}
}

// goList returns the imports of every package of the module, without tests.
func goList(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "zfleet/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		packages[fields[0]] = fields[1:]
	}
	return packages
}
