package sky

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
)

// someScenes are lenses and others of a survey.
func someScenes(n int) (list []Scene) {
	p, err := PresetByName("lsst-y10", 0)
	if err != nil {
		panic(err)
	}
	for i := range n {
		list = append(list, Draw(p, 11, i, 64).Scene)
	}
	return list
}

func render(s *Scene, b Band) []float64 {
	b.Light, b.Source = 1, 1
	return NewRenderer(Grid{Pixels: 48, Scale: 0.2}, Simulation).Render(s, []Band{b})[0]
}

// farthest returns the largest difference, in units of the peak.
func farthest(a, b []float64) float64 {
	return floats.Distance(a, b, math.Inf(1)) / floats.Max(b)
}

func stamp(t *testing.T, side int, d float64, f func(x, y float64) float64) *PSF {
	t.Helper()
	values := make([]float64, side*side)
	c := float64(side-1) / 2
	for k := range values {
		values[k] = f((float64(k%side)-c)*d, (float64(k/side)-c)*d)
	}
	p, err := Stamp(values, side, d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func moffat(t *testing.T, fwhm, beta float64) *PSF {
	t.Helper()
	p, err := Moffat(fwhm, beta)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The mixture of Gaussians is the Moffat function.
func TestMoffatProfile(t *testing.T) {
	for _, beta := range []float64{1.8, 2.5, 3, 4.765, 20} {
		const fwhm = 0.7
		p := moffat(t, fwhm, beta)
		alpha := fwhm / 2 / math.Sqrt(math.Pow(2, 1/beta)-1)
		peak := (beta - 1) / (math.Pi * alpha * alpha)
		for _, r := range []float64{0, 0.1, 0.35, 0.7, 1.4, 2.1, 3} {
			got := 0.0
			for _, g := range p.terms {
				s := float64(g.x.(gaussian))
				got += g.weight * math.Exp(-r*r/(2*s*s)) / (2 * math.Pi * s * s)
			}
			want := peak * math.Pow(1+r*r/(alpha*alpha), -beta)
			// What the wings beyond the widest Gaussian hold has been given to the rest.
			if lost := map[float64]float64{1.8: 0.03, 2.5: 4e-3}[beta] + 3e-4; math.Abs(got-want) > lost*peak {
				t.Errorf("beta %g: %.6f at %g arcsec, want %.6f of a peak of %.3f", beta, got, r, want, peak)
			}
		}
	}
}

// A Gaussian by its samples is the Gaussian, on any scene and sampling.
func TestStampOfGaussian(t *testing.T) {
	const fwhm = 0.7
	sigma := fwhm / fwhmPerSigma
	for _, d := range []float64{0.05, 0.1, 0.2} {
		p := stamp(t, 2*int(4.5*sigma/d)+1, d, func(x, y float64) float64 { return math.Exp(-(x*x + y*y) / (2 * sigma * sigma)) })
		if len(p.terms) != 1 {
			t.Errorf("a Gaussian has %d terms", len(p.terms))
		}
		limit := 1.5e-3
		if d == 0.2 { // 1.5 samples to a sigma
			limit = 8e-3
		}
		for i, s := range someScenes(12) {
			if e := farthest(render(&s, Band{PSF: p}), render(&s, Band{FWHM: fwhm})); e > limit {
				t.Errorf("scene %d, %g arcsec between samples: differs by %.1e of the peak", i, d, e)
			}
		}
	}
}

// Two ways to the same Moffat function: its Gaussians, and its samples.
func TestStampOfMoffat(t *testing.T) {
	const fwhm, beta, d = 0.7, 4.765, 0.1
	alpha := fwhm / 2 / math.Sqrt(math.Pow(2, 1/beta)-1)
	p := stamp(t, 101, d, func(x, y float64) float64 { return math.Pow(1+(x*x+y*y)/(alpha*alpha), -beta) })
	if n := len(p.terms); n < 3 || n > 12 {
		t.Errorf("%d terms", n)
	}
	for i, s := range someScenes(12) {
		if e := farthest(render(&s, Band{PSF: p}), render(&s, Band{PSF: moffat(t, fwhm, beta)})); e > 2e-3 {
			t.Errorf("scene %d differs by %.1e of the peak", i, e)
		}
	}
}

// A source as good as a point has the image of the function itself: each pixel its
// integral, also where it is not round, not centred and not symmetric.
func TestPointSource(t *testing.T) {
	lopsided := func(x, y float64) float64 {
		return math.Exp(-(x*x/0.18 + y*y/0.1 + 0.1*x*y)) * (1 + 0.3*x + 0.2*y*x)
	}
	alpha := 0.8 / 2 / math.Sqrt(math.Pow(2, 1/3.5)-1)
	for name, tc := range map[string]struct {
		psf *PSF
		f   func(x, y float64) float64
	}{
		"Moffat": {moffat(t, 0.8, 3.5), func(x, y float64) float64 { return math.Pow(1+(x*x+y*y)/(alpha*alpha), -3.5) }},
		"stamp":  {stamp(t, 61, 0.06, lopsided), lopsided},
	} {
		for _, at := range [][2]float64{{0, 0}, {0.11, -0.37}} {
			s := Scene{Light: []Sersic{withFlux(Sersic{Radius: 0.004, N: 1, Q: 1, X: at[0], Y: at[1]}, 1)}}
			got := render(&s, Band{PSF: tc.psf})
			want := integrals(tc.f, at)
			floats.Scale(1/floats.Sum(want), want)
			if e := farthest(got, want); e > 2e-3 {
				t.Errorf("%s at %v: differs by %.1e of the peak", name, at, e)
			}
			if sum := floats.Sum(got); math.Abs(sum-1) > 2e-3 {
				t.Errorf("%s at %v: flux %.4f, want 1", name, at, sum)
			}
		}
	}
}

// integrals sums a function over the pixels of render's grid.
func integrals(f func(x, y float64) float64, at [2]float64) []float64 {
	g := Grid{Pixels: 48, Scale: 0.2}
	out := make([]float64, 48*48)
	const steps = 10
	for k := range out {
		for a := range steps {
			for b := range steps {
				x := g.center(k%48) + (float64(a)+0.5)/steps*0.2 - 0.1
				y := g.center(k/48) + (float64(b)+0.5)/steps*0.2 - 0.1
				out[k] += f(x-at[0], y-at[1])
			}
		}
	}
	return out
}

func TestPSFErrors(t *testing.T) {
	even, nan, black := make([]float64, 16), []float64{1, 1, 1, 1, math.NaN(), 1, 1, 1, 1}, make([]float64, 9)
	for want, f := range map[string]func() (*PSF, error){
		"FWHM 0 arcsec and beta 3":            func() (*PSF, error) { return Moffat(0, 3) },
		"beta 1: want":                        func() (*PSF, error) { return Moffat(1, 1) },
		"beta NaN":                            func() (*PSF, error) { return Moffat(1, math.NaN()) },
		"16 values and side 4: want a square": func() (*PSF, error) { return Stamp(even, 4, 0.1) },
		"9 values and side 5":                 func() (*PSF, error) { return Stamp(black, 5, 0.1) },
		"value NaN in row 1, column 1":        func() (*PSF, error) { return Stamp(nan, 3, 0.1) },
		"the sum is 0, want more":             func() (*PSF, error) { return Stamp(black, 3, 0.1) },
		"stamp with 0 arcsec between samples": func() (*PSF, error) { return Stamp(nan, 3, 0) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A stamp of noise, which no few products make, is taken as it is.
func TestStampOfNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	p := stamp(t, 9, 0.2, func(x, y float64) float64 { return rng.Float64() })
	if len(p.terms) != 9 {
		t.Errorf("%d terms of a 9×9 matrix", len(p.terms))
	}
	s := Scene{Light: []Sersic{withFlux(Sersic{Radius: 0.3, N: 1, Q: 1}, 1)}}
	if sum := floats.Sum(render(&s, Band{PSF: p})); math.Abs(sum-1) > 0.01 {
		t.Errorf("flux %.4f, want 1", sum)
	}
}

func BenchmarkPSF(b *testing.B) {
	alpha := 0.7 / 2 / math.Sqrt(math.Pow(2, 1/4.765)-1)
	m, err := Moffat(0.7, 4.765)
	if err != nil {
		b.Fatal(err)
	}
	values := make([]float64, 51*51)
	for k := range values {
		x, y := float64(k%51-25)*0.1, float64(k/51-25)*0.1
		values[k] = math.Pow(1+(x*x+y*y)/(alpha*alpha), -4.765)
	}
	st, err := Stamp(values, 51, 0.1)
	if err != nil {
		b.Fatal(err)
	}
	scenes := someScenes(8)
	for name, band := range map[string]Band{"Gaussian": {FWHM: 0.7}, "Moffat": {PSF: m}, "stamp": {PSF: st}} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				render(&scenes[i%8], band)
			}
		})
	}
}
