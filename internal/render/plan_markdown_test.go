package render

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"zfleet/planner"
	"zfleet/spec"
)

func TestPlanMarkdown(t *testing.T) {
	var many []planner.Change
	for n := 1; n <= 400; n++ {
		many = append(many, create(n))
	}
	keep := planner.Change{Key: "web/1", Name: "web-01", Action: planner.Keep}
	full := MarkdownOptions{Limit: DefaultMarkdownLimit, Full: "zfleet show plan.json"}
	for _, tt := range []struct {
		name string
		plan *planner.Plan
		opts MarkdownOptions
	}{
		{"plan-one", planOf(create(1)), full},
		{"plan-mixed", mixedPlan(), full},
		{"plan-mixed-short", mixedPlan(), MarkdownOptions{Limit: 3300, Full: "zfleet show plan.json"}},
		{"plan-400", planOf(many...), full},
		{"plan-5000", plan5000(), MarkdownOptions{Limit: 12000}},
		{"plan-none", planOf(keep, keep), full},
		{"plan-hostile", hostilePlan(), MarkdownOptions{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, tt.name+".md", func(w io.Writer) error { return PlanMarkdown(w, tt.plan, tt.opts) })
		})
	}
	if err := PlanMarkdown(io.Discard, planOf(), MarkdownOptions{Limit: MinMarkdownLimit - 1}); err == nil {
		t.Error("a limit into which the totals may not fit is not refused")
	}
}

// plan5000 has 5,000 changes, of which the updates and some deletes are all different.
func plan5000() *planner.Plan {
	var changes []planner.Change
	for n := 1; n <= 5000; n++ {
		c := create(n)
		switch {
		case n%50 == 0:
			c = planner.Change{Key: c.Key, Name: c.Name, Action: planner.Delete, UUID: c.UUID, Reason: "not in the fleet file",
				Disks: []planner.DiskFate{{UUID: uid("d15c", n), Name: fmt.Sprintf("data-%d", n), Size: int64(n) << 30}}}
		case n%5 == 0:
			c = planner.Change{Key: c.Key, Name: c.Name, Action: planner.Update, UUID: c.UUID, Reason: "differs in description",
				Differences: []planner.Difference{{Field: "description", Before: strings.Repeat("x", 300), After: fmt.Sprintf("machine %d", n)}}}
		}
		changes = append(changes, c)
	}
	return planOf(changes...)
}

// hostileNames are names that try to be more than names.
var hostileNames = []string{
	"</details><script>alert(1)</script>", "a|b", "`code`", "``", "-->", "<!-- x", "@everyone #1 !2", "[x](javascript:x)",
	"line\nbreak\r\n</details>\n\n# heading", "**bold** _it_ ~~x~~", "\\|", "\\", "x`|`y", "\x1b[31mred", "\u202egnp.exe", "\xff\xfe", "数据库", "", " ", "https://x.y www.z.y",
}

func hostilePlan() *planner.Plan {
	plan := mixedPlan()
	at := 0
	text := func() string { at++; return hostileNames[at%len(hostileNames)] }
	plan.Scope = planner.Scope{Name: "x--><b>", ID: "--"}
	plan.Endpoint, plan.ServerVersion = hostileNames[0], hostileNames[2]
	for i := range plan.Changes {
		c := &plan.Changes[i]
		c.Key, c.Name, c.Reason = "web/"+text(), text(), text()
		c.Notes = []string{text()}
		for j := range c.Differences {
			d := &c.Differences[j]
			d.Field, d.Before, d.After = text(), text(), text()
		}
		for j := range c.Disks {
			c.Disks[j].Name = text()
		}
	}
	plan.Refusals = append(plan.Refusals, planner.Refusal{Code: "x", Message: text(), Hint: text()})
	plan.Copies[0].Name, plan.Copies[0].Key, plan.Copies[0].Why = hostileNames[0], hostileNames[1], hostileNames[8]
	plan.Notes = append(plan.Notes, spec.Diagnostic{Message: hostileNames[8], Hint: hostileNames[0]})
	return plan
}

