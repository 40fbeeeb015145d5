package render

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// section is a part of a Markdown document that may be shortened: blocks
// between an opening and a close. Each block can stand or fall alone.
type section struct {
	noun        string // of what its blocks count, as a person says it after "3 of 40 "
	weighty     bool   // comes before all that is not, should room be short
	open, close string
	blocks      []block
}

// block is text that is shown whole or not at all.
type block struct {
	text  string
	count int // of the section's noun
}

func (s section) size() int {
	n := len(s.open) + len(s.close)
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
// is negative. What does not fit is left out block by block, and said in a note. tail is what the note ends with, and stands alone
// if nothing is left out.
func fit(sections []section, room int, limit string, tail string) string {
	size := len(tail)
	for _, s := range sections {
		size += s.size()
	}
	var text strings.Builder
	if room < 0 || size <= room {
		for _, s := range sections {
			text.WriteString(s.whole())
		}
		return text.String() + tail
	}
	missing := make([]int, len(sections))
	for i, s := range sections {
		missing[i] = s.total()
	}
	room -= len(leftOut(sections, missing, limit)) + len(tail) // the longest that it can get
	shown := choose(sections, room)
	for i, s := range shown {
		missing[i] -= s.total()
		text.WriteString(s.whole())
	}
	return text.String() + leftOut(sections, missing, limit) + tail
}

// choose returns the sections with the blocks that fit: weighty sections first,
// then one block of each other, so that a long one does not hide that there are
// more, and then the rest in order. A block that is too long does not keep out shorter ones
// after it.
func choose(sections []section, room int) []section {
	chosen := make([]section, len(sections))
	taken := make([][]bool, len(sections))
	take := func(i, most int) {
		s := &sections[i]
		for j, b := range s.blocks {
			frame := 0
			if chosen[i].open == "" {
				frame = len(s.open) + len(s.close)
			}
			if taken[i][j] || most == 0 || frame+len(b.text) > room {
				continue
			}
			room -= frame + len(b.text)
			most--
			taken[i][j] = true
			chosen[i].open, chosen[i].close = s.open, s.close
		}
	}
	for i := range sections {
		taken[i] = make([]bool, len(sections[i].blocks))
		if sections[i].weighty {
			take(i, -1)
		}
	}
	for i := range sections {
		if !sections[i].weighty {
			take(i, 1)
		}
	}
	for i := range sections {
		take(i, -1)
		for j, b := range sections[i].blocks {
			if taken[i][j] {
				chosen[i].blocks = append(chosen[i].blocks, b)
			}
		}
	}
	return chosen
}

func (s section) whole() string {
	var text strings.Builder
	text.WriteString(s.open)
	for _, b := range s.blocks {
		text.WriteString(b.text)
	}
	text.WriteString(s.close)
	return text.String()
}

// leftOut says what is missing of each section.
func leftOut(sections []section, missing []int, limit string) string {
	var parts []string
	for i, s := range sections {
		if missing[i] > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d %s", missing[i], s.total(), s.noun))
		}
	}
	return fmt.Sprintf("\n**Left out to stay within %s:** %s.\n", limit, strings.Join(parts, ", "))
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
