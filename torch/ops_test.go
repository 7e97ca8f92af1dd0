package torch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// count returns a float32 tensor 0, 1, 2, … of a shape.
func count(sc *torch.Scope, shape ...int64) *torch.Tensor {
	n := int64(1)
	for _, s := range shape {
		n *= s
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i)
	}
	return sc.FromFloat32(v, shape...)
}

func vec(sc *torch.Scope, v ...float32) *torch.Tensor { return sc.FromFloat32(v, int64(len(v))) }

// TestOperators compares operators with values computed by hand.
func TestOperators(t *testing.T) {
	erf := func(x float64) float32 { return float32(x / 2 * (1 + math.Erf(x/math.Sqrt2))) }
	s := float32(1 / math.Sqrt(1.25)) // over the standard deviation of 0 1 2 3
	for _, tt := range []struct {
		name  string
		f     func(sc *torch.Scope) *torch.Tensor
		shape []int64
		want  []float32
	}{
		{"Add", func(sc *torch.Scope) *torch.Tensor { return sc.Add(count(sc, 2, 2), vec(sc, 10, 20)) },
			[]int64{2, 2}, []float32{10, 21, 12, 23}},
		{"AddInPlace", func(sc *torch.Scope) *torch.Tensor { return sc.AddInPlace(vec(sc, 1, 2), vec(sc, 3, 4)) },
			[]int64{2}, []float32{4, 6}},
		{"AddScalar", func(sc *torch.Scope) *torch.Tensor { return sc.AddScalar(vec(sc, 1, 2), 0.5) }, []int64{2}, []float32{1.5, 2.5}},
		{"Sub", func(sc *torch.Scope) *torch.Tensor { return sc.Sub(vec(sc, 1, 2), vec(sc, 3, 5)) }, []int64{2}, []float32{-2, -3}},
		{"Mul", func(sc *torch.Scope) *torch.Tensor { return sc.Mul(vec(sc, 1, 2), vec(sc, 3, 5)) }, []int64{2}, []float32{3, 10}},
		{"MulScalar", func(sc *torch.Scope) *torch.Tensor { return sc.MulScalar(vec(sc, 1, 2), -3) }, []int64{2}, []float32{-3, -6}},
		{"Div", func(sc *torch.Scope) *torch.Tensor { return sc.Div(vec(sc, 1, 2), vec(sc, 4, 8)) }, []int64{2}, []float32{.25, .25}},
		{"MatMul", func(sc *torch.Scope) *torch.Tensor { return sc.MatMul(count(sc, 2, 2), count(sc, 2, 2)) },
			[]int64{2, 2}, []float32{2, 3, 6, 11}},
		{"Abs", func(sc *torch.Scope) *torch.Tensor { return sc.Abs(vec(sc, -1, 2)) }, []int64{2}, []float32{1, 2}},
		{"Max", func(sc *torch.Scope) *torch.Tensor { return sc.Max(vec(sc, -1, 2, 1)) }, []int64{}, []float32{2}},
		{"Sum", func(sc *torch.Scope) *torch.Tensor { return sc.Sum(count(sc, 2, 3)) }, []int64{}, []float32{15}},
		{"Mean", func(sc *torch.Scope) *torch.Tensor { return sc.Mean(count(sc, 2, 2, 2), 0, -1) }, []int64{2}, []float32{2.5, 4.5}},

		{"ReLU", func(sc *torch.Scope) *torch.Tensor { return sc.ReLU(vec(sc, -1, 2)) }, []int64{2}, []float32{0, 2}},
		{"ReLUInPlace", func(sc *torch.Scope) *torch.Tensor { return sc.ReLUInPlace(vec(sc, -1, 2)) }, []int64{2}, []float32{0, 2}},
		{"GELU is exact", func(sc *torch.Scope) *torch.Tensor { return sc.GELU(vec(sc, -1, 0, 2)) }, []int64{3}, []float32{erf(-1), 0, erf(2)}},
		{"Sigmoid", func(sc *torch.Scope) *torch.Tensor { return sc.Sigmoid(vec(sc, 0, float32(math.Log(3)))) }, []int64{2}, []float32{.5, .75}},
		{"Softmax", func(sc *torch.Scope) *torch.Tensor { return sc.Softmax(vec(sc, 0, float32(math.Log(3))), 0) }, []int64{2}, []float32{.25, .75}},
		{"Linear", func(sc *torch.Scope) *torch.Tensor {
			return sc.Linear(vec(sc, 1, 2), count(sc, 3, 2), vec(sc, 1, 1, 1))
		},
			[]int64{3}, []float32{3, 9, 15}},
		{"Linear without bias", func(sc *torch.Scope) *torch.Tensor { return sc.Linear(vec(sc, 1, 2), count(sc, 3, 2), nil) },
			[]int64{3}, []float32{2, 8, 14}},
		{"LayerNorm", func(sc *torch.Scope) *torch.Tensor {
			return sc.LayerNorm(count(sc, 1, 4), vec(sc, 1, 1, 2, 2), vec(sc, 0, 0, 0, 1), 0)
		},
			[]int64{1, 4}, []float32{-1.5 * s, -.5 * s, 1 * s, 3*s + 1}},
		{"BatchNorm", func(sc *torch.Scope) *torch.Tensor {
			return sc.BatchNorm(count(sc, 1, 2, 1, 2), vec(sc, 1, 2), vec(sc, 0, 5), vec(sc, 1, 2), vec(sc, 4, .25), 0)
		}, []int64{1, 2, 1, 2}, []float32{-.5, 0, 5, 9}},
		{"Conv2D", func(sc *torch.Scope) *torch.Tensor {
			return sc.Conv2D(count(sc, 1, 1, 3, 3), vec4(sc, 1, 1, 1, 1), vec(sc, .5), torch.Conv{})
		}, []int64{1, 1, 2, 2}, []float32{8.5, 12.5, 20.5, 24.5}},
		{"Conv2D with stride and padding", func(sc *torch.Scope) *torch.Tensor {
			return sc.Conv2D(count(sc, 1, 1, 3, 3), vec4(sc, 1, 1, 1, 1), nil, torch.Conv{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}})
		}, []int64{1, 1, 2, 2}, []float32{0, 3, 9, 24}},
		{"Conv2D with dilation", func(sc *torch.Scope) *torch.Tensor {
			return sc.Conv2D(count(sc, 1, 1, 3, 3), vec4(sc, 1, 1, 1, 1), nil, torch.Conv{Dilation: [2]int{2, 2}})
		}, []int64{1, 1, 1, 1}, []float32{16}},
		{"Conv2D in groups", func(sc *torch.Scope) *torch.Tensor {
			return sc.Conv2D(count(sc, 1, 2, 1, 1), sc.FromFloat32([]float32{3, 5}, 2, 1, 1, 1), nil, torch.Conv{Groups: 2})
		}, []int64{1, 2, 1, 1}, []float32{0, 5}},
		{"MaxPool2D", func(sc *torch.Scope) *torch.Tensor {
			return sc.MaxPool2D(count(sc, 1, 1, 4, 4), torch.Pool{Kernel: [2]int{2, 2}})
		},
			[]int64{1, 1, 2, 2}, []float32{5, 7, 13, 15}},
		{"MaxPool2D with stride and padding", func(sc *torch.Scope) *torch.Tensor {
			return sc.MaxPool2D(count(sc, 1, 1, 3, 3), torch.Pool{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Padding: [2]int{1, 1}})
		}, []int64{1, 1, 2, 2}, []float32{4, 5, 7, 8}},
		{"AdaptiveAvgPool2D", func(sc *torch.Scope) *torch.Tensor { return sc.AdaptiveAvgPool2D(count(sc, 1, 1, 2, 4), 1, 2) },
			[]int64{1, 1, 1, 2}, []float32{2.5, 4.5}},
		{"ScaledDotProductAttention", func(sc *torch.Scope) *torch.Tensor {
			// D = 4, so q kᵀ/2 is 0 and ln 3: weights 1/4 and 3/4
			q := sc.FromFloat32([]float32{float32(2 * math.Log(3)), 0, 0, 0}, 1, 1, 1, 4)
			k := sc.FromFloat32([]float32{0, 0, 0, 0, 1, 0, 0, 0}, 1, 1, 2, 4)
			return sc.ScaledDotProductAttention(q, k, sc.FromFloat32([]float32{0, 4, 0, 0, 4, 4, 0, 0}, 1, 1, 2, 4))
		}, []int64{1, 1, 1, 4}, []float32{3, 4, 0, 0}},
		{"UpsampleBilinear2D", func(sc *torch.Scope) *torch.Tensor { return sc.UpsampleBilinear2D(count(sc, 1, 1, 1, 2), 1, 4) },
			[]int64{1, 1, 1, 4}, []float32{0, .25, .75, 1}},
		{"UpsampleBilinear2D skips where it shrinks", func(sc *torch.Scope) *torch.Tensor {
			return sc.UpsampleBilinear2D(sc.FromFloat32([]float32{8, 0, 0, 0}, 1, 1, 1, 4), 1, 1)
		}, []int64{1, 1, 1, 1}, []float32{0}},
		{"UpsampleBilinear2DAntialias averages where it shrinks", func(sc *torch.Scope) *torch.Tensor {
			// triangle over the four pixels: weights 5/24 7/24 7/24 5/24
			return sc.UpsampleBilinear2DAntialias(sc.FromFloat32([]float32{8, 0, 0, 0}, 1, 1, 1, 4), 1, 1)
		}, []int64{1, 1, 1, 1}, []float32{8 * 5. / 24}},
		{"UpsampleBicubic2D", func(sc *torch.Scope) *torch.Tensor {
			// cubic convolution at distances 1/4, 3/4, 5/4 and 7/4 with a = −3/4
			return sc.UpsampleBicubic2D(sc.FromFloat32([]float32{0, 0, 1, 1}, 1, 1, 1, 4), 1, 8)
		}, []int64{1, 1, 1, 8}, []float32{0, -.03515625, -.10546875, .2265625, .7734375, 1.10546875, 1.03515625, 1}},

		{"Flatten", func(sc *torch.Scope) *torch.Tensor { return sc.Flatten(count(sc, 2, 1, 2), 1, -1) }, []int64{2, 2}, []float32{0, 1, 2, 3}},
		{"Reshape", func(sc *torch.Scope) *torch.Tensor { return sc.Reshape(count(sc, 4), 2, -1) }, []int64{2, 2}, []float32{0, 1, 2, 3}},
		{"View", func(sc *torch.Scope) *torch.Tensor { return sc.View(count(sc, 4), 2, 2) }, []int64{2, 2}, []float32{0, 1, 2, 3}},
		{"Permute", func(sc *torch.Scope) *torch.Tensor { return sc.Permute(count(sc, 1, 2, 3), 2, 0, 1) },
			[]int64{3, 1, 2}, []float32{0, 3, 1, 4, 2, 5}},
		{"Transpose", func(sc *torch.Scope) *torch.Tensor { return sc.Transpose(count(sc, 2, 2), 0, 1) }, []int64{2, 2}, []float32{0, 2, 1, 3}},
		{"Contiguous", func(sc *torch.Scope) *torch.Tensor {
			return sc.View(sc.Contiguous(sc.Transpose(count(sc, 2, 2), 0, 1)), 4)
		}, []int64{4}, []float32{0, 2, 1, 3}},
		{"Select", func(sc *torch.Scope) *torch.Tensor { return sc.Select(count(sc, 2, 2), 1, -1) }, []int64{2}, []float32{1, 3}},
		{"Narrow", func(sc *torch.Scope) *torch.Tensor { return sc.Narrow(count(sc, 5), 0, 1, 3) }, []int64{3}, []float32{1, 2, 3}},
		{"Slice", func(sc *torch.Scope) *torch.Tensor { return sc.Slice(count(sc, 5), 0, 1, 99, 2) }, []int64{2}, []float32{1, 3}},
		{"Cat", func(sc *torch.Scope) *torch.Tensor { return sc.Cat(1, count(sc, 2, 1), count(sc, 2, 2)) },
			[]int64{2, 3}, []float32{0, 0, 1, 1, 2, 3}},
		{"Expand", func(sc *torch.Scope) *torch.Tensor { return sc.Expand(count(sc, 2, 1), -1, 2) }, []int64{2, 2}, []float32{0, 0, 1, 1}},
		{"Squeeze", func(sc *torch.Scope) *torch.Tensor { return sc.Squeeze(count(sc, 2, 1), 1) }, []int64{2}, []float32{0, 1}},
		{"Unsqueeze", func(sc *torch.Scope) *torch.Tensor { return sc.Unsqueeze(count(sc, 2), 0) }, []int64{1, 2}, []float32{0, 1}},
		{"To", func(sc *torch.Scope) *torch.Tensor { return sc.To(sc.FromInt64([]int64{3}, 1), torch.Float32) }, []int64{1}, []float32{3}},
		{"Zeros", func(sc *torch.Scope) *torch.Tensor { return sc.Zeros(torch.Float32, 2) }, []int64{2}, []float32{0, 0}},
		{"Ones", func(sc *torch.Scope) *torch.Tensor { return sc.Ones(torch.Float32, 2) }, []int64{2}, []float32{1, 1}},
		{"Full", func(sc *torch.Scope) *torch.Tensor { return sc.Full(torch.Float32, 2.5, 2) }, []int64{2}, []float32{2.5, 2.5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			torchtest.Run(t, func(sc *torch.Scope) {
				x := tt.f(sc)
				if got := x.Shape(); !slices.Equal(got, tt.shape) {
					t.Errorf("shape %v, want %v", got, tt.shape)
				}
				near(t, tt.name, floats(t, x), tt.want)
			})
		})
	}
}

