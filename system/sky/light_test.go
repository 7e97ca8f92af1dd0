package sky

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
)

func TestBn(t *testing.T) {
	for n := 0.2; n <= 12; n += 0.1 {
		if p := mathext.GammaIncReg(2*n, BnExact.Value(n)); math.Abs(p-0.5) > 1e-12 {
			t.Errorf("n = %g: %g of the flux within the half-light radius", n, p)
		}
	}
	if b := BnExact.Value(0.5); math.Abs(b-math.Ln2) > 1e-14 {
		t.Errorf("n = ½: b = %.17g, want ln 2", b)
	}
}

// The flux is the integral of the profile, here in the variable in which it
// falls exponentially.
func TestFluxIsTheIntegral(t *testing.T) {
	for _, n := range []float64{0.5, 1, 2.5, 4} {
		s := Sersic{Amp: 2, Radius: 0.7, N: n, Q: 0.5}
		got := quad.Fixed(func(v float64) float64 {
			r := math.Pow(v, n)
			return 2 * math.Pi * r * s.atRadius(r) * n * math.Pow(v, n-1)
		}, 0, 40*math.Pow(0.7, 1/n), 600, nil, 0)
		if want := s.Flux(); math.Abs(got/want-1) > 1e-6 {
			t.Errorf("n = %g: integral %g, Flux %g", n, got, want)
		}
	}
}

// At n = ½ a profile is a Gaussian of σ = Radius/√(2·ln 2), and what the
// telescope sees of one along the axes is again a Gaussian, integrated over
// pixels: an image in closed form.
func TestGaussianGalaxy(t *testing.T) {
	for _, c := range []struct{ radius, q, x, y, fwhm float64 }{
		{0.5, 1, 0, 0, 0.7}, {0.3, 0.4, 0.13, -0.07, 0.5}, {0.1, 1, 0.031, 0.02, 0.3}, {0.05, 0.5, 0.09, 0.1, 1}, {1.5, 0.8, -0.7, 0.4, 0.35},
	} {
		g := Grid{Pixels: 48, Scale: 0.2}
		s := Sersic{Amp: 1, Radius: c.radius, N: 0.5, Q: c.q, X: c.x, Y: c.y}
		psf := c.fwhm / fwhmPerSigma
		wide := math.Hypot(psf, c.radius/math.Sqrt(2*math.Ln2)/math.Sqrt(c.q)) / g.Scale
		thin := math.Hypot(psf, c.radius/math.Sqrt(2*math.Ln2)*math.Sqrt(c.q)) / g.Scale
		want := make([]float64, 0, g.Pixels*g.Pixels)
		for j := range g.Pixels {
			for i := range g.Pixels {
				want = append(want, s.Flux()*pixelGaussian((g.center(i)-c.x)/g.Scale, wide)*pixelGaussian((g.center(j)-c.y)/g.Scale, thin))
			}
		}
		scene := &Scene{Light: []Sersic{s}}
		images, _ := Converged(g, scene, []Band{{FWHM: c.fwhm, Light: 1, Source: 1}}, 1e-4)
		if d := difference(want, images[0]); d > 1e-4 {
			t.Errorf("%+v: converged image off by %.1e of the peak", c, d)
		}
		if d := difference(want, NewRenderer(g, Simulation).Render(scene, []Band{{FWHM: c.fwhm, Light: 1, Source: 1}})[0]); d > 1e-3 {
			t.Errorf("%+v: image for simulation off by %.1e of the peak", c, d)
		}
	}
}

// Whatever the point-spread function, it moves light and does not make any, and
// keeps it where it was on average.
func TestFluxAndCentroidOfImages(t *testing.T) {
	g := Grid{Pixels: 64, Scale: 0.2}
	s := Sersic{Amp: 1, Radius: 0.25, N: 1, Q: 0.6, Phi: 0.7, X: 0.33, Y: -0.21}
	for _, fwhm := range []float64{0.3, 0.5, 0.7, 1} {
		images, _ := Converged(g, &Scene{Light: []Sersic{s}}, []Band{{FWHM: fwhm, Light: 1, Source: 1}}, 1e-4)
		sum, x, y := 0., 0., 0.
		for k, v := range images[0] {
			sum += v
			x += v * g.center(k%g.Pixels)
			y += v * g.center(k/g.Pixels)
		}
		if math.Abs(sum/s.Flux()-1) > 1e-4 || math.Hypot(x/sum-s.X, y/sum-s.Y) > 1e-4 {
			t.Errorf("FWHM %g: flux %g of %g, centroid (%g, %g)", fwhm, sum, s.Flux(), x/sum, y/sum)
		}
	}
}

// A circular source right behind an SIS has a total flux in closed form.
func TestFluxOfARing(t *testing.T) {
	const thetaE = 1.7
	s := Sersic{Amp: 1, Radius: 0.3, N: 1, Q: 1}
	inner := quad.Fixed(func(u float64) float64 { return s.atRadius(u) * (thetaE - u) }, 0, thetaE, 400, nil, 0)
	outer := quad.Fixed(func(u float64) float64 { return s.atRadius(u) * (u + thetaE) }, 0, 4, 400, nil, 0)
	want := 2 * math.Pi * (inner + outer)
	g := Grid{Pixels: 64, Scale: 0.2}
	images, _ := Converged(g, &Scene{Lens: &Lens{Mass: SIE{ThetaE: thetaE, Q: 1}}, Source: []Sersic{s}}, []Band{{FWHM: 0.7, Light: 1, Source: 1}}, 1e-4)
	sum := 0.0
	for _, v := range images[0] {
		sum += v
	}
	if math.Abs(sum/want-1) > 1e-4 {
		t.Errorf("flux %g, want %g", sum, want)
	}
}

