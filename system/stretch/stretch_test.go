package stretch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// galaxy returns an image of bands of side×side pixels: a bright spot of other
// flux in each band, in noise of standard deviation 2.
func galaxy(bands, side int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float32, 0, bands*side*side)
	for b := range bands {
		for i := range side * side {
			x, y := float64(i%side-side/2), float64(i/side-side/2)
			v = append(v, float32(float64(100*(b+1))*math.Exp(-(x*x+y*y)/20)+2*r.NormFloat64()))
		}
	}
	return v
}

func stretched(s Stretch, image []float32, bands int) []float32 {
	v := slices.Clone(image)
	s.Apply(v, bands)
	return v
}

func TestParse(t *testing.T) {
	for _, name := range Names {
		if s, err := Parse(name); err != nil || string(s) != name {
			t.Errorf("%s is parsed as %q (%v)", name, s, err)
		}
	}
	if _, err := Parse("log"); err == nil || !strings.Contains(err.Error(), `"log"`) || !strings.Contains(err.Error(), "per-band") {
		t.Errorf("error %v, want one that names log and what there is", err)
	}
}

// The unit of an image does not matter: factors that are powers of two change no
// rounding, others change results by a few units in the last place.
func TestUnitsDoNotMatter(t *testing.T) {
	image := galaxy(3, 32)
	for _, s := range Names {
		want := stretched(Stretch(s), image, 3)
		for _, c := range []struct{ factor, tolerance float64 }{{0.25, 0}, {1 << 20, 0}, {3.7, 2e-6}, {1e-12, 2e-6}, {1e30, 2e-6}} {
			scaled := slices.Clone(image)
			for i := range scaled {
				scaled[i] *= float32(c.factor)
			}
			got := stretched(Stretch(s), scaled, 3)
			if d := largestDifference(got, want); d > c.tolerance {
				t.Errorf("%s: times %g the image becomes another by %g, want %g", s, c.factor, d, c.tolerance)
			}
		}
	}
}

func largestDifference(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

// Ratios of bands stay exactly under Linear, and under Asinh after its inverse;
// PerBand loses them.
func TestColoursStay(t *testing.T) {
	image := galaxy(2, 32)
	each := len(image) / 2
	ratio := func(v []float32, i int, inverse func(float64) float64) float64 {
		return inverse(float64(v[each+i])) / inverse(float64(v[i]))
	}
	same := func(x float64) float64 { return x }
	lin, as, per := stretched(Linear, image, 2), stretched(Asinh, image, 2), stretched(PerBand, image, 2)
	for i := range each {
		want := ratio(image, i, same)
		if got := ratio(lin, i, same); math.Abs(got/want-1) > 3e-7 {
			t.Errorf("linear: ratio %g of bands becomes %g", want, got)
		}
		if got := ratio(as, i, math.Sinh); math.Abs(got/want-1) > 3e-6 {
			t.Errorf("asinh: ratio %g of bands becomes %g", want, got)
		}
	}
	if peak := each/2 + 16; math.Abs(ratio(per, peak, same)-1) > 0.05 {
		t.Errorf("per-band: ratio of the peaks is %g, want about 1 where fluxes were 1 to 2", ratio(per, peak, same))
	}
}

func TestAsinhIsInUnitsOfTheNoise(t *testing.T) {
	image := galaxy(3, 64)
	got := stretched(Asinh, image, 3)
	sigma := (Noise(image[:4096]) + Noise(image[4096:8192]) + Noise(image[8192:])) / 3
	for i, v := range image {
		if want := float32(math.Asinh(float64(v) / (3 * sigma))); math.Abs(float64(got[i]-want)) > 3e-7*math.Abs(float64(want)) {
			t.Fatalf("pixel %g becomes %g, want %g", v, got[i], want)
		}
	}
}

func TestPerBandHasMeanZeroAndVarianceOne(t *testing.T) {
	got := stretched(PerBand, galaxy(2, 32), 2)
	for band := range slices.Chunk(got, 1024) {
		var sum, squares float64
		for _, v := range band {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		if math.Abs(sum) > 1e-3 || math.Abs(squares/1024-1) > 1e-5 {
			t.Errorf("mean %g, variance %g, want 0 and 1", sum/1024, squares/1024)
		}
	}
}

func TestPerBandOfNumbers(t *testing.T) {
	v := []float32{1e6 + 1, 1e6 + 2, 1e6 + 3, 1e6 + 6}
	PerBand.Apply(v, 1)
	// Mean 3, variance (4+1+0+9)/4 = 3.5.
	for i, d := range []float64{-2, -1, 0, 3} {
		if want := d / math.Sqrt(3.5); math.Abs(float64(v[i])-want) > 1e-6 {
			t.Errorf("element %d: %v, want %v", i, v[i], want)
		}
	}
}

func TestImagesWithoutStructure(t *testing.T) {
	for _, c := range []struct {
		stretch Stretch
		pixel   float32
		want    float32
	}{
		{Asinh, 0, 0}, {Asinh, -7, -1}, {Linear, 0, 0}, {Linear, 5, 1}, {PerBand, 0, 0}, {PerBand, 0.1, 0},
	} {
		for _, pixels := range []int{1, 2, 9} {
			image := slices.Repeat([]float32{c.pixel}, 2*pixels)
			c.stretch.Apply(image, 2)
			if !slices.Equal(image, slices.Repeat([]float32{c.want}, 2*pixels)) {
				t.Errorf("%s: pixels of %g become %v, want %g", c.stretch, c.pixel, image, c.want)
			}
		}
	}
}

func TestResultsAreFinite(t *testing.T) {
	const tiny, huge = math.SmallestNonzeroFloat32, math.MaxFloat32
	r := rand.New(rand.NewPCG(3, 4))
	images := [][]float32{
		{0, 0, 0, tiny}, {tiny, -tiny, tiny, -tiny}, {huge, -huge, huge, -huge}, {huge, huge, huge, huge},
		{huge, tiny, -huge, 0}, {tiny, tiny, tiny, tiny}, {huge, 0, 0, 0}, {1, 1, 1, huge}, {-huge, 0, tiny, tiny},
	}
	for range 2000 { // any bits that are a finite number
		image := make([]float32, 4*(1+r.IntN(8)))
		for i := range image {
			for image[i] = float32(math.NaN()); math.Abs(float64(image[i])) > huge || image[i] != image[i]; {
				image[i] = math.Float32frombits(r.Uint32())
			}
		}
		images = append(images, image)
	}
	for _, image := range images {
		for _, s := range Names {
			for _, v := range stretched(Stretch(s), image, 2) {
				if v64 := float64(v); math.IsNaN(v64) || math.IsInf(v64, 0) {
					t.Errorf("%s: %v becomes %v", s, image, stretched(Stretch(s), image, 2))
					break
				}
			}
		}
	}
}

func TestAsinhOfNumbers(t *testing.T) {
	check := func(x float64) {
		got, want := float64(asinh(x)), math.Asinh(x)
		if math.Abs(got-want) > math.Abs(want)*0x1.00001p-24 { // half a unit of float32
			t.Errorf("asinh %g is %.9g, want %.9g", x, got, want)
		}
		if asinh(-x) != -asinh(x) {
			t.Errorf("asinh %g is not odd", x)
		}
	}
	for e := -30.; e < 80; e += 0.0013 {
		check(math.Pow(10, e))
	}
	for _, x := range []float64{1e-4, math.Nextafter(1e-4, 0), 1, math.Pow(2, 127), 1e83} {
		check(x)
	}
	if asinh(0) != 0 {
		t.Error("asinh 0 is not 0")
	}
}

// Noise is that of sorted differences, in all sizes and in the presence of ties
// and zeros.
func TestNoiseIsTheMedianDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		v := make([]float32, r.IntN(40))
		levels := 1 + r.IntN(50)
		for i := range v {
			v[i] = float32(r.IntN(levels)) * 0.37
			if levels > 40 {
				v[i] = float32(r.NormFloat64() * math.Exp(20*r.NormFloat64()))
			}
		}
		if got, want := Noise(v), noiseBySorting(v); got != want {
			t.Fatalf("noise of %v is %g, want %g", v, got, want)
		}
	}
}

