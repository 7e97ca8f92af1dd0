// Package nearest finds the name that a mistyped word was meant to be, for
// error messages that suggest one.
package nearest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Name returns the name that word was probably meant to be, or "" if none is
// near: one that begins with word, else one with at most one edit in three
// letters or part of three, else one that word begins with. Case and the two
// ways of joining words do not count; nor do beginnings of fewer than three
// letters.
func Name(word string, names []string) string {
	best, least := "", far
	for _, name := range names {
		if c := cost(fold(word), fold(name)); c < least {
			best, least = name, c
		}
	}
	return best
}

// far is the cost from which on nothing is near.
const far = 1 << 10

// cost says how unlikely it is that name was meant; both are folded.
func cost(word, name string) int {
	edits := levenshtein.ComputeDistance(word, name)
	if swapped(word, name) {
		edits = 1
	}
	begins := len(word) >= 3 && strings.HasPrefix(name, word)
	switch {
	case edits == 0:
		return 0
	case begins:
		return 1
	case edits <= (len(word)+2)/3:
		return 1 + edits
	case len(word) >= 3 && name != "" && strings.HasPrefix(word, name):
		return far - 1
	}
	return far
}

// swapped says whether two neighbouring letters have changed places, the most
// common slip of all.
func swapped(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "_", "-")
}
