package sky

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Identities that hold for every lens of the kind, at random points. The
// tolerances are those that lenstronomy's values reach in the same tests.

// randomLens draws a lens; without shear it is a centred SIE.
func randomLens(d draw, shear bool) Lens {
	l := Lens{Mass: SIE{ThetaE: d.uniform(0.5, 2), Q: d.uniform(0.35, 1), Phi: d.angle()}}
	if shear {
		l.Shear = Shear{Gamma1: d.uniform(-0.1, 0.1), Gamma2: d.uniform(-0.1, 0.1)}
	}
	return l
}

// overPoints calls f at random points at least 0.2 arcsec from the origin.
func overPoints(seed uint64, n int, f func(d draw, x, y float64)) {
	d := draw{rand.New(rand.NewPCG(seed, 0))}
	for range n {
		x, y := polar(d.uniform(0.2, 5), d.uniform(0, 2*math.Pi))
		f(d, x, y)
	}
}

// A watch remembers the largest deviation from an identity.
type watch struct{ worst float64 }

func (w *watch) see(got, want float64) {
	if d := math.Abs(got - want); d > w.worst || d != d {
		w.worst = d
	}
}

func (w *watch) check(t *testing.T, what string, tolerance float64) {
	t.Helper()
	if !(w.worst <= tolerance) {
		t.Errorf("%s: off by %.1e, tolerance %.0e", what, w.worst, tolerance)
	}
}

// derivative is a fourth-order difference quotient.
func derivative(f func(h float64) float64) float64 {
	const h = 1e-4
	return (8*(f(h)-f(-h)) - (f(2*h) - f(-2*h))) / (12 * h)
}

func TestDerivativesOfDeflection(t *testing.T) {
	var kappa, curl, gamma, gradient watch
	overPoints(1, 500, func(d draw, x, y float64) {
		l := randomLens(d, true)
		f := l.Field(x, y)
		xx := derivative(func(h float64) float64 { return l.Field(x+h, y).AlphaX })
		xy := derivative(func(h float64) float64 { return l.Field(x, y+h).AlphaX })
		yx := derivative(func(h float64) float64 { return l.Field(x+h, y).AlphaY })
		yy := derivative(func(h float64) float64 { return l.Field(x, y+h).AlphaY })
		kappa.see((xx+yy)/2, f.Kappa)
		curl.see(xy, yx)
		gamma.see((xx-yy)/2, f.Gamma1)
		gamma.see(xy, f.Gamma2)
		gradient.see(derivative(func(h float64) float64 { return l.Field(x+h, y).Psi }), f.AlphaX)
		gradient.see(derivative(func(h float64) float64 { return l.Field(x, y+h).Psi }), f.AlphaY)
	})
	kappa.check(t, "half the divergence is κ", 1e-8)
	curl.check(t, "no curl", 1e-8)
	gamma.check(t, "shear", 1e-8)
	gradient.check(t, "the gradient of ψ is α", 1e-8)
}

func TestIsothermal(t *testing.T) {
	var gamma, det, scale, parity, rotation watch
	overPoints(2, 1000, func(d draw, x, y float64) {
		l := randomLens(d, false)
		f := l.Field(x, y)
		gamma.see(math.Hypot(f.Gamma1, f.Gamma2)/f.Kappa, 1)
		det.see(f.DetA(), 1-2*f.Kappa)
		far := l.Field(3*x, 3*y)
		scale.see(far.AlphaX, f.AlphaX)
		scale.see(far.AlphaY, f.AlphaY)

		l = randomLens(d, true)
		f = l.Field(x, y)
		opposite := l.Field(-x, -y)
		parity.see(opposite.AlphaX, -f.AlphaX)
		parity.see(opposite.AlphaY, -f.AlphaY)

		turn := d.angle()
		sin, cos := math.Sincos(turn)
		sin2, cos2 := math.Sincos(2 * turn)
		m := l
		m.Mass.Phi += turn
		m.Shear.Gamma1, m.Shear.Gamma2 = cos2*l.Shear.Gamma1-sin2*l.Shear.Gamma2, sin2*l.Shear.Gamma1+cos2*l.Shear.Gamma2
		g := m.Field(cos*x-sin*y, sin*x+cos*y)
		rotation.see(g.AlphaX, cos*f.AlphaX-sin*f.AlphaY)
		rotation.see(g.AlphaY, sin*f.AlphaX+cos*f.AlphaY)
	})
	gamma.check(t, "|γ| = κ", 1e-12)
	det.check(t, "det A = 1 − 2κ", 1e-12)
	scale.check(t, "α depends on the direction alone", 1e-12)
	parity.check(t, "α(−θ) = −α(θ)", 1e-12)
	rotation.check(t, "everything turned, α turns", 1e-12)
}

