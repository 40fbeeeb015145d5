package spec

// Source file as given by the caller.
type Input struct {
	Name string // shown in diagnostics: a path, or "<stdin>"
	Data []byte
}

// Variables are values from outside the file. Files rank below Values.
type Variables struct {
	Values    map[string]string // --var, or ZFLEET_VAR_x; the caller has ranked them
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
