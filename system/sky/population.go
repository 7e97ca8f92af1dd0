package sky

import "math"

// What it takes to be called a lens.
const (
	minMagnification = 3.
	maxOffset        = 0.62 // of the source from the axis, in Einstein radii, beyond which magnification is below that
	drawLimit        = 10000
)

// Draw returns object index of the population of this seed, for images of a
// survey.
//
// Odd indices are lenses, so that every run of images is balanced. A lens is a
// massive elliptical galaxy at redshift about 0.5 with a blue galaxy behind it,
// drawn again until it can be recognised: its Einstein radius is not below
// Preset.MinThetaE, its magnification at least 3, and the signal-to-noise ratio
// of its arcs at least Preset.MinArcSN.
//
// The others begin as such lenses, too. Then the source is taken away, and in all
// kinds but the galaxy alone its light, as bright as the lens would have made it,
// comes back as something else at about the Einstein radius. So no sum, profile
// or colour says which is which; only the shape does. Brightness and size of the
// galaxy in front follow the Einstein radius (L ∝ σ⁴ ∝ θ_E²), in both classes.
func Draw(p Preset, seed uint64, index, pixels int) Object {
	if p.draw != nil {
		return p.draw(p, seed, index, pixels)
	}
	var conditions Object
	conditions.observe(p, draw{newRand(seed, index, conditionStream)})
	d := draw{newRand(seed, index, sceneStream)}
	grid := Grid{Pixels: pixels, Scale: p.Scale}
	o := d.lens(p, conditions, grid)
	if index&1 == 0 {
		d.disguise(&o)
	}
	d.neighbours(&o, grid)
	return o
}

// lens draws a lens that can be recognised.
func (d draw) lens(p Preset, conditions Object, grid Grid) Object {
	for range drawLimit {
		o := d.anyLens(p, conditions, grid)
		arcs := measureArcs(o.Scene.Lens, o.Scene.Source[0])
		o.Magnification, o.ArcSN = arcs.Magnification, o.signalToNoise(p, arcs)
		if o.Magnification >= minMagnification && o.ArcSN >= p.MinArcSN {
			return o
		}
	}
	panic("sky: the population of " + p.Name + " has hardly any lens that can be recognised")
}

// anyLens draws a lens, whether it can be recognised or not.
func (d draw) anyLens(p Preset, conditions Object, grid Grid) Object {
	most := max(min(2.5, 0.4*grid.Scale*float64(grid.Pixels)/2), 1.3*p.MinThetaE)
	thetaE := math.Exp(d.normal(math.Log(max(1.1, 1.2*p.MinThetaE)), 0.35, math.Log(p.MinThetaE), math.Log(most)))
	front := d.frontGalaxy(thetaE)
	lens := d.deflector(thetaE, front)
	source := d.blueGalaxy()
	dx, dy := d.disc(maxOffset * thetaE)
	source.X, source.Y = lens.Mass.X+dx, lens.Mass.Y+dy
	return Object{
		Label: IsLens, Kind: KindLens,
		Scene:     Scene{Lens: &lens, Light: []Sersic{front}, Source: []Sersic{source}},
		LightMag:  d.oldStars().magnitudes(d.normal(19.2, 0.6, 17, 21.5) - 5*math.Log10(thetaE/1.1)),
		SourceMag: d.youngStars().magnitudes(d.normal(23.6, 0.8, 21.5, 25.5)),
		Seeing:    conditions.Seeing, SkyMag: conditions.SkyMag,
	}
}

// frontGalaxy draws an elliptical galaxy whose size goes with its mass.
func (d draw) frontGalaxy(thetaE float64) Sersic {
	return unitFlux(Sersic{
		Radius: 0.75 * math.Pow(thetaE/1.1, 1.2) * math.Exp(d.normal(0, 0.25, -0.6, 0.6)),
		N:      d.normal(4, 0.6, 2.5, 5.5),
		Q:      d.normal(0.78, 0.13, 0.4, 0.98),
		Phi:    d.angle(),
		X:      d.normal(0, 0.05, -0.2, 0.2),
		Y:      d.normal(0, 0.05, -0.2, 0.2),
	})
}

// deflector draws the mass of a galaxy: about where, as round and as oriented as
// its light, in a tidal field.
func (d draw) deflector(thetaE float64, light Sersic) Lens {
	return Lens{
		Mass: SIE{
			ThetaE: thetaE,
			Q:      min(light.Q+d.normal(0, 0.07, -0.2, 0.2), 0.99),
			Phi:    light.Phi + d.normal(0, 0.14, -0.5, 0.5),
			X:      light.X, Y: light.Y,
		},
		Shear: Shear{Gamma1: d.normal(0, 0.03, -0.1, 0.1), Gamma2: d.normal(0, 0.03, -0.1, 0.1)},
	}
}

// blueGalaxy draws a galaxy that forms stars, still at the origin.
func (d draw) blueGalaxy() Sersic {
	return unitFlux(Sersic{
		Radius: d.logUniform(0.12, 0.45),
		N:      d.uniform(0.8, 2),
		Q:      d.uniform(0.4, 1),
		Phi:    d.angle(),
	})
}

// neighbours adds galaxies of the field, beside and in front of everything, to
// the galaxies in front.
func (d draw) neighbours(o *Object, grid Grid) {
	half := grid.Scale * float64(grid.Pixels) / 2
	for d.Float64() < 0.35 {
		x, y := polar(d.uniform(0.35, 1)*half, d.uniform(0, 2*math.Pi))
		o.Scene.Light = append(o.Scene.Light, withFlux(Sersic{
			Radius: d.logUniform(0.15, 0.6), N: d.uniform(1, 4), Q: d.uniform(0.4, 1), Phi: d.angle(), X: x, Y: y,
		}, d.logUniform(0.005, 0.2)))
	}
}
