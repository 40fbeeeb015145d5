package cloud

import (
	"slices"
	"strings"
	"time"

	"zfleet/executor"
	"zfleet/internal/simulator"
	"zfleet/planner"
)

// truth holds what a report says of a step against what the server did for it.
func (c *modelCheck) truth(step planner.Step, result executor.StepResult) {
	var working, done, shown, sent int
	looked := c.looked[step.ID]
	about := step.UUID
	if disk, ok := step.Op.(planner.DeleteDisk); ok {
		about = disk.VolumeUUID
	}
	if seen := c.run.wire.looked[about]; seen.Before(looked) {
		looked = seen // the last try may have been left before it saw anything
	}
	if tries := c.retried[step.ID]; c.run.trouble.leave > 0 && len(tries) > 0 {
		looked = tries[len(tries)-1] // so may that of any other step
	}
	for _, job := range c.jobs {
		if c.sender[job.UUID] != step.ID {
			continue
		}
		sent++
		if _, stops := step.Op.(planner.StopVM); stops && job.Operation != "StopVmInstance" {
			continue // the tag that it sets first
		}
		end, over := c.finished[step.ID]
		if job.Ended.IsZero() || over && job.Ended.After(end.At) {
			working++
		}
		// What arrives belated may be done after the last look at it.
		if job.Status == 200 && (!c.run.trouble.loose() || over && job.Ended.Before(looked.Add(-100*time.Millisecond))) {
			done++
		}
		if job.Status == 200 && over && job.Ended.Before(end.At.Add(-100*time.Millisecond)) {
			shown++
		}
	}
	if sent > len(result.Attempts) {
		c.t.Errorf("%s: %d requests, %d attempts in the report", step.ID, sent, len(result.Attempts))
	}
	if result.Failure == nil && (result.Status == executor.Failed || result.Status == executor.Indeterminate || result.Status == executor.Blocked) {
		c.t.Errorf("%s ended %s without a reason", step.ID, result.Status)
	}
	switch result.Status {
	case executor.Succeeded:
		if working > 0 && !c.run.trouble.loose() {
			c.t.Errorf("%s succeeded while the server was at work on it", step.ID)
		}
		if why := c.lacks(step); why != "" {
			c.t.Errorf("%s succeeded, but %s", step.ID, why)
		}
	case executor.Failed, executor.Blocked:
		if working > 0 && !c.run.trouble.loose() {
			c.t.Errorf("%s ended %s (%s) while the server was at work on it", step.ID, result.Status, result.Failure.Message)
		}
		admits := strings.HasPrefix(result.Failure.Message, "the VM exists") || result.Facts != nil
		_, creates := step.Op.(planner.CreateVM)
		if vm := c.after.vms[step.UUID]; creates && vm != nil && !gone(textOf(vm, "state")) && result.Facts == nil && !c.run.trouble.belated {
			c.t.Errorf("%s ended %s (%s), but the VM is there and %s", step.ID, result.Status, result.Failure.Message, vm["state"])
		}
		if done > 0 && !admits && !severalRequests(step.Op) {
			c.t.Errorf("%s ended %s (%s), but the server did it", step.ID, result.Status, result.Failure.Message)
		}
	case executor.Indeterminate:
		if len(result.Attempts) == 0 && result.Facts == nil { // else it found the work of an earlier run
			c.t.Errorf("%s is indeterminate, but nothing was sent for it", step.ID)
		}
		if !c.run.trouble.loose() && !c.run.trouble.blind && c.run.trouble.leave == 0 && !c.run.crashed && shown > 0 && working == 0 && c.lacks(step) == "" {
			c.t.Errorf("%s is indeterminate (%s), but the server did it and shows it", step.ID, result.Failure.Message)
		}
	case executor.Skipped, executor.NotStarted:
		if sent > 0 || len(result.Attempts) > 0 {
			c.t.Errorf("%s is %s, but %d requests were sent for it, %d on record", step.ID, result.Status, sent, len(result.Attempts))
		}
	}
}

// severalRequests reports whether an operation may take more than one request,
// so that one that was done tells nothing of the whole.
func severalRequests(op planner.Op) bool {
	switch op.(type) {
	case planner.TagDisks, planner.StopVM, planner.RemoveTag:
		return true
	}
	return false
}

