package sky

import "math"

// shares are those of the kinds among objects that are no lenses.
var shares = []struct {
	kind  Kind
	share float64
	make  func(d draw, o *Object, thetaE float64)
}{
	{KindGalaxy, 0.12, draw.alone},
	{KindCompanions, 0.38, draw.companions},
	{KindSpiral, 0.15, draw.spiral},
	{KindRing, 0.05, draw.ring},
	{KindMerger, 0.15, draw.merger},
	{KindEdgeOn, 0.15, draw.edgeOn},
}

// disguise turns a lens into something else with the same galaxy in front and,
// but for the galaxy alone, as much blue light.
func (d draw) disguise(o *Object) {
	thetaE := o.Scene.Lens.Mass.ThetaE
	o.SourceMag = fainter(o.SourceMag, -2.5*math.Log10(o.Magnification))
	o.Label, o.Magnification, o.ArcSN = NotLens, 0, 0
	o.Scene.Lens, o.Scene.Source = nil, nil
	pick := d.Float64()
	for i, s := range shares {
		if pick -= s.share; pick < 0 || i == len(shares)-1 {
			o.Kind = s.kind
			s.make(d, o, thetaE)
			return
		}
	}
}

// alone leaves the galaxy in front alone.
func (d draw) alone(o *Object, _ float64) { o.SourceMag = nil }

// companions puts one to four blue galaxies where arcs would be.
func (d draw) companions(o *Object, thetaE float64) {
	n := 1 + d.IntN(4)
	share, sum := make([]float64, n), 0.
	for i := range share {
		share[i] = d.ExpFloat64() + 0.1
		sum += share[i]
	}
	front := o.Scene.Light[0]
	for _, s := range share {
		g := d.blueGalaxy()
		g.Radius *= 1.5 // nearer than what a lens would have to magnify
		x, y := polar(thetaE*d.uniform(0.6, 1.7), d.uniform(0, 2*math.Pi))
		g.X, g.Y = front.X+x, front.Y+y
		o.Scene.Source = append(o.Scene.Source, withFlux(g, s/sum))
	}
}

// spiral puts a disc with arms around the galaxy in front, its bulge.
func (d draw) spiral(o *Object, thetaE float64) {
	front := o.Scene.Light[0]
	o.Scene.Source = []Sersic{unitFlux(Sersic{
		Radius: thetaE * d.uniform(0.8, 1.5), N: d.uniform(0.5, 1), Q: d.uniform(0.4, 1), Phi: d.angle(), X: front.X, Y: front.Y,
		Arms: 2 + d.IntN(2), Pitch: d.uniform(0.2, 0.6), Contrast: d.uniform(0.5, 1), ArmPhase: d.uniform(0, 2*math.Pi),
	})}
	if d.Float64() < 0.5 { // arms that wind the other way: a mirror image
		o.Scene.Source[0].Pitch = math.Pi - o.Scene.Source[0].Pitch
	}
	o.SourceMag = fainter(o.SourceMag, -d.uniform(0, 0.8))
}

// ring puts a ring around the galaxy in front.
func (d draw) ring(o *Object, thetaE float64) {
	front := o.Scene.Light[0]
	r := Ring{
		Amp: 1, Radius: thetaE * d.uniform(0.8, 1.3), Q: d.uniform(0.4, 0.95), Phi: d.angle(),
		X: front.X + d.normal(0, 0.1, -0.2, 0.2)*thetaE, Y: front.Y + d.normal(0, 0.1, -0.2, 0.2)*thetaE,
	}
	r.Width = r.Radius * d.uniform(0.15, 0.4)
	r.Amp = 1 / r.Flux()
	o.Scene.Rings = []Ring{r}
}

// merger puts another elliptical galaxy beside the one in front, and a tail.
func (d draw) merger(o *Object, thetaE float64) {
	front := &o.Scene.Light[0]
	share := d.uniform(0.1, 0.5)
	x, y := polar(thetaE*d.uniform(0.7, 1.8), d.uniform(0, 2*math.Pi))
	other := withFlux(Sersic{
		Radius: front.Radius * d.uniform(0.5, 1), N: d.uniform(2, 4), Q: d.uniform(0.5, 1), Phi: d.angle(),
		X: front.X + x, Y: front.Y + y,
	}, share)
	front.Amp *= 1 - share
	x, y = polar(thetaE*d.uniform(0.6, 1.4), d.uniform(0, 2*math.Pi))
	o.Scene.Source = []Sersic{unitFlux(Sersic{
		Radius: d.uniform(0.3, 0.8) * thetaE, N: d.uniform(0.5, 1), Q: d.uniform(0.15, 0.5), Phi: d.angle(), X: front.X + x, Y: front.Y + y,
	})}
	o.Scene.Light = append(o.Scene.Light, other)
}

// edgeOn puts a disc through the galaxy in front, its bulge.
func (d draw) edgeOn(o *Object, thetaE float64) {
	front := o.Scene.Light[0]
	o.Scene.Source = []Sersic{unitFlux(Sersic{
		Radius: thetaE * d.uniform(0.5, 0.9), N: d.uniform(0.6, 1.1), Q: d.uniform(0.1, 0.3), Phi: front.Phi + d.normal(0, 0.1, -0.3, 0.3),
		X: front.X + d.normal(0, 0.05, -0.1, 0.1)*thetaE, Y: front.Y + d.normal(0, 0.05, -0.1, 0.1)*thetaE,
	})}
	o.SourceMag = fainter(o.SourceMag, -d.uniform(0, 0.8))
}
