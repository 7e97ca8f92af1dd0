package torch_test

import (
	"errors"
	"math"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// TestAutocastTypes: what operators work in, inside and outside of a scope.
func TestAutocastTypes(t *testing.T) {
	convolve := func(sc *torch.Scope) *torch.Tensor {
		return sc.Conv2D(sc.Ones(torch.Float32, 1, 1, 3, 3), sc.Ones(torch.Float32, 1, 1, 3, 3), nil, torch.Conv{})
	}
	multiply := func(sc *torch.Scope) *torch.Tensor { return sc.MatMul(count(sc, 2, 2), count(sc, 2, 2)) }
	const low = -1 // the scope's type
	for _, tt := range []struct {
		name string
		f    func(sc *torch.Scope) *torch.Tensor
		want torch.DType
	}{
		{"MatMul", multiply, low},
		{"Linear", func(sc *torch.Scope) *torch.Tensor { return sc.Linear(count(sc, 2, 2), count(sc, 2, 2), nil) }, low},
		{"Conv2D", convolve, low},
		{"Sum of a product", func(sc *torch.Scope) *torch.Tensor { return sc.Sum(multiply(sc)) }, low},
		{"Sum of float32", func(sc *torch.Scope) *torch.Tensor { return sc.Sum(count(sc, 2, 2)) }, torch.Float32},
		{"ReLU of float32", func(sc *torch.Scope) *torch.Tensor { return sc.ReLU(count(sc, 2, 2)) }, torch.Float32},
		{"Add of both types", func(sc *torch.Scope) *torch.Tensor { return sc.Add(multiply(sc), count(sc, 2, 2)) }, torch.Float32},
		{"BCEWithLogits", func(sc *torch.Scope) *torch.Tensor {
			return sc.BCEWithLogits(multiply(sc), sc.Ones(torch.Float32, 2, 2))
		}, torch.Float32},
		{"MatMul of float64", func(sc *torch.Scope) *torch.Tensor { return sc.MatMul(generic(sc, 2, 2), generic(sc, 2, 2)) }, torch.Float64},
	} {
		for _, dtype := range []torch.DType{torch.BFloat16, torch.Float16} {
			torchtest.Run(t, func(sc *torch.Scope) {
				want := tt.want
				if want == low {
					want = dtype
				}
				outside := tt.f(sc).DType()
				sc.Autocast(dtype, func() {
					if got := tt.f(sc).DType(); got != want {
						t.Errorf("%s, autocast to %v: result is %v, want %v", tt.name, dtype, got, want)
					}
				})
				if got := tt.f(sc).DType(); got != outside || got == dtype {
					t.Errorf("%s after autocast to %v: result is %v, %v before", tt.name, dtype, got, outside)
				}
			})
		}
	}
}

// checkAutocast compares both what the binding says and what operators do.
func checkAutocast(t *testing.T, sc *torch.Scope, where string, want torch.DType) {
	t.Helper()
	if got := sc.Autocasting(); got != want {
		t.Errorf("%s: autocast to %v, want %v", where, got, want)
	}
	if got := sc.MatMul(count(sc, 2, 2), count(sc, 2, 2)).DType(); got != want {
		t.Errorf("%s: product of type %v, want %v", where, got, want)
	}
}

func TestAutocastNests(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		checkAutocast(t, sc, "outside", torch.Float32)
		sc.Autocast(torch.BFloat16, func() {
			checkAutocast(t, sc, "in bfloat16", torch.BFloat16)
			sc.Autocast(torch.Float16, func() {
				checkAutocast(t, sc, "in float16", torch.Float16)
				sc.Autocast(torch.Float32, func() { checkAutocast(t, sc, "off", torch.Float32) })
				checkAutocast(t, sc, "after off", torch.Float16)
			})
			checkAutocast(t, sc, "after float16", torch.BFloat16)
		})
		checkAutocast(t, sc, "after all", torch.Float32)
	})
}

// A panic leaves the scope, and other threads are never in it.
func TestAutocastAfterPanic(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		err := try(func() {
			sc.Autocast(torch.BFloat16, func() {
				sc.Autocast(torch.Float16, func() { sc.Add(vec(sc, 1, 2), vec(sc, 1, 2, 3)) })
			})
		})
		if !errors.Is(err, torch.ErrInvalid) {
			t.Errorf("error %v, want one of kind %v", err, torch.ErrInvalid)
		}
		checkAutocast(t, sc, "after a panic", torch.Float32)
		sc.Autocast(torch.BFloat16, func() {
			done := make(chan bool)
			go func() {
				defer close(done)
				torchtest.Run(t, func(sc *torch.Scope) { checkAutocast(t, sc, "another thread", torch.Float32) })
			}()
			<-done
		})
		err = try(func() { sc.Autocast(torch.Int64, func() { t.Error("in autocast to int64") }) })
		if !errors.Is(err, torch.ErrArgument) {
			t.Errorf("autocast to int64: error %v, want one of kind %v", err, torch.ErrArgument)
		}
	})
}

