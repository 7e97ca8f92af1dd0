package sky

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// manyCounts is the mean above which a Poisson number is drawn from the normal
// distribution with its skewness, rounded. The next term of the expansion is
// below 1/(18·√mean) counts there, a tenth of the rounding.
const manyCounts = 1000

// observe returns what a pixel that receives rate electrons/s from the scene is
// measured as, in electrons/s above the mean sky: Poisson counts of scene and
// sky, read noise, sky subtracted. Its variance is
// (exposures·read² + time·(sky + rate)) / time².
func (f Filter) observe(rate, sky float64, rng *rand.Rand) float64 {
	t := f.Time()
	counts := poisson(t*(rate+sky), rng) + f.ReadNoiseTotal()*rng.NormFloat64()
	return counts/t - sky
}

func poisson(mean float64, rng *rand.Rand) float64 {
	if mean < manyCounts {
		return distuv.Poisson{Lambda: mean, Src: rng}.Rand()
	}
	z := rng.NormFloat64()
	return math.Round(mean + math.Sqrt(mean)*z + (z*z-1)/6)
}
