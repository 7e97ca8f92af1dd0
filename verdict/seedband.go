package verdict

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// MinSeeds is the number of values below which there is no seed-to-seed band:
// with two its half-width is 64 standard deviations and nothing falls outside.
const MinSeeds = 3

// A Band is where the mean of a variant's values is expected if it differs from
// the control by its seeds alone.
type Band struct {
	Center float64 // mean of the control's values
	Half   float64 // half-width, ≥ 0
	Mean   float64 // of the variant's values
}

// SeedBand predicts the mean of a variant's values, one per seed, from the
// control's: the two-sided 99 % prediction interval
//
//	mean ± t(n−1, 0.995) × s × √(1/n + 1/m)
//
// by Student's t, s being the standard deviation of the control's n values and
// m the number of the variant's. If both are independent draws from one normal
// distribution, 1 % of comparisons fall outside. Where both use the same seeds
// their means move together and fewer do. A variant is outside on either
// side: a loss that is better than any seed explains is another computation,
// too.
func SeedBand(control, variant []float64) (Band, error) {
	if len(control) < MinSeeds || len(variant) < MinSeeds {
		return Band{}, fmt.Errorf("%d values of the control and %d of the variant; a seed-to-seed band needs %d of each",
			len(control), len(variant), MinSeeds)
	}
	for _, v := range append(append([]float64(nil), control...), variant...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Band{}, fmt.Errorf("a value is %v; all must be finite", v)
		}
	}
	n, m := float64(len(control)), float64(len(variant))
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.995)
	center, s := stat.MeanStdDev(control, nil)
	return Band{Center: center, Half: t * s * math.Sqrt(1/n+1/m), Mean: stat.Mean(variant, nil)}, nil
}

// Distance is that of the means in half-widths: at most 1 inside the band. A
// control without any spread admits its own mean alone.
func (b Band) Distance() float64 {
	d := math.Abs(b.Mean - b.Center)
	if d == 0 {
		return 0
	}
	return d / b.Half
}
