package verdict

import "sort"

// A flipTest is the one-sided sign-flip test that log-ratios lie above a
// shift δ. With y = x − δ, a flip multiplies all y of some restarts by −1, and
//
//	p(δ) = share of the 2^R flips with T(flipped y) ≥ T(y).
//
// T is the lower median, the value at index (n−1)/2 of n; the other side tests
// the mirrored data, hence the upper median, so that neither arm is preferred.
// Which median it is does not touch validity: any function of the data is an
// exact statistic here.
//
// T ≥ m holds if need = n − (n−1)/2 values are ≥ m. The observed median is
// m = T(x) − δ, so an unflipped restart contributes #{x ≥ T(x)} values and a
// flipped one #{x ≤ 2δ − T(x)}: the number of values is a sum of R two-valued
// counts, whose distribution dynamic programming gives exactly. The former
// counts do not depend on δ and the latter grow with it, so p is a
// non-decreasing step function of δ, which interval.go inverts.
//
// Ties: if all blocks of a restart lie below the median, flipping it leaves the
// median where it is, and with few blocks, or equal values, such flips would
// keep p above any useful level, whatever the effect. So T is refined: among
// equal medians, the flip with more restarts above the shift is the more
// extreme. A flip then counts if its median is greater, or equal with D ≤ 0.
// D sums, over the flipped restarts, +1 for one whose median is above δ and −1
// for one at or below it. Since a greater median is also one that is ≥,
//
//	p = P(≥ and D ≤ 0) + P(> and D > 0),
//
// each again by counting, now of two sums at once. Every p can reach 2^−R.
// Where p jumps it takes the larger value, so that the shifts with p > level
// have a smallest one.
type flipTest struct {
	rows   [][]float64 // one per restart, ascending; a restart may appear twice in a resample
	pool   []float64   // ascending; holds every value of rows
	median float64     // lower median of the values of rows
	need   int         // so many values ≥ m make the lower median ≥ m

	keep, keepAbove []int // per row: values ≥ median, values > median

	loss, lossAbove, sides []int     // scratch: what flipping a row takes away
	ways                   []float64 // scratch of tail and jointTail
}

func newFlipTest(c clusters) *flipTest {
	t := &flipTest{}
	t.reset(c.rows, c.pool, c.pool[(len(c.pool)-1)/2], len(c.pool))
	return t
}

// reset points the test at n values in rows with the given lower median.
func (t *flipTest) reset(rows [][]float64, pool []float64, median float64, n int) {
	t.rows, t.pool, t.median = rows, pool, median
	t.need = n - (n-1)/2
	t.keep, t.keepAbove = t.keep[:0], t.keepAbove[:0]
	for _, row := range rows {
		t.keep = append(t.keep, len(row)-below(row, median))
		t.keepAbove = append(t.keepAbove, len(row)-atMost(row, median))
	}
	t.loss, t.lossAbove = grow(t.loss, len(rows)), grow(t.lossAbove, len(rows))
	t.sides = grow(t.sides, len(rows))
}

// p is the probability, under symmetry around shift, of data at least as
// extreme as those seen.
func (t *flipTest) p(shift float64) float64 {
	most := t.atLeast(2*shift - t.median)
	least := t.above()
	if least == most {
		return most
	}
	return least + t.ties(shift)
}

// exceeds says whether p(shift) > level; reflected is 2·shift − median, which
// the caller may know without rounding. Ties are counted only if they decide.
func (t *flipTest) exceeds(shift, reflected, level float64) bool {
	if t.atLeast(reflected) <= level {
		return false
	}
	least := t.above()
	return least > level || least+t.ties(shift) > level
}

// atLeast is the share of flips whose median is ≥ the one seen. It leaves the
// losses of this shift for above and ties.
func (t *flipTest) atLeast(reflected float64) float64 {
	for r, row := range t.rows {
		gain := atMost(row, reflected)
		t.loss[r], t.lossAbove[r] = t.keep[r]-gain, t.keepAbove[r]-gain
	}
	return t.tail(t.loss, t.slack(t.keep))
}

// above is the share of flips whose median is greater than the one seen.
func (t *flipTest) above() float64 {
	return t.tail(t.lossAbove, t.slack(t.keepAbove))
}

// ties is the share of flips whose median is the one seen and whose D ≤ 0.
func (t *flipTest) ties(shift float64) float64 {
	for r, row := range t.rows {
		t.sides[r] = side(row, shift)
	}
	equalOrAbove := t.jointTail(t.loss, t.slack(t.keep))
	above := t.jointTail(t.lossAbove, t.slack(t.keepAbove))
	return max(0, equalOrAbove-above)
}

// slack is how many values flips may take away from those kept without any.
func (t *flipTest) slack(keep []int) int { return sum(keep) - t.need }

// side is +1 if the row's median lies above shift, −1 if at or below, and 0 if
// shift separates the lower from the upper median.
func side(row []float64, shift float64) int {
	s := 0
	if row[(len(row)-1)/2] > shift {
		s++
	}
	if row[len(row)/2] <= shift {
		s--
	}
	return s
}

// below counts the values < x of an ascending row.
func below(row []float64, x float64) int { return sort.SearchFloat64s(row, x) }

// atMost counts the values ≤ x of an ascending row.
func atMost(row []float64, x float64) int {
	lo, hi := 0, len(row)
	for lo < hi {
		if m := (lo + hi) / 2; row[m] <= x {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

func sum(xs []int) (s int) {
	for _, x := range xs {
		s += x
	}
	return s
}

// grow returns a slice of length n, reusing s if it is long enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
