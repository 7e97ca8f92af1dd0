package main

import (
	"context"
	"fmt"
	"path/filepath"

	"lensbench/cli"
	"lensbench/cli/status"
	"lensbench/system/evaluation"
	"lensbench/system/fusion"
	"lensbench/system/score"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/system/trivial"
)

// parts are the images that an evaluation is made of.
type parts struct {
	test, validation survey.Images // validation may be nil
	train            survey.Images // nil: there is none to fit a baseline to
}

// ofNetworks scores the images of a data set.
func (a *assessment) ofNetworks(ctx context.Context, line *status.Line) (in evaluation.Input, err error) {
	networks, err := findNetworks(a.names)
	if err != nil {
		return in, err
	}
	p, notes, err := a.openParts()
	if err != nil {
		return in, err
	}
	for i, n := range networks {
		if err := score.Suits(n, p.test); err != nil {
			return in, fmt.Errorf("%s: %w", a.names[i], err)
		}
	}
	if err := verify(ctx, line, p.test, p.validation, p.train); err != nil {
		return in, err
	}
	in = a.describe(networks[0], p)
	in.Notes = notes
	for i, n := range networks {
		c, err := a.classifier(ctx, line, a.names[i], n, p)
		if err != nil {
			return in, err
		}
		in.Classifiers = append(in.Classifiers, c)
	}
	if len(networks) > 1 {
		in.Network = nil // the first classifier is none of them
		mean, err := meanOf(in.Classifiers)
		if err != nil {
			return in, err
		}
		in.Classifiers = append([]evaluation.Classifier{mean}, in.Classifiers...)
	}
	if a.baseline && p.train != nil {
		c, err := baseline(ctx, line, p)
		if err != nil {
			return in, err
		}
		in.Classifiers = append(in.Classifiers, c)
	}
	return in, nil
}

func findNetworks(names []string) ([]*trained.Network, error) {
	cache, err := cli.CacheDir()
	if err != nil {
		return nil, err
	}
	var networks []*trained.Network
	for _, name := range names {
		n, err := trained.Find(name, cache)
		if err != nil {
			return nil, err
		}
		networks = append(networks, n)
	}
	return networks, nil
}

// openParts opens the parts of the data set, and says what is missing.
func (a *assessment) openParts() (p parts, notes []string, err error) {
	all, err := survey.OpenImages(a.data)
	if err != nil {
		return p, nil, err
	}
	if p.test, err = survey.Part(all, a.split); err != nil {
		return p, nil, fmt.Errorf("%s: %w", a.data, err)
	}
	p.validation, err = survey.Part(all, a.validation)
	if err != nil && a.validationExpected {
		return p, nil, fmt.Errorf("%s: %w", a.data, err)
	}
	if err != nil || a.validation == a.split {
		p.validation = nil
		notes = append(notes, "There is no part for validation, so thresholds are those of the test images, which flatters.")
	}
	if !a.baseline {
		return p, notes, nil
	}
	if p.train, err = survey.Part(all, survey.Train); err != nil {
		p.train = nil
		notes = append(notes, "There is no part for training, so there is no trivial baseline.")
	}
	return p, notes, nil
}

// describe says what network and images are.
func (a *assessment) describe(n *trained.Network, p parts) evaluation.Input {
	m := n.Manifest
	in := evaluation.Input{
		Network: &evaluation.Network{Name: a.names[0], Model: m.Model, SHA256: m.SHA256, Bands: m.Bands, Pixels: m.Pixels, Survey: m.Survey, Temperature: m.Temperature},
		Data:    evaluation.Data{Path: a.data, Split: a.split},
		Split:   a.validation,
	}
	band := ""
	if set, ok := survey.SetOf(p.test); ok {
		from := set.Manifest()
		band = from.Bands[len(from.Bands)/2].Name
		in.Data.Generator, in.Data.Survey, in.Data.FluxBand = from.Generator, from.Spec.Preset, band
	}
	in.Test = truths(p.test, a.data, band)
	if p.validation != nil {
		in.Validation = truths(p.validation, a.data, band)
	}
	in.Picture = func(i int) ([]byte, error) { return picture(p.test, i) }
	return in
}

// truths says what is known of images, whose names are paths from root.
func truths(images survey.Images, root, band string) []evaluation.Image {
	list := make([]evaluation.Image, images.Len())
	for i := range list {
		m := evaluation.Image{Name: images.Name(i), Label: images.Label(i)}
		if rel, err := filepath.Rel(root, m.Name); err == nil {
			m.Name = rel
		}
		if o, ok := survey.Truth(images, i); ok {
			m.Kind = string(o.Kind)
			if o.Scene.Lens != nil {
				m.ThetaE, m.FluxRatio = o.Scene.Lens.Mass.ThetaE, o.FluxRatio[band]
			}
		}
		list[i] = m
	}
	return list
}

func picture(images survey.Images, i int) ([]byte, error) {
	bands, height, width := images.Shape()
	pixels := make([]float32, bands*height*width)
	if err := images.Read(i, pixels); err != nil {
		return nil, err
	}
	return evaluation.PNG(pixels, bands, height, width)
}

// classifier scores the images with a network.
func (a *assessment) classifier(ctx context.Context, line *status.Line, name string, n *trained.Network, p parts) (c evaluation.Classifier, err error) {
	c = evaluation.Classifier{Name: name, Scale: evaluation.Logits}
	if c.Test, err = a.logits(ctx, line, name, n, p.test); err != nil || p.validation == nil {
		return c, err
	}
	c.Validation, err = a.logits(ctx, line, name, n, p.validation)
	return c, err
}

// logits returns calibrated logits.
func (a *assessment) logits(ctx context.Context, line *status.Line, name string, n *trained.Network, images survey.Images) ([]float64, error) {
	c := a.config
	c.Seed = a.seed
	c.Watch = func(done, of int) { line.Count(name, done, of) }
	s, err := score.Images(ctx, n, images, c)
	if err != nil {
		return nil, err
	}
	s.Calibrate(n.Manifest.Temperature)
	return s.Logit, nil
}

// meanOf is the plain mean of the members' calibrated logits.
func meanOf(members []evaluation.Classifier) (c evaluation.Classifier, err error) {
	c = evaluation.Classifier{Name: fmt.Sprintf("mean of %d", len(members)), Scale: evaluation.Logits}
	var test, validation []fusion.Member
	for _, m := range members {
		test = append(test, fusion.Member{Name: m.Name, Logit: m.Test})
		validation = append(validation, fusion.Member{Name: m.Name, Logit: m.Validation})
	}
	if c.Test, _, err = fusion.Fuse(fusion.Mean, test); err != nil {
		return c, err
	}
	c.Validation, _, err = fusion.Fuse(fusion.Mean, validation)
	return c, err
}

// baseline fits the trivial baseline to the training images.
func baseline(ctx context.Context, line *status.Line, p parts) (c evaluation.Classifier, err error) {
	line.Update(func() []string { return []string{"trivial baseline"} })
	c = evaluation.Classifier{Name: "trivial", Scale: evaluation.Logits}
	b, err := trivial.Fit(ctx, p.train)
	if err != nil {
		return c, err
	}
	if c.Test, err = b.Scores(ctx, p.test); err != nil || p.validation == nil {
		return c, err
	}
	c.Validation, err = b.Scores(ctx, p.validation)
	return c, err
}
