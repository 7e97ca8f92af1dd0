// Package stretch brings survey images, which span decades in whatever unit they
// are in, to the range that networks are trained on.
//
// All bands of an image are divided by one number, so the ratios of fluxes
// between bands, which are the colours of galaxies, stay. That number is taken
// from the image itself: so the unit, the exposure and the zero point do not
// matter, and an image is treated alike whatever the others are.
//
// Pixels must be finite, which readers of images see to (survey.Images). Then so
// are all results, for any values that float32 has.
package stretch

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Stretch says how pixels become inputs of a network.
type Stretch string

const (
	// Asinh is asinh(I / (Knee·σ)) with σ the noise of the image: linear in the
	// noise, logarithmic in the cores of galaxies (Lupton, Gunn & Szalay 1999,
	// AJ 118, 1406; for colours Lupton et al. 2004, PASP 116, 133). σ is the mean
	// of the bands' Noise. An image in which every band is constant, and so
	// has no noise, is stretched by Linear.
	Asinh Stretch = "asinh"
	// Linear is I over the largest |I| of all bands; zeros stay zeros.
	Linear Stretch = "linear"
	// PerBand gives each band mean 0 and variance 1 over its pixels; a constant
	// band becomes zeros. It is the only one that loses the colours.
	PerBand Stretch = "per-band"
)

// Knee is where Asinh turns from linear to logarithmic, in units of σ.
const Knee = 3

// Names are the stretches there are.
var Names = []string{string(Asinh), string(Linear), string(PerBand)}

// Parse returns the stretch of a name.
func Parse(name string) (Stretch, error) {
	if !slices.Contains(Names, name) {
		return "", fmt.Errorf("stretch %q is not known; there is %s", name, strings.Join(Names, ", "))
	}
	return Stretch(name), nil
}

// Apply stretches an image [bands, height·width] in place. It allocates nothing,
// and is for any number of goroutines.
func (s Stretch) Apply(image []float32, bands int) {
	switch s {
	case Asinh:
		asinhOverNoise(image, bands)
	case Linear:
		linear(image)
	case PerBand:
		each := len(image) / bands
		for b := range bands {
			standardise(image[b*each : (b+1)*each])
		}
	default:
		panic(fmt.Sprintf("stretch: %q is none", string(s)))
	}
}

func asinhOverNoise(image []float32, bands int) {
	each := len(image) / bands
	sigma := 0.0
	for b := range bands {
		sigma += Noise(image[b*each : (b+1)*each])
	}
	sigma /= float64(bands)
	if sigma == 0 {
		linear(image)
		return
	}
	scale := 1 / (Knee * sigma)
	for i, v := range image {
		image[i] = asinh(float64(v) * scale)
	}
}

func linear(image []float32) {
	bits := uint32(0) // of the peak; those of floats that are not negative are in their order
	for _, v := range image {
		bits = max(bits, math.Float32bits(v)&^(1<<31))
	}
	if bits == 0 {
		return
	}
	peak := math.Float32frombits(bits)
	for i := range image {
		image[i] /= peak
	}
}

// standardise gives v mean 0 and variance 1; a constant v becomes zeros.
func standardise(v []float32) {
	var sum, squares float64
	for _, x := range v {
		sum += float64(x)
	}
	mean := sum / float64(len(v))
	for _, x := range v {
		d := float64(x) - mean
		squares += d * d
	}
	scale := 0.
	if squares > 0 {
		scale = 1 / math.Sqrt(squares/float64(len(v)))
	}
	for i, x := range v {
		v[i] = float32((float64(x) - mean) * scale)
	}
}
