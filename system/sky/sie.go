package sky

import "math"

// A Field is what a deflector does to light at one point.
type Field struct {
	Psi            float64 // lensing potential, arcsec²
	AlphaX, AlphaY float64 // deflection, arcsec: the source lies at θ − α
	Kappa          float64 // convergence, dimensionless
	Gamma1, Gamma2 float64 // shear, dimensionless
}

// DetA returns the determinant of ∂β/∂θ, the inverse of the magnification;
// negative where the image is mirrored.
func (f Field) DetA() float64 {
	return (1-f.Kappa)*(1-f.Kappa) - f.Gamma1*f.Gamma1 - f.Gamma2*f.Gamma2
}

// plus adds the field of another deflector in the same plane.
func (f Field) plus(g Field) Field {
	return Field{f.Psi + g.Psi, f.AlphaX + g.AlphaX, f.AlphaY + g.AlphaY,
		f.Kappa + g.Kappa, f.Gamma1 + g.Gamma1, f.Gamma2 + g.Gamma2}
}

// An SIE is a singular isothermal ellipsoid (Kormann, Schneider & Bartelmann
// 1994) of convergence κ = θ_E / (2·√(q·X² + Y²/q)). Without shear its
// tangential critical curve encloses the area π·θ_E².
type SIE struct {
	ThetaE float64 `json:"theta_E"`  // Einstein radius, arcsec, ≥ 0
	Q      float64 `json:"q"`        // axis ratio of the contours of κ, 0 < Q ≤ 1
	Phi    float64 `json:"phi"`      // position angle of the major axis, radians
	X      float64 `json:"center_x"` // centre, arcsec
	Y      float64 `json:"center_y"`
}

// Field returns the field at (x, y). At the centre, where the deflection has no
// limit, it is all NaN.
func (s SIE) Field(x, y float64) Field {
	dx, dy := x-s.X, y-s.Y
	sin, cos := math.Sincos(s.Phi)
	ax, ay, kappa := s.major(cos*dx+sin*dy, cos*dy-sin*dx)
	ax, ay = cos*ax-sin*ay, sin*ax+cos*ay
	r2 := dx*dx + dy*dy
	return Field{
		Psi:    dx*ax + dy*ay,
		AlphaX: ax, AlphaY: ay, Kappa: kappa,
		// The shear of an isothermal lens is tangential and as large as κ.
		Gamma1: -kappa * (dx - dy) * (dx + dy) / r2,
		Gamma2: -kappa * 2 * dx * dy / r2,
	}
}

// major returns deflection and convergence in the frame of the major axis.
//
// With f = √(1−q²) the deflection is θ_E·√q·(atan(f·X/p)/f, atanh(f·Y/p)/f).
// Both quotients keep full precision down to the smallest f > 0, since atan and
// atanh of a small number are accurate relative to it; only f = 0 is apart.
func (s SIE) major(x, y float64) (ax, ay, kappa float64) {
	p := math.Hypot(s.Q*x, y)
	norm := s.ThetaE * math.Sqrt(s.Q)
	ux, uy := x/p, y/p
	if f := math.Sqrt((1 - s.Q) * (1 + s.Q)); f > 0 {
		ux, uy = math.Atan(f*ux)/f, math.Atanh(f*uy)/f
	}
	return norm * ux, norm * uy, norm / 2 / p
}

// A Shear is the tidal field of mass far away, of potential
// ½·γ1·(x²−y²) + γ2·x·y about its origin.
type Shear struct {
	Gamma1 float64 `json:"gamma1"` // γ1 > 0 stretches images along x
	Gamma2 float64 `json:"gamma2"` // γ2 > 0 stretches them along the diagonal
	X      float64 `json:"ra_0"`   // origin, where it does not deflect, arcsec
	Y      float64 `json:"dec_0"`
}

// Field returns the field at (x, y).
func (s Shear) Field(x, y float64) Field {
	dx, dy := x-s.X, y-s.Y
	ax, ay := s.Gamma1*dx+s.Gamma2*dy, s.Gamma2*dx-s.Gamma1*dy
	return Field{Psi: (dx*ax + dy*ay) / 2, AlphaX: ax, AlphaY: ay, Gamma1: s.Gamma1, Gamma2: s.Gamma2}
}

// A Lens is an SIE with external shear, both in one plane.
type Lens struct {
	Mass  SIE   `json:"mass"`
	Shear Shear `json:"shear"`
}

// Field returns the field at (x, y); at the centre of the SIE it is NaN.
func (l Lens) Field(x, y float64) Field { return l.Mass.Field(x, y).plus(l.Shear.Field(x, y)) }
