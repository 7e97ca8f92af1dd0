package trivial

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"lensbench/system/metric"
	"lensbench/system/survey"
)

// memory is images in memory.
type memory struct {
	bands, height, width int
	pixels               [][]float32
	labels               []int
	err                  error
}

func (m *memory) Len() int             { return len(m.pixels) }
func (m *memory) Shape() (b, h, w int) { return m.bands, m.height, m.width }
func (m *memory) Label(i int) int      { return m.labels[i] }
func (m *memory) Name(i int) string    { return "image" + string(rune('0'+i)) }
func (m *memory) Read(i int, dst []float32) error {
	copy(dst, m.pixels[i])
	return m.err
}

// noisy makes n images of noise to which paint adds something, by label.
func noisy(n, bands, side int, paint func(image []float32, label int)) *memory {
	rng := rand.New(rand.NewPCG(1, 2))
	m := &memory{bands: bands, height: side, width: side}
	for i := range n {
		image := make([]float32, bands*side*side)
		for k := range image {
			image[k] = float32(rng.NormFloat64())
		}
		paint(image, i%2)
		m.pixels, m.labels = append(m.pixels, image), append(m.labels, i%2)
	}
	return m
}

func auroc(t *testing.T, train, test survey.Images) float64 {
	t.Helper()
	b, err := Fit(t.Context(), train)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := b.Scores(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	var labels []int
	for i := range test.Len() {
		labels = append(labels, test.Label(i))
	}
	a, err := metric.AUROC(scores, labels)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Whatever a trivial feature measures tells classes apart that differ in it, and
// nothing else does.
func TestWhatItSees(t *testing.T) {
	const side = 16
	at := func(x, y int) int { return y*side + x }
	for name, tc := range map[string]struct {
		paint  func(image []float32, label int)
		lo, hi float64
	}{
		"nothing": {func([]float32, int) {}, 0.35, 0.65},
		"flux": {func(v []float32, l int) {
			for i := range v {
				v[i] += float32(l)
			}
		}, 0.99, 1},
		"peak": {func(v []float32, l int) { v[at(1, 2)] += float32(30 * l) }, 0.99, 1},
		"ring at equal flux": {func(v []float32, l int) {
			for i := range 8 {
				v[at(4*l+i, 8)] += 8
			}
		}, 0.99, 1},
		"colour": {func(v []float32, l int) {
			for i := 100; i < 140; i++ {
				v[i+l*side*side] += 4
			}
		}, 0.99, 1},
		"which way round": {func(v []float32, l int) {
			for i := range 5 {
				v[at(2+i+7*l, 8)] += 20
			}
		}, 0.3, 0.7},
	} {
		if got := auroc(t, noisy(400, 2, side, tc.paint), noisy(400, 2, side, tc.paint)); got < tc.lo || got > tc.hi {
			t.Errorf("%s: AUROC %.3f, want %g to %g", name, got, tc.lo, tc.hi)
		}
	}
}

// The unit of the images does not matter, and neither does their order.
func TestInvariance(t *testing.T) {
	images := noisy(60, 3, 12, func(v []float32, l int) { v[70] += float32(3 * l) })
	scaled := noisy(60, 3, 12, func(v []float32, l int) { v[70] += float32(3 * l) })
	for _, image := range scaled.pixels {
		for i := range image {
			image[i] *= 1 << 20
		}
	}
	turned := *images
	turned.pixels, turned.labels = slices.Clone(images.pixels), slices.Clone(images.labels)
	slices.Reverse(turned.pixels)
	slices.Reverse(turned.labels)
	scores := func(m *memory) []float64 {
		b, err := Fit(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		s, err := b.Scores(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want, unit, order := scores(images), scores(scaled), scores(&turned)
	for i := range want {
		if math.Abs(unit[i]-want[i]) > 1e-4 || math.Abs(order[len(want)-1-i]-want[i]) > 1e-6 {
			t.Fatalf("image %d: score %.9f, %.9f in another unit, %.9f in another order", i, want[i], unit[i], order[len(want)-1-i])
		}
	}
	again := scores(images)
	if !slices.Equal(again, want) {
		t.Error("the same images give other scores")
	}
}

// At the minimum the gradient vanishes: Σ (q−y)x + w = 0.
func TestFitIsTheMinimum(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, p = 300, 5
	x, labels := mat.NewDense(n, p, nil), make([]float64, n)
	for i := range n {
		z := 0.0
		for k := range p - 1 {
			x.Set(i, k, rng.NormFloat64())
			z += float64(k+1) * 3 * x.At(i, k) // nearly separable: Newton's full step overshoots
		}
		x.Set(i, p-1, 1)
		if rng.Float64() < 1/(1+math.Exp(-z-1)) {
			labels[i] = 1
		}
	}
	w, err := fit(x, labels)
	if err != nil {
		t.Fatal(err)
	}
	for k := range p {
		g := 0.0
		if k < p-1 {
			g = w[k]
		}
		for i := range n {
			z := mat.Dot(x.RowView(i), mat.NewVecDense(p, w))
			g += (1/(1+math.Exp(-z)) - labels[i]) * x.At(i, k)
		}
		if math.Abs(g) > 1e-6 {
			t.Errorf("gradient %g in weight %d", g, k)
		}
	}
}

// Images without noise, without light, and all alike have finite scores.
func TestFlatImages(t *testing.T) {
	m := noisy(6, 1, 9, func(v []float32, l int) {
		for i := range v {
			v[i] = float32(l)
		}
	})
	b, err := Fit(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Scores(t.Context(), m)
	if err != nil || math.IsNaN(s[0]) || !(s[1] > s[0]) {
		t.Errorf("scores %v, %v", s, err)
	}
}

func TestErrors(t *testing.T) {
	good := func() *memory { return noisy(8, 2, 8, func([]float32, int) {}) }
	one, none, broken := good(), good(), good()
	one.labels = make([]int, 8)
	none.labels[3] = survey.Unlabelled
	broken.err = errors.New("image3: cut short")
	for want, m := range map[string]*memory{
		"0 lenses and 8 others to fit to; it takes both": one,
		"image3 has no label":                            none,
		"image3: cut short":                              broken,
	} {
		if _, err := Fit(t.Context(), m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	b, err := Fit(t.Context(), good())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Scores(t.Context(), noisy(2, 3, 8, func([]float32, int) {})); err == nil || !strings.Contains(err.Error(), "images [3, 8, 8], fitted to [2, 8, 8]") {
		t.Errorf("another shape: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Scores(ctx, good()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
