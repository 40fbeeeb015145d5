#!/bin/sh
# Checks a fleet file and shows what the change of the file alone would do: no
# cloud, no key. For whoever must not be given one, such as a fork.
#
#   diff.sh BASE fleet.yaml
#
# BASE is the commit that the change is compared with. More arguments say variables and
# policies (--var, --var-file, --policy). It leaves comment.md in $ZFLEET_OUT (zfleet-out).
#
# It exits as zfleet diff does: with 5 for what a policy or a safety limit refuses.
set -u
# shellcheck source=examples/ci/lib.sh
. "$(dirname "$0")/lib.sh"
base=$1 file=$2
shift 2

zfleet validate -f "$file" "$@"
code=$?
if [ "$code" -ne 0 ]; then
	say "zfleet validate: $(meaning "$code")."
	exit "$code"
fi
if ! git cat-file -e "$base:$file" 2>/dev/null; then
	say "$file is new: there is nothing to compare it with."
	exit 0
fi
git show "$base:$file" >"$out/before.yaml"
zfleet diff "$out/before.yaml" "$file" "$@" -o markdown >"$out/comment.md"
code=$?
case $code in
0) ;;
*) say "zfleet diff: $(meaning "$code")." ;;
esac
exit "$code"
