package evaluation

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"lensbench/system/stretch"
)

// Range of a picture, in units of the noise of each band: black is this far below
// 0, and softening is where the linear part ends.
const (
	black     = 1.5
	softening = 4
)

// PNG returns a picture of an image [bands, height, width] whose row 0 is the
// lowest.
//
// Three or more bands, from blue to red, become colours: the third is red, the
// second green, the first blue, so g, r, i look as in surveys' own pictures. The
// brightness is the asinh of the mean of the three, and their ratios stay as they
// are, also where the brightest is at its limit (Lupton et al. 2004, PASP 116,
// 133). Two bands are red and blue with their mean as green, one is grey. Each
// band is in units of its noise.
func PNG(pixels []float32, bands, height, width int) ([]byte, error) {
	if bands < 1 || len(pixels) != bands*height*width {
		return nil, fmt.Errorf("picture: %d values for %d bands of %d×%d pixels", len(pixels), bands, height, width)
	}
	layers := layersOf(pixels, bands, height*width)
	mean := make([]float64, height*width)
	peak := 0.0
	for i := range mean {
		mean[i] = (layers[0][i] + layers[1][i] + layers[2][i]) / 3
		peak = max(peak, mean[i])
	}
	full := math.Asinh(max(peak, softening) / softening)
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i, v := range mean {
		m.SetRGBA(i%width, height-1-i/width, colour(layers[0][i], layers[1][i], layers[2][i], v, full))
	}
	var b bytes.Buffer
	err := png.Encode(&b, m)
	return b.Bytes(), err
}

// layersOf returns red, green and blue, each above black in units of noise.
func layersOf(pixels []float32, bands, each int) (layers [3][]float64) {
	band := func(k int) []float64 {
		v := pixels[k*each : (k+1)*each]
		noise := stretch.Noise(v)
		if noise == 0 {
			noise = max(peakOf(v)/100, math.SmallestNonzeroFloat32)
		}
		out := make([]float64, each)
		for i, x := range v {
			out[i] = max(float64(x)/noise+black, 0)
		}
		return out
	}
	switch bands {
	case 1:
		grey := band(0)
		return [3][]float64{grey, grey, grey}
	case 2:
		blue, red := band(0), band(1)
		green := make([]float64, each)
		for i := range green {
			green[i] = (blue[i] + red[i]) / 2
		}
		return [3][]float64{red, green, blue}
	}
	return [3][]float64{band(2), band(1), band(0)}
}

func peakOf(v []float32) float64 {
	peak := 0.0
	for _, x := range v {
		peak = max(peak, math.Abs(float64(x)))
	}
	return peak
}

// colour of a pixel whose mean is v; full is what becomes white.
func colour(r, g, b, v, full float64) color.RGBA {
	if v <= 0 {
		return color.RGBA{A: 255}
	}
	scale := math.Asinh(v/softening) / full / v
	if top := scale * max(r, g, b); top > 1 {
		scale /= top
	}
	byteOf := func(x float64) uint8 { return uint8(math.Round(255 * scale * x)) }
	return color.RGBA{byteOf(r), byteOf(g), byteOf(b), 255}
}
