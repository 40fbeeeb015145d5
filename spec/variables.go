package spec

// variableSet holds the variables of a run with their final values.
type variableSet map[string]*node

// readVariables ranks the values of the declared variables.
func readVariables(root *node, vars Variables) (variableSet, Diagnostics) {
	return nil, nil
}

// substitute replaces ${var.x} in all strings of a tree, in place.
func (v variableSet) substitute(n *node) Diagnostics {
	return nil
}
