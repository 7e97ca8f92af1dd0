package sky

import "math"

// radiusFloor is where a profile is cut off towards its centre, arcsec, as in
// lenstronomy: a cusp is finite, its gradient is not.
const radiusFloor = 1e-4

// A Sersic is an elliptical Sérsic profile,
// I = Amp·exp(−b_n·((R/Radius)^(1/N) − 1)).
type Sersic struct {
	Amp    float64 `json:"amp"`      // surface brightness at R = Radius, flux per arcsec²
	Radius float64 `json:"R_sersic"` // half-light radius (with BnExact), arcsec, > 0
	N      float64 `json:"n_sersic"` // Sérsic index, > 0
	Q      float64 `json:"q"`        // axis ratio, 0 < Q ≤ 1
	Phi    float64 `json:"phi"`      // position angle of the major axis, radians
	X      float64 `json:"center_x"` // centre, arcsec
	Y      float64 `json:"center_y"`
	Bn     Bn      `json:"-"` // how b_n is computed

	// Arms is the number of spiral arms, 0 for none: logarithmic spirals that
	// modulate the profile and leave its flux, see the package comment.
	Arms     int     `json:"arms,omitempty"`
	Pitch    float64 `json:"pitch,omitempty"`     // angle between an arm and a circle, radians; arms wind out counter-clockwise below π/2, clockwise above
	Contrast float64 `json:"contrast,omitempty"`  // of the modulation, 0 to 1
	ArmPhase float64 `json:"arm_phase,omitempty"` // where an arm crosses R = Radius, from the major axis, radians
}

// R returns the elliptical radius of the point (x, y), arcsec.
func (s Sersic) R(x, y float64) float64 {
	dx, dy := x-s.X, y-s.Y
	sin, cos := math.Sincos(s.Phi)
	major, minor := cos*dx+sin*dy, cos*dy-sin*dx
	return math.Sqrt(s.Q*major*major + minor*minor/s.Q)
}

// Brightness returns the surface brightness at (x, y), flux per arcsec².
func (s Sersic) Brightness(x, y float64) float64 {
	i := s.atRadius(s.R(x, y))
	if s.Arms > 0 {
		i *= newArms(s).factor(x-s.X, y-s.Y)
	}
	return i
}

func (s Sersic) atRadius(r float64) float64 {
	u := math.Pow(max(r, radiusFloor)/s.Radius, 1/s.N)
	return s.Amp * math.Exp(-s.Bn.Value(s.N)*(u-1))
}

// Flux returns the flux out to infinity, which does not depend on Q.
func (s Sersic) Flux() float64 {
	b := s.Bn.Value(s.N)
	lg, _ := math.Lgamma(2 * s.N)
	return s.Amp * s.Radius * s.Radius * 2 * math.Pi * s.N * math.Exp(b-2*s.N*math.Log(b)+lg)
}
