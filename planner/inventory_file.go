package planner

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// inventoryVersion is the format version of inventory files.
const inventoryVersion = "1.0"

// InventoryFile is what one look at a cloud found of one or several fleets: an
// Inventory of them all, from which Of takes that of one. Of the embedded
// Inventory the fields that belong to a single fleet are not written; they
// stand in Fleets.
type InventoryFile struct {
	FormatVersion string `json:"format_version"`
	// AllFleets: every VM that carries a tag of any fleet was read, so that
	// fleets which are not in Fleets are known to have none.
	AllFleets bool `json:"allFleets,omitempty"`
	// Fleets are those that the inventory was taken for, by name and id.
	Fleets []InventoryFleet `json:"fleets"`
	Inventory
}

// InventoryFleet is what an inventory file says of one fleet.
type InventoryFleet struct {
	Scope    Scope   `json:"scope"`
	Formerly []Scope `json:"formerly,omitempty"`
	// VMUUIDs are the VMs that were looked for because the fleet file names them.
	VMUUIDs   []string   `json:"vmUuids,omitempty"`
	Relatives []Relative `json:"relatives,omitempty"`
}

// Asked says what of a kind was looked for.
type Asked struct {
	Whole bool     `json:"whole,omitempty"` // the whole collection was read
	Names []string `json:"names,omitempty"`
	UUIDs []string `json:"uuids,omitempty"`
}

// covers reports whether a reference by this name, or else by this UUID, was
// looked for.
func (a Asked) covers(name, uuid string) bool {
	if uuid != "" {
		return a.Whole || slices.Contains(a.UUIDs, uuid)
	}
	return a.Whole || slices.Contains(a.Names, name)
}

// NewInventoryFile returns the file of a look at a cloud that has found nothing
// yet.
func NewInventoryFile(allFleets bool) *InventoryFile {
	return &InventoryFile{FormatVersion: inventoryVersion, AllFleets: allFleets, Fleets: []InventoryFleet{}, Inventory: Inventory{
		Machines: []Observed{}, Disks: []Disk{}, Catalog: make(Catalog), Asked: make(map[Kind]Asked)}}
}

// Encode returns the inventory file: indented JSON, the same bytes for the same
// inventory.
func (f *InventoryFile) Encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(f)
	return out.Bytes(), err
}

// Add adds what was found of one fleet, with its machines and disks.
func (f *InventoryFile) Add(fleet InventoryFleet, machines []Observed, disks []Disk) {
	f.Fleets = append(f.Fleets, fleet)
	slices.SortFunc(f.Fleets, func(a, b InventoryFleet) int { return cmp.Compare(a.Scope.String(), b.Scope.String()) })
	f.Machines = unionBy(f.Machines, machines, func(vm Observed) string { return vm.UUID })
	known := make(map[string]*Disk, len(f.Disks))
	for i := range f.Disks {
		known[f.Disks[i].UUID] = &f.Disks[i]
	}
	for _, disk := range disks {
		if have := known[disk.UUID]; have != nil { // with the tag of another fleet
			have.Tags = sortedTags(append(have.Tags, disk.Tags...))
		}
	}
	f.Disks = unionBy(f.Disks, disks, func(d Disk) string { return d.UUID })
}

// unionBy returns both lists without repeats, sorted by key and never nil.
func unionBy[T any](a, b []T, key func(T) string) []T {
	union := sortedBy(append(slices.Clone(a), b...), key)
	union = slices.CompactFunc(union, func(x, y T) bool { return key(x) == key(y) })
	return append([]T{}, union...)
}

// DecodeInventory reads an inventory file. It refuses unknown versions and
// fields, and what no look at a cloud could have found.
func DecodeInventory(data []byte) (*InventoryFile, error) {
	var version struct {
		FormatVersion *string `json:"format_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, fmt.Errorf("not an inventory file: %w", err)
	}
	if version.FormatVersion == nil {
		return nil, errors.New("not an inventory file: it has no format_version")
	}
	if got := *version.FormatVersion; !reads(inventoryVersion, got) {
		return nil, fmt.Errorf("the inventory has format version %q and this zfleet reads %s; take it again with this zfleet", got, inventoryVersion)
	}
	if err := uniqueKeys(data); err != nil {
		return nil, fmt.Errorf("not an inventory file: %w", err)
	}
	var file InventoryFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("not an inventory file: %w", plainJSON(err))
	}
	return &file, file.check()
}

// plainJSON says which field of a JSON document has the wrong type in words
// that do not speak of the program's types.
func plainJSON(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s cannot be a %s", cmp.Or(wrong.Field, "the document"), wrong.Value)
	}
	return err
}

// check refuses what would make plans from the inventory wrong in silence.
func (f *InventoryFile) check() error {
	if len(f.Fleets) == 0 && !f.AllFleets {
		return errors.New("the inventory names no fleet that it was taken for")
	}
	for _, fleet := range f.Fleets {
		if fleet.Scope.Name == "" || fleet.Scope.ID == "" {
			return fmt.Errorf("the inventory has a fleet without a name or an id: %q", fleet.Scope)
		}
	}
	unique := func(what string, uuids []string) error {
		seen := make(map[string]bool)
		for i, uuid := range uuids {
			switch {
			case uuid == "":
				return fmt.Errorf("%s %d of the inventory has no UUID", what, i+1)
			case seen[uuid]:
				return fmt.Errorf("%s %s is in the inventory twice", what, uuid)
			}
			seen[uuid] = true
		}
		return nil
	}
	errs := []error{
		unique("machine", uuidsOf(f.Machines, func(vm Observed) string { return vm.UUID })),
		unique("disk", uuidsOf(f.Disks, func(d Disk) string { return d.UUID })),
	}
	for _, kind := range kinds() {
		errs = append(errs, unique(string(kind), uuidsOf(f.Catalog[kind], func(e Entry) string { return e.UUID })))
		_, asked := f.Asked[kind]
		if _, have := f.Catalog[kind]; have != asked {
			errs = append(errs, fmt.Errorf("the inventory has to say of the kind %q both what was asked and what was found", kind))
		}
	}
	known := kinds()
	for kind := range f.Catalog {
		if !slices.Contains(known, kind) {
			errs = append(errs, fmt.Errorf("the inventory has a kind that this zfleet does not know: %q", kind))
		}
	}
	for _, vm := range f.Machines {
		if vm.State == "" {
			errs = append(errs, fmt.Errorf("machine %s of the inventory has no state", vm.UUID))
		}
	}
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return cmp.Or(errors.Join(errs...), nil)
}

func uuidsOf[T any](list []T, uuid func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, item := range list {
		out = append(out, uuid(item))
	}
	return out
}

// uniqueKeys refuses JSON in which an object has a key twice: which of the two
// counts differs between readers.
func uniqueKeys(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var open []map[string]bool // keys of the objects around; nil for a list
	isKey := false
	for {
		token, err := decoder.Token()
		if err != nil || len(open) == 0 && token == nil {
			return nil // the end, or what the decoding itself complains of
		}
		inObject := len(open) > 0 && open[len(open)-1] != nil
		if text, ok := token.(string); ok && inObject && isKey {
			// Readers that ignore case take "A" and "a" for one key.
			if folded := strings.ToLower(text); open[len(open)-1][folded] {
				return fmt.Errorf("the key %q stands twice in one object", text)
			} else {
				open[len(open)-1][folded] = true
			}
			isKey = false
			continue
		}
		switch token {
		case json.Delim('{'):
			open = append(open, make(map[string]bool))
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		isKey = len(open) > 0 && open[len(open)-1] != nil
	}
}
