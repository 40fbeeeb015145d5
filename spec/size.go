package spec

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// minSize is the smallest size that a bare number may mean. Anything below is
// more likely a number of gigabytes than of bytes.
const minSize = 1 << 20

var (
	sizePattern      = regexp.MustCompile(`^([1-9][0-9]*)(KiB|MiB|GiB|TiB)$`)
	looseSizePattern = regexp.MustCompile(`(?i)^([0-9]+(?:\.[0-9]+)?) *([kmgt])(i?)b?$`)
	sizeShifts       = map[string]uint{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}
)

// parseSize reads a size in bytes: "50GiB", or a whole number of bytes of at
// least 1 MiB.
func parseSize(n *node) (int64, *Diagnostic) {
	if n.kind == intNode {
		return parseByteCount(n)
	}
	if n.kind != stringNode {
		return 0, badSize(n, fmt.Sprintf("want a size, got %s", n.kind), "write a size such as 50GiB")
	}
	match := sizePattern.FindStringSubmatch(n.text)
	if match == nil {
		return 0, badSize(n, fmt.Sprintf("%s is not a size", n.quoted()), sizeHint(n))
	}
	shift := sizeShifts[match[2]]
	count, err := strconv.ParseInt(match[1], 10, 64)
	if err != nil || count > math.MaxInt64>>shift {
		return 0, badSize(n, fmt.Sprintf("%s is too large a size", n.quoted()), "sizes end below 8388608TiB")
	}
	return count << shift, nil
}

// parseByteCount reads a size written as a bare number.
func parseByteCount(n *node) (int64, *Diagnostic) {
	count, err := parseInt(n.text)
	switch {
	case err != nil:
		return 0, badSize(n, fmt.Sprintf("%s is too large a size", n.quoted()), "sizes end below 8388608TiB")
	case count < minSize:
		hint := "a bare number counts bytes and is at least 1048576 (1MiB)"
		if count > 0 && !n.secret {
			hint += fmt.Sprintf("; write %dGiB or %dMiB with its unit", count, count)
		}
		return 0, badSize(n, fmt.Sprintf("%s bytes is too small a size", n.quoted()), hint)
	}
	return count, nil
}

// sizeHint says how to write what was probably meant.
func sizeHint(n *node) string {
	match := looseSizePattern.FindStringSubmatch(n.text)
	if match == nil || n.secret {
		return "write a whole number and KiB, MiB, GiB or TiB, such as 50GiB"
	}
	digits, letter := match[1], strings.ToUpper(match[2])
	if strings.Contains(digits, ".") {
		return "write a whole number in a smaller unit, such as 1536MiB for 1.5GiB"
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "a size is at least 1KiB"
	}
	binary := digits + letter + "iB"
	if match[3] != "" {
		return "write " + binary
	}
	power := strings.Index("KMGT", letter) + 1
	return fmt.Sprintf("write %s for %s × 1024%s bytes, or %s%s for %s × 1000%s bytes",
		binary, digits, superscript(power), digits, strings.Repeat("000", power), digits, superscript(power))
}

// superscript writes the powers that size units have.
func superscript(power int) string {
	return [...]string{"", "", "²", "³", "⁴"}[power]
}

// badSize is the diagnostic of a value that is no size.
func badSize(n *node, message, hint string) *Diagnostic {
	return &Diagnostic{Pos: n.pos, Code: "bad-size", Message: message, Hint: hint}
}
