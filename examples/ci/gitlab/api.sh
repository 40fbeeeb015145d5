# How the scripts in this directory call GitLab. It is sourced, not run; it wants
# curl and jq, and in GITLAB_API_TOKEN a project access token: api scope, role
# Reporter, to write notes; read_api for reviewed.sh.
# shellcheck shell=sh

# api PATH [CURL ARGS…] calls below the project.
api() {
	path=$1
	shift
	curl --silent --show-error --fail --header "PRIVATE-TOKEN: $GITLAB_API_TOKEN" "$@" \
		"$CI_API_V4_URL/projects/$CI_PROJECT_ID/$path"
}

# notes IID MARKER lists the ids of the token's own notes on a merge request
# whose text begins with the marker, newest first, with their texts as JSON.
notes() {
	me=$(curl --silent --show-error --fail --header "PRIVATE-TOKEN: $GITLAB_API_TOKEN" "$CI_API_V4_URL/user" | jq .id)
	page=1
	while [ "$page" -le 20 ]; do
		batch=$(api "merge_requests/$1/notes?sort=desc&order_by=created_at&per_page=100&page=$page")
		printf '%s' "$batch" | jq -c --argjson me "$me" --arg marker "$2" \
			'.[] | select(.author.id == $me) | select(.body | startswith($marker)) | {id, body}'
		[ "$(printf '%s' "$batch" | jq length)" -eq 100 ] || break
		page=$((page + 1))
	done
}
