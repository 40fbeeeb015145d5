package zstack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFreeAddresses(t *testing.T) {
	for _, test := range []struct {
		body string
		want int64
	}{
		{`{"totalCapacity":10,"availableCapacity":4}`, 4},
		{`{"totalCapacity":1000,"availableCapacity":990,"ipv4AvailableCapacity":3,"ipv6AvailableCapacity":987}`, 3},
		{`{"availableCapacity":990,"ipv4AvailableCapacity":0}`, 0},
	} {
		server := &script{answers: map[string][]reply{"GET /ip-capacity": {{status: 200, body: test.body}}}}
		got, err := newTestClient(t, server).FreeAddresses(t.Context(), otherJob)
		if err != nil || got != test.want {
			t.Errorf("%s: %d, %v, want %d", test.body, got, err, test.want)
		}
	}
}

// TestCandidatesQuery: what is empty is not asked for, and lists repeat their name.
func TestCandidatesQuery(t *testing.T) {
	server := &script{answers: map[string][]reply{"GET /vm-instances/candidate-destinations": {{status: 200, body: `{"zones":[],"hosts":[{"uuid":"h1"}]}`}}}}
	hosts, err := newTestClient(t, server).Candidates(t.Context(), VMShape{
		ImageUUID: "i", NetworkUUIDs: []string{"n1", "n2"}, DefaultNetwork: "n2", CPU: 2, Memory: 1 << 30, DataDiskOfferings: []string{"d", "d"},
	})
	if err != nil || len(hosts) != 1 || hosts[0].UUID != "h1" {
		t.Fatalf("hosts %v, %v", hosts, err)
	}
	want := map[string][]string{"imageUuid": {"i"}, "l3NetworkUuids": {"n1", "n2"}, "defaultL3NetworkUuid": {"n2"},
		"cpuNum": {"2"}, "memorySize": {"1073741824"}, "dataDiskOfferingUuids": {"d", "d"}}
	if d := cmp.Diff(want, server.got[len(server.got)-1].Query); d != "" {
		t.Errorf("query (-want +got):\n%s", d)
	}
}

func TestUsagesOfNobody(t *testing.T) {
	server := &script{}
	if _, err := newTestClient(t, server).Usages(t.Context(), "../sessions"); err == nil || len(server.got) > 0 {
		t.Errorf("asked %v: %v", server.got, err)
	}
}
