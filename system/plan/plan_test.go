package plan

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// loaded is a network with weights of the formula, normalisations not the identity.
func loaded(t testing.TB, sc *torch.Scope, name string) *model.Model {
	t.Helper()
	m, err := model.New(name, 3)
	if err == nil {
		err = m.Params.Load(sc, nn.Formula{Seed: 5, Scrambled: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func random(sc *torch.Scope, n, pixels int64) *torch.Tensor {
	sc.Seed(3)
	return sc.Randn(n, 3, pixels, pixels)
}

// calibrated observes a network on images of their kind.
func calibrated(t testing.TB, sc *torch.Scope, m *model.Model, pixels int64) *Calibration {
	t.Helper()
	c, err := Observe(sc, m, func(yield func(*torch.Tensor) error) error { return yield(random(sc, 4, pixels)) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func made(t testing.TB, sc *torch.Scope, m *model.Model, p Precision, batch int, pixels int64) *Plan {
	t.Helper()
	o := Options{Precision: p, Batch: batch, Pixels: int(pixels)}
	if p == Int8 {
		o.Calibration = calibrated(t, sc, m, pixels)
	}
	plan, err := Make(sc, m, o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestBackbone: plans of backbones give features, and the head's passes on them are
// those on the network's features. Features spread by about 1; by how much those of
// quantised plans are off depends on the machine's instructions, so that theirs are
// bounds against plans that are wrong, not against rounding.
func TestBackbone(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		for name, pixels := range map[string]int64{model.Tiny: 16, "resnet18": 32, "vit_b_16": 224} {
			if name == "vit_b_16" && testing.Short() {
				continue
			}
			m := loaded(t, sc, name)
			x := random(sc, 2, pixels)
			for p, tolerance := range map[Precision]float64{Folded: 1e-5, Float32: 1e-5, BFloat16: 5e-2, Int8: 0.3, Dynamic: 0.3} {
				o := Options{Precision: p, Batch: 2, Pixels: int(pixels), Backbone: true}
				if p == Int8 {
					o.Calibration = calibrated(t, sc, m, pixels)
				}
				plan, err := Make(sc, m, o)
				if err != nil {
					t.Fatal(err)
				}
				if err := plan.Check(sc, m, x, tolerance); err != nil {
					t.Error(err)
				}
				features := plan.Forward(sc, x)
				if features.DType() != torch.Float32 {
					t.Errorf("%s plan of %s: features of type %v", p, name, features.DType())
				}
				sc.Seed(1)
				want := valuesOf(t, m.HeadSamples(sc, features, 3))
				sc.Seed(1)
				if got := valuesOf(t, plan.Samples(sc, m, x, 3)); furthest(got, want) > 1e-6 || slices.Equal(got[:2], got[2:4]) {
					t.Errorf("%s plan of %s: samples %v, want %v", p, name, got, want)
				}
				plan.Free()
			}
			m.Params.Free()
		}
		m := loaded(t, sc, "light_transformer")
		defer m.Params.Free()
		if _, err := Make(sc, m, Options{Precision: Float32, Batch: 2, Pixels: 64, Backbone: true}); !errors.Is(err, ErrDropout) {
			t.Errorf("light_transformer: %v", err)
		}
	})
}

func valuesOf(t testing.TB, x *torch.Tensor) []float32 {
	t.Helper()
	v, err := read(x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// furthest is the largest difference, times the larger of 1 and the value wanted.
func furthest(got, want []float32) float64 {
	most := 0.
	for i, w := range want {
		d := math.Abs(float64(got[i]-w)) / max(1, math.Abs(float64(w)))
		if math.IsNaN(d) || d > most {
			most = d
		}
	}
	return most
}

// bounds are by how much logits may differ with random weights.
var bounds = map[Precision]float64{Folded: 1e-5, Float32: 1e-5, BFloat16: 2e-2, Int8: 5e-2, Dynamic: 5e-2}

// TestForward: plans compute what networks do, for the batch that they are for, and
// for a smaller and a larger one. Bounds of bfloat16 and int8 are about twice what is
// seen with these weights.
func TestForward(t *testing.T) {
	for _, c := range []struct {
		model   string
		pixels  int64
		batches []int64 // the first is the plan's
	}{
		{model.Tiny, 16, []int64{2, 1, 3}},
		{"resnet18", 64, []int64{2, 1, 3}},
		{"resnet18", 33, []int64{2}},
		{"resnet34", 96, []int64{1}},
		{"light_transformer", 112, []int64{2, 1, 3}},
		{"light_transformer", 50, []int64{1}},
		{"vit_b_16", 224, []int64{1}},
	} {
		torchtest.Run(t, func(sc *torch.Scope) {
			m := loaded(t, sc, c.model)
			defer m.Params.Free()
			for _, p := range Precisions() {
				plan := made(t, sc, m, p, int(c.batches[0]), c.pixels)
				defer plan.Free()
				for _, n := range c.batches {
					x := random(sc, n, c.pixels)
					d := furthest(valuesOf(t, plan.Forward(sc, x)), valuesOf(t, m.Forward(sc, x)))
					if !(d <= bounds[p]) {
						t.Errorf("%s, %d pixels, %s, %d images: off by %g, want at most %g", c.model, c.pixels, p, n, d, bounds[p])
					}
				}
			}
		})
	}
}

// TestFold: conv(x; w) + b, normalised, is the convolution with folded weights: for
// every output channel Σ scale·w·x + scale·b + shift, computed here in float64.
func TestFold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		outputs, per := 1+rng.IntN(5), 1+rng.IntN(30)
		weight, bias := make([]float32, outputs*per), make([]float32, outputs)
		scale, shift, x := make([]float64, outputs), make([]float64, outputs), make([]float64, per)
		for i := range weight {
			weight[i] = float32(rng.NormFloat64())
		}
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		for k := range outputs {
			scale[k], shift[k], bias[k] = rng.NormFloat64(), rng.NormFloat64(), float32(rng.NormFloat64())
		}
		for _, b := range [][]float32{bias, nil} {
			w, c := folded(weight, b, scale, shift)
			for k := range outputs {
				plain, fold := 0., float64(c[k])
				for i := range per {
					plain += float64(weight[k*per+i]) * x[i]
					fold += float64(w[k*per+i]) * x[i]
				}
				if b != nil {
					plain += float64(b[k])
				}
				// Each weight is rounded once, by at most 2⁻²⁴ of it.
				if want := scale[k]*plain + shift[k]; math.Abs(fold-want) > 1e-6*float64(per+2)*(1+math.Abs(scale[k])) {
					t.Fatalf("channel %d: %g, want %g", k, fold, want)
				}
			}
		}
	}
}

// TestAffine: the identity that folding rests on holds for the layer itself.
func TestAffine(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		m := loaded(t, sc, model.Tiny)
		defer m.Params.Free()
		bn := m.Graph().Nodes[2].Op.(graph.BatchNorm).Layer
		scale, shift, err := bn.Affine()
		if err != nil {
			t.Fatal(err)
		}
		x := sc.Randn(2, int64(len(scale)), 3, 3)
		in, out := valuesOf(t, sc.Clone(x)), valuesOf(t, bn.Forward(sc, x, nn.Evaluation))
		for i := range in {
			k := i / 9 % len(scale)
			if want := scale[k]*float64(in[i]) + shift[k]; math.Abs(float64(out[i])-want) > 1e-5 {
				t.Fatalf("element %d: %g, want %g", i, out[i], want)
			}
		}
	})
}

// TestSabotage: Check finds a plan that is wrong.
func TestSabotage(t *testing.T) {
	first := func(steps []*step, is func(*step) bool) *step {
		for _, s := range steps {
			if is(s) {
				return s
			}
		}
		t.Fatal("no such step")
		return nil
	}
	isConv := func(s *step) bool { _, ok := s.op.(graph.Conv); return ok }
	for name, spoil := range map[string]func(steps []*step){
		"nothing": nil,
		"wrong fold: no shift": func(steps []*step) {
			clear(first(steps, isConv).bias)
		},
		"wrong fold: one channel without scale": func(steps []*step) {
			s := first(steps, isConv)
			for i := range len(s.weight) / len(s.bias) {
				s.weight[i] *= 1.05
			}
		},
		"missing ReLU": func(steps []*step) {
			first(steps, func(s *step) bool { return isConv(s) && s.then == relu && s.add != nil }).then = none
		},
		"missing shortcut": func(steps []*step) {
			first(steps, func(s *step) bool { return s.add != nil }).add = nil
		},
	} {
		for _, p := range []Precision{Folded, Float32, BFloat16} {
			torchtest.Run(t, func(sc *torch.Scope) {
				m := loaded(t, sc, model.Tiny)
				defer m.Params.Free()
				all, err := steps(m.Graph())
				if err != nil {
					t.Fatal(err)
				}
				if spoil != nil {
					spoil(all)
				}
				plan, err := lower(sc, m, Options{Precision: p, Batch: 4, Pixels: 16}, all)
				if err != nil {
					t.Fatal(err)
				}
				defer plan.Free()
				if err := plan.Check(sc, m, random(sc, 4, 16), bounds[p]); (err != nil) != (spoil != nil) {
					t.Errorf("%s, %s: check says %v", name, p, err)
				}
			})
		}
	}
}

// TestSteps: what a graph becomes.
func TestSteps(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		for name, want := range map[string]string{
			// Two blocks: the first with its input as the shortcut, the second with a convolution.
			model.Tiny: "input, conv relu, maxpool, conv relu, conv add relu, conv relu, conv, conv add relu, average, linear, logit",
		} {
			m := loaded(t, sc, name)
			defer m.Params.Free()
			all, err := steps(m.Graph())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range all {
				text, _, _ := strings.Cut(s.op.String(), " ")
				if s.add != nil {
					text += " add"
				}
				if s.then != none {
					text += " " + string(s.then)
				}
				got = append(got, text)
			}
			if g := strings.Join(got, ", "); g != want {
				t.Errorf("%s: %s, want %s", name, g, want)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		m := loaded(t, sc, model.Tiny)
		defer m.Params.Free()
		for _, c := range []struct {
			o    Options
			want string
		}{
			{Options{Precision: Float32, Batch: 0, Pixels: 16}, "a plan for batches of 0 images; want 1 or more"},
			{Options{Precision: Float32, Batch: 1, Pixels: 0}, "tiny: images of 0×0 pixels"},
			{Options{Precision: Int8, Batch: 1, Pixels: 16}, "an int8 plan of tiny takes a calibration, and there is none"},
		} {
			if _, err := Make(sc, m, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %q", c.o, err, c.want)
			}
		}
	})
	if _, err := Parse("int4"); err == nil || err.Error() != `plan "int4", want one of folded, fp32, bf16, int8, dynamic` {
		t.Errorf("int4: %v", err)
	}
}

// TestCalibration: a calibration comes back from its file as it was, and holds for
// its weights alone.
func TestCalibration(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		m := loaded(t, sc, model.Tiny)
		defer m.Params.Free()
		path := filepath.Join(t.TempDir(), "calibration.safetensors")
		c := calibrated(t, sc, m, 16)
		if err := c.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		again, err := ReadCalibration(path)
		if err != nil {
			t.Fatal(err)
		}
		x := random(sc, 4, 16)
		var logits [2][]float32
		for i, c := range []*Calibration{c, again} {
			plan, err := Make(sc, m, Options{Precision: Int8, Batch: 4, Pixels: 16, Calibration: c})
			if err != nil {
				t.Fatal(err)
			}
			logits[i] = valuesOf(t, plan.Forward(sc, x))
			plan.Free()
		}
		if furthest(logits[0], logits[1]) != 0 || again.Images != 4 || again.Pixels != 16 || again.Model != model.Tiny {
			t.Errorf("read back as %+v, logits %v, before %v", again, logits[1], logits[0])
		}
		if err := m.Params.Load(sc, nn.Formula{Seed: 6, Scrambled: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := Make(sc, m, Options{Precision: Int8, Batch: 4, Pixels: 16, Calibration: again}); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), "calibrate again") {
			t.Errorf("stale calibration: %v", err)
		}
	})
}

// TestCoding: 0 is exact, the ends of the range are met, and every number in it is
// off by at most half a step.
func TestCoding(t *testing.T) {
	for _, r := range [][2]float64{{0, 6}, {-1, 1}, {-0.3, 7}, {2, 5}, {-5, -2}, {0, 0}} {
		c := codingOf(r[0], r[1])
		if c.zero < 0 || c.zero > 255 {
			t.Errorf("%v: zero is code %d", r, c.zero)
		}
		for i := range 101 {
			x := min(r[0], 0) + float64(i)/100*(max(r[1], 0)-min(r[0], 0))
			code := min(max(math.Round(x/c.scale)+float64(c.zero), 0), 255)
			if d := math.Abs((code-float64(c.zero))*c.scale - x); d > c.scale*1.001 {
				t.Errorf("%v: %g is off by %g, a step is %g", r, x, d, c.scale)
			}
		}
	}
}

// TestRounded: weights are off by at most half of their output's step, whose largest
// weight is 127.
func TestRounded(t *testing.T) {
	weight := []float32{0.5, -1, 0.25, 0, 0, 0, 100, 1, -50}
	w, scales := rounded(weight, 3)
	for i, v := range weight {
		if s := scales[i/3]; math.Abs(float64(w[i]*s-v)) > float64(s)/2*1.001 || math.Abs(float64(w[i])) > 127 {
			t.Errorf("weight %g is %g·%g", v, w[i], s)
		}
	}
	if w[1] != -127 || w[6] != 127 || scales[1] != 1 {
		t.Errorf("weights %v, scales %v", w, scales)
	}
}

// BenchmarkForward: a plan of each precision beside the network, on one thread.
func BenchmarkForward(b *testing.B) {
	for _, name := range []string{"network", "folded", "fp32", "bf16", "int8"} {
		b.Run(name, func(b *testing.B) {
			torchtest.Run(b, func(sc *torch.Scope) {
				m := loaded(b, sc, "resnet18")
				defer m.Params.Free()
				x, forward := random(sc, 32, 64), m.Forward
				if name != "network" {
					plan := made(b, sc, m, Precision(name), 32, 64)
					defer plan.Free()
					forward = plan.Forward
				}
				forward(sc, x).Free()
				for b.Loop() {
					forward(sc, x).Free()
				}
			})
		})
	}
}

// TestLayers: which layers compute in which numbers. quantize_dynamic leaves all
// convolutions in float32, and of vit_b_16 the projections of attention.
func TestLayers(t *testing.T) {
	for _, c := range []struct {
		model string
		p     Precision
		want  map[string]int
	}{
		{"resnet18", Dynamic, map[string]int{"convolutions_fp32": 20, "linear_layers_int8": 1}},
		{"resnet18", Int8, map[string]int{"convolutions_int8": 20, "linear_layers_fp32": 1}},
		{"resnet18", Folded, map[string]int{"convolutions_fp32": 20, "linear_layers_fp32": 1}},
		{"light_transformer", Dynamic, map[string]int{"convolutions_fp32": 16, "linear_layers_int8": 17}},
		{"light_transformer", BFloat16, map[string]int{"convolutions_bf16": 16, "linear_layers_bf16": 16, "linear_layers_fp32": 1}},
		{"vit_b_16", Dynamic, map[string]int{"convolutions_fp32": 1, "linear_layers_fp32": 24, "linear_layers_int8": 25}},
	} {
		torchtest.Run(t, func(sc *torch.Scope) {
			m := loaded(t, sc, c.model)
			defer m.Params.Free()
			plan := made(t, sc, m, c.p, 1, int64(m.Pixels))
			defer plan.Free()
			if got := plan.Layers(); !maps.Equal(got, c.want) {
				t.Errorf("%s, %s: %v, want %v", c.model, c.p, got, c.want)
			}
		})
	}
}

// The largest weight is 127.5 steps from 0.
func TestDynamicScale(t *testing.T) {
	for _, c := range []struct {
		weight []float32
		want   float64
	}{{[]float32{1, -2.55, 0}, 0.02}, {[]float32{0, 0}, 1.1920928955078125e-7}} {
		if got := symmetricScale(c.weight); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v: %g, want %g", c.weight, got, c.want)
		}
	}
}
