package worker

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"

	"lensbench/protocol"
	"lensbench/system/ensemble"
	"lensbench/system/sky"
	"lensbench/system/survey"
	"lensbench/system/usage"
	"lensbench/torch"
)

// A committee is an ensemble on simulated images.
type committee struct {
	steady
	*ensemble.Ensemble
	images int
}

func (s *Server) openEnsemble(c protocol.Settings, cache string) (work, error) {
	dir, err := simulated(cache, survey.Spec{Seed: uint64(c.Seed), Count: c.Images, Pixels: c.Pixels, Bands: c.Bands})
	if err != nil {
		return nil, err
	}
	e, err := ensemble.Open(ensemble.Config{
		Members:     c.Members,
		Schedule:    ensemble.Schedule(c.Schedule),
		Dir:         dir,
		Images:      c.Images,
		Batch:       c.Batch,
		Threads:     c.Threads,
		Seed:        uint64(c.Seed),
		Command:     s.Member,
		CountMemory: s.counts,
	})
	if err != nil {
		return nil, err
	}
	return committee{Ensemble: e, images: c.Images}, nil
}

// simulated returns the directory of a data set below the cache, which is made
// if it is not there yet.
func simulated(cache string, spec survey.Spec) (string, error) {
	if !filepath.IsAbs(cache) {
		return "", refuse(protocol.BadRequest, "cache: %q is not an absolute directory", cache)
	}
	p, err := sky.PresetByName(survey.DefaultPreset, 0)
	if err != nil {
		return "", err
	}
	if spec.Bands > len(p.Bands) {
		return "", refuse(protocol.Unsupported, "bands: %d, simulated images have at most %d (%s)", spec.Bands, len(p.Bands), survey.DefaultPreset)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s, %s", sky.Version, spec))
	dir := filepath.Join(cache, "images", fmt.Sprintf("%x", sum[:6]))
	_, _, err = survey.Ensure(dir, spec)
	return dir, err
}

func (w committee) facts() protocol.Facts {
	f := protocol.Facts{ItemsPerIteration: w.images, Threads: w.Threads()}
	for _, m := range w.Models() {
		f.Parameters += m.Params.Trainable()
		f.WeightBytes += m.Params.Bytes()
		f.FLOPPerItem += m.Cost(m.Pixels).FLOP()
	}
	return f
}

func (w committee) iterate(n int, c *clock) error {
	c.start()
	for range n {
		if _, err := w.Score(); err != nil {
			return err
		}
		c.lap()
	}
	return nil
}

func (w committee) outputs() ([]int, []float32, error) {
	logits, err := w.Score()
	if err != nil {
		return nil, nil, err
	}
	return []int{len(logits), w.images}, slices.Concat(logits...), nil
}

func (w committee) children() (usage.Usage, torch.Peaks, error) { return w.Children() }
func (w committee) resetPeaks() error                           { return w.ResetPeaks() }
func (w committee) close() error                                { return w.Close() }
