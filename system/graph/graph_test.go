package graph

import (
	"slices"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestMain(m *testing.M) { torchtest.Main(m) }

// double is x + x, and the mean over its map.
func double() *Graph {
	g, x := New()
	g.Add(Average{}, g.Add(ReLU{}, g.Add(Add{}, x, x)))
	return g
}

// TestEval: every node is shown, its result is freed after its last use, and images
// stay the caller's. What layers compute is tested with the networks (package model).
func TestEval(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.FromFloat32([]float32{1, -2, 3, 4}, 1, 1, 2, 2)
		before := sc.Len()
		var names []string
		y := double().Eval(sc, x, func(n *Node, _ *torch.Tensor) { names = append(names, n.String()) })
		got := make([]float32, 1)
		if err := y.CopyFloat32(got); err != nil || got[0] != 4 { // (2 + 0 + 6 + 8)/4
			t.Errorf("%v, %v, want 4", got, err)
		}
		if want := []string{"0 input", "1 add", "2 relu", "3 average"}; !slices.Equal(names, want) {
			t.Errorf("nodes %q, want %q", names, want)
		}
		if left := sc.Len() - before; left != 1 || x.Numel() != 4 {
			t.Errorf("%d tensors are left, want the result", left)
		}
	})
}

func TestUses(t *testing.T) {
	if got, want := double().Uses(), []int{2, 1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// An operation of too few operands is a mistake of the program.
func TestOperands(t *testing.T) {
	defer func() {
		if got, want := recover(), "graph: add of 1 operands, want 2"; got != want {
			t.Errorf("panic %v, want %s", got, want)
		}
	}()
	g, x := New()
	g.Add(Add{}, x)
}
