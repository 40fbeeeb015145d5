package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zfleet/spec"
)

// Preflight says what machines that are to be created need of the cloud, and
// what there is.
type Preflight struct {
	Checks []Check `json:"checks,omitempty"`
	// Unchecked names what could not be held against anything, and why.
	Unchecked []string `json:"unchecked,omitempty"`
	// Digest is the SHA-256 (64 hex) over the rest, the warnings that come of it and
	// the plan's digest, which itself leaves these out.
	Digest string `json:"digest"`
}

// The codes of what a preflight finds.
const (
	codeNoAddresses = "no-addresses"
	codeNoRoom      = "no-room"
	codeNoHost      = "no-host"
	codeNoStorage   = "no-storage"
	codeOverQuota   = "over-quota"
)

// Resource is a kind of thing of which there is only so much.
type Resource string

// The resources.
const (
	ResourceQuota     Resource = "quota"
	ResourceCPU       Resource = "cpu"
	ResourceMemory    Resource = "memory"
	ResourceStorage   Resource = "storage"
	ResourceAddresses Resource = "addresses"
	ResourceHosts     Resource = "hosts" // on which one machine of a kind could be made
)

// Check is what machines need of one resource and what there is of it. Memory,
// storage and quotas of both count bytes, where Bytes says so.
type Check struct {
	Resource  Resource `json:"resource"`
	Of        string   `json:"of"`             // the quota, place, storage or network by name; of hosts the machines
	UUID      string   `json:"uuid,omitempty"` // of the place, storage or network, if it is one
	Bytes     bool     `json:"bytes,omitempty"`
	Needed    int64    `json:"needed"`
	Available int64    `json:"available"`
	// Freed is what the plan's own replacements and deletions give back.
	Freed int64 `json:"freed,omitempty"`
	// Short is how many machines would not fit, First the first of them.
	Short int      `json:"short,omitempty"`
	First []string `json:"first,omitempty"`
}

// maxFirst is how many of the machines that would not fit a check names.
const maxFirst = 5

// preflight holds the machines that are to be created against a headroom.
type preflight struct {
	*builder
	room     *Headroom
	changes  []Change
	going    []*Observed // VMs that the plan deletes, replaced ones apart
	out      Preflight
	refusals []Refusal
}

// preflight does all checks. Findings go to the resolver; what makes the plan
// impossible becomes a refusal.
func (b *builder) preflight(changes []Change, room *Headroom) preflight {
	p := preflight{builder: b, room: room, changes: changes}
	if len(b.created) == 0 {
		return p
	}
	for i := range changes {
		if c := &changes[i]; c.Action == Delete && c.UUID != "" && b.owned.byUUID[c.UUID] != nil {
			p.going = append(p.going, b.owned.byUUID[c.UUID])
		}
	}
	p.checkAddresses()
	p.checkImages()
	p.checkReach()
	p.checkQuotas()
	p.checkPlaces()
	p.checkStorages()
	p.checkHosts()
	for _, unread := range room.Unread {
		p.out.Unchecked = append(p.out.Unchecked, unread.What+": "+unread.Why)
	}
	slices.Sort(p.out.Unchecked)
	return p
}

// said reports whether it is said already that something could not be read.
func (p *preflight) said(what string) bool {
	return slices.ContainsFunc(p.room.Unread, func(u Unread) bool { return u.What == what || u.What == everything })
}

// everything is unread of an inventory file that was taken without a headroom.
const everything = "what there is"

// result is what of the checks stands in the plan.
func (p *preflight) result() *Preflight {
	if len(p.out.Checks)+len(p.out.Unchecked) == 0 {
		return nil
	}
	return &p.out
}

// replaced returns the VM that goes before a machine is created, or nil.
func (p *preflight) replaced(w *draft) *Observed {
	if own := p.owned.of(w.m.Key).live; own != nil {
		return own.Observed
	}
	return nil
}

// entry returns the catalog's entry of a UUID, or an empty one.
func (p *preflight) entry(kind Kind, uuid string) Entry {
	at := slices.IndexFunc(p.inv.Catalog[kind], func(e Entry) bool { return e.UUID == uuid })
	if at < 0 {
		return Entry{}
	}
	return p.inv.Catalog[kind][at]
}

// ledger is one resource, what machines take of it, and what the plan gives back.
type ledger struct {
	check   Check // its counts are filled in
	entries []ledgerEntry
	chained int64 // given back by the VMs of replaced machines, each before its new one comes
	loose   int64 // given back by deletions, at some time
	pos     func(*draft) spec.Pos
	subject string // of messages
	hint    string
	code    string
	hard    bool // what does not fit cannot succeed
	quiet   bool // a check without findings: another says the same
}

// ledgerEntry is what a machine takes. The server may ask for less than that to
// be there when it begins.
type ledgerEntry struct {
	w           *draft
	asked, take int64
}

