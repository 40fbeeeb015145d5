// Package examples holds the fleet files that the documentation shows, and the
// data center that the embedded simulator starts with.
package examples

import _ "embed"

// Datacenter describes the simulated data center that the examples run in.
//
//go:embed datacenter.yaml
var Datacenter []byte
