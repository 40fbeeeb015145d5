package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRanges(t *testing.T) {
	for _, tt := range []struct {
		texts []string
		want  string
	}{
		{nil, ""},
		{[]string{"web/1"}, "web/1"},
		{[]string{"web/1", "web/2"}, "web/1, web/2"},
		{[]string{"web/8", "web/9", "web/10", "web/12"}, "web/8 … web/10, web/12"},
		{[]string{"web-08", "web-09", "web-10"}, "web-08 … web-10"},
		{[]string{"web-9", "web-010", "web-11"}, "web-9, web-010, web-11"},
		{[]string{"v1-n1", "v1-n2", "v1-n3"}, "v1-n1 … v1-n3"},
		{[]string{"10.0.0.254", "10.0.0.255", "10.0.1.0"}, "10.0.0.254 … 10.0.1.0"},
		{[]string{"fd00::9", "fd00::a", "fd00::b"}, "fd00::9 … fd00::b"},
		{[]string{"east", "west", "west"}, "east, west, west"},
		{[]string{"n18446744073709551615", "n0", "n1", "n2"}, "n18446744073709551615, n0 … n2"},
	} {
		if d := cmp.Diff(tt.want, ranges(tt.texts)); d != "" {
			t.Errorf("ranges(%q) (-want +got):\n%s", tt.texts, d)
		}
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1 << 10: "1 KiB", 1536 << 20: "1.5 GiB", 4 << 30: "4 GiB",
		4<<30 + 1: "4294967297 bytes", 4<<30 + 100<<20: "4196 MiB", 1 << 40: "1 TiB", 3 << 39: "1.5 TiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDurationText(t *testing.T) {
	for seconds, want := range map[float64]string{
		0: "0.0s", 3.44: "3.4s", 9.96: "10s", 42.4: "42s", 59.7: "1m00s", 100: "1m40s", 3599.6: "1h00m", 7500: "2h05m",
	} {
		if got := durationText(seconds); got != want {
			t.Errorf("durationText(%v) = %q, want %q", seconds, got, want)
		}
	}
}

// TestCutPair: what differs must be seen, however long the values are.
func TestCutPair(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, tt := range []struct{ before, after string }{
		{long + "a" + long, long + "b" + long},
		{strings.Repeat("数", 60) + "a" + long, strings.Repeat("数", 60) + "b" + long},
		{long + long, long + long + "tail"},
		{"short", long},
	} {
		before, after := cutPair(tt.before, tt.after, 40)
		if before == after {
			t.Errorf("cutPair(%q, %q) hides the difference: %q", tt.before, tt.after, before)
		}
		if widest(before) > 40 || widest(after) > 40 {
			t.Errorf("cutPair(%q, %q) = %q, %q, wider than 40", tt.before, tt.after, before, after)
		}
	}
	if before, after := cutPair("4 GiB", "8 GiB", 40); before != "4 GiB" || after != "8 GiB" {
		t.Errorf("short values were changed: %q, %q", before, after)
	}
}
