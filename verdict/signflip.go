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
	rows   [][]float64 // one per restart, ascending
	pool   []float64   // all values, ascending
	median float64     // lower median of the values of rows
	need   int         // so many values ≥ m make the lower median ≥ m

	keep, keepAbove []int // per row: values ≥ median, values > median

	loss, lossAbove, sides []int     // scratch: what flipping a row takes away
	ways                   []float64 // scratch of tail and jointTail
}

func newFlipTest(c clusters) *flipTest {
	n, restarts := len(c.pool), len(c.rows)
	median := c.pool[(n-1)/2]
	t := &flipTest{rows: c.rows, pool: c.pool, median: median, need: n - (n-1)/2,
		loss: make([]int, restarts), lossAbove: make([]int, restarts), sides: make([]int, restarts)}
	for _, row := range c.rows {
		t.keep = append(t.keep, len(row)-below(row, median))
		t.keepAbove = append(t.keepAbove, len(row)-atMost(row, median))
	}
	return t
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
