package planner

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Scope names a fleet for ever: every UUID and every tag of its machines is
// made from it.
type Scope struct {
	Name string `json:"name"`
	ID   string `json:"id"` // the fleet file's id, or the account's UUID where it has none
}

// String returns "<name>-<id>", which is how tags write a scope. An id holds no
// hyphen, so the text can be taken apart again.
func (s Scope) String() string { return s.Name + "-" + s.ID }

// MaxGeneration is the last generation that a UUID has room for.
const MaxGeneration = 0xffff

// hashHex is SHA-256 over parts, each preceded by its length as 8 bytes, big
// endian, so that ("ab", "c") and ("a", "bc") differ. It returns 64 hex digits.
func hashHex(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// UUIDPrefix returns the 12 hex digits that the computed UUID of every machine
// of the fleet begins with.
func (s Scope) UUIDPrefix() string { return hashHex(s.Name, s.ID)[:12] }

// MachineUUID returns the UUID of a generation of a machine: 12 digits of
// H(scope), "5", 3 of H(scope, key), one of 89ab, 11 more of H(scope, key), and
// 4 of the generation. The server accepts it as a version-5 UUID.
// The generation must be in 0..MaxGeneration.
func (s Scope) MachineUUID(key string, generation int) string {
	ofKey := hashHex(s.Name, s.ID, key)
	nibble, _ := strconv.ParseUint(ofKey[3:4], 16, 8)
	return s.UUIDPrefix() + "5" + ofKey[:3] + "89ab"[nibble%4:nibble%4+1] + ofKey[4:15] +
		fmt.Sprintf("%04x", generation)
}

// Generation returns the generation that a UUID has as the machine with the
// given key, and false if the UUID is not one of that machine's.
func (s Scope) Generation(key, uuid string) (int, bool) {
	if len(uuid) != 32 {
		return 0, false
	}
	generation, err := strconv.ParseUint(uuid[28:], 16, 32)
	if err != nil || s.MachineUUID(key, int(generation)) != uuid {
		return 0, false
	}
	return int(generation), true
}

// Made returns the generation that is in a computed UUID of the fleet, whatever
// the key, and false if the UUID is none.
func (s Scope) Made(uuid string) (int, bool) {
	if len(uuid) != 32 || !strings.HasPrefix(uuid, s.UUIDPrefix()+"5") || !strings.Contains("89ab", uuid[16:17]) {
		return 0, false
	}
	generation, err := strconv.ParseUint(uuid[28:], 16, 32)
	return int(generation), err == nil
}

// TagPrefix returns the text that every tag of the fleet begins with.
func (s Scope) TagPrefix() string { return TagNamespace + s.String() + "::" }

// TagNamespace begins every tag that zfleet sets, whatever the fleet.
const TagNamespace = "zfleet::"

// KeyTag returns the tag that says which machine of the fleet a VM is.
func (s Scope) KeyTag(key string) string { return s.TagPrefix() + "key::" + key }

// RunTag returns the tag of a machine that says which run made it, and on which
// computer. Nothing is decided by it: it only names who was at work. Characters
// at which queries split, and those of the tag's own form, become hyphens.
func (s Scope) RunTag(run, host string) string {
	return s.TagPrefix() + runTag + wordOf(run) + "@" + wordOf(host)
}

// ParseRunTag takes a run tag of the fleet apart.
func (s Scope) ParseRunTag(tag string) (run, host string, ok bool) {
	rest, ok := strings.CutPrefix(tag, s.TagPrefix()+runTag)
	if !ok {
		return "", "", false
	}
	run, host, ok = strings.Cut(rest, "@")
	return run, host, ok && run != ""
}

// runTag begins the text of a run tag after the fleet's prefix.
const runTag = "run::"

// RestartTag returns the tag of a machine that an update stops and will start
// again.
func (s Scope) RestartTag() string { return s.TagPrefix() + restartTag }

// RestartTagOf returns the tag by which one run says the same for itself, and
// under which job UUID its stop leaves. Two runs may update one machine at the
// same time: each takes away its own, so that the end of one does not hide what
// the other has begun.
func (s Scope) RestartTagOf(run, host, job string) string {
	return s.RestartTag() + "::" + wordOf(run) + "@" + wordOf(host) + "::" + job
}

// JobOfRestart returns the job UUID in the restart tag of a run, or "".
func (s Scope) JobOfRestart(tag string) string {
	if rest, ok := strings.CutPrefix(tag, s.RestartTag()+"::"); ok {
		if _, job, _ := strings.Cut(rest, "::"); len(job) == 32 && strings.Trim(job, "0123456789abcdef") == "" {
			return job
		}
	}
	return ""
}

// IsRestartTag reports whether a tag is the fleet's restart tag, or that of a
// run.
func (s Scope) IsRestartTag(tag string) bool {
	rest, ok := strings.CutPrefix(tag, s.RestartTag())
	return ok && (rest == "" || strings.HasPrefix(rest, "::"))
}

// maxWord bounds a word that others chose and a tag holds.
const maxWord = 80

// wordOf keeps of a text what may stand in a tag.
func wordOf(text string) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, text)
	return cmp.Or(word[:min(len(word), maxWord)], "unknown")
}

// ScopeOfTag returns the scope of a tag that zfleet set, whatever the fleet.
func ScopeOfTag(tag string) (Scope, bool) {
	rest, ours := strings.CutPrefix(tag, TagNamespace)
	text, _, more := strings.Cut(rest, "::")
	cut := strings.LastIndex(text, "-")
	if !ours || !more || cut < 1 || cut == len(text)-1 {
		return Scope{}, false
	}
	return Scope{Name: text[:cut], ID: text[cut+1:]}, true
}

// DiskTag returns the tag of a data disk that came with a machine's generation.
func (s Scope) DiskTag(key string, generation int) string {
	return s.TagPrefix() + "disk::" + key + "::" + strconv.Itoa(generation)
}

// ParseDiskTag takes a disk tag of the fleet apart.
func (s Scope) ParseDiskTag(tag string) (key string, generation int, ok bool) {
	rest, ok := strings.CutPrefix(tag, s.TagPrefix()+"disk::")
	if !ok {
		return "", 0, false
	}
	cut := strings.LastIndex(rest, "::")
	if cut < 0 {
		return "", 0, false
	}
	generation, err := strconv.Atoi(rest[cut+2:])
	return rest[:cut], generation, err == nil && generation >= 0
}
