package spec

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// templates reads the files that user data comes from, each once, and replaces
// the variables in them.
type templates struct {
	read      func(name string) ([]byte, error)
	variables variableSet
	known     map[string]*node  // by path; nil where reading failed
	checked   map[string]string // what is wrong with a text, see yamlProblem
}

// load returns the template that a node names, relative to the directory of the
// file that the node stands in. It returns nil when there is no such file, and
// reports why.
func (t *templates) load(named *node, r *reporter) *node {
	path := named.text
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(named.pos.File), path)
	}
	if tree, ok := t.known[path]; ok {
		return tree.clone()
	}
	tree, problem := t.parse(named, path)
	t.known[path] = tree
	if problem != nil {
		r.add(*problem, "")
		return nil
	}
	for _, d := range t.variables.substitute(tree) {
		r.add(inTemplate(d, named), d.Message)
	}
	return tree.clone()
}

// parse reads a template as one string.
func (t *templates) parse(named *node, path string) (*node, *Diagnostic) {
	bad := Diagnostic{Pos: named.pos, Code: "bad-file"}
	if t.read == nil {
		bad.Message = "user data cannot come from a file here"
		bad.Hint = "write the text itself"
		return nil, &bad
	}
	data, err := t.read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		bad.Message = "there is no file " + quote(path)
		bad.Hint = "the path is relative to the directory of the fleet file"
	case err != nil:
		bad.Message = "the file " + quote(path) + " cannot be read: " + withoutPath(err)
	default:
		text := string(data)
		start := Pos{File: path, Line: 1, Column: 1}
		return &node{kind: stringNode, text: text, pos: start, dollars: dollarPlaces(text, start)}, nil
	}
	return nil, &bad
}

// inTemplate moves a finding about a template's text to where the template is
// named: the template is no fleet file, so no excerpt can be shown of it.
func inTemplate(d Diagnostic, named *node) Diagnostic {
	d.Message += ", at " + d.Pos.String()
	d.Pos = named.pos
	return d
}

// withoutPath returns what is wrong with a file, without saying its path again.
func withoutPath(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// dollarPlaces returns the place of every "${" in a text that begins at start.
func dollarPlaces(text string, start Pos) []Pos {
	var places []Pos
	at := start
	for i, r := range text {
		if strings.HasPrefix(text[i:], "${") {
			places = append(places, at)
		}
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
	}
	return places
}

// userData reads user data: a text as it stands, or a template.
func (d *decoder) userData(n *node) *Text {
	if n == nil {
		return nil
	}
	if isString(n) {
		d.checkUserData(n.text, n)
		return d.secret(n.text, "userData")
	}
	named := n.get("template")
	if !isString(named) {
		d.missing(Diagnostic{Pos: n.pos, Code: "empty-user-data", Message: "the user data names no template",
			Hint: "write the text itself, or {template: FILE} for a file in which ${...} is replaced"})
		return nil
	}
	tree := d.files.load(named, d.reporter)
	if tree == nil {
		return nil
	}
	for _, problem := range d.scope.expand(tree) {
		d.add(inTemplate(problem, named), problem.Message)
	}
	d.checkUserData(tree.text, named)
	return d.secret(tree.text, "userData")
}
