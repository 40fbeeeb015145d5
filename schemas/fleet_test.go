package schemas_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/schemas"
)

const head = "apiVersion: zfleet/v1\nkind: Fleet\n"

// group returns a fleet with one group that holds the given field.
func group(field string) string {
	return head + "machines: {web: {" + field + "}}\n"
}

func TestFleetsAccepted(t *testing.T) {
	schema := compile(t, schemas.Fleet)
	for name, text := range map[string]string{
		"only the head":              head,
		"free keys":                  head + "x-anchors: {a: [1]}\n",
		"a group that is unset":      head + "machines: {web: null}\n",
		"an instance that is unset":  group("instances: {east: null, west: {}}"),
		"defaults that are unset":    head + "defaults: null\nlimits: null\nsafety: null\nvariables: null\nname: null\nid: null",
		"variables":                  head + "variables: {a: 1, b: x, c: true, d: {sensitive: true}, e: {default: 2, description: x}, f: null}",
		"defaults for a source":      head + "defaultsFor: {image: {sshKeys: [ops]}, volume: null, snapshot: {networks: [a]}}",
		"limits":                     head + "limits: {parallelism: 1, perHost: \"${var.n}\", requestsPerSecond: 0.5, stepTimeout: 2h}",
		"amounts":                    head + "safety: {maxDeletes: 0, maxReplacements: 100%}",
		"an amount from a variable":  head + "safety: {maxDeletes: \"${var.n}\"}",
		"a count":                    group("count: 0, omit: [1, 2]"),
		"a count from a variable":    group("count: \"${var.n}\", omit: [\"${var.n}\"]"),
		"size in bytes":              group("memory: 1048576"),
		"size with a unit":           group("memory: 512MiB, reservedMemory: 0"),
		"size from a variable":       group("memory: \"${var.mem}\""),
		"reference by name":          group("source: {image: a b}"),
		"reference with a zone":      group("source: {image: {name: a, zone: z, cluster: c}}"),
		"reference by uuid":          group("instanceOffering: {uuid: 0d0d0d0d0d0d4d0d8d0d0d0d0d0d0d01}"),
		"both arms of a choice":      group("source: {image: a, volume: null}, cpu: 2, instanceOffering: x"),
		"networks":                   group("networks: [a, {network: a, default: true, ip: 10.0.0.1}, {network: {name: a, zone: z}}]"),
		"parameters of a NIC":        group("networks: [{network: a, nicParams: {state: disable, prefix6: 64, multiQueueNum: 256, outboundBandwidth: 8192}}]"),
		"length of a prefix as text": group("networks: [{network: a, nicParams: {prefix6: \"64\"}}]"),
		"all kinds of data disks":    group("dataDisks: [{offering: a}, {size: 1GiB, name: x, systemTags: [a]}, {template: t, primaryStorage: p}, {volume: v}]"),
		"no data disks":              group("dataDisks: [], networks: [], tags: [], sshKeys: [], userTags: [], systemTags: []"),
		"user data as text":          group("userData: \"#!/bin/sh\""),
		"user data from a template":  group("userData: {template: web.yaml}"),
		"protection":                 group("lifecycle: {protect: true}"),
		"protection from a variable": group("lifecycle: {protect: \"${var.keep}\"}"),
		"a choice from a variable":   group("strategy: \"${var.s}\", platform: \"${var.p}\", architecture: \"${var.a}\", type: \"${var.t}\", virtio: \"${var.v}\""),
		"text from a variable":       group("name: \"${group}-${var.x}\", hostname: \"${var.x}\""),
	} {
		t.Run(name, func(t *testing.T) {
			if err := schema.Validate(fromYAML(t, text)); err != nil {
				t.Error(leaves(err))
			}
		})
	}
}

