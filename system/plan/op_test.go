package plan

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

const channelsLast = 2 // of c10::MemoryFormat

// ran returns what one operator makes of x, as float32.
func ran(t testing.TB, sc *torch.Scope, x *torch.Tensor, op *torch.Op, args ...any) *torch.Tensor {
	t.Helper()
	p := program(op, args...)
	defer p.Free()
	return p.Run(sc, x)
}

// program is one call, which takes the input first.
func program(op *torch.Op, args ...any) *torch.Program {
	p, inputs := torch.NewProgram(1)
	p.Call(op, append([]any{inputs[0]}, args...)...)
	return p
}

func channelsInnermost(t testing.TB, sc *torch.Scope, x *torch.Tensor, dtype torch.DType) *torch.Tensor {
	return ran(t, sc, x, opTo, dtype, false, false, channelsLast)
}

// TestReLUMaxPool: the operator of ours is libtorch's, bit for bit, on what a ReLU can
// make: zeros, the smallest and the largest numbers, infinity. NaNs stay.
func TestReLUMaxPool(t *testing.T) {
	for _, c := range []struct {
		shape                   []int64 // N C H W
		kernel, stride, padding [2]int
	}{
		{[]int64{2, 64, 32, 32}, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1}}, // as residual networks have it
		{[]int64{3, 7, 9, 5}, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1}},
		{[]int64{1, 33, 6, 7}, [2]int{2, 2}, [2]int{2, 2}, [2]int{0, 0}},
		{[]int64{1, 5, 8, 11}, [2]int{2, 5}, [2]int{1, 3}, [2]int{1, 2}},
		{[]int64{2, 3, 1, 1}, [2]int{3, 3}, [2]int{2, 2}, [2]int{1, 1}},
	} {
		for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
			torchtest.Run(t, func(sc *torch.Scope) {
				sc.Seed(4)
				v := valuesOf(t, sc.ReLU(sc.Randn(c.shape...)))
				for i, extreme := range []float32{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32, float32(math.Inf(1))} {
					v[(11*i+1)%len(v)] = extreme
				}
				x := channelsInnermost(t, sc, sc.FromFloat32(v, c.shape...), dtype)
				k, s, p := c.kernel[:], c.stride[:], c.padding[:]
				want := sc.To(ran(t, sc, x, opMaxPool, k, s, p, []int{1, 1}, false), torch.Float32)
				got := sc.To(ran(t, sc, x, opReLUMaxPool, k, s, p), torch.Float32)
				if fmt.Sprint(got.Shape()) != fmt.Sprint(want.Shape()) {
					t.Fatalf("%+v: shape %v, want %v", c, got.Shape(), want.Shape())
				}
				w := valuesOf(t, want)
				for i, g := range valuesOf(t, got) {
					if g != w[i] {
						t.Fatalf("%+v, %v: element %d is %g, want %g", c, dtype, i, g, w[i])
					}
				}
			})
		}
	}
}

func TestReLUMaxPoolKeepsNaN(t *testing.T) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		torchtest.Run(t, func(sc *torch.Scope) {
			for _, bits := range []uint32{0x7fc00000, 0xffc00000} { // of either sign
				v := make([]float32, 16)
				v[5], v[6] = math.Float32frombits(bits), float32(math.Inf(1))
				x := channelsInnermost(t, sc, sc.FromFloat32(v, 1, 1, 4, 4), dtype)
				got := valuesOf(t, sc.To(ran(t, sc, x, opReLUMaxPool, []int{3, 3}, []int{2, 2}, []int{1, 1}), torch.Float32))
				if !math.IsNaN(float64(got[0])) {
					t.Errorf("%v: %v, want a NaN first", dtype, got)
				}
			}
		})
	}
}

