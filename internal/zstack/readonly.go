package zstack

import (
	"net/http"
	"strings"
)

// collectionKind says how a collection can be asked.
type collectionKind int

const (
	byUUID   collectionKind = iota // a row has a path of its own
	listOnly                       // rows are found by condition only
	keyless                        // the rows have no UUID
)

// collections is the closed table of what is queried. A path that serves only
// one call runs that call whatever the method: a GET of a tag's or a primary
// storage's own path would delete it. So nothing that is not in here is asked.
var collections = map[string]collectionKind{
	"/accesskeys":             listOnly,
	"/accounts":               byUUID,
	"/accounts/quotas":        listOnly,
	"/backup-storage":         byUUID,
	"/clusters":               byUUID,
	"/disk-offerings":         byUUID,
	"/global-configurations":  keyless,
	"/hosts":                  byUUID,
	"/images":                 byUUID,
	"/instance-offerings":     byUUID,
	"/l2-networks":            byUUID,
	"/l3-networks":            byUUID,
	"/l3-networks/ip-address": byUUID,
	"/l3-networks/ip-ranges":  byUUID,
	"/primary-storage":        listOnly,
	"/ssh-key-pair":           byUUID,
	"/system-tags":            byUUID,
	"/tags":                   listOnly,
	"/user-tags":              byUUID,
	"/vm-instances":           byUUID,
	"/vm-instances/nics":      byUUID,
	"/volume-snapshots":       byUUID,
	"/volume-snapshots/group": byUUID,
	"/volumes":                byUUID,
	"/zones":                  byUUID,
}

// permit keeps a read-only client from sending what may change something.
func (c *Client) permit(r *request) error {
	if !c.readOnly || r.harmless || r.method == http.MethodGet && isQueryPath(r.path) {
		return nil
	}
	return &NotSentError{r.operation, errReadOnly}
}

func isQueryPath(path string) bool {
	if _, ok := collections[path]; ok {
		return true
	}
	at := strings.LastIndexByte(path, '/')
	if at < 0 || !isUUID(path[at+1:]) {
		return false
	}
	kind, ok := collections[path[:at]]
	return ok && kind == byUUID
}

// isUUID reports whether a text is a UUID as the server writes it: 32 lower-case
// hexadecimal digits.
func isUUID(text string) bool {
	return len(text) == 32 && strings.Trim(text, "0123456789abcdef") == ""
}