// The cast of a weight is computed once in a scope, and again in the next one: it
// must not be older than the weight. Changing a weight within a scope shows that
// there is such a cache.
func TestAutocastForgetsCastWeights(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		w := sc.FromFloat32([]float32{1}, 1, 1)
		w.SetRequiresGrad(true)
		x := sc.FromFloat32([]float32{1}, 1, 1)
		product := func() float32 { return floats(t, sc.MatMul(x, w))[0] }
		double := func() { sc.NoGrad(func() { sc.AddInPlace(w, w) }) }
		sc.Autocast(torch.BFloat16, func() {
			sc.Autocast(torch.BFloat16, func() { product() })
			double()
			if got := product(); got != 1 {
				t.Errorf("product %v after the weight has changed within a scope: nothing is cached", got)
			}
		})
		sc.Autocast(torch.BFloat16, func() {
			if got := product(); got != 2 {
				t.Errorf("product %v in a new scope, want 2", got)
			}
		})
		sc.Autocast(torch.Float16, func() {
			if got := sc.MatMul(x, w).DType(); got != torch.Float16 {
				t.Errorf("product of type %v, want float16", got)
			}
		})
	})
}

// Gradients have the types of their leaves, and values within bfloat16's rounding,
// 2⁻⁸, of the exact ones, for a sum of two products.
func TestAutocastGradients(t *testing.T) {
	for _, inside := range []bool{false, true} {
		torchtest.Train(t, func(sc *torch.Scope) {
			x, w := sc.FromFloat32([]float32{1.1, 2.3}, 1, 2), sc.FromFloat32([]float32{0.7, -0.3}, 2, 1)
			x.SetRequiresGrad(true)
			w.SetRequiresGrad(true)
			var loss *torch.Tensor
			sc.Autocast(torch.BFloat16, func() {
				loss = sc.Sum(sc.MatMul(x, w))
				if inside {
					sc.Backward(loss)
				}
			})
			if !inside {
				sc.Backward(loss)
			}
			for _, leaf := range [][2]*torch.Tensor{{x, w}, {w, x}} {
				grad, want := sc.Grad(leaf[0]), floats(t, leaf[1])
				if grad.DType() != torch.Float32 {
					t.Errorf("gradient of type %v, want float32", grad.DType())
				}
				for i, got := range floats(t, grad) {
					if math.Abs(float64(got-want[i])) > math.Abs(float64(want[i]))/256 {
						t.Errorf("gradient %v, want %v", got, want[i])
					}
				}
			}
		})
	}
}

// The host gets short floats as the float32 that they are.
func TestCopyOfShortFloats(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.FromFloat32([]float32{1, -2.5, 1.0 / 3, 1e-3, 60000, float32(math.Inf(1))}, 3, 2)
		for dtype, want := range map[torch.DType][]float32{ // row-major, of the transposed
			torch.BFloat16: {1, 0.333984375, 59904, -2.5, 0.00099945068359375, float32(math.Inf(1))},
			torch.Float16:  {1, 0.333251953125, 60000, -2.5, 0.0010004043579101562, float32(math.Inf(1))},
		} {
			got := floats(t, sc.Transpose(sc.To(x, dtype), 0, 1))
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%v: element %d is %v, want %v", dtype, i, got[i], want[i])
				}
			}
			if err := sc.To(x, dtype).CopyFloat64(make([]float64, 6)); !errors.Is(err, torch.ErrArgument) {
				t.Errorf("%v into float64: error %v, want one of kind %v", dtype, err, torch.ErrArgument)
			}
		}
		if err := sc.To(x, torch.Float64).CopyFloat32(make([]float32, 6)); !errors.Is(err, torch.ErrArgument) {
			t.Errorf("float64 into float32: error %v, want one of kind %v", err, torch.ErrArgument)
		}
		if err := sc.To(x, torch.Float16).CopyFloat32(make([]float32, 5)); !errors.Is(err, torch.ErrArgument) {
			t.Errorf("6 elements into 5: error %v, want one of kind %v", err, torch.ErrArgument)
		}
	})
}
