package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const smallSchema = `{
  "type": "object",
  "required": ["kind"],
  "additionalProperties": false,
  "patternProperties": {"^x-": {}},
  "properties": {
    "kind": {"const": "Fleet"},
    "name": {"type": ["string", "null"], "pattern": "^[a-z]+$", "x-pattern-words": "lower-case letters", "minLength": 1},
    "code": {"type": "string", "pattern": "^[0-9]+$", "description": "Digits only."},
    "variables": {"type": "object"},
    "mode": {"enum": ["fast", "safe", "slow", null]},
    "count": {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 99}, {"$ref": "#/definitions/variable"}, {"type": "null"}]},
    "rate": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"$ref": "#/definitions/variable"}]},
    "flag": {"anyOf": [{"type": "boolean"}, {"$ref": "#/definitions/variable"}]},
    "size": {"anyOf": [{"$ref": "#/definitions/size"}, {"$ref": "#/definitions/variable"}]},
    "tags": {"type": "array", "items": {"type": "string"}},
    "ref": {"$ref": "#/definitions/ref"},
    "a/b~c d": {"type": "boolean"},
    "nets": {"type": "array", "items": {"anyOf": [{"$ref": "#/definitions/ref"}, {"$ref": "#/definitions/nic"}]}},
    "few": {"type": "array", "maxItems": 1, "description": "At most one."}
  },
  "definitions": {
    "variable": {"type": "string", "pattern": "^\\$\\{var\\.[A-Za-z_][A-Za-z0-9_]*\\}$"},
    "size": {"anyOf": [{"type": "integer", "minimum": 1048576}, {"type": "string", "pattern": "^[1-9][0-9]*(KiB|MiB|GiB|TiB)$", "x-pattern-words": "a size such as 50GiB"}]},
    "ref": {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": false, "required": ["name"], "properties": {"name": {"type": "string"}, "zone": {"type": "string"}}}]},
    "nic": {"type": "object", "additionalProperties": false, "required": ["network"], "properties": {"network": {"$ref": "#/definitions/ref"}, "ip": {"type": "string"}, "mac": {"type": "string"}}}
  }
}`

