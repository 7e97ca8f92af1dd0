package torch_test

import (
	"math"
	"slices"
	"testing"

	"lensbench/torch"
	"lensbench/torch/torchtest"
)

// whole returns float32 numbers −1, 0 and 1 without pattern.
func whole(t testing.TB, sc *torch.Scope, shape ...int64) *torch.Tensor {
	v := doubles(t, generic(sc, shape...))
	out := make([]float32, len(v))
	for i := range v {
		out[i] = float32(math.Round(1.5 * v[len(v)-1-i*i%len(v)]))
	}
	return sc.FromFloat32(out, shape...)
}

// convolved returns the convolution of a map with weights, and the gradients of both
// for one of the result that is without pattern, in float64 or under autocast.
func convolved(t *testing.T, sc *torch.Scope, dtype torch.DType, x, w *torch.Tensor, o torch.Conv) (out [][]float32) {
	x, w = sc.Clone(sc.To(x, dtype)), sc.Clone(sc.To(w, dtype))
	if dtype == torch.Float32 {
		x, w = sc.ChannelsLast(x), sc.ChannelsLast(w)
	}
	x.SetRequiresGrad(true)
	w.SetRequiresGrad(true)
	var y, loss *torch.Tensor
	work := torch.BFloat16
	if dtype == torch.Float64 {
		work = torch.Float32
	}
	sc.Autocast(work, func() {
		y = sc.Conv2D(x, w, nil, o)
		loss = sc.Sum(sc.Mul(y, sc.To(whole(t, sc, y.Shape()...), y.DType())))
	})
	sc.Backward(loss)
	for _, r := range []*torch.Tensor{y, sc.Grad(x), sc.Grad(w)} {
		out = append(out, floats(t, sc.To(r, torch.Float32)))
	}
	return out
}

// Whole numbers up to 256 have no rounding in bfloat16, so products of matrices are
// what convolutions of float64 are.
func TestConv2DInBFloat16(t *testing.T) {
	for _, tt := range []struct {
		name string
		x, w []int64
		o    torch.Conv
	}{
		{"padding", []int64{2, 8, 5, 4}, []int64{20, 8, 3, 3}, torch.Conv{Padding: [2]int{1, 1}}},
		{"no padding", []int64{2, 8, 5, 4}, []int64{16, 8, 3, 3}, torch.Conv{}},
		{"stride", []int64{2, 8, 5, 4}, []int64{16, 8, 3, 3}, torch.Conv{Stride: [2]int{2, 2}, Padding: [2]int{1, 1}}},
		{"stride of one pixel", []int64{3, 8, 4, 4}, []int64{50, 8, 1, 1}, torch.Conv{Stride: [2]int{2, 2}}},
		{"height is not width", []int64{2, 6, 7, 5}, []int64{13, 6, 4, 3}, torch.Conv{Stride: [2]int{3, 2}, Padding: [2]int{2, 1}}},
		{"more kernel than map", []int64{3, 5, 2, 2}, []int64{6, 5, 7, 5}, torch.Conv{Padding: [2]int{3, 2}}},
		{"one pixel", []int64{1, 9, 1, 1}, []int64{3, 9, 3, 3}, torch.Conv{Padding: [2]int{1, 1}}},
		{"several threads", []int64{8, 8, 8, 8}, []int64{256, 8, 3, 3}, torch.Conv{Padding: [2]int{1, 1}}},
	} {
		err := torch.Session{Threads: 3}.Run(func(sc *torch.Scope) error {
			x, w := whole(t, sc, tt.x...), whole(t, sc, tt.w...)
			want, got := convolved(t, sc, torch.Float64, x, w, tt.o), convolved(t, sc, torch.Float32, x, w, tt.o)
			for i, what := range []string{"result", "gradient of the map", "gradient of the weights"} {
				if largest := slices.Max(want[i]); largest == 0 || largest > 256 {
					t.Fatalf("%s: the largest number of the %s is %v, which tests nothing", tt.name, what, largest)
				}
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("%s: %s is\n%v, want\n%v", tt.name, what, got[i], want[i])
				}
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Three windows see the pixel in the middle, and each gives it a gradient of 257,
// which bfloat16 rounds to 256. A product of matrices rounds them before they are added
// to 768; libtorch's convolution rounds their sum, to 772.
func TestConv2DInBFloat16Chooses(t *testing.T) {
	const product, convolution = 768, 772
	for _, tt := range []struct {
		name  string
		width int64
		order func(sc *torch.Scope, x *torch.Tensor) *torch.Tensor
		want  float32
	}{
		{"few windows", 3, (*torch.Scope).ChannelsLast, product},
		{"two for each kernel", 2 * 257, (*torch.Scope).ChannelsLast, product},
		{"more", 2*257 + 1, (*torch.Scope).ChannelsLast, convolution},
		{"rows of channels", 3, (*torch.Scope).Contiguous, convolution},
	} {
		torchtest.Train(t, func(sc *torch.Scope) {
			x, w := tt.order(sc, sc.Ones(torch.Float32, 1, 2, 1, tt.width)), sc.ChannelsLast(sc.Ones(torch.Float32, 257, 2, 1, 3))
			x.SetRequiresGrad(true)
			var loss *torch.Tensor
			sc.Autocast(torch.BFloat16, func() {
				loss = sc.Sum(sc.Conv2D(x, w, nil, torch.Conv{Padding: [2]int{0, 1}}))
			})
			sc.Backward(loss)
			if got := floats(t, sc.Grad(x))[1]; got != tt.want {
				t.Errorf("%s: gradient %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

// What a product of matrices cannot do ends as libtorch's convolution ends.
func TestConv2DInBFloat16Refuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		x, w []int64
		o    torch.Conv
	}{
		{"channels", []int64{1, 3, 2, 2}, []int64{8, 4, 3, 3}, torch.Conv{Padding: [2]int{1, 1}}},
		{"kernel beside the map", []int64{1, 3, 2, 2}, []int64{8, 3, 3, 3}, torch.Conv{}},
		{"negative stride", []int64{1, 3, 2, 2}, []int64{8, 3, 1, 1}, torch.Conv{Stride: [2]int{-1, 1}}},
		{"negative padding", []int64{1, 3, 2, 2}, []int64{8, 3, 1, 1}, torch.Conv{Padding: [2]int{-1, 0}}},
		{"no image", []int64{2, 2}, []int64{8, 3, 1, 1}, torch.Conv{}},
	} {
		torchtest.Train(t, func(sc *torch.Scope) {
			sc.Autocast(torch.BFloat16, func() {
				x, w := sc.Ones(torch.Float32, tt.x...), sc.ChannelsLast(sc.Ones(torch.Float32, tt.w...))
				if len(tt.x) == 4 {
					x = sc.ChannelsLast(x)
				}
				if err := try(func() { sc.Conv2D(x, w, nil, tt.o) }); err == nil {
					t.Errorf("%s: no error", tt.name)
				}
			})
		})
	}
}
