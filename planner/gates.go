package planner

import (
	"fmt"

	"zfleet/spec"
)

// checkVersion holds what the selected machines ask for against the version of
// the server, where that is known.
func (b *builder) checkVersion(selection *selection) {
	if b.inv.imaginary {
		return
	}
	server, ok := spec.ParseVersion(b.inv.Version)
	if !ok {
		what := "could not be read"
		if b.inv.Version != "" {
			what = fmt.Sprintf("%q is not understood", b.inv.Version)
		}
		b.names.report(spec.Diagnostic{Severity: spec.Warning, Code: "unknown-version",
			Message: fmt.Sprintf("the server's version %s, so nothing is held against it", what),
			Hint:    "--server-version X.Y.Z says it"})
		return
	}
	for _, d := range spec.CheckVersion(filter(b.fleet.Machines, func(m spec.Machine) bool { return selection.has(m.Key) }), server) {
		b.names.report(d)
	}
}
