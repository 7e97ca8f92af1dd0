package optim

import (
	"math"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// float16Case is the golden case with a scaler, of one part.
func float16Case(t *testing.T) ampCase {
	t.Helper()
	for _, c := range ampCases(t) {
		if c.Scale != 0 && c.Parts == 1 {
			return c
		}
	}
	t.Fatal("no case")
	return ampCase{}
}

// clippedFirst is Update with a mistake: it clips before it unscales. In this one
// case, of a norm far above the largest, it must not give what Update gives.
func (o *AdamW) clippedFirst(sc *torch.Scope, rate float64) {
	sc.Scoped(func(sc *torch.Scope) {
		p := o.withGradients(sc)
		sc.ClipGrads(p.grads, sc.GradNorm(p.grads), o.Clip)
		o.Scaler.unscale(sc, p.grads)
		sc.FusedAdamW(p.weights, p.grads, p.first, p.second, p.steps,
			torch.AdamW{Rate: rate, Beta1: beta1, Beta2: beta2, Epsilon: epsilon, Decay: o.Decay, FoundInf: o.Scaler.Found})
		o.Scaler.update(sc)
		sc.ZeroGrads(p.weights)
	})
}

// Clipping is of the true gradients: their first moment after one step is a tenth of
// what clipping has left, of norm 1. Clipping the scaled ones leaves 1/scale.
func TestClippingComesAfterUnscaling(t *testing.T) {
	c := float16Case(t)
	c.Scale = 1024 // does not overflow
	norm := func(update func(o *AdamW, sc *torch.Scope)) (norm float64) {
		torchtest.Train(t, func(sc *torch.Scope) {
			r := newAmpRun(t, sc, c)
			defer r.model.Params.Free()
			r.backward(sc)
			update(r.adamw, sc)
			for _, m := range r.adamw.First {
				norm = math.Hypot(norm, size(t, m))
			}
		})
		return norm
	}
	right := norm(func(o *AdamW, sc *torch.Scope) { o.Update(sc, c.Rate) })
	if !near(right, 0.1*c.Clip, 1e-4) {
		t.Errorf("first moments have norm %g, want %g", right, 0.1*c.Clip)
	}
	wrong := norm(func(o *AdamW, sc *torch.Scope) { o.clippedFirst(sc, c.Rate) })
	if !near(wrong, right/c.Scale, 1e-2) {
		t.Errorf("clipped before unscaling, first moments have norm %g, want %g: the fixture is not the mistake it should be", wrong, right/c.Scale)
	}
}

// scales makes steps on one weight whose gradient is finite or not, and returns
// the scale after each. newEpoch is called before every second step.
func scales(t *testing.T, sc *torch.Scope, finite []bool, newEpoch func(o *AdamW)) (out []float64) {
	o := oneWeight(sc)
	o.Scaler = mustScaler(t, sc, 1024, torch.Scaling{Interval: 3})
	for i, ok := range finite {
		if i%2 == 0 && i > 0 {
			newEpoch(o)
		}
		factor := 1.0
		if !ok {
			factor = math.Inf(1)
		}
		o.Step(sc, sc.MulScalar(sc.Sum(o.Weights[0]), factor), 1e-3)
		scale, _, err := o.Scaler.Read(sc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, scale)
	}
	return out
}

// oneWeight is an optimiser of one weight of two elements.
func oneWeight(sc *torch.Scope) *AdamW {
	one := func(v float64, shape ...int64) []*torch.Tensor {
		return []*torch.Tensor{sc.Full(torch.Float32, v, shape...)}
	}
	o := &AdamW{Clip: 1, Weights: one(1, 2), First: one(0, 2), Second: one(0, 2), Steps: one(0)}
	o.Weights[0].SetRequiresGrad(true)
	return o
}

func mustScaler(t *testing.T, sc *torch.Scope, scale float64, o torch.Scaling) *Scaler {
	t.Helper()
	s, err := NewScaler(sc, torch.Place{}, scale, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A scaler lasts as long as the run. A new one in every epoch of two steps forgets
// that a lower scale was needed, and never gets to grow; one that is restored from
// its state in every epoch is as one that lasts.
func TestScalerLastsTheRun(t *testing.T) {
	finite := []bool{false, false, true, true, true, true, true, true}
	want := []float64{512, 256, 256, 256, 512, 512, 512, 1024}
	fresh := []float64{512, 256, 1024, 1024, 1024, 1024, 1024, 1024}
	torchtest.Train(t, func(sc *torch.Scope) {
		replace := func(o *AdamW) ScalerState {
			state, err := o.Scaler.State(sc)
			if err != nil {
				t.Fatal(err)
			}
			o.Scaler = mustScaler(t, sc, 1024, torch.Scaling{Interval: 3})
			return state
		}
		for _, tt := range []struct {
			name     string
			newEpoch func(o *AdamW)
			want     []float64
		}{
			{"one scaler", func(*AdamW) {}, want},
			{"restored", func(o *AdamW) { state := replace(o); o.Scaler.Restore(sc, state) }, want},
			{"fresh", func(o *AdamW) { replace(o) }, fresh},
		} {
			if got := scales(t, sc, finite, tt.newEpoch); !equal(got, tt.want) {
				t.Errorf("%s: scales %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}

func equal(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// A skipped step changes nothing of the optimiser, and is counted.
func TestSkippedStep(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		o := oneWeight(sc)
		o.Scaler = mustScaler(t, sc, 0, torch.Scaling{})
		for i, factor := range []float64{1, math.Inf(1), math.NaN(), 1} {
			before := [3]float64{size(t, o.Weights[0]), size(t, o.First[0]), size(t, o.Second[0])}
			norm := item(t, o.Step(sc, sc.MulScalar(sc.Sum(o.Weights[0]), factor), 1e-2))
			after := [3]float64{size(t, o.Weights[0]), size(t, o.First[0]), size(t, o.Second[0])}
			skipped := math.IsInf(factor, 0) || math.IsNaN(factor)
			if (before == after) != skipped {
				t.Errorf("step %d: norms of weight and moments %v before, %v after; skipped: %v", i, before, after, skipped)
			}
			if finite := !math.IsInf(norm, 0) && !math.IsNaN(norm); finite == skipped {
				t.Errorf("step %d: norm %g, skipped: %v", i, norm, skipped)
			}
		}
		if got := item(t, o.Steps[0]); got != 2 {
			t.Errorf("%g steps were made, want 2", got)
		}
		state, err := o.Scaler.State(sc)
		if want := (ScalerState{Scale: DefaultScale / 4, Tracker: 1, Skipped: 2}); err != nil || state != want {
			t.Errorf("state %+v (%v), want %+v", state, err, want)
		}
	})
}

// Two halves of a loss make the step of the whole.
func TestAccumulation(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		for _, scaled := range []bool{false, true} {
			var norms [2]float64
			for i, parts := range []int{1, 2} {
				o := oneWeight(sc)
				if scaled {
					o.Scaler = mustScaler(t, sc, 0, torch.Scaling{})
				}
				for range parts {
					o.Backward(sc, sc.MulScalar(sc.Sum(sc.Mul(o.Weights[0], o.Weights[0])), 1/float64(parts)))
				}
				norms[i] = item(t, o.Update(sc, 1e-2))
			}
			if want := math.Sqrt(8); !near(norms[0], want, 1e-6) || !near(norms[1], want, 1e-6) {
				t.Errorf("scaled: %v: norms %v of the whole and of two halves, want %v", scaled, norms, want)
			}
		}
	})
}

// A weight that no loss depends on stays as it is, as in PyTorch.
func TestWeightsWithoutGradients(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		used, unused := oneWeight(sc), oneWeight(sc)
		o := &AdamW{Decay: 0.5, Scaler: mustScaler(t, sc, 0, torch.Scaling{}),
			Weights: append(unused.Weights, used.Weights...), First: append(unused.First, used.First...),
			Second: append(unused.Second, used.Second...), Steps: append(unused.Steps, used.Steps...)}
		o.Step(sc, sc.Sum(used.Weights[0]), 0.1)
		if got, steps := size(t, o.Weights[0]), item(t, o.Steps[0]); got != math.Sqrt2 || steps != 0 {
			t.Errorf("weight without a gradient has norm %v after %v steps, want √2 and 0", got, steps)
		}
		if got, steps := size(t, o.Weights[1]), item(t, o.Steps[1]); got == math.Sqrt2 || steps != 1 {
			t.Errorf("weight with a gradient has norm %v after %v steps, want less than √2 and 1", got, steps)
		}
		defer func() {
			if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "no weight has a gradient") {
				t.Errorf("update without a backward pass: %v", err)
			}
		}()
		o.Update(sc, 0.1)
	})
}

func TestScalerOptions(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		for _, o := range []torch.Scaling{{Growth: 0.5}, {Backoff: 1}, {Interval: -1}, {Growth: math.NaN()}} {
			if _, err := NewScaler(sc, torch.Place{}, 0, o); err == nil {
				t.Errorf("options %+v are accepted", o)
			}
		}
		s := mustScaler(t, sc, 0, torch.Scaling{})
		if want := (torch.Scaling{Growth: 2, Backoff: 0.5, Interval: 2000}); s.Scaling != want {
			t.Errorf("options %+v by default, want %+v", s.Scaling, want)
		}
		if scale, skipped, err := s.Read(sc); scale != 65536 || skipped != 0 || err != nil {
			t.Errorf("scale %g and %d skipped (%v) at first, want 65536 and none", scale, skipped, err)
		}
	})
}
