package render

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"zfleet/planner"
)

// section is a part of a Markdown document that may be shortened: blocks
// between an opening and a close. Each block can stand or fall alone.
type section struct {
	noun        string // of what its blocks count, as a person says it after "3 of 40 "
	tier        tier
	title       string // stands even where no block does
	open, close string
	blocks      []block
	brief       *section // the same in fewer bytes, if there is such a form
}

// tier ranks sections by how much a reader would miss them.
type tier int

const (
	vital tier = iota // what stands in the way, and what is destroyed
	heavy             // what is interrupted
	minor             // all the rest
)

// block is text that is shown whole or not at all.
type block struct {
	text  string
	count int // of the section's noun
	// keys are the machines that it is about, and disks their data disks that go:
	// what is said of blocks that are not shown.
	keys  []string
	disks []planner.DiskFate
}

func (s section) size() int {
	n := len(s.title) + len(s.open) + len(s.close)
	for _, b := range s.blocks {
		n += len(b.text)
	}
	return n
}

func (s section) total() int {
	n := 0
	for _, b := range s.blocks {
		n += b.count
	}
	return n
}

// fit writes sections in their order into at most room bytes; no limit if room
// is negative. First sections that can are made brief, from the end; then
// blocks are left out, and the machines that they are about only named. limit
// says in the note about it what could not be exceeded; tail follows.
func fit(sections []section, room int, limit string, tail string) string {
	var text strings.Builder
	whole := func() int {
		size := len(tail)
		for _, s := range sections {
			size += s.size()
		}
		return size
	}
	if room < 0 || whole() <= room {
		for _, s := range sections {
			text.WriteString(s.text(""))
		}
		return text.String() + tail
	}
	shortened := make([]bool, len(sections))
	note := func(shown []shownSection) string { return leftOut(sections, shown, shortened, limit) }
	for i := len(sections) - 1; i >= 0 && whole()+len(note(nil)) > room; i-- {
		if brief := sections[i].brief; brief != nil {
			sections[i], shortened[i] = *brief, true
		}
	}
	shown := choose(sections, room-len(tail)-len(note(nil))) // the longest note that can be
	for i, s := range sections {
		if shown[i].visible() {
			s.blocks = shown[i].blocks
			text.WriteString(s.text(shown[i].names))
		}
	}
	return text.String() + note(shown) + tail
}

// text writes the section; names are of what is not in its blocks.
func (s section) text(names string) string {
	var text strings.Builder
	text.WriteString(s.title)
	if len(s.blocks) > 0 {
		text.WriteString(s.open)
	}
	for _, b := range s.blocks {
		text.WriteString(b.text)
	}
	text.WriteString(names + s.close)
	return text.String()
}

// shownSection is what of a section has room.
type shownSection struct {
	blocks []block
	names  string // what is said of the others
}

func (s shownSection) visible() bool { return len(s.blocks) > 0 || s.names != "" }

// choose returns the blocks of each section that fit into room bytes. Tiers come
// one after the other; in a tier the sections take a block each in turn, so that
// a long one does not hide that there are more. A block that is too long does
// not keep out shorter ones after it. The machines of the blocks that are left
// out are named as far as there is room for that.
func choose(sections []section, room int) []shownSection {
	rations := make([]*ration, len(sections))
	for i, s := range sections {
		rations[i] = &ration{section: s, taken: make([]bool, len(s.blocks))}
		room -= rations[i].keepNames(room)
	}
	for t := vital; t <= minor; t++ {
		for more := true; more; {
			more = false
			for _, r := range rations {
				if r.tier == t && r.next < len(r.blocks) {
					room -= r.turn(room)
					more = true
				}
			}
		}
	}
	shown := make([]shownSection, len(sections))
	for i, r := range rations {
		shown[i] = r.shown()
	}
	return shown
}

// ration is a section while it is decided what of it has room.
type ration struct {
	section
	taken []bool // which blocks are in
	next  int    // the block whose turn it is
	begun bool   // the title and the close are in
	named int    // bytes kept for the names of what is left out
}

// keepNames keeps room for the names of what is left out, if there is much, and
// returns how much.
func (r *ration) keepNames(room int) int {
	most := min(restBytes(r.tier), room/5)
	if most < minRest || len(r.title)+len(r.close)+most > room/2 || !hasKeys(r.section) {
		return 0
	}
	r.begun, r.named = true, min(most, restBound(r.blocks))
	return len(r.title) + len(r.close) + r.named
}

