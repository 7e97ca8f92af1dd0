package sky

import "math"

// shares are those of the kinds among objects that are no lenses.
var shares = []struct {
	kind  Kind
	share float64
	make  func(d draw, o *Object, thetaE float64)
}{
	{KindGalaxy, 0.04, draw.alone},
	{KindCompanions, 0.60, draw.companions},
	{KindSpiral, 0.15, draw.spiral},
	{KindRing, 0.05, draw.ring},
	{KindMerger, 0.08, draw.merger},
	{KindEdgeOn, 0.08, draw.edgeOn},
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

// companions puts blue galaxies where arcs would be.
func (d draw) companions(o *Object, thetaE float64) {
	o.Scene.Source = d.blobs(thetaE, o.Scene.Light[0], 1)
}

// blobs draws two to four blue galaxies as far from the one in front, and as
// bright, as the images that an isothermal lens makes of a source within
// maxOffset: at θ_E(1±y), with (1±y)/2 of the light. They are on both sides, but
// only roughly, and many are as long as arcs, and by chance in their direction.
func (d draw) blobs(thetaE float64, front Sersic, flux float64) (list []Sersic) {
	y := maxOffset * math.Sqrt(d.Float64())
	main := d.uniform(0, 2*math.Pi)
	for side, sign := range []float64{1, -1} {
		direction := main + float64(side)*(math.Pi+d.normal(0, 0.9, -math.Pi, math.Pi))
		for _, share := range d.parts(1 + d.IntN(3)) {
			g := d.blueGalaxy()
			g.Radius *= 1.3 // nearer than what a lens magnifies
			at := direction + d.normal(0, 0.6, -1.5, 1.5)
			dx, dy := polar(thetaE*(1+sign*y)*math.Exp(d.normal(0, 0.08, -0.2, 0.2)), at)
			g.X, g.Y = front.X+dx, front.Y+dy
			if d.Float64() < 0.7 {
				g.Q = d.uniform(0.25, 0.6)
				g.Phi = at + math.Pi/2 + d.normal(0, 0.4, -1.5, 1.5)
			}
			list = append(list, withFlux(g, flux*share*(1+sign*y)/2))
		}
	}
	return list
}

// parts draws n positive numbers that sum to 1.
func (d draw) parts(n int) []float64 {
	share, sum := make([]float64, n), 0.
	for i := range share {
		share[i] = d.ExpFloat64() + 0.1
		sum += share[i]
	}
	return scaled(share, 1/sum)
}

// spiral puts a disc with arms around the galaxy in front, its bulge, and knots
// of young stars into it.
func (d draw) spiral(o *Object, thetaE float64) {
	front := o.Scene.Light[0]
	knots := d.uniform(0.1, 0.7)
	disc := Sersic{
		Radius: thetaE * d.uniform(0.8, 1.5), N: d.uniform(0.5, 1), Q: d.uniform(0.4, 1), Phi: d.angle(), X: front.X, Y: front.Y,
		Arms: 2 + d.IntN(2), Pitch: d.uniform(0.2, 0.6), Contrast: d.uniform(0.5, 1), ArmPhase: d.uniform(0, 2*math.Pi),
	}
	if d.Float64() < 0.5 { // arms that wind the other way: a mirror image
		disc.Pitch = math.Pi - disc.Pitch
	}
	o.Scene.Source = append(d.blobs(thetaE, front, knots), withFlux(disc, 1-knots))
	o.SourceMag = fainter(o.SourceMag, -d.uniform(0, 0.4))
}

// ring puts a ring around the galaxy in front, and knots of young stars beside it.
func (d draw) ring(o *Object, thetaE float64) {
	front := o.Scene.Light[0]
	knots := d.uniform(0, 0.6)
	r := Ring{
		Amp: 1, Radius: thetaE * d.uniform(0.8, 1.3), Q: d.uniform(0.4, 0.95), Phi: d.angle(),
		X: front.X + d.normal(0, 0.15, -0.3, 0.3)*thetaE, Y: front.Y + d.normal(0, 0.15, -0.3, 0.3)*thetaE,
	}
	r.Width = r.Radius * d.uniform(0.15, 0.4)
	r.Amp = (1 - knots) / r.Flux()
	o.Scene.Rings = []Ring{r}
	o.Scene.Source = d.blobs(thetaE, front, knots)
}

// merger puts another elliptical galaxy beside the one in front, and a tail.
func (d draw) merger(o *Object, thetaE float64) {
	front := o.Scene.Light[0]
	x, y := polar(thetaE*d.uniform(0.7, 1.8), d.uniform(0, 2*math.Pi))
	other := withFlux(Sersic{
		Radius: front.Radius * d.uniform(0.5, 1), N: d.uniform(2, 4), Q: d.uniform(0.5, 1), Phi: d.angle(),
		X: front.X + x, Y: front.Y + y,
	}, d.uniform(0.1, 0.5))
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
	o.SourceMag = fainter(o.SourceMag, -d.uniform(0, 0.4))
}
