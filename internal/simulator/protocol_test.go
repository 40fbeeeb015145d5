package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const nowhere = "99999999999949999999999999999999"

func TestPlainTextAnswers(t *testing.T) {
	c := newCloud(t)
	vm := text(c.create(nil), "uuid")
	for name, test := range map[string]struct {
		method, path, body string
		header             [2]string
		status             int
		text               string // that the body contains
	}{
		"no such path":              {"GET", "/nothing", "", [2]string{}, 404, "no api mapping to /nothing"},
		"trailing slash":            {"GET", "/zones/", "", [2]string{}, 404, "no api mapping"},
		"unknown job":               {"GET", "/api-jobs/" + nowhere, "", [2]string{}, 404, "the job has been expired"},
		"job by POST":               {"POST", "/api-jobs/" + nowhere, "", [2]string{}, 405, ""},
		"creation where none is":    {"POST", "/images", `{"params":{"name":"a"}}`, [2]string{}, 500, "No creational API"},
		"deletion where none is":    {"DELETE", "/vm-instances/nics/" + nowhere, "", [2]string{}, 500, "No delete API"},
		"HEAD of a query":           {"HEAD", "/zones", "", [2]string{}, 405, ""},
		"no credentials":            {"GET", "/zones", "", [2]string{"Authorization", ""}, 400, "Authorization"},
		"unknown scheme":            {"GET", "/zones", "", [2]string{"Authorization", "Basic abc"}, 400, "Authorization"},
		"access key without colon":  {"GET", "/zones", "", [2]string{"Authorization", "ZStack abc"}, 400, ""},
		"broken JSON":               {"POST", "/vm-instances", "{", [2]string{}, 500, "JsonSyntaxException"},
		"string for a list":         {"POST", "/vm-instances", `{"params":{"name":"a","l3NetworkUuids":"x"}}`, [2]string{}, 500, "BEGIN_ARRAY"},
		"word for a number":         {"POST", "/vm-instances", `{"params":{"name":"a","cpuNum":"two"}}`, [2]string{}, 400, "cpuNum"},
		"fraction for a number":     {"POST", "/vm-instances", `{"params":{"name":"a","cpuNum":1.5}}`, [2]string{}, 400, "cpuNum"},
		"number too large":          {"POST", "/vm-instances", `{"params":{"name":"a","cpuNum":1e30}}`, [2]string{}, 500, "NumberFormatException"},
		"word for a truth":          {"POST", "/vm-instances", `{"params":{"name":"a","virtio":"yes"}}`, [2]string{}, 400, "virtio"},
		"short job UUID":            {"POST", "/vm-instances", "{}", [2]string{"X-Job-UUID", "abc"}, 400, "X-Job-UUID"},
		"timeout no number":         {"POST", "/vm-instances", "{}", [2]string{"X-API-Timeout", "1h"}, 500, "1h"},
		"unknown action":            {"PUT", "/vm-instances/" + vm + "/actions", `{"fly":{}}`, [2]string{}, 400, "action"},
		"empty action":              {"PUT", "/vm-instances/" + vm + "/actions", "", [2]string{}, 500, ""},
		"no deletion there":         {"DELETE", "/vm-instances", "", [2]string{}, 500, "No delete API found"},
		"HEAD on a shared path":     {"HEAD", "/vm-instances", "", [2]string{}, 405, ""},
		"condition without op":      {"GET", "/zones?q=name", "", [2]string{}, 400, ""},
		"condition without a value": {"GET", "/zones?q=name=", "", [2]string{}, 400, ""},
		"limit no number":           {"GET", "/zones?limit=x", "", [2]string{}, 400, ""},
		"scalar twice":              {"DELETE", "/vm-instances/" + nowhere + "?deleteMode=Permissive&deleteMode=Permissive", "", [2]string{}, 400, "deleteMode"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.request(test.method, test.path, test.body)
			if test.header[0] != "" {
				r.Header.Set(test.header[0], test.header[1])
			}
			a := c.do(r)
			if a.status != test.status || !strings.Contains(a.raw, test.text) {
				t.Errorf("got %d %q, want %d and %q", a.status, a.raw, test.status, test.text)
			}
			if kind := a.header.Get("Content-Type"); kind != "" {
				t.Errorf("Content-Type %q, the server sends none", kind)
			}
		})
	}
}

