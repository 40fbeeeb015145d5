package zstack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestWhere(t *testing.T) {
	for _, test := range []struct {
		field, op, value, want string // want empty: cannot be asked
	}{
		{"name", "=", "web-1", "name=web-1"},
		{"name", "=", "a=b", "name=a=b"},
		{"name", "=", "=", "name=="},
		{"name", "=", "a>b", "name=a>b"},
		{"name", "=", "is null", "name=is null"},
		{"name", "=", "网络 1", "name=网络 1"},
		{"name", "!=", "a=b", "name!=a=b"},
		{"uuid", "~=", "abc%", "uuid~=abc%"},
		{"uuid", "!~=", "abc%", "uuid!~=abc%"},
		{"uuid", "?=", "a,b", "uuid?=a,b"},
		{"uuid", "!?=", "a,b", "uuid!?=a,b"},
		{"size", ">", "5", "size>5"},
		{"size", ">=", "5", "size>=5"},
		{"size", "<", "5", "size<5"},
		{"size", "<=", "5", "size<=5"},
		{"vmNics.l3Network.name", "=", "x", "vmNics.l3Network.name=x"},
		{"__userTag__", "=", "env:prod", "__userTag__=env:prod"},
		{"hostUuid", "is null", "", "hostUuid is null"},
		{"hostUuid", "not null", "", "hostUuid not null"},

		{"hostUuid", "is null", "x", ""},
		{"name", "=", "", ""},
		{"name", "=", "a!=b", ""},
		{"name", "=", "a>=b", ""},
		{"name", "=", "a<=b", ""},
		{"name", "=", "a?=b", ""},
		{"name", "=", "a~=b", ""},
		{"name", "~=", "a!=b", ""},
		{"name", "?=", "a~=b", ""},
		{"name", ">", "=b", ""},
		{"name", ">", "a=b", ""},
		{"name", "<", "a>b", ""},
		{"name", "=", "it's", ""},
		{"name", "=", `a\b`, ""},
		{"name", "=", " a", ""},
		{"name", "=", "a ", ""},
		{"name", "=", "a\nb", ""},
		{"name", "=", "a\xffb", ""},
		{"na=me", "=", "a", ""},
		{"", "=", "a", ""},
		{"name ", "=", "a", ""},
		{"name", "==", "a", ""},
		{"name", "like", "a", ""},
		{"name", "", "=a", ""},
	} {
		got, ok := Where(test.field, test.op, test.value)
		if ok != (test.want != "") || ok && string(got) != test.want {
			t.Errorf("Where(%q, %q, %q) = %q, %t, want %q", test.field, test.op, test.value, got, ok, test.want)
		}
	}
	if got := In("uuid", []string{"a", "b"}); got != "uuid?=a,b" {
		t.Errorf("In = %q", got)
	}
}

// splitLikeServer takes a condition apart as the server does.
func splitLikeServer(condition string) (field, op, value string) {
	for _, op := range []string{"!=", ">=", "<=", "!?=", "!~=", "~=", "?=", "=", ">", "<", "is null", "not null"} {
		if field, value, ok := strings.Cut(condition, op); ok {
			return strings.TrimSpace(field), op, value
		}
	}
	return "", "", ""
}

func FuzzWhere(f *testing.F) {
	for _, op := range operators {
		for _, value := range []string{"", "web", "a=b", "a!=b", ">=", "=x", "it's", "a,b", "is null", "not null"} {
			f.Add("name", op, value)
		}
	}
	f.Add("a is null", "=", "x")
	f.Fuzz(func(t *testing.T, field, op, value string) {
		condition, ok := Where(field, op, value)
		if !ok {
			return
		}
		if f, o, v := splitLikeServer(string(condition)); f != field || o != op || v != value {
			t.Errorf("Where(%q, %q, %q) = %q is read as %q %q %q", field, op, value, condition, f, o, v)
		}
	})
}

