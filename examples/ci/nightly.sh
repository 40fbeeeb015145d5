#!/bin/sh
# Makes an environment anew, unattended, and leaves a report for the morning.
#
#   nightly.sh -f fleet.yaml
#
# zfleet has no command that rebuilds machine by machine, so this deletes the
# fleet's machines, then makes them: in between there are none. Protected
# machines, and those whose volume would be lost, stay as they are and are
# reported. Never point it at what people work on at night.
#
# It needs a key that may write. It leaves in $ZFLEET_OUT (zfleet-out) the
# reports of both runs as HTML, Markdown and JUnit, and their journals.
#
# It exits with the first of these that happened: what ended it early; what
# zfleet destroy ended with, when something stayed that should have gone; what
# zfleet apply ended with.
set -u
# shellcheck source=examples/ci/lib.sh
. "$(dirname "$0")/lib.sh"

# run calls zfleet with a run directory and reports of a name of their own.
run() {
	name=$1
	shift
	zfleet "$@" --auto-approve --run-dir "$out/$name-$stamp" --report "$out/$name.json" \
		--report "$out/$name.md" --report "$out/$name.html" --report "$out/$name.xml"
}

run destroy destroy "$@"
removed=$?
case $removed in
0) ;;
6 | 7)
	# Half an environment is of no use in the morning: make what is missing, and
	# let the job fail all the same.
	say "zfleet destroy: $(meaning "$removed")."
	;;
*)
	say "zfleet destroy: $(meaning "$removed"). Nothing was made anew."
	exit "$removed"
	;;
esac

run apply apply "$@"
made=$?
if [ "$made" -ne 0 ]; then
	say "zfleet apply: $(meaning "$made")."
fi
if [ "$removed" -ne 0 ]; then
	exit "$removed"
fi
exit "$made"
