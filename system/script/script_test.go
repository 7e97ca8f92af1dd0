package script

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lensbench/system/fusion"
	"lensbench/system/graph"
	"lensbench/system/model"
	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// loaded calls f with a network that has weights, BatchNorm's too, and two images.
func loaded(t *testing.T, name string, pixels int, f func(sc *torch.Scope, m *model.Model, x *torch.Tensor)) {
	t.Helper()
	m, err := model.New(name, 3)
	if err != nil {
		t.Fatal(err)
	}
	torchtest.Run(t, func(sc *torch.Scope) {
		formula := nn.Formula{Seed: 7, Scrambled: true}
		if err := m.Params.Load(sc, formula); err != nil {
			t.Fatal(err)
		}
		defer m.Params.Free()
		pixel := make([]float32, 2*3*pixels*pixels)
		formula.Uniform("input", float32(math.Sqrt(3)), 0, pixel)
		f(sc, m, sc.FromFloat32(pixel, 2, 3, int64(pixels), int64(pixels)))
	})
}

func copied(t *testing.T, x *torch.Tensor) []float32 {
	t.Helper()
	v := make([]float32, x.Numel())
	if err := x.CopyFloat32(v); err != nil {
		t.Fatal(err)
	}
	return v
}

// within says whether all values are within 1e-5 of the larger of 1 and those wanted.
func within(got, want []float32) bool {
	for i, w := range want {
		if !(math.Abs(float64(got[i]-w)) <= 1e-5*max(1, math.Abs(float64(w)))) {
			return false
		}
	}
	return len(got) == len(want)
}

// TestNetworks: as written a network computes the same bits; frozen, optimised and read
// from a file the same logits but for rounding.
func TestNetworks(t *testing.T) {
	for _, c := range []struct {
		name   string
		pixels int
	}{{model.Tiny, 16}, {"resnet18", 33}, {"light_transformer", 64}, {"light_transformer", 128}, {"vit_b_16", 224}} {
		t.Run(fmt.Sprintf("%s/%d", c.name, c.pixels), func(t *testing.T) {
			loaded(t, c.name, c.pixels, func(sc *torch.Scope, m *model.Model, x *torch.Tensor) {
				want := copied(t, m.Forward(sc, x))
				s, err := New(m, Whole)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Free()
				if got := copied(t, s.Forward(sc, x)); !slices.Equal(got, want) {
					t.Errorf("as written: %v, want %v", got, want)
				}
				path := filepath.Join(t.TempDir(), "net.pt")
				if err := WriteFile(path, m); err != nil {
					t.Fatal(err)
				}
				read, err := torch.LoadScript(path)
				if err != nil {
					t.Fatal(err)
				}
				defer read.Free()
				if got := copied(t, read.Forward(sc, x)); !within(got, want) {
					t.Errorf("from a file: %v, want %v", got, want)
				}
				for _, st := range []State{{Freeze: true}, {Optimise: true}} {
					ready, err := New(m, Whole)
					if err == nil {
						err = st.Reach(ready)
					}
					if err != nil {
						t.Fatal(err)
					}
					for range 3 { // the first run, and those after it has been profiled
						if got := copied(t, ready.Forward(sc, x)); !within(got, want) {
							t.Errorf("%+v: %v, want %v", st, got, want)
						}
					}
					ready.Free()
				}
			})
		})
	}
}

// TestFreezingFolds: frozen, BatchNorm is gone, and optimised, convolutions are oneDNN's.
func TestFreezingFolds(t *testing.T) {
	loaded(t, model.Tiny, 16, func(sc *torch.Scope, m *model.Model, x *torch.Tensor) {
		for _, c := range []struct {
			state       State
			with, lacks string
		}{
			{State{}, "aten::batch_norm", "mkldnn"},
			{State{Freeze: true}, "aten::conv2d", "aten::batch_norm"},
			{State{Freeze: true, Optimise: true}, "mkldnn", "aten::batch_norm"},
		} {
			s, err := New(m, Whole)
			if err == nil {
				err = c.state.Reach(s)
			}
			if err != nil {
				t.Fatal(err)
			}
			g, err := s.Graph("forward")
			if err != nil || !strings.Contains(strings.ToLower(g), c.with) || strings.Contains(strings.ToLower(g), c.lacks) {
				t.Errorf("%+v: %v; want %s and no %s in\n%s", c.state, err, c.with, c.lacks, g)
			}
			s.Free()
		}
	})
}

// TestBackbone: what the head sees.
func TestBackbone(t *testing.T) {
	loaded(t, model.Tiny, 16, func(sc *torch.Scope, m *model.Model, x *torch.Tensor) {
		s, err := New(m, Backbone)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Free()
		if got, want := copied(t, s.Forward(sc, x)), copied(t, m.Features(sc, x, nn.Evaluation)); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}

func TestSource(t *testing.T) {
	m, err := model.New(model.Tiny, 3)
	if err != nil {
		t.Fatal(err)
	}
	text, err := source(m.Graph().Nodes)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"def forward(self, v0):\n    v1 = torch.conv2d(v0, self.backbone.conv1.weight, None, [2, 2], [3, 3], [1, 1], 1)\n",
		"v2 = torch.batch_norm(v1, self.backbone.bn1.weight, self.backbone.bn1.bias, self.backbone.bn1.running_mean, self.backbone.bn1.running_var, False, 0.1, 1e-05, True)\n",
		`torch.conv2d(v4, getattr(self.backbone.layer1, "0").conv1.weight, `,
		`, getattr(self.head, "1").weight, getattr(self.head, "1").bias)`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// An operation without a form is an error that names it.
func TestUnknownOperation(t *testing.T) {
	g, x := graph.New()
	g.Add(graph.ReLU{}, x)
	g.Nodes[1].Op = graph.Input{}
	if _, err := source(g.Nodes); err == nil || err.Error() != "input has no form in TorchScript" {
		t.Errorf("%v", err)
	}
}

// TestFusion: operator by operator and as a script, fusion is that of package fusion.
func TestFusion(t *testing.T) {
	samples := []float32{
		1, -2, 3, 1.5, -2, 4, 1.25, -2, 2, // three passes of the first member over three images
		0, 5, 3, 1, 4, 3.5, 2, 4.5, 4,
	}
	temperatures := []float32{1, 2}
	members := make([]fusion.Member, 2)
	for m := range members {
		for i := range 3 {
			var w fusion.Welford
			for k := range 3 {
				w.Add(float64(samples[m*9+k*3+i]))
			}
			t := float64(temperatures[m])
			members[m].Logit = append(members[m].Logit, w.Mean()/t)
			members[m].Variance = append(members[m].Variance, w.Variance()/(t*t))
		}
	}
	logit, variance, err := fusion.Fuse(fusion.InverseVariance, members)
	if err != nil {
		t.Fatal(err)
	}
	want := single(append(logit, variance...))
	torchtest.Run(t, func(sc *torch.Scope) {
		x, temperature := sc.FromFloat32(samples, 2, 3, 3), sc.FromFloat32(temperatures, 2)
		s, err := NewFusion()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Free()
		for range 3 {
			both := s.Run(sc, "forward", x, temperature)
			if got := append(copied(t, both[0]), copied(t, both[1])...); !within(got, want) {
				t.Errorf("script: %v, want %v", got, want)
			}
		}
		z, v := Fuse(sc, x, temperature)
		if got := append(copied(t, z), copied(t, v)...); !within(got, want) {
			t.Errorf("operators: %v, want %v", got, want)
		}
	})
}

func single(v []float64) []float32 {
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(v[i])
	}
	return out
}
