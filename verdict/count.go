package verdict

import "math"

// Counting of subsets by dynamic programming. A flip turns round a subset of
// the restarts; it is judged by the sum of its members' losses. Numbers of
// subsets are exact in float64 up to 2^53.

// tail is the share of subsets whose losses sum to at most slack.
//
// Negative losses go first; then sums only grow, and those beyond slack are
// dropped. Where a test is near its level, losses are small, and so is the
// table.
func (t *flipTest) tail(losses []int, slack int) float64 {
	low := lowest(losses)
	if slack < low {
		return 0
	}
	t.ways = zeroed(t.ways, max(slack, 0)-low+1) // ways[s−low]: subsets with sum s
	t.ways[-low] = 1
	moved := 0
	for _, l := range losses {
		if l < 0 {
			moved += add(t.ways, l)
		}
	}
	for _, l := range losses {
		if l > 0 {
			moved += add(t.ways, l)
		}
	}
	return math.Ldexp(total(t.ways[:slack-low+1]), -moved)
}

// jointTail is the share of subsets whose losses sum to at most slack and whose
// sides sum to at most 0. It is tail with a second dimension: the sums of
// sides, of which no step can leave the row.
func (t *flipTest) jointTail(losses []int, slack int) float64 {
	low, left := lowest(losses), lowest(t.sides)
	if slack < low {
		return 0
	}
	width := 1 - left // sums of sides, from left to the largest
	for _, side := range t.sides {
		width += max(side, 0)
	}
	t.ways = zeroed(t.ways, width*(max(slack, 0)-low+1)) // ways[(s−low)·width + d−left]
	t.ways[-low*width-left] = 1
	moved := 0
	for r, l := range losses {
		if l < 0 {
			moved += add(t.ways, l*width+t.sides[r])
		}
	}
	for r, l := range losses {
		if l >= 0 {
			moved += add(t.ways, l*width+t.sides[r])
		}
	}
	var p float64
	for s := range slack - low + 1 {
		p += total(t.ways[s*width : s*width-left+1])
	}
	return math.Ldexp(p, -moved)
}

// add lets every subset take or leave one more member, which moves its place
// in the table, and returns 1. A member that moves nothing doubles all numbers
// alike and is left out: it returns 0.
func add(ways []float64, distance int) int {
	switch {
	case distance == 0:
		return 0
	case distance > 0:
		for s := len(ways) - 1; s >= distance; s-- {
			ways[s] += ways[s-distance]
		}
	default:
		for s := range len(ways) + distance {
			ways[s] += ways[s-distance]
		}
	}
	return 1
}

// lowest is the smallest sum of any subset.
func lowest(xs []int) (low int) {
	for _, x := range xs {
		low += min(x, 0)
	}
	return low
}

func total(xs []float64) (s float64) {
	for _, x := range xs {
		s += x
	}
	return s
}

// zeroed returns n zeros, in the memory of s if that is enough.
func zeroed(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	s = s[:n]
	clear(s)
	return s
}
