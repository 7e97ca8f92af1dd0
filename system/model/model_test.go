package model

import (
	"math"
	"strings"
	"testing"

	"lensbench/system/nn"
	"lensbench/torch"
)

// TestParameters: counts are PyTorch's sum(p.numel() for p in parameters()),
// with the head.
func TestParameters(t *testing.T) {
	cases := []struct {
		name           string
		b1, b3, b4, b5 int64
	}{
		{"resnet18", 11_170_240 + 513, 11_177_025, 11_179_648 + 513, 11_182_784 + 513},
		{"resnet34", 21_278_913, 21_285_185, 21_288_321, 21_291_457},
		{"vit_b_16", 85_405_440 + 769, 85_799_425, 85_995_264 + 769, 86_191_872 + 769},
		{"light_transformer", 5_164_993, 5_171_265, 5_174_401, 5_177_537},
	}
	for _, c := range cases {
		for bands, want := range map[int]int64{1: c.b1, 3: c.b3, 4: c.b4, 5: c.b5} {
			m, err := New(c.name, bands)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Params.Trainable(); got != want {
				t.Errorf("%s, %d bands: %d parameters, want %d", c.name, bands, got, want)
			}
		}
	}
}

// TestCost: giga-multiply-adds of convolutions and linear layers for 3 bands, to
// the digits that are published.
func TestCost(t *testing.T) {
	cases := []struct {
		name      string
		pixels    int
		layers    float64
		attention float64
	}{
		{"resnet18", 64, 0.148, 0}, {"resnet18", 112, 0.485, 0}, {"resnet18", 224, 1.814, 0},
		{"resnet34", 64, 0.299, 0}, {"resnet34", 112, 0.965, 0}, {"resnet34", 224, 3.663, 0},
		{"vit_b_16", 224, 16.85, 0.71},
		{"light_transformer", 112, 0.372, 0},
	}
	for _, c := range cases {
		m, err := New(c.name, 3)
		if err != nil {
			t.Fatal(err)
		}
		cost := m.Cost(c.pixels)
		digits := 1e3
		if c.layers > 10 {
			digits = 1e2
		}
		if got := math.Round(float64(cost.Layers)/1e9*digits) / digits; got != c.layers {
			t.Errorf("%s at %d: %d multiply-adds, want %g G", c.name, c.pixels, cost.Layers, c.layers)
		}
		// Published is 0.71; 2·12·197²·768 is 0.7153.
		if got := float64(cost.Attention) / 1e9; math.Abs(got-c.attention) > 0.006 {
			t.Errorf("%s at %d: %d in attention, want %g G", c.name, c.pixels, cost.Attention, c.attention)
		}
	}
	if got := (Cost{Layers: 3, Attention: 2}).FLOP(); got != 10 {
		t.Errorf("FLOP %v, want 10", got)
	}
}

func TestNewErrors(t *testing.T) {
	for _, c := range []struct {
		name  string
		bands int
		want  string
	}{
		{"resnet81", 3, `unknown model "resnet81", did you mean "resnet18"?`},
		{"vit", 3, `did you mean "vit_b_16"? there are resnet18, resnet34, vit_b_16, light_transformer`},
		{"resnet18", 0, "resnet18 for images of 0 bands; want 1 or more"},
	} {
		if _, err := New(c.name, c.bands); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestCheckSize(t *testing.T) {
	for _, c := range []struct {
		name          string
		height, width int
		want          string // empty: allowed
	}{
		{"resnet18", 1, 300, ""},
		{"resnet18", 0, 64, "resnet18: images of 0×64 pixels: want at least 1×1"},
		{"vit_b_16", 224, 224, ""},
		{"vit_b_16", 224, 64, "vit_b_16: images of 224×64 pixels: want 224×224, the grid of its position embedding"},
		{"light_transformer", 17, 40, ""},
		{"light_transformer", 16, 64, "light_transformer: images of 16×64 pixels: want at least 17×17, for one token"},
	} {
		m, err := New(c.name, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.CheckSize(c.height, c.width); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%s %d×%d: %v, want %q", c.name, c.height, c.width, err, c.want)
		}
	}
}

// TestSmallest: the smallest image that CheckSize lets through is really scored.
func TestSmallest(t *testing.T) {
	for name, pixels := range map[string]int64{"resnet18": 1, "light_transformer": 17} {
		score(t, name, 1, nn.Formula{}, func(sc *torch.Scope) *torch.Tensor {
			return sc.Zeros(torch.Float32, 1, 1, pixels, pixels)
		})
	}
}

// score returns the logits of the images x, and checks that nothing is leaked.
func score(t *testing.T, name string, bands int, src nn.Source, x func(sc *torch.Scope) *torch.Tensor) []float32 {
	t.Helper()
	m, err := New(name, bands)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Params.Free()
	var logits []float32
	err = torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
		if err := m.Params.Load(sc, src); err != nil {
			return err
		}
		x := x(sc)
		before := sc.Len()
		y := m.Forward(sc, x)
		if left := sc.Len() - before; left != 1 {
			t.Errorf("%s: forward leaves %d tensors, want 1", name, left)
		}
		logits = make([]float32, y.Numel())
		return y.CopyFloat32(logits)
	})
	if err != nil {
		t.Fatal(err)
	}
	return logits
}
