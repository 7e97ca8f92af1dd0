package sky

import (
	"fmt"
	"math"
	"strings"

	"lensbench/nearest"
)

// A Preset is a survey: a camera, its bands, and what was coadded.
type Preset struct {
	Name  string
	Scale float64 // side of a pixel, arcsec
	Bands []Filter

	MinThetaE     float64 // smallest Einstein radius of its lenses, arcsec: about the seeing
	MinArcSN      float64 // smallest signal-to-noise ratio of their arcs
	SeeingScatter float64 // of ln FWHM, from image to image
	SkyScatter    float64 // of the sky's magnitude, from image to image

	draw     func(p Preset, seed uint64, index, pixels int) Object // nil: Draw's own population
	repeated bool                                                  // all bands are copies of the first
}

// A Filter is one band of a survey, over all its exposures.
type Filter struct {
	Name      string
	FWHM      float64 // of the Gaussian point-spread function, arcsec
	ZeroPoint float64 // magnitude that gives 1 electron/s
	SkyMag    float64 // magnitude of the sky per square arcsec
	Exposure  float64 // s, each
	Exposures int     // coadded
	ReadNoise float64 // electrons rms per pixel and exposure
}

// presets holds the surveys by name, with the numbers of lenstronomy's
// ObservationConfig; hst-f814w is four orbits' worth of the COSMOS field's.
var presets = []Preset{
	{
		Name: "lsst-y10", Scale: 0.2, MinThetaE: 0.85, MinArcSN: 20, SeeingScatter: 0.09, SkyScatter: 0.15,
		Bands: []Filter{
			{Name: "g", FWHM: 0.77, ZeroPoint: 28.30, SkyMag: 22.26, Exposure: 15, Exposures: 200, ReadNoise: 10},
			{Name: "r", FWHM: 0.73, ZeroPoint: 28.13, SkyMag: 21.20, Exposure: 15, Exposures: 460, ReadNoise: 10},
			{Name: "i", FWHM: 0.71, ZeroPoint: 27.79, SkyMag: 20.48, Exposure: 15, Exposures: 460, ReadNoise: 10},
		},
	},
	{
		Name: "des", Scale: 0.263, MinThetaE: 0.9, MinArcSN: 20, SeeingScatter: 0.12, SkyScatter: 0.2,
		Bands: []Filter{
			{Name: "g", FWHM: 1.12, ZeroPoint: 26.58, SkyMag: 22.01, Exposure: 90, Exposures: 20, ReadNoise: 7},
			{Name: "r", FWHM: 0.96, ZeroPoint: 26.78, SkyMag: 21.15, Exposure: 90, Exposures: 20, ReadNoise: 7},
			{Name: "i", FWHM: 0.88, ZeroPoint: 26.75, SkyMag: 19.89, Exposure: 90, Exposures: 20, ReadNoise: 7},
			{Name: "z", FWHM: 0.84, ZeroPoint: 26.48, SkyMag: 18.72, Exposure: 90, Exposures: 20, ReadNoise: 7},
		},
	},
	{
		Name: "euclid-vis", Scale: 0.101, MinThetaE: 0.5, MinArcSN: 20, SeeingScatter: 0.02, SkyScatter: 0.1,
		Bands: []Filter{{Name: "VIS", FWHM: 0.16, ZeroPoint: 25.72, SkyMag: 22.3, Exposure: 566, Exposures: 4, ReadNoise: 4.2}},
	},
	{
		Name: "hst-f160w", Scale: 0.08, MinThetaE: 0.4, MinArcSN: 20, SeeingScatter: 0.02, SkyScatter: 0.1,
		Bands: []Filter{{Name: "F160W", FWHM: 0.08, ZeroPoint: 25.96, SkyMag: 22.3, Exposure: 5400, Exposures: 1, ReadNoise: 4}},
	},
	{
		Name: "hst-f814w", Scale: 0.05, MinThetaE: 0.4, MinArcSN: 20, SeeingScatter: 0.02, SkyScatter: 0.1,
		Bands: []Filter{{Name: "F814W", FWHM: 0.1, ZeroPoint: 25.94, SkyMag: 21.9, Exposure: 507, Exposures: 4, ReadNoise: 4.2}},
	},
	compat,
}

// PresetNames returns the surveys that PresetByName knows.
func PresetNames() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.Name)
	}
	return names
}

// PresetByName returns a survey with its first n bands; n = 0 is all of them.
func PresetByName(name string, n int) (Preset, error) {
	for _, p := range presets {
		if p.Name == name {
			return p.firstBands(n)
		}
	}
	hint := ""
	if near := nearest.Name(name, PresetNames()); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return Preset{}, fmt.Errorf("preset %q is not known; %sthere is %s", name, hint, strings.Join(PresetNames(), ", "))
}

func (p Preset) firstBands(n int) (Preset, error) {
	if n == 0 {
		return p, nil
	}
	if n < 0 || n > len(p.Bands) {
		return Preset{}, fmt.Errorf("preset %s has %d bands (%s), not %d", p.Name, len(p.Bands), strings.Join(p.BandNames(), ", "), n)
	}
	p.Bands = p.Bands[:n:n]
	return p, nil
}

// BandNames returns the names of the bands, in order.
func (p Preset) BandNames() []string {
	var names []string
	for _, b := range p.Bands {
		names = append(names, b.Name)
	}
	return names
}

// Rate returns the electrons per second that an object of this magnitude gives.
func (f Filter) Rate(mag float64) float64 { return math.Pow(10, -0.4*(mag-f.ZeroPoint)) }

// Time returns the total exposure time, s.
func (f Filter) Time() float64 { return f.Exposure * float64(f.Exposures) }

// SkyRate returns the electrons per second that the sky gives one pixel of this
// side.
func (f Filter) SkyRate(scale float64) float64 { return f.Rate(f.SkyMag) * scale * scale }

// ReadNoiseTotal returns the read noise of the whole coadd, electrons rms per
// pixel.
func (f Filter) ReadNoiseTotal() float64 { return math.Sqrt(float64(f.Exposures)) * f.ReadNoise }
