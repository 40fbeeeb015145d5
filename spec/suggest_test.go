package spec

import (
	"strings"
	"testing"
)

func TestSuggest(t *testing.T) {
	keys := []string{"count", "cpu", "description", "instances", "memory", "name", "networks", "userData", "userTags"}
	tests := []struct{ word, want string }{
		{"nmae", "name"},
		{"Memory", "memory"},
		{"netwroks", "networks"},
		{"instance", "instances"},
		{"user-data", "userData"},
		{"cpus", "cpu"},
		{"desciptoin", "description"},
		{"image", ""},
		{"x", ""},
		{"", ""},
		{"zone", ""},
		{strings.Repeat("cpu", 1_000_000), ""},
	}
	for _, test := range tests {
		if got := suggest(test.word, keys); got != test.want {
			t.Errorf("suggest(%.20q) = %q, want %q", test.word, got, test.want)
		}
	}
	if got := suggest("ab", []string{"ac", "aa"}); got != "aa" {
		t.Errorf("of equally near words %q came first", got)
	}
}
