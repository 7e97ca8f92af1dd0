package verdict

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestFloors derives the published floors from their meaning: with 99 %
// confidence at least two of n values lie beyond the percentile.
func TestFloors(t *testing.T) {
	for _, tc := range []struct {
		p    float64
		want int
	}{
		{0.5, 11}, {0.9, 64}, {0.95, 130}, {0.99, 662}, {0.999, 6636},
	} {
		if got := Floor(tc.p); got != tc.want {
			t.Errorf("floor of %v is %d, want %d", tc.p, got, tc.want)
		}
		fewerThanTwo := func(n int) float64 { return distuv.Binomial{N: float64(n), P: 1 - tc.p}.CDF(1) }
		if fewerThanTwo(tc.want) > 0.01 || fewerThanTwo(tc.want-1) <= 0.01 {
			t.Errorf("percentile %v: %d values are not the fewest with two beyond it", tc.p, tc.want)
		}
	}
}

func TestNearestRank(t *testing.T) {
	for _, tc := range []struct {
		p    float64
		n    int
		want int
	}{
		{0.5, 1, 1}, {0.5, 2, 1}, {0.5, 3, 2}, {0.5, 100, 50},
		{0.9, 10, 9}, {0.9, 64, 58}, {0.95, 130, 124}, {0.99, 100, 99},
		{0.999, 1000, 999}, {0.999, 6636, 6630},
	} {
		if got := NearestRank(tc.p, tc.n); got != tc.want {
			t.Errorf("rank of %v among %d is %d, want %d", tc.p, tc.n, got, tc.want)
		}
	}
}

// counting returns the values 1…n in restarts of the given length, dealt out
// so that restarts are alike.
func counting(n, blocks int) [][]float64 {
	restarts := (n + blocks - 1) / blocks
	rows := make([][]float64, restarts)
	for i := range n {
		rows[i%restarts] = append(rows[i%restarts], float64(i+1))
	}
	return rows
}

func TestQuantile(t *testing.T) {
	for _, tc := range []struct {
		name string
		rows [][]float64
		p    float64
		want Range
	}{
		{"median at its floor", counting(11, 11), 0.5, Range{6, 1, 11, 11}},
		{"p90 at its floor", counting(64, 64), 0.9, Range{58, 51, 64, 64}},
		{"median of many", counting(1000, 1000), 0.5, Range{500, 459, 542, 1000}},
		{"alike restarts widen nothing", counting(1000, 125), 0.5, Range{500, 459, 542, 1000}},
		{"all equal", [][]float64{make([]float64, 20)}, 0.5, Range{0, 0, 0, 20}},
	} {
		got, err := Quantile(tc.rows, tc.p)
		if err != nil || got != tc.want {
			t.Errorf("%s: %+v, %v, want %+v", tc.name, got, err, tc.want)
		}
	}
}

func TestQuantileRefuses(t *testing.T) {
	if r, err := Quantile(counting(63, 9), 0.9); !errors.Is(err, ErrTooFew) || r.N != 63 {
		t.Errorf("63 values for p90: %+v, %v", r, err)
	}
	if _, err := Quantile(nil, 0.5); !errors.Is(err, ErrTooFew) {
		t.Errorf("no values: %v", err)
	}
	var bad *ValueError
	if _, err := Quantile([][]float64{{1, 2}, {3, math.NaN()}}, 0.5); !errors.As(err, &bad) || bad.Restart != 1 || bad.Index != 1 {
		t.Errorf("NaN: %v", err)
	}
	for _, p := range []float64{0, 1, -1, math.NaN()} {
		if _, err := Quantile(counting(100, 10), p); err == nil {
			t.Errorf("percentile %v: no error", p)
		}
	}
}

// TestQuantileCoverage: the bounds hold the true percentile in 99 % of runs,
// also if values of one restart resemble each other.
func TestQuantileCoverage(t *testing.T) {
	const runs = 500
	rng := rand.New(rand.NewPCG(5, 1))
	for _, tc := range []struct {
		name             string
		p                float64
		restarts, blocks int
		between          float64 // standard deviation of restarts; that of all values is 1
	}{
		{"median, independent", 0.5, 1, 100, 0},
		{"p90, independent", 0.9, 1, 200, 0},
		{"median, alike within restarts", 0.5, 12, 30, 0.7},
		{"p90, alike within restarts", 0.9, 24, 30, 0.5},
	} {
		truth := distuv.UnitNormal.Quantile(tc.p)
		missed := 0
		for range runs {
			rows := make([][]float64, tc.restarts)
			for r := range rows {
				offset := tc.between * rng.NormFloat64()
				for range tc.blocks {
					rows[r] = append(rows[r], offset+math.Sqrt(1-tc.between*tc.between)*rng.NormFloat64())
				}
			}
			got, err := Quantile(rows, tc.p)
			if err != nil {
				t.Fatal(err)
			}
			if truth < got.Low || truth > got.High {
				missed++
			}
		}
		t.Logf("%s: %d of %d missed", tc.name, missed, runs)
		// 5 are expected; more than 13 have probability 0.1 %.
		if missed > 13 {
			t.Errorf("%s: %d of %d intervals miss", tc.name, missed, runs)
		}
	}
}

func TestMedian(t *testing.T) {
	eight, err := Median([]float64{8, 1, 7, 2, 6, 3, 5, 4})
	if want := (Range{4.5, 1, 8, 8}); err != nil || eight != want {
		t.Errorf("eight restarts: %+v, %v, want %+v", eight, err, want)
	}
	sixteen, err := Median(counting(16, 16)[0])
	if want := (Range{8.5, 3, 14, 16}); err != nil || sixteen != want {
		t.Errorf("sixteen restarts: %+v, %v, want %+v", sixteen, err, want)
	}
	seven, err := Median([]float64{1, 2, 3, 4, 5, 6, 7})
	if err != nil || seven.Value != 4 || seven.Bounded() {
		t.Errorf("seven restarts: %+v, %v, want 4 without bounds", seven, err)
	}
	if _, err := Median(nil); !errors.Is(err, ErrTooFew) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := Median([]float64{1, math.Inf(1)}); err == nil {
		t.Error("an infinite value: no error")
	}
}
