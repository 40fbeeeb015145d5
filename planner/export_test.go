package planner

import "testing"

// RichPlanFile returns a plan file with every action and every kind of
// operation, for tests outside of the package.
func RichPlanFile(t testing.TB) []byte {
	t.Helper()
	data, err := richPlan(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Sealed is sealed, for tests outside of the package.
func Sealed(t testing.TB, data []byte) (out []byte, ok bool) { return sealed(t, data) }
