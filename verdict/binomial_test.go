package verdict

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// TestBinomialBounds: at its bounds, what was seen or more, or less, has half of
// the error as its probability. None and all have bounds in closed form.
func TestBinomialBounds(t *testing.T) {
	for _, tc := range []struct {
		k, n       int
		confidence float64
	}{{1, 10, 0.95}, {5, 10, 0.95}, {3, 40, 0.99}, {198, 200, 0.95}, {7, 300, 0.99}} {
		low, high, err := BinomialBounds(tc.k, tc.n, tc.confidence)
		if err != nil {
			t.Fatal(err)
		}
		miss := (1 - tc.confidence) / 2
		atLow := 1 - distuv.Binomial{N: float64(tc.n), P: low}.CDF(float64(tc.k-1))
		atHigh := distuv.Binomial{N: float64(tc.n), P: high}.CDF(float64(tc.k))
		if math.Abs(atLow-miss) > 1e-6 || math.Abs(atHigh-miss) > 1e-6 {
			t.Errorf("%+v: bounds %v–%v, where tails are %v and %v, want %v", tc, low, high, atLow, atHigh, miss)
		}
	}
	low, high, _ := BinomialBounds(0, 40, 0.95)
	if want := 1 - math.Pow(0.025, 1.0/40); low != 0 || math.Abs(high-want) > 1e-9 {
		t.Errorf("none of 40: %v–%v, want 0–%v", low, high, want)
	}
	low, high, _ = BinomialBounds(40, 40, 0.95)
	if want := math.Pow(0.025, 1.0/40); high != 1 || math.Abs(low-want) > 1e-9 {
		t.Errorf("all of 40: %v–%v, want %v–1", low, high, want)
	}
	for _, bad := range [][2]int{{0, 0}, {-1, 3}, {4, 3}} {
		if _, _, err := BinomialBounds(bad[0], bad[1], 0.95); err == nil {
			t.Errorf("%d of %d is accepted", bad[0], bad[1])
		}
	}
	if _, _, err := BinomialBounds(1, 2, 1); err == nil {
		t.Error("a confidence of 1 is accepted")
	}
}