// TestFleetsRefused wants fleets to be refused for the reason that is meant:
// where says in which value the fault is found.
func TestFleetsRefused(t *testing.T) {
	schema := compile(t, schemas.Fleet)
	for name, c := range map[string]struct{ text, where string }{
		"nothing":                     {"{}", ""},
		"no kind":                     {"apiVersion: zfleet/v1", ""},
		"another version":             {"apiVersion: zfleet/v2\nkind: Fleet", "/apiVersion"},
		"another kind":                {"apiVersion: zfleet/v1\nkind: Plan", "/kind"},
		"unknown key":                 {head + "rollout: {}", ""},
		"unknown key of a group":      {group("netwroks: [a]"), "/machines/web"},
		"unknown key of an instance":  {group("instances: {a: {netwroks: [a]}}"), "/machines/web/instances/a"},
		"a count inside an instance":  {group("instances: {a: {count: 2}}"), "/machines/web/instances/a"},
		"a count among defaults":      {head + "defaults: {count: 2}", "/defaults"},
		"name that is a number":       {head + "name: 1", "/name"},
		"count that is text":          {group("count: two"), "/machines/web/count"},
		"negative count":              {group("count: -1"), "/machines/web/count"},
		"count with a broken var":     {group("count: \"${var.1n}\""), "/machines/web/count"},
		"count with more than a var":  {group("count: \"${var.n}0\""), "/machines/web/count"},
		"omitted zero":                {group("count: 2, omit: [0]"), "/machines/web/omit/0"},
		"size without i":              {group("memory: 50G"), "/machines/web/memory"},
		"size in too few bytes":       {group("memory: 4096"), "/machines/web/memory"},
		"size with a fraction":        {group("memory: 1.5GiB"), "/machines/web/memory"},
		"memory of zero":              {group("memory: 0"), "/machines/web/memory"},
		"cpu of zero":                 {group("cpu: 0"), "/machines/web/cpu"},
		"cpu with a fraction":         {group("cpu: 1.5"), "/machines/web/cpu"},
		"empty reference":             {group("source: {image: \"\"}"), "/machines/web/source/image"},
		"reference to a number":       {group("source: {image: 7}"), "/machines/web/source/image"},
		"unknown qualifier":           {group("source: {image: {name: a, host: h}}"), "/machines/web/source/image"},
		"source without its kind":     {group("source: centos"), "/machines/web/source"},
		"unknown source":              {group("source: {iso: a}"), "/machines/web/source"},
		"networks that are no list":   {group("networks: app-net"), "/machines/web/networks"},
		"bandwidth too small":         {group("networks: [{network: a, nicParams: {inboundBandwidth: 8191}}]"), "/machines/web/networks/0/nicParams/inboundBandwidth"},
		"bandwidth too large":         {group("networks: [{network: a, nicParams: {inboundBandwidth: 32212254721}}]"), "/machines/web/networks/0/nicParams/inboundBandwidth"},
		"too many queues":             {group("networks: [{network: a, nicParams: {multiQueueNum: 257}}]"), "/machines/web/networks/0/nicParams/multiQueueNum"},
		"unknown state of a NIC":      {group("networks: [{network: a, nicParams: {state: up}}]"), "/machines/web/networks/0/nicParams/state"},
		"data disk that is text":      {group("dataDisks: [ssd-100g]"), "/machines/web/dataDisks/0"},
		"unknown strategy":            {group("strategy: CreatedPaused"), "/machines/web/strategy"},
		"unknown platform":            {group("platform: linux"), "/machines/web/platform"},
		"unknown architecture":        {group("architecture: amd64"), "/machines/web/architecture"},
		"unknown type":                {group("type: VM"), "/machines/web/type"},
		"virtio that is text":         {group("virtio: \"yes\""), "/machines/web/virtio"},
		"tags that are text":          {group("userTags: [1]"), "/machines/web/userTags/0"},
		"user data of another form":   {group("userData: {path: a}"), "/machines/web/userData"},
		"policy that does not exist":  {group("lifecycle: {onChange: replace}"), "/machines/web/lifecycle"},
		"limit of zero":               {head + "limits: {perHost: 0}", "/limits/perHost"},
		"rate of zero":                {head + "limits: {requestsPerSecond: 0}", "/limits/requestsPerSecond"},
		"percentage above a hundred":  {head + "safety: {maxDeletes: 101%}", "/safety/maxDeletes"},
		"negative amount":             {head + "safety: {maxDeletes: -1}", "/safety/maxDeletes"},
		"unknown source in defaults":  {head + "defaultsFor: {iso: {}}", "/defaultsFor"},
		"variable that is a list":     {head + "variables: {a: [1]}", "/variables/a"},
		"unknown key of a variable":   {head + "variables: {a: {secret: true}}", "/variables/a"},
		"sensitive that is no choice": {head + "variables: {a: {sensitive: often}}", "/variables/a/sensitive"},
	} {
		t.Run(name, func(t *testing.T) {
			err := schema.Validate(fromYAML(t, c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			for line := range strings.Lines(leaves(err)) {
				if where, _, _ := strings.Cut(line, ":"); where == c.where {
					return
				}
			}
			t.Errorf("no fault at %q:\n%s", c.where, leaves(err))
		})
	}
}

// TestEveryFieldCanBeUnset wants null to be legal for every field of a machine.
func TestEveryFieldCanBeUnset(t *testing.T) {
	schema := compile(t, schemas.Fleet)
	root := parse(t, schemas.Fleet)
	machine := fields(root, root["definitions"].(map[string]any)["machine"], "")
	if len(machine) < 70 {
		t.Fatalf("only %d fields", len(machine))
	}
	for field := range machine {
		value := any(nil)
		parts := strings.Split(field, ".")
		for i := len(parts) - 1; i >= 0; i-- {
			key, list := strings.CutSuffix(parts[i], "[]")
			if list {
				value = []any{value}
			}
			value = map[string]any{key: value}
		}
		fleet := map[string]any{"apiVersion": "zfleet/v1", "kind": "Fleet", "defaults": value}
		if err := schema.Validate(fleet); err != nil {
			t.Errorf("%s: null: %s", field, leaves(err))
		}
	}
}

// TestGroupsHaveTheFieldsOfMachines wants group to be machine and a few more.
func TestGroupsHaveTheFieldsOfMachines(t *testing.T) {
	definitions := parse(t, schemas.Fleet)["definitions"].(map[string]any)
	machine := definitions["machine"].(map[string]any)["properties"].(map[string]any)
	own := definitions["group"].(map[string]any)["properties"].(map[string]any)
	for key := range machine {
		ref, _ := own[key].(map[string]any)["$ref"].(string)
		if ref != "#/definitions/machine/properties/"+key {
			t.Errorf("%s of a group is %q", key, ref)
		}
	}
	if len(own) != len(machine)+3 {
		t.Errorf("a group has %d fields, want the machine's %d with count, omit and instances", len(own), len(machine))
	}
}

// TestPoliciesAreAlike wants a policy to be the same thing in a fleet file and
// in a file of its own.
func TestPoliciesAreAlike(t *testing.T) {
	definition := func(data []byte) any { return parse(t, data)["definitions"].(map[string]any)["policy"] }
	if diff := cmp.Diff(definition(schemas.Fleet), definition(schemas.Policies)); diff != "" {
		t.Errorf("policy of fleet.v1.json (-) and of policies.v1.json (+):\n%s", diff)
	}
}
