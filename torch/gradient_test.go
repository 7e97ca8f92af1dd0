package torch_test

import (
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// generic returns float64 numbers in [−1, 1) without pattern: no two are closer
// than a finite difference, so no maximum and no kink lies between.
func generic(sc *torch.Scope, shape ...int64) *torch.Tensor {
	n := int64(1)
	for _, s := range shape {
		n *= s
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = 2*math.Mod(float64(i+1)*math.Phi, 1) - 1
	}
	return sc.FromFloat64(v, shape...)
}

type function = func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor

// unary makes a function of one of torch's methods.
func unary(f func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor) function {
	return func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor { return f(sc, x[0]) }
}

func binary(f func(sc *torch.Scope, a, b *torch.Tensor) *torch.Tensor) function {
	return func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor { return f(sc, x[0], x[1]) }
}

// TestGradients compares gradients of all operators that networks are made of
// with finite differences.
func TestGradients(t *testing.T) {
	type shapes = [][]int64
	for _, tt := range []struct {
		name   string
		inputs shapes
		f      function
	}{
		{"Add", shapes{{2, 3}, {3}}, binary((*torch.Scope).Add)},
		{"Sub", shapes{{2, 3}, {3}}, binary((*torch.Scope).Sub)},
		{"Mul", shapes{{2, 3}, {2, 1}}, binary((*torch.Scope).Mul)},
		{"Div", shapes{{2, 3}, {3}}, binary((*torch.Scope).Div)},
		{"MatMul", shapes{{2, 2, 3}, {3, 4}}, binary((*torch.Scope).MatMul)},
		{"AddScalar, MulScalar", shapes{{3}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.MulScalar(sc.AddScalar(x, 2), -3)
		})},
		{"in place", shapes{{2, 3}, {3}}, binary(func(sc *torch.Scope, a, b *torch.Tensor) *torch.Tensor {
			y := sc.MulInPlace(sc.AddInPlace(sc.Mul(a, b), b), b)
			return sc.ReLUInPlace(y)
		})},
		{"Abs", shapes{{5}}, unary((*torch.Scope).Abs)},
		{"Max", shapes{{5}}, unary((*torch.Scope).Max)},
		{"Sum", shapes{{5}}, unary((*torch.Scope).Sum)},
		{"Mean", shapes{{2, 3, 2}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor { return sc.Mean(x, 1) })},
		{"ReLU", shapes{{7}}, unary((*torch.Scope).ReLU)},
		{"GELU", shapes{{7}}, unary((*torch.Scope).GELU)},
		{"Sigmoid", shapes{{7}}, unary((*torch.Scope).Sigmoid)},
		{"Softmax", shapes{{2, 4}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor { return sc.Softmax(x, 1) })},
		{"Linear", shapes{{2, 2, 3}, {4, 3}, {4}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.Linear(x[0], x[1], x[2])
		}},
		{"LayerNorm", shapes{{3, 4}, {4}, {4}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.LayerNorm(x[0], x[1], x[2], 1e-5)
		}},
		{"BatchNorm", shapes{{2, 3, 2, 2}, {3}, {3}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.BatchNorm(x[0], x[1], x[2], generic(sc, 3), sc.Full(torch.Float64, 2, 3), 1e-5)
		}},
		{"BatchNormTraining", shapes{{2, 3, 2, 2}, {3}, {3}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.BatchNormTraining(x[0], x[1], x[2], generic(sc, 3), sc.Full(torch.Float64, 2, 3), 1e-5)
		}},
		{"Conv2D", shapes{{2, 2, 5, 4}, {3, 2, 3, 3}, {3}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.Conv2D(x[0], x[1], x[2], torch.Conv{Stride: [2]int{2, 1}, Padding: [2]int{1, 1}})
		}},
		{"Conv2D in groups", shapes{{1, 4, 3, 3}, {4, 2, 2, 2}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.Conv2D(x[0], x[1], nil, torch.Conv{Groups: 2})
		}},
		{"MaxPool2D", shapes{{1, 2, 5, 5}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.MaxPool2D(x, torch.Pool{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: [2]int{1, 1}})
		})},
		{"AdaptiveAvgPool2D", shapes{{1, 2, 3, 4}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.AdaptiveAvgPool2D(x, 1, 1)
		})},
		{"ScaledDotProductAttention", shapes{{1, 2, 3, 4}, {1, 2, 5, 4}, {1, 2, 5, 4}}, func(sc *torch.Scope, x []*torch.Tensor) *torch.Tensor {
			return sc.ScaledDotProductAttention(x[0], x[1], x[2])
		}},
		{"UpsampleBilinear2D", shapes{{1, 2, 3, 4}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.UpsampleBilinear2D(x, 5, 3)
		})},
		{"UpsampleBilinear2DAntialias, smaller", shapes{{1, 2, 7, 6}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.UpsampleBilinear2DAntialias(x, 3, 2)
		})},
		{"UpsampleBilinear2DAntialias, larger", shapes{{1, 2, 3, 2}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.UpsampleBilinear2DAntialias(x, 7, 5)
		})},
		{"UpsampleBicubic2D, smaller", shapes{{1, 2, 6, 5}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.UpsampleBicubic2D(x, 4, 3)
		})},
		{"UpsampleBicubic2D, larger", shapes{{1, 2, 3, 4}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.UpsampleBicubic2D(x, 7, 5)
		})},
		{"Dropout", shapes{{3, 4}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor { return sc.Dropout(x, 0.4) })},
		{"DropPath", shapes{{6, 2, 2}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor { return sc.DropPath(x, 0.4) })},
		{"BCEWithLogits", shapes{{5}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.BCEWithLogits(x, sc.FromFloat64([]float64{0, 1, 0, 1, .3}, 5))
		})},
		{"views", shapes{{2, 3, 4}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			y := sc.Contiguous(sc.Transpose(sc.Flatten(x, 1, -1), 0, 1)) // [12 2]
			y = sc.Reshape(sc.Permute(sc.View(y, 3, 4, 2), 2, 0, 1), 2, 12)
			last := sc.Expand(sc.Unsqueeze(sc.Select(y, 1, -1), 1), -1, 3)
			return sc.Squeeze(sc.Cat(1, sc.Narrow(y, 1, 2, 4), sc.Slice(y, 1, 0, 12, 3), last), 1)
		})},
		{"Split", shapes{{2, 5}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			parts := sc.Split(x, 1, 2)
			return sc.Cat(0, parts[1], sc.Mul(parts[0], parts[0]), sc.Expand(parts[2], -1, 2))
		})},
		{"Stack", shapes{{3}, {3}}, binary(func(sc *torch.Scope, a, b *torch.Tensor) *torch.Tensor {
			return sc.Stack([]*torch.Tensor{a, b, a}, 1)
		})},
		{"Clone, To", shapes{{3}}, unary(func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor {
			return sc.To(sc.Clone(x), torch.Float64)
		})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				inputs := make([]*torch.Tensor, len(tt.inputs))
				for i, shape := range tt.inputs {
					inputs[i] = generic(sc, shape...)
				}
				checkGradients(t, sc, inputs, tt.f)
			})
		})
	}
}

