package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSize(t *testing.T) {
	tests := []struct {
		in   string
		want int64
		said string
	}{
		{in: "1KiB", want: 1 << 10},
		{in: "512MiB", want: 512 << 20},
		{in: "50GiB", want: 50 << 30},
		{in: "8388607TiB", want: 8388607 << 40},
		{in: "1048576", want: 1 << 20},
		{in: "0x100000", want: 1 << 20},
		{in: "8388608TiB", said: "f:1:4: \"8388608TiB\" is too large a size [bad-size]\n  hint: sizes end below 8388608TiB\n"},
		{in: "99999999999999999999KiB", said: "f:1:4: \"99999999999999999999KiB\" is too large a size [bad-size]\n  hint: sizes end below 8388608TiB\n"},
		{in: "9223372036854775808", said: "f:1:4: 9223372036854775808 is too large a size [bad-size]\n  hint: sizes end below 8388608TiB\n"},
		{in: "50G", said: "f:1:4: \"50G\" is not a size [bad-size]\n  hint: write 50GiB for 50 × 1024³ bytes, or 50000000000 for 50 × 1000³ bytes\n"},
		{in: "50gb", said: "f:1:4: \"50gb\" is not a size [bad-size]\n  hint: write 50GiB for 50 × 1024³ bytes, or 50000000000 for 50 × 1000³ bytes\n"},
		{in: "2 TB", said: "f:1:4: \"2 TB\" is not a size [bad-size]\n  hint: write 2TiB for 2 × 1024⁴ bytes, or 2000000000000 for 2 × 1000⁴ bytes\n"},
		{in: "50gib", said: "f:1:4: \"50gib\" is not a size [bad-size]\n  hint: write 50GiB\n"},
		{in: "050GiB", said: "f:1:4: \"050GiB\" is not a size [bad-size]\n  hint: write 50GiB\n"},
		{in: "0GiB", said: "f:1:4: \"0GiB\" is not a size [bad-size]\n  hint: a size is at least 1KiB\n"},
		{in: "1.5GiB", said: "f:1:4: \"1.5GiB\" is not a size [bad-size]\n  hint: write a whole number in a smaller unit, such as 1536MiB for 1.5GiB\n"},
		{in: "large", said: "f:1:4: \"large\" is not a size [bad-size]\n  hint: write a whole number and KiB, MiB, GiB or TiB, such as 50GiB\n"},
		{in: "50", said: "f:1:4: 50 bytes is too small a size [bad-size]\n  hint: a bare number counts bytes and is at least 1048576 (1MiB); write 50GiB or 50MiB with its unit\n"},
		{in: "-1", said: "f:1:4: -1 bytes is too small a size [bad-size]\n  hint: a bare number counts bytes and is at least 1048576 (1MiB)\n"},
		{in: "1.5", said: "f:1:4: want a size, got a number [bad-size]\n  hint: write a size such as 50GiB\n"},
		{in: "[1]", said: "f:1:4: want a size, got a list [bad-size]\n  hint: write a size such as 50GiB\n"},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			got, problem := parseSize(parse(t, "k: "+test.in).get("k"))
			if problem != nil {
				if diff := cmp.Diff(test.said, said(Diagnostics{*problem})); diff != "" {
					t.Error(diff)
				}
				return
			}
			if test.said != "" || got != test.want {
				t.Errorf("got %d, want %d %s", got, test.want, test.said)
			}
		})
	}
}

func TestSizesKeepSecrets(t *testing.T) {
	for _, text := range []string{"99G", "99", "9.9GiB"} {
		n := parse(t, "k: "+text).get("k")
		n.secret = true
		if _, problem := parseSize(n); problem == nil || strings.Contains(problem.Message+problem.Hint, "9") {
			t.Errorf("%s shows in %v", text, problem)
		}
	}
}
