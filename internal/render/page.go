package render

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.css.tmpl
var pageStyle string

// writePage fills a template into a page that needs nothing else: no script, no
// font, no image, nothing from a network. Pages follow the reader's choice of a
// light or dark screen and print well. All that data holds is text; escaping is
// the template's work.
func writePage(w io.Writer, what, page string, data any) error {
	t, err := template.New(what).Parse(pageStyle)
	if err == nil {
		t, err = t.Parse(page)
	}
	if err != nil {
		return fmt.Errorf("%s as HTML: %w", what, err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, data); err != nil {
		return fmt.Errorf("%s as HTML: %w", what, err)
	}
	_, err = w.Write(text.Bytes())
	return err
}