// TestListPages reads 2500 rows from a server that pages as the real one does,
// while a row already read is deleted and one is added behind.
func TestListPages(t *testing.T) {
	uuids := make([]string, 2500)
	for i := range uuids {
		uuids[i] = fmt.Sprintf("%032x", i*7+1)
	}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/accounts/login") {
			fmt.Fprint(w, `{"inventory":{"uuid":"s","accountUuid":"a"}}`)
			return
		}
		if r.Method == http.MethodDelete {
			fmt.Fprint(w, `{}`)
			return
		}
		query := r.URL.Query()
		asked = append(asked, strings.Join(query["q"], " & ")+" sort "+query.Get("sort"))
		limit, err := strconv.Atoi(query.Get("limit"))
		if err != nil || query.Get("sort") != "+uuid" || r.URL.Path != "/zstack/v1/vm-instances" {
			http.Error(w, "bad query", http.StatusBadRequest)
			return
		}
		from := ""
		for _, q := range query["q"] {
			if after, ok := strings.CutPrefix(q, "uuid>"); ok {
				from = after
			}
		}
		page := []VM{}
		for _, uuid := range uuids {
			if uuid > from && len(page) < limit {
				page = append(page, VM{UUID: uuid})
			}
		}
		if from == "" {
			uuids = slices.Insert(uuids[1:], 0, fmt.Sprintf("%032x", 0))
		}
		json.NewEncoder(w).Encode(map[string]any{"inventories": page, "schema": map[string]string{}})
	}))
	defer server.Close()
	want := slices.Clone(uuids)
	c, err := New(Config{Endpoint: server.URL, AccountName: "admin", AccountPassword: "p"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	state, _ := Where("state", "!=", "Destroyed")
	vms, err := List[VM](t.Context(), c, "/vm-instances", state)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(vms))
	for i, vm := range vms {
		got[i] = vm.UUID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	wantAsked := []string{
		"state!=Destroyed sort +uuid",
		"state!=Destroyed & uuid>" + want[999] + " sort +uuid",
		"state!=Destroyed & uuid>" + want[1999] + " sort +uuid",
	}
	if diff := cmp.Diff(wantAsked, asked); diff != "" {
		t.Errorf("queries (-want +got):\n%s", diff)
	}
}

func TestListStopsWhenPagesRepeat(t *testing.T) {
	full := `{"inventories":[` + strings.Repeat(`{"uuid":"a"},`, pageSize-1) + `{"uuid":"a"}]}`
	server := &script{answers: map[string][]reply{"GET /zones": {{status: 200, body: full}}}}
	if _, err := List[Zone](t.Context(), newTestClient(t, server), "/zones"); outcome(err) != "unknown jobUnknown=false" {
		t.Errorf("error %v", err)
	}
	if lines := server.lines(); len(lines) != 2 {
		t.Errorf("%d queries, want 2", len(lines))
	}
}

func TestListKeyless(t *testing.T) {
	server := &script{answers: map[string][]reply{
		"GET /global-configurations": {{status: 200, body: `{"inventories":[{"category":"vm","name":"deletionPolicy","value":"Delay"}]}`}},
	}}
	rows, err := List[GlobalConfig](t.Context(), newTestClient(t, server), "/global-configurations", "category=vm")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]GlobalConfig{{Category: "vm", Name: "deletionPolicy", Value: "Delay"}}, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"q": {"category=vm"}, "limit": {"1000"}}, server.last().Query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}

func TestGet(t *testing.T) {
	const uuid = testAccount
	one := []reply{{status: 200, body: `{"inventories":[{"uuid":"` + uuid + `","name":"n"}]}`}}
	none := []reply{{status: 200, body: `{"inventories":[],"schema":{}}`}}
	other := []reply{{status: 200, body: `{"inventories":[{"uuid":"` + testJob + `"}]}`}}
	for _, test := range []struct {
		name, path, uuid, line string
		answers                []reply
		found                  bool
		want                   string
	}{
		{name: "found", path: "/zones", uuid: uuid, line: "GET /zones/" + uuid, answers: one, found: true, want: "ok"},
		{name: "missing", path: "/zones", uuid: uuid, line: "GET /zones/" + uuid, answers: none, want: "ok"},
		{name: "by condition", path: "/primary-storage", uuid: uuid, line: "GET /primary-storage", answers: one, found: true, want: "ok"},
		{name: "pattern", path: "/tags", uuid: uuid, line: "GET /tags", answers: one, found: true, want: "ok"},
		{name: "another row", path: "/zones", uuid: uuid, line: "GET /zones/" + uuid, answers: other, want: "unknown jobUnknown=false"},
		{name: "no UUID", path: "/zones", uuid: "../x", want: "notSent"},
		{name: "unknown collection", path: "/snapshots", uuid: uuid, want: "notSent"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &script{answers: map[string][]reply{test.line: test.answers}}
			row, found, err := Get[Zone](t.Context(), newTestClient(t, server), test.path, test.uuid)
			if outcome(err) != test.want || found != test.found || found && row.UUID != uuid {
				t.Errorf("Get = %v, %t, %v", row, found, err)
			}
			if test.want == "notSent" && len(server.got) != 0 {
				t.Errorf("sent %q", server.lines())
			}
		})
	}
}