// checkGradients compares, for each element of each input, the derivative of a
// weighted sum of f's elements with a central difference. Its step of 1e-5 leaves
// an error below 1e-9 for numbers of order one; 1e-7 is far from any mistake.
func checkGradients(t *testing.T, sc *torch.Scope, inputs []*torch.Tensor, f function) {
	t.Helper()
	const step, tolerance = 1e-5, 1e-7
	loss := func(sc *torch.Scope) *torch.Tensor {
		sc.Seed(7) // masks are the same every time
		y := f(sc, inputs)
		return sc.Sum(sc.Mul(y, sc.AddScalar(generic(sc, y.Shape()...), 1.5)))
	}
	value := func() (v float64) {
		sc.Scoped(func(sc *torch.Scope) { sc.NoGrad(func() { v = doubles(t, loss(sc))[0] }) })
		return v
	}
	for _, x := range inputs {
		x.SetRequiresGrad(true)
	}
	sc.Backward(loss(sc))
	for i, x := range inputs {
		got, at := doubles(t, sc.Grad(x)), doubles(t, x)
		for j := range at {
			moved := slices.Clone(at)
			set := func(v float64) float64 {
				moved[j] = v
				sc.NoGrad(func() { sc.Copy(x, sc.FromFloat64(moved, x.Shape()...)) })
				return value()
			}
			want := (set(at[j]+step) - set(at[j]-step)) / (2 * step)
			set(at[j])
			if !(math.Abs(got[j]-want) <= tolerance*max(1, math.Abs(want))) {
				t.Errorf("input %d, element %d: gradient %v, finite difference %v", i, j, got[j], want)
			}
		}
	}
}

func doubles(t testing.TB, x *torch.Tensor) []float64 {
	t.Helper()
	v := make([]float64, x.Numel())
	if err := x.CopyFloat64(v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Gradients of two backward passes add up, until they are removed. They are part
// of the leaf: the scope's handles come and go.
func TestGradientsAddUp(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		x := vec(sc, 1, 2)
		x.SetRequiresGrad(true)
		pass := func() {
			sc.Scoped(func(sc *torch.Scope) { sc.Backward(sc.Sum(sc.Mul(x, x))) })
		}
		if sc.Grad(x) != nil {
			t.Error("a gradient before the first pass")
		}
		pass()
		near(t, "one pass", floats(t, sc.Grad(x)), []float32{2, 4})
		pass()
		near(t, "two passes", floats(t, sc.Grad(x)), []float32{4, 8})
		sc.SetGrad(x, vec(sc, 10, 20))
		pass()
		near(t, "a pass after SetGrad", floats(t, sc.Grad(x)), []float32{12, 24})
		sc.ZeroGrads([]*torch.Tensor{x})
		if sc.Grad(x) != nil {
			t.Error("a gradient after ZeroGrads")
		}
		pass()
		near(t, "after ZeroGrads", floats(t, sc.Grad(x)), []float32{2, 4})
	})
}

