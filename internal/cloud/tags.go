package cloud

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// Types of tagged resources, as the server calls them.
const (
	typeVM     = "VmInstanceVO"
	typeVolume = "VolumeVO"
)

// tagBody is the body of the calls that set tags.
type tagBody struct {
	Params tagParams `json:"params"`
}

type tagParams struct {
	ResourceType  string   `json:"resourceType,omitempty"`
	ResourceUUID  string   `json:"resourceUuid,omitempty"`
	Tag           string   `json:"tag,omitempty"`
	ResourceUUIDs []string `json:"resourceUuids,omitempty"`
}

func withPrefix(tags []zstack.Tag, prefix string) []zstack.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(tag zstack.Tag) bool { return !strings.HasPrefix(tag.Tag, prefix) })
}

// userTag puts a user tag on a resource that may have it already: a second one
// is an error to the server.
func (t *task) userTag(ctx context.Context, resourceType, uuid, text string) executor.Outcome {
	there := func(ctx context.Context) (bool, error) {
		tags, err := t.userTags(ctx, uuid)
		return hasTag(tags, text), err
	}
	already, err := there(ctx)
	if err != nil {
		return t.readFailed(err)
	}
	if already {
		return t.already("was already tagged")
	}
	return t.edit(ctx, zstack.Call{
		Operation: "CreateUserTag",
		Method:    http.MethodPost,
		Path:      "/user-tags",
		Body:      tagBody{tagParams{ResourceType: resourceType, ResourceUUID: uuid, Tag: text}},
	}, there)
}

func (t *task) addTag(ctx context.Context, op planner.AddTag) executor.Outcome {
	t.rec.Phase("tagging")
	return t.userTag(ctx, typeVM, t.step.UUID, op.Tag)
}

// removeTag takes a user tag off the VM. It is found by its text: its own UUID
// may have changed since the plan was made.
func (t *task) removeTag(ctx context.Context, op planner.RemoveTag) executor.Outcome {
	if t.scope.IsRestartTag(op.Tag) {
		return t.removeRestartTag(ctx, op.Tag)
	}
	t.rec.Phase("removing a tag")
	tags, err := t.userTags(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	at := slices.IndexFunc(tags, func(tag zstack.Tag) bool { return tag.Tag == op.Tag })
	if at < 0 {
		return t.already("the tag was already gone")
	}
	return t.deleteTag(ctx, tags[at])
}

// deleteTag deletes a user tag of the VM.
func (t *task) deleteTag(ctx context.Context, tag zstack.Tag) executor.Outcome {
	return t.edit(ctx, zstack.Call{
		Operation: "DeleteTag",
		Method:    http.MethodDelete,
		Path:      "/tags/" + tag.UUID,
	}, func(ctx context.Context) (bool, error) {
		tags, err := t.userTags(ctx, t.step.UUID)
		return err == nil && !hasTag(tags, tag.Tag), err
	})
}

// hasPattern reports whether one of the VM's tags came from a tag pattern.
func (t *task) hasPattern(ctx context.Context, pattern string) (bool, error) {
	tags, err := t.userTags(ctx, t.step.UUID)
	return slices.ContainsFunc(tags, func(tag zstack.Tag) bool { return tag.TagPatternUUID == pattern }), err
}

func (t *task) attachTag(ctx context.Context, op planner.AttachTag) executor.Outcome {
	t.rec.Phase("attaching a tag")
	there := func(ctx context.Context) (bool, error) { return t.hasPattern(ctx, op.TagUUID) }
	already, err := there(ctx)
	if err != nil {
		return t.readFailed(err)
	}
	if already {
		return t.already("was already attached")
	}
	return t.edit(ctx, zstack.Call{
		Operation: "AttachTagToResources",
		Method:    http.MethodPost,
		Path:      "/tags/" + op.TagUUID + "/resources",
		Body:      tagBody{tagParams{ResourceUUIDs: []string{t.step.UUID}}},
	}, there)
}

func (t *task) detachTag(ctx context.Context, op planner.DetachTag) executor.Outcome {
	t.rec.Phase("detaching a tag")
	away := func(ctx context.Context) (bool, error) {
		there, err := t.hasPattern(ctx, op.TagUUID)
		return err == nil && !there, err
	}
	already, err := away(ctx)
	if err != nil {
		return t.readFailed(err)
	}
	if already {
		return t.already("was already detached")
	}
	return t.edit(ctx, zstack.Call{
		Operation: "DetachTagFromResources",
		Method:    http.MethodDelete,
		Path:      "/tags/" + op.TagUUID + "/resources",
		Query:     url.Values{"resourceUuids": {t.step.UUID}},
	}, away)
}

// tagDisks tags the data disks that came with the VM. Only tagged disks are
// ever deleted, so where more are found than were asked for none is tagged:
// somebody attached one, and nothing tells which.
func (t *task) tagDisks(ctx context.Context, op planner.TagDisks) executor.Outcome {
	t.rec.Phase("tagging data disks")
	vm, found, err := t.vm(ctx, t.step.UUID)
	if err != nil {
		return t.readFailed(err)
	}
	if !found || gone(vm.State) {
		return blocked(t.lost(found))
	}
	own := slices.DeleteFunc(dataVolumes(vm), func(v zstack.Volume) bool { return slices.Contains(op.Attached, v.UUID) })
	untagged, err := t.untagged(ctx, slices.Clone(own), op.Tag)
	if err != nil {
		return t.readFailed(err)
	}
	missing := op.Count - (len(own) - len(untagged))
	switch {
	case missing <= 0:
		return t.already("was already tagged")
	case len(untagged) > missing:
		return blocked(&executor.Failure{
			Class:   classInput,
			Message: fmt.Sprintf("the VM has %d data disks where %d were asked for, and nothing tells which came with it", len(own), op.Count),
			Hint:    fmt.Sprintf("detach the disks that are not the fleet's, or tag those that are with %s, then run the command again", op.Tag),
		})
	}
	for _, volume := range untagged {
		if outcome := t.userTag(ctx, typeVolume, volume.UUID, op.Tag); outcome.Status != executor.Succeeded {
			return outcome
		}
	}
	if len(untagged) < missing {
		return failed(&executor.Failure{
			Class:   classInternal,
			Message: fmt.Sprintf("the VM has %d of %d data disks that were asked for", len(own), op.Count),
			Hint:    "look at the VM; plan again to see what would be done about it",
		})
	}
	return executor.Outcome{Status: executor.Succeeded}
}

// untagged returns the volumes that do not carry a tag.
func (t *task) untagged(ctx context.Context, volumes []zstack.Volume, text string) ([]zstack.Volume, error) {
	var uuids []string
	for _, volume := range volumes {
		uuids = append(uuids, volume.UUID)
	}
	tags, err := listIn[zstack.Tag](ctx, t.client, "/user-tags", "resourceUuid", uuids)
	by := byResource(tags)
	return slices.DeleteFunc(volumes, func(v zstack.Volume) bool { return hasTag(by[v.UUID], text) }), err
}