func TestReadOutcomes(t *testing.T) {
	good := reply{status: 200, body: `{"inventories":[{"uuid":"z"}]}`}
	for _, test := range []struct {
		name    string
		answers []reply
		want    string
		tries   int
	}{
		{"at once", []reply{good}, "ok", 1},
		{"after trouble", []reply{{err: errReset}, {status: 502, body: page}, {err: errRefused}, {status: 503, body: page}, good}, "ok", 5},
		{"after throttling", []reply{{status: 429}, good}, "ok", 2},
		{"never", []reply{{status: 504, body: page}}, "unknown jobUnknown=false", readTries},
		{"nobody there", []reply{{err: errRefused}}, "notSent", readTries},
		{"answers that break", []reply{{err: errReset}}, "unknown jobUnknown=false", readTries},
		{"bad query", []reply{{status: 503, body: failure("SYS.1000")}}, "api SYS.1000 expired=false", 1},
		{"bad query on the last try", []reply{{status: 502}, {status: 502}, {status: 502}, {status: 502}, {status: 503, body: failure("SYS.1000")}}, "api SYS.1000 expired=false", 5},
		{"refused", []reply{{status: 400, body: "no operator"}}, "refused 400", 1},
		{"redirect", []reply{{status: 302, header: http.Header{"Location": {"/login"}}}}, "refused 302", 1},
		{"no inventories", []reply{{status: 200, body: "{}"}}, "unknown jobUnknown=false", 1},
		{"other form", []reply{{status: 200, body: `{"inventories":{"uuid":1}}`}}, "unknown jobUnknown=false", 1},
		{"null rows", []reply{{status: 200, body: `{"inventories":null}`}}, "unknown jobUnknown=false", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{answers: map[string][]reply{"GET /zones": test.answers}}
				_, err := List[Zone](t.Context(), newTestClient(t, server), "/zones")
				if got := outcome(err); got != test.want || len(server.lines()) != test.tries {
					t.Errorf("%q after %d tries, want %q after %d (%v)", got, len(server.lines()), test.want, test.tries, err)
				}
			})
		})
	}
}

// A management server that is starting, or whose node left, is asked again.
func TestQueryOfAServerThatStarts(t *testing.T) {
	for _, code := range []string{"SYS.1009", "SYS.1010", "SYS.1011", "SYS.1012", "PORTAL.1002"} {
		synctest.Test(t, func(t *testing.T) {
			starting := reply{status: 503, body: failure(code)}
			server := &script{answers: map[string][]reply{
				"PUT /accounts/login": {starting, {status: 200, body: `{"inventory":{"uuid":"session1"}}`}},
				"GET /zones":          {starting, starting, {status: 200, body: `{"inventories":[{"uuid":"z"}]}`}},
			}}
			if zones, err := List[Zone](t.Context(), newTestClient(t, server), "/zones"); err != nil || len(zones) != 1 {
				t.Errorf("%s: %v, %v", code, zones, err)
			}
			server = &script{answers: map[string][]reply{"GET /zones": {starting}}}
			if _, err := List[Zone](t.Context(), newTestClient(t, server), "/zones"); outcome(err) != "api "+code+" expired=false" || len(server.lines()) != readTries {
				t.Errorf("%s for ever: %v after %d questions", code, err, len(server.lines()))
			}
		})
	}
}