// TestMarkdownBudget: whatever the plan and the limit, the document fits, is
// valid, and is closed where it was opened.
func TestMarkdownBudget(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		plan := randomPlan(random)
		limit := MinMarkdownLimit + int(random.ExpFloat64()*6000)
		var out bytes.Buffer
		opts := MarkdownOptions{Limit: limit, Full: randomText(random)}
		if err := PlanMarkdown(&out, plan, opts); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if len(text) > limit {
			t.Fatalf("seed %d: %d bytes, the limit is %d", seed, len(text), limit)
		}
		if err := wellFormed(text); err != nil {
			t.Fatalf("seed %d: %v in:\n%s", seed, err, text)
		}
		var whole bytes.Buffer
		if err := PlanMarkdown(&whole, plan, MarkdownOptions{Full: opts.Full}); err != nil {
			t.Fatal(err)
		}
		if err := wellFormed(whole.String()); err != nil {
			t.Fatalf("seed %d: %v in:\n%s", seed, err, whole.String())
		}
		if short := strings.Contains(text, "to stay within"); short != (whole.Len() > limit) {
			t.Fatalf("seed %d: says that something is shortened: %t; the whole has %d bytes, the limit is %d", seed, short, whole.Len(), limit)
		}
		if !strings.HasSuffix(text, PlanSummary(plan.Counts())+"\n") || !strings.HasPrefix(text, "<!-- zfleet plan fleet=") {
			t.Fatalf("seed %d: no marker or no totals in:\n%s", seed, text)
		}
	}
}

// TestMarkdownNamesWhatGoes: however much there is to say, every machine that
// goes is at least named, and the disks that go with those are counted.
func TestMarkdownNamesWhatGoes(t *testing.T) {
	var changes []planner.Change
	for n := range 5000 {
		c := create(n)
		c.Blueprint.CPU = n
		c.Key = fmt.Sprintf("web/%d", 7*n)
		if n%6 == 0 {
			c.Action, c.Disks = planner.Delete, []planner.DiskFate{{Name: fmt.Sprint("data-", n), Size: int64(n+1) << 30}}
		}
		if n%6 == 1 {
			c.Action, c.Disks = planner.Replace, []planner.DiskFate{{Name: fmt.Sprint("data-", n), Size: int64(n+1) << 30}}
			c.Differences = []planner.Difference{{Field: "source.image", Before: fmt.Sprint("image-", n), After: "centos", ForcesReplace: true}}
		}
		changes = append(changes, c)
	}
	var out bytes.Buffer
	if err := PlanMarkdown(&out, planOf(changes...), MarkdownOptions{Limit: DefaultMarkdownLimit}); err != nil {
		t.Fatal(err)
	}
	if out.Len() > DefaultMarkdownLimit {
		t.Errorf("%d bytes", out.Len())
	}
	words := make(map[string]bool)
	for _, word := range strings.FieldsFunc(out.String(), func(r rune) bool { return strings.ContainsRune("`, \n", r) }) {
		words[word] = true
	}
	for _, c := range changes {
		if c.Action != planner.Create && !words[c.Key] {
			t.Fatalf("%s goes, and nothing says so", c.Key)
		}
	}
	if !strings.Contains(out.String(), "1668 data disks will be deleted") {
		t.Error("the disks that go are not counted")
	}
}

