package model

import (
	"slices"
	"testing"

	"lensbench/system/graph"
	"lensbench/system/nn"
	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// TestGraph: a network's graph computes what its forward pass computes, to the bit.
func TestGraph(t *testing.T) {
	for _, c := range []struct {
		name   string
		pixels int64
	}{{Tiny, 16}, {"resnet18", 40}, {"resnet34", 33}, {"light_transformer", 64}, {"light_transformer", 112}, {"vit_b_16", 224}} {
		m, err := New(c.name, 3)
		if err != nil {
			t.Fatal(err)
		}
		torchtest.Run(t, func(sc *torch.Scope) {
			if err := m.Params.Load(sc, nn.Formula{Seed: 4, Scrambled: true}); err != nil {
				t.Fatal(err)
			}
			defer m.Params.Free()
			x := images(sc, 4, [4]int64{2, 3, c.pixels, c.pixels})
			want, before := copied(t, m.Forward(sc, x)), sc.Len()
			var seen []int
			got := m.Graph().Eval(sc, x, func(n *graph.Node, y *torch.Tensor) { seen = append(seen, n.Index) })
			if !slices.Equal(copied(t, got), want) {
				t.Errorf("%s: logits %v, want %v", c.name, copied(t, got), want)
			}
			if left := sc.Len() - before; left != 1 || !slices.IsSorted(seen) || len(seen) != len(m.Graph().Nodes) {
				t.Errorf("%s: %d tensors are left, nodes %v were seen", c.name, left, seen)
			}
		})
	}
}

// Nodes are called by their layers.
func TestGraphNamesLayers(t *testing.T) {
	m, err := New("resnet18", 3)
	if err != nil {
		t.Fatal(err)
	}
	for index, want := range map[int]string{0: "0 input", 1: "1 conv backbone.conv1", 2: "2 batchnorm backbone.bn1", 4: "4 maxpool"} {
		if got := m.Graph().Nodes[index].String(); got != want {
			t.Errorf("node %q, want %q", got, want)
		}
	}
}
