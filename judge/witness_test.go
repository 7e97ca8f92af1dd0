package judge_test

import (
	"math"
	"testing"

	"lensbench/record"
)

// Instructions tell arms apart that time, on a noisy machine, does not.
func TestWitnesses(t *testing.T) {
	c := ensemble()
	noisy := func(uncounted bool) record.CellVerdict {
		f := newFixture(c).measure(c, 0, 8, 1, both(1.01, 0.3))
		for r := range 8 {
			for b := range c.Plan.Blocks {
				for arm, n := range []float64{1e9, 0.99e9} {
					f.hostOf(r, b, arm, func(s *record.Sample) { s.Host.Instructions = int64(n * math.Exp(1e-4*f.rng.NormFloat64())) })
				}
			}
		}
		if uncounted {
			f.hostOf(5, 1, 1, func(s *record.Sample) { s.Host.Instructions = 0 })
		}
		return f.end().judge().Cells[0]
	}
	v := noisy(false)
	if k := v.Comparisons[0]; k.Outcome != record.Inconclusive {
		t.Errorf("time is %s: the fixture shows nothing", k.Outcome)
	}
	if w := v.Witnesses; len(w) != 1 || w[0].Variant != "threads" || w[0].Control != "sequential" ||
		!(w[0].Ratio.Low > 0.9895 && w[0].Ratio.High < 0.9905 && w[0].Ratio.Low <= 0.99 && w[0].Ratio.High >= 0.99) {
		t.Errorf("%+v; want 0.99", w)
	}
	if w := noisy(true).Witnesses; w != nil {
		t.Errorf("one sample was not counted, and yet %+v", w)
	}
}