// TestMarkdownFoldsWhatGoes: machines that go for the same reason are told of
// together, whatever comes in their place, and named all the same.
func TestMarkdownFoldsWhatGoes(t *testing.T) {
	var changes []planner.Change
	for n := range 1500 {
		c := create(n)
		c.Key, c.Blueprint.CPU = fmt.Sprintf("web/%d", n), n
		c.Action = planner.Replace
		c.Differences = []planner.Difference{{Field: "cpu", Before: "1", After: fmt.Sprint(n)}, {Field: "source.image", Before: "old", After: "new", ForcesReplace: true}}
		if n%3 == 0 {
			c.Key, c.Action, c.Differences, c.Reason = fmt.Sprintf("old/%d", n), planner.Delete, nil, "not in the fleet file"
		}
		changes = append(changes, c)
	}
	var out bytes.Buffer
	if err := PlanMarkdown(&out, planOf(changes...), MarkdownOptions{Limit: 40000}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, c := range changes {
		if !regexp.MustCompile("[ `]" + c.Key + "[,`]").MatchString(text) {
			t.Fatalf("%s goes, and nothing says so", c.Key)
		}
	}
	if got := strings.Count(text, "`source.image`: `old` → `new`"); got != 1 {
		t.Errorf("the one difference that forces all replacements is told %d times", got)
	}
	for _, part := range []string{"machines to delete", "machines to replace"} {
		if _, note, _ := strings.Cut(text, "**Left out"); strings.Contains(note, part) {
			t.Errorf("%s are left out: %s", part, note)
		}
	}
}

func randomText(random *rand.Rand) string {
	text := hostileNames[random.IntN(len(hostileNames))]
	switch random.IntN(4) {
	case 0:
		return strings.Repeat(text, random.IntN(200))
	case 1:
		return text + fmt.Sprint(random.IntN(5))
	case 2:
		return "plain words"
	}
	return text
}

func randomPlan(random *rand.Rand) *planner.Plan {
	plan := &planner.Plan{Scope: planner.Scope{Name: randomText(random), ID: randomText(random)},
		Endpoint: randomText(random), ServerVersion: randomText(random),
		DeletionPolicy: [...]string{"", "Delay", "Direct"}[random.IntN(3)]}
	actions := []planner.Action{planner.Create, planner.Update, planner.Replace, planner.Delete, planner.Keep, planner.Blocked}
	for n := range random.IntN(60) {
		c := create(n)
		c.Action, c.Key, c.Reason = actions[random.IntN(len(actions))], randomText(random), randomText(random)
		for range random.IntN(3) {
			c.Differences = append(c.Differences, planner.Difference{Field: randomText(random), Before: randomText(random), After: randomText(random), NeedsStop: random.IntN(2) == 0})
			c.Notes = append(c.Notes, randomText(random))
			c.Disks = append(c.Disks, planner.DiskFate{Name: randomText(random), Size: random.Int64N(1 << 40)})
		}
		plan.Changes = append(plan.Changes, c)
	}
	for range random.IntN(5) {
		plan.Refusals = append(plan.Refusals, planner.Refusal{Code: randomText(random), Message: randomText(random), Hint: randomText(random)})
		plan.Notes = append(plan.Notes, spec.Diagnostic{Code: randomText(random), Message: randomText(random), Hint: randomText(random)})
		plan.Copies = append(plan.Copies, planner.Copy{Name: randomText(random), Key: randomText(random), Why: randomText(random)})
		plan.References = append(plan.References, planner.Binding{Kind: "image", Ref: randomText(random), Name: randomText(random)})
	}
	return plan
}

// wellFormed reports text outside code spans that could be HTML of somebody
// else's, code spans that do not end, and folds that are not closed.
func wellFormed(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("not valid UTF-8")
	}
	depth := 0
	for i, line := range strings.Split(text, "\n") {
		switch line {
		case "<details>", "<details open>":
			depth++
		case "</details>":
			depth--
		}
		if depth < 0 {
			return fmt.Errorf("line %d closes what is not open", i+1)
		}
		rest, ok := withoutCode(line)
		if !ok {
			return fmt.Errorf("line %d: a code span does not end: %s", i+1, line)
		}
		for _, tag := range []string{"<details>", "<details open>", "</details>", "<summary>", "</summary>", "<br>", "<code>", "</code>"} {
			rest = strings.ReplaceAll(rest, tag, "")
		}
		if i > 0 && strings.ContainsAny(rest, "<>@") {
			return fmt.Errorf("line %d holds foreign markup: %s", i+1, line)
		}
		if strings.TrimSpace(line) == "-" {
			return fmt.Errorf("line %d is an empty item, which makes a heading of the line before", i+1)
		}
		if strings.HasPrefix(line, "| ") && strings.Count(line, "|") != strings.Count(rest, "|") {
			return fmt.Errorf("line %d has pipes within a cell: %s", i+1, line)
		}
	}
	if depth != 0 {
		return fmt.Errorf("%d folds are not closed", depth)
	}
	return nil
}

// withoutCode takes the code spans out of a line, as CommonMark finds them.
func withoutCode(line string) (rest string, ok bool) {
	for line != "" {
		open := strings.IndexByte(line, '`')
		if open < 0 {
			break
		}
		rest += line[:open]
		line = line[open:]
		fence := len(line) - len(strings.TrimLeft(line, "`"))
		line = line[fence:]
		if fence > 80 { // which no implementation of GitHub's takes for a fence
			continue
		}
		for {
			end := strings.IndexByte(line, '`')
			if end < 0 {
				return rest, false
			}
			run := len(line[end:]) - len(strings.TrimLeft(line[end:], "`"))
			line = line[end+run:]
			if run == fence {
				break
			}
		}
	}
	return rest + line, true
}
