package spec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// mapping reads a map. Keys that stand in the map win over merged ones; of
// merged maps the first one wins.
func (c *composer) mapping(values []*ast.MappingValueNode, at Pos, flow bool) *node {
	m := &node{kind: mapNode, pos: at}
	seen := make(map[string]Pos, len(values))
	type merged struct {
		before int // where in entries they go
		maps   []*node
	}
	var merges []merged
	for _, value := range values {
		name, isMerge, ok := c.key(value.Key)
		if !ok {
			c.value(value.Value)
			continue
		}
		if first, dup := seen[name.text]; dup {
			c.duplicate(name, first, isMerge)
			c.value(value.Value)
			continue
		}
		seen[name.text] = name.pos
		if !flow {
			c.checkIndent(name.pos)
		}
		if isMerge {
			merges = append(merges, merged{len(m.entries), c.mergedMaps(value.Value)})
			continue
		}
		m.entries = append(m.entries, entry{key: name.text, pos: name.pos, value: c.value(value.Value)})
	}
	for _, merge := range merges {
		var added []entry
		for _, from := range merge.maps {
			for _, e := range from.entries {
				if _, own := seen[e.key]; !own {
					seen[e.key] = e.pos
					added = append(added, e)
				}
			}
		}
		m.entries = slices.Insert(m.entries, merge.before, added...)
	}
	return m
}

// checkIndent reports a key of a block that is indented by a tab, which the
// parser lets pass.
func (c *composer) checkIndent(key Pos) {
	line := c.file.lines[key.Line-1]
	if column := tabIndent(line); column > 0 && column <= key.Column {
		c.report(c.file.at(key.Line, column), "yaml-syntax", "a tab is used for indentation", "indent with spaces")
	}
}

// duplicate reports a key that its map has already.
func (c *composer) duplicate(name *node, first Pos, isMerge bool) {
	message, hint := fmt.Sprintf("the key %s stands twice in one map", quote(name.text)), fmt.Sprintf("it stands first at line %d", first.Line)
	if isMerge {
		hint += "; merge several maps with <<: [*a, *b]"
	}
	c.report(name.pos, "duplicate-key", message, hint)
}

// key reads the key of an entry; ok is false where it is no string.
func (c *composer) key(n ast.MapKeyNode) (name *node, isMerge, ok bool) {
	at := c.file.place(valueToken(n))
	switch n := n.(type) {
	case nil:
		return nil, false, false
	case *ast.MergeKeyNode:
		return &node{text: "<<", pos: at}, true, true
	case *ast.MappingKeyNode:
		if inner, isKey := n.Value.(ast.MapKeyNode); isKey {
			return c.key(inner)
		}
		name = c.value(n.Value)
	case ast.Node:
		name = c.value(n)
	}
	name.pos = at
	switch name.kind {
	case stringNode:
		return name, false, true
	case mapNode, listNode:
		c.report(at, "bad-key", fmt.Sprintf("want a string as a key, got %s", name.kind), "write key: value")
	default:
		hint := "put a key before the colon"
		if name.text != "" {
			hint = fmt.Sprintf("put it in quotes: %q", name.text)
		}
		c.report(at, "bad-key", fmt.Sprintf("want a string as a key, got %s", name.kind), hint)
	}
	return nil, false, false
}

// mergedMaps reads the value of a merge key.
func (c *composer) mergedMaps(n ast.Node) []*node {
	before := len(c.problems)
	value := c.value(n)
	reported := len(c.problems) > before
	maps := []*node{value}
	if value.kind == listNode {
		maps = value.items
	}
	for _, m := range maps {
		if m.kind == mapNode || reported {
			continue
		}
		at := c.file.place(valueToken(n))
		c.report(at, "bad-merge", fmt.Sprintf("want a map or a list of maps after <<, got %s", m.kind), "write <<: *name, or <<: [*a, *b]")
	}
	return maps
}

// anchored reads a value and gives it its name.
func (c *composer) anchored(n *ast.AnchorNode) *node {
	name := tokenText(n.Name)
	a := &anchor{open: true}
	c.anchors[name] = a
	value := c.value(n.Value)
	a.value, a.size, a.open = value, value.size(), false
	return value
}

// alias returns a copy of the value that an alias names. Copies are bounded,
// because a few lines of aliases can stand for more values than memory holds.
func (c *composer) alias(n *ast.AliasNode) *node {
	at := c.file.place(n.Start)
	name := tokenText(n.Value)
	nothing := &node{pos: at}
	a := c.anchors[name]
	switch {
	case a == nil:
		c.report(at, "unknown-alias", fmt.Sprintf("no anchor %s stands above", quote("&"+name)), didYouMean(name, slices.Collect(maps.Keys(c.anchors))))
		return nothing
	case a.open:
		c.report(at, "alias-cycle", fmt.Sprintf("the alias %s stands inside of the value it names", quote("*"+name)), "an alias may only name a value that has ended")
		return nothing
	case c.aliased+a.size > maxAliasNodes:
		if c.aliased <= maxAliasNodes {
			c.report(at, "alias-bomb", fmt.Sprintf("aliases stand for more than %d values", maxAliasNodes), "say it with groups and counts")
		}
		c.aliased = maxAliasNodes + 1
		return nothing
	}
	c.aliased += a.size
	return a.value.clone()
}

// tokenText returns the text of a name.
func tokenText(n ast.Node) string {
	if n == nil {
		return ""
	}
	if tk := n.GetToken(); tk != nil {
		return tk.Value
	}
	return ""
}

// size counts the values of a tree.
func (n *node) size() int {
	count := 1
	for _, e := range n.entries {
		count += e.value.size()
	}
	for _, item := range n.items {
		count += item.size()
	}
	return count
}
