package main

import (
	"fmt"
	"os"

	"lensbench/system/survey"
	"lensbench/system/trained"
)

// openParts opens the images for training and for validation: two parts of one
// data set, or two data sets.
func openParts(data, validation string) (train, valid survey.Images, err error) {
	all, err := survey.OpenImages(data)
	if err != nil {
		return nil, nil, err
	}
	if validation != "" && sameFile(data, validation) {
		return nil, nil, fmt.Errorf("%q: is the data set that is trained on, so nothing would be validated", "--validation "+validation)
	}
	if validation != "" {
		valid, err = survey.OpenImages(validation)
		return all, valid, err
	}
	if len(survey.Parts(all)) == 0 {
		return nil, nil, fmt.Errorf("%s: is not split into parts; --validation DIR names another data set to validate on", data)
	}
	if train, err = survey.Part(all, survey.Train); err == nil {
		valid, err = survey.Part(all, survey.Validation)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", data, err)
	}
	return train, valid, nil
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// about is what a trained network's manifest says of the images.
func about(images survey.Images) (m trained.Manifest) {
	set, ok := survey.SetOf(images)
	if !ok {
		return m
	}
	from := set.Manifest()
	m.Survey, m.PixelScale = from.Spec.Preset, from.PixelScale
	for _, b := range from.Bands {
		m.BandNames = append(m.BandNames, b.Name)
	}
	return m
}
