package sky

import "math"

// Arcs are what a lens makes of the sources behind it, before any point-spread
// function.
type Arcs struct {
	Magnification float64 // flux over that of the sources
	Area          float64 // (∫I)²/∫I² over the sky, arcsec²: that of an image of even brightness
}

// Steps of the sum that measures arcs, on rings about the centre of the lens.
const (
	arcRings = 18
	arcSteps = 32
)

// measureArcs sums up the image of one source, out to where hardly any of it is
// left. It is a sum over a few hundred points, good to some per cent: enough to
// say whether an image is worth the name of a lens.
func measureArcs(l *Lens, s Sersic) Arcs {
	var r rays
	r.reset(l)
	var g profile
	source := newGalaxy(s, &g)
	m := l.Mass
	outer := m.ThetaE + math.Hypot(s.X-m.X, s.Y-m.Y) + 3*s.Radius
	var xs, ys, value [arcSteps]float64
	sum, squares := 0., 0.
	for k := range arcRings {
		radius := outer * (float64(k) + 0.5) / arcRings
		for i := range xs {
			x, y := polar(radius, 2*math.Pi*(float64(i)+0.5*float64(k%2))/arcSteps)
			xs[i], ys[i] = m.X+x, m.Y+y
		}
		r.trace(xs[:], ys[:])
		clear(value[:])
		source.add(value[:], xs[:], ys[:], source.atDistance(0.1*s.Radius))
		cell := outer / arcRings * 2 * math.Pi * radius / arcSteps
		for _, v := range value {
			sum += v * cell
			squares += v * v * cell
		}
	}
	if squares == 0 {
		return Arcs{}
	}
	return Arcs{sum / s.Flux(), sum * sum / squares}
}

// signalToNoise returns that of arcs in all bands of a survey together: of a sum
// of pixels that are weighed as they deserve, Σ I²/σ², where I is the arcs' light
// after the point-spread function and σ the noise of sky, read-out and the galaxy
// in front at the Einstein radius.
func (o *Object) signalToNoise(p Preset, a Arcs) float64 {
	front := o.Scene.Light[0]
	thetaE := o.Scene.Lens.Mass.ThetaE
	pixel := p.Scale * p.Scale
	sum := 0.0
	for _, f := range p.Bands {
		f = f.in(o)
		sigma := f.FWHM / fwhmPerSigma
		area := a.Area + arcImages*4*math.Pi*sigma*sigma
		flux := f.Rate(o.SourceMag[f.Name]) * a.Magnification
		rate := f.SkyRate(p.Scale) + f.Rate(o.LightMag[f.Name])*front.atRadius(thetaE)*pixel
		variance := (f.ReadNoiseTotal()*f.ReadNoiseTotal() + f.Time()*rate) / (f.Time() * f.Time())
		sum += flux * flux / (area / pixel * variance)
	}
	return math.Sqrt(sum)
}

// arcImages is the number of images of a source that the point-spread function
// blurs one by one.
const arcImages = 2
