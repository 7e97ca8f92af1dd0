package verdict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// extremeness is the statistic of the sign-flip test, from its definition: the
// lower median, and the number of restarts whose own lower median is positive.
func extremeness(rows [][]float64) (median float64, positive int) {
	var all []float64
	for _, row := range rows {
		row = slices.Clone(row)
		slices.Sort(row)
		if row[(len(row)-1)/2] > 0 {
			positive++
		}
		all = append(all, row...)
	}
	slices.Sort(all)
	return all[(len(all)-1)/2], positive
}

// bruteP visits all 2^R flips of rows − shift and counts those at least as
// extreme as what was seen.
func bruteP(rows [][]float64, shift float64) float64 {
	y := make([][]float64, len(rows))
	for r, row := range rows {
		for _, x := range row {
			y[r] = append(y[r], x-shift)
		}
	}
	median, positive := extremeness(y)
	count := 0
	for flips := range 1 << len(rows) {
		m, p := extremeness(flipped(y, flips))
		if m > median || m == median && p >= positive {
			count++
		}
	}
	return float64(count) / float64(int(1)<<len(rows))
}

func flipped(rows [][]float64, flips int) [][]float64 {
	out := make([][]float64, len(rows))
	for r, row := range rows {
		out[r] = row
		if flips>>r&1 == 1 {
			out[r] = negated(row)
		}
	}
	return out
}

// randomRows draws restarts of unequal length. Values are multiples of 1/16, so
// that sums are exact, with ties if few are distinct.
func randomRows(rng *rand.Rand, restarts, maxBlocks, distinct int, drift float64) [][]float64 {
	rows := make([][]float64, restarts)
	for r := range rows {
		offset := math.Round(rng.NormFloat64() * drift * float64(distinct))
		for range 1 + rng.IntN(maxBlocks) {
			rows[r] = append(rows[r], (float64(rng.IntN(2*distinct+1)-distinct)+offset)/16)
		}
		slices.Sort(rows[r])
	}
	return rows
}

func TestPIsTheShareOfAllFlips(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, tc := range []struct {
		restarts, maxBlocks, distinct int
		drift                         float64
	}{
		{1, 5, 100, 0},
		{2, 1, 3, 0},
		{5, 1, 1000, 0},
		{5, 4, 2, 0}, // many ties
		{7, 6, 1000, 0},
		{8, 3, 5, 1}, // restarts that differ more than their blocks
		{8, 9, 1000, 3},
		{9, 2, 1000, 10},
		{11, 3, 1, 0},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			for range 20 {
				c := newClusters(randomRows(rng, tc.restarts, tc.maxBlocks, tc.distinct, tc.drift))
				for _, shift := range []float64{-100, -1, -0.25, 0, 0.0625, 0.5} {
					// Where values coincide p is taken just right of the shift.
					want := bruteP(c.rows, shift+1.0/1024)
					if got := newFlipTest(c).p(shift); got != want {
						t.Fatalf("p(%v) = %v, enumeration says %v\nrows %v", shift, got, want, c.rows)
					}
				}
			}
		})
	}
}

func TestSmallestP(t *testing.T) {
	for _, restarts := range []int{1, 2, 7, 8, 14, 15, 24, 36} {
		rows := make([][]float64, restarts)
		for r := range rows {
			rows[r] = []float64{0.9, 1, 1.1}
		}
		want := math.Pow(2, -float64(restarts))
		if got := newFlipTest(newClusters(rows)).p(0); got != want {
			t.Errorf("%d equal restarts, all above: p = %v, want 2^−R = %v", restarts, got, want)
		}
	}
}

// TestOneBlockPerRestart: with ties of the median broken, even single blocks
// reach the smallest p, and 8 restarts give the classical interval from the
// smallest to the largest value.
func TestOneBlockPerRestart(t *testing.T) {
	rows := [][]float64{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {80}}
	up := newFlipTest(newClusters(rows))
	if got := up.p(0); got != 1.0/256 {
		t.Errorf("p(0) = %v, want 1/256", got)
	}
	if got := up.bound(0.005); got != 1 {
		t.Errorf("lower bound %v, want the smallest value", got)
	}
	if got := newFlipTest(newClusters(rows).mirrored()).bound(0.005); got != -80 {
		t.Errorf("mirrored lower bound %v, want minus the largest value", got)
	}
}

func TestPNeverDecreasesWithShift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, restarts := range []int{3, 8, 13, 20} {
		for range 20 {
			test := newFlipTest(newClusters(randomRows(rng, restarts, 6, 20, 1)))
			last := 0.0
			for shift := -4.0; shift < 4; shift += 1.0 / 32 {
				p := test.p(shift)
				if p < last || p > 1 {
					t.Fatalf("%d restarts: p(%v) = %v after %v", restarts, shift, p, last)
				}
				last = p
			}
		}
	}
}
