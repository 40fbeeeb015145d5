package simulator

import "slices"

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
