package simulator

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// queryRows are VMs as the server hands them to queries.
func queryRows() []record {
	host := record{"uuid": "h1", "name": "host-a-01", "managementIp": "172.20.1.1"}
	return []record{
		{
			"uuid": "01", "name": "web-1", "state": "Running", "cpuNum": int64(2), "memorySize": int64(9007199254740993),
			"createDate": "Nov 14, 2017 10:20:57 PM", "hostUuid": "h1", "__host": host, "description": "a>=b",
			"vmNics": []any{
				record{"ip": "10.0.0.5", "deviceId": int64(0)}, record{"ip": "10.1.0.5", "deviceId": int64(1)},
			},
			"__userTag__": []any{"env:prod", "zfleet"},
		},
		{
			"uuid": "02", "name": "web-2", "state": "Stopped", "cpuNum": int64(4), "memorySize": int64(9007199254740992),
			"createDate": "Nov 15, 2017 9:00:00 AM", "vmNics": []any{record{"ip": "10.0.0.6", "deviceId": int64(0)}},
			"__userTag__": []any{"env:test"}, "description": "k=v=w",
		},
		{"uuid": "03", "name": "DB_1", "isDefault": true, "state": "Running", "cpuNum": int64(16), "createDate": "Jan 2, 2018 9:00:00 AM", "vmNics": []any{}},
		{"uuid": "04", "name": "50%", "state": "Destroyed", "cpuNum": int64(2), "createDate": "Jan 2, 2016 9:00:00 AM", "vmNics": []any{}},
	}
}

func uuidsOf(t *testing.T, result record) []string {
	t.Helper()
	var uuids []string
	inventories, ok := result["inventories"].([]any)
	if !ok {
		t.Fatalf("no inventories in %v", result)
	}
	for _, row := range inventories {
		uuids = append(uuids, text(row.(record), "uuid"))
	}
	return uuids
}

