package survey

import (
	"fmt"

	"lensbench/system/sky"
)

// DefaultPreset is the survey of a Spec that does not name one.
const DefaultPreset = "lsst-y10"

// Limits of a Spec.
const (
	MinPixels, MaxPixels = 8, 4096
	MaxCount             = 1_000_000
)

// A Spec says which images to simulate.
type Spec struct {
	Seed    uint64 `json:"seed"`
	Count   int    `json:"count"`  // images, 1 to MaxCount
	Pixels  int    `json:"pixels"` // side of an image, MinPixels to MaxPixels
	Bands   int    `json:"bands"`  // the first so many of the preset; 0: all of them
	Preset  string `json:"preset"` // survey; "": DefaultPreset
	Workers int    `json:"-"`      // goroutines; 0: as many as CPUs. No part of the result
}

// resolve checks the spec and returns it without defaults, and its survey.
func (s Spec) resolve() (Spec, sky.Preset, error) {
	if s.Preset == "" {
		s.Preset = DefaultPreset
	}
	if s.Count < 1 || s.Count > MaxCount {
		return s, sky.Preset{}, fmt.Errorf("count %d is not between 1 and %d", s.Count, MaxCount)
	}
	if s.Pixels < MinPixels || s.Pixels > MaxPixels {
		return s, sky.Preset{}, fmt.Errorf("pixels %d is not between %d and %d", s.Pixels, MinPixels, MaxPixels)
	}
	if s.Workers < 0 {
		return s, sky.Preset{}, fmt.Errorf("workers %d is negative", s.Workers)
	}
	p, err := sky.PresetByName(s.Preset, s.Bands)
	s.Bands = len(p.Bands)
	return s, p, err
}

// sameImages says whether two resolved specs ask for the same images.
func (s Spec) sameImages(t Spec) bool {
	s.Workers, t.Workers = 0, 0
	return s == t
}

func (s Spec) String() string {
	return fmt.Sprintf("seed %d, count %d, pixels %d, bands %d, preset %s", s.Seed, s.Count, s.Pixels, s.Bands, s.Preset)
}