func TestKernels(t *testing.T) {
	for _, sigma := range []float64{0.4, 0.7, 1.2, 2.1} {
		for _, fold := range []int{3, 4, 7} {
			k := newKernel(sigma, fold, int(math.Ceil(6*sigma)))
			for name, w := range map[string][]float64{"fine": k.fine, "coarse": k.coarse} {
				sum, mean, variance := 0., 0., 0.
				for i, v := range w {
					at := float64(i) - float64(len(w)-1)/2
					sum, mean, variance = sum+v, mean+v*at, variance+v*at*at
				}
				if name == "fine" {
					variance /= float64(fold * fold)
				}
				// A pixel adds 1/12; the quadratic interpolant keeps the variance.
				if math.Abs(sum-1) > 1e-12 || math.Abs(mean) > 1e-12 || math.Abs(variance-sigma*sigma-1./12) > 1e-3 {
					t.Errorf("σ %g, fold %d, %s: sum %g, mean %g, variance %g", sigma, fold, name, sum, mean, variance)
				}
			}
		}
	}
}

// randomScene draws a scene as wild as a survey could ever show: any seeing,
// compact and cuspy galaxies, sources on caustics, off-centre.
func randomScene(d draw) (*Scene, Grid, []Band) {
	g := Grid{Pixels: 48, Scale: d.logUniform(0.05, 0.263)}
	half := float64(g.Pixels) * g.Scale / 2
	x, y := d.uniform(-0.1, 0.1)*half, d.uniform(-0.1, 0.1)*half
	thetaE := min(d.uniform(0.3, 2.5), 0.6*half)
	dx, dy := d.disc(thetaE)
	return &Scene{
		Lens: &Lens{SIE{thetaE, d.uniform(0.3, 1), d.angle(), x, y},
			Shear{Gamma1: d.uniform(-0.1, 0.1), Gamma2: d.uniform(-0.1, 0.1)}},
		Light:  []Sersic{{Amp: d.uniform(1, 40), Radius: d.logUniform(0.1, 2), N: d.uniform(0.5, 6), Q: d.uniform(0.3, 1), Phi: d.angle(), X: x, Y: y}},
		Source: []Sersic{{Amp: d.uniform(5, 60), Radius: d.logUniform(0.1, 0.6), N: d.uniform(0.5, 4), Q: d.uniform(0.3, 1), Phi: d.angle(), X: x + dx, Y: y + dy}},
	}, g, []Band{{FWHM: d.uniform(1.5, 5) * g.Scale, Light: 1, Source: 1}}
}

// The error of the fast renderer is bounded for scenes that nothing was tuned
// to; 2e-3 of the peak is what a simulation may be off by.
func TestSimulationQuality(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(8, 9))}
	worst := 0.0
	for i := range 25 {
		s, g, bands := randomScene(d)
		want, change := Converged(g, s, bands, 1e-4)
		e := difference(want[0], NewRenderer(g, Simulation).Render(s, bands)[0])
		if e > 2e-3 || change > 1e-4 {
			t.Errorf("scene %d: off by %.1e of the peak (converged to %.1e): %+v", i, e, change, s)
		}
		worst = max(worst, e)
	}
	t.Logf("worst of 25: %.1e of the peak", worst)
}

// Uniform sampling with the closed forms on 9×9 points a pixel, convolved point
// by point: nothing in common with a Renderer but the scene. For profiles without
// a sharp cusp that is accurate to about the tolerance here.
func TestAgainstBruteForce(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(4, 4))}
	for i := range 3 {
		s, g, bands := randomScene(d)
		g.Pixels = 28
		s.Light[0].N, s.Source[0].N = 0.7, 0.6
		m := s.Lens.Mass // the source is kept away from what is imaged at the lens's centre
		s.Source[0].X, s.Source[0].Y = m.X+0.2*m.ThetaE, m.Y-0.1*m.ThetaE
		images, _ := Converged(g, s, bands, 1e-4)
		e := difference(bruteForce(g, s, bands[0], 9), images[0])
		t.Logf("scene %d: %.1e of the peak", i, e)
		if e > 5e-4 {
			t.Errorf("scene %d: off by %.1e of the peak: %+v", i, e, s)
		}
	}
}

// bruteForce renders with n×n samples per pixel on a canvas six sigmas larger
// than the image, and a Gaussian sampled at the same points.
func bruteForce(g Grid, s *Scene, b Band, n int) []float64 {
	sigma := b.FWHM / fwhmPerSigma / g.Scale * float64(n)
	reach := int(6*sigma) + 1
	size := g.Pixels*n + 2*reach
	weight := make([]float64, 2*reach+1)
	sum := 0.0
	for i := range weight {
		x := float64(i-reach) / sigma
		weight[i] = math.Exp(-x * x / 2)
		sum += weight[i]
	}
	at := func(i int) float64 { return g.Scale / float64(n) * (float64(i) - float64(size-1)/2) }
	rows := make([]float64, g.Pixels*n*size) // convolved along y
	for i := range size {
		column := make([]float64, size)
		for j := range column {
			column[j] = brightness(s, at(i), at(j))
		}
		for j := range g.Pixels * n {
			for k, w := range weight {
				rows[j*size+i] += w / sum * column[j+k]
			}
		}
	}
	image := make([]float64, g.Pixels*g.Pixels)
	for j := range g.Pixels * n {
		for i := range g.Pixels * n {
			v := 0.0
			for k, w := range weight {
				v += w / sum * rows[j*size+i+k]
			}
			image[j/n*g.Pixels+i/n] += v * g.Scale * g.Scale / float64(n*n)
		}
	}
	return image
}
