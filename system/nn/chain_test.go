package nn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestPolicy(t *testing.T) {
	for s, want := range map[string]Policy{"none": KeepAll, "block": EveryBlock, "stage": EveryStage, "every-2": 2, "every-10": 10} {
		if got, err := ParsePolicy(s); err != nil || got != want || got.String() != s {
			t.Errorf("%q: %d (%v), %v", s, got, got, err)
		}
	}
	for s, near := range map[string]string{
		"": "", "blocks": "block", "stgae": "stage", "all": "", "Block": "block", "every": "every-2", "every-1": "block",
		"every-0": "every-2", "every--2": "every-2", "every-2x": "every-2", "every-02": "every-2", "every-": "every-2",
	} {
		_, err := ParsePolicy(s)
		want := fmt.Sprintf("unknown checkpoint policy %q, ", s)
		if near != "" {
			want += fmt.Sprintf("did you mean %q? ", near)
		}
		want += "there are none, block, stage, and every-K with K from 2"
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", s, err, want)
		}
	}
}

// TestSegments: which layers share a segment.
func TestSegments(t *testing.T) {
	layers := func(n int) []Layer { return make([]Layer, n) }
	for _, tt := range []struct {
		policy string
		chain  Chain
		want   []int // lengths
	}{
		{"block", Chain{layers(3), layers(4)}, []int{1, 1, 1, 1, 1, 1, 1}},
		{"stage", Chain{layers(3), layers(4)}, []int{3, 4}},
		{"every-2", Chain{layers(3), layers(4)}, []int{2, 2, 2, 1}},
		{"every-9", Chain{layers(3), layers(4)}, []int{7}},
		{"stage", Chain{layers(4)}, []int{4}},
	} {
		p, err := ParsePolicy(tt.policy)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, s := range tt.chain.segments(p) {
			got = append(got, len(s))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: segments of %v layers, want %v", tt.policy, got, tt.want)
		}
	}
}

// normalised is a chain of two segments: a convolution, BatchNorm and dropout each.
func normalised(t *testing.T, sc *torch.Scope, again func(Mode) Mode) (Chain, *Params) {
	b := NewBuilder()
	var c Chain
	for i := range 2 {
		part := b.In(fmt.Sprint(i))
		conv, bn := part.Conv2D("conv", Conv2D{In: 4, Out: 4, Kernel: 3, Stride: 1, Padding: 1}), part.BatchNorm("bn", 4)
		c = append(c, []Layer{func(sc *torch.Scope, x *torch.Tensor, mode Mode) *torch.Tensor {
			y := conv.Forward(sc, x)
			y = Next(y, bn.Forward(sc, y, again(mode)))
			return Next(y, Dropout(0.2).Forward(sc, y, mode))
		}})
	}
	ps := b.Params()
	if err := ps.Load(sc, Formula{Seed: 2}); err != nil {
		t.Fatal(err)
	}
	ps.RequireGrads(true)
	return c, ps
}

// step goes forward and back once, and returns what it leaves: loss, gradients,
// running statistics, and counters.
func step(t *testing.T, p Policy, again func(Mode) Mode) (out map[string][]float32) {
	out = map[string][]float32{}
	torchtest.Train(t, func(sc *torch.Scope) {
		c, ps := normalised(t, sc, again)
		defer ps.Free()
		sc.Seed(4)
		x := sc.Randn(5, 4, 6, 7)
		mode := Training
		mode.Checkpoint = p
		y := c.Forward(sc, x, mode)
		loss := sc.Sum(sc.Mul(y, y))
		sc.Backward(loss)
		out["loss"] = values32(t, loss)
		for _, p := range ps.All() {
			switch {
			case p.Counter:
				out[p.Name] = []float32{float32(p.Count())}
			case p.Buffer:
				out[p.Name] = values32(t, p.T())
			default:
				out["gradient of "+p.Name] = values32(t, sc.Grad(p.T()))
			}
		}
	})
	return out
}

func values32(t *testing.T, x *torch.Tensor) []float32 {
	t.Helper()
	v := make([]float32, x.Numel())
	if err := x.CopyFloat32(v); err != nil {
		t.Fatal(err)
	}
	return v
}

// differing are the names of what differs in a bit.
func differing(a, b map[string][]float32) (names []string) {
	for name := range a {
		if !slices.Equal(a[name], b[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func unchanged(m Mode) Mode { return m }

// The second pass leaves the same gradients, and the statistics of the first.
func TestCheckpointedStep(t *testing.T) {
	want := step(t, KeepAll, unchanged)
	for _, p := range []Policy{EveryBlock, EveryStage, 2} {
		if d := differing(want, step(t, p, unchanged)); d != nil {
			t.Errorf("%v: %s differ", p, strings.Join(d, ", "))
		}
	}
}

// Sabotage: a layer that does not know of the second pass is found by what is
// compared above.
func TestStatisticsUpdatedTwice(t *testing.T) {
	twice := func(m Mode) Mode { m.Again = false; return m }
	got := differing(step(t, KeepAll, unchanged), step(t, EveryBlock, twice))
	want := []string{
		"0.bn.num_batches_tracked", "0.bn.running_mean", "0.bn.running_var",
		"1.bn.num_batches_tracked", "1.bn.running_mean", "1.bn.running_var",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v differ, want %v", got, want)
	}
}

// BatchNorm without running statistics has the same outputs, to the bit.
func TestBatchNormAgain(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		b := NewBuilder()
		bn := b.BatchNorm("bn", 64)
		if err := b.Params().Load(sc, Formula{Seed: 2, Scrambled: true}); err != nil {
			t.Fatal(err)
		}
		defer b.Params().Free()
		x := sc.Randn(8, 64, 9, 9)
		again := Training
		again.Again = true
		want := values32(t, bn.Forward(sc, x, Training))
		mean := values32(t, bn.mean.T())
		if !slices.Equal(values32(t, bn.Forward(sc, x, again)), want) {
			t.Error("outputs differ in the second pass")
		}
		if !slices.Equal(values32(t, bn.mean.T()), mean) || bn.counter.Count() != 1 {
			t.Error("the second pass changed running statistics")
		}
	})
}
