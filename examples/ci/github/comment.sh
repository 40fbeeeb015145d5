#!/bin/sh
# Writes a file as a comment on a pull request, in place of the one that an
# earlier run wrote: comment.sh NUMBER comment.md
#
# The first line of the file, which is hidden, says which comment that is. Only
# comments of the workflows themselves are replaced. GH_TOKEN may write comments.
set -eu
number=$1 file=$2
marker=$(head -n 1 "$file")
comments="repos/$GITHUB_REPOSITORY/issues/$number/comments"

# The marker goes through the environment: no text of it becomes a program.
old=$(MARKER=$marker gh api --paginate "$comments" --jq '
	.[] | select(.user.login == "github-actions[bot]") | select(.body | startswith(env.MARKER)) | .id' | head -n 1)
if [ -n "$old" ]; then
	gh api -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$old" -F "body=@$file" --silent
else
	gh api -X POST "$comments" -F "body=@$file" --silent
fi
