package score

import (
	"context"
	"fmt"
	"math"

	"lensbench/system/fusion"
	"lensbench/system/loader"
	"lensbench/system/nn"
	"lensbench/system/plan"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// A Config says how to score.
type Config struct {
	Batch      int    // images per forward pass; 0: DefaultBatch
	Threads    int    // compute threads; 0: torch.DefaultThreads
	Workers    int    // goroutines that read; 0: reading and computing take turns
	MonteCarlo int    // passes with dropout, 2 or more; 0: one without
	Seed       uint64 // of the dropout

	// Plan is what the network is made into first; empty: nothing. Int8 takes the
	// calibration that Calibrate has left with the network.
	Plan plan.Precision

	Watch func(done, of int) // is told after each batch; nil: nobody is
}

// DefaultBatch is the size of batches that is not chosen.
const DefaultBatch = 64

// Scores are what a network says of images, in their order. Logits are not
// divided by the temperature.
type Scores struct {
	Logit    []float64 // with Monte-Carlo dropout, the mean of the passes
	Variance []float64 // of the logits of the passes, with K−1; nil without them
}

// Calibrate divides the logits by a temperature, and their variances by its
// square.
func (s *Scores) Calibrate(temperature float64) {
	for i := range s.Logit {
		s.Logit[i] /= temperature
	}
	for i := range s.Variance {
		s.Variance[i] /= temperature * temperature
	}
}

// Check says what is wrong with a Config, in words that name the field.
func (c Config) Check() error {
	switch {
	case c.Batch < 0:
		return fmt.Errorf("batch %d is negative", c.Batch)
	case c.Threads < 0 || c.Threads > 1024:
		return fmt.Errorf("threads %d is not between 0 and 1024", c.Threads)
	case c.Workers < 0:
		return fmt.Errorf("workers %d is negative", c.Workers)
	case c.MonteCarlo < 0 || c.MonteCarlo == 1:
		return fmt.Errorf("%d passes have no variance; want 2 or more, or 0 for none", c.MonteCarlo)
	}
	if c.Plan != "" {
		_, err := plan.Parse(string(c.Plan))
		return err
	}
	return nil
}

// Images scores images with a network. Wrong images, an image that cannot be read
// and a logit that is not finite are errors that name the image.
func Images(ctx context.Context, n *trained.Network, images survey.Images, c Config) (*Scores, error) {
	p, err := newPass(n, images, c)
	if err != nil {
		return nil, err
	}
	s := &scorer{pass: p, scores: &Scores{}}
	err = p.run(func(sc *torch.Scope) error {
		if err := s.prepare(sc); err != nil {
			return err
		}
		defer s.release()
		return p.each(ctx, sc, s.batch)
	})
	if err != nil {
		return nil, err
	}
	return s.scores, nil
}

// Suits says whether a network takes such images.
func Suits(n *trained.Network, images survey.Images) error {
	m := n.Manifest
	bands, height, width := images.Shape()
	if bands != m.Bands {
		return fmt.Errorf("images of %d bands, %s was trained on %d%s", bands, n.Dir, m.Bands, inWords(m.BandNames))
	}
	if height != m.Pixels || width != m.Pixels {
		return fmt.Errorf("images of %d×%d pixels, %s was trained on %d×%d; a larger field is for --field", height, width, n.Dir, m.Pixels, m.Pixels)
	}
	return nil
}

func inWords(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%v)", names)
}

// A scorer is scoring in work.
type scorer struct {
	*pass
	scores *Scores
	plan   *plan.Plan // nil: the model's own forward pass
}

// prepare makes the plan, if there is to be one.
func (s *scorer) prepare(sc *torch.Scope) (err error) {
	if s.Plan == "" {
		return nil
	}
	o := plan.Options{Precision: s.Plan, Batch: min(s.Batch, s.images.Len()), Pixels: s.network.Manifest.Input, Backbone: s.MonteCarlo > 0}
	if s.Plan == plan.Int8 {
		if o.Calibration, err = Calibration(s.network); err != nil {
			return err
		}
	}
	if s.plan, err = plan.Make(sc, s.model, o); err != nil {
		return fmt.Errorf("%s: %w", s.network.Dir, err)
	}
	return nil
}

func (s *scorer) release() {
	if s.plan != nil {
		s.plan.Free()
	}
}

// forward is one pass without dropout.
func (s *scorer) forward(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if s.plan != nil {
		return s.plan.Forward(sc, x)
	}
	return s.model.Forward(sc, x)
}

// samples is the passes with dropout, [K N].
func (s *scorer) samples(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if s.plan != nil {
		return s.plan.Samples(sc, s.model, x, s.MonteCarlo)
	}
	return s.model.Samples(sc, x, s.MonteCarlo)
}

// batch scores one batch.
func (s *scorer) batch(sc *torch.Scope, x *torch.Tensor, b *loader.Batch) error {
	var logit, variance []float64
	if s.MonteCarlo > 0 {
		sc.Seed(nn.SubSeed(s.Seed, b.Number))
		samples, err := read(s.samples(sc, x))
		if err != nil {
			return err
		}
		logit, variance = moments(samples, s.MonteCarlo)
		s.scores.Variance = append(s.scores.Variance, variance...)
	} else {
		values, err := read(s.forward(sc, x))
		if err != nil {
			return err
		}
		logit, _ = moments(values, 1)
	}
	for i, v := range logit {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s: the logit of %s is %v", s.images.Name(b.Index[i]), s.network.Dir, v)
		}
	}
	s.scores.Logit = append(s.scores.Logit, logit...)
	return nil
}

func read(t *torch.Tensor) ([]float32, error) {
	values := make([]float32, t.Numel())
	return values, t.CopyFloat32(values)
}

// moments returns mean and variance over the first axis of samples [K N].
func moments(samples []float32, k int) (mean, variance []float64) {
	n := len(samples) / k
	mean, variance = make([]float64, n), make([]float64, n)
	for i := range n {
		var w fusion.Welford
		for j := range k {
			w.Add(float64(samples[j*n+i]))
		}
		mean[i], variance[i] = w.Mean(), w.Variance()
	}
	return mean, variance
}
