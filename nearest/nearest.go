// Package nearest finds the name that a mistyped word was meant to be, for
// error messages that suggest one.
package nearest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Name returns the name that word was probably meant to be, or "" if none is
// near: at most one edit in three letters or part of three, after folding case
// and the two ways of joining words, or one that begins like word.
func Name(word string, names []string) string {
	best, distance := "", (len(word)+2)/3+1
	w := fold(word)
	for _, name := range names {
		if d := levenshtein.ComputeDistance(w, fold(name)); d < distance {
			best, distance = name, d
		}
	}
	if best != "" || len(w) < 3 {
		return best
	}
	for _, name := range names {
		if n := fold(name); strings.HasPrefix(n, w) || strings.HasPrefix(w, n) {
			return name
		}
	}
	return ""
}

func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "_", "-")
}
