package render

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ranges writes a list shortly: runs that count up by one become
// "first … last", everything else stands as it is. Nothing is left out that a
// reader could not put back.
func ranges(texts []string) string { return joinSpans(spansOf(texts)) }

// span is a text, or a run of texts that count up, and how many they are.
type span struct {
	text  string
	count int
}

func spansOf(texts []string) []span {
	var spans []span
	for start := 0; start < len(texts); {
		end := start + 1
		for end < len(texts) && follows(texts[end-1], texts[end]) {
			end++
		}
		if run := texts[start:end]; len(run) > 2 {
			spans = append(spans, span{run[0] + " … " + run[len(run)-1], len(run)})
		} else {
			for _, text := range run {
				spans = append(spans, span{text, 1})
			}
		}
		start = end
	}
	return spans
}

func joinSpans(spans []span) string {
	texts := make([]string, len(spans))
	for i, s := range spans {
		texts[i] = s.text
	}
	return strings.Join(texts, ", ")
}

// follows reports whether b is the text after a: the next IP address, or the
// same text around one decimal number that is greater by one, with the same
// padding.
func follows(a, b string) bool {
	if from, err := netip.ParseAddr(a); err == nil {
		to, err := netip.ParseAddr(b)
		return err == nil && from.Next() == to
	}
	for i := range a {
		if !digit(a[i]) || i > 0 && digit(a[i-1]) {
			continue
		}
		end := i
		for end < len(a) && digit(a[end]) {
			end++
		}
		n, err := strconv.ParseUint(a[i:end], 10, 63)
		if err != nil {
			continue
		}
		next := strconv.FormatUint(n+1, 10)
		if a[i] == '0' {
			next = fmt.Sprintf("%0*d", end-i, n+1)
		}
		if a[:i]+next+a[end:] == b {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
