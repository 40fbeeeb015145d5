package spec

import "slices"

// mergeNodes lays over on base and returns a tree that shares nothing with
// either. Maps merge deeply, anything else of over replaces what base has, and
// null unsets it: the key stays with a null value, so that a later layer or a
// check still knows that the author said so.
//
// The units of the map at a path are the arms of its exclusive choices, such as
// {{"instanceOffering"}, {"cpu", "memory"}}: where over names a key of one arm,
// the keys that base has of the other arms are dropped. {{"*"}} makes the whole
// map one value. A nil units means that no map has any.
func mergeNodes(base, over *node, units func(path []string) [][]string) *node {
	return mergeAt(nil, base, over, units)
}

func mergeAt(path []string, base, over *node, units func([]string) [][]string) *node {
	switch {
	case over == nil:
		return base.clone()
	case base == nil || base.kind != mapNode || over.kind != mapNode:
		return over.clone()
	}
	var arms [][]string
	if units != nil {
		arms = units(path)
	}
	if len(arms) == 1 && slices.Equal(arms[0], []string{"*"}) {
		return over.clone()
	}
	merged := &node{kind: mapNode, pos: over.pos}
	dropped := droppedKeys(arms, over)
	for _, e := range base.entries {
		said, again := over.lookup(e.key)
		switch {
		case again:
			e.pos = said.pos
			e.value = mergeAt(append(slices.Clone(path), e.key), e.value, said.value, units)
		case slices.Contains(dropped, e.key):
			continue
		default:
			e.value = e.value.clone()
		}
		merged.entries = append(merged.entries, e)
	}
	for _, e := range over.entries {
		if _, had := base.lookup(e.key); !had {
			e.value = e.value.clone()
			merged.entries = append(merged.entries, e)
		}
	}
	return merged
}

// droppedKeys lists the keys of the arms that over does not choose. Unsetting a
// key by null chooses nothing.
func droppedKeys(arms [][]string, over *node) []string {
	chosen := func(arm []string) bool {
		return slices.ContainsFunc(arm, func(key string) bool {
			value := over.get(key)
			return value != nil && value.kind != nullNode
		})
	}
	if !slices.ContainsFunc(arms, chosen) {
		return nil
	}
	var dropped []string
	for _, arm := range arms {
		if !chosen(arm) {
			dropped = append(dropped, arm...)
		}
	}
	return dropped
}