func vec4(sc *torch.Scope, v ...float32) *torch.Tensor { return sc.FromFloat32(v, 1, 1, 2, 2) }

// TestOrderInMemory: the distance between two channels of an image of 2×3 values.
func TestOrderInMemory(t *testing.T) {
	stride := find(t, "aten::stride", "int")
	torchtest.Run(t, func(sc *torch.Scope) {
		x := count(sc, 1, 4, 2, 3)
		last := sc.ChannelsLast(x)
		w := sc.ChannelsLast(sc.Ones(torch.Float32, 4, 4, 1, 1))
		for name, tt := range map[string]struct {
			x    *torch.Tensor
			want int64
		}{
			"contiguous":         {x, 6},
			"channels last":      {last, 1},
			"zeros like it":      {sc.ZerosLike(last), 1},
			"contiguous again":   {sc.Contiguous(last), 6},
			"convolution of it":  {sc.Conv2D(last, w, nil, torch.Conv{}), 1},
			"ReLU of it":         {sc.ReLU(last), 1},
			"largest of windows": {sc.MaxPool2D(last, torch.Pool{Kernel: [2]int{2, 2}}), 1},
		} {
			if got := sc.CallAll(stride, tt.x, 1)[0]; got != tt.want {
				t.Errorf("%s: channels are %v apart, want %d", name, got, tt.want)
			}
		}
		if got := floats(t, last); !slices.Equal(got, floats(t, x)) {
			t.Errorf("values of another order: %v", got)
		}
		zeros := sc.ZerosLike(sc.Ones(torch.BFloat16, 2))
		if zeros.DType() != torch.BFloat16 || floats(t, zeros)[1] != 0 {
			t.Errorf("zeros like bfloat16[2]: %v", zeros)
		}
	})
}

