package spec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is the version of a server, as numbers that are compared one by one:
// 5.2.1 is lower than 5.10.0. The zero Version is lower than every other.
type Version []int

// ParseVersion reads a version such as 4.7.21. What follows the numbers, as in
// 5.2.1-rc1, is left out. It reports false where there are not at least two
// numbers.
func ParseVersion(text string) (Version, bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "v")
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		if !strings.ContainsRune("-+_ ~", rune(text[end])) {
			return nil, false
		}
		text = text[:end]
	}
	var v Version
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		v = append(v, n)
	}
	return v, len(v) >= 2
}

// Compare is negative where v is lower than other, and positive where it is
// higher. Missing numbers are zero: 4.7 is 4.7.0.
func (v Version) Compare(other Version) int {
	n := max(len(v), len(other))
	pad := func(v Version) Version { return append(slices.Clone(v), make(Version, n-len(v))...) }
	return slices.Compare(pad(v), pad(other))
}

// String returns the numbers with dots between them.
func (v Version) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(v)), " ", "."), "[]")
}