func TestReLUMaxPoolRefuses(t *testing.T) {
	err := torchtest.Try(t, func(sc *torch.Scope) error {
		ran(t, sc, sc.Zeros(torch.Float32, 1, 1, 4, 4), opReLUMaxPool, []int{2, 2}, []int{2, 2}, []int{2, 2}) // windows beside the map
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "do not fit a map") {
		t.Errorf("a padding of the kernel's size: %v", err)
	}
}

// TestInterleave: the operator of ours is libtorch's copy, bit for bit, NaNs and
// infinities included, of images as planes and of images that are views.
func TestInterleave(t *testing.T) {
	for _, shape := range [][]int64{{2, 3, 64, 64}, {3, 3, 5, 7}, {1, 5, 4, 4}, {2, 1, 3, 3}, {2, 3, 1, 1}} {
		for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
			torchtest.Run(t, func(sc *torch.Scope) {
				sc.Seed(4)
				v := valuesOf(t, sc.Randn(shape...))
				v[0], v[len(v)-1], v[len(v)/2] = float32(math.Inf(-1)), float32(math.NaN()), 1+1./256 // a tie
				planes := sc.FromFloat32(v, shape...)
				for name, x := range map[string]*torch.Tensor{
					"planes":        planes,
					"view":          sc.Transpose(planes, 2, 3),
					"channels last": channelsInnermost(t, sc, planes, torch.Float32),
				} {
					want := valuesOf(t, sc.To(channelsInnermost(t, sc, x, dtype), torch.Float32))
					y := ran(t, sc, x, opInterleave, dtype)
					if y.DType() != dtype {
						t.Fatalf("%s %v: %v, want %v", name, shape, y.DType(), dtype)
					}
					for i, g := range valuesOf(t, sc.To(y, torch.Float32)) {
						if math.Float32bits(g) != math.Float32bits(want[i]) && g == g {
							t.Fatalf("%s %v, %v: element %d is %g, want %g", name, shape, dtype, i, g, want[i])
						}
					}
				}
			})
		}
	}
}

