package tile

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func grid(t *testing.T, height, width, tile, stride int) *Grid {
	t.Helper()
	g, err := New(height, width, tile, stride)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Every pixel is in a tile, no tile leaves the field, and equal logits give an even
// map, whatever the sizes.
func TestCoverAndEvenMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		side := 1 + rng.IntN(12)
		g := grid(t, side+rng.IntN(30), side+rng.IntN(30), side, 1+rng.IntN(side))
		logits := make([]float64, g.Len())
		for i := range logits {
			logits[i] = -1.25
			if r, c := g.Corner(i); r < 0 || c < 0 || r+side > g.Height || c+side > g.Width {
				t.Fatalf("%+v: tile %d at %d, %d leaves the field", *g, i, r, c)
			}
		}
		m := g.Map(logits)
		for k, v := range m {
			if math.Abs(float64(v)+1.25) > 1e-6 {
				t.Fatalf("%+v: pixel %d is %g", *g, k, v)
			}
		}
	}
}

// A map stays within the logits, and is nearest to a tile's own at its centre.
func TestMapIsAMean(t *testing.T) {
	g := grid(t, 40, 56, 16, 8)
	logits := make([]float64, g.Len())
	for i := range logits {
		logits[i] = float64(i%7) - 3
	}
	for k, v := range g.Map(logits) {
		if v < -3-1e-5 || v > 3+1e-5 {
			t.Fatalf("pixel %d is %g", k, v)
		}
	}
	one := make([]float64, g.Len())
	one[8] = 1
	row, column := g.Corner(8)
	m := g.Map(one)
	best := 0
	for k := range m {
		if m[k] > m[best] {
			best = k
		}
	}
	if r, c := best/56, best%56; math.Abs(float64(r-row)-7.5) > 1 || math.Abs(float64(c-column)-7.5) > 1 {
		t.Errorf("the map of tile %d, %d is highest at %d, %d", row, column, r, c)
	}
}

// Something that a scorer sees, the better the nearer it is to the centre of a
// tile, is found at its place, once.
func TestCandidates(t *testing.T) {
	g := grid(t, 100, 130, 32, 8)
	places := [][2]float64{{40, 30}, {16, 100}, {75, 99}}
	logits := make([]float64, g.Len())
	for i := range logits {
		r, c := g.Corner(i)
		logits[i] = -5
		for _, p := range places {
			d := math.Hypot(float64(r)+15.5-p[0], float64(c)+15.5-p[1])
			logits[i] = max(logits[i], 3-d/3)
		}
	}
	found := g.Candidates(logits, 0)
	if len(found) != len(places) {
		t.Fatalf("found %+v", found)
	}
	for _, p := range places {
		near := 0
		for _, c := range found {
			if math.Hypot(c.Row-p[0], c.Column-p[1]) < 2.5 {
				near++
			}
		}
		if near != 1 {
			t.Errorf("%v: %d candidates there, %+v", p, near, found)
		}
	}
	for i := 1; i < len(found); i++ {
		if found[i].Logit > found[i-1].Logit {
			t.Errorf("not the best first: %+v", found)
		}
	}
	if c := g.Candidates(logits, 10); c != nil {
		t.Errorf("above what is there: %+v", c)
	}
	flat := make([]float64, g.Len()) // all just at the threshold
	if c := g.Candidates(flat, 0); len(c) == 0 || math.IsNaN(c[0].Row) {
		t.Errorf("all at the threshold: %+v", c)
	}
}

func TestImages(t *testing.T) {
	g := grid(t, 3, 4, 2, 1)
	pixels := make([]float32, 2*12)
	for i := range pixels {
		pixels[i] = float32(i)
	}
	m := NewImages(g, "field.npy", 2, pixels)
	got := make([]float32, 8)
	if err := m.Read(4, got); err != nil || m.Len() != 6 {
		t.Fatal(err, m.Len())
	}
	for k, want := range []float32{5, 6, 9, 10, 17, 18, 21, 22} {
		if got[k] != want {
			t.Fatalf("tile 4 is %v", got)
		}
	}
	if name := m.Name(4); name != "field.npy: tile at row 1, column 1" {
		t.Error(name)
	}
}

func TestErrors(t *testing.T) {
	for want, f := range map[string]func() (*Grid, error){
		"a field of 10×30 pixels has no room for a tile of 16×16": func() (*Grid, error) { return New(10, 30, 16, 4) },
		"stride 0: want 1 to 16":                                  func() (*Grid, error) { return New(30, 30, 16, 0) },
		"stride 17: want 1 to 16":                                 func() (*Grid, error) { return New(30, 30, 16, 17) },
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
