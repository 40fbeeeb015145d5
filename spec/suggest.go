package spec

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// longestWord bounds what is compared; nobody types longer names by hand.
const longestWord = 200

// suggest returns the candidate that word was probably meant to be, or "" if
// nothing is near. Case counts for nothing, and of equally near candidates the
// alphabetically first one wins.
func suggest(word string, candidates []string) string {
	if len(word) > longestWord {
		return ""
	}
	best, bestDistance := "", nearEnough(word)+1
	for _, candidate := range slices.Sorted(slices.Values(candidates)) {
		distance := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(candidate))
		if distance < bestDistance && distance < len([]rune(candidate)) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// nearEnough is the largest number of edits that still makes a typo of a word.
func nearEnough(word string) int {
	switch length := len([]rune(word)); {
	case length <= 2:
		return 1
	case length <= 6:
		return 2
	default:
		return min(length/3, 5)
	}
}

// didYouMean is the hint for a name that is not among the candidates: the
// nearest one, else all of them while the list stays readable.
func didYouMean(word string, candidates []string) string {
	if near := suggest(word, candidates); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	return oneOf(candidates)
}

// oneOf lists the allowed values, sorted, or says nothing about very many.
func oneOf(candidates []string) string {
	const readable = 40
	if len(candidates) == 0 || len(candidates) > readable {
		return ""
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(candidates)))
	if len(sorted) == 1 {
		return "only " + quote(sorted[0]) + " is known here"
	}
	return "known here: " + strings.Join(sorted, ", ")
}
