package plan

import "lensbench/system/nn"

// A form is how a convolution is computed.
type form string

const (
	direct  form = "direct"  // by oneDNN's convolution
	whole   form = "whole"   // the map as one vector times one matrix
	columns form = "columns" // the window of each output pixel as a vector times the kernels
)

// Largest output map for which a matrix product is considered, in pixels. Direct
// kernels work on rows of output pixels, and multiply by padding: on a map of 2×2
// behind a 3×3 kernel they reach half the speed that they have on larger ones, for
// more than twice the multiplications that are needed.
const smallMap = 4

// formOf chooses the form for maps of that size: of the two matrix products, the one
// with fewer multiplications.
func formOf(c *nn.Conv2D, height, width int) form {
	pixels := c.Size(height) * c.Size(width)
	switch {
	case pixels > smallMap || c.Kernel == 1 || c.Kernel < c.Stride:
		return direct
	case height*width <= c.Kernel*c.Kernel:
		return whole
	}
	return columns
}

// wholeMatrix is the matrix [H'·W'·Out H·W·In] of a convolution, with channels
// innermost on both sides, of its kernels [Out In k k].
func wholeMatrix(c *nn.Conv2D, weight []float32, height, width int) []float32 {
	rows, cols := c.Size(height), c.Size(width)
	inputs := height * width * c.In
	m := make([]float32, rows*cols*c.Out*inputs)
	for output := range rows * cols * c.Out {
		y, x, o := output/c.Out/cols, output/c.Out%cols, output%c.Out
		row := m[output*inputs : (output+1)*inputs]
		for tap := range c.Kernel * c.Kernel {
			v, u := y*c.Stride+tap/c.Kernel-c.Padding, x*c.Stride+tap%c.Kernel-c.Padding
			if v < 0 || v >= height || u < 0 || u >= width {
				continue // padding
			}
			for in := range c.In {
				row[(v*width+u)*c.In+in] = weight[(o*c.In+in)*c.Kernel*c.Kernel+tap]
			}
		}
	}
	return m
}

// repeated is a bias for each of n pixels.
func repeated(bias []float32, n int) []float32 {
	var out []float32
	for range n {
		out = append(out, bias...)
	}
	return out
}

// columnMatrix is the matrix [Out k·k·In] of kernels [Out In k k].
func columnMatrix(c *nn.Conv2D, weight []float32) []float32 {
	area := c.Kernel * c.Kernel
	m := make([]float32, len(weight))
	for o := range c.Out {
		for in := range c.In {
			for i := range area {
				m[(o*area+i)*c.In+in] = weight[(o*c.In+in)*area+i]
			}
		}
	}
	return m
}
