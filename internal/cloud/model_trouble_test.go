package cloud

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"zfleet/planner"
)

// modelOperations are the calls that may be struck by name.
var modelOperations = []string{"CreateVmInstance", "CreateVmInstanceFromVolume", "CreateVmInstanceFromVolumeSnapshot", "CreateUserTag",
	"DeleteTag", "StopVmInstance", "StartVmInstance", "UpdateVmInstance", "ChangeInstanceOffering", "SetVmHostname", "DeleteVmHostname",
	"AttachTagToResources", "DetachTagFromResources", "DestroyVmInstance", "DeleteDataVolume"}

// modelPlaces are the requests that may be struck by method and path.
var modelPlaces = []string{
	"method: POST", "method: PUT", "method: DELETE", "method: GET", modelPolls,
	"method: GET, path: /vm-instances/*", "method: GET, path: /user-tags", "method: PUT, path: /accounts/login",
}

const modelPolls = "method: GET, path: /api-jobs/*"

// modelPollKinds are the faults of a request for a job.
var modelPollKinds = []string{modelDenial, modelDenial, "fault: drop-before", "fault: garbage, status: 502, text: <html>Bad Gateway</html>", "fault: garbage, text: hello"}

// modelKinds are the faults, the frequent ones several times. Those that are
// belated are marked: see modelTrouble.
var modelKinds = []struct {
	rule    string
	belated bool
}{
	{"fault: refuse", false}, {"fault: drop-before", false}, {"fault: drop-before", false},
	{"fault: drop-after", false}, {"fault: drop-after", false}, {"fault: drop-after", false},
	{"fault: hang", false}, {"fault: expire", false}, {"fault: restart", false}, {"fault: restart", false},
	{"fault: slow, delay: 3s", false}, {"fault: slow, delay: 40s", true},
	{"fault: garbage, status: 502, text: <html>Bad Gateway</html>", false}, {"fault: garbage, status: 504, text: ''", false},
	{`fault: garbage, text: '{"inventory": {'`, false}, {"fault: garbage, text: hello", false},
	{"fault: garbage, status: 400, text: what", false}, {"fault: garbage, status: 429, text: slowly", false},
	{modelDenial, false}, {modelDenial, false},
	{"fault: garbage, status: 500, text: ''", false},
	{"fault: error, error: {code: SYS.1001, description: timeout}", false},
	{"fault: fail-after, error: {code: SYS.1001, description: timeout}", false},
	{"fault: fail-after, error: {code: SYS.1012, description: the node left}", false},
	{"fault: fail-after, error: {code: SYS.1000, description: internal}", false},
	{"fault: error, error: {code: SYS.1010, description: starting}", false},
	{"fault: error, error: {code: SYS.1012, description: the node left}", false},
	{"fault: error, error: {code: SYS.1006, cause: {code: HOST_ALLOCATION.1000}}", false},
	{"fault: error, error: {code: SYS.1000, description: internal}", false},
	{"fault: error, error: {code: SYS.1007, description: argument}", false},
	{"fault: error, error: {code: ID.1001, description: Session expired}", false},
	{"fault: error, error: {code: ID.1003, description: quota}", false},
}

// modelDenial is how a server says that it does not know a job.
const modelDenial = "fault: garbage, status: 404, text: the job has been expired"

// newModelTrouble draws what happens to a run of a plan.
func newModelTrouble(random *rand.Rand, plan *planner.Plan) modelTrouble {
	var (
		trouble modelTrouble
		rules   strings.Builder
	)
	for range random.IntN(4) {
		place := modelPlaces[random.IntN(len(modelPlaces))]
		if random.IntN(2) == 0 {
			place = "operation: " + modelOperations[random.IntN(len(modelOperations))]
		}
		when := fmt.Sprintf("nth: %d", 1+random.IntN(6))
		if random.IntN(2) == 0 {
			when = fmt.Sprintf("after: %d, times: %d", random.IntN(4), 1+random.IntN(12))
		}
		if random.IntN(6) == 0 {
			when = fmt.Sprintf("after: %d", random.IntN(6)) // until the faults are lifted
		}
		kind := modelKinds[random.IntN(len(modelKinds))]
		if random.IntN(4) == 0 { // of all requests, those for jobs decide most
			place, kind.rule, kind.belated = modelPolls, modelPollKinds[random.IntN(len(modelPollKinds))], false
		}
		trouble.belated = trouble.belated || kind.belated
		trouble.denied = trouble.denied || kind.rule == modelDenial
		harmless := strings.HasPrefix(place, "operation") || strings.Contains(place, "api-jobs")
		trouble.blind = trouble.blind || !harmless || strings.Contains(kind.rule, "expire") || strings.Contains(kind.rule, "restart") || strings.Contains(kind.rule, "ID.")
		fmt.Fprintf(&rules, "- {%s, %s, %s}\n", place, when, kind.rule)
	}
	if random.IntN(50) > 0 {
		trouble.timeout = time.Duration(1+random.IntN(4)) * time.Minute
	}
	moments := 2 + 6*len(plan.Steps) // about as many as there are
	switch random.IntN(8) {
	case 0:
		trouble.stop = 1 + random.IntN(moments)
	case 1:
		trouble.leave = 1 + random.IntN(moments)
	case 2:
		trouble.stop = 1 + random.IntN(moments)
		trouble.leave = trouble.stop + 1 + random.IntN(20)
	case 3:
		trouble.failAfter = 1 + random.IntN(1+2*len(plan.Steps))
	case 4, 5, 6:
		trouble.crash = 1 + random.IntN(moments)
	}
	if random.IntN(8) == 0 {
		trouble.lateness, trouble.belated = 1+random.IntN(3), true
	}
	if random.IntN(8) == 0 {
		trouble.rival, trouble.belated = true, true
		trouble.rivalAfter = time.Duration(random.IntN(2)*random.IntN(40_000)) * time.Millisecond
	}
	if random.IntN(8) == 0 || trouble.rival && random.IntN(2) == 0 {
		trouble.stalls, trouble.belated = 1+random.IntN(4), true
	}
	trouble.faults = rules.String()
	return trouble
}
