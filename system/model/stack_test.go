package model

import (
	"math"
	"strings"
	"testing"

	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// A stack computes what its networks do one by one. The tolerance is that of additions
// in another order.
func TestStackIsItsNetworks(t *testing.T) {
	const networks, images, tolerance = 3, 4, 1e-5
	for _, name := range []string{Tiny, "resnet18"} {
		s, err := NewStack(name, 2, networks)
		if err != nil {
			t.Fatal(err)
		}
		torchtest.Run(t, func(sc *torch.Scope) {
			sources := formulas(3, 4, 5)
			src, err := s.Source(sources...)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Params.Load(sc, src); err != nil {
				t.Fatal(err)
			}
			defer s.Params.Free()
			sc.Seed(1)
			x := sc.Randn(images, 2, 48, 48)
			got := logitsOf(t, s.Forward(sc, x))
			for k, source := range sources {
				want := logitsOf(t, forwardWith(t, sc, name, source, x))
				if d := apart(got[k*images:(k+1)*images], want); !(d <= tolerance) {
					t.Errorf("%s: network %d differs by %g", name, k, d)
				}
				// What a check is for: another network's logits are no nearer.
				other := (k + 1) % networks
				if d := apart(got[other*images:(other+1)*images], want); d <= tolerance {
					t.Errorf("%s: networks %d and %d are the same", name, k, other)
				}
			}
		})
	}
}

// Weights of a stack are as many as those of its networks, and multiply-adds, too.
func TestStackCosts(t *testing.T) {
	s, err := NewStack("resnet18", 3, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Params.Trainable(), 3*s.single.Params.Trainable(); got != want {
		t.Errorf("%d parameters, want %d", got, want)
	}
	if got, want := s.backbone.cost(64), s.single.backbone.cost(64); got.Layers != 3*want.Layers {
		t.Errorf("%d multiply-adds, want 3 × %d", got.Layers, want.Layers)
	}
}

func TestStackErrors(t *testing.T) {
	for want, f := range map[string]func() error{
		"vit_b_16 cannot be stacked": func() error { _, err := NewStack("vit_b_16", 3, 2); return err },
		`unknown model "resnet19"`:   func() error { _, err := NewStack("resnet19", 3, 2); return err },
		"a stack of 0 networks":      func() error { _, err := NewStack(Tiny, 3, 0); return err },
		"weights of 1 networks for a stack of 2": func() error {
			s, err := NewStack(Tiny, 3, 2)
			if err == nil {
				_, err = s.Source(nn.Formula{})
			}
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func formulas(seeds ...uint64) (out []nn.Source) {
	for _, seed := range seeds {
		out = append(out, nn.Formula{Seed: seed, Scrambled: true})
	}
	return out
}

func forwardWith(t *testing.T, sc *torch.Scope, name string, src nn.Source, x *torch.Tensor) *torch.Tensor {
	t.Helper()
	m, err := New(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Params.Load(sc, src); err != nil {
		t.Fatal(err)
	}
	defer m.Params.Free()
	return m.Forward(sc, x)
}

func logitsOf(t *testing.T, y *torch.Tensor) []float32 {
	t.Helper()
	v := make([]float32, y.Numel())
	if err := y.CopyFloat32(v); err != nil {
		t.Fatal(err)
	}
	return v
}

// apart is the largest difference relative to max(1, |b|).
func apart(a, b []float32) float64 {
	worst := 0.0
	for i := range b {
		worst = max(worst, math.Abs(float64(a[i]-b[i]))/max(1, math.Abs(float64(b[i]))))
	}
	return worst
}