// In place means the same tensor, and no second reference to it.
func TestInPlaceReturnsItsArgument(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := vec(sc, -1, 2)
		if sc.ReLUInPlace(x) != x || sc.AddInPlace(x, x) != x || sc.Len() != 1 {
			t.Errorf("an operator in place made another tensor: scope owns %d", sc.Len())
		}
	})
}

func TestHostCopies(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		f64, i64, u8, b := make([]float64, 2), make([]int64, 2), make([]uint8, 2), make([]bool, 2)
		for _, err := range []error{
			sc.FromFloat64([]float64{1, math.Inf(1)}, 2).CopyFloat64(f64),
			sc.FromInt64([]int64{-1, math.MaxInt64}, 2).CopyInt64(i64),
			sc.FromUint8([]uint8{0, 255}, 2).CopyUint8(u8),
			sc.FromBool([]bool{true, false}, 2).CopyBool(b),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		got := fmt.Sprint(f64, i64, u8, b)
		if want := "[1 +Inf] [-1 9223372036854775807] [0 255] [true false]"; got != want {
			t.Errorf("copies %s, want %s", got, want)
		}
		x := sc.Empty(torch.Float32, 0, 3)
		if err := x.CopyFloat32(nil); err != nil || x.Numel() != 0 {
			t.Errorf("empty tensor: %v", err)
		}
		if err := x.CopyFloat32(make([]float32, 1)); err == nil {
			t.Error("one float was filled from an empty tensor")
		}
	})
}

func TestRefill(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		x := sc.Empty(torch.Float32, 2, 2)
		sc.CopyFrom(x, []float32{1, 2, 3, 4})
		column := sc.Select(x, 1, 0) // not contiguous
		sc.CopyFrom(column, []float32{7, 8})
		if got := floats(t, x); !slices.Equal(got, []float32{7, 2, 8, 4}) {
			t.Errorf("refilled tensor %v, want [7 2 8 4]", got)
		}
	})
}

func TestTensorFacts(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		for d, size := range map[torch.DType]int{torch.Uint8: 1, torch.Int8: 1, torch.Int16: 2, torch.Int32: 4, torch.Int64: 8,
			torch.Float16: 2, torch.Float32: 4, torch.Float64: 8, torch.Bool: 1, torch.BFloat16: 2} {
			x := sc.Zeros(d, 2, 3)
			if x.DType() != d || x.Numel() != 6 || x.Bytes() != int64(6*size) || d.Size() != size {
				t.Errorf("%v: dtype %v, %d elements, %d bytes", d, x.DType(), x.Numel(), x.Bytes())
			}
			if want := d.String() + "[2 3]"; x.String() != want {
				t.Errorf("String() = %q, want %q", x, want)
			}
		}
	})
}
