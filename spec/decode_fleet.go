package spec

import (
	"regexp"
	"strconv"
	"time"
)

// limits reads how hard a run may press on the cloud.
func (d *decoder) limits(n *node) Limits {
	number := func(key string) int {
		if value := d.integer(n.get(key)); value != nil {
			return *value
		}
		return 0
	}
	limits := Limits{
		Parallelism:       number("parallelism"),
		PerCluster:        number("perCluster"),
		PerHost:           number("perHost"),
		PerPrimaryStorage: number("perPrimaryStorage"),
		PerSource:         number("perSource"),
		StepTimeoutSecs:   d.seconds(n.get("stepTimeout")),
	}
	if rate := n.get("requestsPerSecond"); rate != nil && (rate.kind == intNode || rate.kind == floatNode) {
		limits.RequestsPerSecond, _ = strconv.ParseFloat(rate.text, 64)
	}
	return limits
}

// seconds reads a duration of at least one second.
func (d *decoder) seconds(n *node) int {
	if n == nil || n.kind > stringNode {
		return 0
	}
	duration, err := time.ParseDuration(n.text)
	if err != nil || duration < time.Second || duration%time.Second != 0 {
		d.add(Diagnostic{Pos: n.pos, Code: "bad-duration", Message: n.quoted() + " is not a duration of whole seconds",
			Hint: "write a number and h, m or s, such as 2h, 90m or 1h30m"}, "")
		return 0
	}
	return int(duration / time.Second)
}

var percentPattern = regexp.MustCompile(`^([0-9]{1,3})%$`)

// amount reads a number of machines or a percentage of them.
func (d *decoder) amount(n *node) Amount {
	if n == nil || n.kind > stringNode {
		return Amount{}
	}
	if n.kind == intNode {
		if value := d.integer(n); value != nil {
			return Amount{Set: true, Value: max(*value, 0)} // the schema has refused less
		}
		return Amount{}
	}
	if match := percentPattern.FindStringSubmatch(n.text); match != nil && n.kind == stringNode {
		if value, err := strconv.Atoi(match[1]); err == nil && value <= 100 {
			return Amount{Set: true, Percent: true, Value: value}
		}
	}
	d.add(Diagnostic{Pos: n.pos, Code: "bad-amount", Message: n.quoted() + " is neither a number of machines nor a percentage",
		Hint: "write a whole number such as 3, or a percentage from 0% to 100%"}, "")
	return Amount{}
}
