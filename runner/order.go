package runner

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
)

// shuffled returns 0…n−1 in an order that depends on the seed and on the place
// alone, so that a resumed run and a repeated one order as the first did.
func shuffled(n int, seed uint64, place ...any) []int {
	key := sha256.Sum256(fmt.Appendf(nil, "%d %q", seed, fmt.Sprint(place...)))
	return rand.New(rand.NewChaCha8(key)).Perm(n)
}
