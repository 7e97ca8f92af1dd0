package plan

import (
	"lensbench/system/graph"
	"lensbench/system/nn"
	"lensbench/torch"
)

// Products in float32 and bfloat16.

// leastOutputs is the number of outputs from which on a linear layer is worth
// oneDNN's operators. Heads have one, and stay in float32 in every precision.
const leastOutputs = 16

func (l *lowering) conv(s *step, op graph.Conv) (result, error) {
	if l.options.Precision == Folded {
		return l.foldedConv(s, op.Layer), nil
	}
	c, shape := op.Layer, l.shape(s.in[0])
	height, width := int(shape[2]), int(shape[3])
	switch formOf(c, height, width) {
	case whole:
		pixels := c.Size(height) * c.Size(width)
		m := matrix{wholeMatrix(c, s.weight, height, width), repeated(s.bias, pixels), pixels * c.Out}
		return l.product(s, l.operand(s.in[0], rows), m, shape[0], rows)
	case columns:
		m := matrix{columnMatrix(c, s.weight), s.bias, c.Out}
		pixels := int64(c.Size(height) * c.Size(width))
		return l.product(s, l.columns(s.in[0], c), m, shape[0]*pixels, rows)
	}
	switch {
	case l.options.Precision == Int8:
		return l.codedConv(s, c)
	case l.options.Precision == Float32 && s.bias != nil && s.then != gelu && tiled(c, shape):
		return l.tiledConv(s, c), nil
	}
	return l.directConv(s, c)
}

// geometry is the arguments of a convolution that say where its windows are.
func geometry(c *nn.Conv2D) (padding, stride, dilation []int) {
	return []int{c.Padding, c.Padding}, []int{c.Stride, c.Stride}, []int{1, 1}
}

func (l *lowering) directConv(s *step, c *nn.Conv2D) (result, error) {
	dtype := l.floats()
	padding, stride, dilation := geometry(c)
	k := int64(c.Kernel)
	weight := l.sc.Call(opReorderConv, l.tensor(dtype, s.weight, int64(c.Out), int64(c.In), k, k), padding, stride, dilation, 1, l.shape(s.in[0]))
	bias := l.tensor(dtype, s.bias, int64(c.Out))
	x := l.number(s.in[0], images)
	out := result{layout: images, dtype: dtype}
	if s.add == nil {
		out.value = l.call(opConv, x, weight, bias, padding, stride, dilation, 1, string(s.then), []float64{}, "")
		return out, nil
	}
	then, sum := s.then.written(), l.number(s.add, images)
	if l.last(s.add) {
		out.value = l.call(opConvInto, sum, x, weight, bias, padding, stride, dilation, 1, "add", 1.0, then, []float64{}, "")
	} else {
		out.value = l.call(opConvAdd, x, sum, weight, bias, padding, stride, dilation, 1, "add", 1.0, then, []float64{}, "")
	}
	return out, nil
}

func (l *lowering) linear(s *step, op graph.Linear) (result, error) {
	m := matrix{s.weight, s.bias, op.Layer.Features()}
	in := l.shape(s.in[0])
	switch {
	case m.outputs < leastOutputs:
		return l.head(s, m), nil
	case l.options.Precision.plain():
		return l.finished(s, l.head(s, m), other), nil
	}
	n := int64(1)
	for _, d := range in[:len(in)-1] {
		n *= d
	}
	return l.product(s, l.operand(s.in[0], other), m, n, other)
}

// head is a linear layer in float32 by libtorch's own operator.
func (l *lowering) head(s *step, m matrix) result {
	x := l.number(s.in[0], other)
	if l.results[s.in[0]].dtype != torch.Float32 {
		x = l.call(opTo, x, torch.Float32)
	}
	w, b := l.tensor(torch.Float32, m.weight, int64(m.outputs), m.inputs()), l.tensor(torch.Float32, m.bias, int64(m.outputs))
	return result{l.call(opLinear, x, w, b), other, torch.Float32, nil}
}

// product multiplies n vectors x by a matrix; the sum with s.add and the activation
// go with it.
func (l *lowering) product(s *step, x result, m matrix, n int64, out layout) (result, error) {
	if l.options.Precision == Int8 {
		return l.codedProduct(s, x, m, n, out)
	}
	dtype := l.floats()
	weight, bias := l.tensor(dtype, m.weight, int64(m.outputs), m.inputs()), l.tensor(dtype, m.bias, int64(m.outputs))
	var sum *torch.Value
	if s.add != nil {
		v := l.number(s.add, out)
		if out == rows {
			v = l.unflat(s, v)
		}
		sum = &v
	}
	q := product{bias: bias, inputs: m.inputs(), outputs: int64(m.outputs), then: s.then}
	if out == other {
		shape := l.shape(s)
		q.between = shape[1 : len(shape)-1]
	}
	batch := l.shape(s)[0]
	f := l.form(productShape{batch, n / batch, q.inputs, q.outputs, s.then, sum != nil}, weight, bias)
	if f == convolved {
		l.layers["products_by_convolution"]++
	}
	q.weight = f.prepare(l.sc, weight, n)
	return result{l.flat(s, f.compute(l.program, q, x.value, sum)), out, dtype, nil}, nil
}

// A product of columns has a vector for each pixel of an image. flat makes one
// vector of them, unflat the other way.
func (l *lowering) flat(s *step, v torch.Value) torch.Value {
	if pixels, out := l.pixels(s); pixels > 1 {
		return l.call(opView, v, []int64{-1, pixels * out})
	}
	return v
}

func (l *lowering) unflat(s *step, v torch.Value) torch.Value {
	if pixels, out := l.pixels(s); pixels > 1 {
		return l.call(opView, v, []int64{-1, out})
	}
	return v
}

// pixels is the number of vectors per image in a product of columns, 1 in others,
// and the outputs of each.
func (l *lowering) pixels(s *step) (n, outputs int64) {
	c, ok := s.op.(graph.Conv)
	if !ok {
		return 1, 0
	}
	in := l.shape(s.in[0])
	if formOf(c.Layer, int(in[2]), int(in[3])) != columns {
		return 1, 0
	}
	out := l.shape(s)
	return out[2] * out[3], out[1]
}

// operand is a step's result as a product takes it.
func (l *lowering) operand(s *step, want layout) result {
	r := l.results[s]
	if l.options.Precision == Int8 {
		r = l.coded(s)
	}
	r.value = l.arranged(s, r, want)
	r.layout = want
	return r
}

// columns copies the windows of a convolution: [N·H'·W' k·k·In].
func (l *lowering) columns(s *step, c *nn.Conv2D) result {
	r := l.operand(s, images)
	v := l.call(opPermute, r.value, []int{0, 2, 3, 1})
	fill := 0.0
	if r.codes != nil {
		fill = float64(r.codes.zero)
	}
	if p := c.Padding; p > 0 {
		v = l.call(opPad, v, []int{0, 0, p, p, p, p}, fill)
	}
	k, step := int64(c.Kernel), int64(c.Stride)
	v = l.call(opUnfold, v, 1, k, step)               // [N H' W+2p C k]
	v = l.call(opUnfold, v, 2, k, step)               // [N H' W' C k k]
	v = l.call(opPermute, v, []int{0, 1, 2, 4, 5, 3}) // [N H' W' k k C]
	r.value = l.call(opReshape, v, []int64{-1, k * k * int64(c.In)})
	r.layout = rows
	return r
}
