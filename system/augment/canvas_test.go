package augment

import (
	"math"
	"slices"
	"testing"
)

// still is what does not move.
var still = placement{zoom: 1}

// placed puts a plane.
func placed(p placement, plane []float32, height, width int) []float32 {
	policy := Policy{Shift: max(p.dx, -p.dx, p.dy, -p.dy), Zoom: max(p.zoom, 1/p.zoom) - 1, Rotation: math.Abs(p.angle) * 180 / math.Pi}
	v := slices.Clone(plane)
	newCanvas(policy, 1, height, width).place(v, p)
	return v
}

// spot returns a plane with a Gaussian of flux 1 and that width.
func spot(side int, x0, y0, sigma float64) []float32 {
	v := make([]float32, side*side)
	for i := range v {
		x, y := float64(i%side)-x0, float64(i/side)-y0
		v[i] = float32(math.Exp(-(x*x+y*y)/(2*sigma*sigma)) / (2 * math.Pi * sigma * sigma))
	}
	return v
}

// moments returns flux, centre and mean variance of a plane.
func moments(v []float32, side int) (flux, x, y, variance float64) {
	for i, f := range v {
		flux += float64(f)
		x += float64(f) * float64(i%side)
		y += float64(f) * float64(i/side)
	}
	x, y = x/flux, y/flux
	for i, f := range v {
		dx, dy := float64(i%side)-x, float64(i/side)-y
		variance += float64(f) * (dx*dx + dy*dy) / 2 / flux
	}
	return flux, x, y, variance
}

func TestMirrored(t *testing.T) {
	for n, want := range map[int][]int{
		1: {0, 0, 0, 0, 0, 0, 0, 0, 0},
		2: {0, 1, 1, 0, 0, 1, 1, 0, 0},
		3: {2, 2, 1, 0, 0, 1, 2, 2, 1},
	} {
		var got []int
		for i := -4; i < 5; i++ {
			got = append(got, mirrored(i, n))
		}
		if !slices.Equal(got, want) {
			t.Errorf("row of %d from -4 to 4 has %v, want %v", n, got, want)
		}
	}
}

func TestShiftsAreByWholePixels(t *testing.T) {
	plane := []float32{
		0, 1, 2,
		3, 4, 5}
	for _, c := range []struct {
		dx, dy int
		want   []float32
	}{
		{1, 0, []float32{0, 0, 1, 3, 3, 4}},
		{-1, 0, []float32{1, 2, 2, 4, 5, 5}},
		{0, 1, []float32{0, 1, 2, 0, 1, 2}},
		{0, -1, []float32{3, 4, 5, 3, 4, 5}},
		{2, 1, []float32{1, 0, 0, 1, 0, 0}},
		{-7, 0, []float32{1, 2, 2, 4, 5, 5}}, // a period of 6, and one
	} {
		if got := placed(placement{c.dx, c.dy, 1, 0}, plane, 2, 3); !slices.Equal(got, c.want) {
			t.Errorf("shift by %d, %d gives %v, want %v", c.dx, c.dy, got, c.want)
		}
	}
}

func TestShiftsKeepFluxInside(t *testing.T) {
	plane := make([]float32, 16*16)
	plane[7*16+8], plane[8*16+8], plane[8*16+9] = 1, 5, 2
	for dx := -5; dx <= 5; dx++ {
		for dy := -5; dy <= 5; dy++ {
			got := placed(placement{dx, dy, 1, 0}, plane, 16, 16)
			if flux, _, _, _ := moments(got, 16); flux != 8 || got[(8+dy)*16+8+dx] != 5 {
				t.Errorf("shift by %d, %d: flux %g, want 8, and at its place %g, want 5", dx, dy, flux, got[(8+dy)*16+8+dx])
			}
		}
	}
}

