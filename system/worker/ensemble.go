package worker

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"lensbench/protocol"
	"lensbench/system/ensemble"
	"lensbench/system/fusion"
	"lensbench/system/plan"
	"lensbench/system/script"
	"lensbench/system/sky"
	"lensbench/system/survey"
	"lensbench/system/trained"
	"lensbench/system/usage"
	"lensbench/torch"
)

// A committee is an ensemble on simulated images.
type committee struct {
	steady
	*ensemble.Ensemble
	images int
	fuses  bool // an iteration makes mean and variance instead of logits
	passes int  // of Monte-Carlo, 0: one without dropout

	trained []*trained.Network // members; nil: weights are of the formula
}

func (s *Server) openEnsemble(c protocol.Settings, cache string) (network, error) {
	networks, err := findTrained(c, cache)
	if err != nil {
		return nil, err
	}
	seen, err := calibrationImages(c, networks)
	if err != nil {
		return nil, err
	}
	dir, err := simulated(cache, survey.Spec{Seed: uint64(c.Seed), Count: c.Images + seen, Pixels: c.Pixels, Bands: c.Bands})
	if err != nil {
		return nil, err
	}
	if dir, err = converted(dir, c.Format); err != nil {
		return nil, err
	}
	e, err := ensemble.Open(ensemble.Config{
		Members:     c.Members,
		Schedule:    ensemble.Schedule(c.Schedule),
		Dir:         dir,
		Images:      c.Images,
		Batch:       c.Batch,
		Resident:    c.Source == sourceMemory,
		Workers:     c.Workers,
		Prefetch:    c.Prefetch * max(c.Workers, 1),
		Passes:      c.Passes,
		Aggregate:   c.Aggregate,
		Device:      c.Device,
		Placement:   ensemble.Placement(c.Placement),
		Threads:     c.Threads,
		Seed:        uint64(c.Seed),
		Command:     s.Member,
		CountMemory: s.counts,
		Trained:     directories(networks),
		Plan:        plan.Precision(c.Plan),
		Script:      c.Script,
		State:       script.State{Freeze: c.Freeze, Optimise: c.Optimise},
		Calibration: seen,
	})
	if errors.Is(err, torch.ErrNoDevice) || errors.Is(err, plan.ErrDropout) {
		return nil, refuse(protocol.Unsupported, "%v", err)
	}
	if err != nil {
		return nil, err
	}
	return committee{Ensemble: e, images: c.Images, fuses: c.Aggregate != "", passes: c.Passes, trained: networks}, nil
}

// calibrationImages is how many images behind those that are scored show int8 plans their
// ranges: none if there are no such plans, or if all members are calibrated.
func calibrationImages(c protocol.Settings, networks []*trained.Network) (int, error) {
	const enough = 32
	if c.Plan != string(plan.Int8) {
		return 0, nil
	}
	for _, n := range networks {
		if _, err := calibrationOf(n); err != nil {
			return 0, err
		}
	}
	if networks != nil {
		return 0, nil
	}
	return enough, nil
}

func directories(networks []*trained.Network) (dirs []string) {
	for _, n := range networks {
		dirs = append(dirs, n.Dir)
	}
	return dirs
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
		f.FLOPPerItem += flop(m, m.Pixels, w.passes, "")
	}
	return f
}

func (w committee) iterate(n int, c *clock) error {
	c.start()
	for range n {
		if err := w.once(); err != nil {
			return err
		}
		c.lap()
	}
	return nil
}

func (w committee) query(first, count int) ([][]float32, error) { return w.Query(first, count) }

func (w committee) once() (err error) {
	if w.fuses {
		_, _, err = w.Fuse()
	} else {
		_, err = w.Score()
	}
	return err
}

// outputs are the logits [members images], or what fusion makes of them: for every
// image the mean and the variance over members. Work that makes those has no others.
func (w committee) outputs(check string) (outputs, error) {
	known := []string{"", protocol.CheckLogits, protocol.CheckFused, protocol.CheckDigests}
	if w.fuses {
		known = known[2:]
	}
	if !slices.Contains(known, check) {
		return outputs{}, noCheck(orElse(check, protocol.CheckLogits))
	}
	if w.fuses {
		mean, variance, err := w.Fuse()
		all := slices.Concat(mean, variance)
		return outputs{[]int{2, w.images}, all, []string{digestOf(mean), digestOf(variance)}}, err
	}
	logits, err := w.Score()
	if err != nil {
		return outputs{}, err
	}
	if check == protocol.CheckFused {
		return outputs{shape: []int{2, w.images}, values: fused(logits)}, nil
	}
	all := slices.Concat(logits...)
	return outputs{[]int{len(logits), w.images}, all, []string{digestOf(all)}}, nil
}

func (w committee) networks() []*trained.Network {
	if w.passes > 0 {
		return nil
	}
	return w.trained
}

func (w committee) score(dir string, n int) ([]float32, error) {
	logits, err := w.ScorePart(ensemble.Part{Dir: dir, Name: survey.Test, Images: n})
	if err != nil {
		return nil, err
	}
	return fused(logits)[:n], nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// fused are the means of all images over members, and then the variances.
func fused(logits [][]float32) []float32 {
	n := len(logits[0])
	out := make([]float32, 2*n)
	for i := range n {
		var m fusion.Welford
		for _, member := range logits {
			m.Add(float64(member[i]))
		}
		out[i], out[n+i] = float32(m.Mean()), float32(m.Variance())
	}
	return out
}

func (committee) tensorPeaks() torch.Peaks { return torch.ReadPeaks() }

// extra is what a device map is for: the weights on the fullest of several devices.
func (w committee) extra(float64) (map[string]protocol.Number, error) {
	on := w.Weights()
	if len(on) < 2 {
		return nil, nil
	}
	return map[string]protocol.Number{"device_weights_peak": protocol.Number(slices.Max(on))}, nil
}

func (w committee) children() (usage.Usage, torch.Peaks, error) { return w.Children() }
func (w committee) resetPeaks() error                           { return w.ResetPeaks() }
func (w committee) close() error                                { return w.Close() }
