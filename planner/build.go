package planner

import "zfleet/spec"

// Options are the operator's words to a plan.
type Options struct {
	Targets  []string // keys, groups or globs; empty means all
	Excludes []string
	// AllowDeletes and AllowReplacements raise a safety limit to a number; negative means not given.
	AllowDeletes      int
	AllowReplacements int
	AllowDisjoint     bool
	AllowVolumeLoss   []string // keys of machines whose root disk is somebody's volume
	NextGeneration    []string // keys whose generation is known to be burnt
}

// RequestsFor says what an inventory for a fleet has to hold.
func RequestsFor(fleet *spec.Fleet) Wants { return Wants{} }

// Build decides what has to be done so that the inventory becomes what the
// fleet asks for. Findings that point into the fleet file are returned; with an
// error among them there is no plan.
func Build(fleet *spec.Fleet, inv *Inventory, opts Options) (*Plan, spec.Diagnostics) {
	return nil, nil
}

// BuildDestroy plans the deletion of every machine that the fleet owns. It
// needs the fleet's scope only and binds no reference.
func BuildDestroy(scope Scope, inv *Inventory, opts Options) *Plan { return nil }

// DeriveSteps returns the steps that follow from changes.
func DeriveSteps(scope Scope, changes []Change) []Step { return nil }

// Counts holds how many machines a plan treats how; they add up to all machines.
type Counts struct {
	Create, Update, Replace, Delete, Keep, Blocked int
}

// Counts counts the changes by action.
func (p *Plan) Counts() Counts { return Counts{} }

// Encode returns the plan file: indented JSON, the same bytes for the same plan.
func (p *Plan) Encode() ([]byte, error) { return nil, nil }

// Decode reads a plan file. It refuses unknown major versions, unknown fields,
// a digest that does not fit and steps that do not follow from the changes.
func Decode(data []byte) (*Plan, error) { return nil, nil }

// Moved is one thing that is no longer as it was when a plan was made.
type Moved struct {
	Key  string
	What string // for people: what the plan saw and what is there now
}

// Stale compares what a plan was made from with a fresh inventory.
func Stale(plan *Plan, inv *Inventory) []Moved { return nil }
