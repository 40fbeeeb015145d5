#!/bin/sh
# Carries out the plan that was reviewed, or nothing.
#
#   apply.sh -f fleet.yaml
#
# It takes the plan from $ZFLEET_OUT/plan.json and the digest that was approved
# from ZFLEET_DIGEST or $ZFLEET_OUT/digest. Where there is no plan file it plans
# anew, with ZFLEET_PLAN_ARGS as plan.sh does, and goes on only if that gives the
# very plan of the digest: the same file and the same cloud always do.
#
# It needs a key that may write. It leaves in $ZFLEET_OUT the reports, the run
# with its journal, and in now.json and now.md what would be done now.
#
# Exits: 0 done, or nothing was left to do; 4 nothing was done, because the plan
# was not approved or does not hold any more: review now.md, then run this again
# with ZFLEET_DIGEST set to its digest; the others are those of zfleet apply.
set -u
# shellcheck source=examples/ci/lib.sh
. "$(dirname "$0")/lib.sh"
digest=${ZFLEET_DIGEST:-$(cat "$out/digest" 2>/dev/null)}

# again ends the job without having done anything and asks for a new review.
again() {
	say "Nothing was applied: $1."
	say "What would be done now has the digest $(field digest "$out/now.json"):"
	cat "$out/now.md" >&2 # on GitHub zfleet has put it on the page of the run too
	say "Review it. To approve it, run this job by hand with that digest."
	exit 4
}

# What would be done now: to see whether anything is left to do, whether the
# file is still the one that was planned, and to ask for a new review with.
# shellcheck disable=SC2086 # several words
zfleet plan "$@" ${ZFLEET_PLAN_ARGS:-} --detailed-exitcode --out "$out/now.json" -o markdown >"$out/now.md"
code=$?
case $code in
0)
	say "Nothing to do: the cloud is as the fleet file says."
	exit 0
	;;
2 | 5) ;; # pending, or refused: whether the reviewed plan is, apply says
*)
	say "zfleet plan: $(meaning "$code")."
	exit "$code"
	;;
esac

if [ -z "$digest" ]; then
	again "no plan was approved for this change"
fi
if [ ! -f "$out/plan.json" ]; then
	cp "$out/now.json" "$out/plan.json"
elif [ "$(field specDigest "$out/plan.json")" != "$(field specDigest "$out/now.json")" ]; then
	again "the fleet file is not the one that the plan was made from; another change was merged in between"
fi

zfleet apply "$out/plan.json" --expect-digest "$digest" "$@" --run-dir "$out/run-$stamp" \
	--report "$out/report.json" --report "$out/report.md" --report "$out/report.html" --report "$out/junit.xml"
code=$?
case $code in
0) ;;
4) again "$(meaning 4)" ;;
*) say "zfleet apply: $(meaning "$code")." ;;
esac
exit "$code"
