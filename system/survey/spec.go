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
	Seed   uint64 `json:"seed"`
	Count  int    `json:"count"`  // images, 1 to MaxCount; 0: the sum of the parts
	Pixels int    `json:"pixels"` // side of an image, MinPixels to MaxPixels
	Bands  int    `json:"bands"`  // the first so many of the preset; 0: all of them
	Preset string `json:"preset"` // survey; "": DefaultPreset

	// Images of the parts, one behind the other. All 0: there are no parts.
	Train      int `json:"train,omitempty"`
	Validation int `json:"validation,omitempty"`
	Test       int `json:"test,omitempty"`

	Workers int `json:"-"` // goroutines; 0: as many as CPUs. No part of the result
}

// resolve checks the spec and returns it without defaults, and its survey.
func (s Spec) resolve() (Spec, sky.Preset, error) {
	if s.Preset == "" {
		s.Preset = DefaultPreset
	}
	if err := s.addParts(); err != nil {
		return s, sky.Preset{}, err
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

// addParts checks that the count is the sum of the parts, or sets it.
func (s *Spec) addParts() error {
	if s.Train < 0 || s.Validation < 0 || s.Test < 0 {
		return fmt.Errorf("train %d, validation %d, test %d: none can be negative", s.Train, s.Validation, s.Test)
	}
	sum := s.Train + s.Validation + s.Test
	if s.Count == 0 {
		s.Count = sum
	}
	if sum > 0 && s.Count != sum {
		return fmt.Errorf("count %d is not %d, the sum of train %d, validation %d and test %d", s.Count, sum, s.Train, s.Validation, s.Test)
	}
	return nil
}

// sameImages says whether two resolved specs ask for the same images.
func (s Spec) sameImages(t Spec) bool {
	s.Workers, t.Workers = 0, 0
	return s == t
}

func (s Spec) String() string {
	parts := ""
	if s.Train+s.Validation+s.Test > 0 {
		parts = fmt.Sprintf(" (train %d, validation %d, test %d)", s.Train, s.Validation, s.Test)
	}
	return fmt.Sprintf("seed %d, count %d%s, pixels %d, bands %d, preset %s", s.Seed, s.Count, parts, s.Pixels, s.Bands, s.Preset)
}