// A spot of width 2.5 is resolved, so interpolation keeps its flux to 1e-3, its
// place to 1/200 pixel, and its width to 1 %.
func TestZoomAndRotationOfASpot(t *testing.T) {
	const side, sigma = 65, 2.5
	const centre = (side - 1) / 2.
	for _, p := range []placement{
		still, {zoom: 1.1}, {zoom: 1 / 1.1}, {zoom: 1, angle: 0.3}, {zoom: 1, angle: -2},
		{dx: 3, dy: -2, zoom: 1.2, angle: 0.1}, {dx: -1, dy: 4, zoom: 0.8, angle: -0.4},
	} {
		const x0, y0 = 8., -3. // from the centre
		got := placed(p, spot(side, centre+x0, centre+y0, sigma), side, side)
		flux, x, y, variance := moments(got, side)
		sin, cos := math.Sincos(p.angle)
		wantX := centre + p.zoom*(x0*cos-y0*sin) + float64(p.dx)
		wantY := centre + p.zoom*(x0*sin+y0*cos) + float64(p.dy)
		if math.Abs(flux-1) > 1e-3 || math.Hypot(x-wantX, y-wantY) > 0.005 || math.Abs(math.Sqrt(variance)/(p.zoom*sigma)-1) > 0.01 {
			t.Errorf("%+v: flux %.5f at %.3f, %.3f, width %.4f; want 1 at %.3f, %.3f, %.4f",
				p, flux, x, y, math.Sqrt(variance), wantX, wantY, p.zoom*sigma)
		}
	}
}

// A rotation by quarter turns is that symmetry, edges and all.
func TestQuarterTurnsAreSymmetries(t *testing.T) {
	for _, side := range []int{8, 9} {
		plane := noisy(1, side, side)
		for angle, s := range map[float64]symmetry{
			math.Pi / 2: transpose | mirrorColumns, math.Pi: mirrorColumns | mirrorRows, -math.Pi / 2: transpose | mirrorRows,
		} {
			got, want := placed(placement{zoom: 1, angle: angle}, plane, side, side), applied(s, plane, side, side)
			for i := range got {
				if math.Abs(float64(got[i]-want[i])) > 1e-5 {
					t.Fatalf("side %d, angle %g: pixel %d is %g, want %g", side, angle, i, got[i], want[i])
				}
			}
		}
	}
}

// Keys' interpolation is exact for polynomials up to the second degree.
func TestInterpolationIsExactForParabolas(t *testing.T) {
	const side = 16
	f := func(x, y float64) float64 { return 1 + 0.3*x - 0.2*y + 0.05*x*x - 0.02*x*y + 0.03*y*y }
	c := newCanvas(Policy{Zoom: 0.1}, 1, side, side)
	plane := make([]float32, side*side)
	for i := range plane {
		plane[i] = float32(f(float64(i%side), float64(i/side)))
	}
	c.fill(c.planes[0], plane, c.margin)
	for y := 1.; y < side-2; y += 0.37 {
		for x := 1.; x < side-2; x += 0.29 {
			var at taps
			at.at(x+float64(c.margin), y+float64(c.margin), c.stride, 1)
			got := float64(at.value(c.planes[0], c.stride))
			if math.Abs(got-f(x, y)) > 1e-5 {
				t.Errorf("at %g, %g: %g, want %g", x, y, got, f(x, y))
			}
		}
	}
}

// What the package says of noise: at random places interpolation leaves about
// 7/10 of its variance. The mean over places of the sum of squared weights is
// (0.829)² in two dimensions.
func TestInterpolationKeepsMostOfTheNoise(t *testing.T) {
	const side = 128
	got := placed(placement{zoom: 1, angle: 0.2}, noisy(1, side, side), side, side)
	squares := 0.
	for _, v := range got {
		squares += float64(v) * float64(v)
	}
	if variance := squares / (side * side); variance < 0.65 || variance > 0.73 {
		t.Errorf("noise of variance 1 has %g, want 0.69", variance)
	}
}
