package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"lensbench/protocol"
	"lensbench/system/loader"
	"lensbench/system/plan"
	"lensbench/system/score"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/torch"
)

// decisive is the threshold that decisions are made at: that for a false-positive rate
// of 1 % on validation images.
const decisive = "fpr=0.01"

// judged is work with trained networks.
type judged interface {
	// networks are the members, one for a network alone; none if they are not trained.
	networks() []*trained.Network
	// score returns a logit for each of the first n test images of a survey: of an
	// ensemble the mean over its members. They come from what is timed, in its batches.
	score(survey string, n int) ([]float32, error)
}

// scores are the rows of protocol.CheckScores.
func (s *Server) scores(r *protocol.VerifyRequest) (out outputs, err error) {
	w, ok := s.work.(judged)
	if !ok || len(w.networks()) == 0 {
		return out, noCheck(protocol.CheckScores + " of trained networks")
	}
	threshold, err := thresholdOf(w.networks())
	if err != nil {
		return out, err
	}
	dir := filepath.Join(trained.Surveys(s.cache), r.Survey)
	images, err := testImages(dir, r.Images)
	if err != nil {
		return out, err
	}
	logits, err := w.score(dir, r.Images)
	if err != nil {
		return out, err
	}
	n := len(logits)
	out.shape, out.values = []int{len(protocol.ScoreRows()), n}, append(logits, make([]float32, 2*n)...)
	for i := range n {
		out.values[n+i], out.values[2*n+i] = float32(threshold), float32(images.Label(i))
	}
	out.digests = []string{digestOf(logits)}
	return out, nil
}

// thresholdOf is a network's, of several the mean: an ensemble decides where the mean
// logit is above the mean threshold.
func thresholdOf(networks []*trained.Network) (mean float64, err error) {
	for _, n := range networks {
		t, ok := n.Manifest.Thresholds[decisive]
		if !ok {
			return 0, fmt.Errorf("%s has no threshold %s; train it with validation images", n.Dir, decisive)
		}
		mean += t / float64(len(networks))
	}
	return mean, nil
}

// testImages are the first n of the part that nothing was trained on.
func testImages(dir string, n int) (survey.Images, error) {
	all, err := survey.OpenImages(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refuse(protocol.Unsupported, "no survey %s to score; make train simulates the one called default", dir)
	}
	if err != nil {
		return nil, err
	}
	images, err := survey.Part(all, survey.Test)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if n < 1 || n > images.Len() {
		return nil, refuse(protocol.BadRequest, "images: %d test images of %s, which has %d", n, dir, images.Len())
	}
	return survey.First(images, n), nil
}

// findTrained opens the networks that the settings name; nil if they name none.
func findTrained(c protocol.Settings, cache string) (all []*trained.Network, err error) {
	if len(c.Trained) == 0 {
		return nil, nil
	}
	members := c.Members
	if c.Kind == kindInference {
		members = []string{c.Model}
	}
	if len(c.Trained) != len(members) {
		return nil, refuse(protocol.BadRequest, "trained: %d networks for %d members; want one for each", len(c.Trained), len(members))
	}
	for i, name := range c.Trained {
		n, err := trained.Find(name, cache)
		if errors.Is(err, trained.ErrNone) {
			return nil, refuse(protocol.Unsupported, "trained: %v", err)
		}
		if err != nil {
			return nil, err
		}
		if err := fits(n.Manifest, members[i], c); err != nil {
			return nil, refuse(protocol.BadRequest, "trained: %s: %v", n.Dir, err)
		}
		all = append(all, n)
	}
	return all, nil
}

// fits says whether a trained network is what the settings want.
func fits(m trained.Manifest, model string, c protocol.Settings) error {
	pixels := m.Input
	if c.Kind == kindEnsemble {
		pixels = m.Pixels
	}
	switch {
	case m.Model != model:
		return fmt.Errorf("it is a %s, not a %s", m.Model, model)
	case m.Bands != c.Bands:
		return fmt.Errorf("it takes %d bands, and bands is %d", m.Bands, c.Bands)
	case pixels != c.Pixels:
		return fmt.Errorf("it takes %d pixels, and pixels is %d", pixels, c.Pixels)
	}
	return nil
}

// calibrationOf is what an int8 plan of a trained network takes.
func calibrationOf(n *trained.Network) (*plan.Calibration, error) {
	c, err := score.Calibration(n)
	if errors.Is(err, score.ErrUncalibrated) {
		name := filepath.Base(n.Dir)
		return nil, refuse(protocol.Unsupported, "plan: int8: %v: lens calibrate %s --data SURVEY, or make train for the one called default", err, name)
	}
	return c, err
}

func (w *inference) networks() []*trained.Network {
	if w.trained == nil || w.passes > 0 {
		return nil
	}
	return []*trained.Network{w.trained}
}

func (w *inference) score(dir string, n int) (logits []float32, err error) {
	images, err := testImages(dir, n)
	if err != nil {
		return nil, err
	}
	if err := score.Suits(w.trained, images); err != nil {
		return nil, err
	}
	manifest := w.trained.Manifest
	ld, err := loader.New(images, loader.Config{Batch: w.batch, Workers: 1, Stretch: manifest.Stretch})
	if err != nil {
		return nil, err
	}
	stream := ld.Epoch(context.Background(), 0, 0)
	defer stream.Close()
	bands, height, width := images.Shape()
	for {
		b, err := stream.Next()
		if err == io.EOF {
			return logits, nil
		}
		if err != nil {
			return nil, err
		}
		some := make([]float32, len(b.Index))
		err = w.lane.Do(func(sc *torch.Scope) error {
			x := sc.FromFloat32(b.Pixels, int64(len(some)), int64(bands), int64(height), int64(width))
			return w.batchLogits(sc, trained.Resize(sc, x, manifest.Input), some)
		})
		if err != nil {
			return nil, err
		}
		logits = append(logits, some...)
		stream.Release(b)
	}
}

// batchLogits is a timed iteration on other images.
func (w *inference) batchLogits(sc *torch.Scope, x *torch.Tensor, logits []float32) error {
	if w.model.Params.ChannelsLast {
		x = sc.ChannelsLast(x)
	}
	if w.crew != nil {
		return w.crew.Forward(x, logits)
	}
	return w.logits(sc, x).CopyFloat32(logits)
}
