package verdict

import (
	"math"
	"slices"
	"sort"
)

// bound returns the smallest shift whose p exceeds level, level < 1/2: the
// lower confidence bound for the centre of the log-ratios. It is −Inf if no
// shift can be rejected, as with fewer than log2(1/level) restarts.
//
// p is a step function that can only rise where a flipped value meets the
// median, at (x + median)/2 for some x, or where a restart changes sides, at
// its medians. A bisection finds the rise among the former exactly; the few
// medians just before it, if any, are searched after that.
func (t *flipTest) bound(level float64) float64 {
	if t.exceeds(math.Inf(-1), math.Inf(-1), level) {
		return math.Inf(-1)
	}
	i := sort.Search(len(t.pool), func(i int) bool {
		return t.exceeds(mid(t.pool[i], t.median), t.pool[i], level)
	})
	low := mid(t.pool[i], t.median) // found: at shift = median p is at least 1/2
	before := math.Inf(-1)
	if i > 0 {
		before = mid(t.pool[i-1], t.median)
	}
	medians := t.mediansBetween(before, low)
	j := sort.Search(len(medians), func(j int) bool {
		return t.exceeds(medians[j], 2*medians[j]-t.median, level)
	})
	if j < len(medians) {
		return medians[j]
	}
	return low
}

// mediansBetween returns those lower and upper medians of rows that lie
// strictly between two shifts, ascending.
func (t *flipTest) mediansBetween(low, high float64) []float64 {
	var out []float64
	for _, row := range t.rows {
		for _, m := range [2]float64{row[(len(row)-1)/2], row[len(row)/2]} {
			if low < m && m < high {
				out = append(out, m)
			}
		}
	}
	slices.Sort(out)
	return out
}
