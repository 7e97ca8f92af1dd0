package trivial

import (
	"math"

	"lensbench/system/stretch"
)

// edges bound the rings, in halves of the shorter side.
var edges = [...]float64{0, 1. / 16, 1. / 8, 3. / 16, 9. / 32, 13. / 32, 9. / 16, 13. / 16}

const (
	rings   = len(edges) - 1
	perBand = 2 + rings + 3
	noRing  = -1
	centre  = 0.5
)

// count returns the number of features of images with so many bands.
func count(bands int) int {
	if bands == 1 {
		return perBand
	}
	return bands*perBand + rings
}

// A frame is the geometry of images of one size.
type frame struct {
	bands, height, width int
	x, y, r              []float64 // of pixels from the centre, in pixels
	ring                 []int     // that a pixel is in, or noRing
	size                 [rings]float64
}

func newFrame(bands, height, width int) *frame {
	f := &frame{bands: bands, height: height, width: width}
	half := float64(min(height, width)) / 2
	for j := range height {
		for i := range width {
			x, y := float64(i)+centre-float64(width)/2, float64(j)+centre-float64(height)/2
			r := math.Hypot(x, y)
			f.x, f.y, f.r = append(f.x, x), append(f.y, y), append(f.r, r)
			f.ring = append(f.ring, ringOf(r/half))
		}
	}
	for _, k := range f.ring {
		if k != noRing {
			f.size[k]++
		}
	}
	return f
}

func ringOf(r float64) int {
	for k := range rings {
		if edges[k] <= r && r < edges[k+1] {
			return k
		}
	}
	return noRing
}

// features appends those of an image [bands, height, width] to dst.
func (f *frame) features(image []float32, dst []float64) []float64 {
	unit := f.unit(image)
	each := f.height * f.width
	first := len(dst)
	for b := range f.bands {
		dst = f.band(image[b*each:(b+1)*each], unit, dst)
	}
	if f.bands > 1 {
		blue, red := dst[first+2:first+2+rings], dst[first+(f.bands-1)*perBand+2:]
		for k := range rings {
			dst = append(dst, blue[k]-red[k])
		}
	}
	return dst
}

// unit returns the mean noise of the bands; 1 if there is none.
func (f *frame) unit(image []float32) float64 {
	each := f.height * f.width
	sum := 0.0
	for b := range f.bands {
		sum += stretch.Noise(image[b*each : (b+1)*each])
	}
	if sum == 0 {
		return 1
	}
	return sum / float64(f.bands)
}

// band appends the features of one band.
func (f *frame) band(v []float32, unit float64, dst []float64) []float64 {
	var profile [rings]float64
	total, peak := 0., math.Inf(-1)
	light, distance, square, plus, cross, turned := 0., 0., 0., 0., 0., 0.
	for i, p := range v {
		p := float64(p) / unit
		total += p
		peak = max(peak, p)
		if k := f.ring[i]; k != noRing {
			profile[k] += p
		}
		turned += math.Abs(p - float64(v[len(v)-1-i])/unit)
		if p > 0 { // moments are of light, not of noise below the sky
			x, y := f.x[i], f.y[i]
			light += p
			distance += p * f.r[i]
			square += p * (x*x + y*y)
			plus += p * (x*x - y*y)
			cross += 2 * p * x * y
		}
	}
	dst = append(dst, math.Asinh(total), math.Asinh(peak))
	for k, sum := range profile {
		dst = append(dst, math.Asinh(ratio(sum, f.size[k])))
	}
	return append(dst, ratio(distance, light), ratio(math.Hypot(plus, cross), square), math.Log1p(ratio(turned, light)))
}

// ratio is a/b, or 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
