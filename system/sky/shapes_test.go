package sky

import (
	"math"
	"math/rand/v2"
	"testing"
)

func someRing() Ring {
	return Ring{Amp: 3, Radius: 1.2, Width: 0.25, Q: 0.6, Phi: 0.7, X: 0.3, Y: -0.2}
}

func someSpiral() Sersic {
	return Sersic{Amp: 2, Radius: 1, N: 1, Q: 0.7, Phi: 0.4, X: -0.1, Y: 0.2, Arms: 2, Pitch: 0.35, Contrast: 0.8, ArmPhase: 1}
}

// The tabulated ring, over all radii, relative to its peak.
func TestRingTable(t *testing.T) {
	for _, width := range []float64{0.1, 0.2, 0.5, 2} {
		r := someRing()
		r.Width = width * r.Radius
		g := newRing(r, new(profile))
		for d := 2e-5; d < 300; d *= 1.003 {
			dx, dy := polar(d, 1.1)
			got := []float64{0}
			g.add(got, []float64{r.X + dx}, []float64{r.Y + dy}, g.floor)
			if e := math.Abs(got[0]-r.Brightness(r.X+dx, r.Y+dy)) / r.Amp; e > 1e-4 {
				t.Fatalf("width %g, distance %g: off by %.1e of the peak", width, d, e)
			}
		}
	}
}

// A table that served a ring serves a Sérsic profile next, and the other way round.
func TestProfileForgets(t *testing.T) {
	p := new(profile)
	s, r := someSpiral(), someRing()
	s.Arms = 0
	value := func(g galaxy) float64 {
		got := []float64{0}
		g.add(got, []float64{0.9}, []float64{0.4}, g.floor)
		return got[0]
	}
	fresh, ring := value(newGalaxy(s, new(profile))), value(newRing(r, new(profile)))
	for range 2 {
		if v := value(newRing(r, p)); v != ring {
			t.Errorf("ring: %g, want %g", v, ring)
		}
		if v := value(newGalaxy(s, p)); v != fresh {
			t.Errorf("Sérsic: %g, want %g", v, fresh)
		}
	}
}

// Fluxes in closed form against a sum over a fine grid.
func TestFluxOfShapes(t *testing.T) {
	s, r := someSpiral(), someRing()
	const h, half = 0.02, 12
	spiral, ring := 0., 0.
	for x := -half + h/2; x < half; x += h {
		for y := -half + h/2; y < half; y += h {
			spiral += s.Brightness(x, y) * h * h
			ring += r.Brightness(x, y) * h * h
		}
	}
	if math.Abs(spiral/s.Flux()-1) > 1e-3 || math.Abs(ring/r.Flux()-1) > 1e-6 {
		t.Errorf("spiral %g, want %g; ring %g, want %g", spiral, s.Flux(), ring, r.Flux())
	}
}

// Along an arm the phase stays.
func TestArmsAreLogarithmicSpirals(t *testing.T) {
	s := someSpiral()
	s.Q, s.Phi = 1, 0
	a := newArms(s)
	for r := 0.2; r < 5; r *= 1.1 {
		phi := s.ArmPhase + math.Log(r/s.Radius)/math.Tan(s.Pitch)
		x, y := polar(r, phi)
		if want := 1 + s.Contrast*r*r/(r*r+s.Radius*s.Radius/16); math.Abs(a.factor(x, y)-want) > 1e-12 {
			t.Errorf("R = %g: %g, want the crest %g", r, a.factor(x, y), want)
		}
	}
}

// Rings and spirals, seen as they are and through a lens, within what a
// simulation may be off by; and what they converge to is right.
func TestShapesAreRendered(t *testing.T) {
	g := Grid{Pixels: 40, Scale: 0.2}
	d := draw{rand.New(rand.NewPCG(11, 2))}
	for i := range 8 {
		s := &Scene{Light: []Sersic{someSpiral()}, Rings: []Ring{someRing()}}
		s.Light[0].Pitch, s.Light[0].Phi, s.Light[0].Q = d.uniform(0.15, 0.6), d.angle(), d.uniform(0.3, 1)
		s.Rings[0].Width, s.Rings[0].Q = d.uniform(0.12, 0.5), d.uniform(0.3, 1)
		if i%2 == 1 {
			s.Lens = &Lens{Mass: SIE{ThetaE: 1.1, Q: 0.8, Phi: d.angle()}}
			s.Source, s.Light = s.Light, nil
		}
		bands := oneBand(0.7)
		want, change := Converged(g, s, bands, 1e-4)
		if e := difference(want[0], NewRenderer(g, Simulation).Render(s, bands)[0]); e > 2e-3 || change > 1e-4 {
			t.Errorf("scene %d: off by %.1e of the peak (converged to %.1e)", i, e, change)
		}
		if i < 1 {
			if e := difference(bruteForce(g, s, bands[0], 9), want[0]); e > 1e-3 {
				t.Errorf("scene %d: converged to what is off by %.1e of the peak", i, e)
			}
		}
	}
}
