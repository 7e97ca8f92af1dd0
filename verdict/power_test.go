package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// detectableIn is the shift that a run says it could see.
func detectableIn(c clusters, level float64) float64 {
	low, high := newFlipTest(c).bound(level), -newFlipTest(c.mirrored()).bound(level)
	return detectable(low, high, len(c.rows), level)
}

// TestDetectableIsFound plants the effect that a first run says it could see
// into many further runs: 95 % must find it. The statement is itself an
// estimate from few restarts, so the rate is taken over many first runs.
func TestDetectableIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, tc := range []struct {
		name             string
		restarts, blocks int
		between, within  float64
	}{
		{"blocks dominate", 24, 20, 0, 0.1},
		{"restarts dominate", 24, 5, 0.02, 0.005},
		{"few restarts", 12, 10, 0.01, 0.05},
		{"fewest restarts", 8, 10, 0.01, 0.02},
	} {
		const runs = 40
		found, missed := 0, 0
		var stated []float64
		for range runs {
			d := detectableIn(newClusters(noise(rng, tc.restarts, tc.blocks, 0, tc.between, tc.within)), 0.005)
			stated = append(stated, d)
			for range 20 {
				c := newClusters(noise(rng, tc.restarts, tc.blocks, d, tc.between, tc.within))
				if newFlipTest(c).bound(0.005) > 0 {
					found++
				} else {
					missed++
				}
			}
		}
		power := float64(found) / float64(found+missed)
		slices.Sort(stated)
		t.Logf("%s: states %.4f, found with power %.3f", tc.name, stated[runs/2], power)
		// With 8 restarts only the most extreme flips reject, and where those lie
		// scatters more than a standard error says.
		floor := 0.90
		if tc.restarts == MinRestarts {
			floor = 0.85
		}
		if power < floor {
			t.Errorf("%s: the detectable effect is found with power %.3f, want 0.95", tc.name, power)
		}
	}
}

// TestDetectableIsNotIdle: the stated effect is not much larger than needed.
// For independent normal log-ratios and a test by the median, the smallest
// effect is about (z99.5 + z95)·σ·√(π/2)/√n.
func TestDetectableIsNotIdle(t *testing.T) {
	const restarts, blocks, sigma = 36, 40, 0.1
	rng := rand.New(rand.NewPCG(3, 2))
	var stated []float64
	for range 5 {
		rows := make([][]float64, restarts)
		for r := range rows {
			for range blocks {
				rows[r] = append(rows[r], sigma*rng.NormFloat64())
			}
		}
		stated = append(stated, detectableIn(newClusters(rows), 0.005))
	}
	slices.Sort(stated)
	want := (2.576 + 1.645) * sigma * math.Sqrt(math.Pi/2/(restarts*blocks))
	if got := stated[len(stated)/2]; got < 0.8*want || got > 1.5*want {
		t.Errorf("median detectable effect %.4f, theory says %.4f", got, want)
	}
}
