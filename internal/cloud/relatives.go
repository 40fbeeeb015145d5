package cloud

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"zfleet/internal/zstack"
	"zfleet/planner"
)

// relatives finds the live machines of fleets that share the name or the id
// with this one. A fleet that has machines of its own is not asked about: it
// was not renamed.
func (r *reader) relatives(ctx context.Context) ([]planner.Relative, error) {
	for _, vm := range r.vms {
		if !gone(vm.State) {
			return nil, nil
		}
	}
	scopes := make(map[string]planner.Scope) // by VM
	for _, pattern := range []string{
		planner.TagNamespace + r.scope.Name + "-%::key::%",
		planner.TagNamespace + "%-" + r.scope.ID + "::key::%",
	} {
		ofType, _ := zstack.Where("resourceType", "=", typeVM)
		like, ok := zstack.Where("tag", "~=", pattern)
		if !ok {
			continue
		}
		tags, err := zstack.List[zstack.Tag](ctx, r.client, "/user-tags", ofType, like)
		if err != nil {
			return nil, err
		}
		for _, tag := range tags {
			scope, ok := planner.ScopeOfTag(tag.Tag)
			if ok && scope != r.scope && (scope.Name == r.scope.Name || scope.ID == r.scope.ID) {
				scopes[tag.ResourceUUID] = scope
			}
		}
	}
	vms, err := listIn[zstack.VM](ctx, r.client, "/vm-instances", "uuid", slices.Collect(maps.Keys(scopes)))
	if err != nil {
		return nil, err
	}
	count := make(map[planner.Scope]int)
	for _, vm := range vms {
		if !gone(vm.State) {
			count[scopes[vm.UUID]]++
		}
	}
	var relatives []planner.Relative
	for scope, machines := range count {
		relatives = append(relatives, planner.Relative{Scope: scope, Machines: machines})
	}
	slices.SortFunc(relatives, func(a, b planner.Relative) int { return cmp.Compare(a.Scope.String(), b.Scope.String()) })
	return relatives, nil
}