// TestTiledConvolution: by tiles a convolution is what sums in float64 say, to some units
// in the last place of the largest, whatever the number of threads.
func TestTiledConvolution(t *testing.T) {
	const tolerance = 3e-5 // of the outputs' spread
	for _, c := range []struct {
		n, in, out, height, width int64
		sum, relu                 bool
	}{
		{3, 64, 64, 16, 16, true, true}, // as residual networks have it
		{33, 128, 64, 7, 7, false, true},
		{2, 16, 48, 5, 9, true, false},
		{1, 32, 16, 1, 1, false, false},
		{5, 16, 16, 4, 3, false, false},
	} {
		for _, threads := range []int{1, 3} {
			err := torch.Session{Threads: threads, Inference: true}.Run(func(sc *torch.Scope) error {
				sc.Seed(4)
				x := channelsInnermost(t, sc, sc.ReLU(sc.Randn(c.n, c.in, c.height, c.width)), torch.Float32)
				w, b, sum := sc.MulScalar(sc.Randn(c.out, c.in, 3, 3), 0.05), sc.Randn(c.out), sc.Randn(c.n, c.out, c.height, c.width)
				double := func(x *torch.Tensor) *torch.Tensor { return sc.To(x, torch.Float64) }
				y := sc.Conv2D(double(x), double(w), double(b), torch.Conv{Padding: [2]int{1, 1}})
				var add any
				if c.sum {
					y, add = sc.Add(y, double(sum)), sum
				}
				if c.relu {
					y = sc.ReLU(y)
				}
				want, got := valuesOf(t, sc.To(y, torch.Float32)), valuesOf(t, ran(t, sc, x, opTileConv, sc.Call(opTileWeight, w), b, add, c.relu))
				if off := furthest(got, want); !(off < tolerance*spread(want)) {
					t.Errorf("%+v, %d threads: off by %g, outputs spread by %g", c, threads, off, spread(want))
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// spread is the standard deviation about 0.
func spread(v []float32) float64 {
	var squares float64
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	return math.Sqrt(squares / float64(len(v)))
}

// TestTiledConvolutionKeepsNaN: of an image with a NaN no output near it is a number, with
// ReLU either, and other images are as they were.
func TestTiledConvolutionKeepsNaN(t *testing.T) {
	torchtest.Run(t, func(sc *torch.Scope) {
		const pixels = 8
		v := make([]float32, 2*16*pixels*pixels)
		v[3*pixels+5] = float32(math.NaN()) // channel 0, row 3, column 5 of the first image
		x := sc.FromFloat32(v, 2, 16, pixels, pixels)
		w := sc.Call(opTileWeight, sc.Randn(16, 16, 3, 3))
		y := valuesOf(t, sc.Contiguous(ran(t, sc, x, opTileConv, w, sc.Zeros(torch.Float32, 16), nil, true)))
		for row := 2; row <= 4; row++ {
			for column := 4; column <= 6; column++ {
				if g := y[row*pixels+column]; g == g {
					t.Errorf("row %d, column %d is %g beside a NaN", row, column, g)
				}
			}
		}
		for i, g := range y[len(y)/2:] {
			if g != 0 {
				t.Fatalf("element %d of the other image is %g", i, g)
			}
		}
	})
}

func TestTiledConvolutionRefuses(t *testing.T) {
	for want, args := range map[string]func(sc *torch.Scope) (x *torch.Tensor, w *torch.Tensor, b *torch.Tensor, add any){
		"takes float32 maps": func(sc *torch.Scope) (x, w, b *torch.Tensor, add any) {
			return sc.Zeros(torch.BFloat16, 1, 16, 4, 4), sc.Zeros(torch.Float32, 36, 16, 16), sc.Zeros(torch.Float32, 16), nil
		},
		"takes weights": func(sc *torch.Scope) (x, w, b *torch.Tensor, add any) {
			return sc.Zeros(torch.Float32, 1, 16, 4, 4), sc.Zeros(torch.Float32, 36, 32, 16), sc.Zeros(torch.Float32, 16), nil
		},
		"multiples of 16": func(sc *torch.Scope) (x, w, b *torch.Tensor, add any) {
			return sc.Zeros(torch.Float32, 1, 8, 4, 4), sc.Zeros(torch.Float32, 36, 8, 16), sc.Zeros(torch.Float32, 16), nil
		},
		"takes a bias": func(sc *torch.Scope) (x, w, b *torch.Tensor, add any) {
			return sc.Zeros(torch.Float32, 1, 16, 4, 4), sc.Zeros(torch.Float32, 36, 16, 16), sc.Zeros(torch.Float32, 4), nil
		},
		"adds float32 maps": func(sc *torch.Scope) (x, w, b *torch.Tensor, add any) {
			return sc.Zeros(torch.Float32, 1, 16, 4, 4), sc.Zeros(torch.Float32, 36, 16, 16), sc.Zeros(torch.Float32, 16), sc.Zeros(torch.Float32, 1, 16, 4, 5)
		},
	} {
		err := torchtest.Try(t, func(sc *torch.Scope) error {
			x, w, b, add := args(sc)
			ran(t, sc, x, opTileConv, w, b, add, false)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
	}
	if err := torchtest.Try(t, func(sc *torch.Scope) error {
		sc.Call(opTileWeight, sc.Zeros(torch.Float32, 16, 16, 5, 5))
		return nil
	}); err == nil || !strings.Contains(err.Error(), "[Out, In, 3, 3]") {
		t.Errorf("a kernel of 5×5: %v", err)
	}
}

// BenchmarkTiledConvolution: residual networks' convolutions beside oneDNN's, for a batch
// of 32 images.
func BenchmarkTiledConvolution(b *testing.B) {
	for _, c := range []struct{ channels, pixels int64 }{{64, 28}, {64, 16}, {128, 14}, {128, 8}, {256, 7}, {256, 4}} {
		torchtest.Run(b, func(sc *torch.Scope) {
			sc.Seed(4)
			x := channelsInnermost(b, sc, sc.ReLU(sc.Randn(32, c.channels, c.pixels, c.pixels)), torch.Float32)
			w, bias, one := sc.Randn(c.channels, c.channels, 3, 3), sc.Randn(c.channels), []int{1, 1}
			onednn := program(opConv, sc.Call(opReorderConv, w, one, one, one, 1, x.Shape()), bias, one, one, one, 1, "relu", []float64{}, "")
			ours := program(opTileConv, sc.Call(opTileWeight, w), bias, nil, true)
			for name, p := range map[string]*torch.Program{"onednn": onednn, "ours": ours} {
				b.Run(fmt.Sprintf("%d/%d/%s", c.channels, c.pixels, name), func(b *testing.B) {
					for b.Loop() {
						sc.Scoped(func(sc *torch.Scope) { p.Run(sc, x) })
					}
				})
				p.Free()
			}
		})
	}
}

// BenchmarkOperators: operators of ours beside libtorch's, for a batch of 32 images.
func BenchmarkOperators(b *testing.B) {
	for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
		torchtest.Run(b, func(sc *torch.Scope) {
			sc.Seed(4)
			planes := sc.Randn(32, 3, 112, 112)
			x := channelsInnermost(b, sc, sc.ReLU(sc.Randn(32, 64, 56, 56)), dtype)
			k, s, pad := []int{3, 3}, []int{2, 2}, []int{1, 1}
			for _, c := range []struct {
				name string
				x    *torch.Tensor
				op   *torch.Op
				args []any
			}{
				{"pool/libtorch", x, opMaxPool, []any{k, s, pad, []int{1, 1}, false}},
				{"pool/ours", x, opReLUMaxPool, []any{k, s, pad}},
				{"interleave/libtorch", planes, opTo, []any{dtype, false, false, channelsLast}},
				{"interleave/ours", planes, opInterleave, []any{dtype}},
			} {
				p := program(c.op, c.args...)
				b.Run(fmt.Sprintf("%s/%v", c.name, dtype), func(b *testing.B) {
					for b.Loop() {
						sc.Scoped(func(sc *torch.Scope) { p.Run(sc, c.x) })
					}
				})
				p.Free()
			}
		})
	}
}

// TestAttend: the operator of ours is libtorch's in float32 of the same rounded numbers,
// up to the rounding of weights and results to 8 bits, with one thread and with two.
func TestAttend(t *testing.T) {
	for _, c := range []struct{ batch, length, heads, width int64 }{
		{1, 1, 1, 16},
		{2, 5, 2, 16},
		{3, 49, 4, 64},  // light_transformer
		{1, 197, 3, 64}, // vit_b_16
		{2, 64, 1, 32},
		{1, 129, 2, 48},
	} {
		for _, threads := range []int{1, 2} {
			err := torch.Session{Threads: threads, Inference: true}.Run(func(sc *torch.Scope) error {
				sc.Seed(4)
				x := sc.To(sc.Randn(c.batch, c.length, 3*c.heads*c.width), torch.BFloat16)
				got := valuesOf(t, sc.To(ran(t, sc, x, opAttend, c.heads), torch.Float32))
				want := valuesOf(t, attended(sc, sc.To(x, torch.Float32), c.heads, c.width))
				if d := furthest(got, want); d > 1./64 {
					t.Errorf("%+v, %d threads: differs by %g", c, threads, d)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// attended is attention by libtorch's operator.
func attended(sc *torch.Scope, x *torch.Tensor, heads, width int64) *torch.Tensor {
	shape := x.Shape()
	parts := sc.Permute(sc.View(x, shape[0], shape[1], 3, heads, width), 2, 0, 3, 1, 4)
	y := sc.Call(opAttention, sc.Call(opSelect, parts, 0, 0), sc.Call(opSelect, parts, 0, 1), sc.Call(opSelect, parts, 0, 2))
	return sc.Call(opReshape, sc.Transpose(y, 1, 2), []int64{shape[0], shape[1], heads * width})
}

// TestAttendKeepsNaN: a NaN in a query is in its own row of results alone, one in a key
// or a value in all rows.
func TestAttendKeepsNaN(t *testing.T) {
	const length, width = 20, 16
	for part, wholly := range []bool{false, true, true} {
		torchtest.Run(t, func(sc *torch.Scope) {
			v := make([]float32, length*3*width)
			v[3*3*width+part*width] = float32(math.NaN())
			x := sc.To(sc.FromFloat32(v, 1, length, 3*width), torch.BFloat16)
			got := valuesOf(t, sc.To(ran(t, sc, x, opAttend, 1), torch.Float32))
			for row := range length {
				if is, want := math.IsNaN(float64(got[row*width])), wholly || row == 3; is != want {
					t.Errorf("part %d, row %d: NaN %v, want %v", part, row, is, want)
				}
			}
		})
	}
}

func TestAttendRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		dtype torch.DType
		shape []int64
	}{
		"float32":           {torch.Float32, []int64{1, 4, 48}},
		"no batch":          {torch.BFloat16, []int64{4, 48}},
		"a narrow head":     {torch.BFloat16, []int64{1, 4, 24}},
		"an empty batch":    {torch.BFloat16, []int64{0, 4, 48}},
		"an empty sequence": {torch.BFloat16, []int64{1, 0, 48}},
	} {
		err := torchtest.Try(t, func(sc *torch.Scope) error {
			ran(t, sc, sc.Zeros(c.dtype, c.shape...), opAttend, 1)
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "attend takes bfloat16 sequences") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkAttend: attention of vit_b_16 for 4 images and of light_transformer for 32, in
// bfloat16, beside libtorch's operator, with two threads.
func BenchmarkAttend(b *testing.B) {
	for _, c := range []struct{ batch, length, heads int64 }{{4, 197, 12}, {32, 49, 4}} {
		err := torch.Session{Threads: 2, Inference: true}.Run(func(sc *torch.Scope) error {
			const width = 64
			x := sc.To(sc.Randn(c.batch, c.length, 3*c.heads*width), torch.BFloat16)
			b.Run(fmt.Sprintf("%d/libtorch", c.length), func(b *testing.B) {
				for b.Loop() {
					sc.Scoped(func(sc *torch.Scope) { attended(sc, x, c.heads, width) })
				}
			})
			p := program(opAttend, c.heads)
			defer p.Free()
			b.Run(fmt.Sprintf("%d/ours", c.length), func(b *testing.B) {
				for b.Loop() {
					p.Run(sc, x).Free()
				}
			})
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
