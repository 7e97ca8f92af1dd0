package sky

import (
	"fmt"
	"math"
	"strings"
)

// A Preset is a survey: a camera, its bands, and what was coadded.
type Preset struct {
	Name  string
	Scale float64 // side of a pixel, arcsec
	Bands []Filter
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

// presets holds the surveys by name: the coadd of ten years of LSST as in
// lenstronomy's ObservationConfig.
var presets = []Preset{{
	Name: "lsst-y10", Scale: 0.2,
	Bands: []Filter{
		{Name: "g", FWHM: 0.77, ZeroPoint: 28.30, SkyMag: 22.26, Exposure: 15, Exposures: 200, ReadNoise: 10},
		{Name: "r", FWHM: 0.73, ZeroPoint: 28.13, SkyMag: 21.20, Exposure: 15, Exposures: 460, ReadNoise: 10},
		{Name: "i", FWHM: 0.71, ZeroPoint: 27.79, SkyMag: 20.48, Exposure: 15, Exposures: 460, ReadNoise: 10},
	},
}}

// PresetByName returns a survey with its first n bands; n = 0 is all of them.
func PresetByName(name string, n int) (Preset, error) {
	var known []string
	for _, p := range presets {
		if p.Name == name {
			return p.firstBands(n)
		}
		known = append(known, p.Name)
	}
	return Preset{}, fmt.Errorf("preset %q is not known; there is %s", name, strings.Join(known, ", "))
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
