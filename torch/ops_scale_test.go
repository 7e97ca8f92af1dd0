package torch_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestUnscaleGrads(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, tt := range []struct {
		name         string
		grads        [][]float32
		before, want float32 // found
	}{
		{"finite", [][]float32{{4, -8}, {2}}, 0, 0},
		{"infinity", [][]float32{{4, 1}, {-inf}}, 0, 1},
		{"not a number", [][]float32{{nan, 1}, {2}}, 0, 1},
		{"found before", [][]float32{{4, 1}, {2}}, 1, 1},
		{"none", nil, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Run(t, func(sc *torch.Scope) {
				var grads []*torch.Tensor
				for _, g := range tt.grads {
					grads = append(grads, vec(sc, g...))
				}
				found := sc.FromFloat32([]float32{tt.before})
				sc.UnscaleGrads(grads, found, sc.FromFloat32([]float32{0.25}))
				if got := floats(t, found)[0]; got != tt.want {
					t.Errorf("found %v, want %v", got, tt.want)
				}
				for i, g := range tt.grads {
					for k, got := range floats(t, grads[i]) {
						if want := g[k] / 4; got != want && !math.IsNaN(float64(want)) {
							t.Errorf("gradient %v, want %v", got, want)
						}
					}
				}
			})
		})
	}
}

func TestUpdateScale(t *testing.T) {
	o := torch.Scaling{Growth: 2, Backoff: 0.5, Interval: 3}
	torchtest.Run(t, func(sc *torch.Scope) {
		scale, tracker := sc.Full(torch.Float32, 8), sc.Zeros(torch.Int32)
		for i, step := range []struct {
			found, scale float32
			tracker      float32
		}{{0, 8, 1}, {0, 8, 2}, {0, 16, 0}, {0, 16, 1}, {1, 8, 0}, {1, 4, 0}, {0, 4, 1}, {0, 4, 2}, {0, 8, 0}} {
			sc.UpdateScale(scale, tracker, sc.FromFloat32([]float32{step.found}), o)
			if got := floats(t, scale)[0]; got != step.scale {
				t.Errorf("scale %v after step %d, want %v", got, i, step.scale)
			}
			if got := floats(t, sc.To(tracker, torch.Float32))[0]; got != step.tracker {
				t.Errorf("tracker %v after step %d, want %v", got, i, step.tracker)
			}
		}
		sc.Copy(scale, sc.Full(torch.Float32, math.MaxFloat32))
		for range 3 {
			sc.UpdateScale(scale, tracker, sc.Zeros(torch.Float32), o)
		}
		if got := floats(t, scale)[0]; got != math.MaxFloat32 {
			t.Errorf("the largest scale has grown to %v", got)
		}
	})
}

// adamW is one optimiser's state for one weight of two elements, 1 and 2.
type adamW struct{ w, g, m, v, s []*torch.Tensor }

func newAdamW(sc *torch.Scope, grad ...float32) adamW {
	one := func(x *torch.Tensor) []*torch.Tensor { return []*torch.Tensor{x} }
	return adamW{one(vec(sc, 1, 2)), one(vec(sc, grad...)), one(vec(sc, 0, 0)), one(vec(sc, 0, 0)), one(sc.Zeros(torch.Float32))}
}

func (a adamW) step(sc *torch.Scope, o torch.AdamW) {
	o.Rate, o.Beta1, o.Beta2, o.Epsilon = 0.1, 0.9, 0.999, 1e-8
	sc.FusedAdamW(a.w, a.g, a.m, a.v, a.s, o)
}

// The first step of AdamW goes by the rate against the gradient's sign.
func TestFusedAdamWSkipsAndScales(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		zero, one := sc.Zeros(torch.Float32), sc.Ones(torch.Float32)
		for _, tt := range []struct {
			name          string
			grad          []float32
			o             torch.AdamW
			weight, first []float32
			steps         float32
		}{
			{"plain", []float32{8, -4}, torch.AdamW{}, []float32{.9, 2.1}, []float32{.8, -.4}, 1},
			{"nothing found", []float32{8, -4}, torch.AdamW{FoundInf: zero}, []float32{.9, 2.1}, []float32{.8, -.4}, 1},
			{"found", []float32{float32(math.Inf(1)), 1}, torch.AdamW{FoundInf: one}, []float32{1, 2}, []float32{0, 0}, 0},
			{"scaled", []float32{8, -4}, torch.AdamW{GradScale: sc.Full(torch.Float32, 4), FoundInf: zero},
				[]float32{.9, 2.1}, []float32{.2, -.1}, 1},
		} {
			a := newAdamW(sc, tt.grad...)
			a.step(sc, tt.o)
			near(t, tt.name+": weight", floats(t, a.w[0]), tt.weight)
			near(t, tt.name+": first moment", floats(t, a.m[0]), tt.first)
			near(t, tt.name+": steps", floats(t, a.s[0]), []float32{tt.steps})
		}
	})
}

// The kernels read these arguments without a look at type and size.
func TestScalingErrors(t *testing.T) {
	good := torch.Scaling{Growth: 2, Backoff: 0.5, Interval: 1}
	for _, tt := range []struct {
		name, want string
		f          func(sc *torch.Scope, one *torch.Tensor)
	}{
		{"found of two elements", "found is float32[2], want float32[]", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UnscaleGrads(nil, vec(sc, 1, 2), one)
		}},
		{"inverse of float64", "inverse is float64[], want float32[]", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UnscaleGrads(nil, one, sc.Ones(torch.Float64))
		}},
		{"short gradients", "gradient 1 is float16[2], want float32", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UnscaleGrads([]*torch.Tensor{vec(sc, 1), sc.Ones(torch.Float16, 2)}, one, one)
		}},
		{"no gradient", "tensor is nil", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UnscaleGrads([]*torch.Tensor{nil}, one, one)
		}},
		{"tracker of int64", "tracker is int64[], want int32[]", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UpdateScale(one, sc.Zeros(torch.Int64), one, good)
		}},
		{"scale of nothing", "scale is float32[0], want float32[]", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UpdateScale(vec(sc), sc.Zeros(torch.Int32), one, good)
		}},
		{"back-off that grows", "back-off 2", func(sc *torch.Scope, one *torch.Tensor) {
			sc.UpdateScale(one, sc.Zeros(torch.Int32), one, torch.Scaling{Growth: 2, Backoff: 2, Interval: 1})
		}},
		{"found of nothing", "found is float32[0], want float32[]", func(sc *torch.Scope, one *torch.Tensor) {
			newAdamW(sc, 1, 1).step(sc, torch.AdamW{FoundInf: vec(sc)})
		}},
		{"scale of gradients of float64", "scale of gradients is float64[], want float32[]", func(sc *torch.Scope, one *torch.Tensor) {
			newAdamW(sc, 1, 1).step(sc, torch.AdamW{GradScale: sc.Ones(torch.Float64)})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				err := try(func() { tt.f(sc, sc.Ones(torch.Float32)) })
				if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, torch.ErrInternal) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
			})
		})
	}
}