// What a forward pass has freed lives on in its record.
func TestForwardFreesItsHandles(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		x := vec(sc, 1, 2, 3)
		x.SetRequiresGrad(true)
		y := sc.Mul(x, x)
		z := sc.Mul(y, x)
		y.Free()
		loss := sc.Sum(z)
		z.Free()
		sc.Backward(loss)
		near(t, "gradient of x³", floats(t, sc.Grad(x)), []float32{3, 12, 27})
	})
}

// TestWhatIsRecorded: leaves, views of results, and what is outside of the record.
func TestWhatIsRecorded(t *testing.T) {
	torchtest.Train(t, func(sc *torch.Scope) {
		x := vec(sc, 1, 2)
		if x.RequiresGrad() {
			t.Error("a new tensor requires a gradient")
		}
		x.SetRequiresGrad(true)
		y := sc.Add(x, x)
		var apart *torch.Tensor
		sc.NoGrad(func() { apart = sc.Add(x, x) })
		for name, tt := range map[string]struct {
			x    *torch.Tensor
			want bool
		}{"leaf": {x, true}, "result": {y, true}, "detached": {sc.Detach(y), false}, "without grad": {apart, false}} {
			if got := tt.x.RequiresGrad(); got != tt.want {
				t.Errorf("%s requires a gradient: %v, want %v", name, got, tt.want)
			}
		}
		x.SetRequiresGrad(false)
		if sc.Add(x, x).RequiresGrad() {
			t.Error("recorded after SetRequiresGrad(false)")
		}
	})
}

// TestGradientErrors: each is an error of libtorch or our own, in words that say
// what is wrong, and the session goes on.
func TestGradientErrors(t *testing.T) {
	leaf := func(sc *torch.Scope) *torch.Tensor {
		x := vec(sc, 1, 2)
		x.SetRequiresGrad(true)
		return x
	}
	for _, tt := range []struct {
		name, want string
		f          func(sc *torch.Scope)
	}{
		{"loss of two elements", "grad can be implicitly created only for scalar outputs", func(sc *torch.Scope) {
			sc.Backward(sc.MulScalar(leaf(sc), 2))
		}},
		{"loss without a record", "does not require grad", func(sc *torch.Scope) { sc.Backward(sc.Sum(vec(sc, 1))) }},
		{"second pass", "backward through the graph a second time", func(sc *torch.Scope) {
			x := leaf(sc)
			loss := sc.Sum(sc.Mul(x, x))
			sc.Backward(loss)
			sc.Backward(loss)
		}},
		{"leaf changed in place", "in-place operation", func(sc *torch.Scope) { sc.ReLUInPlace(leaf(sc)) }},
		{"needed value changed in place", "modified by an inplace operation", func(sc *torch.Scope) {
			y := sc.Sigmoid(leaf(sc)) // its gradient is made of its result
			sc.AddInPlace(y, y)
			sc.Backward(sc.Sum(y))
		}},
		{"integers", "Only Tensors of floating point", func(sc *torch.Scope) { sc.FromInt64([]int64{1}, 1).SetRequiresGrad(true) }},
		{"not a leaf", "leaf", func(sc *torch.Scope) { sc.Add(leaf(sc), leaf(sc)).SetRequiresGrad(false) }},
		{"gradient of another shape", "gradient float32[3] of float32[2]", func(sc *torch.Scope) { sc.SetGrad(leaf(sc), vec(sc, 1, 2, 3)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Train(t, func(sc *torch.Scope) {
				err := try(func() { tt.f(sc) })
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
			})
		})
	}
}

// TestBackwardThreads: the backward pass runs on the session's thread, and has as
// many helpers as the session allows. Shares of processor time tell, which other
// work on the machine does not change.
func TestBackwardThreads(t *testing.T) {
	for threads, limits := range map[int][2]float64{1: {0.75, 1.2}, 2: {0.3, 0.7}} {
		err := torch.Session{Threads: threads}.Run(func(sc *torch.Scope) error {
			x := sc.Ones(torch.Float32, 1024, 1024)
			x.SetRequiresGrad(true)
			loss := sc.Sum(sc.MatMul(x, x)) // two products of matrices to go back
			own, all := cpu(rusageThread), cpu(syscall.RUSAGE_SELF)
			sc.Backward(loss)
			share := (cpu(rusageThread) - own) / (cpu(syscall.RUSAGE_SELF) - all)
			if got := sc.Threads(); got != threads {
				t.Errorf("%d threads after the backward pass, want %d", got, threads)
			}
			if share < limits[0] || share > limits[1] {
				t.Errorf("%d threads: the session's has %.2f of the processor time, want %.2f to %.2f", threads, share, limits[0], limits[1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

const rusageThread = 1 // RUSAGE_THREAD of getrusage(2)

// cpu returns the seconds of processor time used so far.
func cpu(who int) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