// turn takes the next block if it fits into room, and returns what that costs:
// less than nothing where less room need be kept for names now.
func (r *ration) turn(room int) int {
	cost := len(r.blocks[r.next].text)
	if !r.begun {
		cost += len(r.title) + len(r.close)
	}
	if !slices.Contains(r.taken, true) {
		cost += len(r.open)
	}
	if cost <= room {
		r.taken[r.next], r.begun = true, true
	} else {
		cost = 0
	}
	r.next++
	named := r.named
	if r.named = 0; slices.Contains(r.taken, false) {
		r.named = min(named, restBound(r.missing()))
	}
	return cost - (named - r.named)
}

// missing are the blocks that are not in.
func (r *ration) missing() []block {
	var missing []block
	for i, b := range r.blocks {
		if !r.taken[i] {
			missing = append(missing, b)
		}
	}
	return missing
}

// shown returns the blocks that are in, and names the others.
func (r *ration) shown() shownSection {
	var s shownSection
	for i, b := range r.blocks {
		if r.taken[i] {
			s.blocks = append(s.blocks, b)
		}
	}
	if missing := r.missing(); len(missing) > 0 && r.named > 0 {
		s.names = rest(missing, r.named)
	}
	return s
}

func hasKeys(s section) bool { return len(s.blocks) > 0 && len(s.blocks[0].keys) > 0 }

// minRest is the least room in which names of machines are of any use.
const minRest = 200

// restBytes is how much may be said of what is left out.
func restBytes(t tier) int {
	switch t {
	case vital:
		return 12000
	case heavy:
		return 2000
	case minor:
	}
	return 1000
}

// restBound is more than any text about some of these blocks can have.
func restBound(blocks []block) int {
	n := minRest
	for _, b := range blocks {
		for _, key := range b.keys {
			n += len(key) + len(", ")
		}
	}
	return n
}

// rest names the machines of blocks that are left out, in at most size bytes.
func rest(missing []block, size int) string {
	machines := 0
	var keys []string
	var disks []planner.DiskFate
	for _, b := range missing {
		machines += b.count
		keys = append(keys, b.keys...)
		disks = append(disks, b.disks...)
	}
	lead := fmt.Sprintf("\nBy name only: %s", plural(machines, "machine"))
	if len(disks) > 0 {
		lead += fmt.Sprintf(", **%s**", diskTotal(disks))
	}
	// Entities in a cell take up to six bytes for one.
	for room := size - len(lead) - len(": \n") - len("``"); room > 0; room -= 1 + room/4 {
		if text := lead + ": " + mdCell(cutSpans(spansOf(keys), room)) + "\n"; len(text) <= size {
			return text
		}
	}
	return lead + "\n"
}

// leftOut says what is missing of each section, and what is brief; all of it is
// missing where nothing is shown.
func leftOut(sections []section, shown []shownSection, brief []bool, limit string) string {
	var missing, short []string
	for i, s := range sections {
		n := s.total()
		if shown != nil {
			for _, b := range shown[i].blocks {
				n -= b.count
			}
		}
		if n > 0 {
			missing = append(missing, fmt.Sprintf("%d of %d %s", n, s.total(), s.noun))
		}
		if brief[i] {
			short = append(short, s.noun)
		}
	}
	text := ""
	if len(short) > 0 {
		text += fmt.Sprintf("\n**In brief to stay within %s:** %s.\n", limit, strings.Join(short, ", "))
	}
	if len(missing) > 0 {
		text += fmt.Sprintf("\n**Left out to stay within %s:** %s.\n", limit, strings.Join(missing, ", "))
	}
	return text
}

// cutBytes shortens text to a number of bytes by taking out its middle, between
// runes. The number must be at least 3, the bytes of the mark of the cut.
func cutBytes(text string, size int) string {
	const mark = "…"
	if len(text) <= size {
		return text
	}
	keep := size - len(mark)
	head, tail := keep-keep/2, len(text)-keep/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return text[:head] + mark + text[tail:]
}

// cutSpans joins the first spans that fit into a number of bytes, at least one,
// and says how many texts follow.
func cutSpans(spans []span, size int) string {
	used := 0
	for i, s := range spans {
		if used += len(s.text) + len(", "); used <= size || i == 0 {
			continue
		}
		more := 0
		for _, s := range spans[i:] {
			more += s.count
		}
		return fmt.Sprintf("%s … and %d more", joinSpans(spans[:i]), more)
	}
	return joinSpans(spans)
}