// lacks says what a step that succeeded has not brought about, or "". What
// later steps of the same machine undo is not looked at.
func (c *modelCheck) lacks(step planner.Step) string {
	cloud := c.after
	vm := cloud.vms[step.UUID]
	state := textOf(vm, "state")
	switch op := step.Op.(type) {
	case planner.CreateVM:
		switch {
		case vm == nil || gone(state):
			return "there is no VM"
		case cloud.key(step.UUID) != step.Key:
			return "the VM has no owner"
		case vm["name"] != op.Blueprint.Name:
			return "it has another name"
		}
		if facts := c.result[step.ID].Facts; facts != nil && (facts.UUID != step.UUID || facts.Name != vm["name"] || facts.State != state) {
			return "the facts are of another VM: " + facts.State + ", not " + state
		}
	case planner.TagDisks:
		tagged := 0
		for uuid, volume := range cloud.volumes {
			if volume["vmInstanceUuid"] == step.UUID && cloud.hasTag(uuid, op.Tag) {
				tagged++
			}
		}
		if tagged < op.Count {
			return "disks have no tag"
		}
	case planner.UpdateVM:
		if op.Name != nil && vm["name"] != *op.Name || op.Description != nil && textOf(vm, "description") != *op.Description ||
			op.CPU != nil && vm["cpuNum"] != int64(*op.CPU) || op.Memory != nil && vm["memorySize"] != *op.Memory {
			return "the VM does not have what was asked for"
		}
	case planner.ChangeOffering:
		if vm["instanceOfferingUuid"] != op.OfferingUUID {
			return "the VM has another offering"
		}
	case planner.SetHostname:
		at := slices.IndexFunc(cloud.systemTags[step.UUID], func(tag string) bool { return strings.HasPrefix(tag, "hostname::") })
		if at < 0 && op.Hostname != "" || at >= 0 && cloud.systemTags[step.UUID][at] != "hostname::"+op.Hostname {
			return "the VM has another host name"
		}
	case planner.StopVM:
		if state != "Stopped" && !c.ran(step, "start") {
			return "the VM is " + state
		}
	case planner.StartVM:
		if state != "Running" {
			return "the VM is " + state
		}
	case planner.DestroyVM:
		if vm != nil && state != "Destroyed" {
			return "the VM is " + state
		}
	case planner.DeleteDisk:
		if volume := cloud.volumes[op.VolumeUUID]; volume != nil && volume["status"] != "Deleted" {
			return "the disk is there"
		}
	case planner.AddTag:
		if !cloud.hasTag(step.UUID, op.Tag) && !c.ran(step, "remove-tag") {
			return "the tag is not there"
		}
	case planner.RemoveTag:
		if cloud.hasTag(step.UUID, op.Tag) && (!c.run.trouble.belated || !c.taggedSince(step.ID)) {
			return "the tag is there"
		}
	case planner.AttachTag:
		if !cloud.hasPattern(step.UUID, op.TagUUID) {
			return "the tag is not attached"
		}
	case planner.DetachTag:
		if cloud.hasPattern(step.UUID, op.TagUUID) {
			return "the tag is attached"
		}
	}
	return ""
}

// taggedSince reports whether a tag that somebody else had asked for came in after
// the requests of a step.
func (c *modelCheck) taggedSince(id planner.StepID) bool {
	var last time.Time
	for _, job := range c.jobs {
		if c.sender[job.UUID] == id && job.Ended.After(last) {
			last = job.Ended
		}
	}
	return slices.ContainsFunc(c.server.Jobs(), func(job simulator.Job) bool {
		return job.Operation == "CreateUserTag" && c.sender[job.UUID] == "" && job.Ended.After(last)
	})
}

// ran reports whether a step of a verb was begun for the same VM.
func (c *modelCheck) ran(step planner.Step, verb string) bool {
	return slices.ContainsFunc(c.run.report.Steps, func(result executor.StepResult) bool {
		return result.UUID == step.UUID && result.Verb == verb && result.Status != executor.Skipped && result.Status != executor.NotStarted
	})
}
