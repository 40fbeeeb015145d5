package redact

import (
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	const long = "I2Nsb3VkLWNvbmZpZwpwYXNzd29yZDogaHVudGVyMgo="
	for _, tt := range []struct {
		name, text string
		secrets    []string
		want       string
	}{
		{"nothing to hide", "no room", nil, "no room"},
		{"nothing in it", "no room", []string{"swordfish"}, "no room"},
		{"short", "tag[consolePassword::hunter2] and hunter2", []string{"hunter2"}, "tag[consolePassword::***] and ***"},
		{"long", "bad userdata::" + long + "]", []string{long}, "bad userdata::***]"},
		{"part of a long one", "bad userdata::" + long[:20] + "…", []string{long}, "bad userdata::***…"},
		{"middle of a long one", "x" + long[9:30] + "y", []string{long}, "x***y"},
		{"several", "hunter2 swordfish", []string{"swordfish", "hunter2"}, "*** ***"},
		{"side by side", "hunter2swordfish", []string{"swordfish", "hunter2"}, "***"},
		{"too short to be one", "a cat", []string{"cat", ""}, "a cat"},
		{"ruled line", strings.Repeat("-", 20), []string{"key\n" + strings.Repeat("-", 20)}, strings.Repeat("-", 20)},
		{"text shorter than a piece", "abc", []string{long}, "abc"},
		{"not in the middle of a character", "密码密码密码密码是", []string{"密码密码密码密码"}, "***是"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Hide(tt.text, tt.secrets...); got != tt.want {
				t.Errorf("Hide = %q, want %q", got, tt.want)
			}
		})
	}
}
