package planner_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"testing"

	"zfleet/executor"
	"zfleet/internal/render"
	"zfleet/planner"
)

// FuzzDecode reads what somebody made of a plan file, as it is and with the
// digest and the steps that follow from it.
func FuzzDecode(f *testing.F) {
	whole := planner.RichPlanFile(f)
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte(`"cpu": 2`), []byte(`"cpu": 3`), 1))
	f.Add([]byte(`{"format_version":"1.0","steps":[{"id":"a","verb":"stop","op":{}}]}`))
	f.Add([]byte(`{"format_version":"1.0","changes":[{"action":"create"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) { mayBeUsed(t, data) })
}

// FuzzPlanEdit edits one place of a plan file, or two, and seals it again, so
// that what stands behind the digest is reached.
func FuzzPlanEdit(f *testing.F) {
	whole := planner.RichPlanFile(f)
	places := len(placesOf(tree(f, whole)))
	if places < 300 {
		f.Fatalf("%d places in a plan file: the test tests little", places)
	}
	values := []string{`null`, `""`, `"x"`, `-1`, `70000`, `1e300`, `true`, `[]`, `{}`, `[null]`, `{"":0}`, `"zfleet::staging-k7c1f0e5::key::web/1"`, ""}
	for i := 0; i < places; i += 9 {
		f.Add(uint16(i), values[i%len(values)], uint16(i*7), values[i%3])
	}
	f.Fuzz(func(t *testing.T, at uint16, value string, at2 uint16, value2 string) {
		root := tree(t, whole)
		edit(root, at, value)
		mayBeUsed(t, document(t, root))
		edit(root, at2, value2)
		mayBeUsed(t, document(t, root))
	})
}

// mayBeUsed holds that a plan file is refused, or else says the same when it is
// written again, can be shown in every form and be carried out to its end.
func mayBeUsed(t *testing.T, data []byte) {
	t.Helper()
	files := [][]byte{data}
	if sealed, ok := planner.Sealed(t, data); ok {
		files = append(files, sealed)
	}
	for _, file := range files {
		plan, err := planner.Decode(file)
		if err != nil {
			continue
		}
		again, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := planner.Decode(again); err != nil || back.Digest != plan.Digest {
			t.Fatalf("a plan that was read is not the same when it is written: %v", err)
		}
		for form, render := range map[string]func() error{
			"text":     func() error { return render.PlanText(io.Discard, plan, render.Style{Width: 80}) },
			"markdown": func() error { return render.PlanMarkdown(io.Discard, plan, render.MarkdownOptions{}) },
			"html":     func() error { return render.PlanHTML(io.Discard, plan) },
			"json":     func() error { return render.PlanJSON(io.Discard, plan) },
		} {
			if err := render(); err != nil {
				t.Fatalf("as %s: %v", form, err)
			}
		}
		plan.Touches()
		performs(t, plan)
	}
}

// performs carries a plan out with a driver to which everything succeeds.
func performs(t *testing.T, plan *planner.Plan) {
	t.Helper()
	succeeds := driver(func(context.Context, planner.Step, executor.Recorder) executor.Outcome {
		return executor.Outcome{Status: executor.Succeeded}
	})
	report, err := executor.Run(t.Context(), plan, succeeds, executor.NewJournal(nowhere{}), executor.Options{RunID: "run"})
	if err != nil {
		t.Fatalf("a plan that was read cannot be carried out: %v", err)
	}
	if report.Totals.Succeeded != len(plan.Steps) {
		t.Fatalf("%d of %d steps were done: %+v", report.Totals.Succeeded, len(plan.Steps), report.Totals)
	}
}

type driver func(context.Context, planner.Step, executor.Recorder) executor.Outcome

func (d driver) Perform(ctx context.Context, step planner.Step, rec executor.Recorder) executor.Outcome {
	return d(ctx, step, rec)
}

// nowhere is the file of a journal that nobody reads.
type nowhere struct{}

func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) Sync() error                 { return nil }
func (nowhere) Close() error                { return nil }

func tree(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	return root
}

func document(t testing.TB, root any) []byte {
	t.Helper()
	data, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// place is a member of a document that can be set, or taken out.
type place struct {
	set    func(any)
	remove func()
}

// placesOf lists the places of a document from top to bottom, but for its steps,
// which are derived anew.
func placesOf(root map[string]any) []place {
	var all []place
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if key == "steps" {
					continue
				}
				all = append(all, place{func(x any) { v[key] = x }, func() { delete(v, key) }})
				walk(v[key])
			}
		case []any:
			for i := range v {
				all = append(all, place{func(x any) { v[i] = x }, func() { v[i] = v[0] }})
				walk(v[i])
			}
		}
	}
	walk(root)
	return all
}

// edit sets the place of a number to a value: JSON, or else text; nothing takes
// it out, or doubles another entry of its list.
func edit(root map[string]any, at uint16, value string) {
	places := placesOf(root)
	if len(places) == 0 {
		return
	}
	p := places[int(at)%len(places)]
	var x any
	decoder := json.NewDecoder(bytes.NewReader([]byte(value)))
	decoder.UseNumber()
	switch err := decoder.Decode(&x); {
	case value == "":
		p.remove()
	case err != nil:
		p.set(value)
	default:
		p.set(x)
	}
}
