// Package spec reads fleet files.
//
// A fleet file is YAML (UTF-8) that a JSON Schema describes. Load merges one or
// several files, expands variables, checks the result and returns every machine
// of the fleet, fully expanded. It reports every problem it can find at once,
// each with its place in the file and the way out.
//
// The package never touches a network, a clock or the file system: callers hand
// it the bytes. Names in a fleet file stay names here; binding them to what
// exists in a cloud is the planner's work.
package spec