func TestSIS(t *testing.T) {
	var size, kappa, limit, ring watch
	overPoints(3, 1000, func(d draw, x, y float64) {
		s := SIE{ThetaE: 1.7, Q: 1, Phi: d.angle()}
		f, r := s.Field(x, y), math.Hypot(x, y)
		size.see(math.Hypot(f.AlphaX, f.AlphaY), 1.7)
		size.see(f.AlphaX*y, f.AlphaY*x)
		kappa.see(f.Kappa*2*r/1.7, 1)
		kappa.see(f.DetA(), 1-1.7/r)
		almost := s
		almost.Q = 1 - 1e-7
		g := almost.Field(x, y)
		limit.see(g.AlphaX, f.AlphaX)
		limit.see(g.AlphaY, f.AlphaY)
		ex, ey := polar(1.7, d.angle())
		e := s.Field(ex, ey)
		ring.see(math.Hypot(ex-e.AlphaX, ey-e.AlphaY), 0)
	})
	size.check(t, "|α| = θ_E, radial", 1e-12)
	kappa.check(t, "κ = θ_E/2r", 1e-12)
	limit.check(t, "q → 1", 1e-7)
	ring.check(t, "the ring at θ_E is the point behind the lens", 1e-12)
}

// The critical curve of an SIE is where κ = ½: it encloses π·θ_E² and a mean κ
// of 1; and the flux of α through a circle is twice the mass inside.
func TestMass(t *testing.T) {
	const n, radius = 4000, 1.9
	s := SIE{ThetaE: 1.3, Q: 0.7, Phi: 0.5}
	var on watch
	area, mass, flux, inside := 0., 0., 0., 0.
	for i := range n {
		phi := 2 * math.Pi * (float64(i) + 0.5) / n
		sin, cos := math.Sincos(phi - s.Phi)
		r := s.ThetaE / math.Sqrt(s.Q*cos*cos+sin*sin/s.Q)
		x, y := polar(r, phi)
		f := s.Field(x, y)
		on.see(f.DetA(), 0)
		area += r * r / 2 * 2 * math.Pi / n
		mass += f.Kappa * r * r * 2 * math.Pi / n // κ falls as 1/r, so ∫ κ r dr = κ r²
		x, y = polar(radius, phi)
		f = s.Field(x, y)
		flux += (f.AlphaX*x + f.AlphaY*y) * 2 * math.Pi / n
		inside += f.Kappa * radius * radius * 2 * math.Pi / n
	}
	on.check(t, "det A = 0 on the critical curve", 1e-12)
	var sums watch
	sums.see(area/(math.Pi*s.ThetaE*s.ThetaE), 1)
	sums.see(mass/area, 1)
	sums.see(flux/(2*inside), 1)
	sums.check(t, "area, mean κ and Gauss's theorem", 1e-12)
}

// imagesOf finds the images of a point source by Newton's method from a grid.
func imagesOf(l Lens, bx, by float64) (found [][2]float64) {
	for gx := -3.; gx <= 3; gx += 0.1 {
		for gy := -3.; gy <= 3; gy += 0.1 {
			x, y, ok := newton(l, gx+0.013, gy+0.017, bx, by)
			for _, f := range found {
				ok = ok && math.Hypot(f[0]-x, f[1]-y) > 1e-6
			}
			if ok {
				found = append(found, [2]float64{x, y})
			}
		}
	}
	return found
}

