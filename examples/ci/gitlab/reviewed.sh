#!/bin/sh
# Fetches the plan that was reviewed with a change that has just been merged:
# plan.json, as the last pipeline of the merge request kept it, and digest, as
# the note says that the reviewers read. Both go to $ZFLEET_OUT (zfleet-out).
#
# It leaves none, and says so, when there is no such plan; apply.sh then asks for
# a review.
set -eu
# shellcheck source=examples/ci/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=examples/ci/gitlab/api.sh
. "$(dirname "$0")/api.sh"
rm -f "$out/plan.json" "$out/digest" "$out"/reviewed-*

none() {
	rm -f "$out/plan.json" "$out/digest"
	say "No reviewed plan: $1."
	exit 0
}

merged=$(api "repository/commits/$CI_COMMIT_SHA/merge_requests" |
	jq -r '[.[] | select(.state == "merged")][0] // empty | "\(.iid) \(.sha)"')
[ -n "$merged" ] || none "no merge request brought $CI_COMMIT_SHA"
iid=${merged% *} head=${merged#* }

pipeline=$(api "merge_requests/$iid/pipelines" |
	jq '[.[] | select(.source == "merge_request_event" and .status == "success")][0].id // empty')
[ -n "$pipeline" ] || none "no plan of !$iid succeeded"
job=$(api "pipelines/$pipeline/jobs" | jq '[.[] | select(.name == "plan")][0].id // empty')
[ -n "$job" ] || none "pipeline $pipeline has no job named plan"
for file in plan.json comment.md; do
	api "jobs/$job/artifacts/zfleet-out/$file" --output "$out/reviewed-$file" ||
		none "job $job keeps no $file; it may come from a fork, or be too old"
done

# shellcheck disable=SC2016 # the quotes are those of Markdown
digest=$(notes "$iid" "$(head -n 1 "$out/reviewed-comment.md")" |
	jq -r --arg head "$head" '.body | select(contains("\nPlanned for commit `" + $head + "`"))' |
	sed -n 's/^Digest: `\([0-9a-f]*\)`.*/\1/p' | head -n 1)
[ -n "$digest" ] || none "the note on !$iid shows no plan of its last commit, $head"

mv "$out/reviewed-plan.json" "$out/plan.json"
printf '%s\n' "$digest" >"$out/digest"
say "The plan reviewed with !$iid has the digest $digest."
