package sky

import "math"

// compat has the statistics of a toy data set: images of 64×64 pixels with one
// band that is given three times, a round galaxy with noise, and lenses that are
// arcs of round blobs. It is there so that figures of old can be compared, and
// for nothing else: a sum of the pixels tells its classes apart.
var compat = Preset{
	Name: "compat", Scale: 1, repeated: true, draw: drawCompat,
	Bands: []Filter{compatBand, compatBand, compatBand},
}

// compatBand has a noise of 1 per pixel where there is nothing else.
var compatBand = Filter{Name: "toy", FWHM: 1.5, ZeroPoint: 25, SkyMag: 25, Exposure: 1, Exposures: 1}

// drawCompat draws an object of compat; lengths are in pixels.
func drawCompat(p Preset, seed uint64, index, pixels int) Object {
	d := draw{newRand(seed, index, sceneStream)}
	o := Object{Label: index & 1, Kind: KindGalaxy, FluxRatio: nil, Seeing: map[string]float64{}, SkyMag: map[string]float64{}}
	size := float64(pixels) / 64
	o.Seeing[compatBand.Name], o.SkyMag[compatBand.Name] = compatBand.FWHM, compatBand.SkyMag
	o.Scene.Light = []Sersic{unitFlux(Sersic{Radius: size * d.uniform(2.5, 5), N: 0.5, Q: 1, X: size * d.uniform(-2, 2), Y: size * d.uniform(-2, 2)})}
	o.LightMag = map[string]float64{compatBand.Name: d.uniform(17, 18)}
	if o.Label == IsLens {
		o.Kind = KindLens
		o.SourceMag = map[string]float64{compatBand.Name: d.uniform(18, 19)}
		for range 1 + d.IntN(2) {
			o.Scene.Source = append(o.Scene.Source, d.arcOfBlobs(size)...)
		}
		for i := range o.Scene.Source {
			o.Scene.Source[i] = withFlux(o.Scene.Source[i], 1/float64(len(o.Scene.Source)))
		}
	}
	return o
}

// arcOfBlobs draws blobs along a part of a circle.
func (d draw) arcOfBlobs(size float64) []Sersic {
	radius, begin, length := size*d.uniform(10, 20), d.uniform(0, 2*math.Pi), d.uniform(0.6, 2)
	blobs := make([]Sersic, 8)
	for i := range blobs {
		x, y := polar(radius, begin+length*float64(i)/float64(len(blobs)))
		blobs[i] = Sersic{Radius: 1.2 * size, N: 0.5, Q: 1, X: x, Y: y}
	}
	return blobs
}
