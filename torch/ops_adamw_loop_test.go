package torch_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// An adamWOfOne is AdamW as its authors write it, of one number, in float64.
type adamWOfOne struct{ w, m, v float64 }

func (a *adamWOfOne) step(g float64, t int, o torch.AdamW) {
	a.w -= o.Rate * o.Decay * a.w
	a.m = o.Beta1*a.m + (1-o.Beta1)*g
	a.v = o.Beta2*a.v + (1-o.Beta2)*g*g
	m, v := a.m/(1-math.Pow(o.Beta1, float64(t))), a.v/(1-math.Pow(o.Beta2, float64(t)))
	a.w -= o.Rate * m / (math.Sqrt(v) + o.Epsilon)
}

// The loop and the fused kernel make the same steps, and they are those of the paper:
// rounding in float32 adds up to a few parts in a million over forty. An epsilon
// and a decay that are much larger than usual have to show.
func TestLoopAdamW(t *testing.T) {
	const n, steps, tolerance = 64, 40, 3e-6
	o := torch.AdamW{Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 0.1, Decay: 0.5}
	for name, step := range map[string]func(*torch.Scope, [5][]*torch.Tensor){
		"loop":  func(sc *torch.Scope, l [5][]*torch.Tensor) { sc.LoopAdamW(l[0], l[1], l[2], l[3], l[4], o) },
		"fused": func(sc *torch.Scope, l [5][]*torch.Tensor) { sc.FusedAdamW(l[0], l[1], l[2], l[3], l[4], o) },
	} {
		torchtest.Train(t, func(sc *torch.Scope) {
			rng := rand.New(rand.NewPCG(3, 4))
			var want [n]adamWOfOne
			first := make([]float32, n)
			for i := range want {
				first[i] = float32(rng.NormFloat64())
				want[i].w = float64(first[i])
			}
			one := func(x *torch.Tensor) []*torch.Tensor { return []*torch.Tensor{x} }
			w, m, v, s := vec(sc, first...), sc.Zeros(torch.Float32, n), sc.Zeros(torch.Float32, n), sc.Zeros(torch.Float32)
			for k := range steps {
				g := make([]float32, n)
				for i := range g {
					g[i] = float32(rng.NormFloat64())
					want[i].step(float64(g[i]), k+1, o)
				}
				step(sc, [5][]*torch.Tensor{one(w), one(vec(sc, g...)), one(m), one(v), one(s)})
			}
			for i, got := range floats(t, w) {
				if math.Abs(float64(got)-want[i].w) > tolerance*max(1, math.Abs(want[i].w)) {
					t.Errorf("%s: weight %d is %.8g, want %.8g", name, i, got, want[i].w)
				}
			}
			if got := floats(t, s)[0]; got != steps {
				t.Errorf("%s: %v steps, want %d", name, got, steps)
			}
		})
	}
}

func TestLoopAdamWRefusesScaledGradients(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		a := newAdamW(sc, 1, 1)
		err := try(func() { sc.LoopAdamW(a.w, a.g, a.m, a.v, a.s, torch.AdamW{FoundInf: sc.Zeros(torch.Float32)}) })
		if !errors.Is(err, torch.ErrInvalid) || !strings.Contains(err.Error(), "only aten::_fused_adamw_ can skip a step") {
			t.Errorf("error %v", err)
		}
	})
}
