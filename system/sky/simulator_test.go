package sky

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

func preset(t testing.TB) Preset {
	t.Helper()
	p, err := PresetByName("lsst-y10", 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestImageDependsOnSeedAndIndexAlone(t *testing.T) {
	p := preset(t)
	const n = 8
	images := make([][]float32, n)
	one := NewSimulator(p, 3, 24)
	for i := range images {
		images[i] = make([]float32, one.Len())
		one.Image(i, images[i])
	}
	var wg sync.WaitGroup
	for start := range 4 {
		wg.Go(func() {
			s := NewSimulator(p, 3, 24)
			got := make([]float32, s.Len())
			for i := range n {
				k := (start*3 + n - i) % n
				if s.Image(k, got); !slices.Equal(got, images[k]) {
					t.Errorf("image %d differs in another order", k)
				}
			}
		})
	}
	wg.Wait()
	other := make([]float32, one.Len())
	NewSimulator(p, 4, 24).Image(0, other)
	if slices.Equal(other, images[0]) || slices.Equal(images[0], images[2]) {
		t.Error("another seed or index gives the same image")
	}
}

// Fewer bands are the first ones of more, to the last bit: neither the scene nor
// the noise of a band depends on how many there are. The samples may.
func TestScenesDoNotDependOnBands(t *testing.T) {
	all, one := preset(t), preset(t)
	one.Bands = one.Bands[:1]
	a, b := NewSimulator(all, 3, 24), NewSimulator(one, 3, 24)
	x, y := make([]float32, a.Len()), make([]float32, b.Len())
	for i := range 4 {
		a.Image(i, x)
		b.Image(i, y)
		peak := slices.Max(y)
		for k := range y {
			if math.Abs(float64(x[k]-y[k])) > 4e-3*float64(peak) {
				t.Fatalf("image %d: pixel %d of the first band is %g with three bands, %g alone", i, k, x[k], y[k])
			}
		}
	}
}

// The noise of pixels without a source, and of bright ones, has the mean and
// variance of the formula: exposures·read² + time·(sky + rate), in electrons².
func TestNoise(t *testing.T) {
	rng := newRand(1, 2, noiseStream)
	for _, f := range preset(t).Bands {
		sky := f.SkyRate(0.2)
		for _, rate := range []float64{0, 1, 300} {
			const n = 40000
			want := (f.ReadNoiseTotal()*f.ReadNoiseTotal() + f.Time()*(sky+rate)) / (f.Time() * f.Time())
			sum, squares := 0., 0.
			for range n {
				v := f.observe(rate, sky, rng) - rate
				sum += v
				squares += v * v
			}
			mean, variance := sum/n, squares/n
			if math.Abs(mean) > 4*math.Sqrt(want/n) || math.Abs(variance/want-1) > 4*math.Sqrt(2./n) {
				t.Errorf("%s, %g e/s: mean %.2g, variance %.4g, want 0 and %.4g", f.Name, rate, mean, variance, want)
			}
		}
	}
}

// Poisson numbers on both sides of where they are drawn another way.
func TestPoisson(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, mean := range []float64{0, 0.5, 30, 999, 1001, 3e5} {
		const n = 50000
		sum, squares, cubes := 0., 0., 0.
		for range n {
			v := poisson(mean, rng)
			if v != math.Trunc(v) || v < 0 {
				t.Fatalf("%g is not a count", v)
			}
			d := v - mean
			sum, squares, cubes = sum+d, squares+d*d, cubes+d*d*d
		}
		// Mean, variance and third moment of a Poisson number are all its mean.
		if math.Abs(sum/n) > 4*math.Sqrt(mean/n) || math.Abs(squares/n-mean) > 5*math.Sqrt((2*mean*mean+mean)/n) ||
			math.Abs(cubes/n-mean) > 5*math.Sqrt(15*mean*mean*mean+25*mean*mean+mean)/math.Sqrt(n) {
			t.Errorf("mean %g: moments %g, %g, %g", mean, sum/n, squares/n, cubes/n)
		}
	}
}

// The table of the survey agrees with the noise that lenstronomy derives from
// the same numbers: background sigma per pixel, electrons/s.
func TestPresetNoise(t *testing.T) {
	want := map[string]float64{"g": 0.07547909394144017, "r": 0.06629876606463782, "i": 0.0763715803119164}
	p := preset(t)
	for _, f := range p.Bands {
		variance := f.ReadNoiseTotal()*f.ReadNoiseTotal() + f.Time()*f.SkyRate(p.Scale)
		if sigma := math.Sqrt(variance) / f.Time(); math.Abs(sigma/want[f.Name]-1) > 1e-12 {
			t.Errorf("%s: background sigma %.16g, want %.16g", f.Name, sigma, want[f.Name])
		}
	}
}

func TestPresetByName(t *testing.T) {
	if p, err := PresetByName("lsst-y10", 2); err != nil || strings.Join(p.BandNames(), "") != "gr" {
		t.Errorf("two bands: %v, %v", p.BandNames(), err)
	}
	for _, tc := range []struct {
		name string
		n    int
		want string
	}{
		{"sdss", 0, `preset "sdss" is not known; there is lsst-y10`},
		{"lsst-y10", 4, "preset lsst-y10 has 3 bands (g, r, i), not 4"},
	} {
		if _, err := PresetByName(tc.name, tc.n); err == nil || err.Error() != tc.want {
			t.Errorf("%s with %d bands: %v, want %q", tc.name, tc.n, err, tc.want)
		}
	}
}

// A population of lenses and others that a survey could contain: half and half,
// arcs bright enough to be found and fainter than the galaxy in front, sizes and
// magnitudes in range, and the front galaxies of both classes alike.
func TestPopulation(t *testing.T) {
	grid := Grid{Pixels: 64, Scale: 0.2}
	var mag [2]float64
	const n = 2000
	for i := range n {
		o := Draw(1, i, grid)
		front, source := o.Scene.Light[0], o.Scene.Source[0]
		mag[o.Label] += o.LightMag["i"] / (n / 2)
		switch {
		case o.Label != i%2 || (o.Label == IsLens) != (o.Scene.Lens != nil):
			t.Fatalf("object %d: label %d, lens %v", i, o.Label, o.Scene.Lens)
		case o.LightMag["i"] < 14 || o.LightMag["i"] > 24 || o.LightMag["g"]-o.LightMag["i"] < 1.2:
			t.Fatalf("object %d: a front galaxy of %v", i, o.LightMag)
		case o.SourceMag["i"] < 19 || o.SourceMag["i"] > 26 || o.SourceMag["g"]-o.SourceMag["i"] > 1.5:
			t.Fatalf("object %d: a source of %v", i, o.SourceMag)
		case math.Abs(front.Flux()-1) > 1e-12 || math.Abs(source.Flux()-1) > 1e-12:
			t.Fatalf("object %d: fluxes %g and %g, want 1", i, front.Flux(), source.Flux())
		case o.Label == IsLens && math.Hypot(source.X-front.X, source.Y-front.Y) > o.Scene.Lens.Mass.ThetaE:
			t.Fatalf("object %d: source is too far from the axis to be imaged twice", i)
		}
	}
	if math.Abs(mag[0]-mag[1]) > 0.15 {
		t.Errorf("front galaxies have mean magnitudes %.2f and %.2f by class", mag[0], mag[1])
	}
}

// The flux ratio is that of the images: what the source adds over what is there
// without it.
func TestFluxRatio(t *testing.T) {
	p := preset(t)
	s := NewSimulator(p, 5, 64)
	dst := make([]float32, s.Len())
	for i := range 6 {
		o := s.Image(i, dst)
		for b, band := range o.bands(p) {
			sum := func(scene Scene) (sum float64) {
				for _, v := range NewRenderer(s.grid, Simulation).Render(&scene, []Band{band})[0] {
					sum += v
				}
				return sum
			}
			want := sum(Scene{Lens: o.Scene.Lens, Source: o.Scene.Source}) / sum(Scene{Light: o.Scene.Light})
			if got := o.FluxRatio[p.Bands[b].Name]; math.Abs(got/want-1) > 0.02 {
				t.Errorf("image %d, band %s: ratio %g, that of the images is %g", i, p.Bands[b].Name, got, want)
			}
		}
	}
}
