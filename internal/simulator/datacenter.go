package simulator

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"
)

// datacenter is what a data center file says, as the records that the API
// shows. The keys of tables are the collection paths of the API without the
// leading slash:
//
//	zones  clusters  hosts  primary-storage  backup-storage
//	instance-offerings  disk-offerings  images
//	l2-networks  l3-networks  l3-networks/ip-ranges  l3-networks/ip-address
//	vm-instances  vm-instances/nics  vm-instances/cdroms
//	volumes  volume-snapshots  volume-snapshots/group  volume-snapshots/trees
//	ssh-key-pair  tags  user-tags  system-tags
//	accounts  accounts/quotas  accesskeys  management-nodes  global-configurations
//
// Every key is there, if only with an empty table. A table maps the UUID of a
// record to the record. Numbers are int64, lists []any.
//
// What the API nests stands in both places, each time as a copy: the NICs and
// the volumes of a VM are in its vmNics and allVolumes and in tables of their
// own, and so are the ranges of an L3 network, the addresses of a NIC and the
// references of a snapshot group.
type datacenter struct {
	tables       map[string]map[string]record
	accounts     []dcAccount
	globalConfig map[string]string // "category.name" to value

	// order holds the UUIDs of each table as the file lists them.
	order map[string][]string
}

// dcAccount is an account and what the API never shows of it. The access key is
// empty for an account without one.
type dcAccount struct {
	name, uuid, password         string
	admin                        bool
	accessKeyID, accessKeySecret string
	quotas                       map[string]int64
}

// dcCreated is the date of everything that a data center starts with, in the
// text format of the API.
const dcCreated = "Jan 1, 2024 8:00:00 AM"

var dcTables = []string{
	"zones", "clusters", "hosts", "primary-storage", "backup-storage",
	"instance-offerings", "disk-offerings", "images",
	"l2-networks", "l3-networks", "l3-networks/ip-ranges", "l3-networks/ip-address",
	"vm-instances", "vm-instances/nics", "vm-instances/cdroms",
	"volumes", "volume-snapshots", "volume-snapshots/group", "volume-snapshots/trees",
	"ssh-key-pair", "tags", "user-tags", "system-tags",
	"accounts", "accounts/quotas", "accesskeys", "management-nodes", "global-configurations",
}

// parseDatacenter reads a data center file. Errors name the line; all wrong
// references are reported together.
func parseDatacenter(data []byte) (*datacenter, error) {
	var file dcFile
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("data center: %s", yamlProblem(err))
	}
	b := &dcBuilder{
		dc: &datacenter{
			tables:       make(map[string]map[string]record),
			order:        make(map[string][]string),
			globalConfig: map[string]string{"vm.deletionPolicy": "Delay"},
		},
		names: make(map[dcName][]string),
		used:  make(map[string]bool),
	}
	for _, table := range dcTables {
		b.dc.tables[table] = make(map[string]record)
	}
	b.infrastructure(&file)
	b.networks(&file)
	b.offerings(&file)
	b.images(file.Images)
	b.identity(&file)
	b.machines(&file)
	b.volumes(file.Volumes)
	b.snapshots(&file)
	b.nestVolumes()
	b.config(file.GlobalConfig)
	if len(b.problems) > 0 {
		return nil, fmt.Errorf("data center: %w", errors.Join(b.problems...))
	}
	return b.dc, nil
}

// yamlProblem says what is wrong with a YAML text in one line that starts with
// the line number.
func yamlProblem(err error) string {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		return fmt.Sprintf("line %d: %s", located.GetToken().Position.Line, located.GetMessage())
	}
	return err.Error()
}

// dcName is a name within the table that it belongs to.
type dcName struct{ table, name string }

// dcBuilder turns the entries of a file into records and gathers what is wrong.
type dcBuilder struct {
	dc       *datacenter
	names    map[dcName][]string // to UUIDs: names may repeat
	used     map[string]bool     // addresses
	macs     int
	problems []error
}

func (b *dcBuilder) fail(line int, format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// add enters a record under the UUID of its entry, or under one made from the
// table and the name, and fills in what all records have.
func (b *dcBuilder) add(table string, entry DatacenterEntry, fields record) record {
	if entry.Name.text == "" {
		b.fail(entry.Name.line, "an entry of %s has no name", table)
	}
	uuid := entry.UUID.text
	if uuid == "" {
		uuid = derivedUUID(table, entry.Name.text)
	} else if !uuidPattern.MatchString(uuid) {
		b.fail(entry.UUID.line, "%q is not a UUID: write 32 lower-case hexadecimal digits without dashes", uuid)
	}
	if b.dc.tables[table][uuid] != nil {
		b.fail(entry.Name.line, "a second %q in %s: give at least one of them a uuid of its own", entry.Name.text, table)
	}
	fields["name"] = entry.Name.text
	if entry.Description != "" {
		fields["description"] = entry.Description
	}
	b.names[dcName{table, entry.Name.text}] = append(b.names[dcName{table, entry.Name.text}], uuid)
	return b.put(table, uuid, fields)
}

// put enters a record that has no name to be found by.
func (b *dcBuilder) put(table, uuid string, fields record) record {
	fields["uuid"] = uuid
	fields["createDate"] = dcCreated
	fields["lastOpDate"] = dcCreated
	b.dc.tables[table][uuid] = fields
	b.dc.order[table] = append(b.dc.order[table], uuid)
	return fields
}

// find resolves a required reference. It never returns nil: after an error, the
// record is empty.
func (b *dcBuilder) find(table string, ref dcText, owner dcText, key string) record {
	if ref.text == "" {
		b.fail(cmp.Or(ref.line, owner.line), "%q needs %s", owner.text, key)
		return record{}
	}
	if found := b.dc.tables[table][ref.text]; found != nil {
		return found
	}
	uuids := b.names[dcName{table, ref.text}]
	switch len(uuids) {
	case 1:
		return b.dc.tables[table][uuids[0]]
	case 0:
		b.fail(ref.line, "%s of %q: there is no %q in %s", key, owner.text, ref.text, table)
	default:
		b.fail(ref.line, "%s of %q: %d entries of %s are named %q: write the UUID instead, one of %v",
			key, owner.text, len(uuids), table, ref.text, uuids)
	}
	return record{}
}

// findAll resolves a list of references to UUIDs.
func (b *dcBuilder) findAll(table string, refs []dcText, owner dcText, key string) []any {
	uuids := make([]any, 0, len(refs))
	for _, ref := range refs {
		uuids = append(uuids, b.find(table, ref, owner, key)["uuid"])
	}
	return uuids
}

// derivedUUID makes the same UUID of the same words in every run.
func derivedUUID(kind, name string) string {
	sum := sha1.Sum([]byte("zfleet simulator\x00" + kind + "\x00" + name))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return hex.EncodeToString(sum[:16])
}
