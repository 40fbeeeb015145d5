package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"zfleet/executor"
	"zfleet/planner"
)

// headline says in one line how the run went.
func (o *outcome) headline() string {
	t := o.machines
	all := len(o.report.Machines)
	verb := "applied"
	switch {
	case all == 0 && o.report.Ended != nil:
		return "applied: there was nothing to do"
	case all == len(o.protected) && o.report.Ended != nil:
		return fmt.Sprintf("applied: there was nothing to do, %s protected", areOrIs(all))
	case o.report.Ended == nil:
		verb = "unfinished"
	case o.report.Stopped != "" && !o.stoppedNothing():
		verb = "stopped"
	case t.Succeeded == 0:
		verb = "not applied"
	}
	if t.Succeeded == all {
		return fmt.Sprintf("%s: %s succeeded", verb, plural(all, "machine"))
	}
	text := fmt.Sprintf("%s: %d of %s succeeded", verb, t.Succeeded, plural(all, "machine"))
	t.Blocked -= len(o.protected)
	for _, c := range append(badCounts(t), count{len(o.protected), "protected"}) {
		if c.n > 0 {
			text += fmt.Sprintf(", %d %s", c.n, c.word)
		}
	}
	return text
}

// areOrIs is the subject and the verb of what machines are.
func areOrIs(machines int) string {
	if machines == 1 {
		return "1 machine is"
	}
	return plural(machines, "machine") + " are"
}

type count struct {
	n    int
	word string
}

func badCounts(t executor.Totals) []count {
	return []count{
		{t.Failed, "failed"},
		{t.Indeterminate, "indeterminate"},
		{t.Blocked, "blocked"},
		{t.Skipped, "skipped"},
		{t.NotStarted, "not started"},
	}
}

// totalsText writes all counts, also those that are zero.
func totalsText(t executor.Totals) string {
	text := fmt.Sprintf("%d succeeded", t.Succeeded)
	for _, c := range badCounts(t) {
		text += fmt.Sprintf(", %d %s", c.n, c.word)
	}
	return text
}

// ReportSummary is the last line of a report as text: the machines by status.
func ReportSummary(report *executor.Report) string {
	return "Run: " + totalsText(outcomeOf(report).machines) + "."
}

// origin says which run this was: id, fleet, begin and duration.
func (o *outcome) origin() string {
	r := o.report
	text := fmt.Sprintf("run %s, fleet %s, started %s", r.RunID, r.Scope, timeText(r.Started))
	if r.Ended == nil {
		return text + ", not ended: it is still going on, or was killed"
	}
	return text + ", took " + durationText(r.Ended.Sub(r.Started).Seconds())
}

// stopped says why admission ended early, or nothing.
func (o *outcome) stopped() string {
	if o.report.Stopped == "" || o.stoppedNothing() {
		return ""
	}
	return "no further step was started: " + stoppedWord(o.report.Stopped)
}

// stoppedNothing reports whether the interrupt, or the end of the run's time, came
// when nothing was left to start and all that was in flight ended well: to who
// reads the report, the run was never stopped.
func (o *outcome) stoppedNothing() bool {
	byPeople := o.report.Stopped == "interrupted" || o.report.Stopped == "timeout"
	return byPeople && o.report.Ended != nil && o.machines.Succeeded+len(o.protected) == len(o.report.Machines)
}

// others says which runs were at work at the same time, or nothing.
func (o *outcome) others() string {
	var runs []string
	for _, other := range o.report.Others {
		run := "run " + other.RunID
		if other.Host != "" {
			run += " on " + other.Host
		}
		runs = append(runs, run)
	}
	switch len(runs) {
	case 0:
		return ""
	case 1:
		return "another run was at work on this fleet at the same time, " + runs[0] + ": nothing is lost, plan again to see what is left"
	}
	return "other runs were at work on this fleet at the same time, " + strings.Join(runs, ", ") + ": nothing is lost, plan again to see what is left"
}

// binned says how many VMs the run has left in the server's recycle bin, or nothing.
func (o *outcome) binned() string {
	n := 0
	for _, s := range o.report.Steps {
		if s.Verb == (planner.DestroyVM{}).Verb() && s.Status == executor.Succeeded && s.Facts != nil && s.Facts.State == "Destroyed" {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "1 VM is in the server's recycle bin: until it is expunged it can be recovered, and keeps its UUID and its root disk"
	}
	return fmt.Sprintf("%d VMs are in the server's recycle bin: until they are expunged they can be recovered, and keep their UUIDs and root disks", n)
}

// protectedWhy are the protected machines by why they are.
func (o *outcome) protectedWhy() []fact {
	var groups []fact
	keys := make(map[string][]string)
	for _, m := range o.protected {
		reason := cmp.Or(m.Reason, "it is protected")
		if keys[reason] == nil {
			groups = append(groups, fact{text: reason})
		}
		keys[reason] = append(keys[reason], m.Key)
	}
	for i := range groups {
		groups[i].label = ranges(keys[groups[i].text])
	}
	return groups
}

// protectedTitle is the heading above protectedWhy.
func (o *outcome) protectedTitle() string {
	return "Protected, so nothing was done: " + plural(len(o.protected), "machine")
}

// stoppedWord says more than the reason's name where that leaves open what to do.
func stoppedWord(reason string) string {
	switch reason {
	case "server-unreachable":
		return "the management server cannot be reached; check it and the network, then run the command again"
	case "auth":
		return "the server does not let the account in any more; see below why, put that right, then run the command again"
	case "journal":
		return "the run's record cannot be written, and nothing is sent without it; see that its directory is there and has room, then run the command again"
	case "timeout":
		return "the time that --timeout gave the run was over; run the command again for the rest"
	}
	return reason
}

// slowest returns the machines that took longest, at most n of them.
func (o *outcome) slowest(n int) []executor.MachineResult {
	timed := slices.DeleteFunc(slices.Clone(o.report.Machines), func(m executor.MachineResult) bool {
		return m.DurationSeconds == 0
	})
	slices.SortStableFunc(timed, func(a, b executor.MachineResult) int {
		return cmp.Compare(b.DurationSeconds, a.DurationSeconds)
	})
	return timed[:min(n, len(timed))]
}

// durations says how long machines took: the median and the slowest.
func (o *outcome) durations() string {
	timed := o.slowest(len(o.report.Machines))
	if len(timed) == 0 {
		return ""
	}
	text := "median " + durationText(timed[len(timed)/2].DurationSeconds) + " a machine"
	var slow []string
	for _, m := range timed[:min(3, len(timed))] {
		slow = append(slow, m.Key+" "+durationText(m.DurationSeconds))
	}
	return text + ", slowest " + strings.Join(slow, ", ")
}
