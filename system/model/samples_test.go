package model

import (
	"slices"
	"testing"

	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// The samples of one backbone pass and K heads are those of K whole passes from the
// same state of the generator, to the bit, if dropout is only in the head. Of a network
// that drops within, too, they are not, so Samples makes whole passes.
func TestSamplesAreWholePasses(t *testing.T) {
	const k = 5
	for _, name := range []string{Tiny, "resnet18", "light_transformer"} {
		m := loaded(t, name)
		torchtest.Run(t, func(sc *torch.Scope) {
			sc.Seed(1)
			x := sc.Randn(3, 2, 32, 32)
			values := func(samples func(*torch.Scope, *torch.Tensor, int) *torch.Tensor) []float32 {
				sc.Seed(9)
				out := make([]float32, 3*k)
				if err := samples(sc, x, k).CopyFloat32(out); err != nil {
					t.Fatal(err)
				}
				return out
			}
			want := values(m.WholeSamples)
			if got := values(m.Samples); !slices.Equal(got, want) {
				t.Errorf("%s: %v, whole passes %v", name, got, want)
			}
			if same := slices.Equal(values(m.headSamples), want); same != m.DropoutOnlyInHead() {
				t.Errorf("%s: samples of the head alone are those of whole passes: %v; dropout only in the head: %v", name, same, m.DropoutOnlyInHead())
			}
			if slices.Equal(want[:3], want[3:6]) {
				t.Errorf("%s: two passes are the same", name)
			}
		})
	}
}

// loaded returns a network for two bands with scrambled weights.
func loaded(t testing.TB, name string) *Model {
	t.Helper()
	m, err := New(name, 2)
	if err != nil {
		t.Fatal(err)
	}
	err = torch.Session{Threads: 1, Inference: true}.Run(func(sc *torch.Scope) error {
		return m.Params.Load(sc, nn.Formula{Seed: 3, Scrambled: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Params.Free)
	return m
}
