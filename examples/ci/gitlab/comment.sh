#!/bin/sh
# Writes a file as a note on the merge request of this pipeline, in place of the
# one that an earlier pipeline wrote: comment.sh comment.md
#
# The first line of the file, which is hidden, says which note that is.
set -eu
# shellcheck source=examples/ci/gitlab/api.sh
. "$(dirname "$0")/api.sh"
file=$1
old=$(notes "$CI_MERGE_REQUEST_IID" "$(head -n 1 "$file")" | head -n 1 | jq .id)
if [ -n "$old" ]; then
	api "merge_requests/$CI_MERGE_REQUEST_IID/notes/$old" --request PUT --data-urlencode "body@$file" >/dev/null
else
	api "merge_requests/$CI_MERGE_REQUEST_IID/notes" --request POST --data-urlencode "body@$file" >/dev/null
fi
