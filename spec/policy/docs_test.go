package policy

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestDocs wants everything that conditions know to be on the page about them.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	structs := make(map[string]reflect.Type)
	for _, typ := range variables {
		fieldsOf(typ, structs)
	}
	names := []string{"all", "exists", "exists_one", "filter", "map", "has", "in"}
	for _, typ := range structs {
		names = append(names, fieldNames(typ)...)
	}
	for name := range variables {
		names = append(names, name)
	}
	for name := range constants {
		names = append(names, name)
	}
	for _, name := range functions {
		if 'a' <= name[0] && name[0] <= 'z' {
			names = append(names, name)
		}
	}
	if len(names) < 70 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("the page does not know `%s`", name)
		}
	}
}