func (l *ledger) add(w *draft, asked, take int64) {
	if asked > 0 || take > 0 {
		l.entries = append(l.entries, ledgerEntry{w, asked, take})
	}
}

// short returns the machines that do not fit into an amount, one after the other.
func (l *ledger) short(amount int64) []*draft {
	var short []*draft
	for _, e := range l.entries {
		if e.asked > amount {
			short = append(short, e.w)
			continue
		}
		amount -= e.take
	}
	return short
}

// settle compares a ledger, and enters the check and what follows of it.
func (p *preflight) settle(l ledger) {
	most := int64(0) // what one alone needs for a moment
	for _, e := range l.entries {
		l.check.Needed, most = l.check.Needed+e.take, max(most, e.asked)
	}
	l.check.Needed = max(l.check.Needed, most)
	l.check.Available = max(0, l.check.Available)
	l.check.Freed = l.chained + l.loose
	now, later := l.short(l.check.Available+l.chained), l.short(l.check.Available+l.chained+l.loose)
	l.check.Short = len(later)
	for _, w := range later[:min(len(later), maxFirst)] {
		l.check.First = append(l.check.First, w.m.Key)
	}
	p.out.Checks = append(p.out.Checks, l.check)
	switch {
	case len(now) == 0 || l.quiet:
	case len(later) == 0:
		p.names.report(spec.Diagnostic{Severity: spec.Warning, Pos: l.pos(now[0]), Code: l.code,
			Message: fmt.Sprintf("%s: %s; %s may not fit before the deletions of this plan are done", l.subject, l.numbers(), keyRanges(keysOf(now))),
			Hint:    "a machine that fails for that reason succeeds when you apply again"})
	default:
		p.refuse(l.hard, l.pos(later[0]), l.code, l.hint, fmt.Sprintf("%s: %s; %s would not fit", l.subject, l.numbers(), keyRanges(keysOf(later))))
	}
}

// numbers says what is needed and what there is.
func (l *ledger) numbers() string {
	c := l.check
	text := fmt.Sprintf("%s needed, %s available", c.Amount(c.Needed), c.Amount(c.Available))
	if c.Freed > 0 {
		text += fmt.Sprintf(" and %s freed by this plan", c.Amount(c.Freed))
	}
	return text
}

// Amount says an amount of the check's resource.
func (c Check) Amount(n int64) string {
	if c.Bytes {
		return formatBytes(n)
	}
	return strconv.FormatInt(n, 10)
}

// refuse enters something for which there is no room: as a refusal if it cannot
// succeed, unless the operator knows better; as a warning if it may.
func (p *preflight) refuse(hard bool, pos spec.Pos, code, hint, message string) {
	if hard && !p.opts.AllowShortage {
		refusal := Refusal{Code: code, Message: message, Pos: pos, Hint: hint + "; --allow-shortage goes on all the same"}
		if !slices.Contains(p.refusals, refusal) {
			p.refusals = append(p.refusals, refusal)
		}
		return
	}
	p.names.report(spec.Diagnostic{Severity: spec.Warning, Pos: pos, Code: code, Message: message, Hint: hint})
}

func keysOf(drafts []*draft) []string {
	var keys []string
	for _, w := range drafts {
		keys = append(keys, w.m.Key)
	}
	return keys
}

// maxRanges bounds how many runs of machines a message names.
const maxRanges = 4

// keyRanges names machines in a few words: "web/9 … web/12, db/1 and 7 more".
func keyRanges(keys []string) string {
	var parts []string
	left := 0
	for i := 0; i < len(keys); {
		end := i
		for end+1 < len(keys) && follows(keys[end], keys[end+1]) {
			end++
		}
		if end-i == 1 {
			end = i // two are no run
		}
		switch {
		case len(parts) == maxRanges:
			left += end - i + 1
		case end == i:
			parts = append(parts, keys[i])
		default:
			parts = append(parts, keys[i]+" … "+keys[end])
		}
		i = end + 1
	}
	text := strings.Join(parts, ", ")
	if left > 0 {
		text += fmt.Sprintf(" and %d more", left)
	}
	return text
}

// follows reports whether a key has the number after another's.
func follows(a, b string) bool {
	groupA, instanceA, _ := strings.Cut(a, "/")
	groupB, instanceB, _ := strings.Cut(b, "/")
	numberA, errA := strconv.Atoi(instanceA)
	numberB, errB := strconv.Atoi(instanceB)
	return groupA == groupB && cmp.Or(errA, errB) == nil && numberB == numberA+1
}

// formatBytes says an amount in the largest unit that it fills, to four digits.
func formatBytes(bytes int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	amount, unit := float64(bytes), 0
	for amount >= 1024 && unit < len(units)-1 {
		amount, unit = amount/1024, unit+1
	}
	return fmt.Sprintf("%.4g %s", amount, units[unit])
}
