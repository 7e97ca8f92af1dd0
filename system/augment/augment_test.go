package augment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var full = Policy{Dihedral: true, Shift: 4, Zoom: 0.1, Rotation: 15, Noise: 0.5}

// noisy returns an image of Gaussian noise of standard deviation 1.
func noisy(bands, height, width int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	v := make([]float32, bands*height*width)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

func varied(p Policy, image []float32, bands, height, width int, seed uint64, epoch, index int) []float32 {
	v := slices.Clone(image)
	p.For(bands, height, width).Apply(v, seed, epoch, index)
	return v
}

func TestTheZeroPolicyChangesNothing(t *testing.T) {
	image := noisy(2, 8, 8)
	image[3] = float32(math.Copysign(0, -1))
	for i := range 20 {
		got := varied(Policy{}, image, 2, 8, 8, 1, 2, i)
		if !slices.EqualFunc(got, image, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			t.Fatal("an image was changed")
		}
	}
}

// What was varied before does not matter; each of seed, epoch and index does.
func TestOnlySeedEpochAndIndexMatter(t *testing.T) {
	image := noisy(3, 16, 16)
	want := varied(full, image, 3, 16, 16, 1, 2, 3)
	used := full.For(3, 16, 16)
	for i := range 5 {
		used.Apply(noisy(3, 16, 16), 7, 8, i)
	}
	got := slices.Clone(image)
	if used.Apply(got, 1, 2, 3); !slices.Equal(got, want) {
		t.Error("a used Augmenter varies otherwise than a new one")
	}
	for _, c := range []struct {
		seed         uint64
		epoch, index int
	}{{2, 2, 3}, {1, 3, 3}, {1, 2, 4}} {
		if slices.Equal(varied(full, image, 3, 16, 16, c.seed, c.epoch, c.index), want) {
			t.Errorf("%+v gives the same as seed 1, epoch 2, index 3", c)
		}
	}
}

// A policy is what it says: all symmetries and shifts occur equally often, and
// nothing is beyond its limit. Of 8,000 draws each of 8 comes 1000 ± 30 times,
// each of 9 comes 889 ± 28 times; 5 standard deviations are allowed.
func TestDrawsAreFairAndWithinTheirLimits(t *testing.T) {
	var symmetriesSeen [symmetries]int
	shifts := map[[2]int]int{}
	p := Policy{Dihedral: true, Shift: 1, Zoom: 0.25, Rotation: 30, Noise: 2}
	var smallest, largest, left, right, loudest float64 = 1, 1, 0, 0, 0
	for i := range 8000 {
		v := p.draw(newRand(5, 0, i))
		symmetriesSeen[v.symmetry]++
		shifts[[2]int{v.placement.dx, v.placement.dy}]++
		smallest, largest = min(smallest, v.placement.zoom), max(largest, v.placement.zoom)
		left, right = min(left, v.placement.angle), max(right, v.placement.angle)
		loudest = max(loudest, v.noise)
	}
	for s, n := range symmetriesSeen {
		if n < 850 || n > 1150 {
			t.Errorf("symmetry %d comes %d times of 8000, want about 1000", s, n)
		}
	}
	if len(shifts) != 9 {
		t.Errorf("%d different shifts by up to 1, want 9", len(shifts))
	}
	for s, n := range shifts {
		if n < 749 || n > 1029 {
			t.Errorf("shift %v comes %d times of 8000, want about 889", s, n)
		}
	}
	for _, c := range []struct {
		name                 string
		got, limit, distance float64
	}{
		{"smallest zoom", smallest, 1 / 1.25, 1e-3}, {"largest zoom", largest, 1.25, 1e-3},
		{"largest angle", right, math.Pi / 6, 1e-3}, {"smallest angle", left, -math.Pi / 6, 1e-3}, {"most noise", loudest, 2, 3e-3},
	} {
		if d := math.Abs(c.got - c.limit); d > c.distance || math.Abs(c.got) > math.Abs(c.limit) && c.name != "smallest zoom" || c.name == "smallest zoom" && c.got < c.limit {
			t.Errorf("%s of 8000 is %g, want up to %g", c.name, c.got, c.limit)
		}
	}
}

// A strength has no effect on what the others draw.
func TestStrengthsAreIndependent(t *testing.T) {
	want := full.draw(newRand(1, 2, 3))
	for _, c := range []struct {
		without Policy
		forget  func(v *variation)
	}{
		{Policy{Shift: 4, Zoom: 0.1, Rotation: 15, Noise: 0.5}, func(v *variation) { v.symmetry = 0 }},
		{Policy{Dihedral: true, Zoom: 0.1, Rotation: 15, Noise: 0.5}, func(v *variation) { v.placement.dx, v.placement.dy = 0, 0 }},
		{Policy{Dihedral: true, Shift: 4, Rotation: 15, Noise: 0.5}, func(v *variation) { v.placement.zoom = 1 }},
		{Policy{Dihedral: true, Shift: 4, Zoom: 0.1, Noise: 0.5}, func(v *variation) { v.placement.angle = 0 }},
		{Policy{Dihedral: true, Shift: 4, Zoom: 0.1, Rotation: 15}, func(v *variation) { v.noise = 0 }},
	} {
		rest := want
		c.forget(&rest)
		if got := c.without.draw(newRand(1, 2, 3)); got != rest {
			t.Errorf("%+v draws %+v, want %+v", c.without, got, rest)
		}
	}
}

func TestColoursStay(t *testing.T) {
	image := noisy(2, 16, 16)
	for i, v := range image[:256] {
		image[256+i] = 4 * v
	}
	p := full
	p.Noise = 0
	for index := range 20 {
		got := varied(p, image, 2, 16, 16, 0, 0, index)
		for i, v := range got[:256] {
			if got[256+i] != 4*v {
				t.Fatalf("image %d, pixel %d: %g and %g, want a ratio of 4", index, i, v, got[256+i])
			}
		}
	}
}

// The noise that is added is Gaussian with the standard deviation drawn, in units
// of the band's own.
func TestNoiseIsAdded(t *testing.T) {
	const side = 128
	image := noisy(2, side, side)
	for i := range image[side*side:] {
		image[side*side+i] *= 10
	}
	p := Policy{Noise: 2}
	for index := range 5 {
		want := p.draw(newRand(3, 4, index)).noise
		got := varied(p, image, 2, side, side, 3, 4, index)
		for b, own := range []float64{1, 10} {
			var sum, squares float64
			for i := b * side * side; i < (b+1)*side*side; i++ {
				d := float64(got[i] - image[i])
				sum, squares = sum+d, squares+d*d
			}
			mean, sigma := sum/(side*side), math.Sqrt(squares/(side*side))
			if math.Abs(mean) > 4*sigma/side || math.Abs(sigma/(want*own)-1) > 0.05 {
				t.Errorf("image %d, band %d: noise of mean %g, standard deviation %g; want 0, %g", index, b, mean, sigma, want*own)
			}
		}
	}
}

// Whatever the policy and the shape, nothing is looked at that is not there.
func TestAnyPolicyAndShape(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 300 {
		p := Policy{Dihedral: r.IntN(2) > 0, Shift: r.IntN(30), Zoom: r.Float64() * MaxZoom, Rotation: r.Float64() * MaxRotation, Noise: r.Float64()}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		height, width := 1+r.IntN(20), 1+r.IntN(20)
		image := noisy(2, height, width)
		a := p.For(2, height, width)
		for index := range 20 {
			a.Apply(image, 0, 0, index)
			copy(image, noisy(2, height, width))
		}
	}
}

func TestCheck(t *testing.T) {
	if err := full.Check(); err != nil {
		t.Error(err)
	}
	for want, p := range map[string]Policy{
		"shift -1 is not between 0": {Shift: -1},
		"shift 1000 is not":         {Shift: 1000},
		"zoom 1.5 is not":           {Zoom: 1.5},
		"zoom NaN":                  {Zoom: math.NaN()},
		"rotation 181 is not":       {Rotation: 181},
		"noise -0.1 is not":         {Noise: -0.1},
	} {
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name   string
		policy Policy
	}{
		{"dihedral", Policy{Dihedral: true}},
		{"shift", Policy{Shift: 4}},
		{"zoom", Policy{Zoom: 0.1}},
		{"noise", Policy{Noise: 0.5}},
		{"full", full},
	} {
		b.Run(fmt.Sprintf("policy=%s/pixels=64/bands=3", c.name), func(b *testing.B) {
			original := noisy(3, 64, 64)
			image := make([]float32, len(original))
			a := c.policy.For(3, 64, 64)
			index := 0
			for b.Loop() {
				copy(image, original)
				a.Apply(image, 1, 0, index)
				index++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