func TestQueryConditions(t *testing.T) {
	for _, test := range []struct{ q, want string }{
		{"name=web-1", "01"},
		{"name=WEB-1", "01"},
		{" name =web-1", "01"},
		{"name= web-1", ""},
		{"name!=web-1", "02 03 04"},
		{"cpuNum>2", "02 03"},
		{"cpuNum>=2", "01 02 03 04"},
		{"cpuNum<4", "01 04"},
		{"cpuNum<=4", "01 02 04"},
		{"cpuNum>10", "03"},
		{"cpuNum=two", ""},
		{"memorySize=9007199254740993", "01"},
		{"name?=web-1,web-2,web-3", "01 02"},
		{"name!?=web-1,web-2", "03 04"},
		{"name~=web-%", "01 02"},
		{"name~=db_1", "03"},
		{"name~=w_b-_", "01 02"},
		{"name~=%", "01 02 03 04"},
		{"name~=%2", "02"},
		{"name!~=web%", "03 04"},
		{"description=k=v=w", "02"},
		{"hostUuid is null", "02 03 04"},
		{"hostUuid not null", "01"},
		{"hostUuid!=h2", "01"},
		{"isDefault=true", "03"},
		{"isDefault=TRUE", "03"},
		{"isDefault!=false", "03"},
		{"isDefault=maybe", ""},
		{"cpuNum=1e999999999", ""},
		{"createDate>2017-11-14 23:00:00", "02 03"},
		{"createDate=2017-11-14 22:20:57", "01"},
		{"vmNics.ip=10.1.0.5", "01"},
		{"vmNics.ip~=10.0.0.%", "01 02"},
		{"vmNics.deviceId>0", "01"},
		{"vmNics.ip is null", "03 04"},
		{"host.name=host-a-01", "01"},
		{"host.managementIp~=172.%", "01"},
		{"zone.name=nowhere", ""},
		{"__userTag__=env:prod", "01"},
		{"__userTag__~=env:%", "01 02"},
		{"__userTag__!=env:prod", "02 03 04"},
		{"__userTag__!~=env:%", "03 04"},
		{"__userTag__!?=zfleet,env:test", "03 04"},
		{"__userTag__ is null", "03 04"},
		{"__systemTag__=hostname::web", ""},
		// The operator that comes first in the search order splits, wherever it is.
		{"cpuNum>1=", "400"}, // "=" comes before ">", and nothing after it
		{"description=a>=b", "SYS.1000"},
		{"name=x!=y", "SYS.1000"},
		{"name=a~=b", "SYS.1000"},
		{"name>a=b", "SYS.1000"},
		{"description=a<b", ""},
		{"name=this is null", ""},
		{"hostUuid is not null", "SYS.1000"},
		{"bogus=1", "SYS.1000"},
		{"internalId=1", "SYS.1000"},
		{"vmNics.bogus=1", "SYS.1000"},
		{"host.bogus=1", "SYS.1000"},
		{"vmNics=1", "SYS.1000"},
		{"name=O'Brien", "SYS.1000"},
		{"=x", "SYS.1000"},
		{"name", "400"},
		{"name=", "400"},
		{"", "400"},
	} {
		t.Run(test.q, func(t *testing.T) {
			if got := answerOf(t, url.Values{"q": {test.q}, "sort": {"uuid"}}, queryRows()); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// answerOf is what a query finds: UUIDs, 400, or an error code.
func answerOf(t *testing.T, values url.Values, rows []record) string {
	t.Helper()
	result, err := runQuery(values, rows, time.Time{})
	var failure queryError
	switch {
	case errors.As(err, &failure) && failure.code == "":
		return "400"
	case errors.As(err, &failure):
		return failure.code
	case err != nil:
		t.Fatalf("error %v is no queryError", err)
	}
	return strings.Join(uuidsOf(t, result), " ")
}

func TestQueryParameters(t *testing.T) {
	for _, test := range []struct{ query, want string }{
		{"sort=uuid", "01 02 03 04"},
		{"sort=-uuid", "04 03 02 01"},
		{"sort=%2Buuid", "01 02 03 04"},
		{"sort=+uuid", "01 02 03 04"}, // the plus arrives as a space
		{"sort=-cpuNum", "03 02 01 04"},
		{"sort=hostUuid", "02 03 04 01"}, // null first
		{"sort=createDate", "04 01 02 03"},
		{"sort=uuid&limit=2", "01 02"},
		{"sort=uuid&limit=2&start=3", "04"},
		{"sort=uuid&start=9", ""},
		{"sort=uuid&limit=0", ""},
		{"q=state=Running&q=cpuNum<10", "01"},
		{"limit=x", "400"},
		{"start=1.5", "400"},
		{"limit=", "400"},
		{"limit=-1", "SYS.1000"},
		{"sort=bogus", "SYS.1000"},
		{"sort=vmNics.ip", "SYS.1000"},
		{"sort=__userTag__", "SYS.1000"},
		{"fields=uuid,bogus", "SYS.1000"},
		{"groupBy=state&sort=uuid", "01 02 03 04"},
	} {
		t.Run(test.query, func(t *testing.T) {
			values, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := answerOf(t, values, queryRows()); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestQueryResults(t *testing.T) {
	for _, test := range []struct {
		query string
		want  record
	}{
		{"count=true&limit=1", record{"total": int64(4)}},
		{"count=TRUE&limit=0", record{"inventories": []any{}}},
		{"replyWithCount=true&limit=1&sort=uuid&fields=uuid,hostUuid", record{
			"total": int64(4), "inventories": []any{record{"uuid": "01", "hostUuid": "h1"}},
		}},
		{"q=uuid=03&fields=name,%20hostUuid", record{"inventories": []any{record{"name": "DB_1"}}}},
		{"q=uuid=04", record{"inventories": []any{record{
			"uuid": "04", "name": "50%", "state": "Destroyed", "cpuNum": int64(2), "createDate": "Jan 2, 2016 9:00:00 AM", "vmNics": []any{},
		}}}},
	} {
		t.Run(test.query, func(t *testing.T) {
			values, err := url.ParseQuery(test.query)
			if err != nil {
				t.Fatal(err)
			}
			got, err := runQuery(values, queryRows(), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is only there to be asked for is never shown, and null is left out.
func TestQueryHidesWhatIsNoInventory(t *testing.T) {
	rows := queryRows()
	rows[0]["hostUuid"] = nil
	result, err := runQuery(url.Values{}, rows, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range result["inventories"].([]any) {
		for key, value := range row.(record) {
			if strings.HasPrefix(key, "__") || value == nil {
				t.Errorf("%s: %v is shown", key, value)
			}
		}
	}
}

// numberedRows are n rows in the order of their UUIDs.
func numberedRows(n int) []record {
	var rows []record
	for i := range n {
		rows = append(rows, record{"uuid": fmt.Sprintf("%032x", i), "name": fmt.Sprintf("vm-%d", i), "cpuNum": int64(1), "state": "Running"})
	}
	return rows
}

func TestQueryDefaultLimitAndOrder(t *testing.T) {
	result, err := runQuery(url.Values{"replyWithCount": {"true"}}, numberedRows(1500), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	uuids := uuidsOf(t, result)
	if len(uuids) != 1000 || result["total"] != int64(1500) {
		t.Errorf("%d rows of %v, want 1000 of 1500", len(uuids), result["total"])
	}
	if slices.IsSorted(uuids) {
		t.Error("without sort the rows are in the order of their UUIDs, which clients would come to rely on")
	}
}

// Pages by key, the only ones that neither skip nor repeat.
func TestQueryPagesByKey(t *testing.T) {
	rows := numberedRows(250)
	var got []string
	last := ""
	for range 10 {
		values := url.Values{"sort": {"uuid"}, "limit": {"100"}}
		if last != "" {
			values.Set("q", "uuid>"+last)
		}
		result, err := runQuery(values, rows, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		page := uuidsOf(t, result)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		last = page[len(page)-1]
	}
	var want []string
	for _, row := range rows {
		want = append(want, text(row, "uuid"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A collection may have no rows, and rows may lack a field all alike: the field
// is there nevertheless.
func TestQueryKnowsFieldsWithoutRows(t *testing.T) {
	for _, test := range []struct{ q, want string }{
		{"hostUuid=x", ""}, {"name=x", ""}, {"bogus=x", "SYS.1000"}, {"__userTag__=x", ""},
	} {
		if got := answerOf(t, url.Values{"q": {test.q}}, nil); got != test.want {
			t.Errorf("%s: got %q, want %q", test.q, got, test.want)
		}
	}
	dc := exampleDatacenter(t)
	for _, test := range []struct{ table, q, want string }{
		{"vm-instances", "lastHostUuid=x", ""},
		{"zones", "lastHostUuid=x", "SYS.1000"},
		{"volumes", "hostUuid=x", "SYS.1000"},
		{"volumes", "volumeQos=x", ""},
		{"vm-instances", "vmNics.l3Network.name=x", ""},
		{"vm-instances", "vmNics.usedIps.ip=x", ""},
		{"images", "backupStorageRefs.installPath=x", ""},
		{"clusters", "zone.name=x", ""},
	} {
		var rows []record
		for _, row := range dc.tables[test.table] {
			rows = append(rows, row)
		}
		if got := answerOf(t, url.Values{"q": {test.q}}, rows); got != test.want {
			t.Errorf("%s of %s: got %q, want %q", test.q, test.table, got, test.want)
		}
	}
}

// The rows of every collection must be told apart, or a query would know the
// fields of another one.
func TestRowClassOfEveryCollection(t *testing.T) {
	dc := exampleDatacenter(t)
	for table, rows := range dc.tables {
		var all []record
		for _, row := range rows {
			all = append(all, row)
		}
		if got := rowClassOf(all).collection; len(all) > 0 && got != table {
			t.Errorf("the rows of %s look like %s", table, got)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"q=name%3Dweb-1", "q=name~%3D%25&sort=-cpuNum&limit=2", "q=a>=b&q=x!=y", "q=vmNics.ip=1&count=true",
		"q=__userTag__!~=a%25b", "q=name=O'Brien", "q=cpuNum>1e999999999", "q=is+null", "q=.=", "fields=,,&sort=+", "start=99999999999999999999",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		rows := queryRows()
		result, err := runQuery(values, rows, time.Time{})
		if diff := cmp.Diff(queryRows(), rows); diff != "" {
			t.Errorf("the query changed the rows: %s", diff)
		}
		if err != nil {
			var failure queryError
			if !errors.As(err, &failure) || failure.details == "" {
				t.Errorf("error %#v is no queryError with details", err)
			}
			return
		}
		if inventories, _ := result["inventories"].([]any); len(inventories) > len(rows) {
			t.Errorf("%d rows of %d", len(inventories), len(rows))
		}
	})
}