func compile(t *testing.T) *schema {
	t.Helper()
	s, err := newSchema([]byte(smallSchema))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaWords(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing wrong", "kind: Fleet\nx-y: {any: thing}\ncount: 3\nsize: 50GiB\nref: {name: a}\nmode: null\nname: null\n", ""},
		{"variables pass", "kind: Fleet\ncount: ${var.a}\nflag: ${var.b}\nsize: ${var.c}\n", ""},
		{"unfinished text passes", "kind: Fleet\nname: web-${index}\nmode: ${var.m}\n", ""},
		{"missing key", "name: a\n", "f:1:1: the key \"kind\" is missing [missing-key]\n  hint: add kind: …\n"},
		{"missing key below", "kind: Fleet\nref: {zone: z}\n", "f:2:1: the key \"name\" is missing for \"ref\" [missing-key]\n  hint: add name: …\n"},
		{"unknown keys", "kind: Fleet\nnmae: a\nqqqqqq: b\n", "f:2:1: unknown key \"nmae\" [unknown-key]\n  hint: did you mean \"name\"?\n" +
			"f:3:1: unknown key \"qqqqqq\" [unknown-key]\n  hint: known here: a/b~c d, code, count, few, flag, kind, mode, name, nets, rate, ref, size, tags, variables\n"},
		{"constant", "kind: Flet\n", "f:1:7: want \"Fleet\" for \"kind\", got \"Flet\" [bad-choice]\n"},
		{"choice", "kind: Fleet\nmode: saef\n", "f:2:7: want \"fast\", \"safe\" or \"slow\" for \"mode\", got \"saef\" [bad-choice]\n  hint: did you mean \"safe\"?\n"},
		{"pattern with words", "kind: Fleet\nname: A1\n", "f:2:7: want lower-case letters for \"name\", got \"A1\" [bad-value]\n"},
		{"pattern without words", "kind: Fleet\ncode: x\n", "f:2:7: \"x\" is not valid for \"code\" [bad-value]\n  hint: Digits only.\n"},
		{"number for a string", "kind: Fleet\ncode: 0x1f\n", "f:2:7: want a string for \"code\", got 0x1f [wrong-type]\n  hint: put it in quotes: \"0x1f\"\n"},
		{"string for a number", "kind: Fleet\ncount: many\n", "f:2:8: want a whole number for \"count\", got \"many\" [wrong-type]\n"},
		{"fraction", "kind: Fleet\ncount: 1.5\n", "f:2:8: want a whole number for \"count\", got 1.5 [wrong-type]\n"},
		{"too small", "kind: Fleet\ncount: 0\n", "f:2:8: want at least 1 for \"count\", got 0 [out-of-range]\n"},
		{"too large", "kind: Fleet\ncount: 100\n", "f:2:8: want at most 99 for \"count\", got 100 [out-of-range]\n"},
		{"zero excluded", "kind: Fleet\nrate: 0\n", "f:2:7: want more than 0 for \"rate\", got 0 [out-of-range]\n"},
		{"yes", "kind: Fleet\nflag: yes\n", "f:2:7: want true or false for \"flag\", got \"yes\" [wrong-type]\n  hint: write true\n"},
		{"string for a list", "kind: Fleet\ntags: prod\n", "f:2:7: want a list of strings for \"tags\", got \"prod\" [wrong-type]\n"},
		{"colons within braces", "{kind: Fleet, tags: [a::b]}\n", "f:1:22: want a string for \"tags[0]\", got a map [wrong-type]\n  hint: put it in quotes: \"a::b\"\n"},
		{"list item", "kind: Fleet\ntags: [a, {b: c}]\n", "f:2:11: want a string for \"tags[1]\", got a map [wrong-type]\n"},
		{"both readings", "kind: Fleet\nref: [a]\n", "f:2:6: want a string or a map for \"ref\", got a list [wrong-type]\n"},
		{"size", "kind: Fleet\nsize: 50GB\n", "f:2:7: want a size such as 50GiB for \"size\", got \"50GB\" [bad-size]\n  hint: write 50GiB for 50 × 1024³ bytes, or 50000000000 for 50 × 1000³ bytes\n"},
		{"small size", "kind: Fleet\nsize: 50\n", "f:2:7: 50 bytes is too small a size [bad-size]\n  hint: a bare number counts bytes and is at least 1048576 (1MiB); write 50GiB or 50MiB with its unit\n"},
		{"size of the wrong type", "kind: Fleet\nsize: [1]\n", "f:2:7: want a whole number or a string for \"size\", got a list [wrong-type]\n"},
		{"the nearer map", "kind: Fleet\nnets: [{network: a, ipp: 1.2.3.4}]\n", "f:2:21: unknown key \"ipp\" [unknown-key]\n  hint: did you mean \"ip\"?\n"},
		{"odd key", "kind: Fleet\na/b~c d: 1\n", "f:2:10: want true or false for \"a/b~c d\", got 1 [wrong-type]\n"},
		{"any other rule", "kind: Fleet\nfew: [1, 2]\n", "f:2:1: the value is not valid for \"few\" [bad-value]\n  hint: At most one.\n"},
	}
	s := compile(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, said(s.check(parse(t, test.in)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A variable is text until the schema wants something else.
func TestSchemaSettlesVariables(t *testing.T) {
	s := compile(t)
	root := parse(t, "kind: Fleet\nvariables: {n: 12, s: \"12\", b: \"true\", f: 1.5, g: 50GiB, bytes: 1048576}\n"+
		"code: ${var.n}\ncount: ${var.s}\nflag: ${var.b}\nrate: ${var.f}\nsize: ${var.bytes}\nref: ${var.g}\ntags: [\"${var.n}\", \"x${var.n}\"]\n")
	set, found := readVariables(root, Variables{})
	found = append(found, set.substitute(root)...)
	if found = append(found, s.check(root)...); len(found) > 0 {
		t.Fatal(said(found))
	}
	got := root.plain().(map[string]any)
	delete(got, "variables")
	want := parse(t, "kind: Fleet\ncode: \"12\"\ncount: 12\nflag: true\nrate: 1.5\nsize: 1048576\nref: 50GiB\ntags: [\"12\", x12]\n").plain()
	if diff := cmp.Diff(want, any(got)); diff != "" {
		t.Error(diff)
	}
}

func TestSchemaChecksVariables(t *testing.T) {
	s := compile(t)
	root := parse(t, "kind: Fleet\nvariables: {n: {sensitive: true}, w: many}\ncount: ${var.n}\nflag: ${var.w}\nsize: x${var.w}\ncode: ${var.n}\n")
	set, found := readVariables(root, Variables{Values: map[string]string{"n": "hunter2"}})
	found = append(found, set.substitute(root)...)
	found = append(found, s.check(root)...)
	want := "f:3:8: want a whole number for \"count\", got (secret) [wrong-type]\n  hint: the value comes from a variable\n" +
		"f:4:7: want true or false for \"flag\", got \"many\" [wrong-type]\n  hint: the value comes from a variable\n" +
		"f:5:7: want a size such as 50GiB for \"size\", got \"xmany\" [bad-size]\n  hint: write a whole number and KiB, MiB, GiB or TiB, such as 50GiB\n" +
		"f:6:7: (secret) is not valid for \"code\" [bad-value]\n  hint: Digits only.\n"
	if diff := cmp.Diff(want, said(found)); diff != "" {
		t.Error(diff)
	}
}

func TestNewSchemaRefusesBrokenOnes(t *testing.T) {
	for _, text := range []string{"", "{", `{"type": "sequence"}`, `{"$ref": "#/definitions/none"}`, `{"pattern": "["}`} {
		if _, err := newSchema([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "schema") {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// TestSchemaAnywhere compiles in directories whose names mean something in URLs.
func TestSchemaAnywhere(t *testing.T) {
	for _, name := range []string{"issue #7", "100%", "a?b"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Chdir(dir)
		if _, err := newSchema([]byte(smallSchema)); err != nil {
			t.Errorf("in %q: %v", name, err)
		}
	}
}
