package simulator

import "testing"

func TestMarshal(t *testing.T) {
	body := record{
		"text": "a<b>&'=\"\\\n\u2028云\x01", "plain": "a b~", "a=b": "key", "null": nil, "record": record(nil), "list": []any(nil),
		"nested": []any{record{"null": nil, "yes": true}, nil, []string{"it's"}}, "n": int64(-1 << 62), "i": 7, "f": 1.5,
	}
	for _, test := range []struct {
		escape bool
		want   string
	}{
		{true, `{"a\u003db":"key","f":1.5,"i":7,"list":[],"n":-4611686018427387904,"nested":[{"yes":true},null,["it\u0027s"]],` +
			`"plain":"a b~","record":{},"text":"a\u003cb\u003e\u0026\u0027\u003d\"\\\n\u2028云\u0001"}`},
		{false, `{"a=b":"key","f":1.5,"i":7,"list":[],"n":-4611686018427387904,"nested":[{"yes":true},null,["it's"]],` +
			`"plain":"a b~","record":{},"text":"a<b>&'=\"\\\n\u2028云\u0001"}`},
	} {
		got, err := marshal(body, test.escape)
		if err != nil || string(got) != test.want {
			t.Errorf("escape %v: %v\n%s\nwant\n%s", test.escape, err, got, test.want)
		}
	}
	if _, err := marshal(record{"f": func() {}}, false); err == nil {
		t.Error("a function was written")
	}
}
