package verdict

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// nightly draws a series of nights that resemble the one before by phi, with a
// standard deviation of 1.
func nightly(rng *rand.Rand, nights int, phi float64) []float64 {
	out := make([]float64, nights)
	x := rng.NormFloat64()
	for i := range out {
		out[i] = x
		x = phi*x + math.Sqrt(1-phi*phi)*rng.NormFloat64()
	}
	return out
}

// metricsLevel is that of one metric of 50 in package history.
const metricsLevel = 0.002 / 50

func mustFind(t testing.TB, series []float64, level float64) []ChangePoint {
	t.Helper()
	out, err := ChangePoints(series, level)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNoiseHasNoChangePoints: 50 metrics over 100 nights of noise have at most
// one change point on average, whether they are judged at the end or every
// night from the first on, which is the slow test, and whether bad nights are
// among them or not.
func TestNoiseHasNoChangePoints(t *testing.T) {
	histories, every := 4, 50
	if slow() {
		histories, every = 20, 1
	}
	for i, phi := range []float64{0, 0.3, 0.5, 0.7} {
		t.Run(fmt.Sprintf("resemblance %v", phi), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(30, uint64(i)))
			most, sum := 0, 0
			for range histories {
				found := 0
				for range 50 {
					series := nightly(rng, 100, phi)
					if i%2 == 1 { // heavy tails, as bad nights are
						for n := range series {
							if rng.IntN(20) == 0 {
								series[n] *= 6
							}
						}
					}
					for n := every; n <= 100; n += every {
						if len(mustFind(t, series[:n], metricsLevel)) > 0 {
							found++
							break
						}
					}
				}
				most, sum = max(most, found), sum+found
			}
			t.Logf("%d of %d metrics, at most %d in one history of 50", sum, 50*histories, most)
			if sum > histories {
				t.Errorf("%d of %d metrics of noise have a change point in %d histories", sum, 50*histories, histories)
			}
		})
	}
}

// TestLevelOfChangePoints: the false alarms of one series come at its level.
func TestLevelOfChangePoints(t *testing.T) {
	runs := 1000
	if slow() {
		runs = 10000
	}
	for i, phi := range []float64{0, 0.3, 0.5, 0.7} {
		rng := rand.New(rand.NewPCG(31, uint64(i)))
		found := 0
		for range runs {
			if len(mustFind(t, nightly(rng, 60, phi), 0.05)) > 0 {
				found++
			}
		}
		share := float64(found) / float64(runs)
		t.Logf("resemblance %v: %v at level 0.05", phi, share)
		if share > 0.05+3.3*math.Sqrt(0.05*0.95/float64(runs)) {
			t.Errorf("resemblance %v: a change point in %v of series without one, at level 0.05", phi, share)
		}
	}
}

// TestChangesAreFound: a step of four standard deviations is found within ten
// nights, one of two within thirty, and where it is.
func TestChangesAreFound(t *testing.T) {
	const runs = 60
	for i, tc := range []struct {
		step, phi     float64
		before, after int
		atLeast       int // of runs
	}{
		{4, 0, 60, 10, 57},
		{2, 0, 60, 30, 54},
		{-4, 0.3, 60, 15, 42},
		{6, 0.5, 60, 15, 42},
		{4, 0, 12, 12, 20},
	} {
		rng := rand.New(rand.NewPCG(32, uint64(i)))
		found := 0
		for range runs {
			series := nightly(rng, tc.before+tc.after, tc.phi)
			for n := tc.before; n < len(series); n++ {
				series[n] += tc.step
			}
			out := mustFind(t, series, metricsLevel)
			if len(out) == 1 && abs(out[0].Index-tc.before) <= 3 && math.Abs(out[0].After-out[0].Before-tc.step) < 2 {
				found++
			}
		}
		t.Logf("%+v: found in %d of %d", tc, found, runs)
		if found < tc.atLeast {
			t.Errorf("%+v: found in %d of %d", tc, found, runs)
		}
	}
}

func abs(n int) int { return max(n, -n) }

// TestSeveralChanges: each is found, with the levels on its sides.
func TestSeveralChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 1))
	series := nightly(rng, 120, 0)
	for n := range series {
		switch {
		case n >= 80:
			series[n] += 2
		case n >= 40:
			series[n] += 8
		}
	}
	out := mustFind(t, series, metricsLevel)
	if len(out) != 2 || abs(out[0].Index-40) > 1 || abs(out[1].Index-80) > 1 || math.Abs(out[0].After-8) > 1 || out[0].After != out[1].Before || math.Abs(out[1].After-2) > 1 {
		t.Errorf("%+v, want changes at 40 and 80 between levels 0, 8 and 2", out)
	}
	if again := mustFind(t, series, metricsLevel); !reflect.DeepEqual(out, again) {
		t.Errorf("%+v, then %+v", out, again)
	}
}

// TestSeriesWithoutAScatter: counts of bytes repeat exactly, until they do not.
func TestSeriesWithoutAScatter(t *testing.T) {
	series := make([]float64, 40)
	if out := mustFind(t, series, metricsLevel); len(out) != 0 {
		t.Errorf("a constant changes: %+v", out)
	}
	for n := 30; n < 40; n++ {
		series[n] = 1
	}
	if out := mustFind(t, series, metricsLevel); len(out) != 1 || out[0].Index != 30 || out[0].Before != 0 || out[0].After != 1 {
		t.Errorf("%+v, want a change at 30", out)
	}
	for n := range 2 * MinSegment {
		if out := mustFind(t, series[40-n:], 0.05); len(out) != 0 {
			t.Errorf("%d nights have change points", n)
		}
	}
}

// TestOneBadNightIsNoChange.
func TestOneBadNightIsNoChange(t *testing.T) {
	series := nightly(rand.New(rand.NewPCG(34, 1)), 60, 0)
	series[30], series[31] = 100, -80
	if out := mustFind(t, series, 0.01); len(out) != 0 {
		t.Errorf("%+v", out)
	}
}

func TestSeriesThatAreRefused(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1)} {
		if _, err := ChangePoints([]float64{1, x}, 0.01); err == nil {
			t.Errorf("%v is accepted", x)
		}
	}
	for _, level := range []float64{0, 1, math.NaN()} {
		if _, err := ChangePoints(nil, level); err == nil {
			t.Errorf("level %v is accepted", level)
		}
	}
}
