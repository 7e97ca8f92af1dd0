package sky

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The tabulated profile, over all radii: the error in places where the profile
// is at least a thousandth of its value at the half-light radius, relative to
// it, and elsewhere relative to that value.
func TestProfileTable(t *testing.T) {
	for _, n := range []float64{0.3, 0.5, 1, 2.5, 4, 6, 10} {
		s := Sersic{Amp: 3, Radius: 0.7, N: n, Q: 0.6, Phi: 0.4, X: 0.1, Y: -0.2}
		g := newGalaxy(s, new(profile))
		bright, faint := 0.0, 0.0
		for r := 2e-5; r < 300; r *= 1.003 {
			dx, dy := polar(r, 1.1)
			got := []float64{0}
			g.add(got, []float64{s.X + dx}, []float64{s.Y + dy}, g.floor)
			want := s.Brightness(s.X+dx, s.Y+dy)
			if d := math.Abs(got[0] - want); want > 1e-3*s.Amp {
				bright = max(bright, d/want)
			} else {
				faint = max(faint, d/s.Amp)
			}
		}
		if bright > 1e-4 || faint > 1e-6 {
			t.Errorf("n = %g: error %.1e where bright, %.1e of the amplitude elsewhere", n, bright, faint)
		}
	}
}

// The tabulated rays against the closed form. No image can tell 2e-7 of an
// Einstein radius.
func TestRayTable(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(5, 6))}
	for _, q := range []float64{0.2, 0.3, 0.5, 0.7, 0.9, 0.999, 1} {
		l := Lens{SIE{1.3, q, d.angle(), d.uniform(-1, 1), d.uniform(-1, 1)},
			Shear{d.uniform(-.1, .1), d.uniform(-.1, .1), d.uniform(-1, 1), d.uniform(-1, 1)}}
		var r rays
		r.reset(&l)
		worst := 0.0
		for range 20000 {
			x, y := d.uniform(-5, 5), d.uniform(-5, 5)
			xs, ys := []float64{x}, []float64{y}
			r.trace(xs, ys)
			f := l.Field(x, y)
			worst = max(worst, math.Abs(x-f.AlphaX-xs[0]), math.Abs(y-f.AlphaY-ys[0]))
		}
		if worst > 2e-7 {
			t.Errorf("q = %g: rays are off by %.1e arcsec", q, worst)
		}
	}
}

// A ray through the very centre goes straight but for the shear.
func TestRayThroughTheCentre(t *testing.T) {
	l := Lens{SIE{1.3, 0.8, 0.3, 0.25, -0.5}, Shear{Gamma1: 0.1}}
	var r rays
	r.reset(&l)
	xs, ys := []float64{0.25}, []float64{-0.5}
	if r.trace(xs, ys); xs[0] != 0.25*0.9 || ys[0] != -0.5*1.1 {
		t.Errorf("ends at (%g, %g)", xs[0], ys[0])
	}
}
