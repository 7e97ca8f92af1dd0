package verdict

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNoPairs means that there is nothing to compare.
var ErrNoPairs = errors.New("no pairs of samples")

// maxRestarts keeps the number of flips, 2^R, a finite float64.
const maxRestarts = 1000

// A ShapeError says where the two arms' samples do not pair up.
type ShapeError struct {
	Restart          int // −1: the numbers of restarts differ
	Control, Variant int // how many restarts, or blocks in Restart, each arm has
}

func (e *ShapeError) Error() string {
	if e.Restart < 0 {
		return fmt.Sprintf("control has %d restarts, variant has %d: want as many", e.Control, e.Variant)
	}
	return fmt.Sprintf("restart %d: control has %d blocks, variant has %d: want as many", e.Restart, e.Control, e.Variant)
}

// A SampleError names a pair that has no usable ratio.
type SampleError struct {
	Restart, Block   int
	Control, Variant float64
}

func (e *SampleError) Error() string {
	return fmt.Sprintf("restart %d, block %d: control %v, variant %v: want positive finite numbers with a finite ratio",
		e.Restart, e.Block, e.Control, e.Variant)
}

// clusters are log-ratios of variant to control, grouped by restart.
type clusters struct {
	rows  [][]float64 // one per restart that has blocks, each ascending
	pool  []float64   // all values, ascending
	owner []int       // owner[i] is the row that pool[i] comes from
}

// logRatios pairs up two arms' samples, indexed by restart and block.
func logRatios(control, variant [][]float64) (clusters, error) {
	if len(control) != len(variant) {
		return clusters{}, &ShapeError{Restart: -1, Control: len(control), Variant: len(variant)}
	}
	var rows [][]float64
	for r := range control {
		row, err := logRatioRow(r, control[r], variant[r])
		if err != nil {
			return clusters{}, err
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	switch {
	case len(rows) == 0:
		return clusters{}, ErrNoPairs
	case len(rows) > maxRestarts:
		return clusters{}, fmt.Errorf("%d restarts: want at most %d", len(rows), maxRestarts)
	}
	return newClusters(rows), nil
}

func logRatioRow(r int, control, variant []float64) ([]float64, error) {
	if len(control) != len(variant) {
		return nil, &ShapeError{Restart: r, Control: len(control), Variant: len(variant)}
	}
	row := make([]float64, len(control))
	for b := range control {
		// A difference of logarithms, not the logarithm of a quotient:
		// exchanging the arms then changes the sign and nothing else.
		x := math.Log(variant[b]) - math.Log(control[b])
		if bad(control[b]) || bad(variant[b]) || math.Abs(x) > maxLogRatio {
			return nil, &SampleError{Restart: r, Block: b, Control: control[b], Variant: variant[b]}
		}
		row[b] = x
	}
	return row, nil
}

// maxLogRatio keeps the exponential of every result finite and positive.
const maxLogRatio = 300

func bad(v float64) bool { return !(v > 0) || math.IsInf(v, 1) }

// newClusters takes ownership of rows, none of which is empty.
func newClusters(rows [][]float64) clusters {
	type owned struct {
		x     float64
		owner int
	}
	var all []owned
	for r, row := range rows {
		slices.Sort(row)
		for _, x := range row {
			all = append(all, owned{x, r})
		}
	}
	slices.SortStableFunc(all, func(a, b owned) int {
		if a.x < b.x {
			return -1
		} else if a.x > b.x {
			return 1
		}
		return 0
	})
	c := clusters{rows: rows, pool: make([]float64, len(all)), owner: make([]int, len(all))}
	for i, o := range all {
		c.pool[i], c.owner[i] = o.x, o.owner
	}
	return c
}

// mirrored returns the log-ratios of control to variant.
func (c clusters) mirrored() clusters {
	m := clusters{pool: negated(c.pool), owner: slices.Clone(c.owner)}
	slices.Reverse(m.owner)
	for _, row := range c.rows {
		m.rows = append(m.rows, negated(row))
	}
	return m
}

// negated returns −xs in ascending order, given xs in ascending order.
func negated(xs []float64) []float64 {
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[len(xs)-1-i] = -x
	}
	return out
}

// median is the mean of the lower and the upper median of all values.
func (c clusters) median() float64 {
	return mid(c.pool[(len(c.pool)-1)/2], c.pool[len(c.pool)/2])
}

func mid(a, b float64) float64 { return (a + b) / 2 }
