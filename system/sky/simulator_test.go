package sky

import (
	"fmt"
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

// The tables of the surveys agree with the noise that lenstronomy 1.14.2 derives
// from the same numbers: background sigma per pixel, electrons/s.
func TestPresetNoise(t *testing.T) {
	for _, tc := range []struct {
		preset string
		want   map[string]float64
	}{
		{"lsst-y10", map[string]float64{"g": 0.07547909394144017, "r": 0.06629876606463782, "i": 0.0763715803119164}},
		{"des", map[string]float64{"g": 0.05374506012595963, "r": 0.08466076210033989, "i": 0.14702106875476906, "z": 0.22164634584502488}},
		{"euclid-vis", map[string]float64{"VIS": 0.01090438152834965}},
		{"hst-f160w", map[string]float64{"F160W": 0.005919973387690838}},
		{"hst-f814w", map[string]float64{"F814W": 0.008250717944549145}},
	} {
		p, err := PresetByName(tc.preset, 0)
		if err != nil || len(p.Bands) != len(tc.want) {
			t.Fatalf("%s has %d bands, %v", tc.preset, len(p.Bands), err)
		}
		for _, f := range p.Bands {
			variance := f.ReadNoiseTotal()*f.ReadNoiseTotal() + f.Time()*f.SkyRate(p.Scale)
			if sigma := math.Sqrt(variance) / f.Time(); math.Abs(sigma/tc.want[f.Name]-1) > 1e-12 {
				t.Errorf("%s, %s: background sigma %.16g, want %.16g", tc.preset, f.Name, sigma, tc.want[f.Name])
			}
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
		{"lsst", 0, `preset "lsst" is not known; did you mean "lsst-y10"? there is lsst-y10, des, euclid-vis, hst-f160w, hst-f814w, compat`},
		{"panstarrs", 0, `preset "panstarrs" is not known; there is lsst-y10, des, euclid-vis, hst-f160w, hst-f814w, compat`},
		{"lsst-y10", 4, "preset lsst-y10 has 3 bands (g, r, i), not 4"},
	} {
		if _, err := PresetByName(tc.name, tc.n); err == nil || err.Error() != tc.want {
			t.Errorf("%s with %d bands: %v, want %q", tc.name, tc.n, err, tc.want)
		}
	}
}

// A population of lenses and others that a survey could contain: half and half,
// lenses that can be recognised, all kinds of others in about their shares, sizes
// and magnitudes in range.
func TestPopulation(t *testing.T) {
	for _, p := range presets {
		if p.draw == nil {
			testPopulation(t, p)
		}
	}
}

func testPopulation(t *testing.T, p Preset) {
	const n = 1000
	kinds := map[Kind]int{}
	for i := range n {
		o := Draw(p, 1, i, 64)
		kinds[o.Kind]++
		if (o.Label == IsLens) != (i%2 == 1) || (o.Label == IsLens) != (o.Kind == KindLens) || (o.Label == IsLens) != (o.Scene.Lens != nil) {
			t.Fatalf("%s: object %d: label %d, kind %s, lens %v", p.Name, i, o.Label, o.Kind, o.Scene.Lens)
		}
		if err := sound(o, p); err != "" {
			t.Fatalf("%s: object %d, %s: %s", p.Name, i, o.Kind, err)
		}
	}
	for _, s := range shares {
		want := s.share * n / 2
		if got := float64(kinds[s.kind]); math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("%s: %g of kind %s, want about %g", p.Name, got, s.kind, want)
		}
	}
}

// sound says what is wrong with an object.
func sound(o Object, p Preset) string {
	front, flux := 0., 0.
	for _, g := range o.Scene.Light {
		front += g.Flux()
	}
	for _, g := range o.Scene.Source {
		flux += g.Flux()
	}
	for _, r := range o.Scene.Rings {
		flux += r.Flux()
	}
	switch first := o.Scene.Light[0]; {
	case o.LightMag["i"] < 14 || o.LightMag["i"] > 24 || o.LightMag["g"]-o.LightMag["i"] < 1.2:
		return fmt.Sprint("a front galaxy of ", o.LightMag)
	case front < 0.999 || front > 2 || first.Radius < 0.1 || first.Radius > 6:
		return fmt.Sprint("galaxies in front have flux ", front, ", the first radius ", first.Radius)
	case (o.Kind == KindGalaxy) != (o.SourceMag == nil) || o.SourceMag != nil && math.Abs(flux-1) > 1e-9:
		return fmt.Sprint("sources of flux ", flux, " and magnitudes ", o.SourceMag)
	case o.SourceMag != nil && (o.SourceMag["i"] < 15 || o.SourceMag["i"] > 26 || o.SourceMag["g"]-o.SourceMag["i"] > 1.5):
		return fmt.Sprint("a source of ", o.SourceMag)
	case o.Label == IsLens && (o.Magnification < minMagnification || o.ArcSN < p.MinArcSN || o.Scene.Lens.Mass.ThetaE < p.MinThetaE):
		return fmt.Sprint("magnification ", o.Magnification, ", S/N ", o.ArcSN, ", θ_E ", o.Scene.Lens.Mass.ThetaE)
	}
	for _, f := range p.Bands {
		if r := o.Seeing[f.Name] / f.FWHM; r < 0.5 || r > 2 || math.Abs(o.SkyMag[f.Name]-f.SkyMag) > 1.5 {
			return fmt.Sprint("seeing ", o.Seeing, ", sky ", o.SkyMag)
		}
	}
	return ""
}

// Neither the galaxy in front nor the conditions of an image say which class it
// is of.
func TestClassesAreMatched(t *testing.T) {
	p := preset(t)
	const n = 4000
	for what, value := range map[string]func(o Object) float64{
		"magnitude": func(o Object) float64 { return o.LightMag["i"] },
		"colour":    func(o Object) float64 { return o.LightMag["g"] - o.LightMag["i"] },
		"radius":    func(o Object) float64 { return math.Log(o.Scene.Light[0].Radius) },
		"seeing":    func(o Object) float64 { return o.Seeing["r"] },
		"sky":       func(o Object) float64 { return o.SkyMag["g"] },
	} {
		var sum, squares [2]float64
		for i := range n {
			o := Draw(p, 2, i, 64)
			v := value(o)
			sum[o.Label] += v / (n / 2)
			squares[o.Label] += v * v / (n / 2)
		}
		variance := squares[0] - sum[0]*sum[0] + squares[1] - sum[1]*sum[1]
		if d := math.Abs(sum[0] - sum[1]); d > 4*math.Sqrt(variance/(n/2)) {
			t.Errorf("%s: means %.3f and %.3f by class", what, sum[0], sum[1])
		}
	}
}

// The sum over a few rings of points that accepts a lens agrees with the
// magnification of a fine grid.
func TestMeasureArcs(t *testing.T) {
	p := preset(t)
	for i := 1; i < 24; i += 2 {
		o := Draw(p, 3, i, 64)
		s := o.Scene.Source[0]
		sum, squares := 0., 0.
		const h, half = 0.03, 6
		for x := -half + h/2; x < half; x += h {
			for y := -half + h/2; y < half; y += h {
				f := o.Scene.Lens.Field(x, y)
				v := s.Brightness(x-f.AlphaX, y-f.AlphaY)
				sum, squares = sum+v*h*h, squares+v*v*h*h
			}
		}
		if want := sum / s.Flux(); math.Abs(o.Magnification/want-1) > 0.15 {
			t.Errorf("object %d: magnification %.2f, want %.2f", i, o.Magnification, want)
		}
		const blur = arcImages * 4 * math.Pi * 0.3 * 0.3 // what a point-spread function adds to the area, and the area is used with
		arcs := measureArcs(o.Scene.Lens, s)
		if want := sum * sum / squares; math.Abs((arcs.Area+blur)/(want+blur)-1) > 0.2 {
			t.Errorf("object %d: area %.2f, want %.2f", i, arcs.Area, want)
		}
	}
}

// The toy set: three equal bands, and classes that even the sum of the pixels
// tells apart.
func TestCompat(t *testing.T) {
	s := NewSimulator(compat, 1, 64)
	dst := make([]float32, s.Len())
	var mean [2]float64
	for i := range 20 {
		o := s.Image(i, dst)
		for b := 1; b < 3; b++ {
			if !slices.Equal(dst[:4096], dst[b*4096:(b+1)*4096]) {
				t.Fatalf("image %d: band %d is not the first one", i, b)
			}
		}
		for _, v := range dst[:4096] {
			mean[o.Label] += float64(v) / 10
		}
	}
	if mean[IsLens] < 1.2*mean[NotLens] {
		t.Errorf("sums of pixels %g for lenses, %g for others", mean[IsLens], mean[NotLens])
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
			want := sum(Scene{Lens: o.Scene.Lens, Source: o.Scene.Source, Rings: o.Scene.Rings}) / sum(Scene{Light: o.Scene.Light})
			if got := o.FluxRatio[p.Bands[b].Name]; math.Abs(got/want-1) > 0.02 {
				t.Errorf("image %d, band %s: ratio %g, that of the images is %g", i, p.Bands[b].Name, got, want)
			}
		}
	}
}