func TestTypesAreLenient(t *testing.T) {
	c := newCloud(t)
	vm := c.create(record{"instanceOfferingUuid": nil, "cpuNum": "4", "memorySize": json.Number("1073741824.0"), "virtio": "true"})
	if number(vm, "cpuNum") != 4 || number(vm, "memorySize") != 1<<30 {
		t.Errorf("cpu %v, memory %v", vm["cpuNum"], vm["memorySize"])
	}
}

func TestAcceptance(t *testing.T) {
	c := newCloud(t, func(o *Options) { o.Latency = 50 * time.Millisecond })
	r := c.request("POST", "/vm-instances", c.params(nil))
	id := "abcdefabcdefabcdefabcdefabcdefab"
	r.Header.Set("X-Job-UUID", id)
	a := c.do(r)
	want := record{"location": "http://10.0.0.1:8080/zstack/v1/api-jobs/" + id, "apiTimeout": int64(43200000)}
	if diff := cmp.Diff(want, a.body); diff != "" || a.status != 202 {
		t.Fatalf("%d %s", a.status, diff)
	}
	if poll := c.send("GET", "/api-jobs/"+id, ""); poll.status != 202 || poll.raw != "{}" {
		t.Errorf("poll of a running job: %d %s", poll.status, poll.raw)
	}
	r = c.request("POST", "/vm-instances", c.params(nil))
	r.Header.Set("X-Job-UUID", id)
	if again := c.do(r); again.status != 400 || !strings.Contains(again.raw, "Duplicate job uuid") {
		t.Errorf("same job again: %d %s", again.status, again.raw)
	}
	r = c.request("GET", "/zones", "")
	r.Header.Set("X-Job-UUID", id)
	if query := c.do(r); query.status != 200 {
		t.Errorf("query with that id: %d", query.status)
	}
	c.token = "" // polls need no session
	if done := c.wait(id); done.status != 200 || done.body["success"] != nil || done.body["schema"] != nil {
		t.Errorf("result: %d %s", done.status, done.raw)
	}
	r = c.request("GET", "/api-jobs/"+id, "")
	r.Header.Set("X-JSON-Schema", "true")
	if done := c.do(r); done.body["schema"] == nil {
		t.Errorf("no schema: %s", done.raw)
	}
	r = c.request("DELETE", "/vm-instances/"+nowhere, "")
	r.Header.Set("Authorization", "OAuth x")
	r.Header.Set("X-API-Timeout", "90")
	if a := c.do(r); a.body["apiTimeout"] != int64(90000) {
		t.Errorf("timeout: %s", a.raw)
	}
}

func TestRetention(t *testing.T) {
	c := newCloud(t)
	job := jobOf(c.send("POST", "/vm-instances", c.params(nil)))
	c.wait(job)
	c.sim.skew.Store(int64(retention - time.Minute))
	if a := c.send("GET", "/api-jobs/"+job, ""); a.status != 200 {
		t.Errorf("before three hours: %d", a.status)
	}
	c.sim.skew.Store(int64(retention + time.Minute))
	if a := c.send("GET", "/api-jobs/"+job, ""); a.status != 404 {
		t.Errorf("after three hours: %d", a.status)
	}
}

