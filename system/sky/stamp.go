package sky

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// mostStamp is the largest side of a stamp, in samples.
const mostStamp = 1001

// Stamp returns a point-spread function of samples: values[j·side+i] at ((i−c)·d,
// (j−c)·d), c = (side−1)/2, row 0 at the lowest y, with d arcsec between samples. The
// side is odd, 3 to 1001, and the sum above 0; it is scaled to 1. Between samples the
// function is Keys's cubic interpolant (1981, IEEE Trans. ASSP 29, 1153), which adds no
// width; with 3 samples to a sigma it errs by less than 1.5e-3 of the peak, with 1.5 by
// less than 8e-3. Samples that are already integrals over their cells bring the cells'
// width with them.
//
// A matrix is a sum of products of columns and rows (singular-value
// decomposition), and a smooth one of few: those below 1e-5 of the largest are left
// out.
func Stamp(values []float64, side int, d float64) (*PSF, error) {
	if side < 3 || side > mostStamp || side%2 == 0 || len(values) != side*side {
		return nil, fmt.Errorf("stamp of %d values and side %d: want a square of odd side, 3 to %d", len(values), side, mostStamp)
	}
	if !(d > 0) {
		return nil, fmt.Errorf("stamp with %g arcsec between samples", d)
	}
	sum, peak := 0., 0.
	for k, v := range values {
		if v-v != 0 {
			return nil, fmt.Errorf("stamp: value %g in row %d, column %d is not finite", v, k/side, k%side)
		}
		sum += v
		peak = max(peak, v)
	}
	if !(sum > 0) {
		return nil, fmt.Errorf("stamp: the sum is %g, want more than 0", sum)
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(side, side, values), mat.SVDThin) {
		return nil, fmt.Errorf("stamp: its singular values cannot be found")
	}
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	const least = 1e-5
	half := float64(side) / 2 * d
	p := &PSF{fwhm: width(sum, peak) * d, reach: half + 1.5*d, wide: half / 4}
	s := svd.Values(nil)
	for k := range s {
		if s[k] < least*s[0] {
			break
		}
		p.terms = append(p.terms, term{s[k] / sum, &sampled{d, mat.Col(nil, k, &v)}, &sampled{d, mat.Col(nil, k, &u)}})
	}
	return p, nil
}

// width returns the FWHM, in samples, of a Gaussian with this sum and peak.
func width(sum, peak float64) float64 {
	return max(fwhmPerSigma*math.Sqrt(sum/(2*math.Pi*peak)), 1)
}

// sampled is a function by its samples around 0.
type sampled struct {
	d      float64 // arcsec between them
	values []float64
}

func (s *sampled) pixel(t, scale float64) float64 {
	// Light at t moves the function there; the pixel is [−½, ½].
	per := scale / s.d
	c := float64(len(s.values)-1) / 2
	low, high := (-0.5-t)*per+c, (0.5-t)*per+c
	from, to := max(int(math.Floor(low))-2, 0), min(int(math.Ceil(high))+2, len(s.values)-1)
	sum := 0.0
	for j := from; j <= to; j++ {
		sum += s.values[j] * (keysIntegral(high-float64(j)) - keysIntegral(low-float64(j)))
	}
	return sum
}

// keysIntegral is the integral of Keys's kernel from −∞ to x; that to ∞ is 1.
func keysIntegral(x float64) float64 {
	a := math.Abs(x)
	var f float64
	switch {
	case a >= 2:
		f = 0.5
	case a >= 1:
		f = -1./6 + a*(2+a*(-2+a*(5./6-a/8)))
	default:
		f = a * (1 + a*a*(-5./6+a*3/8))
	}
	return 0.5 + math.Copysign(f, x)
}
