package sky

import "math"

// arms are the spiral arms of a disc: its brightness is multiplied by
//
//	1 + Contrast · w(R) · cos(Arms·(φ − ArmPhase − cot(Pitch)·ln(R/Radius)))
//
// with R and φ in the plane of the disc, where it is round, and
// w = R²/(R² + (Radius/4)²), because a logarithmic spiral has no end inwards. The
// mean over φ is 1, so the flux at each R stays.
type arms struct {
	sin, cos, root       float64 // of the position angle; √q
	number, phase, wind  float64
	contrast, inner2, r0 float64 // inner2: (Radius/4)²
}

func newArms(s Sersic) *arms {
	sin, cos := math.Sincos(s.Phi)
	return &arms{
		sin: sin, cos: cos, root: math.Sqrt(s.Q),
		number: float64(s.Arms), phase: s.ArmPhase, wind: 1 / math.Tan(s.Pitch),
		contrast: s.Contrast, inner2: s.Radius * s.Radius / 16, r0: s.Radius,
	}
}

// factor returns the modulation at a distance from the centre, arcsec.
func (a *arms) factor(dx, dy float64) float64 {
	u, v := (a.cos*dx+a.sin*dy)*a.root, (a.cos*dy-a.sin*dx)/a.root
	r2 := u*u + v*v
	if r2 < radiusFloor*radiusFloor {
		return 1
	}
	spiral := math.Atan2(v, u) - a.phase - a.wind*math.Log(math.Sqrt(r2)/a.r0)
	return 1 + a.contrast*r2/(r2+a.inner2)*math.Cos(a.number*spiral)
}

// detail returns the width of what the arms add near the centre, arcsec.
func (a *arms) detail() float64 {
	return a.r0 / 4 / (a.number * math.Hypot(1, a.wind))
}

// addSpiral is add for a disc with arms.
func (g *galaxy) addSpiral(dst, xs, ys []float64, low float64) {
	for i := range dst {
		dx, dy := xs[i]-g.x, ys[i]-g.y
		u := max(g.a*dx*dx+(2*g.b*dx+g.c*dy)*dy, low)
		dst[i] += g.amp * g.profile.at(u) * g.arms.factor(dx, dy)
	}
}

// at returns I at u.
func (p *profile) at(u float64) float64 {
	k := int(math.Float64bits(u)>>profileShift) - p.first
	if uint(k) >= uint(len(p.pieces)) {
		return p.formula(u)
	}
	c := &p.pieces[k]
	t := u - c.u0
	return c.c0 + t*(c.c1+t*(c.c2+t*c.c3))
}