func TestSessions(t *testing.T) {
	c := newCloud(t)
	if a := c.send("PUT", "/accounts/login", `{"logInByAccount":{"accountName":"admin","password":"password"}}`); a.status != 503 || a.codes() != "ID.1000" {
		t.Errorf("password in clear: %d %s", a.status, a.raw)
	}
	valid := func() any { return c.send("GET", "/accounts/sessions/"+c.token+"/valid", "").body["valid"] }
	c.sim.skew.Store(int64(119 * time.Minute))
	if a := c.send("GET", "/zones", ""); a.status != 200 {
		t.Errorf("after 119 minutes: %d", a.status)
	}
	c.sim.skew.Store(int64(238 * time.Minute)) // the call before moved the end
	if a := c.send("GET", "/zones", ""); a.status != 200 {
		t.Errorf("sessions do not slide: %d", a.status)
	}
	c.sim.skew.Store(int64(359 * time.Minute))
	if valid() != false {
		t.Error("valid after two hours without a call")
	}
	if a := c.send("GET", "/zones", ""); a.status != 503 || a.codes() != "ID.1001" {
		t.Errorf("sync call: %d %s", a.status, a.raw)
	}
	if a := c.call("POST", "/vm-instances", c.params(nil)); a.status != 503 || a.codes() != "ID.1001" {
		t.Errorf("async call: %d %s", a.status, a.raw)
	}
	if a := c.call("POST", "/vm-instances", c.params(record{"name": nil})); a.codes() != "SYS.1007" {
		t.Errorf("a bad argument comes before the session: %s", a.raw)
	}
	c.token = c.login("admin")
	if valid() != true {
		t.Error("not valid after the login")
	}
	if a := c.send("DELETE", "/accounts/sessions/"+c.token, ""); a.status != 200 || a.raw != "{}" {
		t.Errorf("logout: %d %s", a.status, a.raw)
	}
	if valid() != false {
		t.Error("valid after the logout")
	}
}

func TestAccessKeys(t *testing.T) {
	c := newCloud(t)
	signed := func(c *testCloud, secret string, at time.Time) *answer {
		r := c.request("GET", "/zones?q=name=shanghai-1", "")
		date := at.Local().Format("Mon, 02 Jan 2006 15:04:05 MST")
		r.Header.Set("Date", date)
		r.Header.Set("Authorization", "ZStack simulatoraccesskey01:"+signatureOf(secret, "GET", date, "/v1/zones"))
		return c.do(r)
	}
	const secret = "simulatorsecretsimulatorsecretsimulator0"
	if a := signed(c, secret, time.Now()); a.status != 200 || len(list(a.body, "inventories")) != 1 {
		t.Errorf("signed: %d %s", a.status, a.raw)
	}
	if a := signed(c, "wrong", time.Now()); a.status != 503 || a.codes() != "ID.1001" {
		t.Errorf("wrong secret: %d %s", a.status, a.raw)
	}
	if a := signed(c, secret, time.Now().Add(-time.Hour)); a.status != 403 || a.raw != "requestTimeTooSkewed" {
		t.Errorf("old date: %d %s", a.status, a.raw)
	}
	open := newCloud(t, func(o *Options) { o.Profile = Open })
	if a := signed(open, secret, time.Now()); a.status != 500 {
		t.Errorf("open build: %d %s", a.status, a.raw)
	}
}

func TestMethodIsIgnoredWhereOneCallOwnsThePath(t *testing.T) {
	c := newCloud(t)
	if a := c.send("GET", "/accounts/sessions/"+c.token, ""); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if a := c.send("GET", "/zones", ""); a.codes() != "ID.1001" {
		t.Errorf("the GET did not log out: %s", a.raw)
	}
	if f := c.sim.Findings(); len(f) != 1 || !strings.Contains(f[0], "LogOut") {
		t.Errorf("findings: %q", f)
	}
	strict := newCloud(t, func(o *Options) { o.Strict = true })
	if a := strict.send("GET", "/accounts/sessions/"+strict.token, ""); a.status != 405 {
		t.Errorf("strict: %d %s", a.status, a.raw)
	}
}

func TestFindings(t *testing.T) {
	c := newCloud(t)
	r := c.request("POST", "/vm-instances", `{"params":{"name":"a","colour":"red"},"tags":[]}`)
	r.Header.Set("X-Trace", "1")
	c.do(r)
	c.send("GET", "/zones?name=x", "")
	want := []string{
		"CreateVmInstance: unknown member tags of the body",
		"CreateVmInstance: unknown parameter colour",
		"GET /zones: unknown query parameter name",
		"POST /vm-instances: unknown header X-Trace",
	}
	got := c.sim.Findings()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	response, err := http.Get(strings.TrimSuffix(c.url, "/zstack/v1") + "/simulator/findings")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var listed struct{ Findings []string }
	if err := json.NewDecoder(response.Body).Decode(&listed); err != nil || len(listed.Findings) != 4 {
		t.Errorf("%v %v", listed, err)
	}
}

