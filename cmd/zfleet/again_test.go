package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/spec"
)

// TestCommandsAgain: a command that is shown to be copied has every flag that it
// needs to mean the same.
func TestCommandsAgain(t *testing.T) {
	var f applyFlags
	f.plan.safety = safetyFlags{deletes: -1, replacements: -1}
	got := func() map[string]string {
		return map[string]string{"apply": f.applyCommand(), "destroy": f.destroyCommand(), "plan": f.plan.planCommand(""),
			"inventory": f.plan.inventoryCommand("saved.json"), "again": f.again()}
	}
	want := map[string]string{"apply": "zfleet apply -f FILE", "destroy": "zfleet destroy", "plan": "zfleet plan", "inventory": "zfleet inventory --out saved.json", "again": ""}
	if d := cmp.Diff(want, got()); d != "" {
		t.Errorf("without flags (-want +got):\n%s", d)
	}
	f.plan.fleet = fleetFlags{files: []string{"fleet.yaml", "my overlay.yaml"}, varFiles: []string{"vars.yaml"}, vars: []string{"size=large"}, policies: []string{"rules.yaml"}}
	f.plan.connection = connectionFlags{endpoint: "https://cloud", caFile: "ca.pem", insecure: true, simulate: true}
	f.plan.targets, f.plan.excludes = []string{"web/*"}, []string{"web/3"}
	f.plan.allowVolumeLoss, f.plan.nextGeneration, f.plan.allowShortage = []string{"db/1"}, []string{"web/1"}, true
	f.plan.safety = safetyFlags{deletes: 0, replacements: 2, disjoint: true}
	f.plan.serverVersion.version = spec.Version{5, 2, 1}
	const files = "-f fleet.yaml -f 'my overlay.yaml' --var-file vars.yaml --var size=large"
	const cloud = "--endpoint https://cloud --ca-file ca.pem --dangerous-skip-tls-verify --simulate"
	const selection = "--target 'web/*' --exclude web/3 --allow-volume-loss db/1"
	want = map[string]string{
		"apply":     "zfleet apply " + files + " --policy rules.yaml " + cloud,
		"destroy":   "zfleet destroy " + files + " --policy rules.yaml " + cloud + " " + selection,
		"plan":      "zfleet plan " + files + " --policy rules.yaml " + cloud + " " + selection + " --allow-deletes 0 --allow-replacements 2 --allow-disjoint --allow-shortage --next-generation web/1 --server-version 5.2.1",
		"inventory": "zfleet inventory " + files + " --out saved.json " + cloud,
		"again":     files + " " + cloud,
	}
	if d := cmp.Diff(want, got()); d != "" {
		t.Errorf("with flags (-want +got):\n%s", d)
	}
}
