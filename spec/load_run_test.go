package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"zfleet/schemas"
)

// TestTemplates: templates lie beside the file that names them, are read once
// and are expanded for every machine; text in the fleet file is left alone.
func TestTemplates(t *testing.T) {
	files := map[string]string{
		filepath.Join("dir", "t", "web.yaml"): "#cloud-config\nhostname: ${instance}-${var.v}\nruncmd: ['echo $${HOME} $x']\n",
	}
	reads := 0
	vars := Variables{
		Values: map[string]string{"v": "${group}"},
		ReadFile: func(name string) ([]byte, error) {
			reads++
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		},
	}
	fleet, found := Load([]Input{
		{Name: filepath.Join("dir", "f.yaml"), Data: []byte(head + `name: demo
id: abcd1234
variables: {v: {}}
defaults: {source: {image: i}, instanceOffering: small, networks: [n]}
machines:
  web: {count: 2, userData: {template: "t/${group}.yaml"}}
  raw: {userData: "#!/bin/sh\necho ${HOME} ${instance} $${x}\n"}
`)},
	}, vars)
	if found.HasErrors() {
		t.Fatal(found)
	}
	var got []string
	for _, m := range fleet.Machines {
		if !m.UserData.Secret {
			t.Errorf("the user data of %s is no secret", m.Key)
		}
		got = append(got, m.UserData.Path+": "+m.UserData.Value)
	}
	want := []string{
		"web/1.userData: #cloud-config\nhostname: 1-${group}\nruncmd: ['echo ${HOME} $x']\n",
		"web/2.userData: #cloud-config\nhostname: 2-${group}\nruncmd: ['echo ${HOME} $x']\n",
		"raw/1.userData: #!/bin/sh\necho ${HOME} ${instance} $${x}\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("user data (-want +got):\n%s", diff)
	}
	if reads != 1 {
		t.Errorf("the template was read %d times", reads)
	}
}

// TestNoFiles: without ReadFile no file can be named.
func TestNoFiles(t *testing.T) {
	_, found := Load(inputs("machines: {web: {source: {image: i}, instanceOffering: s, networks: [n], userData: {template: x}}}"), Variables{})
	if len(found) != 1 || found[0].Code != "bad-file" {
		t.Errorf("findings: %v", found)
	}
}

// TestSecretsStayInside: what a sensitive variable holds shows neither in
// findings nor when a machine is printed.
func TestSecretsStayInside(t *testing.T) {
	fleet, found := Load(inputs(`variables: {s: {sensitive: true}}
machines:
  web:
    source: {image: i}
    instanceOffering: s
    networks: [n]
    consolePassword: ${var.s}
    systemTags: ["vmPriority::${var.s}", plain]
    userData: {template: secret.yaml}
`), Variables{Values: map[string]string{"s": swordfish}, ReadFile: readTemplate})
	if found.HasErrors() {
		t.Fatal(found)
	}
	m := fleet.Machines[0]
	if printed := fmt.Sprintf("%v %+v %#v", m, m, m.SystemTags); strings.Contains(printed, swordfish) {
		t.Errorf("the secret shows in %s", printed)
	}
	if m.ConsolePassword.Value != swordfish || !strings.Contains(m.UserData.Value, swordfish) || m.SystemTags[0].Value != "vmPriority::"+swordfish {
		t.Error("the secret did not reach its fields")
	}
	if m.SystemTags[0].Path != "web/1.systemTags[0]" || m.SystemTags[1].Secret {
		t.Errorf("system tags: %v", m.SystemTags)
	}
}