func TestEnvelope(t *testing.T) {
	c := newCloud(t)
	vm := c.create(record{"name": "a=b<c>'d'"})
	a := c.send("GET", "/vm-instances/"+text(vm, "uuid"), "")
	if !strings.Contains(a.raw, `a\u003db\u003cc\u003e\u0027d\u0027`) {
		t.Errorf("not escaped: %s", a.raw)
	}
	if a.body["schema"] == nil || strings.Contains(a.raw, "null") {
		t.Errorf("schema or nulls: %s", a.raw)
	}
	if shown := list(a.body, "inventories")[0]; shown["internalId"] != nil || shown["description"] != nil {
		t.Errorf("hidden or absent fields are shown: %v", shown)
	}
	if _, err := time.Parse("Jan 2, 2006 3:04:05 PM", text(vm, "createDate")); err != nil {
		t.Error(err)
	}
	failed := c.call("POST", "/vm-instances", c.params(record{"name": nil}))
	e, _ := failed.body["error"].(record)
	if text(e, "description") != "One or more API argument is invalid" || !strings.Contains(text(e, "details"), "必填") {
		t.Errorf("error: %s", failed.raw)
	}
}

func TestWebHook(t *testing.T) {
	got := make(chan [3]string, 1)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- [3]string{r.Header.Get("X-Job-UUID"), r.Header.Get("X-Job-Success"), string(body)}
	}))
	defer hook.Close()
	c := newCloud(t)
	r := c.request("DELETE", "/vm-instances/"+nowhere, "")
	r.Header.Set("X-Web-Hook", hook.URL)
	job := jobOf(c.do(r))
	if diff := cmp.Diff([3]string{job, "true", "{}"}, <-got); diff != "" {
		t.Error(diff)
	}
}

func TestRestartKeepsTheCloudAndLosesJobs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "cloud.json")
	keep := func(o *Options) { o.StatePath, o.Latency = path, time.Second }
	first := newCloud(t, keep)
	done := jobOf(first.send("DELETE", "/vm-instances/"+nowhere, ""))
	first.wait(done)
	lost := jobOf(first.send("POST", "/vm-instances", first.params(record{"resourceUuid": nowhere})))
	for first.vm(nowhere)["state"] != "Starting" {
		time.Sleep(time.Millisecond)
	}
	legacy := first.id("vm-instances", "legacy-app")
	if err := first.sim.Close(); err != nil {
		t.Fatal(err)
	}
	second := newCloud(t, func(o *Options) { o.StatePath = path })
	if a := second.send("GET", "/api-jobs/"+lost, ""); a.status != 202 {
		t.Errorf("the lost job: %d %s", a.status, a.raw)
	}
	if a := second.send("GET", "/api-jobs/"+done, ""); a.status != 200 {
		t.Errorf("the finished job: %d %s", a.status, a.raw)
	}
	if state := second.vm(nowhere)["state"]; state != "Running" {
		t.Errorf("the VM of the lost job is %v", state)
	}
	second.token = first.token
	if vm := second.vm(legacy); number(vm, "memorySize") != 8<<30 {
		t.Errorf("session or numbers are lost: %v", vm)
	}
	second.ok("DELETE", "/vm-instances/"+nowhere, "")
	second.ok("PUT", "/vm-instances/"+nowhere+"/actions", `{"expungeVmInstance":{}}`)
	if err := second.sim.Close(); err != nil {
		t.Fatal(err)
	}
	if third := newCloud(t, func(o *Options) { o.StatePath = path }); third.vm(nowhere) != nil {
		t.Error("the expunged VM is back")
	}
}

