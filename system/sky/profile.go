package sky

import "math"

// A profile is a Sérsic profile or a ring of unit radius, tabulated as a function
// of u = (R/Radius)², which costs no root: cubic pieces, sixteen to an octave of
// u, found from the bits of u. Value and slope are exact at the nodes; between
// them the error is below 1e-6 of the brightness at R = Radius for Sérsic
// profiles, and below 1e-4 for rings (see the tests), and where u is out of range
// the formula is used.
type profile struct {
	b, power float64 // Sérsic: I = exp(−b·(u^power − 1)), power = 1/(2n)
	width    float64 // ring: I = exp(−½·((√u − 1)/width)²); 0: a Sérsic profile
	first    int     // what the bits of u say of the first piece
	pieces   []piece
}

// A piece is c0 + t·(c1 + t·(c2 + t·c3)) with t = u − u0.
type piece struct{ u0, c0, c1, c2, c3 float64 }

const (
	profileSplit  = 4 // bits of the mantissa that number the pieces of an octave
	profileShift  = 52 - profileSplit
	profileOctave = 1 << profileSplit
	profileHigh   = 12 // u up to almost 2^13
)

// reset tabulates a profile from this u on, unless p is that table already, or
// one that begins below it: their pieces are the same.
func (p *profile) reset(n, b, low float64) {
	_, octave := math.Frexp(low)
	octave--
	first := (1023 + octave) << profileSplit
	if p.width == 0 && p.b == b && p.power == 1/(2*n) && p.first <= first {
		return
	}
	p.b, p.power, p.width = b, 1/(2*n), 0
	p.room(first, octave)
	var node, root, slope [profileOctave]float64 // in the octave [1, 2): u, and its power with the derivative
	for k := range root {
		node[k] = 1 + float64(k)/profileOctave
		root[k] = math.Pow(node[k], p.power)
		slope[k] = p.power * root[k] / node[k]
	}
	at := -1                        // number of the piece that ends at the next node
	u0, i0, d0, h := 0., 0., 0., 0. // at the node before, and 1 over the distance to it
	for ; octave <= profileHigh; octave++ {
		scale := math.Ldexp(1, octave)
		x := b * math.Pow(scale, p.power)
		for k := range node {
			u1 := scale * node[k]
			i1 := math.Exp(b - x*root[k])
			d1 := -i1 * x / scale * slope[k]
			if at >= 0 {
				d := (i1 - i0) * h
				p.pieces[at] = piece{u0, i0, d0, (3*d - 2*d0 - d1) * h, (d0 + d1 - 2*d) * h * h}
			}
			at++
			u0, i0, d0, h = u1, i1, d1, profileOctave/scale
		}
	}
}

// resetRing tabulates a ring of this relative width, like reset.
func (p *profile) resetRing(width, low float64) {
	_, octave := math.Frexp(low)
	octave--
	p.width = width
	p.room((1023+octave)<<profileSplit, octave)
	at := func(k int) (u, i, slope float64) {
		u = math.Ldexp(1+float64(k%profileOctave)/profileOctave, octave+k/profileOctave)
		root, i := math.Sqrt(u), p.formula(u)
		return u, i, -i * (root - 1) / (width * width) / (2 * root)
	}
	u0, i0, d0 := at(0)
	for k := range p.pieces {
		u1, i1, d1 := at(k + 1)
		h := 1 / (u1 - u0)
		d := (i1 - i0) * h
		p.pieces[k] = piece{u0, i0, d0, (3*d - 2*d0 - d1) * h, (d0 + d1 - 2*d) * h * h}
		u0, i0, d0 = u1, i1, d1
	}
}

// room makes room for the pieces from this octave on.
func (p *profile) room(first, octave int) {
	p.first = first
	if n := (profileHigh + 1 - octave) * profileOctave; cap(p.pieces) < n {
		p.pieces = make([]piece, n)
	}
	p.pieces = p.pieces[:(profileHigh+1-octave)*profileOctave-1]
}

// formula returns I at u > 0 where the table does not reach.
func (p *profile) formula(u float64) float64 {
	if p.width > 0 {
		x := (math.Sqrt(u) - 1) / p.width
		return math.Exp(-x * x / 2)
	}
	return math.Exp(-p.b * (math.Pow(u, p.power) - 1))
}

// A galaxy is a Sersic or a Ring made ready for many evaluations.
type galaxy struct {
	amp     float64
	x, y    float64 // centre
	a, b, c float64 // u = a·dx² + 2·b·dx·dy + c·dy²
	floor   float64 // smallest u that is evaluated

	core       float64 // radius within which the profile is sharply peaked, arcsec
	thin, long float64 // half axes of the ellipse of the half-light radius, arcsec
	profile    *profile
	arms       *arms // nil: none
}

// newGalaxy tabulates s in p.
func newGalaxy(s Sersic, p *profile) galaxy {
	g := newEllipse(s.Amp, s.Radius, s.Q, s.Phi, s.X, s.Y)
	p.reset(s.N, s.Bn.Value(s.N), g.floor)
	g.profile, g.core = p, s.Radius/(4*s.N)
	if s.Arms > 0 {
		g.arms = newArms(s)
		g.core = min(g.core, g.arms.detail())
	}
	return g
}

// newRing tabulates r in p.
func newRing(r Ring, p *profile) galaxy {
	g := newEllipse(r.Amp, r.Radius, r.Q, r.Phi, r.X, r.Y)
	p.resetRing(r.Width/r.Radius, g.floor)
	g.profile, g.core, g.thin = p, r.Width/2, min(g.thin, r.Width)
	return g
}

// newEllipse returns a galaxy without profile.
func newEllipse(amp, radius, q, phi, x, y float64) galaxy {
	sin, cos := math.Sincos(phi)
	r2 := radius * radius
	return galaxy{
		amp: amp, x: x, y: y,
		a:     (q*cos*cos + sin*sin/q) / r2,
		b:     (q - 1/q) * sin * cos / r2,
		c:     (q*sin*sin + cos*cos/q) / r2,
		floor: radiusFloor * radiusFloor / r2, thin: radius * math.Sqrt(q), long: radius / math.Sqrt(q),
	}
}

// atDistance returns u at an elliptical radius R, arcsec.
func (g *galaxy) atDistance(r float64) float64 {
	return g.floor * (r / radiusFloor) * (r / radiusFloor)
}

// add adds the surface brightness at points of the galaxy's plane to dst, taking
// the profile for flat where u < low.
func (g *galaxy) add(dst, xs, ys []float64, low float64) {
	if g.arms != nil {
		g.addSpiral(dst, xs, ys, low)
		return
	}
	xs, ys = xs[:len(dst)], ys[:len(dst)]
	a, b, c := g.a, 2*g.b, g.c
	pieces, first := g.profile.pieces, g.profile.first
	for i := range dst {
		dx, dy := xs[i]-g.x, ys[i]-g.y
		u := a*dx*dx + (b*dx+c*dy)*dy
		if u < low { // cheaper than max, which minds NaN
			u = low
		}
		k := int(math.Float64bits(u)>>profileShift) - first
		if uint(k) >= uint(len(pieces)) {
			dst[i] += g.amp * g.profile.formula(u)
			continue
		}
		p := &pieces[k]
		t := u - p.u0
		dst[i] += g.amp * (p.c0 + t*(p.c1+t*(p.c2+t*p.c3)))
	}
}
