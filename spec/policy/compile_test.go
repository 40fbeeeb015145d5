package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProblems compares what is said about expressions that are not sound:
// "offset: message (hint; word)".
func TestProblems(t *testing.T) {
	for text, want := range map[string]string{
		`plan.deletez > 0`:                                     `5: plan has no field "deletez" (deletez)`,
		`plan . deletez > 0`:                                   `7: plan has no field "deletez" (deletez)`,
		"plan.deletes > 0 &&\n  fleet.nam == ''":               `28: fleet has no field "nam" (nam)`,
		`change.key == "中文" && plan.x`:                         `27: plan has no field "x" (x)`,
		`change.machine.rootDisk.sice > 1`:                     `24: disk has no field "sice" (sice)`,
		`change.differences[0].fild == ""`:                     `22: difference has no field "fild" (fild)`,
		`plan.changes.exists(c, c.kye == "a")`:                 `25: change has no field "kye" (kye)`,
		`plan.changes.filter(c, c.stops).all(d, d.kye == "a")`: `41: change has no field "kye" (kye)`,
		`change.machine.tags.exists(t, t.foo == 1)`:            `32: string has no fields`,
		`chnge.key == ""`:                                      `0: "chnge" is not known here (chnge)`,
		`change.action == create`:                              `17: "create" is not known here (put texts in quotes: "create")`,
		`var.x == 1`:                                           `0: "var" is a reserved word (policies see the plan, and no variables of the fleet file)`,
		`plan.changes.exist(c, true)`:                          `13: there is no function "exist" (exist)`,
		`strtsWith(change.key)`:                                `0: there is no function "strtsWith" (strtsWith)`,
		`dyn(1) == 1`:                                          `0: there is no function "dyn" (dyn)`,
		`timestamp("2020-01-01T00:00:00Z") == timestamp("")`:   `0: there is no function "timestamp" (timestamp)` + "\n" + `37: there is no function "timestamp" (timestamp)`,
		`now() == 1`:                                           `0: there is no function "now" (now)`,
		`plan.changes.all(c)`:                                  `13: all does not go with that (write list.all(x, CONDITION), exists, exists_one, filter or map alike, or has(a.b))`,
		`plan.deletes == "a"`:                                  `13: == does not go with int and string (write numbers without quotes and texts with, or use string(…) or int(…))`,
		`change.machine.memory > 1.5`:                          `22: > does not go with int and double (make them alike with int(…) or double(…))`,
		`!plan.deletes`:                                        `0: ! does not go with int`,
		`size(plan) > 1`:                                       `4: size does not go with plan`,
		`plan["deletes"] > 1`:                                  `4: plan has no items to be had by [string] (fields are had by a dot)`,
		`plan.deletes > 0 || fleet.name`:                       `20: want bool, got string`,
		`plan.deletes`:                                         `0: want an expression that is true or false, got int (compare it with something, such as > 0)`,
		`[1, "a"] == []`:                                       `4: want int, got string`,
		`plan.deletes >`:                                       `14: the expression ends too early`,
		``:                                                     `0: the expression is empty (policies are written in CEL, such as plan.deletes > 0)`,
		`true and false`:                                       `5: "and" is not expected here (write &&)`,
		`not true`:                                             `4: "true" is not expected here (write ! for not)`,
		`change.key = "a"`:                                     `11: "=" means nothing here (write == to compare)`,
		`change.key == "abc`:                                   `14: the text that begins here has no end`,
		"change.key == 'abc\n  && plan.deletes > 0":            `14: the text that begins here has no end`,
		`plan.deletes > 0 # more`:                              `17: "#" means nothing here (comments inside of an expression begin with //)`,
		`if (true)`:                                            `0: "if" is a reserved word`,
		`change.key.matches("(")`:                              "19: the pattern is no regular expression: missing closing ): `(` (patterns are those of RE2; a backslash is written \\\\, or the text as r\"…\")",
		`change.key.matches("(a{30}){30}")`:                    `19: the regular expression is too large (use smaller repeat counts)`,
		`change.key.matches(change.name)`:                      `19: the pattern of matches is not a text in quotes (write the pattern itself, or use contains, startsWith or endsWith)`,
		`policy.Change{key: "a"}.key == "a"`:                   `13: a policy cannot make a value of type change (compare its fields one by one)`,
		`plan.changes.all(a, plan.changes.all(b, plan.changes.all(c, true)))`: `56: more than 2 loops are inside of each other (split the policy)`,
		strings.Repeat("(", 60) + "true" + strings.Repeat(")", 60):            `0: parts of the expression nest deeper than 50 levels (split the policy)`,
		"true" + strings.Repeat("||true", 600):                                `0: the expression has more than 1000 parts (split the policy)`,
		`true || "` + strings.Repeat("x", 4000) + `" == ""`:                   `0: the expression has 4016 characters (use at most 4000; several policies may say it)`,
	} {
		condition, problems := Compile(text, "")
		if condition != nil {
			t.Errorf("%.80s: sound", text)
		}
		var lines []string
		for _, p := range problems {
			line := fmt.Sprintf("%d: %s", p.Offset, p.Message)
			if more := p.Hint + p.Word; more != "" {
				line += " (" + more + ")"
			}
			lines = append(lines, line)
		}
		if d := cmp.Diff(strings.TrimSpace(want), strings.Join(lines, "\n")); d != "" {
			t.Errorf("%.80s (-want +got):\n%s", text, d)
		}
	}
}

