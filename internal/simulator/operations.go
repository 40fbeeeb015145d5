package simulator

import (
	"net/http"
	"slices"
)

// operations are all calls that the server knows.
var operations = slices.Concat(
	sessionOperations,
	queryOperations(),
	createOperations,
	vmOperations,
	removalOperations,
	settingOperations,
	tagOperations,
	volumeOperations,
	capacityOperations,
	candidateOperations,
)

// Mutations lists the calls that run as jobs, which are those that change
// something: all but queries, other reads and the calls about sessions.
func Mutations() []string {
	var names []string
	for _, op := range operations {
		if !op.sync && !op.query && op.method != http.MethodGet {
			names = append(names, op.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
