package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// bytesText writes a number of bytes exactly, in the largest binary unit that
// can with at most one decimal.
func bytesText(n int64) string {
	size := int64(1) << 40
	for _, unit := range [...]string{"TiB", "GiB", "MiB", "KiB"} {
		switch {
		case n < size:
		case n%size == 0:
			return fmt.Sprintf("%d %s", n/size, unit)
		case n%size*10%size == 0:
			return fmt.Sprintf("%d.%d %s", n/size, n%size*10/size, unit)
		}
		size >>= 10
	}
	return plural(int(n), "byte")
}

// plural writes a count and its noun: "1 machine", "2 machines".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// durationText writes seconds as people say them: "3.4s", "1m40s", "2h05m".
func durationText(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if tenths := d.Round(time.Second / 10); tenths < 10*time.Second {
		return fmt.Sprintf("%.1fs", tenths.Seconds())
	}
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// timeText writes an instant in UTC.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// groupOf returns the group of a machine key: the part before the slash.
func groupOf(key string) string {
	group, _, _ := strings.Cut(key, "/")
	return group
}

// cutMiddle shortens text to a number of columns by taking out its middle, the
// part that tells least.
func cutMiddle(text string, columns int) string {
	if runewidth.StringWidth(text) <= columns {
		return text
	}
	keep := columns - 1
	head := runewidth.Truncate(text, keep-keep/2, "")
	tail := runewidth.TruncateLeft(text, runewidth.StringWidth(text)-keep/2, "")
	return head + "…" + tail
}

// cutPair shortens two values to a number of columns each, and moves the cut
// where the values are equal: a reader must see in what they differ.
func cutPair(before, after string, columns int) (string, string) {
	b, a := cutMiddle(before, columns), cutMiddle(after, columns)
	if b != a || before == after {
		return b, a
	}
	same := commonPrefix(before, after)
	lead := runewidth.StringWidth(before[:same]) - columns/4
	return cutEnd("…"+runewidth.TruncateLeft(before, lead, ""), columns),
		cutEnd("…"+runewidth.TruncateLeft(after, lead, ""), columns)
}

func cutEnd(text string, columns int) string { return runewidth.Truncate(text, columns, "…") }

// commonPrefix returns the length in bytes of what two texts begin with alike,
// ending between runes.
func commonPrefix(a, b string) int {
	for i, r := range a {
		if !strings.HasPrefix(b[i:], string(r)) {
			return i
		}
	}
	return len(a)
}
