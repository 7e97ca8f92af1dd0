package plan

import (
	"math"
	"strings"

	"lensbench/system/graph"
	"lensbench/system/nn"
	"lensbench/torch"
)

// What PyTorch's quantize_dynamic makes of a network: linear layers with weights in 8
// bits, one scale for all of them, and inputs that are put into 8 bits when they are
// there. libtorch has no such kernel for convolutions, so those stay in float32 with
// their normalisations, and so do the projections of PyTorch's MultiheadAttention, which
// quantize_dynamic passes over.

// unfused makes steps of a graph, each of one operation.
func unfused(g *graph.Graph) ([]*step, error) {
	var all []*step
	for _, n := range g.Nodes {
		s := &step{node: n, op: n.Op, then: none}
		for _, in := range n.In {
			s.in = append(s.in, all[in.Index])
		}
		if op, ok := n.Op.(graph.Linear); ok {
			var err error
			if s.weight, s.bias, err = values(op.Layer.Weight(), op.Layer.Bias()); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// dynamic lowers what other plans fuse, by the operators of the network's own pass.
func (l *lowering) dynamic(s *step) (result, bool) {
	switch op := s.op.(type) {
	case graph.Conv:
		c := op.Layer
		padding, stride, dilation := geometry(c)
		return result{l.call(opPlainConv, l.number(s.in[0], images), c.Weight().T(), tensorOf(c.Bias()), stride, padding, dilation, max(c.Groups, 1)), images, torch.Float32, nil}, true
	case graph.BatchNorm:
		n := op.Layer
		weight, bias, mean, variance := n.Tensors()
		return result{l.call(opBatchNorm, l.number(s.in[0], images), weight, bias, mean, variance, false, 0.0, n.Eps(), true), images, torch.Float32, nil}, true
	case graph.ReLU:
		if l.last(s.in[0]) {
			return result{l.call(opReLUInPlace, l.number(s.in[0], l.layoutOf(s))), l.layoutOf(s), torch.Float32, nil}, true
		}
	case graph.Linear:
		if !passedOver(op.Layer) {
			return l.dynamicLinear(s, op.Layer), true
		}
	}
	return result{}, false
}

func tensorOf(p *nn.Param) *torch.Tensor {
	if p == nil {
		return nil
	}
	return p.T()
}

// passedOver says whether a layer belongs to PyTorch's MultiheadAttention.
func passedOver(l *nn.Linear) bool {
	return strings.HasSuffix(l.Name(), ".self_attention.in_proj") || strings.HasSuffix(l.Name(), ".self_attention.out_proj")
}

const qint8 = torch.DType(12) // of c10::ScalarType: signed

func (l *lowering) dynamicLinear(s *step, layer *nn.Linear) result {
	shape := layer.Weight().Shape
	weight := l.sc.Call(opEncode, l.tensor(torch.Float32, s.weight, int64(shape[0]), int64(shape[1])), symmetricScale(s.weight), 0, int(qint8))
	packed := l.sc.CallAll(opPackDynamic, weight, l.tensor(torch.Float32, s.bias, int64(layer.Features())))[0].(*torch.Object)
	defer packed.Free()
	const reduceRange = true // 7 bits of inputs, as quantize_dynamic does: sums of two products fit into 16 bits
	return result{l.call(opDynamicLinear, l.number(s.in[0], other), packed, reduceRange), other, torch.Float32, nil}
}

// symmetricScale is that of codes from −128 to 127 for weights around 0, as PyTorch's
// observers have it.
func symmetricScale(weight []float32) float64 {
	most := 0.
	for _, w := range weight {
		most = max(most, math.Abs(float64(w)))
	}
	return max(most/127.5, 1.1920928955078125e-7)
}
