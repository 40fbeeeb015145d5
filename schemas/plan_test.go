package schemas_test

import (
	"encoding/json"
	"strings"
	"testing"

	"zfleet/schemas"
)

// TestPlanIsDescribed wants every value of a plan to be described, and to be
// shown by an example that its own schema takes, unless the schema lists what
// it may be.
func TestPlanIsDescribed(t *testing.T) {
	shown := 0
	eachObject("", parse(t, schemas.Plan), func(path string, object map[string]any) {
		if strings.HasSuffix(path, "/if") || strings.HasSuffix(path, "/then") {
			return // which operation belongs to which verb
		}
		properties, _ := object["properties"].(map[string]any)
		for name, value := range properties {
			property := value.(map[string]any)
			at := path + "/" + name
			if description, _ := property["description"].(string); !strings.HasSuffix(description, ".") {
				t.Errorf("%s: described as %q", at, description)
			}
			items, _ := property["items"].(map[string]any)
			if !isLeaf(property) && !isLeaf(items) {
				continue
			}
			examples, _ := property["examples"].([]any)
			if len(examples) == 0 && !saysItsValues(property) && !saysItsValues(items) {
				t.Errorf("%s: no example", at)
			}
			text, err := json.Marshal(property)
			if err != nil {
				t.Fatal(err)
			}
			schema := compile(t, text)
			for _, example := range examples {
				shown++
				if err := schema.Validate(example); err != nil {
					t.Errorf("%s: the example %v: %s", at, example, leaves(err))
				}
			}
		}
	})
	if shown < 100 {
		t.Errorf("only %d examples", shown)
	}
}

func isLeaf(object map[string]any) bool {
	kind, _ := object["type"].(string)
	return kind == "string" || kind == "integer" || kind == "number"
}

func saysItsValues(object map[string]any) bool {
	return object["enum"] != nil || object["const"] != nil || object["pattern"] != nil
}
