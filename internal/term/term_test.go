package term

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestColor(t *testing.T) {
	for _, tt := range []struct {
		name  string
		never bool
		env   map[string]string
		want  bool
	}{
		{name: "a pipe", want: false},
		{name: "forced", env: map[string]string{"FORCE_COLOR": "1"}, want: true},
		{name: "forced the other way", env: map[string]string{"CLICOLOR_FORCE": "1"}, want: true},
		{name: "forced off", env: map[string]string{"FORCE_COLOR": "0"}, want: false},
		{name: "NO_COLOR before FORCE_COLOR", env: map[string]string{"FORCE_COLOR": "1", "NO_COLOR": "x"}, want: false},
		{name: "an empty NO_COLOR says nothing", env: map[string]string{"FORCE_COLOR": "1", "NO_COLOR": ""}, want: true},
		{name: "the flag before all", never: true, env: map[string]string{"FORCE_COLOR": "1"}, want: false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lookup := func(name string) (string, bool) { value, ok := tt.env[name]; return value, ok }
			if got := Color(&bytes.Buffer{}, tt.never, lookup); got != tt.want {
				t.Errorf("Color = %t, want %t", got, tt.want)
			}
		})
	}
}

func TestNotATerminal(t *testing.T) {
	if IsTerminal(&bytes.Buffer{}) || Width(&bytes.Buffer{}) != 0 {
		t.Error("a buffer is taken for a terminal")
	}
}

func TestConfirm(t *testing.T) {
	for _, tt := range []struct {
		input string
		want  bool
		rest  string // left for who reads next
	}{
		{"yes\nmore", true, "more"},
		{"  yes \r\n", true, ""},
		{"yes", true, ""},
		{"y\n", false, ""},
		{"YES\n", false, ""},
		{"\nyes\n", false, "yes\n"},
		{"", false, ""},
		{"yes" + strings.Repeat(" ", 100) + "no\n", true, ""},
	} {
		var out bytes.Buffer
		in := strings.NewReader(tt.input)
		got, err := Confirm(in, &out, "Delete 3 machines?")
		if err != nil || got != tt.want {
			t.Errorf("Confirm(%q) = %t, %v, want %t", tt.input, got, err, tt.want)
		}
		if rest := tt.input[len(tt.input)-in.Len():]; rest != tt.rest {
			t.Errorf("Confirm(%q) left %q, want %q", tt.input, rest, tt.rest)
		}
		if !strings.HasPrefix(out.String(), "Delete 3 machines?\n") {
			t.Errorf("the question was %q", out.String())
		}
	}
	broken := errors.New("broken")
	if got, err := Confirm(iotest.ErrReader(broken), &bytes.Buffer{}, "?"); got || !errors.Is(err, broken) {
		t.Errorf("Confirm on a broken stream = %t, %v", got, err)
	}
}

// TestHeartbeat: where there is no terminal, silence is broken once a minute
// and only then.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		line := NewStatusLine(&out)
		line.Show(1, 3, []Busy{{Label: "web/1 create", Phase: "waiting", Since: time.Now()}, {Label: "web/2 create", Since: time.Now()}})
		time.Sleep(50 * time.Second)
		line.Print("web/3 create: succeeded")
		time.Sleep(59 * time.Second)
		line.Print("web/4 create: succeeded")
		time.Sleep(61 * time.Second)
		line.Close()
		line.Close()
		time.Sleep(time.Hour)
		line.Print("too late")
		want := "web/3 create: succeeded\n" +
			"web/4 create: succeeded\n" +
			"1 of 3 steps done, 2 in flight, longest: web/1 create: waiting, 2m49s\n"
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// TestArea draws on something that behaves like a terminal of 60 columns and
// looks at every line that was drawn.
func TestArea(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out syncBuffer
		line := newArea(&out, 60)
		var busy []Busy
		for n := range 10 {
			busy = append(busy, Busy{Label: fmt.Sprintf("web/%d create", n+1), Phase: "等待作业 " + strings.Repeat("长", 40), Since: time.Now()})
		}
		line.Show(3, 13, busy)
		time.Sleep(5 * time.Second)
		line.Print("! web/9 create: failed")
		time.Sleep(time.Second)
		line.Print("! web/10 create: failed last")
		line.Close()
		line.Show(4, 13, nil)
		text := out.String()
		for _, want := range []string{"3 of 13 steps done, 10 in flight", "web/1 create: 等待作业", "web/8 create", "… and 2 more", "! web/9 create: failed\n", "! web/10 create: failed last\n", "[==="} {
			if !strings.Contains(text, want) {
				t.Errorf("nothing like %q was drawn:\n%s", want, text)
			}
		}
		if strings.Contains(text, "web/9 create: 等待") {
			t.Error("more rows were drawn than fit")
		}
	})
}

// syncBuffer is a buffer that several goroutines write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
