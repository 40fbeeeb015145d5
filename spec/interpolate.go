package spec

// scope holds what ${fleet}, ${group}, ${instance} and ${index} stand for.
type scope struct {
	fleet, group, instance string
	index                  int // 0: none
}

// expand replaces the names of the scope in all strings of a tree, in place.
func (s scope) expand(n *node) Diagnostics {
	return nil
}
