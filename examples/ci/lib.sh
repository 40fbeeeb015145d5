# What the scripts in this directory share. It is sourced, not run.
# shellcheck shell=sh

# Everything that a job makes, for the job to keep.
out=${ZFLEET_OUT:-zfleet-out}
mkdir -p "$out"

# Runs of other jobs may have been left there, perhaps of this very second: their
# records are not overwritten.
# shellcheck disable=SC2034 # for the scripts
stamp=$(date -u +%Y%m%d-%H%M%S)-$$

# say tells whoever reads the log and, on GitHub, the page of the run.
say() {
	printf '%s\n' "$*" >&2
	if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
		printf '%s\n\n' "$*" >>"$GITHUB_STEP_SUMMARY"
	fi
}

# field prints a text of the top level of a plan: field digest plan.json. A plan
# file has the same form always, so this needs no jq.
field() {
	sed -n 's/^  "'"$1"'": "\(.*\)",\{0,1\}$/\1/p' "$2"
}

# meaning says what an exit code of zfleet asks for.
meaning() {
	case $1 in
	0) echo "done" ;;
	1) echo "an error: see the log; nothing that was begun is lost, run the job again" ;;
	2) echo "changes are pending" ;;
	3) echo "the fleet file must be fixed: the log says where and how" ;;
	4) echo "the plan is not the one that was reviewed, or the cloud has changed since" ;;
	5) echo "refused by a limit, a guard or a policy: the plan says which, and which flag or edit allows it" ;;
	6) echo "some machines are not as they should be: the report says which and why; the next plan shows the rest" ;;
	7) echo "the outcome of a step is unknown: the report says of which machine; look at it, then plan again" ;;
	64) echo "the job calls zfleet wrongly, or lacks the endpoint or the key" ;;
	130 | 143) echo "the job was cancelled; what had begun goes on in the cloud, the next plan shows the rest" ;;
	*) echo "zfleet ended with $1" ;;
	esac
}
