package sky

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func oneBand(fwhm float64) []Band { return []Band{{FWHM: fwhm, Light: 1, Source: 1}} }

// A renderer keeps buffers and tables between images; no image may show what was
// rendered before it.
func TestRendererForgets(t *testing.T) {
	g := Grid{Pixels: 40, Scale: 0.2}
	used := NewRenderer(g, Simulation)
	for i := range 12 {
		d := draw{rand.New(rand.NewPCG(3, uint64(i)))}
		s := peerScene(d)
		switch i % 4 {
		case 1:
			s.Lens = nil
		case 2:
			s.Source = append(s.Source, Sersic{Amp: 5, Radius: 0.2, N: 1, Q: 1, X: 0.3})
		case 3:
			s.Light = nil
		}
		bands := oneBand(d.uniform(0.5, 1))
		fresh := NewRenderer(g, Simulation).Render(s, bands)[0]
		if !slices.Equal(used.Render(s, bands)[0], fresh) {
			t.Fatalf("image %d depends on what was rendered before", i)
		}
	}
}

// An image is linear in the amplitudes, and its parts add up, to the tolerance.
func TestLinearity(t *testing.T) {
	g := Grid{Pixels: 48, Scale: 0.2}
	s := peerScene(draw{rand.New(rand.NewPCG(6, 6))})
	render := func(s *Scene, b Band) []float64 { return NewRenderer(g, Simulation).Render(s, []Band{b})[0] }
	whole := render(s, Band{FWHM: 0.7, Light: 1, Source: 1})
	twice := render(s, Band{FWHM: 0.7, Light: 2, Source: 2})
	light := render(&Scene{Light: s.Light}, Band{FWHM: 0.7, Light: 1, Source: 1})
	source := render(&Scene{Lens: s.Lens, Source: s.Source}, Band{FWHM: 0.7, Light: 1, Source: 1})
	sum := make([]float64, len(whole))
	for i := range whole {
		if math.Abs(twice[i]-2*whole[i]) > 1e-12*twice[i] {
			t.Fatalf("pixel %d: %g for amplitude 1, %g for 2", i, whole[i], twice[i])
		}
		sum[i] = light[i] + source[i]
	}
	if d := difference(whole, sum); d > 1e-3 {
		t.Errorf("light and source apart differ from both by %.1e of the peak", d)
	}
}

// The bands of one call share their samples and are the images of one band each.
func TestBands(t *testing.T) {
	g := Grid{Pixels: 48, Scale: 0.2}
	s := peerScene(draw{rand.New(rand.NewPCG(7, 6))})
	bands := []Band{{FWHM: 0.8, Light: 0.2, Source: 3}, {FWHM: 0.7, Light: 1, Source: 1}, {FWHM: 0.6, Light: 2}, {FWHM: 0.9, Source: 1}}
	together := NewRenderer(g, Simulation).Render(s, bands)
	for i, b := range bands {
		want, _ := Converged(g, s, []Band{b}, 1e-4)
		if d := difference(want[0], together[i]); d > 1e-3 {
			t.Errorf("%+v: differs by %.1e of the peak", b, d)
		}
	}
}

// Without mass, behind a lens is the same as in front of it.
func TestMasslessLens(t *testing.T) {
	g := Grid{Pixels: 48, Scale: 0.2}
	galaxies := []Sersic{{Amp: 3, Radius: 0.4, N: 2, Q: 0.6, Phi: 1, X: 0.31, Y: -0.2}}
	front, _ := Converged(g, &Scene{Light: galaxies}, oneBand(0.7), 1e-4)
	behind, _ := Converged(g, &Scene{Lens: &Lens{Mass: SIE{Q: 0.8}}, Source: galaxies}, oneBand(0.7), 1e-4)
	if d := difference(front[0], behind[0]); d > 1e-4 {
		t.Errorf("differ by %.1e of the peak", d)
	}
}

// What is hard to find or to stop at: nothing at all, galaxies without light,
// outside of the image, far smaller than a pixel, on the centre of the lens.
func TestExtremes(t *testing.T) {
	g := Grid{Pixels: 32, Scale: 0.2}
	point := Sersic{Amp: 1, Radius: 0.001, N: 0.5, Q: 1, X: 0.1, Y: 0.1}
	far := Sersic{Amp: 1, Radius: 0.2, N: 1, Q: 1, X: 500}
	lens := &Lens{Mass: SIE{ThetaE: 1, Q: 1}}
	for name, c := range map[string]struct {
		scene Scene
		flux  float64 // expected in the image, to 3e-3; negative: any
	}{
		"nothing":            {Scene{}, 0},
		"a lens, no light":   {Scene{Lens: lens}, 0},
		"no amplitude":       {Scene{Light: []Sersic{{Radius: 1, N: 4, Q: 1}}}, 0},
		"outside":            {Scene{Light: []Sersic{far}}, 0},
		"outside, lensed":    {Scene{Lens: lens, Source: []Sersic{far}}, 0},
		"a point":            {Scene{Light: []Sersic{point}}, point.Flux()},
		"a point, centred":   {Scene{Lens: lens, Source: []Sersic{{Amp: 1, Radius: 0.02, N: 1, Q: 1}}}, -1},
		"a cusp in a corner": {Scene{Light: []Sersic{{Amp: 1, Radius: 0.3, N: 10, Q: 0.3, X: -3.2, Y: -3.2}}}, -1},
		"a needle":           {Scene{Lens: lens, Source: []Sersic{{Amp: 1, Radius: 0.3, N: 1, Q: 0.05, X: 0.2}}}, -1},
	} {
		image := NewRenderer(g, Simulation).Render(&c.scene, oneBand(0.7))[0]
		sum := 0.0
		for _, v := range image {
			sum += v
		}
		if math.IsNaN(sum) || math.IsInf(sum, 0) || c.flux >= 0 && math.Abs(sum-c.flux) > 3e-3*c.flux+1e-12 {
			t.Errorf("%s: flux %g, want %g", name, sum, c.flux)
		}
	}
}
