package schemas_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// parse reads a schema as plain JSON.
func parse(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// eachObject calls visit for every map in a schema that is a schema itself,
// with its JSON pointer.
func eachObject(path string, value any, visit func(path string, object map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		visit(path, value)
		for _, key := range slices.Sorted(maps.Keys(value)) {
			switch key {
			case "properties", "definitions", "patternProperties":
				for _, name := range slices.Sorted(maps.Keys(value[key].(map[string]any))) {
					child := value[key].(map[string]any)[name]
					eachObject(path+"/"+key+"/"+name, child, visit)
				}
			case "items", "additionalProperties", "anyOf", "oneOf", "allOf", "if", "then", "not":
				eachObject(path+"/"+key, value[key], visit)
			}
		}
	case []any:
		for i, item := range value {
			eachObject(path+"/"+strconv.Itoa(i), item, visit)
		}
	}
}

// deref follows $ref inside of a schema.
func deref(root map[string]any, value any) map[string]any {
	object, _ := value.(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok {
		return object
	}
	var at any = root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(map[string]any)[part]
	}
	return deref(root, at)
}

// fields returns the properties below a schema by the path that a fleet file's
// author knows: "rootDisk.size", "networks[].ip".
func fields(root map[string]any, value any, path string) map[string]map[string]any {
	found := make(map[string]map[string]any)
	object := deref(root, value)
	properties, _ := object["properties"].(map[string]any)
	for name, property := range properties {
		inner := name
		if path != "" {
			inner = path + "." + name
		}
		found[inner] = deref(root, property)
		maps.Copy(found, fields(root, property, inner))
	}
	if items, ok := object["items"]; ok {
		maps.Copy(found, fields(root, items, path+"[]"))
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		arms, _ := object[key].([]any)
		for _, arm := range arms {
			maps.Copy(found, fields(root, arm, path))
		}
	}
	return found
}
