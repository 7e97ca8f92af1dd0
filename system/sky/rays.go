package sky

import "math"

// rays follows light back through a lens. The deflection of an isothermal lens
// depends on the direction from its centre alone, so it is tabulated: as a
// function of the smaller over the larger of |X| and |Y|, one table for each
// case, cubic pieces with exact values and slopes at the nodes. The error is
// below 1e-7·θ_E for q ≥ 0.2 (see the tests).
type rays struct {
	x, y         float64 // centre of the SIE
	sin, cos     float64 // of its position angle
	thetaE       float64
	major, minor rayTable // |X| ≥ |Y|, and |X| < |Y|

	xx, xy, yy float64 // 1 − shear
	x0, y0     float64 // deflection of the shear at the origin, with the sign of β
}

const raySteps = 64

// A rayTable holds the deflection as a function of the ratio.
type rayTable [raySteps]rayPiece

// A rayPiece is two cubics in t = ratio·raySteps − index.
type rayPiece struct{ x, y [4]float64 }

func (r *rays) reset(l *Lens) {
	r.x, r.y, r.thetaE = l.Mass.X, l.Mass.Y, l.Mass.ThetaE
	r.sin, r.cos = math.Sincos(l.Mass.Phi)
	g := l.Shear
	r.xx, r.xy, r.yy = 1-g.Gamma1, -g.Gamma2, 1+g.Gamma1
	r.x0, r.y0 = g.Gamma1*g.X+g.Gamma2*g.Y, g.Gamma2*g.X-g.Gamma1*g.Y
	mass := l.Mass
	norm := mass.ThetaE * math.Sqrt(mass.Q)
	r.tabulate(&r.major, func(v float64) (ax, ay, dx, dy float64) {
		ax, ay, _ = mass.major(1, v)
		d := norm / (math.Sqrt(mass.Q*mass.Q+v*v) * (1 + v*v))
		return ax, ay, -v * d, d
	})
	r.tabulate(&r.minor, func(v float64) (ax, ay, dx, dy float64) {
		ax, ay, _ = mass.major(v, 1)
		d := norm / (math.Sqrt(mass.Q*mass.Q*v*v+1) * (1 + v*v))
		return ax, ay, d, -v * d
	})
}

// tabulate fills a table from deflection and its derivative in the ratio v.
func (r *rays) tabulate(table *rayTable, f func(v float64) (ax, ay, dx, dy float64)) {
	const h = 1. / raySteps
	ax0, ay0, dx0, dy0 := f(0)
	for k := range table {
		ax1, ay1, dx1, dy1 := f(float64(k+1) * h)
		table[k] = rayPiece{hermite(ax0, ax1, dx0*h, dx1*h), hermite(ay0, ay1, dy0*h, dy1*h)}
		ax0, ay0, dx0, dy0 = ax1, ay1, dx1, dy1
	}
}

// hermite returns the cubic on [0, 1] with these values and slopes at its ends.
func hermite(f0, f1, d0, d1 float64) [4]float64 {
	return [4]float64{f0, d0, 3*(f1-f0) - 2*d0 - d1, 2*(f0-f1) + d0 + d1}
}

// trace replaces points on the sky by where their rays meet the source plane. A
// ray through the centre of the lens is not deflected.
func (r *rays) trace(xs, ys []float64) {
	ys = ys[:len(xs)]
	sin, cos := r.sin, r.cos
	for i, x := range xs {
		y := ys[i]
		dx, dy := x-r.x, y-r.y
		u, v := cos*dx+sin*dy, cos*dy-sin*dx
		table, large, small := &r.major, math.Abs(u), math.Abs(v)
		if large < small {
			table, large, small = &r.minor, small, large
		}
		if large == 0 {
			large = 1
			table = &zeroRays
		}
		t := small * raySteps / large
		k := min(int(t), raySteps-1)
		t -= float64(k)
		p := &table[uint(k)%raySteps]
		ax := math.Copysign(p.x[0]+t*(p.x[1]+t*(p.x[2]+t*p.x[3])), u)
		ay := math.Copysign(p.y[0]+t*(p.y[1]+t*(p.y[2]+t*p.y[3])), v)
		xs[i] = r.xx*x + r.xy*y + r.x0 - cos*ax + sin*ay
		ys[i] = r.xy*x + r.yy*y + r.y0 - sin*ax - cos*ay
	}
}

// zeroRays deflects nothing.
var zeroRays rayTable
