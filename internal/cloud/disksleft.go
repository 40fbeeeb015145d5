package cloud

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"zfleet/internal/zstack"
	"zfleet/planner"
)

// disksLeft names the data disks that a destroyed VM leaves and that no plan
// will delete, because they lack the fleet's tag: somebody attached them, or a
// create was killed before it tagged them. Nothing proves which, so they stay,
// and the report is the last to know of them.
//
// A VM that was still being made when it was read may have got its disks later:
// those are found by their name.
func (t *task) disksLeft(ctx context.Context, scope planner.Scope, vm zstack.VM) string {
	const unread = "which data disks it leaves could not be read"
	volumes := dataVolumes(vm)
	switch vm.State {
	case stateRunning, stateStopped, statePaused:
	default:
		last, _ := zstack.Where("lastVmInstanceUuid", "=", vm.UUID)
		later, err := zstack.List[zstack.Volume](ctx, t.client, "/volumes", last)
		if err != nil {
			return unread
		}
		for _, v := range later {
			if v.Type == "Data" && v.Name == "DATA-for-"+vm.Name && !slices.ContainsFunc(volumes, func(w zstack.Volume) bool { return w.UUID == v.UUID }) {
				volumes = append(volumes, v)
			}
		}
	}
	if len(volumes) == 0 {
		return ""
	}
	left, err := t.withoutFleetTag(ctx, scope, volumes)
	if err != nil {
		return unread
	}
	return leftText(left)
}

// withoutFleetTag returns those volumes that are still there and are not tagged
// as disks of the fleet.
func (t *task) withoutFleetTag(ctx context.Context, scope planner.Scope, volumes []zstack.Volume) ([]zstack.Volume, error) {
	var uuids []string
	for _, v := range volumes {
		uuids = append(uuids, v.UUID)
	}
	tags, err := listIn[zstack.Tag](ctx, t.client, "/user-tags", "resourceUuid", uuids)
	if err != nil {
		return nil, err
	}
	by := byResource(tags)
	untagged := slices.DeleteFunc(volumes, func(v zstack.Volume) bool {
		return slices.ContainsFunc(by[v.UUID], func(tag zstack.Tag) bool {
			_, _, ok := scope.ParseDiskTag(tag.Tag)
			return ok
		})
	})
	if len(untagged) == 0 {
		return nil, nil
	}
	uuids = nil
	for _, v := range untagged {
		uuids = append(uuids, v.UUID)
	}
	there, err := listIn[zstack.Volume](ctx, t.client, "/volumes", "uuid", uuids)
	there = slices.DeleteFunc(there, func(v zstack.Volume) bool { return v.Status == "Deleted" })
	return sortedVolumes(there), err
}

// leftText is the note about disks that stay, or nothing.
func leftText(left []zstack.Volume) string {
	if len(left) == 0 {
		return ""
	}
	var names []string
	for _, v := range left {
		names = append(names, fmt.Sprintf("%q (%s, %s)", v.Name, sizeText(v.Size), v.UUID))
	}
	return "data disks without a tag of the fleet are kept: " + strings.Join(names, ", ") + "; delete them by hand if nobody needs them"
}

// sizeText writes a size in the largest unit that needs no fraction.
func sizeText(bytes int64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for bytes != 0 && bytes%1024 == 0 && unit < len(units)-1 {
		bytes, unit = bytes/1024, unit+1
	}
	return fmt.Sprintf("%d %s", bytes, units[unit])
}

// joinNotes puts two notes together, of which either may be empty.
func joinNotes(a, b string) string {
	if a == "" || b == "" {
		return cmp.Or(a, b)
	}
	return a + "; " + b
}
