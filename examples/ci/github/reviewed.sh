#!/bin/sh
# Fetches the plan that was reviewed with a change that has just been merged:
# plan.json, as the run of the pull request's last commit kept it, and digest, as
# the comment says that the reviewers read. Both go to $ZFLEET_OUT (zfleet-out).
#
# It leaves none, and says so, when there is no such plan; apply.sh then asks for
# a review. GH_TOKEN may read pull requests, comments and artifacts.
set -eu
# shellcheck source=examples/ci/lib.sh
. "$(dirname "$0")/../lib.sh"
repo=repos/$GITHUB_REPOSITORY
rm -rf "$out/plan.json" "$out/digest" "$out/reviewed"

none() {
	rm -f "$out/plan.json" "$out/digest"
	say "No reviewed plan: $1."
	exit 0
}

merged=$(gh api "$repo/commits/$GITHUB_SHA/pulls" --jq '
	[.[] | select(.merged_at != null)][0] // empty | "\(.number) \(.head.sha)"')
[ -n "$merged" ] || none "no pull request brought $GITHUB_SHA"
number=${merged% *} head=${merged#* }

# A run that was refused (5) did not succeed: its plan is not applied.
run=$(gh api "$repo/actions/workflows/fleet-plan.yml/runs?event=pull_request&status=success&head_sha=$head" \
	--jq '.workflow_runs[0].id // empty')
[ -n "$run" ] || none "no plan of #$number at $head succeeded"
gh run download "$run" --repo "$GITHUB_REPOSITORY" --name plan --dir "$out/reviewed" ||
	none "run $run keeps no plan; it may come from a fork, or be too old"

marker=$(head -n 1 "$out/reviewed/comment.md")
# shellcheck disable=SC2016 # the quotes are those of Markdown
digest=$(MARKER=$marker HEAD=$head gh api --paginate "$repo/issues/$number/comments" --jq '
	.[] | select(.user.login == "github-actions[bot]") | .body | select(startswith(env.MARKER)) |
	select(contains("\nPlanned for commit `" + env.HEAD + "`"))' |
	sed -n 's/^Digest: `\([0-9a-f]*\)`.*/\1/p' | tail -n 1)
[ -n "$digest" ] || none "the comment on #$number shows no plan of its last commit, $head"

mv "$out/reviewed/plan.json" "$out/plan.json"
printf '%s\n' "$digest" >"$out/digest"
say "The plan reviewed with #$number has the digest $digest."
