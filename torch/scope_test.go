package torch_test

import (
	"errors"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

func TestUseAfterFree(t *testing.T) {
	uses := map[string]func(sc *torch.Scope, x *torch.Tensor){
		"operator":       func(sc *torch.Scope, x *torch.Tensor) { sc.ReLU(x) },
		"second operand": func(sc *torch.Scope, x *torch.Tensor) { sc.Add(sc.Rand(2), x) },
		"in place":       func(sc *torch.Scope, x *torch.Tensor) { sc.ReLUInPlace(x) },
		"list":           func(sc *torch.Scope, x *torch.Tensor) { sc.Cat(0, sc.Rand(2), x) },
		"optional":       func(sc *torch.Scope, x *torch.Tensor) { sc.Linear(sc.Rand(1, 2), sc.Rand(2, 2), x) },
		"by name":        func(sc *torch.Scope, x *torch.Tensor) { sc.Call(find(t, "aten::relu", ""), x) },
		"shape":          func(_ *torch.Scope, x *torch.Tensor) { x.Shape() },
		"dtype":          func(_ *torch.Scope, x *torch.Tensor) { x.DType() },
		"numel":          func(_ *torch.Scope, x *torch.Tensor) { x.Numel() },
		"bytes":          func(_ *torch.Scope, x *torch.Tensor) { x.Bytes() },
		"refill":         func(sc *torch.Scope, x *torch.Tensor) { sc.CopyFrom(x, make([]float32, 2)) },
		"keep":           func(sc *torch.Scope, x *torch.Tensor) { sc.Keep(x) },
		"own":            func(sc *torch.Scope, x *torch.Tensor) { sc.Own(x) },
	}
	ways := map[string]func(sc *torch.Scope) *torch.Tensor{
		"freed": func(sc *torch.Scope) *torch.Tensor {
			x := sc.Rand(2)
			x.Free()
			return x
		},
		"left its scope": func(sc *torch.Scope) (x *torch.Tensor) {
			sc.Scoped(func(sc *torch.Scope) { x = sc.Rand(2) })
			return x
		},
	}
	for way, gone := range ways {
		for use, f := range uses {
			t.Run(use+" of a tensor that "+way, func(t *testing.T) {
				err := torchtest.Try(t, func(sc *torch.Scope) error { f(sc, gone(sc)); return nil })
				if !errors.Is(err, torch.ErrUseAfterFree) {
					t.Errorf("error %v, want %v", err, torch.ErrUseAfterFree)
				}
			})
		}
	}
}

func TestCopyFromFreedTensorIsAnError(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.Rand(2)
		x.Free()
		if err := x.CopyFloat32(make([]float32, 2)); !errors.Is(err, torch.ErrUseAfterFree) {
			t.Errorf("error %v", err)
		}
		if got := x.String(); got != "freed tensor" {
			t.Errorf("String() = %q", got)
		}
	})
}

func TestEndedScopeIsNotUsed(t *testing.T) {
	var ended *torch.Scope
	var x *torch.Tensor
	if err := (torch.Session{}).Run(func(sc *torch.Scope) error { ended, x = sc, sc.Keep(sc.Rand(1)); return nil }); err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	for name, f := range map[string]func(){
		"operator":  func() { ended.Rand(2) },
		"from host": func() { ended.FromFloat32(nil, 0) },
		"empty":     func() { ended.Empty(torch.Float32, 1) },
		"scoped":    func() { ended.Scoped(func(sc *torch.Scope) {}) },
		"own":       func() { ended.Own(x) },
	} {
		if err := try(f); !errors.Is(err, torch.ErrUseAfterFree) {
			t.Errorf("%s in an ended scope: %v", name, err)
		}
	}
}

func TestFreeTwice(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.Rand(2)
		y := sc.Rand(2)
		x.Free()
		x.Free()
		if sc.Len() != 1 || y.Numel() != 2 {
			t.Errorf("scope owns %d tensors, want 1", sc.Len())
		}
	})
}

// Freeing in any order leaves the scope with exactly the others.
func TestFreeInAnyOrder(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0}} {
		torchtest.Run(t, func(sc *torch.Scope) {
			var all []*torch.Tensor
			for i := range 4 {
				all = append(all, sc.FromInt64([]int64{int64(i)}, 1))
			}
			before := torch.LiveTensors()
			for _, i := range order {
				all[i].Free()
			}
			if want := before - int64(len(order)); torch.LiveTensors() != want || sc.Len() != 4-len(order) {
				t.Errorf("order %v: %d alive, want %d", order, torch.LiveTensors(), want)
			}
		})
	}
}

func TestScopes(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		before := torch.LiveTensors()
		var kept, lost *torch.Tensor
		sc.Scoped(func(sc *torch.Scope) {
			lost = sc.Rand(2)
			kept = sc.Keep(sc.FromFloat32([]float32{7}, 1))
		})
		if torch.LiveTensors() != before+1 || floats(t, kept)[0] != 7 || lost.String() != "freed tensor" {
			t.Errorf("after a child scope: kept %v, lost %v", kept, lost)
		}
	})
}

func TestKeepOfAnotherScopesTensorLeavesIt(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.Rand(2)
		sc.Scoped(func(child *torch.Scope) {
			if child.Keep(x) != x {
				t.Error("Keep returned another tensor")
			}
		})
		if x.Numel() != 2 || sc.Len() != 1 {
			t.Error("the parent's tensor moved")
		}
	})
}

func TestKeepOutOfSession(t *testing.T) {
	before := torch.LiveTensors()
	var kept *torch.Tensor
	err := torch.Session{Threads: 1}.Run(func(sc *torch.Scope) error {
		kept = sc.Keep(sc.FromFloat32([]float32{1, 2}, 2))
		return nil
	})
	if err != nil || floats(t, kept)[1] != 2 {
		t.Fatalf("kept tensor: %v", err)
	}
	torchtest.Run(t, func(sc *torch.Scope) { // usable in another session
		if got := floats(t, sc.Add(kept, kept)); got[0] != 2 || got[1] != 4 {
			t.Errorf("sum of a kept tensor: %v", got)
		}
	})
	if kept.Free(); torch.LiveTensors() != before {
		t.Errorf("%d tensors alive, want %d", torch.LiveTensors(), before)
	}
}

func TestHoldingScope(t *testing.T) {
	before := torch.LiveTensors()
	weights := torch.NewScope()
	var w *torch.Tensor
	err := torch.Session{}.Run(func(sc *torch.Scope) error {
		w = weights.Own(sc.Rand(3))
		return nil
	})
	if err != nil || weights.Len() != 1 || w.Numel() != 3 {
		t.Fatalf("weights held: %d, %v", weights.Len(), err)
	}
	weights.Free()
	weights.Free()
	if torch.LiveTensors() != before || w.String() != "freed tensor" {
		t.Errorf("%d tensors alive after the scope, want %d", torch.LiveTensors(), before)
	}
}

// A view keeps the memory that it shows.
func TestViewOutlivesItsBase(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.FromFloat32([]float32{1, 2, 3, 4}, 2, 2)
		row := sc.Select(x, 0, 1)
		x.Free()
		if got := floats(t, row); got[0] != 3 || got[1] != 4 {
			t.Errorf("view after its base was freed: %v", got)
		}
	})
}
