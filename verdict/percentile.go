package verdict

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// confidenceAlone is the confidence of statements on one arm alone.
const confidenceAlone = 0.99

// A Range is an estimate for one arm alone with its 99 % bounds.
type Range struct {
	Value     float64
	Low, High float64 // NaN if N is too small for bounds
	N         int     // values it rests on
}

// Bounded says whether the range has bounds.
func (r Range) Bounded() bool { return !math.IsNaN(r.Low) && !math.IsNaN(r.High) }

// ErrTooFew means that a percentile is not printed, because so few values say
// nothing about it.
var ErrTooFew = errors.New("too few values")

// A ValueError names a value that is not a finite number.
type ValueError struct {
	Restart, Index int
	Value          float64
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("restart %d, value %d: %v: want a finite number", e.Restart, e.Index, e.Value)
}

// Floor is the smallest number of values from which on the percentile p is
// printed: with 99 % confidence at least two of them lie beyond it, so that
// no single outlier decides what is printed.
func Floor(p float64) int {
	n := 1
	// P(at most one of n values beyond) = pⁿ + n·pⁿ⁻¹·(1−p)
	for math.Pow(p, float64(n-1))*(p+float64(n)*(1-p)) > 1-confidenceAlone {
		n++
	}
	return n
}

// Quantile is the percentile p, in (0, 1), of all values by nearest rank, with
// bounds that need no distribution. Values are grouped by restart, in any
// order; it is ErrTooFew below the percentile's Floor.
//
// The bounds are order statistics: those between which the binomial
// distribution puts the percentile if values are independent, moved outwards
// by as much as the share of values below the percentile scatters more between
// restarts than independent values would (Woodruff's interval). A bound cannot
// lie beyond the extremes of the sample.
func Quantile(values [][]float64, p float64) (Range, error) {
	if !(p > 0 && p < 1) {
		return Range{}, fmt.Errorf("percentile %v: want more than 0 and less than 1", p)
	}
	all, err := pooled(values)
	if err != nil {
		return Range{}, err
	}
	n := len(all)
	if floor := Floor(p); n < floor {
		return Range{N: n}, fmt.Errorf("%w: %d, the %v percentile needs %d", ErrTooFew, n, 100*p, floor)
	}
	at := NearestRank(p, n)
	low, high := binomialRanks(n, p)
	widen := clusterFactor(values, all[at-1])
	low = max(1, at-int(math.Ceil(widen*float64(at-low))))
	high = min(n, at+int(math.Ceil(widen*float64(high-at))))
	return Range{Value: all[at-1], Low: all[low-1], High: all[high-1], N: n}, nil
}

func pooled(values [][]float64) ([]float64, error) {
	var all []float64
	for r, row := range values {
		for i, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, &ValueError{Restart: r, Index: i, Value: v}
			}
		}
		all = append(all, row...)
	}
	slices.Sort(all)
	return all, nil
}

// NearestRank is the rank, from 1, of percentile p among n values: the smallest
// with at least p·n values at or below it.
func NearestRank(p float64, n int) int {
	// Products such as 0.9·10 must not round up to the next rank.
	return min(max(int(math.Ceil(p*float64(n)-1e-9)), 1), n)
}

// binomialRanks are the ranks that enclose the percentile p of n independent
// values with 99 % confidence: each misses it with at most 1/2 %. Beyond the
// extremes they are 1 and n.
func binomialRanks(n int, p float64) (low, high int) {
	b := distuv.Binomial{N: float64(n), P: p}
	const miss = (1 - confidenceAlone) / 2
	// A lower rank misses if fewer than so many values lie below: P(X < low).
	low = max(1, sort.Search(n, func(k int) bool { return b.CDF(float64(k)) > miss }))
	// An upper rank misses if at least so many do: P(X ≥ high) = 1 − P(X ≤ high−1).
	high = min(n, 1+sort.Search(n, func(k int) bool { return 1-b.CDF(float64(k)) <= miss }))
	return low, high
}

// clusterFactor is how much wider the interval must be because values of one
// restart resemble each other: the square root of the design effect of the
// share of values ≤ q, times the widening of Student's t for few restarts.
func clusterFactor(values [][]float64, q float64) float64 {
	var below, sizes []float64
	var n, total float64
	for _, row := range values {
		if len(row) == 0 {
			continue
		}
		count := 0.0
		for _, v := range row {
			if v <= q {
				count++
			}
		}
		below, sizes = append(below, count), append(sizes, float64(len(row)))
		n, total = n+float64(len(row)), total+count
	}
	share, restarts := total/n, float64(len(sizes))
	if restarts < 2 || share == 1 {
		return 1
	}
	var squares float64
	for r := range below {
		d := below[r] - sizes[r]*share
		squares += d * d
	}
	effect := restarts / (restarts - 1) * squares / (n * share * (1 - share))
	return max(1, math.Sqrt(effect)*studentToNormal(restarts-1))
}

// studentToNormal is the ratio of the 99.5 % points of Student's t and the
// normal distribution.
func studentToNormal(degrees float64) float64 {
	const upper = (1 + confidenceAlone) / 2
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: degrees}
	return t.Quantile(upper) / distuv.UnitNormal.Quantile(upper)
}

// Median is the median of one value per restart with its exact interval from
// order statistics. The restarts are the independent units, so this is the
// statement on an arm's absolute throughput, load time or first call. Fewer
// than MinRestarts values have no bounds.
func Median(values []float64) (Range, error) {
	all, err := pooled([][]float64{values})
	if err != nil {
		return Range{}, err
	}
	n := len(all)
	if n == 0 {
		return Range{}, ErrTooFew
	}
	r := Range{Value: mid(all[(n-1)/2], all[n/2]), Low: math.NaN(), High: math.NaN(), N: n}
	if n >= MinRestarts {
		low, high := binomialRanks(n, 0.5)
		r.Low, r.High = all[low-1], all[high-1]
	}
	return r, nil
}