func newton(l Lens, x, y, bx, by float64) (float64, float64, bool) {
	for range 60 {
		f := l.Field(x, y)
		rx, ry := x-f.AlphaX-bx, y-f.AlphaY-by
		det := f.DetA()
		dx := ((1-f.Kappa+f.Gamma1)*rx + f.Gamma2*ry) / det
		dy := (f.Gamma2*rx + (1-f.Kappa-f.Gamma1)*ry) / det
		if step := math.Hypot(dx, dy); step > 0.3 {
			dx, dy = dx*0.3/step, dy*0.3/step
		}
		x, y = x-dx, y-dy
		if math.Hypot(rx, ry) < 1e-12 {
			return x, y, true
		}
	}
	return x, y, false
}

func TestImagesOfPoints(t *testing.T) {
	sis := Lens{Mass: SIE{ThetaE: 1.7, Q: 1}}
	for _, b := range []float64{0.2, 0.8, 1.5} {
		bx, by := polar(b, 0.3)
		sum, count := 0.0, 0
		for _, p := range imagesOf(sis, bx, by) {
			mu := 1 / sis.Field(p[0], p[1]).DetA()
			sum += mu
			count++
			if r := math.Hypot(p[0], p[1]); math.Abs(mu-1/(1-1.7/r)) > 1e-9 || math.Abs(math.Abs(r-1.7)-b) > 1e-9 {
				t.Errorf("β = %g: an image at r = %g, magnified %g", b, r, mu)
			}
		}
		if count != 2 || math.Abs(sum-2) > 1e-6 {
			t.Errorf("β = %g: %d images of total signed magnification %g, want 2 of 2", b, count, sum)
		}
	}
	if n := len(imagesOf(sis, 2.2, 0)); n != 1 {
		t.Errorf("β > θ_E: %d images, want 1", n)
	}
	sheared := Lens{Mass: SIE{ThetaE: 1, Q: 1}, Shear: Shear{Gamma1: 0.08}}
	sie := Lens{Mass: SIE{ThetaE: 1.3, Q: 0.7, Phi: 0.5}}
	for _, b := range [][2]float64{{0.02, 0.01}, {0.03, -0.02}, {-0.01, 0.03}} {
		if n, sum := signedSum(sheared, b); n != 4 || math.Abs(sum-2/(1-0.08*0.08)) > 1e-5 {
			t.Errorf("SIS with shear, β = %v: %d images, signed sum %g", b, n, sum)
		}
		if n, sum := signedSum(sie, b); n != 4 || math.Abs(sum-2.8) > 0.1 {
			t.Errorf("SIE, β = %v: %d images, signed sum %g", b, n, sum)
		}
	}
}

func signedSum(l Lens, b [2]float64) (count int, sum float64) {
	for _, p := range imagesOf(l, b[0], b[1]) {
		sum += 1 / l.Field(p[0], p[1]).DetA()
		count++
	}
	return count, sum
}

// ∫|det A| dA over the image plane where β lies in a disc counts its images.
func TestMeanNumberOfImages(t *testing.T) {
	count := func(l Lens, radius float64) float64 {
		const n, half = 1000, 4.
		sum := 0.0
		for k := range n * n {
			x := (float64(k%n)+0.5)/n*2*half - half
			y := (float64(k/n)+0.5)/n*2*half - half
			if f := l.Field(x, y); math.Hypot(x-f.AlphaX, y-f.AlphaY) < radius {
				sum += math.Abs(f.DetA())
			}
		}
		return sum * (2 * half / n) * (2 * half / n) / (math.Pi * radius * radius)
	}
	if n := count(Lens{Mass: SIE{ThetaE: 1.7, Q: 1}}, 1.7); math.Abs(n-2) > 4e-3 {
		t.Errorf("SIS: %g images, want 2", n)
	}
	if n := count(Lens{Mass: SIE{ThetaE: 1.3, Q: 0.7, Phi: 0.5}}, 0.05); math.Abs(n-4) > 4e-2 {
		t.Errorf("SIE, source in the diamond: %g images, want 4", n)
	}
}
