package planner

import (
	"encoding/hex"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/scrypt"

	"zfleet/spec"
)

// digestVersion stands in every digest tag. A machine with digests of another
// version is one about which nothing is known: never a difference.
const digestVersion = "d1"

// digestTag returns the tag that remembers the value of a field which cannot
// be read back from the server.
func (s Scope) digestTag(field, digest string) string {
	return s.TagPrefix() + digestVersion + "::" + field + "::" + digest
}

// plainDigest is 32 hex digits of SHA-256 over a value.
func plainDigest(value string) string { return hashHex(value)[:32] }

// valueDigest is the plain digest of a value in JSON. Its types are ours and
// can always be encoded.
func valueDigest(value any) string {
	text, _ := json.Marshal(value)
	return plainDigest(string(text))
}

// secretDigest is scrypt, salted with the scope, so that a digest that others
// can read tells nothing about a secret that can be guessed. 32 hex digits.
func secretDigest(scope Scope, value string) string {
	const n, r, p, size = 1 << 15, 8, 1, 16
	key, err := scrypt.Key([]byte(value), []byte(TagNamespace+scope.String()), n, r, p, size)
	if err != nil {
		return "" // only for parameters that are out of range
	}
	return hex.EncodeToString(key)
}

// secretDigests holds the digests of secrets by value.
type secretDigests map[string]string

// newSecretDigests computes the digest of each distinct value once, on all
// processors: scrypt is slow on purpose.
func newSecretDigests(scope Scope, values []string) secretDigests {
	digests := make(secretDigests)
	for _, value := range values {
		digests[value] = ""
	}
	work := make(chan string)
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(digests)) {
		workers.Go(func() {
			for value := range work {
				digest := secretDigest(scope, value)
				mu.Lock()
				digests[value] = digest
				mu.Unlock()
			}
		})
	}
	for _, value := range uniqueSorted(values) {
		work <- value
	}
	close(work)
	workers.Wait()
	return digests
}

// secretValues lists the values of a fleet that are digested as secrets.
func secretValues(fleet *spec.Fleet) []string {
	var values []string
	for i := range fleet.Machines {
		m := &fleet.Machines[i]
		for _, text := range []*spec.Text{m.UserData, m.ConsolePassword} {
			if text != nil {
				values = append(values, text.Value)
			}
		}
		if joined, secret := joinTags(m.SystemTags); secret {
			values = append(values, joined)
		}
		for _, text := range m.SystemTags {
			if text.Secret {
				values = append(values, text.Value)
			}
		}
	}
	return values
}

// joinTags returns the tags as one text to be digested, and whether it holds a secret.
func joinTags(tags []spec.Text) (joined string, secret bool) {
	values := make([]string, 0, len(tags))
	for _, tag := range tags {
		values = append(values, tag.Value)
		secret = secret || tag.Secret
	}
	return strings.Join(values, "\n"), secret
}

// recorded holds what the tags of a VM say in zfleet's name.
type recorded struct {
	digests map[string][]Tag // by field; two mean an unfinished update
	unset   map[string]bool  // fields that the machine was created without
	places  []Tag
	restart []Tag          // of updates that were cut off or are at work, by their text
	other   map[string]Tag // by the text after the prefix: protect, released, …
}

// readTags takes the fleet's own tags of a VM apart.
func (s Scope) readTags(tags []Tag) recorded {
	r := recorded{digests: make(map[string][]Tag), unset: make(map[string]bool), other: make(map[string]Tag)}
	for _, tag := range tags {
		rest, ok := strings.CutPrefix(tag.Text, s.TagPrefix())
		if !ok {
			continue
		}
		switch kind, value, _ := strings.Cut(rest, "::"); kind {
		case digestVersion:
			field, digest, _ := strings.Cut(value, "::")
			if field != unset {
				r.digests[field] = append(r.digests[field], tag)
				break
			}
			for name := range strings.SplitSeq(digest, "-") {
				r.unset[name] = true
			}
		case "place":
			r.places = append(r.places, tag)
		case restartTag:
			r.restart = append(r.restart, tag)
		default:
			r.other[rest] = tag
		}
	}
	slices.SortFunc(r.restart, func(a, b Tag) int { return strings.Compare(a.Text, b.Text) })
	return r
}

// has reports whether a tag such as "protect" is there.
func (r recorded) has(text string) bool {
	_, ok := r.other[text]
	return ok
}

// digest returns the digest of a field; two in progress give neither.
func (r recorded) digest(field string) (digest string, known bool) {
	tags := r.digests[field]
	if len(tags) == 0 {
		return unset, r.unset[field]
	}
	if len(tags) > 1 {
		return "", true
	}
	return tags[0].Text[strings.LastIndex(tags[0].Text, "::")+2:], true
}

// sourceKind returns what the machine was made from as its tags remember it, or "".
func (r recorded) sourceKind() spec.SourceKind {
	for _, kind := range []spec.SourceKind{spec.FromImage, spec.FromVolume, spec.FromSnapshot} {
		if len(r.digests["source."+string(kind)]) > 0 {
			return kind
		}
	}
	return ""
}
