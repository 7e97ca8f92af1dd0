package evaluation

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"testing"
)

// noisy is an image of noise 1 with a source of so many σ per band at row 1,
// column 2.
func noisy(size int, source ...float32) []float32 {
	r := rand.New(rand.NewPCG(1, 1))
	pixels := make([]float32, len(source)*size*size)
	for i := range pixels {
		pixels[i] = float32(r.NormFloat64())
	}
	for b, v := range source {
		pixels[b*size*size+size+2] = v
	}
	return pixels
}

func decoded(t *testing.T, pixels []float32, bands, height, width int) image.Image {
	t.Helper()
	b, err := PNG(pixels, bands, height, width)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Bounds().Size(); s.X != width || s.Y != height {
		t.Fatalf("picture is %v", s)
	}
	return m
}

// TestPictureHasColours: blue to red are the first to the third band, and row 0 is
// at the bottom.
func TestPictureHasColours(t *testing.T) {
	const size = 16
	for _, c := range []struct {
		name   string
		source []float32
		is     func(r, g, b uint32) bool
	}{
		{"red", []float32{0, 0, 500}, func(r, g, b uint32) bool { return r > 0xf000 && g < 0x1000 && b < 0x1000 }},
		{"green", []float32{0, 500, 0}, func(r, g, b uint32) bool { return g > 0xf000 && r < 0x1000 && b < 0x1000 }},
		{"blue", []float32{500, 0, 0}, func(r, g, b uint32) bool { return b > 0xf000 && r < 0x1000 && g < 0x1000 }},
		{"white", []float32{500, 500, 500}, func(r, g, b uint32) bool { return min(r, g, b) > 0xc000 }},
		{"fourth band unseen", []float32{0, 0, 500, 90}, func(r, g, b uint32) bool { return r > 0xf000 && g < 0x1000 && b < 0x1000 }},
		{"two bands", []float32{0, 500}, func(r, g, b uint32) bool { return r > g && g > b }},
		{"grey", []float32{500}, func(r, g, b uint32) bool { return r == g && g == b && r > 0xf000 }},
	} {
		m := decoded(t, noisy(size, c.source...), len(c.source), size, size)
		r, g, b, _ := m.At(2, size-2).RGBA()
		if !c.is(r, g, b) {
			t.Errorf("%s is %x %x %x", c.name, r, g, b)
		}
	}
}

// TestPictureOfNoise is dark and not black, so that faint arcs are seen.
func TestPictureOfNoise(t *testing.T) {
	m := decoded(t, noisy(32, 300), 1, 32, 32)
	sum := 0.0
	for y := range 32 {
		for x := range 32 {
			r, _, _, _ := m.At(x, y).RGBA()
			sum += float64(r) / 0xffff
		}
	}
	if mean := sum / (32 * 32); mean < 0.02 || mean > 0.35 {
		t.Errorf("noise is %.2f of white", mean)
	}
}

// TestPictureOfNothing: constant images have pictures too, and shapes must fit.
func TestPictureOfNothing(t *testing.T) {
	for _, v := range []float32{0, 1, -1, 1e30} {
		pixels := make([]float32, 3*5*4)
		for i := range pixels {
			pixels[i] = v
		}
		decoded(t, pixels, 3, 5, 4)
	}
	if _, err := PNG(make([]float32, 10), 1, 3, 3); err == nil {
		t.Error("ten pixels are an image of three by three")
	}
}
