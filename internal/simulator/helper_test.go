package simulator

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// A testCloud is a simulator over real HTTP, and a session on it.
type testCloud struct {
	*testing.T
	sim   *Server
	url   string // up to /zstack/v1
	token string
}

func newCloud(t *testing.T, change ...func(*Options)) *testCloud {
	t.Helper()
	data, err := os.ReadFile("../../examples/datacenter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Datacenter: data}
	for _, f := range change {
		f(&options)
	}
	sim, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &testCloud{T: t, sim: sim, url: server.URL + "/zstack/v1"}
	c.token = c.login("admin")
	return c
}

// login returns a session of an account whose password is "password".
func (c *testCloud) login(account string) string {
	c.Helper()
	sum := sha512.Sum512([]byte("password"))
	a := c.send("PUT", "/accounts/login", `{"logInByAccount":{"accountName":"`+account+`","password":"`+hex.EncodeToString(sum[:])+`"}}`)
	if a.status != http.StatusOK {
		c.Fatalf("login: %d %s", a.status, a.raw)
	}
	return text(a.inventory(), "uuid")
}

// as returns the same cloud with a session of another account.
func (c *testCloud) as(account string) *testCloud {
	other := *c
	other.token = c.login(account)
	return &other
}

// An answer is what the server said.
type answer struct {
	status int
	raw    string
	header http.Header
	body   record
}

func (a *answer) inventory() record {
	r, _ := a.body["inventory"].(record)
	return r
}

// codes returns the code of the error and those of its causes, joined by ">".
func (a *answer) codes() string {
	var codes []string
	for e, _ := a.body["error"].(record); e != nil; e, _ = e["cause"].(record) {
		codes = append(codes, text(e, "code"))
	}
	return strings.Join(codes, ">")
}

func (c *testCloud) request(method, path, body string) *http.Request {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "OAuth "+c.token)
	}
	return r
}

func (c *testCloud) do(r *http.Request) *answer {
	c.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	a := &answer{status: response.StatusCode, raw: string(data), header: response.Header}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if decoder.Decode(&a.body) == nil {
		a.body, _ = exactNumbers(a.body).(record)
	}
	return a
}

// send makes one request and returns its answer.
func (c *testCloud) send(method, path, body string) *answer {
	c.Helper()
	return c.do(c.request(method, path, body))
}

// call makes a request and polls its job to the end.
func (c *testCloud) call(method, path, body string) *answer {
	c.Helper()
	a := c.send(method, path, body)
	if a.status != http.StatusAccepted {
		c.Fatalf("%s %s: %d %s, want 202", method, path, a.status, a.raw)
	}
	return c.wait(jobOf(a))
}

func jobOf(a *answer) string {
	location := text(a.body, "location")
	return location[strings.LastIndexByte(location, '/')+1:]
}

func (c *testCloud) wait(job string) *answer {
	c.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if a := c.send("GET", "/api-jobs/"+job, ""); a.status != http.StatusAccepted {
			return a
		}
	}
	c.Fatalf("job %s does not end", job)
	return nil
}

// ok is call for what must succeed.
func (c *testCloud) ok(method, path, body string) *answer {
	c.Helper()
	a := c.call(method, path, body)
	if a.status != http.StatusOK {
		c.Fatalf("%s %s %s: %d %s", method, path, body, a.status, a.raw)
	}
	return a
}

// id returns the UUID of the row with that name.
func (c *testCloud) id(table, name string) string {
	c.Helper()
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	for uuid, row := range c.sim.store.Tables[table] {
		if text(row, "name") == name {
			return uuid
		}
	}
	c.Fatalf("no %s in %s", name, table)
	return ""
}

// alter changes fields of a row behind the server's back.
func (c *testCloud) alter(table, name string, fields record) {
	c.Helper()
	uuid := c.id(table, name)
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	for key, value := range fields {
		c.sim.store.Tables[table][uuid][key] = value
	}
}

// params returns the body of a POST: basic members of a creation, with fields
// replaced, and left out where nil.
func (c *testCloud) params(fields record) string {
	c.Helper()
	params := record{
		"name":                 "web",
		"instanceOfferingUuid": c.id("instance-offerings", "small"),
		"imageUuid":            c.id("images", "centos-7.9"),
		"l3NetworkUuids":       []any{c.id("l3-networks", "app-net")},
	}
	body := record{"params": params}
	for key, value := range fields {
		switch {
		case key == "systemTags" || key == "userTags":
			body[key] = value
		case value == nil:
			delete(params, key)
		default:
			params[key] = value
		}
	}
	data, err := json.Marshal(body)
	if err != nil {
		c.Fatal(err)
	}
	return string(data)
}

// create makes a VM and returns it.
func (c *testCloud) create(fields record) record {
	c.Helper()
	return c.ok("POST", "/vm-instances", c.params(fields)).inventory()
}

// vm returns the VM as a query shows it, nil when there is none.
func (c *testCloud) vm(uuid string) record {
	c.Helper()
	found := list(c.send("GET", "/vm-instances/"+uuid, "").body, "inventories")
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// signatureOf signs a request by the documented rule, apart from the server's
// own code: method, date and path on three lines.
func signatureOf(secret, method, date, path string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(strings.Join([]string{method, date, path}, "\n")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