// TestFindingsInOrder: findings come by file in the order given, then by place.
func TestFindingsInOrder(t *testing.T) {
	_, found := Load([]Input{
		{Name: "z.yaml", Data: []byte(head + "name: demo\nmachines:\n  web: {source: {image: i}, hostname: a_b}\n")},
		{Name: "a.yaml", Data: []byte(head + "id: x\nmachines:\n  web: {count: 2, name: same}\n")},
	}, Variables{})
	var got []string
	for _, d := range found {
		got = append(got, fmt.Sprintf("%v %s", d.Pos, d.Code))
	}
	want := []string{"z.yaml:5:39 bad-hostname", "a.yaml:3:5 bad-id", "a.yaml:5:3 no-offering", "a.yaml:5:3 no-place", "a.yaml:5:25 name-twice"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestUnitsAgreeWithSchema: the schema tells editors and readers which keys are
// choices; layers are merged by the same ones.
func TestUnitsAgreeWithSchema(t *testing.T) {
	var raw struct {
		Definitions map[string]struct {
			Choice [][]string `json:"x-choice"`
		} `json:"definitions"`
	}
	if err := json.Unmarshal(schemas.Fleet, &raw); err != nil {
		t.Fatal(err)
	}
	for definition, path := range map[string][]string{
		"machine": {}, "source": {"source"}, "rootDisk": {"rootDisk"}, "placement": {"placement"}, "userData": {"userData"},
		"qualifiedReference": {"source", "image"},
	} {
		if diff := cmp.Diff(raw.Definitions[definition].Choice, machineUnits(path)); diff != "" {
			t.Errorf("choices of %s (-schema +merging):\n%s", definition, diff)
		}
	}
	if diff := cmp.Diff([][]string{{"count", "omit"}, {"instances"}}, raw.Definitions["group"].Choice); diff != "" {
		t.Errorf("choices of a group (-merging +schema):\n%s", diff)
	}
}

// TestExamplesLoad: the examples have nothing to be said about.
func TestExamplesLoad(t *testing.T) {
	names, _ := filepath.Glob("../examples/*.yaml")
	loaded := 0
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), "kind: Fleet") {
			continue
		}
		if _, found := Load([]Input{{Name: name, Data: data}}, Variables{ReadFile: os.ReadFile}); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
		loaded++
	}
	if loaded == 0 {
		t.Error("no examples")
	}
}

// FuzzLoad: whatever two files hold, Load does not panic, returns a fleet or an
// error, and every place it names is inside of a file it was given.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"../examples/*.yaml", "../examples/broken/*.yaml"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			if data, err := os.ReadFile(name); err == nil {
				f.Add(string(data), "")
			}
		}
	}
	names, _ := filepath.Glob("testdata/mistakes/*.txt")
	for _, name := range names {
		text, _ := os.ReadFile(name)
		for block := range strings.SplitSeq(string(text), "\n=== ") {
			_, rest, _ := strings.Cut(block, "\n")
			fleet, _, _ := strings.Cut(rest, "---\n")
			f.Add(fleet, head+"defaults: {cpu: 1, memory: 1GiB}\nmachines: {web: {instances: {a: {}, b: null}}}\n")
		}
	}
	f.Add(head+"name: demo\nid: abcd1234\n"+everything, head)
	f.Fuzz(func(t *testing.T, first, second string) {
		ins := []Input{{Name: "first", Data: []byte(first)}}
		if second != "" {
			ins = append(ins, Input{Name: "second", Data: []byte(second)})
		}
		fleet, found := Load(ins, Variables{Values: map[string]string{"s": swordfish}, ReadFile: readTemplate})
		if (fleet == nil) != found.HasErrors() {
			t.Fatalf("fleet %v with findings %v", fleet, found)
		}
		files := map[string]string{"first": first, "second": second}
		check := func(what string, at Pos) {
			text, ok := files[at.File]
			lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
			if !ok || at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > utf8.RuneCountInString(lines[at.Line-1])+1 {
				t.Fatalf("%s is at %v, outside of the files", what, at)
			}
		}
		for _, d := range found {
			if d.Code == "" || d.Message == "" || strings.ContainsRune(d.Message, '\n') {
				t.Fatalf("finding %+v", d)
			}
			check(d.Message, d.Pos)
		}
		if fleet == nil {
			return
		}
		keys := make(map[string]bool)
		for i := range fleet.Machines {
			m := &fleet.Machines[i]
			if keys[m.Key] || m.Name == "" || m.Source.Kind == "" || m.Offering == nil && (m.CPU == nil || m.Memory == nil) {
				t.Fatalf("machine %+v", m)
			}
			keys[m.Key] = true
			for field, at := range m.Places {
				check(field, at)
			}
		}
	})
}

// BenchmarkLoad reads a fleet of 5000 machines.
func BenchmarkLoad(b *testing.B) {
	in := inputs("defaults: {source: {image: i}, instanceOffering: s, networks: [n], dataDisks: [{size: 1GiB}]}\nmachines: {web: {count: 5000, name: 'w${index:4}'}}\n")
	for b.Loop() {
		if _, found := Load(in, Variables{}); found.HasErrors() {
			b.Fatal(found)
		}
	}
}
