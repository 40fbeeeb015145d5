package spec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parse reads text that must be without a fault.
func parse(t *testing.T, text string) *node {
	t.Helper()
	root, problems := parseYAML(Input{Name: "f", Data: []byte(text)})
	if len(problems) > 0 {
		t.Fatalf("unexpected problems:\n%s", said(problems))
	}
	return root
}

// said writes findings one a line, with their hints.
func said(ds Diagnostics) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintln(&b, d)
		if d.Hint != "" {
			fmt.Fprintln(&b, "  hint: "+d.Hint)
		}
	}
	return b.String()
}

// asJSON writes a tree as JSON with sorted keys.
func asJSON(t *testing.T, n *node) string {
	t.Helper()
	data, err := json.Marshal(n.plain())
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParseValues(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"byte order mark", "\ufeffa: 1", `{"a":1}`},
		{"windows line ends", "a: 1\r\nb: |\r\n  x\r\n  y\r\n", `{"a":1,"b":"x\ny\n"}`},
		{"header and end", "%YAML 1.2\n---\na: 1\n...\n", `{"a":1}`},
		{"empty second document", "a: 1\n---\n", `{"a":1}`},
		{"core integers", "a: 0o17\nb: 0777\nc: 0x1F\nd: +12\ne: -3", `{"a":15,"b":777,"c":31,"d":12,"e":-3}`},
		{"core floats", "a: 1e3\nb: .5\nc: 1.\nd: .inf\ne: .NaN", `{"a":1000,"b":0.5,"c":1,"d":".inf","e":".NaN"}`},
		{"beyond 64 bits", "a: 123456789012345678901", `{"a":1.2345678901234568e+20}`},
		{"yes is a string", "a: yes\nb: off\nc: y\nd: 1_000\ne: 0b11\nf: 2001-01-01\ng: 12:30", `{"a":"yes","b":"off","c":"y","d":"1_000","e":"0b11","f":"2001-01-01","g":"12:30"}`},
		{"null and booleans", "a:\nb: ~\nc: NULL\nd: True\ne: FALSE", `{"a":null,"b":null,"c":null,"d":true,"e":false}`},
		{"quotes make strings", "a: \"1\"\nb: 'true'\nc: ''\nd: \"\\u4e2d\\n\"", `{"a":"1","b":"true","c":"","d":"中\n"}`},
		{"blocks", "a: >-\n  x\n  y\n\n  z\nb: |2\n    i\n  j\nc: |+\n  k\n\n", `{"a":"x y\nz","b":"  i\nj\n","c":"k\n\n"}`},
		{"tags", "a: !!str 12\nb: !!int \"3\"\nc: !!float 4", `{"a":"12","b":3,"c":4}`},
		{"aliases", "a: &x [1, {b: 2}]\nc: *x", `{"a":[1,{"b":2}],"c":[1,{"b":2}]}`},
		{"anchor redefined", "a: &x 1\nb: *x\nc: &x 2\nd: *x", `{"a":1,"b":1,"c":2,"d":2}`},
		{"merge", "a: &a {p: 1, q: 2}\nb:\n  q: 3\n  <<: *a", `{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}`},
		{"merge list, first wins", "a: &a {p: 1}\nb: &b {p: 2, r: 4}\nc: {<<: [*a, *b], s: 5}", `{"a":{"p":1},"b":{"p":2,"r":4},"c":{"p":1,"r":4,"s":5}}`},
		{"merge inline", "a:\n  <<: {p: 1}\n", `{"a":{"p":1}}`},
		{"quoted << is a key", "a: {\"<<\": 1}", `{"a":{"\u003c\u003c":1}}`},
		{"explicit key", "? a\n: 1\n", `{"a":1}`},
		{"tabs between and in blocks", "a:\t1\t# x\nb: |\n  x\ty\n  \tz\n", `{"a":1,"b":"x\ty\n\tz\n"}`},
		{"comments", "# c\na: 1 # d\n# e\nb: \"#\"\n", `{"a":1,"b":"#"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, asJSON(t, parse(t, test.in))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseProblems(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	bomb := "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [*a%d%s]\n", i, i, i-1, strings.Repeat(fmt.Sprintf(",*a%d", i-1), 9))
	}
	tests := []struct{ name, in, want string }{
		{"empty", "", "f:1:1: the file is empty [empty-file]\n  hint: a fleet file begins with apiVersion: zfleet/v1 and kind: Fleet\n"},
		{"only a comment", "# x\n---\n", "f:1:1: the file is empty [empty-file]\n  hint: a fleet file begins with apiVersion: zfleet/v1 and kind: Fleet\n"},
		{"a list at the top", "- a\n", "f:1:1: want a map at the top of the file, got a list [wrong-type]\n  hint: write lines such as name: value\n"},
		{"a word at the top", "\n  hello\n", "f:2:3: want a map at the top of the file, got a string [wrong-type]\n  hint: write lines such as name: value\n"},
		{"not UTF-8", "a: 1\nb: \xff\n", "f:2:4: the file is not UTF-8 [yaml-syntax]\n  hint: save it in the encoding UTF-8\n"},
		{"control characters", "a: \x00\nb: \x1b\n", "f:1:4: the file holds the control character U+0000 [yaml-syntax]\n  hint: write it as an escape such as \"\\x1b\" in double quotes\n" +
			"f:2:4: the file holds the control character U+001B [yaml-syntax]\n  hint: write it as an escape such as \"\\x1b\" in double quotes\n"},
		{"lone carriage return", "a: 1\rb: 2", "f:1:5: a carriage return stands inside a line [yaml-syntax]\n  hint: end lines with a line feed\n"},
		{"tab", "a:\n\tb: 1\n", "f:2:1: a tab is used for indentation [yaml-syntax]\n  hint: indent with spaces\n"},
		{"tab after spaces", "a:\n  \tb: 1\n  c: 2\n", "f:2:3: a tab is used for indentation [yaml-syntax]\n  hint: indent with spaces\n"},
		{"tab in a value", "a: x\ty\n", "f:1:4: a tab stands in a value without quotes [yaml-syntax]\n  hint: put the value in double quotes and write the tab as \\t\n"},
		{"tab in quotes", "a: \"p\tq\"\nb: 1\n", "f:1:9: a value is not allowed here [yaml-syntax]\n  hint: the line holds a tab: use spaces, or write it as \\t in double quotes\n"},
		{"duplicate keys", "a: 1\nb:\n  中: 1\n  x: 2\n  中: 3\na: 2\na: 3\n", "f:5:3: the key \"中\" stands twice in one map [duplicate-key]\n  hint: it stands first at line 3\n" +
			"f:6:1: the key \"a\" stands twice in one map [duplicate-key]\n  hint: it stands first at line 1\n" +
			"f:7:1: the key \"a\" stands twice in one map [duplicate-key]\n  hint: it stands first at line 1\n"},
		{"two merge keys", "a: &a {}\nb:\n  <<: *a\n  <<: *a\n", "f:4:3: the key \"<<\" stands twice in one map [duplicate-key]\n  hint: it stands first at line 3; merge several maps with <<: [*a, *b]\n"},
		{"merge of a list", "a: &a [1]\nb:\n  <<: *a\n", "f:3:7: want a map or a list of maps after <<, got a whole number [bad-merge]\n  hint: write <<: *name, or <<: [*a, *b]\n"},
		{"two documents", "a: 1\n---\nb: 2\n", "f:2:1: a second document begins here [several-documents]\n  hint: put it into a file of its own and name both with -f\n"},
		{"unknown alias", "first: &base {}\na: *bse\n", "f:2:4: no anchor \"&bse\" stands above [unknown-alias]\n  hint: did you mean \"base\"?\n"},
		{"alias cycle", "a: &a\n  b: *a\n", "f:2:6: the alias \"*a\" stands inside of the value it names [alias-cycle]\n  hint: an alias may only name a value that has ended\n"},
		{"alias bomb", bomb, "f:6:38: aliases stand for more than 1000000 values [alias-bomb]\n  hint: say it with groups and counts\n"},
		{"deep", "a: " + deep, "f:1:104: values nest deeper than 100 levels [yaml-syntax]\n"},
		{"deep blocks", strings.Repeat("- ", 100_000), "f:1:401: values nest deeper than 100 levels [yaml-syntax]\n"},
		{"number as a key", "1: a\n", "f:1:1: want a string as a key, got a whole number [bad-key]\n  hint: put it in quotes: \"1\"\n"},
		{"null as a key", "a: {~: b}\n", "f:1:5: want a string as a key, got nothing [bad-key]\n  hint: put it in quotes: \"~\"\n"},
		{"foreign tag", "a: !secret x\n", "f:1:4: the tag \"!secret\" is not supported [yaml-tag]\n  hint: remove the tag\n"},
		{"tag and value differ", "a: !!int x\n", "f:1:4: want a whole number as the tag \"!!int\" says, got a string [yaml-tag]\n  hint: remove the tag\n"},
		{"open quote", "a: \"x\nb: 1\n", "f:1:4: the text that begins here has no end [yaml-syntax]\n  hint: close it with \"\n"},
		{"open list", "a: [1, 2\n", "f:1:4: the list that begins here has no end [yaml-syntax]\n  hint: close it with ]\n"},
		{"reserved character", "a: @x\n", "f:1:4: text cannot begin with this character [yaml-syntax]\n  hint: put the text in quotes\n"},
		{"colon in a value", "名: b: c\n", "f:1:4: a key is not allowed here [yaml-syntax]\n  hint: check the indentation; quote a value that holds \": \"\n"},
		{"variable in brackets", "a: [x, ${var.x}]\n", "f:1:8: ${ must be in quotes inside of brackets [yaml-syntax]\n  hint: write \"${…}\"\n"},
		{"no comma", "a: {b: \"x\" \"y\"}\n", "f:1:12: a comma or } is missing [yaml-syntax]\n  hint: put text that holds brackets in quotes\n"},
		{"several sections", "a: @x\nb:\n  c: 1\n d: 2\ne:\n  f: @y\n  g: 1\n  h: @z\ni: [\n  x,\n]\nj: \"k\nl: \"m\"\n",
			"f:1:4: text cannot begin with this character [yaml-syntax]\n  hint: put the text in quotes\n" +
				"f:4:2: a value is not allowed here [yaml-syntax]\n  hint: check that the line is indented like its neighbours\n" +
				"f:6:6: text cannot begin with this character [yaml-syntax]\n  hint: put the text in quotes\n" +
				"f:8:6: text cannot begin with this character [yaml-syntax]\n  hint: put the text in quotes\n" +
				"f:12:4: the text that begins here has no end [yaml-syntax]\n  hint: close it with \"\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := parseYAML(Input{Name: "f", Data: []byte(test.in)})
			if diff := cmp.Diff(test.want, said(problems.Sorted())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParsePlaces(t *testing.T) {
	root := parse(t, "名前: 東京 # x\nlist:\n  - a: 1\n    ü: [x, {中: y}]\nempty:\ntext: |\n  z\nflow: {k: v}\nref: &r\n  deep: 1\n")
	got := make(map[string]string)
	var walk func(path string, n *node)
	walk = func(path string, n *node) {
		got[path] = fmt.Sprintf("%d:%d", n.pos.Line, n.pos.Column)
		for _, e := range n.entries {
			got[path+"/"+e.key+"?"] = fmt.Sprintf("%d:%d", e.pos.Line, e.pos.Column)
			walk(path+"/"+e.key, e.value)
		}
		for i, item := range n.items {
			walk(fmt.Sprintf("%s/%d", path, i), item)
		}
	}
	walk("", root)
	want := map[string]string{
		"": "1:1", "/名前?": "1:1", "/名前": "1:5",
		"/list?": "2:1", "/list": "3:3", "/list/0": "3:5", "/list/0/a?": "3:5", "/list/0/a": "3:8",
		"/list/0/ü?": "4:5", "/list/0/ü": "4:8", "/list/0/ü/0": "4:9", "/list/0/ü/1": "4:12",
		"/list/0/ü/1/中?": "4:13", "/list/0/ü/1/中": "4:16",
		"/empty?": "5:1", "/empty": "5:7", "/text?": "6:1", "/text": "6:7",
		"/flow?": "8:1", "/flow": "8:7", "/flow/k?": "8:8", "/flow/k": "8:11",
		"/ref?": "9:1", "/ref": "10:3", "/ref/deep?": "10:3", "/ref/deep": "10:9",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The value of an alias keeps the place where it was written, so that findings
// point at the line to change.
func TestAliasPlaces(t *testing.T) {
	root := parse(t, "a: &a {k: v}\nb: *a\nc: {<<: *a}\n")
	for _, path := range []string{"b", "c"} {
		e, _ := root.get(path).lookup("k")
		if e.pos.Column != 8 || e.value.pos.Line != 1 || e.value.pos.Column != 11 {
			t.Errorf("%s: key at %v, value at %v", path, e.pos, e.value.pos)
		}
	}
}

func TestCloneIsDeep(t *testing.T) {
	root := parse(t, "a: {b: [x]}\n")
	copied := root.clone()
	copied.get("a").get("b").items[0].text = "changed"
	if got := asJSON(t, root); got != `{"a":{"b":["x"]}}` {
		t.Errorf("the original changed: %s", got)
	}
}
