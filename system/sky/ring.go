package sky

import "math"

// A Ring is an elliptical ring, I = Amp·exp(−½·((R − Radius)/Width)²), as
// collisions of galaxies leave them.
type Ring struct {
	Amp    float64 `json:"amp"`      // surface brightness at R = Radius, flux per arcsec²
	Radius float64 `json:"radius"`   // arcsec, > 0
	Width  float64 `json:"width"`    // arcsec, > 0
	Q      float64 `json:"q"`        // axis ratio, 0 < Q ≤ 1
	Phi    float64 `json:"phi"`      // position angle of the major axis, radians
	X      float64 `json:"center_x"` // centre, arcsec
	Y      float64 `json:"center_y"`
}

// Brightness returns the surface brightness at (x, y), flux per arcsec².
func (r Ring) Brightness(x, y float64) float64 {
	d := (Sersic{Q: r.Q, Phi: r.Phi, X: r.X, Y: r.Y}.R(x, y) - r.Radius) / r.Width
	return r.Amp * math.Exp(-d*d/2)
}

// Flux returns the flux out to infinity, which does not depend on Q.
func (r Ring) Flux() float64 {
	x := r.Radius / (r.Width * math.Sqrt2)
	return 2 * math.Pi * r.Amp * r.Width * (r.Width*math.Exp(-x*x) + r.Radius*math.Sqrt(math.Pi/2)*(1+math.Erf(x)))
}
