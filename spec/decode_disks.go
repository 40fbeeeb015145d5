package spec

// rootDisk reads how the root disk is made; nil if nothing is said.
func (d *decoder) rootDisk(n *node) *RootDisk {
	if n == nil || n.kind != mapNode {
		return nil
	}
	return &RootDisk{
		Offering:       d.reference(n.get("offering")),
		Size:           d.size(n.get("size")),
		PrimaryStorage: d.reference(n.get("primaryStorage")),
		SystemTags:     texts(n.get("systemTags")),
	}
}

// dataDisks reads the data disks: nil if absent, empty if empty.
func (d *decoder) dataDisks(n *node) []DataDisk {
	if !isList(n) {
		return nil
	}
	disks := []DataDisk{}
	for _, item := range n.items {
		disks = append(disks, DataDisk{
			Offering:       d.reference(item.get("offering")),
			Size:           d.size(item.get("size")),
			Template:       d.reference(item.get("template")),
			Volume:         d.reference(item.get("volume")),
			Name:           stringOf(item.get("name")),
			PrimaryStorage: d.reference(item.get("primaryStorage")),
			SystemTags:     texts(item.get("systemTags")),
		})
	}
	return disks
}
