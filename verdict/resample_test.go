package verdict

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBootstrapAgrees: with many restarts the cluster bootstrap and the
// inverted test give much the same interval, each by its own way.
func TestBootstrapAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	c := newClusters(noise(rng, 36, 20, 0.02, 0.01, 0.05))
	low, high := bootstrap(c, 0.99)
	testLow, testHigh := newFlipTest(c).bound(0.005), -newFlipTest(c.mirrored()).bound(0.005)
	width := testHigh - testLow
	if math.Abs(low-testLow) > 0.3*width || math.Abs(high-testHigh) > 0.3*width {
		t.Errorf("bootstrap %.4f…%.4f, test %.4f…%.4f", low, high, testLow, testHigh)
	}
}
