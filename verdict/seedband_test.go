package verdict

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSeedBandByHand: t(4, 0.995) = 4.6041 from a table of Student's t.
func TestSeedBandByHand(t *testing.T) {
	control := []float64{1, 2, 3, 4, 5} // s = √2.5
	b, err := SeedBand(control, []float64{3, 4, 5, 6, 7})
	if err != nil {
		t.Fatal(err)
	}
	want := 4.6041 * math.Sqrt(2.5) * math.Sqrt(0.4)
	if b.Center != 3 || b.Mean != 5 || math.Abs(b.Half-want) > 1e-3 || math.Abs(b.Distance()-2/want) > 1e-3 {
		t.Errorf("%+v; want 3 ± %v", b, want)
	}
}

// TestSeedBandErrorRate: of independent draws from one distribution 1 % fall
// outside. Of 20,000 that is 200 with a standard deviation of 14.
func TestSeedBandErrorRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	draw := func(n int) (out []float64) {
		for range n {
			out = append(out, 0.3+0.01*rng.NormFloat64())
		}
		return out
	}
	for _, n := range []int{3, 5, 8} {
		outside := 0
		for range 20000 {
			b, err := SeedBand(draw(n), draw(n))
			if err != nil {
				t.Fatal(err)
			}
			if b.Distance() > 1 {
				outside++
			}
		}
		if outside < 130 || outside > 270 {
			t.Errorf("%d seeds: %d of 20,000 outside; want about 200", n, outside)
		}
	}
}

func TestSeedBandLimits(t *testing.T) {
	same := []float64{2, 2, 2}
	if b, err := SeedBand(same, same); err != nil || b.Distance() != 0 {
		t.Errorf("a control without spread and its own values: %+v, %v", b, err)
	}
	if b, err := SeedBand(same, []float64{2, 2, 2.1}); err != nil || !(b.Distance() > 1) {
		t.Errorf("a control without spread and another mean: %+v, %v", b, err)
	}
	for _, c := range []struct {
		control, variant []float64
		want             string
	}{
		{same[:2], same, "2 values of the control and 3 of the variant; a seed-to-seed band needs 3 of each"},
		{same, nil, "0 of the variant"},
		{same, []float64{2, math.NaN(), 2}, "a value is NaN"},
		{[]float64{2, math.Inf(1), 2}, same, "a value is +Inf"},
	} {
		if _, err := SeedBand(c.control, c.variant); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %v: %v; want %q", c.control, c.variant, err, c.want)
		}
	}
}
