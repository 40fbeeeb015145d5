//go:build race

package cloud

// raceEnabled: the race detector makes the long tests several times slower.
const raceEnabled = true
