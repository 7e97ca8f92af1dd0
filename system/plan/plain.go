package plan

import (
	"fmt"

	"lensbench/system/graph"
	"lensbench/torch"
)

// Operations between the products.

// pool pools numbers or codes: the largest code stands for the largest number. Maps that
// a ReLU made have an operator of their own.
func (l *lowering) pool(s *step, op graph.MaxPool) result {
	r := l.results[s.in[0]]
	x, kernel, stride, padding := l.arranged(s.in[0], r, images), op.Pool.Kernel[:], op.Pool.Stride[:], op.Pool.Padding[:]
	r.layout = images
	switch {
	case r.codes != nil:
		r.value = l.call(opCodedMaxPool, x, kernel, stride, padding, []int{1, 1}, false)
	case s.in[0].then == relu && !l.options.Precision.plain():
		r.value = l.call(opReLUMaxPool, x, kernel, stride, padding)
	default:
		r.value = l.call(opMaxPool, x, kernel, stride, padding, []int{1, 1}, false)
	}
	return r
}

// average is the mean over the map in float32.
func (l *lowering) average(s *step) result {
	in := s.in[0]
	if l.results[in].layout == rows {
		shape := l.shape(in)
		x := l.call(opView, l.number(in, rows), []int64{-1, shape[2] * shape[3], shape[1]})
		return result{l.call(opMean, x, []int{1}, false, torch.Float32), other, torch.Float32, nil}
	}
	return result{l.call(opMean, l.number(in, images), []int{2, 3}, false, torch.Float32), other, torch.Float32, nil}
}

// plain lowers what has one operator of libtorch's, or a few views.
func (l *lowering) plain(s *step) (result, error) {
	var in []torch.Value
	for _, operand := range s.in {
		in = append(in, l.number(operand, l.layoutOf(operand)))
	}
	r := result{layout: l.layoutOf(s), dtype: l.numberType(s.in[0])}
	switch op := s.op.(type) {
	case graph.ReLU:
		r.value = l.call(opReLU, in[0])
	case graph.GELU:
		r.value = l.call(opGELU, in[0])
	case graph.Add:
		r.value = l.call(opAdd, in[0], in[1])
	case graph.Sequence:
		r.value = l.call(opTranspose, l.call(opFlatten, in[0], 2, -1), 1, 2)
	case graph.Prefix:
		r.value = l.prefix(op, in[0], r.dtype)
	case graph.Positions:
		r.value = l.call(opAdd, in[0], l.sc.To(op.Array.T(), r.dtype))
	case graph.GridPositions:
		grid := l.shape(s.in[1])
		r.value = l.call(opAdd, in[0], l.sc.To(op.Resized(l.sc, int(grid[2]), int(grid[3])), r.dtype))
	case graph.LayerNorm:
		n := op.Layer
		r.value = l.call(opLayerNorm, in[0], []int{n.Weight().Len()}, n.Weight().T(), n.Bias().T(), n.Eps())
	case graph.Attend:
		r.value = l.attend(op, in[0], l.shape(s), r.dtype)
	case graph.First:
		r.value = l.call(opSelect, in[0], 1, 0)
	case graph.Mean:
		r.value = l.call(opMean, in[0], []int{1}, false)
	case graph.Logit:
		r.value = l.call(opSqueeze, in[0], 1)
	default:
		return r, fmt.Errorf("there is no plan for this operation")
	}
	return r, nil
}

// layoutOf is that of a step's result as the graph has it.
func (l *lowering) layoutOf(s *step) layout {
	if len(l.shape(s)) == 4 {
		return images
	}
	return other
}

// numberType is the type of a step's result as numbers.
func (l *lowering) numberType(s *step) torch.DType {
	if r := l.results[s]; r.codes == nil {
		return r.dtype
	}
	return l.floats()
}

// prefix puts the token before sequences.
func (l *lowering) prefix(op graph.Prefix, x torch.Value, dtype torch.DType) torch.Value {
	token := l.sc.To(op.Token.T(), dtype)
	// Zero times the first token of x: there are as many as x has.
	first := l.call(opSlice, x, 1, 0, 1, 1)
	tokens := l.call(opAdd, l.call(opMulScalar, first, 0.0), token)
	return l.call(opCat, []torch.Value{tokens, x}, 1)
}

// attend attends over [N L 3·D] to [N L D], in bfloat16 by an operator of ours.
func (l *lowering) attend(op graph.Attend, x torch.Value, shape []int64, dtype torch.DType) torch.Value {
	heads, length, dim := int64(op.Layer.Heads()), shape[1], shape[2]
	width := dim / heads
	if dtype == torch.BFloat16 && width%attendLanes == 0 {
		return l.call(opAttend, x, heads)
	}
	parts := l.call(opView, x, []int64{-1, length, 3, heads, width})
	parts = l.call(opPermute, parts, []int{2, 0, 3, 1, 4})
	var qkv [3]torch.Value
	for i := range qkv {
		qkv[i] = l.call(opSelect, parts, 0, i)
	}
	y := l.call(opAttention, qkv[0], qkv[1], qkv[2])
	return l.call(opReshape, l.call(opTranspose, y, 1, 2), []int64{-1, length, dim})
}

// attendLanes is what the width of a head must be a multiple of for an operator of ours.
const attendLanes = 16