func TestOver(t *testing.T) {
	for text, want := range map[string]Over{
		`plan.deletes > 0`: OverPlan,
		`change.action == "delete" || plan.deletes > 0`: OverChange,
		`plan.changes.exists(change, change.stops)`:     OverPlan,
		`true`: OverPlan,
	} {
		condition, problems := Compile(text, "")
		if problems != nil || condition.Over() != want {
			t.Errorf("%s: %v, %v", text, condition, problems)
		}
	}
	_, problems := Compile(`change.stops`, OverPlan)
	want := []Problem{{Message: `"change" is not known here`, Hint: "write over: change to ask it of each change, or look into plan.changes"}}
	if d := cmp.Diff(want, problems); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if condition, problems := Compile(`plan.deletes > 0`, OverChange); problems != nil || condition.Over() != OverChange {
		t.Errorf("over change: %v", problems)
	}
}

// TestLanguageIsClosed holds what conditions can call. A function more is a
// decision: it must be free of clocks, chance and effects, and its work counted.
func TestLanguageIsClosed(t *testing.T) {
	for _, over := range []Over{OverPlan, OverChange} {
		env, err := environment(over)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range env.Functions() {
			names = append(names, name)
		}
		if len(names) != len(functions) {
			t.Errorf("%d functions, want the %d that are listed: %v", len(names), len(functions), names)
		}
		for _, name := range functions {
			if env.Functions()[name] == nil {
				t.Errorf("no function %q", name)
			}
		}
	}
}

func FuzzCondition(f *testing.F) {
	for text := range hostile() {
		f.Add(hostile()[text])
	}
	for _, text := range []string{
		`plan.deletes > 0 && fleet.name == "prod"`, `change.machine.networks[0] == "a"`, `change.key.matches("^(a|b)*$")`,
		`{"a": [1]}.a[0] + 1 == 2 ? true : has(change.machine.rootDisk)`, `plan.changes.map(c, c.key).exists_one(k, k in ["a"])`, "'", `"\u4e2d" < b'\x00'`,
	} {
		f.Add(text)
	}
	s := scene(3)
	f.Fuzz(func(t *testing.T, text string) {
		condition, problems := Compile(text, "")
		if (condition == nil) == (problems == nil) {
			t.Fatalf("condition %v, problems %v", condition, problems)
		}
		for _, p := range problems {
			if p.Offset < 0 || p.Offset > len([]rune(text)) || p.Message == "" || strings.Contains(p.Message, "\n") {
				t.Errorf("problem %+v of %q", p, text)
			}
		}
		if condition == nil {
			return
		}
		first, again := condition.Judge(s), condition.Judge(s)
		if fmt.Sprint(first) != fmt.Sprint(again) {
			t.Errorf("%q: %+v, then %+v", text, first, again)
		}
		if first.Err != nil && strings.Contains(first.Err.Error(), "internal error") {
			t.Errorf("%q: %v", text, first.Err)
		}
	})
}
