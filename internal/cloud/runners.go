package cloud

import (
	"context"
	"fmt"

	"zfleet/executor"
	"zfleet/internal/zstack"
	"zfleet/planner"
)

// runner is the run that a driver works for, as the tags of the machines that
// it makes name it. The zero value has no name and signs nothing.
type runner struct {
	scope   planner.Scope
	id      string
	host    string
	tag     string            // put on every machine that the run makes
	self    executor.OtherRun // what the tag says
	resumed string            // the run whose rest this one does, as its tags name it
}

func newRunner(scope planner.Scope, opts Options) runner {
	r := runner{scope: scope, id: opts.RunID, host: opts.Host}
	if opts.RunID == "" {
		return r
	}
	r.tag = scope.RunTag(opts.RunID, opts.Host)
	r.self, _ = r.maker([]zstack.Tag{{Tag: r.tag}})
	if opts.Resumes != "" {
		earlier, _ := r.maker([]zstack.Tag{{Tag: scope.RunTag(opts.Resumes, opts.Host)}})
		r.resumed = earlier.RunID
	}
	return r
}

// maker returns the run that made a machine with these tags.
func (r *runner) maker(tags []zstack.Tag) (executor.OtherRun, bool) {
	for _, tag := range tags {
		if run, host, ok := r.scope.ParseRunTag(tag.Tag); ok {
			return executor.OtherRun{RunID: run, Host: host}, true
		}
	}
	return executor.OtherRun{}, false
}

// noteThere says of a VM that it was there before the step's first request.
const noteThere = "was already there"

// credit says who made the step's VM, which was not there when the run was
// planned and was not seen to come from a request of this performance. tags are
// those that it had when it was found.
func (t *task) credit(ctx context.Context, outcome executor.Outcome, tags []zstack.Tag) executor.Outcome {
	made, known := t.runner.maker(tags)
	if !known && !hasTag(tags, t.scope.KeyTag(t.step.Key)) {
		// A VM has its row before it has its tags. Who made it is worth one look
		// more, and no error.
		if later, err := t.userTags(ctx, t.step.UUID); err == nil {
			made, known = t.runner.maker(later)
		}
	}
	note := ""
	switch {
	case !known:
		return outcome
	case made == t.runner.self && outcome.Note != noteThere:
		return outcome // it came of this performance
	case made == t.runner.self:
		note = "made by an earlier request of this run"
	case made.RunID == t.runner.resumed:
		note = fmt.Sprintf("made by run %s, which this run resumes", made.RunID)
	default:
		outcome.MadeBy = &made
		note = fmt.Sprintf("made by run %s on %s, which was at work at the same time", made.RunID, made.Host)
	}
	outcome.Note = note
	return outcome
}

// already is the outcome of a step whose work is found done before anything was
// sent. Who did it leaves no name, but whether an earlier request of this run
// may have done it is known.
func (t *task) already(note string) executor.Outcome {
	switch _, began := t.began.Load(t.step.ID); {
	case began:
		note += ", by an earlier request of this run"
	case t.runner.resumed == "":
		note += ", not by this run"
	}
	return executor.Outcome{Status: executor.Succeeded, Note: note}
}
