package sky

import (
	"fmt"
	"math"
)

// A PSF is a point-spread function other than a Gaussian.
//
// The image of a scene is linear in it, so it is taken apart into terms that are
// products of a function of x and one of y, and share all samples of the scene.
type PSF struct {
	terms []term
	fwhm  float64 // arcsec: how finely the scene has to be sampled
	reach float64 // arcsec: where the function ends, from its centre
	wide  float64 // arcsec: sigma of a Gaussian with wings as wide
}

// A term is weight times x(u)·y(v), each of integral 1 or, for those of a stamp,
// anything.
type term struct {
	weight float64
	x, y   profile1D
}

// A profile1D is a function along one axis, integrated over a pixel.
type profile1D interface {
	// pixel returns the part of light at distance t from the centre of a pixel of
	// this scale (arcsec) that falls into it, along this axis; t is in pixels.
	pixel(t, scale float64) float64
}

// gaussian is one of this sigma, arcsec.
type gaussian float64

func (g gaussian) pixel(t, scale float64) float64 { return pixelGaussian(t, float64(g)/scale) }

// Moffat returns the point-spread function (1 + r²/α²)^−β of an atmosphere (Moffat
// 1969, A&A 3, 455) with this FWHM, arcsec, and β, above 1 and up to 100: 2.5 to 4.8
// are usual.
//
// It is a mixture of Gaussians, since
//
//	(1+r²/α²)^−β = 1/Γ(β) ∫ t^(β−1) e^−t exp(−t r²/α²) dt, σ² = α²/2t,
//
// and the trapezoidal rule in ln t converges exponentially. Its wings have no end;
// what lies in Gaussians wider than 6 FWHM, 2e-3 of the light at β = 2.5 and less than
// 1e-5 at 4.8, is left out, and the rest has the integral 1.
func Moffat(fwhm, beta float64) (*PSF, error) {
	if !(fwhm > 0) || !(beta > 1 && beta <= 100) {
		return nil, fmt.Errorf("Moffat of FWHM %g arcsec and beta %g: want a FWHM above 0, and beta above 1, up to 100", fwhm, beta)
	}
	step := min(0.5, 1/math.Sqrt(beta)) // the integrand is about as wide as 1/√β
	const (
		faintest = 1e-5 // share of the light
		widest   = 6    // sigma, in FWHM
	)
	alpha := fwhm / 2 / math.Sqrt(math.Pow(2, 1/beta)-1)
	p := &PSF{fwhm: fwhm}
	sum := 0.0
	norm, _ := math.Lgamma(beta - 1)
	for u := math.Log(beta) + 5; ; u -= step {
		t := math.Exp(u)
		sigma := alpha / math.Sqrt(2*t)
		if sigma > widest*fwhm {
			break
		}
		// The light of a Gaussian goes with σ², so with t^(β−2).
		w := step * math.Exp((beta-1)*u-t-norm)
		if w < faintest {
			if t > beta {
				continue
			}
			break
		}
		p.terms = append(p.terms, term{w, gaussian(sigma), gaussian(sigma)})
		p.wide = sigma
		sum += w
	}
	for i := range p.terms {
		p.terms[i].weight /= sum
	}
	p.reach = 4 * p.wide
	return p, nil
}
