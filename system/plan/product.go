package plan

import (
	"time"

	"lensbench/torch"
)

// A matrix is the weights [outputs inputs] and the bias of a product.
type matrix struct {
	weight, bias []float32
	outputs      int
}

func (m matrix) inputs() int64 { return int64(len(m.weight) / m.outputs) }

// A product multiplies vectors by a matrix, adds other vectors, and applies an
// activation: x [… inputs], sum and result [… outputs].
type product struct {
	weight, bias *torch.Tensor // as its form wants them
	between      []int64       // dimensions between the first and the last: none of matrices
	inputs       int64
	outputs      int64
	then         activation
}

// A productForm is how a product is computed.
type productForm struct {
	prepare func(sc *torch.Scope, weight *torch.Tensor, n int64) *torch.Tensor
	compute func(p *torch.Program, q product, x torch.Value, sum *torch.Value) torch.Value
}

var (
	multiplied = &productForm{laidOut, multiply}
	convolved  = &productForm{laidOutAsKernels, convolve}
)

// laidOut is a matrix [outputs inputs] as oneDNN's product with n vectors reads it.
func laidOut(sc *torch.Scope, weight *torch.Tensor, n int64) *torch.Tensor {
	return sc.Call(opReorderLinear, weight, n)
}

// multiply is the product by oneDNN's product of matrices.
func multiply(p *torch.Program, q product, x torch.Value, sum *torch.Value) torch.Value {
	if sum == nil {
		return p.Call(opProduct, x, q.weight, q.bias, string(q.then), []float64{}, q.then.algorithm())
	}
	v := p.Call(opProductAdd, x, *sum, q.weight, q.bias, "add")
	if q.then == relu {
		v = p.Call(opReLUInPlace, v)
	}
	return v
}

// laidOutAsKernels is a matrix as kernels of 1×1, for an image of n×1 pixels.
func laidOutAsKernels(sc *torch.Scope, weight *torch.Tensor, n int64) *torch.Tensor {
	shape := weight.Shape()
	outputs, inputs := shape[0], shape[1]
	kernels := sc.View(weight, outputs, inputs, 1, 1)
	defer kernels.Free()
	return sc.Call(opReorderConv, kernels, []int{0, 0}, []int{1, 1}, []int{1, 1}, 1, []int64{1, inputs, n, 1})
}

// convolve is the product by oneDNN's convolution, of one image whose pixels are the
// vectors.
func convolve(p *torch.Program, q product, x torch.Value, sum *torch.Value) torch.Value {
	image := func(v torch.Value, channels int64) torch.Value {
		return p.Call(opPermute, p.Call(opReshape, v, []int64{1, -1, 1, channels}), []int{0, 3, 1, 2})
	}
	nowhere, once := []int{0, 0}, []int{1, 1}
	var y torch.Value
	if sum == nil {
		y = p.Call(opConv, image(x, q.inputs), q.weight, q.bias, nowhere, once, once, 1, string(q.then), []float64{}, q.then.algorithm())
	} else {
		y = p.Call(opConvAdd, image(x, q.inputs), image(*sum, q.outputs), q.weight, q.bias, nowhere, once, once, 1, "add", 1.0, q.then.written(), []float64{}, "")
	}
	return p.Call(opReshape, p.Call(opPermute, y, []int{0, 2, 3, 1}), append(append([]int64{-1}, q.between...), q.outputs))
}

// A productShape is what the times of a product depend on.
type productShape struct {
	images, perImage int64 // perImage: vectors of an image
	inputs, outputs  int64
	then             activation
	adds             bool
}

func (s productShape) vectors() int64 { return s.images * s.perImage }

// Forms are tried so many times, in turns. A convolution must take less than clearly
// times a product's time in the median. To choose the wrong one of two that take nearly
// the same costs nearly nothing.
const (
	formTrials = 7
	clearly    = 0.93
)

// form chooses the form of a product. oneDNN gives all of the work of some bfloat16
// products to one thread, whatever their number, such as that of [788 3072] by
// [3072 768]: their convolutions take half of the time. Other products are a little
// faster than their convolutions. Which they are, nothing but time tells. An image must
// have vectors enough that a pass of one is a convolution too: oneDNN adds nothing to one
// of a single pixel.
func (l *lowering) form(s productShape, weight, bias *torch.Tensor) *productForm {
	if l.options.Precision != BFloat16 || s.perImage == 1 || l.sc.Threads() == 1 {
		return multiplied
	}
	f, known := l.forms[s]
	if !known {
		f = multiplied
		l.sc.Scoped(func(sc *torch.Scope) {
			if tried(sc, s, weight, bias) < clearly {
				f = convolved
			}
		})
		l.forms[s] = f
	}
	return f
}

// tried returns the time of the convolution as a share of the product's.
func tried(sc *torch.Scope, s productShape, weight, bias *torch.Tensor) float64 {
	in := []*torch.Tensor{sc.Zeros(torch.BFloat16, s.vectors(), s.inputs)}
	if s.adds {
		in = append(in, sc.Zeros(torch.BFloat16, s.vectors(), s.outputs))
	}
	var programs []*torch.Program
	for _, f := range []*productForm{multiplied, convolved} {
		p, values := torch.NewProgram(len(in))
		defer p.Free()
		q := product{f.prepare(sc, weight, s.vectors()), bias, nil, s.inputs, s.outputs, s.then}
		var sum *torch.Value
		if s.adds {
			sum = &values[1]
		}
		f.compute(p, q, values[0], sum)
		programs = append(programs, p)
	}
	run := func(p *torch.Program) float64 {
		begin := time.Now()
		p.Run(sc, in...).Free()
		return time.Since(begin).Seconds()
	}
	var shares []float64
	for i := range formTrials + 1 {
		multiplication, convolution := run(programs[0]), run(programs[1])
		if i > 0 { // the first makes kernels
			shares = append(shares, convolution/multiplication)
		}
	}
	return median(shares)
}
