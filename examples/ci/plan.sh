#!/bin/sh
# Checks and plans a fleet for a review. It changes nothing.
#
#   plan.sh -f fleet.yaml
#
# The arguments say which files, variables and policies (-f, --var, --var-file, --policy);
# ZFLEET_PLAN_ARGS may hold more flags of zfleet plan. It leaves in $ZFLEET_OUT
# (zfleet-out):
#
#   plan.json    what apply.sh carries out after the merge
#   comment.md   what the reviewer reads; its first line is hidden and finds it again
#   digest       the digest of the plan, which the approval is of
#
# and on GitLab findings.json and counts.json for its reports codequality and
# terraform. On GitHub zfleet writes annotations and the summary of the step itself.
#
# It needs a key that may read and no more. With ZFLEET_INVENTORY=FILE, which a
# job with a key has saved with `zfleet inventory`, it needs no key and no network.
# ZFLEET_COMMIT is the commit that is reviewed; the comment names it.
#
# It exits as zfleet plan does. After a 5 the plan is there all the same, to be
# read: apply refuses it.
set -u
# shellcheck source=examples/ci/lib.sh
. "$(dirname "$0")/lib.sh"
rm -f "$out/plan.json" "$out/comment.md" "$out/digest"

# What GitLab shows beside the change: problems at their lines, and the counts.
findings='' counts=''
if [ -n "${GITLAB_CI:-}" ]; then
	findings=--gitlab-codequality=$out/findings.json
	counts=--gitlab-terraform=$out/counts.json
fi

# shellcheck disable=SC2086 # empty, or one word
zfleet validate "$@" $findings
code=$?
if [ "$code" -ne 0 ]; then
	say "zfleet validate: $(meaning "$code")."
	exit "$code"
fi

if [ -n "${ZFLEET_INVENTORY:-}" ]; then
	set -- "$@" --inventory "$ZFLEET_INVENTORY"
fi
# shellcheck disable=SC2086 # ZFLEET_PLAN_ARGS holds several words
zfleet plan "$@" ${ZFLEET_PLAN_ARGS:-} $findings $counts --out "$out/plan.json" -o markdown >"$out/comment.md"
code=$?
case $code in
0 | 5) ;;
*)
	# What stands in comment.md is no plan.
	rm -f "$out/plan.json" "$out/comment.md"
	say "zfleet plan: $(meaning "$code")."
	exit "$code"
	;;
esac

field digest "$out/plan.json" >"$out/digest"
# After the merge the comment of the last commit is looked for by this line.
# shellcheck disable=SC2016 # the quotes are those of Markdown
printf '\nPlanned for commit `%s`.\n' "${ZFLEET_COMMIT:-unknown}" >>"$out/comment.md"
if [ "$code" -ne 0 ]; then
	say "zfleet plan: $(meaning "$code")."
fi
exit "$code"
