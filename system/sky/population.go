package sky

import "math"

// Labels of an object.
const (
	NotLens = 0
	IsLens  = 1
)

// An Object is one drawn member of the population. Its galaxies have flux 1; the
// magnitudes say how bright they are.
type Object struct {
	Label     int                `json:"label"` // IsLens or NotLens
	Scene     Scene              `json:"scene"`
	LightMag  map[string]float64 `json:"light_mag"`  // magnitude of the galaxy in front, by band
	SourceMag map[string]float64 `json:"source_mag"` // of the source, unlensed, or of the companion
	// FluxRatio is that of the source, lensed as it is, to the galaxy in front,
	// both within the image, by band of the survey; nil before it is rendered.
	FluxRatio map[string]float64 `json:"flux_ratio"`
}

// Draw returns object index of the population of this seed, for images of this
// grid.
//
// Odd indices are lenses, so that every run of images is balanced. A lens is a
// massive elliptical galaxy at redshift about 0.5 with a blue galaxy behind it,
// close enough to its axis to be imaged several times; the other half are the
// same galaxies with a blue galaxy beside them that is not lensed. Brightness
// and size follow the Einstein radius (L ∝ σ⁴ ∝ θ_E²), in both classes, so that
// neither says which is which.
func Draw(seed uint64, index int, grid Grid) Object {
	d := draw{newRand(seed, index, sceneStream)}
	thetaE := math.Exp(d.normal(math.Log(1.1), 0.35, math.Log(0.5), math.Log(2.5)))
	front := d.frontGalaxy(thetaE)
	o := Object{
		Label:    index & 1,
		Scene:    Scene{Light: []Sersic{front}},
		LightMag: colours(d.normal(19.2, 0.6, 17, 21.5)-5*math.Log10(thetaE/1.1), d.normal(1.45, 0.12, 1, 2), d.normal(0.65, 0.08, 0.3, 1)),
	}
	lens := d.deflector(thetaE, front)
	source := d.blueGalaxy()
	if o.Label == IsLens {
		dx, dy := d.disc(0.7 * thetaE)
		source.X, source.Y = lens.Mass.X+dx, lens.Mass.Y+dy
		o.Scene.Lens = &lens
	} else {
		half := grid.Scale * float64(grid.Pixels) / 2
		source.X, source.Y = polar(d.uniform(0.2, 0.9)*half, d.uniform(0, 2*math.Pi))
	}
	o.Scene.Source = []Sersic{source}
	o.SourceMag = colours(d.sourceMag(o.Label), d.normal(0.25, 0.15, -0.2, 0.8), d.normal(0.15, 0.12, -0.2, 0.6))
	return o
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

// blueGalaxy draws a star-forming galaxy, still at the origin.
func (d draw) blueGalaxy() Sersic {
	return unitFlux(Sersic{
		Radius: d.logUniform(0.12, 0.45),
		N:      d.uniform(0.8, 2),
		Q:      d.uniform(0.4, 1),
		Phi:    d.angle(),
	})
}

// sourceMag draws an i-band magnitude: faint if a lens magnifies it, bright if
// it is seen as it is, so that both classes have about the same flux in it.
func (d draw) sourceMag(label int) float64 {
	if label == IsLens {
		return d.normal(23.6, 0.8, 21.5, 25.5)
	}
	return d.normal(21.8, 0.9, 19.5, 24)
}

// colours returns the magnitudes of the bands from that in i and two colours.
func colours(i, gr, ri float64) map[string]float64 {
	return map[string]float64{"g": i + ri + gr, "r": i + ri, "i": i}
}

// unitFlux scales a profile to a total flux of 1.
func unitFlux(s Sersic) Sersic {
	s.Amp = 1
	s.Amp = 1 / s.Flux()
	return s
}
