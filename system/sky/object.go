package sky

// Labels of an object.
const (
	NotLens = 0
	IsLens  = 1
)

// A Kind says what an object is.
type Kind string

// The kinds of objects. All but the first are no lenses, and look like one in
// their own way.
const (
	KindLens       Kind = "lens"
	KindGalaxy     Kind = "galaxy"     // an elliptical galaxy alone
	KindCompanions Kind = "companions" // with blue galaxies beside it that are not lensed
	KindSpiral     Kind = "spiral"     // in a blue disc with arms
	KindRing       Kind = "ring"       // in a blue ring
	KindMerger     Kind = "merger"     // with another one, and what the tide pulled out
	KindEdgeOn     Kind = "edge-on"    // in a blue disc seen from its side
)

// An Object is one drawn member of the population. Its galaxies in front have a
// total flux of 1, and so have its sources; the magnitudes say how bright they
// are.
type Object struct {
	Label     int                `json:"label"` // IsLens or NotLens
	Kind      Kind               `json:"kind"`
	Scene     Scene              `json:"scene"`
	LightMag  map[string]float64 `json:"light_mag"`            // magnitude of the galaxies in front, by band
	SourceMag map[string]float64 `json:"source_mag,omitempty"` // of the sources, unlensed, or of what is blue and not lensed; nil: there is none

	// Magnification is the flux of the source as the lens shows it over what it
	// would be without; 0 if there is no lens.
	Magnification float64 `json:"magnification,omitempty"`
	// ArcSN is the signal-to-noise ratio of the lensed source, of all bands
	// together, see Arcs; 0 if there is no lens.
	ArcSN float64 `json:"arc_sn,omitempty"`
	// FluxRatio is that of the source, lensed as it is, to the galaxies in front,
	// both within the image, by band of the survey; nil before it is rendered.
	FluxRatio map[string]float64 `json:"flux_ratio"`

	Seeing map[string]float64 `json:"seeing"`  // FWHM of the point-spread function in this image, arcsec, by band
	SkyMag map[string]float64 `json:"sky_mag"` // magnitude of its sky per square arcsec, by band
}

// bands returns how the object looks in the bands of a survey.
func (o *Object) bands(p Preset) []Band {
	bands := make([]Band, len(p.Bands))
	for i, f := range p.Bands {
		bands[i] = Band{FWHM: o.Seeing[f.Name], Light: f.Rate(o.LightMag[f.Name])}
		if o.SourceMag != nil {
			bands[i].Source = f.Rate(o.SourceMag[f.Name])
		}
	}
	return bands
}

// unitFlux scales a profile to a total flux of 1.
func unitFlux(s Sersic) Sersic { return withFlux(s, 1) }

// withFlux scales a profile to a total flux.
func withFlux(s Sersic, flux float64) Sersic {
	s.Amp = 1
	s.Amp = flux / s.Flux()
	return s
}
