package spec

// Source file as given by the caller.
type Input struct {
	Name string // shown in diagnostics: a path, or "<stdin>"
	Data []byte
}

// Variables are values from outside the file. Those of the command line rank
// first, then Files, then the other Values, then the defaults of the file.
type Variables struct {
	Values    map[string]string // --var, else ZFLEET_VAR_x
	Files     []Input           // var files, later ones win
	Sensitive map[string]bool   // names in Values whose value must never be shown
	// OnCommandLine holds the names in Values that came as an argument, where
	// other users of the machine can read it: a sensitive variable among them
	// is an error.
	OnCommandLine map[string]bool
	// ReadFile reads a file that the fleet file names, such as a user-data
	// template; nil means that no file may be named.
	ReadFile func(name string) ([]byte, error)
}
