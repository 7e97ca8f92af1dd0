package verdict

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBoundInvertsTheTest: the bound is the smallest shift that is not
// rejected, so p steps over the level exactly there.
func TestBoundInvertsTheTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, tc := range []struct {
		name                          string
		restarts, maxBlocks, distinct int
		drift                         float64
		level                         float64
	}{
		{"as run", 8, 40, 100000, 0.1, 0.005},
		{"single blocks", 8, 1, 1000, 0, 0.005},
		{"two blocks", 12, 2, 1000, 1, 0.005},
		{"many ties", 10, 5, 3, 0.5, 0.005},
		{"drifting restarts", 14, 3, 1000, 5, 0.005},
		{"many restarts", 24, 10, 1000, 1, 0.005},
		{"one-sided 5 %", 6, 10, 1000, 1, 0.05},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 30 {
				test := newFlipTest(newClusters(randomRows(rng, tc.restarts, tc.maxBlocks, tc.distinct, tc.drift)))
				low := test.bound(tc.level)
				if math.IsInf(low, -1) {
					t.Fatalf("no bound with %d restarts", tc.restarts)
				}
				const step = 1.0 / 1024 // finer than the grid of values, 1/16
				if before, at := test.p(low-step), test.p(low); before > tc.level || at <= tc.level {
					t.Fatalf("p is %v before and %v at the bound %v, want to cross %v there", before, at, low, tc.level)
				}
			}
		})
	}
}

func TestTooFewRestartsHaveNoBound(t *testing.T) {
	for restarts := 1; restarts < MinRestarts; restarts++ {
		rows := make([][]float64, restarts)
		for r := range rows {
			rows[r] = []float64{1, 2, 3}
		}
		if low := newFlipTest(newClusters(rows)).bound(0.005); !math.IsInf(low, -1) {
			t.Errorf("%d restarts: bound %v, want none at 99 %%", restarts, low)
		}
	}
}

// noise draws log-ratios around centre: every restart has an offset of its own,
// and one block in ten is hit by a burst of either sign.
func noise(rng *rand.Rand, restarts, blocks int, centre, between, within float64) [][]float64 {
	rows := make([][]float64, restarts)
	for r := range rows {
		offset := centre + between*rng.NormFloat64()
		for range blocks {
			x := offset + within*rng.NormFloat64()
			if rng.IntN(10) == 0 {
				x += 20 * within * rng.NormFloat64()
			}
			rows[r] = append(rows[r], x)
		}
	}
	return rows
}

// TestCoverage: 99 % intervals miss the truth in about 1 % of simulated runs,
// also where restarts scatter more than their blocks.
func TestCoverage(t *testing.T) {
	const runs = 1000
	rng := rand.New(rand.NewPCG(2, 2))
	for _, tc := range []struct {
		name             string
		restarts, blocks int
		between, within  float64
	}{
		{"few blocks", 8, 5, 0.01, 0.01},
		{"restarts dominate", 8, 20, 0.05, 0.01},
		{"blocks dominate", 12, 20, 0, 0.05},
		{"single blocks", 16, 1, 0, 0.05},
		{"as planned", 24, 40, 0.005, 0.3},
	} {
		missed := 0
		for range runs {
			c := newClusters(noise(rng, tc.restarts, tc.blocks, 0.02, tc.between, tc.within))
			low, high := newFlipTest(c).bound(0.005), -newFlipTest(c.mirrored()).bound(0.005)
			if low > 0.02 || high < 0.02 {
				missed++
			}
		}
		// 10 are expected at most; an interval at its level misses more than
		// 21 times with probability 0.1 %.
		if missed > 21 {
			t.Errorf("%s: %d of %d intervals miss the truth", tc.name, missed, runs)
		}
		t.Logf("%s: %d of %d missed", tc.name, missed, runs)
	}
}
