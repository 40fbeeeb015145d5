// Package schemas holds the JSON Schemas (draft 7) of the files that zfleet reads
// and writes.
//
// Beside what the draft defines, the schema of fleet files says of each field
// what becomes of it on the wire, per create call:
//
//	x-api             the parameter that carries the field
//	x-api-more        further parameters that carry it in some cases, with their versions
//	x-tag             the system tag, where the parameter is systemTags
//	x-since           the server version that has the parameter, by the API reference
//	x-since-source    the same by the server's source, where it differs
//	x-values          the values that the call takes, by the API reference
//	x-values-source   the same by the server's source, where they differ
//	x-pattern-words   a pattern in words, for messages
//	x-choice          sets of keys that exclude each other; "*" makes the map one value
package schemas

import _ "embed"

// The schemas, as JSON.
var (
	//go:embed fleet.v1.json
	Fleet []byte // what a person writes
	//go:embed policies.v1.json
	Policies []byte // what a person writes, for --policy
	//go:embed plan.v1.json
	Plan []byte // what plan --out writes
	//go:embed inventory.v1.json
	Inventory []byte // what inventory --out writes
	//go:embed report.v1.json
	Report []byte // what apply --report writes, if the file ends in .json
	//go:embed event.v1.json
	Event []byte // one line of a journal or of an event stream
)
