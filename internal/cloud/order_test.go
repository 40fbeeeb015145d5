package cloud

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"zfleet/planner"
	"zfleet/spec"
)

// TestInventoryInAnyOrder: whatever order a server shows things in, NICs and
// volumes and addresses of a VM included, the inventory has the same bytes.
func TestInventoryInAnyOrder(t *testing.T) {
	var want string
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 1))
		f := newFake(t, succeedAll)
		var vms, tags, images, l2s []row
		for i := range 4 {
			key := fmt.Sprintf("web/%d", i+1)
			uuid := testScope.MachineUUID(key, 0)
			nics := []row{
				{"uuid": fmt.Sprint("n1", i), "l3NetworkUuid": "l3", "deviceId": 0, "usedIps": anyOrder(random, []row{{"ip": "10.0.0.5", "ipVersion": 4}, {"ip": "10.0.0.6", "ipVersion": 4}, {"ip": "fd00::1", "ipVersion": 6}})},
				{"uuid": fmt.Sprint("n2", i), "l3NetworkUuid": "l3", "deviceId": 1}, {"uuid": fmt.Sprint("n3", i), "l3NetworkUuid": "l4", "deviceId": 2},
			}
			var volumes []row
			for n := range 4 {
				disk := fmt.Sprintf("%032x", 0xd0000+10*i+n)
				volumes = append(volumes, row{"uuid": disk, "name": "d", "type": map[bool]string{true: "Root", false: "Data"}[n == 0], "deviceId": n, "vmInstanceUuid": uuid})
				tags = append(tags, tagRow(1000+10*i+n, typeVolume, disk, testScope.DiskTag(key, 0)))
			}
			vms = append(vms, row{"uuid": uuid, "name": key, "state": "Running", "vmNics": anyOrder(random, nics), "allVolumes": anyOrder(random, volumes)})
			tags = append(tags, tagRow(10*i, typeVM, uuid, testScope.KeyTag(key)), tagRow(10*i+1, typeVM, uuid, "owner:me"), tagRow(10*i+2, typeVM, uuid, "owner:me"))
			images = append(images, row{"uuid": fmt.Sprintf("%032x", 0x1a0000+i), "name": "rocky"})
			l2s = append(l2s, row{"uuid": fmt.Sprint("l2", i), "attachedClusterUuids": anyOrder(random, []string{"c1", "c2", "c3"})})
		}
		f.add("/vm-instances", anyOrder(random, vms)...)
		f.add("/user-tags", anyOrder(random, tags)...)
		f.add("/images", anyOrder(random, images)...)
		f.add("/l2-networks", anyOrder(random, l2s)...)
		f.add("/l3-networks", anyOrder(random, []row{{"uuid": "l3", "name": "a", "l2NetworkUuid": "l20"}, {"uuid": "l4", "name": "b", "l2NetworkUuid": "l21"}})...)
		file, err := Survey(t.Context(), f.client(), []Fleet{{testScope, planner.Wants{Refs: map[planner.Kind][]spec.Ref{
			planner.KindImage: {{Name: "rocky"}}, planner.KindNetwork: {{Name: "a"}}}}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(got)
		}
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Fatalf("seed %d (-first +now):\n%s", seed, d)
		}
	}
}

func anyOrder[T any](random *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}
