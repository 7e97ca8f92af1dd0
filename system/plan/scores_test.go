package plan

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/system/stretch"
	"lensbench/system/survey"
	"lensbench/torch"
	"lensbench/torch/torchtest"
	"lensbench/verdict"
)

// stamps are simulated images in memory, [N 3 16 16], and their labels.
func stamps(t *testing.T, sc *torch.Scope, seed uint64, n int) (x *torch.Tensor, labels []float64) {
	t.Helper()
	const pixels = 16
	set, err := survey.Simulate(filepath.Join(t.TempDir(), "set"), survey.Spec{Seed: seed, Count: n, Pixels: pixels, Bands: 3})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]float32, n*3*pixels*pixels)
	for i := range n {
		one := all[i*3*pixels*pixels:][:3*pixels*pixels]
		if err := set.Read(i, one); err != nil {
			t.Fatal(err)
		}
		stretch.Asinh.Apply(one, 3)
		labels = append(labels, float64(set.Label(i)))
	}
	return sc.FromFloat32(all, int64(n), 3, pixels, pixels), labels
}

// taught is the tiny network with a head that was fitted to images, by logistic
// regression on what its random backbone makes of them.
func taught(t *testing.T, sc *torch.Scope, x *torch.Tensor, labels []float64) *model.Model {
	t.Helper()
	m := loaded(t, sc, model.Tiny)
	features := valuesOf(t, m.Features(sc, x, nn.Evaluation))
	n := len(labels)
	d := len(features) / n
	mean, scale := make([]float64, d), make([]float64, d)
	for k := range d {
		for i := range n {
			mean[k] += float64(features[i*d+k]) / float64(n)
		}
		for i := range n {
			scale[k] += math.Pow(float64(features[i*d+k])-mean[k], 2) / float64(n)
		}
		scale[k] = math.Sqrt(scale[k]) + 1e-9
	}
	w, b := make([]float64, d), 0.0
	for range 500 {
		gradient, shift := make([]float64, d), 0.0
		for i := range n {
			z := b
			for k := range d {
				z += w[k] * (float64(features[i*d+k]) - mean[k]) / scale[k]
			}
			off := 1/(1+math.Exp(-z)) - labels[i]
			shift += off / float64(n)
			for k := range d {
				gradient[k] += off * (float64(features[i*d+k]) - mean[k]) / scale[k] / float64(n)
			}
		}
		b -= shift
		for k := range d {
			w[k] -= gradient[k]
		}
	}
	weights := make([]float32, d)
	for k := range d {
		weights[k] = float32(w[k] / scale[k])
		b -= w[k] * mean[k] / scale[k]
	}
	for _, p := range m.Params.All() {
		switch p.Name {
		case "head.1.weight":
			sc.CopyFrom(p.T(), weights)
		case "head.1.bias":
			sc.CopyFrom(p.T(), []float32{float32(b)})
		}
	}
	return m
}

func scoredBy(values []float32, threshold float64) (s verdict.Scored) {
	for _, v := range values {
		s.Logits, s.Thresholds = append(s.Logits, float64(v)), append(s.Thresholds, threshold)
	}
	return s
}

// TestSabotageCostsScores: what the check of scores is for. On images that the head was
// not fitted to, right plans say what the network says, and wrong ones do not: their
// AUROC falls, or decisions at the threshold for 1 % false positives change.
func TestSabotageCostsScores(t *testing.T) {
	isConv := func(s *step) bool { _, ok := s.op.(graph.Conv); return ok }
	all := func(steps []*step, is func(*step) bool, do func(*step)) {
		for _, s := range steps {
			if is(s) {
				do(s)
			}
		}
	}
	stale := func(c *Calibration) {
		for i := range c.low { // as of images a tenth as bright
			c.low[i], c.high[i] = c.low[i]/10, c.high[i]/10
		}
	}
	torchtest.Run(t, func(sc *torch.Scope) {
		train, labels := stamps(t, sc, 1, 400)
		test, truth := stamps(t, sc, 2, 500)
		m := taught(t, sc, train, labels)
		defer m.Params.Free()
		threshold := thresholdOf(valuesOf(t, m.Forward(sc, train)), labels)
		want := scoredBy(valuesOf(t, m.Forward(sc, test)), threshold)
		for _, tc := range []struct {
			name  string
			of    []Precision
			steps func([]*step)
			stale func(*Calibration)
		}{
			// Not dynamic, which decides otherwise in a few cases, and is no promise of ours.
			{"nothing", []Precision{Folded, Float32, BFloat16, Int8}, nil, nil},
			{"wrong fold: no shift", []Precision{Float32, BFloat16, Int8}, func(s []*step) { all(s, isConv, func(s *step) { clear(s.bias) }) }, nil},
			{"wrong fold: no scale", []Precision{Float32, BFloat16, Int8}, func(s []*step) {
				all(s, isConv, func(s *step) {
					for i := range s.weight {
						s.weight[i] *= 1.5
					}
				})
			}, nil},
			{"missing ReLU", []Precision{Float32, BFloat16, Int8}, func(s []*step) { all(s, isConv, func(s *step) { s.then = none }) }, nil},
			{"stale calibration", []Precision{Int8}, nil, stale},
		} {
			for _, p := range tc.of {
				o := Options{Precision: p, Batch: 50, Pixels: 16}
				if p == Int8 {
					c, err := Observe(sc, m, func(yield func(*torch.Tensor) error) error { return yield(sc.Narrow(train, 0, 0, 100)) })
					if err != nil {
						t.Fatal(err)
					}
					if tc.stale != nil {
						tc.stale(c)
					}
					o.Calibration = c
				}
				made, err := steps(m.Graph())
				if err != nil {
					t.Fatal(err)
				}
				if tc.steps != nil {
					tc.steps(made)
				}
				plan, err := lower(sc, m, o, made)
				if err != nil {
					t.Fatal(err)
				}
				d, err := verdict.DriftOf(want, scoredBy(valuesOf(t, plan.Forward(sc, test)), threshold), truth)
				plan.Free()
				if err != nil {
					t.Fatal(err)
				}
				passes := d.Fall() <= 0.002 && d.Changed == 0
				if right := tc.steps == nil && tc.stale == nil; passes != right {
					t.Errorf("%s, %s: passes is %v: %+v", tc.name, p, passes, d)
				}
			}
		}
	})
}

// thresholdOf is the logit that one in a hundred of the images that are no lenses passes.
func thresholdOf(logits []float32, labels []float64) float64 {
	var others []float64
	for i, z := range logits {
		if labels[i] == 0 {
			others = append(others, float64(z))
		}
	}
	slices.Sort(others)
	return others[len(others)*99/100]
}