func noiseBySorting(v []float32) float64 {
	var d []float32
	for i := 1; i < len(v); i++ {
		if x := v[i]/2 - v[i-1]/2; x != 0 {
			d = append(d, max(x, -x))
		}
	}
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return 1.4826022185056018 / math.Sqrt2 * 2 * float64(d[len(d)/2])
}

func TestNoiseOfImages(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	gaussian := func(sigma float64, then func(i int, v float64) float64) []float32 {
		v := make([]float32, 64*64)
		for i := range v {
			v[i] = float32(then(i, sigma*r.NormFloat64()))
		}
		return v
	}
	for _, c := range []struct {
		name      string
		image     []float32
		low, high float64
	}{
		{"noise alone", gaussian(5, func(_ int, v float64) float64 { return v }), 4.9, 5.1},
		{"a galaxy", galaxy(1, 64), 1.95, 2.2},
		{"half masked", gaussian(5, func(i int, v float64) float64 { return v * float64(i/2048) }), 4.8, 5.2},
		{"integers", gaussian(3, func(_ int, v float64) float64 { return math.Round(v) }), 2.8, 3.5},
		{"integers, noise below one", gaussian(0.3, func(_ int, v float64) float64 { return math.Round(v) }), 0.5, 1.5},
	} {
		if got := Noise(c.image); !(got >= c.low && got <= c.high) {
			t.Errorf("%s: noise is %g, want %g to %g", c.name, got, c.low, c.high)
		}
	}
}

func TestApplyAllocatesNothing(t *testing.T) {
	image := galaxy(3, 16)
	for _, s := range Names {
		if n := testing.AllocsPerRun(10, func() { Stretch(s).Apply(image, 3) }); n != 0 {
			t.Errorf("%s: %g allocations per image", s, n)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, s := range Names {
		b.Run(fmt.Sprintf("stretch=%s/pixels=64/bands=3", s), func(b *testing.B) {
			image := galaxy(3, 64)
			v := make([]float32, len(image))
			for b.Loop() {
				copy(v, image)
				Stretch(s).Apply(v, 3)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkNoise(b *testing.B) {
	image := galaxy(1, 64)
	for b.Loop() {
		Noise(image)
	}
}
