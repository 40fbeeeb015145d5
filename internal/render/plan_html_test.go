package render

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestPlanHTML(t *testing.T) {
	golden(t, "plan-mixed.html", func(w io.Writer) error { return PlanHTML(w, mixedPlan()) })
	golden(t, "diff-one.html", func(w io.Writer) error { return DiffHTML(w, planOf(create(1))) })
}

// TestPlanHTMLIsClosed: whatever a server or a file calls things, the page has
// only elements and attributes of ours, and needs nothing from elsewhere.
func TestPlanHTMLIsClosed(t *testing.T) {
	element := regexp.MustCompile(`<[^>]*>`)
	ours := regexp.MustCompile(`^</?(!DOCTYPE html|html lang="en"|html|head|meta (charset|name)="[a-z0-9-]*"( content="[a-z=,0-9 -]*")?|title|style|body|main|header|footer class="soft"|footer|section|article class="[a-z ]*"|article` +
		`|h[123]( class="[a-z]*")?|p( class="[a-z]*")?|ul( class="[a-z]*")?|li( class="[a-z]*")?|b( class="[a-z]*")?|strong( class="[a-z]*")?|span( class="[a-z ]*")?|div( class="[a-z ]*")?|br|code` +
		`|dl|dt|dd|table|thead|tbody|tr|th|td( class="[a-z]*")?|details( open)?|summary)>$`)
	plans := map[string]func(io.Writer) error{
		"hostile": func(w io.Writer) error { return PlanHTML(w, hostilePlan()) },
		"5000":    func(w io.Writer) error { return PlanHTML(w, plan5000()) },
	}
	for name, write := range plans {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			page := out.String()
			for _, tag := range element.FindAllString(page, -1) {
				if !ours.MatchString(tag) {
					t.Fatalf("the page has %s", tag)
				}
			}
			style, _, _ := strings.Cut(page, "</style>")
			for _, foreign := range []string{"url(", "@import", "@font-face"} {
				if strings.Contains(style, foreign) {
					t.Errorf("the style of the page asks for something with %s", foreign)
				}
			}
		})
	}
}