func TestFaults(t *testing.T) {
	faults := func(rules string) func(*Options) {
		return func(o *Options) {
			var err error
			if o.Faults, err = ParseFaults([]byte(rules)); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Run("drops", func(t *testing.T) {
		c := newCloud(t, faults(`
- {operation: CreateVmInstance, nth: 1, fault: drop-before}
- {operation: CreateVmInstance, nth: 2, fault: drop-after}
`))
		for _, made := range []bool{false, true} {
			answer, err := http.DefaultClient.Do(c.request("POST", "/vm-instances", c.params(record{"resourceUuid": nowhere})))
			if err == nil {
				_ = answer.Body.Close()
				t.Fatal("the connection stays")
			}
			for range 50 {
				if c.vm(nowhere) != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if (c.vm(nowhere) != nil) != made {
				t.Errorf("the VM exists: %v, want %v", !made, made)
			}
		}
	})
	t.Run("answers", func(t *testing.T) {
		c := newCloud(t, faults(`
- {operation: CreateVmInstance, times: 1, fault: error, error: {code: SYS.1006, details: no room, cause: {code: PS.1000}}}
- {operation: QueryZone, times: 1, fault: garbage, status: 502, text: bad gateway}
- {operation: QueryHost, times: 1, fault: expire}
- {operation: QueryImage, fault: slow, delay: 30ms}
- {operation: QueryCluster, fault: drip, delay: 10us}
- {operation: QueryL2Network, fault: truncate}
- {operation: CreateDataVolume, fault: garbage-after, status: 504, text: gateway timeout}
`))
		if a := c.call("POST", "/vm-instances", c.params(nil)); a.codes() != "SYS.1006>PS.1000" {
			t.Error(a.raw)
		}
		if a := c.send("GET", "/zones", ""); a.status != 502 || a.raw != "bad gateway" {
			t.Errorf("%d %s", a.status, a.raw)
		}
		begun := time.Now()
		if c.send("GET", "/images", ""); time.Since(begun) < 30*time.Millisecond {
			t.Error("not slow")
		}
		if a := c.send("GET", "/clusters", ""); a.status != 200 || len(a.body["inventories"].([]any)) != 3 {
			t.Errorf("%d %s", a.status, a.raw)
		}
		if a := c.send("GET", "/l2-networks", ""); a.status != 200 || a.body != nil || !strings.HasPrefix(a.raw, `{"inventories":[`) {
			t.Errorf("not cut off: %d %s", a.status, a.raw)
		}
		if a := c.send("POST", "/volumes/data", `{"params":{"name":"late","diskSize":1048576}}`); a.status != 504 || a.raw != "gateway timeout" {
			t.Errorf("%d %s", a.status, a.raw)
		}
		for late := int64(0); late == 0; { // its job is on its way
			late = number(c.send("GET", "/volumes?count=true&q=name=late", "").body, "total")
		}
		if a := c.send("GET", "/hosts", ""); a.codes() != "ID.1001" {
			t.Error(a.raw)
		}
	})
}

// A management server that ends in this moment has begun nothing.
func TestRowComesBeforeTags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cloud.json")
	first := newCloud(t, func(o *Options) { o.StatePath, o.Latency = path, time.Hour })
	body := strings.TrimSuffix(first.params(record{"resourceUuid": nowhere}), "}") + `,"userTags":["a::b"]}`
	first.send("POST", "/vm-instances", body)
	for first.vm(nowhere) == nil {
		time.Sleep(time.Millisecond)
	}
	if vm := first.vm(nowhere); vm["state"] != "Created" || vm["rootVolumeUuid"] != nil {
		t.Errorf("the VM is %v", vm)
	}
	if tags := first.send("GET", "/user-tags?q=resourceUuid="+nowhere, "").body["inventories"].([]any); len(tags) > 0 {
		t.Errorf("it has the tags %v", tags)
	}
	if err := first.sim.Close(); err != nil {
		t.Fatal(err)
	}
	if vm := newCloud(t, func(o *Options) { o.StatePath = path }).vm(nowhere); vm != nil {
		t.Errorf("after the restart there is %v", vm)
	}
}
