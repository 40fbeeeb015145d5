package spec

// parseYAML reads one YAML file as a tree whose root is a map. The tree is nil
// when nothing useful could be read.
func parseYAML(in Input) (*node, Diagnostics) {
	return nil, nil
}
