package plan

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"lensbench/system/nn"
)

// direct2D is the definition of a convolution, of x [height width In] to [H' W' Out],
// channels innermost.
func direct2D(c *nn.Conv2D, weight, x []float32, height, width int) []float64 {
	var out []float64
	for y := range c.Size(height) {
		for z := range c.Size(width) {
			for o := range c.Out {
				sum := 0.
				for i := range c.Kernel {
					for j := range c.Kernel {
						v, u := y*c.Stride+i-c.Padding, z*c.Stride+j-c.Padding
						for in := range c.In {
							if v >= 0 && v < height && u >= 0 && u < width {
								sum += float64(weight[((o*c.In+in)*c.Kernel+i)*c.Kernel+j]) * float64(x[(v*width+u)*c.In+in])
							}
						}
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

// windows are the columns of x, by the definition.
func windows(c *nn.Conv2D, x []float32, height, width int) (all [][]float32) {
	for y := range c.Size(height) {
		for z := range c.Size(width) {
			var w []float32
			for tap := range c.Kernel * c.Kernel {
				v, u := y*c.Stride+tap/c.Kernel-c.Padding, z*c.Stride+tap%c.Kernel-c.Padding
				for in := range c.In {
					if v < 0 || v >= height || u < 0 || u >= width {
						w = append(w, 0)
					} else {
						w = append(w, x[(v*width+u)*c.In+in])
					}
				}
			}
			all = append(all, w)
		}
	}
	return all
}

func times(m, x []float32) (y []float64) {
	for i := 0; i < len(m); i += len(x) {
		sum := 0.
		for j, v := range x {
			sum += float64(m[i+j]) * float64(v)
		}
		y = append(y, sum)
	}
	return y
}

// TestMatrices: both matrices of a convolution do what it does, exactly: the numbers
// are small integers.
func TestMatrices(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		c := &nn.Conv2D{In: 1 + rng.IntN(3), Out: 1 + rng.IntN(3), Kernel: 1 + rng.IntN(3), Stride: 1 + rng.IntN(2), Padding: rng.IntN(2)}
		height, width := c.Kernel+rng.IntN(3), c.Kernel+rng.IntN(3)
		weight, x := make([]float32, c.Out*c.In*c.Kernel*c.Kernel), make([]float32, height*width*c.In)
		for _, v := range [][]float32{weight, x} {
			for i := range v {
				v[i] = float32(rng.IntN(9) - 4)
			}
		}
		want := fmt.Sprint(direct2D(c, weight, x, height, width))
		if got := fmt.Sprint(times(wholeMatrix(c, weight, height, width), x)); got != want {
			t.Errorf("%+v of %d×%d, whole: %s, want %s", c, height, width, got, want)
		}
		var columns []float64
		for _, w := range windows(c, x, height, width) {
			columns = append(columns, times(columnMatrix(c, weight), w)...)
		}
		if got := fmt.Sprint(columns); got != want {
			t.Errorf("%+v of %d×%d, columns: %s, want %s", c, height, width, got, want)
		}
	}
}

// TestForm: resnet18's last stage, at 64 pixels and at others.
func TestForm(t *testing.T) {
	three := func(stride int) *nn.Conv2D { return &nn.Conv2D{In: 8, Out: 8, Kernel: 3, Stride: stride, Padding: 1} }
	for _, c := range []struct {
		conv *nn.Conv2D
		side int
		want form
	}{
		{three(1), 2, whole}, {three(2), 4, columns}, {three(1), 4, direct}, {three(2), 3, whole}, {three(1), 1, whole},
		{&nn.Conv2D{In: 8, Out: 8, Kernel: 1, Stride: 2}, 4, direct},
		{&nn.Conv2D{In: 3, Out: 8, Kernel: 16, Stride: 16}, 224, direct},
	} {
		if got := formOf(c.conv, c.side, c.side); got != c.want {
			t.Errorf("%+v of %d: %s, want %s", c.conv, c.side, got, c.want)
		}
	}
}
